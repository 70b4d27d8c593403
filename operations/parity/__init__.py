"""`make parity`: the same questions to the endpoint and to an account, and where the answers differ."""

"""The services a Task state can call."""

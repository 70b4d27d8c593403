"""`python -m assess folder`: is the data enough, what would come out, what does it cost, which configuration."""

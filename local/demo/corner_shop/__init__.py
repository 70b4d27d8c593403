"""`make demo DATA=generated`: a grocery shop that nobody has, made by a seed. `source` is what the loader asks."""

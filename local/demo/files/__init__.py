"""Tables as people have them (CSV of any dialect, JSON lines, Parquet, compressed, in parts), read as text."""

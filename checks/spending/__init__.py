"""What a month costs: by service, with what depends on use, and what cheaper choices would save."""

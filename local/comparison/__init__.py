"""Reviews recommendations like code: old and new lists on the same data, side by side (`make compare`)."""

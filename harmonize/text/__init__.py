"""Numbers, dates and words as text, for every message, page and table."""

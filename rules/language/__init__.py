"""The language in which rule sets are written."""

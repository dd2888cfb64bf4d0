"""The scheduled run: its site, its notices, what it keeps."""

"""The HTML report, one module a section."""

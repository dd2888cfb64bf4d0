"""The Python interface: one question, one answer, for notebooks and commands."""

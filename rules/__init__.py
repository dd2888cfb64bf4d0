"""What margins should be: rule sets written in YAML, checked and compiled."""

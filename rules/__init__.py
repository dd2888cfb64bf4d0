"""Rule sets, written in YAML, and the code that validates and compiles them."""

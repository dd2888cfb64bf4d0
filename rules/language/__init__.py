"""YAML language of rule sets: schema, inheritance, validation, compilation and pages."""

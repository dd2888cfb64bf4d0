"""What margin should be, as values: rule sets, inputs, references."""

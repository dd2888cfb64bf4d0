"""Requirements on margin, as values: rule sets, inputs and reference functions."""

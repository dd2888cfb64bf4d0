"""What users configure: .harmonize.yaml, inputs, the nightly run."""

"""User configuration: .harmonize.yaml, files of measured inputs, the nightly run."""

"""The pages of the nightly site."""

"""Pages of the nightly site."""

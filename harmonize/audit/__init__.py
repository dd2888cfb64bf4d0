"""One audit: checks, waivers and baselines, assembled into the document."""

"""The cheapest way to hold a position over venues, and what the differences are worth."""

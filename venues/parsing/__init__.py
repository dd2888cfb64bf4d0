"""From published rows to margin schedules."""

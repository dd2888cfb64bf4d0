"""What venues publish, read into margin schedules: one module a venue."""

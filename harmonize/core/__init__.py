"""What venues publish, as values: payloads, instruments, margin schedules."""

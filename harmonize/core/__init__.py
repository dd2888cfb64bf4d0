"""Values that venues publish: payloads, instruments and margin schedules."""

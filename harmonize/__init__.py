"""The domain, as values: payloads, schedules, requirements, and the audit that judges them."""

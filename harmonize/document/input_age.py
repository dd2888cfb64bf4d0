"""Limit of the age of a measured input: one for measurements, audit document, messages and pages.

The limit stands beside the document because renderers, which import nothing below it, apply it too.
"""

from datetime import timedelta

MAX_AGE_DAYS = 30
"""Days that an input may end before what it stands for, and still be current: at most so many.

What it stands for is the newest series of the underlying, the day of a calibration, a scenario or a report.
Beyond the limit a series gives no number, or the number is marked as stale. A design choice.
"""

MAX_AGE = timedelta(days=MAX_AGE_DAYS)

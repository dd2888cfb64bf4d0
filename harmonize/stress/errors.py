"""Error of a stress calculation: one line with the problem and the fix."""


class StressInputError(ValueError):
    """Input with which no stress can be calculated. The message is one line and names the fix."""

"""Reads the date from which a schedule applies: the venue's time of a contract's last change."""

from datetime import UTC, datetime
from decimal import Decimal

from harmonize.core.payload import UnreadablePayloadError
from harmonize.core.schedule import UNSTATED, Derived, Observed
from venues.fields import JsonObject, positive_number

SECOND, MILLISECOND = Decimal(1), Decimal(1000)
"""Number of the venue's time units per second."""

_DERIVATION = "time at which the venue last changed the contract's settings, which include margins"


def read_effective_date(row: JsonObject, key: str, per_second: Decimal) -> Observed[datetime]:
    """Time under ``key``; unknown if the row has no usable time."""
    try:
        seconds = positive_number(row, key, "") / per_second
        return Derived(datetime.fromtimestamp(float(seconds), tz=UTC), _DERIVATION)
    except (UnreadablePayloadError, OverflowError, ValueError, OSError):
        return UNSTATED

"""Open interest of one contract, as its venue published it: a weight, where all compared have one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """Open interest in USD of a venue's contract, by the venue's own id; where it stands, and of when."""

    venue: str
    id: str
    value: Decimal
    observed_at: datetime
    sha256: str
    pointer: str


Interests = Mapping[tuple[str, str], OpenInterest]
"""By venue and the venue's id of the contract."""


def by_contract(found: Iterable[OpenInterest]) -> Interests:
    """Keep the newest of each contract."""
    kept: dict[tuple[str, str], OpenInterest] = {}
    for one in found:
        key = (one.venue, one.id)
        if key not in kept or one.observed_at > kept[key].observed_at:
            kept[key] = one
    return kept

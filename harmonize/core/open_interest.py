"""Open interest per contract, as published: a weight where every compared contract has one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class OpenInterest:
    """Open interest of one contract, in USD, with its observation time and source.

    ``id`` is the venue's own id of the contract. ``pointer`` is the JSON pointer into the payload
    ``sha256``.
    """

    venue: str
    id: str
    value: Decimal
    observed_at: datetime
    sha256: str
    pointer: str


OpenInterestByContract = Mapping[tuple[str, str], OpenInterest]
"""Open interest by venue and the venue's id of the contract."""


def newest_by_contract(open_interests: Iterable[OpenInterest]) -> OpenInterestByContract:
    """Returns the newest open interest per contract."""
    newest: dict[tuple[str, str], OpenInterest] = {}
    for open_interest in open_interests:
        key = (open_interest.venue, open_interest.id)
        if key not in newest or open_interest.observed_at > newest[key].observed_at:
            newest[key] = open_interest
    return newest

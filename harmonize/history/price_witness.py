"""Prices of other venues in the same night, which tell a market's move from a misplaced decimal point."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from statistics import median

from harmonize.archive.archive import Archive, ArchiveError
from harmonize.archive.catalog import Entry
from harmonize.core.payload import Origin
from venues import facts, registry

AGREEMENT = Decimal("1.1")
"""Largest ratio between two venues' prices of one asset that counts as agreement."""

SAME_NIGHT = timedelta(hours=12)
"""Largest time between two observations that may confirm one another."""

Confirms = Callable[[str, Decimal], bool]
"""Tells whether another venue confirms the price of an asset, in USD per coin."""


def nobody(_: str, __: Decimal) -> bool:
    """Confirms no price, where no other venue is at hand."""
    return False


def witnesses(archive: Archive, entries: Sequence[Entry]) -> Callable[[Entry], Confirms]:
    """Returns the confirmation of prices for an entry by entries of other venues.

    The median of their prices decides. Only those that precede the entry in the archive count, so that
    later entries do not change what was decided.
    """

    @lru_cache(maxsize=64)
    def prices(entry: Entry) -> dict[str, tuple[Decimal, ...]]:
        return _prices(archive, entry)

    def of_entry(entry: Entry) -> Confirms:
        def confirms(asset: str, price: Decimal) -> bool:
            known = [
                own
                for other in entries
                if _is_witness(other, entry)
                for own in prices(other).get(asset, ())
            ]
            return bool(known) and 1 / AGREEMENT <= price / median(known) <= AGREEMENT

        return confirms

    return of_entry


def _is_witness(other: Entry, entry: Entry) -> bool:
    """Whether an entry of another venue precedes ``entry`` in the archive, in the same night."""
    return (
        abs(other.observed_at - entry.observed_at) <= SAME_NIGHT
        and other.venue != entry.venue
        and other.sequence < entry.sequence
        and not other.pruned
        and not other.failed
        and registry.find_adapter(other.venue) is not None
    )


def _prices(archive: Archive, entry: Entry) -> dict[str, tuple[Decimal, ...]]:
    """Returns the prices with which a venue's schedules were converted, per coin of each asset."""
    try:
        snapshot = archive.read(entry)
    except ArchiveError:
        return {}
    found: dict[str, set[Decimal]] = {}
    for schedule in registry.read(snapshot, facts.bundled()).schedules:
        conversion = schedule.evidence[0].conversion
        underlying = schedule.instrument.underlying
        for factor in conversion.factors if conversion else ():
            if "price" in factor.name and factor.origin is Origin.LIVE:
                per_coin = factor.value / underlying.multiplier
                found.setdefault(underlying.asset, set()).add(per_coin)
    return {asset: tuple(sorted(own)) for asset, own in found.items()}

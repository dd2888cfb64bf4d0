"""Rates that a venue states once for an instrument, whatever the size of the position."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from harmonize.core.instrument import Instrument
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Parsed
from venues.facts import Facts
from venues.fields import Row, positive, read_rows
from venues.parsing import tier_tables
from venues.parsing.formulas import ONLY_LEVERAGE
from venues.parsing.units import currency

_AS_RATE: Mapping[str, Callable[[Decimal], Decimal]] = {
    "rate": lambda published: published,
    "leverage": tier_tables.inverse,
    "percent": lambda published: published / 100,
    "1/10000": lambda published: published / 10000,
}

NO_MAINTENANCE = "the venue publishes no maintenance margin"


@dataclass(frozen=True, slots=True)
class PublishedRate:
    """A figure as the venue states it: its key in the row, and the unit it is in."""

    key: str
    unit: str = "rate"

    def read(self, row: Row, at: str) -> Decimal:
        """The figure as a rate above 0 and at most 1. Raises UnreadablePayloadError."""
        value = _AS_RATE[self.unit](positive(row, self.key, at))
        if value > 1:
            reason = f"gives a margin rate of {value:f}, above 1"
            raise UnreadablePayloadError(where=f"{at}/{self.key}", reason=reason)
        return value

    def column(self, figure: str) -> Column:
        """Where the figure stands in its row."""
        return Column(figure, f"/{self.key}", self.unit)


LEVERAGE = PublishedRate("maxLeverage", "leverage")


def only_leverage(
    payload: Payload, row: Row, at: str, listed: Instrument, stated: PublishedRate = LEVERAGE
) -> tier_tables.TierTable:
    """The least IM under the one leverage limit that is published; MM is unknown."""
    return tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=(Tier(INFINITY, stated.read(row, at), None),),
        rows=(at,),
        columns=(stated.column("initial"),),
        usd=currency(listed, "USD"),
        no_maintenance=NO_MAINTENANCE,
        exclusion_reason=ONLY_LEVERAGE,
        notes=("IM is the least the venue asks: 1 / its largest leverage, whatever the size.",),
    )


def both(  # noqa: PLR0913, PLR0917 - where a row is, and what it says
    payload: Payload,
    row: Row,
    at: str,
    listed: Instrument,
    initial: PublishedRate,
    maintenance: PublishedRate,
    *,
    mode: MarginMode = MarginMode.ANY,
    doubts: tuple[str, ...] = (),
    unverified: tuple[str, ...] = (),
    exclusion_reason: str = "",
) -> tier_tables.TierTable:
    """One IM rate and one MM rate. Raises UnreadablePayloadError: either is missing or no rate."""
    return tier_tables.TierTable(
        payload=payload,
        instrument=listed,
        profile=Profile(mode),
        tiers=(Tier(INFINITY, initial.read(row, at), maintenance.read(row, at)),),
        rows=(at,),
        columns=(initial.column("initial"), maintenance.column("maintenance")),
        usd=currency(listed, "USD"),
        doubts=doubts,
        unverified=unverified,
        exclusion_reason=exclusion_reason,
    )


def parsed(  # noqa: PLR0913, PLR0917 - what reading a list takes
    snapshot: Snapshot,
    facts: Facts,
    method: str,
    keys: tuple[str, ...],
    build: Callable[[Payload, Row, str], Iterable[tier_tables.TierTable]],
    symbol_key: str = "symbol",
) -> Parsed:
    """Read every row of one list of instruments."""
    defects: list[Defect] = []
    found = read_rows(snapshot.answers(method), keys, build, defects, symbol_key)
    return tier_tables.parsed(snapshot, found, facts, defects)

"""Builds schedules from rates that are published for an instrument without a position size.

They hold at every size only if a fact states so; otherwise they are lower bounds.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from harmonize.core.instrument import Instrument
from harmonize.core.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import INFINITY, MarginMode, Profile, Tier
from venues.adapter import Parsed
from venues.facts import Facts
from venues.fields import JsonObject, positive_number, read_rows
from venues.parsing import tier_tables
from venues.parsing.formulas import ONLY_LEVERAGE
from venues.parsing.leverage_rates import initial_rate, leverage_columns
from venues.parsing.units import currency_to_usd

_AS_RATE: Mapping[str, Callable[[Decimal], Decimal]] = {
    "rate": lambda published: published,
    "leverage": tier_tables.leverage_to_rate,
    "percent": lambda published: published / 100,
    "1/10000": lambda published: published / 10000,
}

NO_MAINTENANCE = "the venue publishes no maintenance margin"


@dataclass(frozen=True, slots=True)
class PublishedRate:
    """Margin rate as published: its key in the row, and its unit.

    ``leverage`` is the key of the maximum leverage that the row states for the same rate, of which
    the printed rate may be a rounding; empty if there is none.
    """

    key: str
    unit: str = "rate"
    leverage: str = ""

    def read(self, row: JsonObject, pointer: str) -> Decimal:
        """Margin rate, above 0 and at most 1. Raises UnreadablePayloadError."""
        value = _AS_RATE[self.unit](positive_number(row, self.key, pointer))
        if self.leverage:
            value = initial_rate(value, row, self.leverage, pointer)
        if value > 1:
            reason = f"expected a margin rate of at most 1, found {value:f}"
            raise UnreadablePayloadError(where=f"{pointer}/{self.key}", reason=reason)
        return value

    def column(self, margin_type: str) -> Column:
        """Location of the rate in its row, as a column of ``margin_type``."""
        return Column(margin_type, f"/{self.key}", self.unit)


LEVERAGE = PublishedRate("maxLeverage", "leverage")


def table_from_leverage(
    payload: Payload,
    row: JsonObject,
    pointer: str,
    instrument: Instrument,
    limit: PublishedRate = LEVERAGE,
) -> tier_tables.TierTable:
    """Table with the lowest IM under the published leverage limit, a lower bound; MM is unknown."""
    return tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(MarginMode.ANY),
        tiers=(Tier(INFINITY, limit.read(row, pointer), None),),
        rows=(pointer,),
        columns=(limit.column("initial"),),
        usd=currency_to_usd(instrument, "USD"),
        no_maintenance=NO_MAINTENANCE,
        exclusion_reason=ONLY_LEVERAGE,
        notes=("IM is a lower bound: 1 / maximum leverage. The venue publishes no position size.",),
    )


def table_from_rates(  # noqa: PLR0913, PLR0917 - a row with its location, and its two rates
    payload: Payload,
    row: JsonObject,
    pointer: str,
    instrument: Instrument,
    initial: PublishedRate,
    maintenance: PublishedRate,
    *,
    mode: MarginMode = MarginMode.ANY,
    doubts: tuple[str, ...] = (),
    unverified: tuple[str, ...] = (),
    exclusion_reason: str = "",
) -> tier_tables.TierTable:
    """Table with one IM rate and one MM rate, without a position size.

    Raises UnreadablePayloadError if either rate is missing or not a rate.
    """
    return tier_tables.TierTable(
        payload=payload,
        instrument=instrument,
        profile=Profile(mode),
        tiers=(Tier(INFINITY, initial.read(row, pointer), maintenance.read(row, pointer)),),
        rows=(pointer,),
        columns=(
            initial.column("initial"),
            maintenance.column("maintenance"),
            *(leverage_columns((row,), initial.leverage) if initial.leverage else ()),
        ),
        usd=currency_to_usd(instrument, "USD"),
        doubts=doubts,
        unverified=unverified,
        exclusion_reason=exclusion_reason,
    )


def parse_rows(  # noqa: PLR0913, PLR0917 - a list, its location and its row parser
    snapshot: Snapshot,
    facts: Facts,
    method: str,
    keys: tuple[str, ...],
    build: Callable[[Payload, JsonObject, str], Iterable[tier_tables.TierTable]],
    symbol_key: str = "symbol",
) -> Parsed:
    """Parses every row of one list of instruments into schedules."""
    defects: list[Defect] = []
    tables = read_rows(snapshot.answers(method), keys, build, defects, symbol_key)
    return tier_tables.build_schedules(snapshot, tables, facts, defects)

"""The message on a symbol without a schedule, with the symbol that may be meant."""

import re
from collections.abc import Collection, Mapping, Sequence

from harmonize.audit.assemble import Reading
from harmonize.comparison.representative import VenueUnderlying, preferred
from harmonize.core.schedule import MarginSchedule
from harmonize.text.suggest import did_you_mean, similar_name
from harmonize.text.words import first_words

_MAX_SYMBOLS = 3
"""Largest number of symbols that an error names."""


def no_schedule(venue: str, symbol: str, reading: Reading, profiles: Sequence[str]) -> str:
    """Returns why a venue has no schedule of a symbol, with the symbol that may be meant.

    ``profiles`` are those in which the venue has it; none of them was selected.
    """
    broken = [d for d in reading.defects if d.symbol and symbol.startswith(d.symbol)]
    if broken:
        return f"cannot read {venue} {symbol}: {broken[0].where}: {broken[0].reason}"
    if profiles:
        return (
            f"{venue} has no {symbol} with this profile; use --profile with {' or '.join(profiles)}"
        )
    symbols = {schedule.instrument.symbol for schedule in reading.schedules}
    similar = similar_symbol(symbol, reading.schedules) or similar_name(symbol, symbols)
    if similar:
        return f"{venue} has no schedule of {symbol} in the archive; did you mean {similar}?"
    return f"{venue} has no schedule of {symbol} in the archive"


def similar_symbol(name: str, schedules: Collection[MarginSchedule]) -> str:
    """Returns the symbol of the schedule that a name of an underlying stands for; empty without one.

    ETH, eth, ETHUSDT and ETH-USDT stand for the representative schedule on ETH.
    """
    base = re.split(r"[-/_:. ]", name, maxsplit=1)[0].upper()
    own = [s for s in schedules if s.instrument.underlying.asset.upper() == base]
    if not own:
        quoted = ((s, s.instrument.quote.upper()) for s in schedules)
        own = [
            schedule
            for schedule, quote in quoted
            if base == f"{schedule.instrument.underlying.asset.upper()}{quote}"
        ]
    return preferred(own).instrument.symbol if own else ""


def no_instrument(
    instruments: Mapping[VenueUnderlying, str], reading: Reading, key: VenueUnderlying
) -> str:
    """Returns why a preferred symbol represents no venue, with the symbol that may be meant."""
    (venue, asset), symbol = key, instruments[key]
    symbols = sorted(
        schedule.instrument.symbol
        for schedule in reading.schedules
        if (schedule.instrument.venue, schedule.instrument.underlying.asset) == key
    )
    fallback = f"use {first_words(symbols, _MAX_SYMBOLS)}" if symbols else "none was observed"
    fix = did_you_mean(symbol, symbols, fallback)
    return f"{venue} has no schedule {symbol} on {asset}{fix}"

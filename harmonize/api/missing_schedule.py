"""The message on a symbol without a schedule, with the symbol that may be meant."""

import re
from collections.abc import Collection, Sequence

from harmonize.audit.assemble import Reading
from harmonize.comparison.representative import preferred
from harmonize.core.schedule import MarginSchedule
from harmonize.text.suggest import similar_name


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

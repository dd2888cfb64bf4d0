"""Words of a stress on one underlying: amounts, falls, ranges, dates and marks."""

from collections.abc import Iterator, Sequence

from harmonize.document import (
    StressMarketRow,
    StressPointRow,
    StressRow,
    StressSensitivityRow,
)
from harmonize.text import numbers
from harmonize.text.words import join_words

LIQUIDATED, MOVE, LOSS = "liquidated notional", "move", "loss beyond margin"
"""Metrics of effects."""

METRIC_NAMES = {LIQUIDATED: "Liquidated", MOVE: "Total fall", LOSS: "Loss beyond margin"}
"""Names of the metrics in tables."""

HARMONIZED = "harmonized-baseline"
"""Rule set whose curve is drawn beside today's; without it, the first one."""

WHOLE = "reference"
"""Change to IM and MM of a rule set; those to one of them are ``reference=im`` and ``reference=mm``."""

REACTIONS = "notional kept / margin kept"
"""Order of two numbers that differ by the reaction of traders."""

IF_LEVERAGE = "if one assumption on leverage is halved or doubled"
"""What the range of leverage means, which is stated with every result."""

_LEVERAGE = "leverage, "
"""Beginning of the names of assumptions on the leverage of traders: its median, and its spread."""

_NO_FALL = 1e-9
"""Fall that is a rounding error."""

_LEAST_FALL = 1e-5
"""Smallest fall with digits: 0.001 %."""

_WHOLE_RATIO = 100.0
"""Ratio from which it has no decimals."""

_INTEREST = "open interest"
"""Assumption with the mark of the open interest."""


def at_shock(row: StressRow) -> list[StressPointRow]:
    """Returns the outcomes of the row's shock, smallest liquidity multiplier first."""
    points = [point for point in row.points if point.shock == row.shock]
    return sorted(points, key=lambda point: point.liquidity)


def multiplier(liquidity: float) -> str:
    """Returns a liquidity multiplier: ``4×``."""
    return f"{liquidity:g}×"


def fall_text(fall: float | None) -> str:
    """Returns a fall or move with three digits: the figures of an assumed book have no more.

    A rounding error is ``0 %``, and a smaller fall than 0.001 % is ``<0.001 %``.
    """
    if fall is None:
        return numbers.NOT_OBSERVABLE
    if abs(fall) < _LEAST_FALL:
        return f"{'0' if abs(fall) <= _NO_FALL else '<0.001'}{numbers.NBSP}%"
    return f"{fall * 100:.3g}{numbers.NBSP}%"


def both(values: Sequence[str]) -> str:
    """Returns the numbers of both reactions of traders: one if they are equal."""
    return " / ".join(dict.fromkeys(values))


def span(values: Sequence[str]) -> str:
    """Returns a range from the first to the last number: one if they are equal."""
    return " to ".join(dict.fromkeys(values))


def simulated(row: StressRow) -> str:
    """Returns what the longs are, as the end of "of those"."""
    return "simulated" if row.is_synthetic else "given"


def validation_words(row: StressRow) -> str:
    """Returns how many times what was recorded the model states, or that nothing was recorded."""
    known = [
        f"on {own.days} recorded days at {own.venue} the model states {ratio_text(own.ratio)} times what was"
        " liquidated"
        for own in row.validation
        if own.ratio is not None
    ]
    return "; ".join(known) or "no recorded liquidation validates it"


def ratio_text(ratio: float) -> str:
    """Returns a ratio of modelled to recorded amounts, everywhere with two digits: ``0.036``."""
    return f"{ratio:.2g}" if ratio < _WHOLE_RATIO else f"{ratio:,.0f}"


def leverage_range(row: StressRow, digits: int = 3) -> tuple[str, ...]:
    """Returns the least and largest liquidated notional with one assumption on leverage halved or doubled.

    Empty if none is known.
    """
    figures = [
        figure
        for own in row.sensitivity
        if own.name.startswith(_LEVERAGE)
        for figure in (own.halved, own.base, own.doubled)
    ]
    if not figures:
        return ()
    return numbers.usd(min(figures), digits), numbers.usd(max(figures), digits)


def spread(row: StressSensitivityRow) -> float:
    """Returns the largest less the smallest of the three figures of an assumption, in USD."""
    figures = (row.base, row.halved, row.doubled)
    return max(figures) - min(figures)


def dates_text(row: StressRow) -> str:
    """Returns the dates of everything measured, each with its mark, as one sentence."""
    return f"{capital(dates_line(row))}."


def capital(words: str) -> str:
    """Returns words that begin a sentence."""
    return f"{words[:1].upper()}{words[1:]}"


def short_dates(row: StressRow) -> str:
    """Returns the dates of margins and open interest, and the mark of leverage, as one sentence."""
    parts = [f"margins {numbers.date_range(row.oldest, row.newest)}"]
    if interest := interest_dates(row):
        parts.append(f"open interest {interest} ({interest_mark([row])})")
    if row.is_synthetic:
        parts.append(f"leverage {_leverage_marks(row)}")
    return f"{capital('; '.join(parts))}."


def dates_line(row: StressRow) -> str:
    """Returns the dates of margins, open interest, volatility and leverage, with their marks."""
    parts = [f"margins {numbers.date_range(row.oldest, row.newest)}"]
    if interest := interest_dates(row):
        parts.append(f"open interest {interest} ({interest_mark([row])})")
    if at_shock(row):
        parts += _market_parts(row.market)
    if row.is_synthetic:
        parts.append(f"leverage {_leverage_source(row)}({_leverage_marks(row)})")
    return "; ".join(parts)


def _market_parts(market: StressMarketRow) -> Iterator[str]:
    """Yields to when volatility and volume are measured; nothing of one that is not observable."""
    if market.volatility is not None and market.last:
        yield f"volatility to {numbers.date(market.last)} ({volatility_mark(market)})"
    if market.daily_volume is not None and market.volume_last:
        mark = _measured(is_stale=market.is_volume_stale)
        yield f"volume to {numbers.date(market.volume_last)} ({mark})"


def volatility_mark(market: StressMarketRow) -> str:
    """Returns the mark of the volatility, and of the price at the end of its candles."""
    return _measured(is_stale=market.is_volatility_stale)


def interest_mark(rows: Sequence[StressRow]) -> str:
    """Returns the mark of the open interest of underlyings, as their assumptions state it."""
    marks = [own.mark for row in rows for own in row.defaults if own.name == _INTEREST]
    stale = [mark for mark in marks if "stale" in mark]
    if stale and len(rows) > len(stale):
        return "measured, some stale"
    return _measured(is_stale=bool(stale))


def _measured(*, is_stale: bool) -> str:
    return "measured, stale" if is_stale else "measured"


def _leverage_source(row: StressRow) -> str:
    """Returns place and month of the sample of leverage, as the assumption states them."""
    basis = next((own.basis for own in row.defaults if own.name == "effective leverage"), "")
    return f"{basis.partition(':')[0]} " if ":" in basis else ""


def _leverage_marks(row: StressRow) -> str:
    """Returns where leverage was measured, and that it is assumed elsewhere."""
    measured = [own.venue for own in row.venues if own.leverage_mark == "measured"]
    if not measured:
        return "assumed"
    if len(measured) == len(row.venues):
        return "measured"
    return f"measured at {join_words(measured)}, assumed elsewhere"


def interest_dates(row: StressRow) -> str:
    """Returns the dates of the open interest; empty if positions were given."""
    times = sorted(own.open_interest_at for own in row.venues if own.open_interest_at)
    return numbers.date_range(times[0], times[-1]) if times else ""


def book_text(row: StressRow) -> str:
    """Returns on how many venues positions are simulated, of those with open interest."""
    count = numbers.count_text(len(row.venues), "venue")
    if not row.is_synthetic:
        return f"given positions on {count}"
    others = [own.venue for own in row.not_observable if own.reason != _NO_INTEREST]
    if not others:
        return f"{count} with open interest and margins"
    return f"{count} with open interest and margins; without margins: {join_words(others, 3)}"


_NO_INTEREST = "open interest is not observed"

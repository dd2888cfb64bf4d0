"""Figures of tests against past prices in words: times, shares, zones, p-values and candles."""

from harmonize.document import AdequacyRow, BreachRow, ClearingRow, CoverageTest, HoldingRow
from harmonize.text import numbers
from harmonize.text.numbers import NBSP

MARGIN_NAMES = {"maintenance": "MM", "buffer": f"IM{NBSP}−{NBSP}MM", "initial": "IM"}
"""Margins whose holding time is measured, in the order of the page, with their names."""

_UNITS = (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0))
_BOUND_SIGNS = {"shorter": "<", "longer": ">"}
_LEAST_P_VALUE = 0.001
_SHORTEST = 0.1  # seconds


def level_text(level: float | None) -> str:
    """Returns the level of the moves: ``99 %``."""
    return f"{level * 100:g}{NBSP}%" if level is not None else numbers.NOT_OBSERVABLE


def duration(seconds: float) -> str:
    """Returns a length of time with two significant digits: ``12 min``, ``3.4 h``."""
    if seconds < _SHORTEST:
        return f"<{_SHORTEST:g}{NBSP}s"
    unit, length = next(((name, size) for name, size in _UNITS if seconds >= size), _UNITS[-1])
    return f"{float(f'{seconds / length:.2g}'):,g}{NBSP}{unit}"


def holding_time(holding: HoldingRow) -> str:
    """Returns how long a margin holds: ``20 min``, ``<15 min`` or ``>5 d``; empty if not observable."""
    return "" if holding.seconds is None else _bounded(holding.bound, holding.seconds)


def holding_range(holding: HoldingRow) -> str:
    """Returns the interval of a holding time and the time by √t: ``19 min to 21 min; √t 14 min``."""
    parts = []
    if holding.bound == "measured":
        shortest = _bounded(holding.shortest_bound, holding.shortest)
        parts.append(f"{shortest} to {_bounded(holding.longest_bound, holding.longest)}")
    if holding.by_square_root is not None:
        parts.append(f"√t{NBSP}{duration(holding.by_square_root)}")
    return "; ".join(parts)


def _bounded(bound: str, seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    return f"{_BOUND_SIGNS.get(bound, '')}{duration(seconds)}"


def share(test: CoverageTest) -> str:
    """Returns the share of moves above the margin; empty if not observable.

    Without a breach, it states the share that the moves still permit: ``0 %, ≤ 0.4 %``.
    """
    if test.breach_rate is None:
        return ""
    if test.rate_at_most is not None and not test.breaches:
        return f"{numbers.rate(0.0)}, ≤{NBSP}{numbers.rate(test.rate_at_most)}"
    return numbers.rate(test.breach_rate)


def counts(test: CoverageTest) -> str:
    """Returns breaches and observations: ``273 of 680``; empty if not observable."""
    if test.breaches is None or test.observations is None:
        return ""
    return f"{numbers.count(test.breaches)} of {numbers.count(test.observations)}"


ONE_CANDLE = "*"
"""Mark of a share over one candle, which is no verdict on the size of the position."""


def window(row: AdequacyRow) -> str:
    """Returns the counts after liquidations with their window: ``273 of 680 in 15 min``.

    A window of one candle, without a verdict on the size, is marked.
    """
    test = row.after_liquidation
    known = counts(test)
    mark = "" if row.close_out_seconds is not None else ONE_CANDLE
    return f"{known} in {duration(test.seconds)}{mark}" if known else ""


def share_after(row: AdequacyRow) -> str:
    """Returns the share after liquidations; a lower bound is marked: ``≥ 12.5 %``."""
    known = share(row.after_liquidation)
    return f"≥{NBSP}{known}" if known and row.is_at_least else known


def covered(row: ClearingRow) -> str:
    """Returns the share of moves that IM covered; empty if not observable."""
    rate = row.test.breach_rate
    return "" if rate is None else numbers.rate(1.0 - rate)


def p_value(value: float | None) -> str:
    """Returns a p-value with three decimal places: ``0.088``, ``<0.001``."""
    if value is None:
        return numbers.NOT_OBSERVABLE
    return f"<{_LEAST_P_VALUE}" if value < _LEAST_P_VALUE else f"{value:.3f}"


def zone_counts(row: ClearingRow) -> str:
    """Returns zone and breaches: ``red; 514 of 2,051``; without a breach, the share still possible."""
    at_most = row.test.rate_at_most
    possible = f"≤{NBSP}{numbers.rate(at_most)}" if at_most is not None else ""
    return "; ".join(filter(None, (row.zone, counts(row.test), possible)))


def p_values(row: ClearingRow) -> str:
    """Returns the p-values of Kupiec, Christoffersen, conditional coverage and Z₂; empty if untested."""
    values = (row.kupiec, row.christoffersen, row.conditional, row.shortfall)
    return "" if values == (None,) * len(values) else f"p{NBSP}{', '.join(map(p_value, values))}"


def series_text(row: AdequacyRow) -> str:
    """Returns the series of the close-out, otherwise all that speak for the venue."""
    own = row.after_liquidation.series or row.every_window.series
    return own or ", ".join(row.series)


def worst_breaches(row: AdequacyRow) -> tuple[BreachRow, ...]:
    """Returns the worst breaches of the headline, otherwise of all windows."""
    return row.after_liquidation.worst or row.every_window.worst


def worst_days(row: AdequacyRow) -> list[str]:
    """Returns the UTC days of the worst breaches, worst first: ``2025-10-10``."""
    return list(dict.fromkeys(breach.end[:10] for breach in worst_breaches(row)))


def reasons(row: AdequacyRow) -> list[str]:
    """Returns why figures of a verdict are unknown, each with the figures that it concerns."""
    named = [(MARGIN_NAMES[part.margin], part.reason) for part in row.holding]
    named += [
        ("after a liquidation", row.after_liquidation.reason),
        ("all windows", row.every_window.reason),
        ("close-out time", row.volume_reason),
        ("clearing", row.clearing_reason),
        *((f"{part.days}{NBSP}d", part.test.reason) for part in row.clearing),
        ("verdict", row.reason),
    ]
    by_reason: dict[str, list[str]] = {}
    for name, reason in named:
        if reason:
            by_reason.setdefault(reason, []).append(name)
    return [f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()]


def price(value: float) -> str:
    """Returns a price as its series states it: ``112,137.6``."""
    return f"{value:,.10g}"


def candle_time(opened: str) -> str:
    """Returns the opening of a candle to the minute: ``2025-10-10 21:00``."""
    return numbers.parse_utc(opened).strftime("%Y-%m-%d %H:%M")


def disputed(breach: BreachRow) -> str:
    """Returns a note if another source contradicts a close of a breach; empty otherwise."""
    return "; close disputed by another source" if breach.disputed else ""


def candles(breach: BreachRow) -> str:
    """Returns both candles of a breach with their prices, and the files that hold them."""
    return (
        f"{price(breach.start_close)}, close of {candle_time(breach.start)}, to"
        f" {price(breach.end_price)}, {breach.price} of {candle_time(breach.end)} UTC;"
        f" {numbers.rate(breach.uncovered)} uncovered; {', '.join(breach.sources)}{disputed(breach)}"
    )

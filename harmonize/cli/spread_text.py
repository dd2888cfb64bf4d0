"""Cross-venue spreads as text for a terminal."""

from collections.abc import Iterator, Sequence

from harmonize.document import Gap, SpreadPoint

_WORDS = {"initial": "initial margin", "maintenance": "maintenance margin"}


def text(gaps: Sequence[Gap]) -> str:
    """Write spreads at the ladder, then who is cheapest on which range of notional."""
    return "".join(f"{line}\n" for gap in gaps for line in _lines(gap))


def _lines(gap: Gap) -> Iterator[str]:
    yield f"{gap.underlying} {_WORDS[gap.figure]}, {len(gap.venues)} venues, dates {gap.oldest[:10]} to {gap.newest[:10]}"
    yield (
        f"{'notional':>16} {'least':>16} {'most':>16} {'spread':>16} {'in a year':>14} "
        f"{'leverage':>15}  cheapest / dearest"
    )
    for one in gap.points:
        yield (
            f"{one.notional:>16,.0f} {one.least:>16,.2f} {one.most:>16,.2f} {one.spread:>16,.2f} "
            f"{one.annual_cost:>14,.2f} {_leverages(one):>15}  "
            f"{', '.join(one.cheapest)} / {', '.join(one.dearest)}"
        )
    for interval in gap.intervals:
        upper = "above" if interval.upper is None else f"to {interval.upper:,.0f}"
        leaders = f"{', '.join(interval.cheapest)} / {', '.join(interval.dearest)}"
        widest = (
            f"at most {interval.widest:.4%} of notional apart, at {interval.widest_notional:,.0f}"
        )
        yield f"{interval.lower:>16,.0f} {upper:<22} {leaders}; {widest}"
    yield ""


def _leverages(point: SpreadPoint) -> str:
    return f"{point.highest_leverage:.4g}x / {point.lowest_leverage:.4g}x"

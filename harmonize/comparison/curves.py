"""Points of margin-rate curves for charts; a marginal rate is curved between its bounds."""

from collections.abc import Iterable, Iterator, Sequence
from math import inf, log10

from harmonize.comparison.layout import MARGIN_TYPES, FunctionRef, PanelLayout
from harmonize.comparison.offers import is_unobserved_above
from harmonize.comparison.peers import PeerGroup, exclusion_reason
from harmonize.core.schedule import MarginSchedule, piece_margin
from harmonize.document import Curve
from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.rounding import rounded, rounded_all

LOWER = 1e3
"""Notional at which curves begin, in USD."""

UPPER = 1e9
"""Notional at which curves end, in USD, unless the capacity is smaller."""

MAX_LINES = 16
"""Number of lines that a reader can distinguish in one chart."""

_PER_DECADE = 8  # points of a curved section; no corner is visible at this density


def build_curves(peer_groups: Sequence[PeerGroup], layout: PanelLayout) -> tuple[Curve, ...]:
    """Returns the IM and MM curves of every venue and every reference schedule.

    A chart that would have more than ``MAX_LINES`` venues omits those that are excluded from
    cross-venue statistics.
    """
    return tuple(
        curve
        for peers in peer_groups
        for margin_type in MARGIN_TYPES
        for curve in (
            *_venue_curves(peers, margin_type, layout),
            *_reference_curves(peers.underlying, margin_type, layout),
        )
    )


def _venue_curves(peers: PeerGroup, margin_type: str, layout: PanelLayout) -> Iterator[Curve]:
    observed = [
        (function, schedule)
        for row, schedule in zip(peers.rows, peers.schedules, strict=True)
        if (function := layout.published[margin_type][row]) is not None
    ]
    for function, schedule in observed:
        is_included = not exclusion_reason(schedule)
        if len(observed) <= MAX_LINES or is_included:
            known_up_to = float(schedule.known_up_to)
            notional, rate = _points(layout, function, known_up_to)
            yield Curve(
                underlying=peers.underlying,
                margin_type=margin_type,
                name=schedule.instrument.venue,
                is_reference=False,
                included=is_included,
                notional=notional,
                rate=rate,
                known_up_to=None if known_up_to == inf else known_up_to,
                end=_end(schedule, min(function.limit, UPPER)),
            )


def _end(schedule: MarginSchedule, top: float) -> str:
    """Returns why a curve ends before the end of the axis; empty if it does not."""
    if top >= UPPER:
        return ""
    return "not observed" if is_unobserved_above(schedule, top) else "capacity"


def _reference_curves(underlying: str, margin_type: str, layout: PanelLayout) -> Iterator[Curve]:
    for rule in layout.schedules():
        reference = rule.reference(underlying, margin_type)
        if reference is not None:
            notional, rate = _points(layout, reference)
            yield Curve(
                underlying=underlying,
                margin_type=margin_type,
                name=rule.applied.rule_set.id,
                is_reference=True,
                included=True,
                notional=notional,
                rate=rate,
            )


def _points(
    layout: PanelLayout, function: FunctionRef, known_up_to: float = inf
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns notionals and rates of one function; a jump has two points at its bound.

    There are also two points at ``known_up_to``.
    """
    top = min(function.limit, UPPER)
    notionals: list[float] = []
    rates: list[float] = []
    pieces = layout.pieces(function.function)
    for lower, upper, fixed, rate, coefficient, power in _cut(pieces, known_up_to):
        begin, end = max(lower, LOWER), min(upper, top)
        if end <= begin:
            continue
        is_curved = fixed or coefficient
        steps = 1 + (int(rounded(log10(end / begin) * _PER_DECADE)) if is_curved else 0)
        between = [begin * (end / begin) ** (step / steps) for step in range(1, steps)]
        at = [begin, *rounded_all(between), end]
        notionals += at
        rates += [piece_margin(fixed, rate, coefficient, power, size) / size for size in at]
    return tuple(notionals), rounded_all(rates)


def _cut(pieces: Iterable[PieceNumbers], at: float) -> Iterator[PieceNumbers]:
    """Yields the pieces, with the one that contains a notional cut there."""
    for piece in pieces:
        if piece[0] < at < piece[1]:
            yield (piece[0], at, *piece[2:])
            yield (at, *piece[1:])
        else:
            yield piece

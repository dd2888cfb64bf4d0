"""Margin rates against notional, as points to draw: between bounds a marginal rate is curved."""

from collections.abc import Sequence

import numpy as np

from harmonize.comparison.layout import FIGURES, FunctionRef, PanelLayout
from harmonize.comparison.peers import PeerGroup, exclusion_reason
from harmonize.document import Curve

LOWER = 1e3
"""Where curves begin, in USD."""

UPPER = 1e9
"""Where they end, in USD, or earlier at a capacity."""

MOST = 16
"""Lines that can be told apart in one drawing."""

_PER_DECADE = 8  # points of a curved stretch: the eye sees no corner at this density


def curves(all_: Sequence[PeerGroup], laid_out: PanelLayout) -> tuple[Curve, ...]:
    """Draw every venue's IM and MM of the given underlyings, and the reference schedules.

    Where there are too many, only those that count in cross-venue figures.
    """
    found = []
    for rivals in all_:
        for figure in FIGURES:
            known = [
                (placed, schedule)
                for row, schedule in zip(rivals.rows, rivals.schedules, strict=True)
                if (placed := laid_out.own[figure][row]) is not None
            ]
            for placed, schedule in known:
                if len(known) <= MOST or not exclusion_reason(schedule):
                    notional, rate = _points(laid_out, placed)
                    found.append(
                        Curve(
                            underlying=rivals.underlying,
                            margin_type=figure,
                            name=schedule.instrument.venue,
                            is_reference=False,
                            included=not exclusion_reason(schedule),
                            notional=notional,
                            rate=rate,
                        )
                    )
            for rule in laid_out.schedules():
                reference = rule.reference(rivals.underlying, figure)
                if reference is not None:
                    notional, rate = _points(laid_out, reference)
                    found.append(
                        Curve(
                            underlying=rivals.underlying,
                            margin_type=figure,
                            name=rule.applied.rule_set.id,
                            is_reference=True,
                            included=True,
                            notional=notional,
                            rate=rate,
                        )
                    )
    return tuple(found)


def _points(
    laid_out: PanelLayout, placed: FunctionRef
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Points of one function; a jump carries two at its bound."""
    panel = laid_out.panel
    part = slice(panel.first[placed.function], panel.first[placed.function + 1])
    top = min(placed.limit, UPPER)
    notionals: list[float] = []
    rates: list[float] = []
    for lower, upper, fixed, rate, coefficient, power in zip(
        *(
            column[part].tolist()
            for column in (
                panel.lower,
                panel.upper,
                panel.fixed,
                panel.rate,
                panel.coefficient,
                panel.power,
            )
        ),
        strict=True,
    ):
        begin, end = max(lower, LOWER), min(upper, top)
        if end <= begin:
            continue
        curved = fixed or coefficient
        count = 2 + (int(np.log10(end / begin) * _PER_DECADE) if curved else 0)
        at = begin * (end / begin) ** np.linspace(0.0, 1.0, count)
        at[-1] = end  # exactly, so that a jump stands at one notional
        notionals += at.tolist()
        rates += (fixed / at + rate + coefficient * at ** (power - 1.0)).tolist()
    return tuple(notionals), tuple(rates)

"""Curves: their points are on the margin functions, from $1,000 to the capacity."""

from itertools import pairwise

import pytest

from harmonize.comparison.curves import LOWER, UPPER
from tests.harmonize.audit.test_assemble import SCHEDULES, exact
from tests.support import recorded

DOCUMENT = recorded.audited().document
MEMBERS = {
    (comparison.underlying, member.venue): (member.venue, member.symbol, member.profile)
    for comparison in DOCUMENT.comparisons
    for member in comparison.members
}


def test_every_point_is_the_rate_of_its_schedule() -> None:
    compared = 0
    for curve in DOCUMENT.curves:
        if curve.is_reference:
            continue
        schedule = SCHEDULES[MEMBERS[curve.underlying, curve.name]]
        bounds = {piece.upper for piece in getattr(schedule, curve.margin_type)}
        for notional, rate in zip(curve.notional, curve.rate, strict=True):
            if notional in bounds:
                continue  # a jump carries the rates of both sides
            margin = exact(schedule, curve.margin_type, notional)
            assert margin is not None
            assert rate == pytest.approx(float(margin) / notional, rel=1e-9)
            compared += 1
    assert compared > 1000


def test_curves_rise_along_notional_and_end_at_the_capacity() -> None:
    for curve in DOCUMENT.curves:
        assert all(lower <= upper for lower, upper in pairwise(curve.notional))
        assert curve.notional[0] >= LOWER
        assert curve.notional[-1] <= UPPER
        if not curve.is_reference:
            schedule = SCHEDULES[MEMBERS[curve.underlying, curve.name]]
            if schedule.capacity is not None:
                assert curve.notional[-1] <= schedule.capacity
    ada = next(
        curve for curve in DOCUMENT.curves if (curve.underlying, curve.name) == ("ADA", "kucoin")
    )
    assert ada.notional[-1] == SCHEDULES[MEMBERS["ADA", "kucoin"]].capacity


def test_every_charted_underlying_has_its_reference() -> None:
    charted = {curve.underlying for curve in DOCUMENT.curves}
    referenced = {curve.underlying for curve in DOCUMENT.curves if curve.is_reference}
    assert charted == referenced
    assert len(charted) == 12

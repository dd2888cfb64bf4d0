"""Curves: points on the margin functions themselves, from $1,000 to the capacity."""

from itertools import pairwise

import pytest

from harmonize.comparison.curves import LOWER, UPPER
from tests.harmonize.audit.test_assemble import SCHEDULES, exact
from tests.support import recorded

DOCUMENT = recorded.audited().document
MEMBERS = {
    (comparison.underlying, one.venue): (one.venue, one.symbol, one.profile)
    for comparison in DOCUMENT.comparisons
    for one in comparison.members
}


def test_every_point_is_the_rate_of_the_schedule_it_stands_for() -> None:
    followed = 0
    for curve in DOCUMENT.curves:
        if curve.is_reference:
            continue
        schedule = SCHEDULES[MEMBERS[curve.underlying, curve.name]]
        bounds = {one.upper for one in getattr(schedule, curve.margin_type)}
        for notional, rate in zip(curve.notional, curve.rate, strict=True):
            if notional in bounds:
                continue  # a jump carries the rates of both sides
            due = exact(schedule, curve.margin_type, notional)
            assert due is not None
            assert rate == pytest.approx(float(due) / notional, rel=1e-9)
            followed += 1
    assert followed > 1000


def test_curves_rise_along_notional_and_end_at_the_capacity() -> None:
    for curve in DOCUMENT.curves:
        assert all(one <= other for one, other in pairwise(curve.notional))
        assert curve.notional[0] >= LOWER
        assert curve.notional[-1] <= UPPER
        if not curve.is_reference:
            schedule = SCHEDULES[MEMBERS[curve.underlying, curve.name]]
            if schedule.capacity is not None:
                assert curve.notional[-1] <= schedule.capacity
    ada = next(one for one in DOCUMENT.curves if (one.underlying, one.name) == ("ADA", "kucoin"))
    assert ada.notional[-1] == SCHEDULES[MEMBERS["ADA", "kucoin"]].capacity


def test_every_charted_underlying_has_its_reference() -> None:
    charted = {one.underlying for one in DOCUMENT.curves}
    referenced = {one.underlying for one in DOCUMENT.curves if one.is_reference}
    assert charted == referenced
    assert len(charted) == 12

"""Jumps of margin at the bounds of tiers."""

from dataclasses import replace
from decimal import Decimal as D
from itertools import pairwise

import numpy as np
import pytest

from harmonize.core.schedule import INFINITY, Known, MarginFunction, Piece
from tests.harmonize.checks.examples import flat_schedule, of
from tests.support.random_functions import random_functions


def largest_jump(function: MarginFunction) -> tuple[float, float] | None:
    """Returns the largest jump in USD and its bound, from the pieces' own margins."""
    jumps = [
        (above.margin(float(below.upper)) - below.margin(float(below.upper)), float(below.upper))
        for below, above in pairwise(function.pieces)
        if above.margin(float(below.upper)) > below.margin(float(below.upper)) * (1 + 1e-9) > 0
    ]
    return max(jumps, key=lambda jump: jump[0], default=None)


@pytest.mark.parametrize(("code", "margin"), [("MH104", "maintenance"), ("MH105", "initial")])
def test_the_largest_jump_of_every_schedule_is_found(code: str, margin: str) -> None:
    curved = MarginFunction(
        (
            Piece(D(1000), D(1), D("0.02"), D("0.001"), D("1.5")),
            Piece(D(9000), D(0), D("0.03"), D("0.001"), D("1.5")),
            Piece(INFINITY, D(-5), D("0.09")),
        )
    )
    functions = [*random_functions(np.random.default_rng(3), 30), curved]
    functions += functions[:5]  # several schedules with one function
    schedules = []
    for number, function in enumerate(functions):
        plain = flat_schedule((INFINITY, "0.1", "0.05"), asset=f"A{number}")
        known = Known(function)
        is_initial = margin == "initial"
        schedules.append(
            replace(plain, initial=known) if is_initial else replace(plain, maintenance=known)
        )
    findings = {x.underlying: x for x in of(*schedules).audited().findings if x.code == code}
    expected = {
        f"A{number}": jump
        for number, function in enumerate(functions)
        if (jump := largest_jump(function))
    }
    assert len(expected) > 10
    assert {name: finding.notional for name, finding in findings.items()} == {
        name: bound for name, (_, bound) in expected.items()
    }

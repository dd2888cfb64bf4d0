"""v1 of a class against a search by hand over all steps."""

from decimal import Decimal as D
from fractions import Fraction

import numpy as np
import pytest

from harmonize.adequacy.horizons import Side
from harmonize.calibration.class_rate import (
    Member,
    SideCoverage,
    class_rate,
    coverage_of,
    quantile_of,
    step_rate,
)

STEPS = [D("0.1"), D("0.125"), D("0.2"), D("0.25"), D("0.333333"), D("0.5")]


def member(v1: str, *moves: float, size: int = 1_000, asset: str = "X") -> Member:
    """An asset that moves by 1 % but for some days."""
    returns = np.full(size, 0.01)
    returns[: len(moves)] = moves
    return Member(asset, D(v1), returns)


def test_steps_are_the_inverse_of_leverages() -> None:
    assert [step_rate(leverage) for leverage in (10, 8, 5, 4, 3, 2)] == STEPS


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["0.1"], Fraction(1, 10)),
        (["0.3", "0.1"], Fraction(1, 4)),
        (["0.1", "0.2", "0.3", "0.4", "0.5"], Fraction(2, 5)),
        (["0.4", "0.1", "0.3", "0.2"], Fraction(13, 40)),
    ],
)
def test_the_percentile_stands_where_type_7_puts_it(values: list[str], expected: Fraction) -> None:
    exact = quantile_of([D(value) for value in values])
    assert Fraction(exact) == expected
    numbers = [float(value) for value in values]
    assert float(exact) == pytest.approx(float(np.quantile(numbers, 0.75)), rel=1e-14)


def test_the_rate_is_the_highest_leverage_at_or_above_the_percentile() -> None:
    assert class_rate([member("0.125")]).rate == D("0.125")
    assert class_rate([member("0.1250001")]).rate == D("0.2")


@pytest.mark.parametrize("sign", [1, -1])
def test_a_breach_too_many_on_either_side_raises_the_rate(sign: int) -> None:
    ten = [0.15 * sign] * 10
    assert class_rate([member("0.1", *ten)]).rate == D("0.1")  # 10 of 1,000 is 1 %
    found = class_rate([member("0.1", *ten, 0.15 * sign), member("0.05", asset="Y")])
    assert found.rate == D("0.2")
    side = Side.SHORT if sign > 0 else Side.LONG
    assert found.rejected == (
        (D("0.1"), SideCoverage("X", side, 1_000, 11)),
        (D("0.125"), SideCoverage("X", side, 1_000, 11)),
    )
    assert all(coverage.is_covered for coverage in found.coverages)


@pytest.mark.parametrize(("move", "rate"), [(0.1, "0.1"), (0.1000001, "0.125")])
def test_a_move_of_the_rate_itself_is_covered(move: float, rate: str) -> None:
    assert class_rate([member("0.1", *[move] * 11)]).rate == D(rate)


def test_only_the_last_1095_moves_are_tested() -> None:
    early = member("0.1", *[0.9] * 50, size=1_145)
    assert class_rate([early]).rate == D("0.1")
    (_, short) = coverage_of([early], D("0.1"), None)
    assert (short.observations, short.breaches) == (1_145, 50)


def test_no_step_is_no_rate() -> None:
    found = class_rate([member("0.1", *[0.6] * 20)])
    assert found.rate is None
    assert [rate for rate, _ in found.rejected] == STEPS
    with pytest.raises(ValueError, match="expected at least one measured member"):
        class_rate([])


def test_the_search_equals_one_by_hand() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        members = [
            Member(name, D(str(round(v1, 4))), rng.standard_t(3, 700) * v1 / 4)
            for name, v1 in zip("XYZ", rng.uniform(0.05, 0.4, 3), strict=True)
        ]
        percentile = np.quantile([float(part.v1) for part in members], 0.75)
        expected = next(
            (
                rate
                for rate in STEPS
                if float(rate) >= percentile - 1e-12
                and all(
                    Fraction(sum(move * sign > float(rate) for move in part.returns.tolist()), 700)
                    <= Fraction(1, 100)
                    for part in members
                    for sign in (1, -1)
                )
            ),
            None,
        )
        assert class_rate(members).rate == expected

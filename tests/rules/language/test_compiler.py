"""Properties of compiled functions for arbitrary classes and formulas."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harmonize.core.schedule import MarginFunction
from harmonize.policy.size_formula import SizeFormula, continued_functions

rates = st.decimals("0.001", "1", places=4)
volumes = st.decimals(1000, 10**12, places=0)
bounds = st.decimals("0.5", 10**10, places=2)


def _tiers(
    v1: Decimal, volume: Decimal, last: Decimal, formula: SizeFormula
) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
    """Returns one tier that joins the formula up to rounding."""
    initial, maintenance = (
        round(formula.margin(last, days, v1, volume) / last, 8)
        for days in (formula.initial_days, formula.maintenance_days)
    )
    assume(initial > 0 and maintenance > 0)
    return [(last, initial)], [(last, maintenance)]


def _exact(function: MarginFunction, notional: Fraction) -> Fraction:
    piece = next(piece for piece in function.pieces if notional <= piece.upper)
    return Fraction(piece.fixed) + Fraction(piece.rate) * notional


@given(rates, volumes, bounds, rates, st.decimals("0.01", "1", places=2))
def test_continued_functions_are_continuous_ordered_and_end_at_the_whole_position(
    v1: Decimal, volume: Decimal, last: Decimal, pi: Decimal, share: Decimal
) -> None:
    formula = SizeFormula(pi, Decimal(1), share)
    initial, maintenance = continued_functions(
        formula, v1, volume, *_tiers(v1, volume, last, formula)
    )
    ends = [Fraction(piece.upper) for piece in maintenance.pieces[:-1]]
    assert [Fraction(piece.upper) for piece in initial.pieces[:-1]] == ends[
        : len(initial.pieces) - 1
    ]
    assert all(upper <= lower * Fraction(5, 4) for lower, upper in pairwise(ends))
    for function in (initial, maintenance):
        assert function.pieces[-1].rate == 1
        for piece, following in pairwise(function.pieces):
            left = piece.fixed + piece.rate * piece.upper
            right = following.fixed + following.rate * piece.upper
            assert abs(left - right) <= Decimal("1e-20") * piece.upper
    for end in [*ends, ends[-1] * 2, ends[-1] * 1000]:
        crossing = _exact(maintenance, end) - _exact(initial, end)
        assert crossing <= Fraction(1, 10**15) * end
        assert _exact(initial, end) <= end * (1 + Fraction(1, 10**7))
    beyond = ends[-1] * 7
    assert abs(_exact(maintenance, beyond) / beyond - 1) < Fraction(1, 10**15)


def test_tiers_below_the_whole_position_reach_it_at_the_next_bound() -> None:
    formula = SizeFormula(Decimal("0.05"), Decimal(1), Decimal(1))
    last = Decimal(1000)
    tiers = [(last, Decimal("0.995"))], [(last, Decimal("0.99"))]
    functions = continued_functions(formula, Decimal(1), Decimal(9), *tiers)
    for function, at_last in zip(functions, (995, 990), strict=True):
        assert _exact(function, Fraction(1000)) == at_last
        assert _exact(function, Fraction(1250)) == 1250
        assert _exact(function, Fraction(9999)) == 9999


@settings(max_examples=25)
@given(rates, volumes, rates, st.decimals("0.01", "1", places=2))
def test_without_tiers_chords_stay_within_half_a_percent_of_the_formula(
    v1: Decimal, volume: Decimal, pi: Decimal, share: Decimal
) -> None:
    formula = SizeFormula(pi, Decimal(1), share)
    for function, days in zip(
        continued_functions(formula, v1, volume, (), ()), (Decimal(1), share), strict=True
    ):
        ends = [piece.upper for piece in function.pieces[:-1]]
        for lower, upper in pairwise([Decimal(0), *ends]):
            for fraction in (
                Decimal("0.001"),
                Decimal("0.3"),
                Decimal("0.5"),
                Decimal("0.9"),
                Decimal(1),
            ):
                notional = lower + fraction * (upper - lower)
                reference = formula.margin(notional, days, v1, volume)
                exact = _exact(function, Fraction(notional))
                margin = Decimal(exact.numerator) / Decimal(exact.denominator)
                assert (
                    reference - 1 <= margin <= reference * Decimal("1.005") + 1
                )  # bounds are whole dollars

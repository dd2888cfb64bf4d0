"""Any class and formula, not only those of the packs: what the compiled functions keep."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from harmonize.schedule import MarginFunction
from rules.loader import continued
from rules.model import Formula, SizeClass, SizeTier

rates = st.decimals("0.001", "1", places=4)
volumes = st.decimals(1000, 10**12, places=0)
bounds = st.decimals("0.5", 10**10, places=2)


def _class(v1: Decimal, volume: Decimal, last: Decimal, formula: Formula) -> SizeClass:
    """A class of one tier that leads to the formula up to rounding."""
    bare = SizeClass.model_construct(v1=v1, adv_ref=volume)
    tier = [
        round(formula.margin(last, days, bare) / last, 8)
        for days in (formula.initial_days, formula.maintenance_days)
    ]
    assume(all(rate > 0 for rate in tier))
    return SizeClass(
        rule="any",
        assets=("X",),
        v1=v1,
        adv_ref=volume,
        tiers=(SizeTier(upper=last, initial_rate=tier[0], maintenance_rate=tier[1]),),
    )


def _exact(function: MarginFunction, notional: Fraction) -> Fraction:
    piece = next(piece for piece in function.pieces if notional <= piece.upper)
    return Fraction(piece.fixed) + Fraction(piece.rate) * notional


@given(rates, volumes, bounds, rates, st.decimals("0.01", "1", places=2))
def test_continued_margins_do_not_jump_or_cross_and_end_at_the_whole_position(
    v1: Decimal, volume: Decimal, last: Decimal, pi: Decimal, share: Decimal
) -> None:
    formula = Formula(pi=pi, initial_days=Decimal(1), maintenance_days=share)
    one = _class(v1, volume, last, formula)
    initial, maintenance = continued(one, formula)
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


def test_tiers_that_stop_short_of_the_whole_position_reach_it_a_quarter_on() -> None:
    formula = Formula(pi=Decimal("0.05"), initial_days=Decimal(1), maintenance_days=Decimal(1))
    tier = SizeTier(
        upper=Decimal(1000), initial_rate=Decimal("0.995"), maintenance_rate=Decimal("0.99")
    )
    one = SizeClass(rule="any", assets=("X",), v1=Decimal(1), adv_ref=Decimal(9), tiers=(tier,))
    for function, at_last in zip(continued(one, formula), (995, 990), strict=True):
        assert _exact(function, Fraction(1000)) == at_last
        assert _exact(function, Fraction(1250)) == 1250
        assert _exact(function, Fraction(9999)) == 9999

"""Figures of the shipped book are those of the model: closed forms of the cut lognormal, and more rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import exp, log
from statistics import NormalDist

import numpy as np
import pytest

from harmonize.liquidation.price import MarginBasis, Side
from harmonize.stress.book import synthetic_book
from harmonize.stress.contributions import contributions
from harmonize.stress.counterfactuals import unchanged
from harmonize.stress.curve import cliffs, curve, reverse_stress
from harmonize.stress.defaults import DEFAULTS
from harmonize.stress.density import density
from harmonize.stress.impact import LinearImpact, SquareRootImpact
from harmonize.stress.thresholds import Thresholds, thresholds
from harmonize.stress.tiers import VenueMargins, tiers_from_pieces

SHIPPED = DEFAULTS.grid_rows.value
RELATIVE = 0.01
FALL = 0.0002
"""Stated tolerances: 1 % of an amount, and 0.02 points of a fall."""

SHOCKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
UNDERLYINGS = ("BTC", "SOL")
IMPACT = SquareRootImpact(0.03, 9e9)
NORMAL = NormalDist()


@dataclass(frozen=True)
class Venue:
    """Venue with IM rates by upper bound of the size; MM is half the IM, on the tier at entry."""

    name: str
    open_interest: float
    tiers: tuple[tuple[float, float], ...]

    @property
    def margins(self) -> VenueMargins:
        """Margin terms without a fee, for positions up to $100m."""
        lower = (0.0, *(upper for upper, _ in self.tiers))
        pieces = [
            (start, upper, 0.0, rate, 0.0, 2.0)
            for start, (upper, rate) in zip(lower, self.tiers, strict=False)
        ]
        initial = tiers_from_pieces(pieces)
        return VenueMargins(
            self.name, initial, initial.scaled(0.5), basis=MarginBasis.QUANTITY, largest=1e8
        )


LARGE = Venue("large", 5e9, ((3e5, 0.01), (4e6, 0.025), (1e8, 0.1)))
SMALL = Venue("small", 2e7, ((1e5, 0.02), (2e6, 0.05), (1e8, 0.08)))


def market(venues: Sequence[Venue], underlying: str, rows: int | None = None) -> Thresholds:
    book = synthetic_book(
        underlying,
        {venue.name: venue.open_interest for venue in venues},
        {venue.name: venue.margins for venue in venues},
        rows=rows,
        sides=(Side.LONG,),
    )
    outcome = unchanged(book)
    return thresholds(outcome.positions, outcome.falls)


@dataclass(frozen=True)
class Exact:
    """Closed forms: effective leverage is lognormal, cut at 1 ÷ IM of the tier of the size."""

    venue: Venue
    underlying: str

    def _sum(self, of_tier: Callable[[float, float], float]) -> float:
        """Returns the sum over tiers, by share of log size from $1k to $100m or the open interest."""
        lower, largest, total = 1e3, min(1e8, self.venue.open_interest), 0.0
        for end, rate in self.venue.tiers:
            upper = min(end, largest)
            share = log(upper / lower) / log(largest / 1e3)
            cut = self._z(1.0 / rate)
            total += share * of_tier(rate, cut) / NORMAL.cdf(cut)
            lower = upper
        return self.venue.open_interest * total

    def _z(self, leverage: float) -> float:
        own = DEFAULTS.leverage_of(self.underlying, Side.LONG)
        return log(leverage / own.median) / own.log_sd

    def _inverse_leverage(self, above: float, cut: float) -> float:
        """Returns the integral of 1 over the leverage, from a leverage to the cut."""
        own = DEFAULTS.leverage_of(self.underlying, Side.LONG)
        mean, sd = log(own.median), own.log_sd
        below = NORMAL.cdf(cut + sd) - NORMAL.cdf(min(self._z(above), cut) + sd)
        return exp(-mean + sd * sd / 2.0) * below

    def _above(self, leverage: float, cut: float) -> float:
        return NORMAL.cdf(cut) - NORMAL.cdf(min(self._z(leverage), cut))

    def liquidated(self, fall: float) -> float:
        """Liquidated at a fall d: M ÷ N is at most d + (1 − d)·MM."""
        return self._sum(
            lambda rate, cut: self._above(1.0 / (fall + (1.0 - fall) * rate / 2.0), cut)
        )

    def margin(self, fall: float) -> float:
        """Margin of what is liquidated at a fall."""
        return self._sum(
            lambda rate, cut: self._inverse_leverage(1.0 / (fall + (1.0 - fall) * rate / 2.0), cut)
        )

    def loss(self, fall: float) -> float:
        """Loss beyond margin at a fall: the mean of (d − M ÷ N)⁺."""
        return self._sum(
            lambda _, cut: (
                fall * self._above(1.0 / fall, cut) - self._inverse_leverage(1.0 / fall, cut)
            )
        )

    def reverse(self) -> float:
        """Least fall at which d·N exceeds M over all that is liquidated."""
        falls = np.arange(1e-4, 0.9, 1e-4)
        exceeded = [
            self.liquidated(fall) > 0.0 and fall * self.liquidated(fall) > self.margin(fall)
            for fall in falls.tolist()
        ]
        return float(falls[exceeded.index(True)])


def exact_value(parts: Sequence[Exact], shock: float) -> float:
    """Returns what a market liquidates: the least solution, reached from below."""
    move = shock
    for _ in range(500):
        volume = sum(part.liquidated(move) for part in parts)
        move = shock + float(IMPACT.move(np.array([volume]))[0])
    return volume


@pytest.mark.parametrize("underlying", UNDERLYINGS)
@pytest.mark.parametrize("venue", [LARGE, SMALL])
def test_what_a_fall_liquidates_is_the_closed_form(venue: Venue, underlying: str) -> None:
    found = curve(market([venue], underlying), LinearImpact(0.0), SHOCKS)
    exact = Exact(venue, underlying)
    liquidated = [exact.liquidated(fall) for fall in SHOCKS]
    # Nothing is liquidated below the least fall; there, both are exactly 0.
    assert found.liquidated == pytest.approx(liquidated, rel=RELATIVE, abs=1e-9)
    losses = [exact.loss(fall) for fall in SHOCKS]
    assert found.loss == pytest.approx(losses, rel=RELATIVE, abs=1e-9 * venue.open_interest)


@pytest.mark.parametrize("underlying", UNDERLYINGS)
@pytest.mark.parametrize("venue", [LARGE, SMALL])
def test_reverse_stress_is_the_closed_form(venue: Venue, underlying: str) -> None:
    (found,) = reverse_stress(market([venue], underlying), LinearImpact(0.0), [0.0])
    assert found.shock == pytest.approx(Exact(venue, underlying).reverse(), abs=FALL)
    assert found.shock is not None
    assert found.liquidated == pytest.approx(
        Exact(venue, underlying).liquidated(found.shock), rel=0.05
    )


@pytest.mark.parametrize("underlying", UNDERLYINGS)
def test_contributions_are_those_of_the_closed_form(underlying: str) -> None:
    parts = [Exact(LARGE, underlying), Exact(SMALL, underlying)]
    large, small, both = (exact_value(own, 0.1) for own in (parts[:1], parts[1:], parts))
    found = contributions(market([LARGE, SMALL], underlying), IMPACT, 0.1, is_smooth=True)
    assert found.liquidated.sum() == pytest.approx(both, rel=RELATIVE)
    assert found.leave_one_out == pytest.approx([both - small, both - large], rel=RELATIVE)
    shapley = [(large + both - small) / 2.0, (small + both - large) / 2.0]
    assert found.shapley == pytest.approx(shapley, rel=RELATIVE)
    assert found.shapley.sum() == pytest.approx(found.liquidated.sum())


def figures(given: Thresholds) -> tuple[np.ndarray, np.ndarray]:
    """Returns amounts, and moves with the reverse stress of every venue."""
    outcome = curve(given, IMPACT, SHOCKS)
    shares = contributions(given, IMPACT, 0.1, is_smooth=True)
    reverse = [own.shock for own in reverse_stress(given, IMPACT, [0.0, 0.0])]
    amounts = (outcome.liquidated, outcome.loss, shares.leave_one_out, shares.shapley)
    return np.concatenate(amounts), np.concatenate([outcome.move, np.array(reverse, float)])


@pytest.mark.parametrize("underlying", UNDERLYINGS)
def test_ten_times_the_rows_change_nothing_beyond_the_tolerances(underlying: str) -> None:
    shipped, finer = (market([LARGE, SMALL], underlying, n) for n in (None, 10 * SHIPPED))
    (amounts, moves), (finer_amounts, finer_moves) = figures(shipped), figures(finer)
    assert amounts == pytest.approx(finer_amounts, rel=RELATIVE)
    assert moves == pytest.approx(finer_moves, abs=FALL)
    overlap, finer_overlap = (density(own, is_smooth=True).overlap for own in (shipped, finer))
    assert overlap == pytest.approx(finer_overlap, abs=RELATIVE)
    assert len(cliffs(shipped, IMPACT)) == len(cliffs(finer, IMPACT))


def test_the_overlap_of_venues_with_the_same_rules_is_complete() -> None:
    twin = replace(LARGE, name="twin", open_interest=LARGE.open_interest / 2.0)
    assert density(market([LARGE, twin], "BTC"), is_smooth=True).overlap == pytest.approx(1.0)


@pytest.mark.parametrize("pair", list(combinations((0.01, 0.02, 0.05), 2)))
def test_the_overlap_is_that_of_the_closed_form(pair: tuple[float, float]) -> None:
    venues = [Venue(f"im-{rate}", 1e9, ((1e8, rate),)) for rate in pair]
    found = density(market(venues, "BTC"), is_smooth=True)
    shares = []
    for venue in venues:
        exact = Exact(venue, "BTC")
        within = np.array([exact.liquidated(edge) for edge in found.edges.tolist()])
        shares.append(np.diff(within) / within[-1])
    assert found.overlap == pytest.approx(np.full(2, np.minimum(*shares).sum()), abs=RELATIVE)

"""Falls of many positions: equal to the scalar formula, and the cases around it."""

from dataclasses import replace

import numpy as np
import pytest

from harmonize.core.instrument import Payoff
from harmonize.liquidation.price import BelowAtEntryError, MarginBasis, Side, liquidation
from harmonize.numerics.offer import Offer
from harmonize.numerics.panel import PieceNumbers
from harmonize.stress.errors import StressInputError
from harmonize.stress.falls import falls
from harmonize.stress.positions import build_positions
from harmonize.stress.tiers import VenueMargins, tiers_from_pieces
from tests.support import offers

BENT = (
    (0.0, 1e4, 0.0, 0.01, 0.0, 2.0),
    (1e4, 1e6, 0.0, 0.01, 2e-7, 2.0),
    (1e6, 1e7, 0.0, 0.008, 5e-5, 1.5),
)
FALLING_RATE = ((0.0, 1e5, 0.0, 0.05, -1e-7, 2.0), (1e5, 1e7, 0.0, 0.01, 0.0, 2.0))


def terms(pieces: tuple[PieceNumbers, ...], **changes: object) -> VenueMargins:
    tiers = tiers_from_pieces(pieces)
    return replace(VenueMargins("a", tiers, tiers), **changes)  # type: ignore[arg-type] # named fields


def scalar_fall(
    own: VenueMargins, pieces: tuple[PieceNumbers, ...], row: tuple[float, float, Side]
) -> float:
    notional, margin, side = row
    try:
        ratio = liquidation(
            pieces, notional, margin, side, inverse=own.is_inverse, basis=own.basis, fee=own.fee
        )
    except BelowAtEntryError:
        return 0.0
    if ratio is None:
        return np.inf
    return 1.0 - ratio if side is Side.LONG else ratio - 1.0


def tables() -> list[tuple[PieceNumbers, ...]]:
    rng = np.random.default_rng(3)
    made: list[Offer] = [offers.random_flat(rng, 6), offers.random_marginal(rng, 8)]
    made += [offers.leveraged(rng, 9), offers.curved(rng)]
    return [*(offer.pieces for offer in made), BENT, FALLING_RATE]


@pytest.mark.parametrize("payoff", [Payoff.LINEAR, Payoff.INVERSE])
@pytest.mark.parametrize("basis", list(MarginBasis))
@pytest.mark.parametrize("pieces", tables())
def test_falls_equal_the_scalar_formula(
    pieces: tuple[PieceNumbers, ...], basis: MarginBasis, payoff: Payoff
) -> None:
    rng = np.random.default_rng(7)
    bounds = [piece[1] for piece in pieces]
    notional = np.concatenate(
        [10 ** rng.uniform(2, 8.5, 120), bounds, np.nextafter(bounds, np.inf)]
    )
    margin = notional / np.exp(rng.normal(1.5, 1.2, notional.size))
    side = np.where(rng.random(notional.size) < 0.5, 1.0, -1.0)
    for fee in (0.0, 0.0006):
        own = terms(pieces, fee=fee, basis=basis, payoff=payoff)
        positions = build_positions(["a"], 0, side, notional, margin)
        found = falls(positions, [own]).fall
        sides = [Side.LONG if sign > 0 else Side.SHORT for sign in side]
        rows = zip(notional.tolist(), margin.tolist(), sides, strict=True)
        expected = np.array([scalar_fall(own, pieces, row) for row in rows])
        assert np.array_equal(np.isinf(found), np.isinf(expected))
        finite = np.isfinite(expected)
        assert np.allclose(found[finite], expected[finite], rtol=1e-12, atol=1e-12)


def test_the_nearest_of_two_roots_liquidates() -> None:
    # MM = 10.05·√N: a long of $100 with $101 falls below MM at first, and is above it again near 0.
    pieces = ((0.0, 1e9, 0.0, 0.0, 10.05, 0.5),)
    found = falls(build_positions(["a"], 0, 1.0, 100.0, 101.0), [terms(pieces)]).fall[0]
    assert found == pytest.approx(
        scalar_fall(terms(pieces), pieces, (100.0, 101.0, Side.LONG)), rel=1e-12
    )
    assert found < 0.05


@pytest.mark.parametrize("basis", list(MarginBasis))
def test_a_margin_at_maintenance_falls_first_and_only_one_below_is_immediate(
    basis: MarginBasis,
) -> None:
    own = terms(((0.0, 1e6, 0.0, 0.05, 0.0, 2.0),), basis=basis)
    margins = [49.9, np.nextafter(50.0, 0.0), 50.0, 50.1]
    found = falls(build_positions(["a"], 0, 1.0, 1000.0, margins), [own])
    assert found.immediate.tolist() == [True, False, False, False]
    assert found.fall[:3].tolist() == [0.0, 0.0, 0.0]
    assert 0.0 < found.fall[3] < 1e-3


def test_a_fee_on_top_of_maintenance_is_part_of_what_a_margin_must_reach() -> None:
    own = terms(((0.0, 1e6, 0.0, 0.05, 0.0, 2.0),), fee=0.001)
    found = falls(build_positions(["a"], 0, 1.0, 1000.0, [50.0, 51.0]), [own])
    assert found.immediate.tolist() == [True, False]


def test_a_margin_of_the_whole_notional_is_never_liquidated() -> None:
    own = terms(((0.0, 1e6, 0.0, 0.05, 0.0, 2.0),))
    found = falls(build_positions(["a"], 0, [1.0, -1.0], 1000.0, 1000.0), [own])
    assert np.isinf(found.fall[0])
    assert found.fall[1] == pytest.approx((1.0 - 0.05) / 1.05)


def test_a_linear_position_is_bankrupt_at_margin_over_notional() -> None:
    own = terms(((0.0, 1e6, 0.0, 0.005, 0.0, 2.0),))
    found = falls(build_positions(["a"], 0, [1.0, -1.0], 1000.0, 125.0), [own])
    assert found.bankrupt.tolist() == [0.125, 0.125]
    assert found.exposure.tolist() == [1000.0, 1000.0]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_margin_of_an_inverse_contract_moves_with_the_coin(sign: float) -> None:
    own = terms(((0.0, 1e6, 0.0, 0.005, 0.0, 2.0),), payoff=Payoff.INVERSE)
    found = falls(build_positions(["a"], 0, sign, 1000.0, 125.0), [own])
    ratio = 1.0 - sign * float(found.bankrupt[0])  # price over first mark at bankruptcy
    coins_left = 125.0 + sign * 1000.0 * (1.0 - 1.0 / ratio)
    assert coins_left == pytest.approx(0.0, abs=1e-9)
    ratio -= sign * 0.01
    loss = -(125.0 + sign * 1000.0 * (1.0 - 1.0 / ratio)) * ratio
    assert loss == pytest.approx(float(found.exposure[0]) * 0.01)


def test_a_short_liquidated_above_the_observed_tiers_is_marked() -> None:
    own = terms(((0.0, 1000.0, 0.0, 0.01, 0.0, 2.0),), largest=1000.0)
    found = falls(build_positions(["a"], 0, [1.0, -1.0], 900.0, 450.0), [own])
    assert found.beyond_tiers.tolist() == [False, True]


def test_a_position_above_capacity_is_refused_with_the_fix() -> None:
    own = terms(((0.0, 1000.0, 0.0, 0.01, 0.0, 2.0),), largest=1000.0)
    with pytest.raises(
        StressInputError, match=r"a: position of \$1,001 .* largest of \$1,000; split"
    ):
        falls(build_positions(["a"], 0, 1.0, 1001.0, 500.0), [own])


def test_a_venue_without_margins_is_refused() -> None:
    own = terms(((0.0, 1000.0, 0.0, 0.01, 0.0, 2.0),))
    with pytest.raises(StressInputError, match="expected those of"):
        falls(build_positions(["b"], 0, 1.0, 100.0, 50.0), [own])


def test_a_quanto_contract_is_refused() -> None:
    with pytest.raises(StressInputError, match=r"quanto contract: .*; choose a linear"):
        terms(((0.0, 1000.0, 0.0, 0.01, 0.0, 2.0),), payoff=Payoff.QUANTO)


def test_a_fee_is_a_rate() -> None:
    with pytest.raises(StressInputError, match="fee: expected a rate"):
        terms(((0.0, 1000.0, 0.0, 0.01, 0.0, 2.0),), fee=1.5)


def test_an_amount_beyond_any_market_is_stated_in_short() -> None:
    own = terms(((0.0, 1000.0, 0.0, 0.01, 0.0, 2.0),), largest=1000.0)
    with pytest.raises(StressInputError, match=r"a: position of \$1e\+300 is above"):
        falls(build_positions(["a"], 0, [1.0], 1e300, 1e299), [own])

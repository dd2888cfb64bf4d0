"""Splits for which branch and bound needs each of its branches, against every possible split.

Without the branch below a piece, on it, above it, below a size or above it, or with identical
accounts restricted on the wrong side, one of these splits costs more than the best.
"""

from collections.abc import Sequence

import pytest

from harmonize.arbitrage.split import split
from harmonize.numerics.offer import Offer
from tests.harmonize.arbitrage.test_split import EXACT, brute
from tests.support.offers import flat, marginal


def over_128(numerators: Sequence[int]) -> list[float]:
    return [numerator / 128 for numerator in numerators]


SPLITS: list[tuple[int, tuple[Offer, ...]]] = [
    (
        32500,
        (
            flat([5000, 27000, 32000], over_128([13, 34, 47])),
            flat([24000, 32000, 34000], over_128([73, 77, 94])),
            flat([9000, 24000, 26000], over_128([42, 23, 92])),
            flat([2000], over_128([48])),
        ),
    ),
    (
        36500,
        (
            marginal([4000, 20000], over_128([22, 91])),
            flat([2000, 12000, 29000], over_128([14, 41, 50])),
            marginal([5000], over_128([1])),
            marginal([9000, 10000, 28000], over_128([57, 25, 85])),
        ),
    ),
    (
        29500,
        (
            flat([12000, 23000, 35000], over_128([80, 48, 40])),
            flat([9000, 15000, 22000], over_128([19, 49, 82])),
        ),
    ),
    (
        39000,
        (
            marginal([1000, 10000, 30000], over_128([46, 68, 6])),
            flat([9000, 20000], over_128([55, 68])),
            flat([4000, 29000, 32000], over_128([1, 11, 89])),
        ),
    ),
    (
        34500,
        (
            flat([13000, 18000, 40000], over_128([27, 53, 93])),
            flat([3000, 36000, 39000], over_128([8, 46, 78])),
            flat([17000, 34000, 39000], over_128([37, 54, 26])),
        ),
    ),
    (
        36500,
        (
            flat([3000, 28000, 33000], over_128([68, 49, 25])),
            marginal([30000, 38000], over_128([42, 83])),
            flat([14000, 32000], over_128([51, 70])),
            marginal([30000, 38000], over_128([42, 83])),
            flat([3000, 28000, 33000], over_128([68, 49, 25])),
        ),
    ),
    (
        26500,
        (
            flat([14000], over_128([84])),
            flat([6000, 14000, 17000], over_128([3, 34, 1])),
            flat([6000, 14000, 17000], over_128([3, 34, 1])),
            flat([14000], over_128([84])),
        ),
    ),
    (
        32000,
        (
            flat([8000, 12000, 29000], over_128([41, 89, 23])),
            flat([21000], over_128([22])),
            marginal([19000], over_128([81])),
            flat([8000, 12000, 29000], over_128([41, 89, 23])),
        ),
    ),
    (
        25000,
        (
            marginal([9000, 18000, 24000], over_128([1, 24, 87])),
            flat([6000, 22000, 36000], over_128([79, 90, 6])),
            flat([11000, 28000, 29000], over_128([7, 22, 31])),
            flat([11000, 28000, 29000], over_128([7, 22, 31])),
        ),
    ),
    (
        19000,
        (
            marginal([16000, 27000], over_128([1, 99])),
            flat([2000, 4000, 24000], over_128([52, 45, 2])),
            flat([1000, 14000, 38000], over_128([3, 28, 30])),
            flat([20000, 26000], over_128([40, 68])),
            flat([2000, 4000, 24000], over_128([52, 45, 2])),
        ),
    ),
]


@pytest.mark.parametrize(("notional", "offers"), SPLITS)
def test_every_branch_of_the_search_is_needed(notional: int, offers: tuple[Offer, ...]) -> None:
    expected, cheapest = brute(offers, float(notional)), split(offers, float(notional))
    assert expected is not None
    assert cheapest is not None
    assert cheapest.cost == pytest.approx(float(expected), rel=EXACT)
    assert cheapest.proved

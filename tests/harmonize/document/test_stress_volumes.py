"""Whether volumes of underlyings count the same venues, in a sentence."""

from dataclasses import replace

import pytest

from harmonize.document import StressDefaultRow, StressRow
from harmonize.document.stress_volumes import volume_sentence
from tests.support.sample_stress import stress


def counting(underlying: str, *venues: str) -> StressRow:
    row = stress(underlying, ["venue-a"], [])
    return replace(row, market=replace(row.market, volume_venues=venues))


def test_volumes_of_other_venues_are_named_with_the_consequence() -> None:
    rows = [counting("BTC", "a"), counting("ETH", "a", "b"), counting("SOL", "a", "b")]
    assert volume_sentence(rows) == (
        "Volume is not on equal terms: that of BTC is of 1 venue (a) and that of ETH and SOL is of 2 venues"
        " (a and b). Impact is overstated where fewer venues are counted, against the other underlyings."
    )


def test_as_many_other_venues_overstate_none() -> None:
    assert volume_sentence([counting("BTC", "a"), counting("ETH", "b")]).endswith("of 1 venue (b).")


@pytest.mark.parametrize(
    "other",
    [
        counting("ETH", "a"),
        replace(
            counting("ETH", "b"), market=replace(counting("ETH", "b").market, daily_volume=None)
        ),
        replace(
            counting("ETH", "b"), defaults=(StressDefaultRow("impact", "λ", "given", "stated"),)
        ),
    ],
)
def test_equal_venues_unknown_volumes_and_given_impacts_need_no_sentence(other: StressRow) -> None:
    assert not volume_sentence([counting("BTC", "a"), other])

"""A move that touches a disputed close is that of a second source, or is omitted and named."""

from dataclasses import replace

import numpy as np
import pytest

from harmonize.market.disputes import settled_returns
from harmonize.market.prices import PriceKind, PriceSeries
from harmonize.market.returns import simple_returns
from tests.harmonize.market.small import DAY, START, identity, series

CLOSES = [29.59, 23.9, 10.61, 17.56, 16.355]
PERP = series(CLOSES, of=identity("SOLUSDT", venue="bybit"))
DISPUTED = replace(PERP, disputed=np.arange(5) == 2)
SPOT = series([29.62, 24.38, 14.08, 17.66, 16.45], of=identity("SOLUSDT", PriceKind.SPOT))


def days(times: list[int]) -> list[int]:
    return [(time - START) // DAY for time in times]


def test_both_moves_of_a_disputed_close_are_those_of_the_second_source() -> None:
    found = settled_returns(DISPUTED, [SPOT])
    assert days(found.returns.times.tolist()) == [1, 2, 3, 4]
    expected = [23.9 / 29.59, 14.08 / 24.38, 17.66 / 14.08, 16.355 / 17.56]
    np.testing.assert_allclose(found.returns.values + 1, expected)
    assert [(days([own.time])[0], own.id) for own in found.stand_ins] == [
        (2, SPOT.id),
        (3, SPOT.id),
    ]
    assert found.omitted == ()


@pytest.mark.parametrize(
    "others",
    [
        [],
        [DISPUTED],
        [replace(SPOT, disputed=np.arange(5) == 2)],
        [replace(SPOT, id=replace(SPOT.id, interval=3_600))],
        [SPOT.select(np.arange(5) != 2)],
    ],
    ids=["none", "itself", "disputed as well", "another interval", "a gap"],
)
def test_without_a_second_source_both_moves_are_omitted_and_named(
    others: list[PriceSeries],
) -> None:
    found = settled_returns(DISPUTED, others)
    assert days(found.returns.times.tolist()) == [1, 4]
    assert days(list(found.omitted)) == [2, 3]
    assert found.stand_ins == ()


def test_a_source_with_one_of_the_moves_states_that_one() -> None:
    found = settled_returns(DISPUTED, [SPOT.select(np.arange(5) != 1)])
    assert days([own.time for own in found.stand_ins]) == [3]
    assert days(list(found.omitted)) == [2]


def test_a_series_of_the_same_kind_precedes_and_then_the_longer_one_until_the_day() -> None:
    own = identity("SOLUSDT", venue="gate")
    short, late = (
        series([20.0, 10.0, 11.0], [1, 2, 3], of=own),
        series([20.0, 11.0, 11.0, 9.0, 9.0, 9.0], [1, 2, 3, 4, 5, 6], of=identity("SOLUSDT")),
    )
    early = series([20.0, 20.0, 12.0, 11.0], [0, 1, 2, 3], of=identity("SOLUSDT", venue="okx"))
    assert settled_returns(DISPUTED, [SPOT, short]).returns.values[1] == pytest.approx(-0.5)
    found = settled_returns(DISPUTED, [SPOT, short, late, early])
    assert {own.id.venue for own in found.stand_ins} == {"okx"}


def test_over_two_candles_a_disputed_close_in_between_does_not_matter() -> None:
    found = settled_returns(DISPUTED, [SPOT], 2)
    expected = [14.08 / 29.62, 17.56 / 23.9, 16.45 / 14.08]
    np.testing.assert_allclose(found.returns.values + 1, expected)


def test_without_a_disputed_close_nothing_changes() -> None:
    for own in (PERP, replace(PERP, disputed=np.zeros(5, dtype=bool))):
        found = settled_returns(own, [SPOT])
        np.testing.assert_array_equal(found.returns.values, simple_returns(PERP).values)
        assert (found.stand_ins, found.omitted) == ((), ())

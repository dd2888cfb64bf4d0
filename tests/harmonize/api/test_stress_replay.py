"""Replays: how far the positions are from the day of the path."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harmonize.api.errors import RequestError
from harmonize.api.stress_replay import PATH_AND_CURVE, path_sentences, replay_sentences
from harmonize.api.stress_scenarios import first_mark
from harmonize.document import StressPathRow, StressPointRow
from harmonize.stress.scenario import bundled_scenarios, hypothetical
from tests.harmonize.checks.stress_tests import ROW, VENUE

SCENARIO = bundled_scenarios()["2022-05-11"]


def test_positions_of_another_year_are_no_reconstruction() -> None:
    (line,) = replay_sentences(SCENARIO, (ROW,))
    assert line == (
        "BTC: positions of 2026-03-07 on the path of 2022-05-11, 3.8 years apart: not a reconstruction"
        " of that day."
    )


@pytest.mark.parametrize(
    ("day", "text"),
    [("2022-07-10", "60 days apart"), ("2022-03-11", "61 days apart"), ("2022-05-30", "")],
)
def test_the_distance_counts_in_both_directions(day: str, text: str) -> None:
    venue = replace(VENUE, open_interest_at=f"{day}T00:00:00Z")
    lines = replay_sentences(SCENARIO, (replace(ROW, venues=(venue,)),))
    assert [text in line for line in lines] == [True] * bool(text)


def test_given_positions_and_undated_falls_have_no_distance() -> None:
    given = replace(ROW, venues=(replace(VENUE, open_interest_at=""),))
    assert replay_sentences(SCENARIO, (given,)) == ()
    assert replay_sentences(hypothetical(0.1), (ROW,)) == ()
    assert replay_sentences(None, (ROW,)) == ()


def test_path_and_curve_are_explained_where_both_are_stated() -> None:
    path = StressPathRow("2022-05-11", None, 0.1, 0.1, 1e6, 0.1, 0.0)
    point = StressPointRow(1.0, 0.1, 0.1, 1.0, 1e6, 0.1, 0.0)
    assert path_sentences((replace(ROW, paths=(path,), points=(point,)),)) == (PATH_AND_CURVE,)
    assert path_sentences((replace(ROW, paths=(path,)),)) == ()


def test_a_fall_that_has_not_come_is_not_recorded() -> None:
    assert first_mark(SCENARIO, datetime(2026, 1, 1, tzinfo=UTC)) == datetime.fromisoformat(
        SCENARIO.first_mark
    )
    assert first_mark(SCENARIO, datetime(2026, 1, 1, tzinfo=UTC)).year == 2022
    with pytest.raises(RequestError, match="expected a time up to 2022-01-01, found 2022-05"):
        first_mark(SCENARIO, datetime(2022, 1, 1, tzinfo=UTC))
    with pytest.raises(RequestError, match="expected a time such as"):
        first_mark(
            replace(SCENARIO, first_mark="2022-05-11T00:00:00"), datetime(2026, 1, 1, tzinfo=UTC)
        )

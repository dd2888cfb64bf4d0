"""Who moved first is told between two observations, and not where they enclose the model's day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from harmonize.adequacy.table_history import TableStep
from harmonize.api.threshold_episodes import Episode, first_mover, venue_moves
from harmonize.api.threshold_terms import EpisodeVenue
from harmonize.core.schedule import Unknown

FTX = Episode("FTX", date(2022, 11, 8), date(2022, 11, 10))
EPOCH = date(1970, 1, 1)


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def step(day: str, rate: float | Unknown) -> TableStep:
    return TableStep(at(day), rate, Unknown("not tested"))


def moved(*steps: TableStep) -> EpisodeVenue:
    found = venue_moves(FTX, "BTC/USDT:USDT", steps)
    assert isinstance(found, EpisodeVenue)
    return found


def test_a_rise_lies_between_the_observations_that_enclose_it() -> None:
    found = moved(step("2022-07-01", 0.01), step("2022-09-27", 0.02), step("2022-11-25", 0.04))
    assert (found.eve, found.eve_at) == (0.02, at("2022-09-27"))
    assert (found.before, found.after) == (at("2022-09-27"), at("2022-11-25"))
    assert found.before is not None
    assert found.after is not None
    assert found.after - found.before == timedelta(days=59)
    assert found.largest == 0.04


def test_a_fall_an_unknown_rate_and_an_observation_too_late_are_no_rise() -> None:
    found = moved(
        step("2022-09-27", 0.02),
        step("2022-11-25", 0.01),
        step("2022-12-01", Unknown("a lower bound")),
        step("2023-03-01", 0.5),
    )
    assert found.before is None
    assert found.after is None
    assert found.largest == 0.02


def test_a_contract_that_was_not_observed_again_is_not_said_to_have_stayed() -> None:
    found = moved(step("2022-07-01", 0.01), step("2022-09-27", 0.02), step("2023-03-01", 0.5))
    assert (found.eve, found.before) == (0.02, None)
    assert found.largest == Unknown("no later observation within 90 days")


def test_an_unknown_rate_widens_the_span_of_a_rise() -> None:
    found = moved(
        step("2022-09-27", 0.02), step("2022-11-25", Unknown("x")), step("2022-12-01", 0.04)
    )
    assert (found.before, found.after) == (at("2022-09-27"), at("2022-12-01"))


def test_a_venue_first_observed_later_required_nothing_known() -> None:
    found = venue_moves(FTX, "X", [step("2022-11-25", 0.04)])
    assert isinstance(found, Unknown)
    assert "2022-11-25" in found.reason
    assert isinstance(venue_moves(FTX, "X", []), Unknown)


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2022-09-27", "model on 2022-09-27; binance between 2022-09-27 and 2022-11-25"),
        ("2022-09-28", "cannot be told: model on 2022-09-28"),
        ("2022-11-25", "cannot be told: model on 2022-11-25"),
        ("2022-11-26", "binance between 2022-09-27 and 2022-11-25; model on 2022-11-26"),
    ],
)
def test_a_model_is_first_only_if_its_day_is_outside_of_the_span(day: str, words: str) -> None:
    venue = moved(step("2022-09-27", 0.02), step("2022-11-25", 0.04))
    assert first_mover((date.fromisoformat(day) - EPOCH).days, venue).startswith(words)


def test_without_a_rise_of_either_nobody_was_first() -> None:
    still = moved(step("2022-09-27", 0.02), step("2022-11-25", 0.02))
    assert first_mover(None, still) == "neither was seen to rise"
    assert first_mover(19_000, still) == "model; the venue was not seen to rise"
    assert first_mover(19_000, Unknown("x")) == "venue not observed"
    raised = moved(step("2022-09-27", 0.02), step("2022-11-25", 0.04))
    assert first_mover(None, raised).endswith("the model did not rise")

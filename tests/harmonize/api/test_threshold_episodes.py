"""Who moved first is told between two observations, and not where they enclose the model's day."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from harmonize.adequacy.table_history import TableStep
from harmonize.api.history import ArchivedRows
from harmonize.api.threshold_episodes import (
    Episode,
    EpisodePaths,
    episode_result,
    first_mover,
    venue_moves,
)
from harmonize.api.threshold_series import AssetSeries, DisputedMove, SeriesPart
from harmonize.api.threshold_terms import EpisodeResult, EpisodeVenue
from harmonize.comparison.universe import Universe
from harmonize.core.instrument import Underlying
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceKind, SeriesId
from harmonize.thresholds.features import MarketInputs
from harmonize.thresholds.history import DailyHistory
from harmonize.thresholds.path import Fallback, Model, PathsByModel, SidePath, ThresholdPath

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
    seen = "binance observed 2022-09-27 and 2022-11-25"
    assert first_mover(None, still) == f"neither was seen to rise; {seen}"
    assert first_mover(19_000, still) == f"only the model, on 2022-01-08; {seen}, no rise seen"
    assert first_mover(19_000, Unknown("x")) == "venue not observed"
    silent = moved(step("2022-09-27", 0.02))
    reason = "binance: no later observation within 90 days"
    assert first_mover(19_000, silent) == f"cannot be told: {reason}"
    assert first_mover(None, silent) == f"the model did not rise: {reason}"
    raised = moved(step("2022-09-27", 0.02), step("2022-11-25", 0.04))
    assert first_mover(None, raised).endswith("the model did not rise")


@pytest.mark.parametrize(
    ("rose", "words"),
    [
        (19_001, "only the model, 1 day after the worst day"),
        (19_003, "only the model, 3 days after the worst day"),
        (19_000, "only the model, on the worst day"),
        (18_999, "only the model, 1 day before the worst day"),
    ],
)
def test_a_model_that_alone_rose_states_its_day_by_the_worst_one(rose: int, words: str) -> None:
    still = moved(step("2022-09-27", 0.02), step("2022-11-25", 0.02))
    assert first_mover(rose, still, 19_000).startswith(f"{words}; binance observed 2022-09-27 and")


def test_the_first_observation_after_an_episode_began_is_known() -> None:
    still = moved(step("2022-09-27", 0.02), step("2022-11-25", 0.02), step("2022-12-01", 0.02))
    assert still.next_at == at("2022-11-25")
    assert moved(step("2022-09-27", 0.02)).next_at is None


def path(model: Model, fallbacks: tuple[Fallback, ...]) -> ThresholdPath:
    """A margin of 10 % up to the eve of FTX and of 20 % from the third day after it on."""
    days = FTX.first_day - 40 + np.arange(100)
    margin = np.where(days >= FTX.first_day + 3, 0.2, 0.1)
    side = SidePath(margin, margin)
    return ThresholdPath("SOL", model, 0.99, days, side, side, fallbacks)


def results(*models: Model, fallbacks: tuple[Fallback, ...]) -> EpisodeResult:
    days = FTX.first_day - 40 + np.arange(99)
    returns = np.where(days == FTX.first_day + 1, -0.4225, 0.01)
    inputs = MarketInputs(DailyHistory("SOL", days, returns), *(np.full(99, np.nan),) * 3)
    perp, spot = (
        SeriesId(venue, kind, "SOLUSDT", Underlying("SOL", 1), "USDT", 86_400)
        for venue, kind in (("bybit", PriceKind.PERP), ("binance", PriceKind.SPOT))
    )
    moves = tuple(DisputedMove(FTX.first_day + day, perp, spot) for day in (-3, 1, 2, 9))
    part = SeriesPart(perp, int(days[0]), int(days[-1]), 99)
    paths: PathsByModel = {model: (path(model, fallbacks),) for model in models}
    own = EpisodePaths(FTX, AssetSeries(inputs, (part,), moves), paths)
    rows = cast("ArchivedRows", SimpleNamespace(rows={}))
    return episode_result(own, rows, cast("Universe", SimpleNamespace(chosen={})), 1e6)


def test_the_moves_of_another_source_are_named_with_the_series_of_an_episode() -> None:
    found = results(Model.GARCH, fallbacks=())
    assert (found.fall, found.fall_day) == (-0.4225, FTX.first_day + 1)
    assert found.series == (
        "bybit perp SOLUSDT 1d; "
        "2022-11-09 by binance spot SOLUSDT 1d, because a close of bybit perp SOLUSDT 1d is disputed; "
        "2022-11-10 by binance spot SOLUSDT 1d, because a close of bybit perp SOLUSDT 1d is disputed"
    )


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (-40, 30, "EWMA 0.94, filtered, in place of GARCH(1,1)-t, filtered"),
        (-40, 4, "EWMA 0.94, filtered, in place of GARCH(1,1)-t, filtered on 5 of 31 days"),
        (-40, -1, ""),
    ],
)
def test_an_episode_names_the_model_that_stands_in_place_of_one_without_a_fit(
    first: int, last: int, words: str
) -> None:
    eve = FTX.first_day
    own = Fallback(eve + first, eve + last, last - first + 1, "persistence", Model.FILTERED_94)
    unseen = Fallback(eve, eve + 1, 2, "no feature", None)
    found = results(Model.GARCH, Model.AVERAGE, fallbacks=(unseen, own))
    assert [model.fallback for model in found.models] == [words, words]
    assert [(model.eve, model.largest) for model in found.models] == [(0.1, 0.2), (0.1, 0.2)]

"""Recorded prices of coins that failed: what the signals and episodes said, and what audits leave out."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise

import pytest

from harmonize.api import threshold_rows
from harmonize.api.adequacy_prices import last_closes, recent_prices
from harmonize.api.audit import NotObservedError, Question, read_with_history
from harmonize.api.survivors import survivors_note
from harmonize.api.threshold_terms import EpisodeResult, EpisodeVenue, ThresholdsAnswer
from harmonize.api.thresholds import judge_thresholds
from harmonize.archive.archive import Archive
from harmonize.archive.location import recorded_archive
from harmonize.core.payload import PRICES
from harmonize.core.schedule import Unknown
from harmonize.market.failed_assets import FAILED_ASSETS
from harmonize.market.prices import PriceSeries
from harmonize.market.source import read_series
from harmonize.thresholds.signals import Evidence

TODAY = date(2026, 11, 29)
DAY = 86_400_000_000

LUNA_CLOSES = (64.26, 30.29, 17.46, 1.0769, 0.00032)
"""Binance spot, LUNAUSDT, at the end of 8 to 12 May 2022."""

FTT_CLOSES = (22.08, 5.5)
"""Binance spot, FTTUSDT, at the end of 7 and 8 November 2022."""


@cache
def recorded_series() -> dict[str, PriceSeries]:
    """The series of failed assets and of LUNA, by asset."""
    with recorded_archive() as path:
        archive = Archive.open(path)
        entry = [entry for entry in archive.entries() if entry.venue == PRICES][1]
        data = read_series(archive, [entry])
    assert data.defects == ()
    return {part.id.underlying.asset: part for part in data.series}


def closes(asset: str) -> dict[date, float]:
    series = recorded_series()[asset]
    days = [datetime.fromtimestamp(t / 1e6, UTC).date() for t in series.times.tolist()]
    return dict(zip(days, series.close.tolist(), strict=True))


def losses_before(asset: str, day: date) -> list[float]:
    """Losses from close to close of one day to the next, before a day, by plain arithmetic."""
    own = closes(asset)
    return [
        1 - own[later] / own[earlier]
        for earlier in own
        if (later := date.fromordinal(earlier.toordinal() + 1)) in own and later < day
    ]


def quantile_99(losses: list[float]) -> float:
    """The 99 % quantile of the last 365 losses, interpolated between order statistics."""
    ordered = sorted(losses[-365:])
    place = 0.99 * (len(ordered) - 1)
    below = ordered[int(place)]
    return below + (place - int(place)) * (ordered[int(place) + 1] - below)


@cache
def judged(name: str, day: date) -> ThresholdsAnswer:
    return judge_thresholds(Question(underlyings=(name,), as_of=day))


def failing(answer: ThresholdsAnswer) -> Evidence:
    (state,) = [state for state in answer.signals if state.signal == "MH515"]
    (evidence,) = state.now
    return evidence


def episode(answer: ThresholdsAnswer, name: str) -> EpisodeResult:
    (found,) = [own for own in answer.episodes if own.name == name]
    return found


def test_the_prices_of_failed_assets_are_archived_until_their_trading_stopped() -> None:
    series = recorded_series()
    assert set(series) == {own.asset for own in FAILED_ASSETS} | {"LUNA"}
    for failed in FAILED_ASSETS:
        own = closes(failed.asset)
        assert series[failed.asset].id.symbol == failed.symbol
        ordinal = failed.stopped.toordinal()
        assert date.fromordinal(ordinal - 1) in own
        assert not {date.fromordinal(ordinal + days) for days in range(30)} & set(own)


def test_their_provenance_names_repository_commit_and_hash() -> None:
    with recorded_archive() as path:
        archive = Archive.open(path)
        entry = [entry for entry in archive.entries() if entry.venue == PRICES][1]
        assert entry.size < 300_000
        sources = {payload.provenance.source for payload in archive.read(entry).payloads}
    (source,) = sources
    assert "misrori/binance_startegy" in source
    assert "commit dbfa7fe7fdd3ffeb898a7e34030bb2811d04e451" in source
    assert "8d5f577b6c8f97c81d3b6fbbdebe9af6aab7205fe6d30a1ec65f9ddb460f726a" in source


def test_the_renamed_coin_and_the_new_one_are_two_series_and_no_return_joins_them() -> None:
    old, new = closes("LUNC"), closes("LUNA")
    assert (max(old), min(new)) == (date(2022, 5, 12), date(2022, 6, 1))
    assert [old[date(2022, 5, day)] for day in range(8, 13)] == list(LUNA_CLOSES)
    # The new coin opens 26,000 times higher: a return across would be that.
    assert new[min(new)] / old[max(old)] > 20_000
    with pytest.raises(NotObservedError, match="LUNA: 161 returns, 365 are required"):
        judged("LUNA", date(2022, 11, 10))
    (asset,) = judged("LUNA", TODAY).assets
    (part,) = asset.parts
    assert date.fromordinal(part.first_day + date(1970, 1, 1).toordinal()) == date(2022, 6, 2)
    assert any(
        note.startswith("LUNA: prices end 2023-12-29, 1066 days before")
        for note in judged("LUNA", TODAY).notes
    )


def test_the_history_of_luna_could_not_tell() -> None:
    losses = losses_before("LUNC", date(2022, 5, 9))
    historical = quantile_99(losses)
    assert historical == pytest.approx(0.184, abs=5e-4)
    falls = [1 - b / a for a, b in pairwise(LUNA_CLOSES)]
    assert [round(fall, 4) for fall in falls] == [0.5286, 0.4236, 0.9383, 0.9997]
    evidence = failing(judged("LUNA", date(2022, 5, 10)))
    assert (evidence.asset, evidence.proposal) == ("LUNC", None)
    assert evidence.observed == pytest.approx(falls[0], rel=1e-3)
    assert evidence.required == pytest.approx(2 * historical, rel=1e-3)
    assert falls[0] > max(losses)
    assert "loss of 52.86 % against a historical VaR of 18.42 %" in evidence.text
    assert "margin at the whole position or close the contract" in evidence.text


def test_the_day_on_which_trading_stopped_has_signal_record_and_episode() -> None:
    answer = judged("LUNA", date(2022, 5, 13))
    assert "underlying LUNA read as LUNC" in answer.notes
    assert failing(answer).observed == pytest.approx(0.9997, abs=5e-5)
    (state,) = [state for state in answer.signals if state.signal == "MH515"]
    assert not isinstance(state.record, Unknown)
    # On after the falls of 9 to 12 May, on the four rows of 10 to 13 May.
    assert (state.record.days_on, state.record.episodes) == (4, 1)
    found = episode(answer, "LUNA")
    assert (found.asset, found.series) == ("LUNC", "binance spot LUNAUSDT 1d")
    assert found.fall == pytest.approx(-0.9997, abs=5e-5)
    assert isinstance(found.venue, EpisodeVenue)
    assert (found.venue.symbol, found.venue.eve) == ("LUNA/USDT:USDT", 0.1)
    assert found.venue.eve_at == datetime(2022, 4, 16, tzinfo=UTC)
    assert found.venue.largest == Unknown("no later observation within 90 days")
    assert {model.mover for model in found.models} == {
        "cannot be told: binance: no later observation within 90 days"
    }


def test_the_episode_names_the_contract_of_its_time_and_not_a_later_one() -> None:
    found = episode(judged("LUNC", TODAY), "LUNA").venue
    assert isinstance(found, EpisodeVenue)
    assert found.symbol == "LUNA/USDT:USDT"


def test_ftt_is_judged_before_its_halt_and_not_across_it() -> None:
    losses = losses_before("FTT", date(2022, 11, 8))
    fall = 1 - FTT_CLOSES[1] / FTT_CLOSES[0]
    own = closes("FTT")
    assert (own[date(2022, 11, 7)], own[date(2022, 11, 8)]) == FTT_CLOSES
    evidence = failing(judged("FTT", date(2022, 11, 10)))
    assert evidence.observed == pytest.approx(fall, rel=1e-3)
    assert evidence.required == pytest.approx(2 * quantile_99(losses), rel=1e-3)
    assert evidence.proposal is None
    with pytest.raises(NotObservedError, match="FTT: 97 returns, 365 are required"):
        judged("FTT", TODAY)


def test_at_ftx_nobody_can_be_said_to_have_raised_the_margin_of_ftt_first() -> None:
    found = episode(judged("FTT", date(2022, 12, 31)), "FTX")
    assert found.fall == pytest.approx(-0.7509, abs=5e-5)
    assert isinstance(found.venue, EpisodeVenue)
    assert found.venue.before is not None
    assert found.venue.after is not None
    assert (found.venue.after - found.venue.before).days == 59
    assert (found.venue.eve, found.venue.largest) == (0.5, 1.0)
    assert found.models
    assert all(model.mover.startswith("cannot be told: model on") for model in found.models)


def test_the_note_on_survivors_counts_the_failed_assets_known_by_then() -> None:
    question = Question(as_of=TODAY)
    assert survivors_note(question, datetime(2026, 11, 29, tzinfo=UTC), {"BTC", "ETH"}) == (
        "survivors only: 2 assets with archived prices; the archive also has prices of 5 failed "
        "assets, not included: LUNC, USTC, FTT, SRM, ANC"
    )
    assert survivors_note(question, datetime(2022, 5, 12, tzinfo=UTC), {"LUNC"}) == (
        "survivors only: 1 asset with archived prices; assets that failed before are absent"
    )
    assert survivors_note(question, datetime(2022, 5, 13, tzinfo=UTC), {"LUNC", "BTC"}) == (
        "1 of 2 assets failed: LUNC; the others are survivors; the archive also has prices of 1 failed "
        "asset, not included: USTC"
    )


def test_an_audit_tests_no_asset_whose_prices_ended_years_ago_unless_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = judged("LUNA", date(2022, 5, 13))
    asked: list[tuple[str, ...]] = []

    def judge(question: Question, **_: object) -> ThresholdsAnswer:
        asked.append(question.underlyings)
        return answer

    monkeypatch.setattr(threshold_rows, "judge_thresholds", judge)
    dead = {"LUNA", "LUNC", "USTC", "FTT", "SRM", "ANC"}
    now = Question(as_of=TODAY)
    section, missing = threshold_rows.audited_thresholds(now, read_with_history(now)[0])
    assert (len(asked[0]), dead & set(asked[0]), missing) == (28, set(), ())
    reasons = {row.underlying: row.reason for row in section.without}
    assert set(reasons) == dead - {"ANC"}  # no venue has a contract on ANC today
    assert reasons["FTT"] == (
        "prices end 2023-12-29, 1,066 days before: tested only if the underlying is named"
    )
    then = Question(as_of=date(2022, 5, 13))
    section, _ = threshold_rows.audited_thresholds(then, read_with_history(then)[0])
    assert {"LUNC", "FTT", "SRM"} <= set(asked[1])
    assert section.without == ()
    named = replace(now, underlyings=("FTT",))
    threshold_rows.audited_thresholds(named, read_with_history(named)[0])
    assert asked[2] == ("FTT",)


def test_prices_are_recent_up_to_two_years_after_the_last_close() -> None:
    own = recorded_series()["LUNC"]
    closed = datetime(2022, 5, 13, tzinfo=UTC)
    assert last_closes(Question())["LUNC"] == closed
    prices = {"LUNC": (own,)}
    assert recent_prices(prices, closed.replace(year=2024, day=12)) == prices
    assert recent_prices(prices, closed.replace(year=2024, day=13)) == {}

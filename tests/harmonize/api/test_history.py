"""One schedule over time: margins as exact fractions of the venue's tiers, and unreadable snapshots."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from harmonize.api.audit import NotObservedError, Question, RequestError
from harmonize.api.history import schedule_history, schedule_series, underlying_history
from harmonize.archive.archive import Archive
from harmonize.cli.history_text import schedule_table
from harmonize.core.date_precision import NO_LATER_THAN
from harmonize.core.payload import Snapshot
from tests.harmonize.history import test_binance_history
from tests.support import recorded
from tests.support.table_archives import PLAIN, START, ScriptedArchive, sent

DAY = timedelta(days=1)
SIZES = (1e5, 2.5e6, 9e7)
EVERY = 13
"""Step between the days of the tier table that the archive contains."""


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def books(tmp_path: Path) -> ScriptedArchive:
    return ScriptedArchive(tmp_path / "archive")


@pytest.fixture(scope="module")
def four_years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Archive with some days of Binance."""
    path: Path = tmp_path_factory.mktemp("binance") / "archive"
    archive = Archive.create(path)
    for snapshot in test_binance_history.snapshots()[::EVERY]:
        archive.append(snapshot, imported=True)
    return path


Margins = tuple[Fraction | None, Fraction | None]


def exact(day: str, symbol: str, size: float) -> Margins:
    """Returns IM and MM from the rows of a day as exact fractions; None if there is no value."""
    table = pd.read_parquet(test_binance_history.TABLE, filters=[("observed", "==", day)])
    rows: list[dict[Any, Any]] = table[
        table["symbol"].map(test_binance_history.unify) == symbol
    ].to_dict("records")
    for row in rows:
        if row["min_notional"] < size <= row["max_notional"]:
            notional, leverage = Fraction(str(size)), Fraction(str(row["max_leverage"]))
            if isnan(row["maintenance_margin_rate"]):
                return notional / leverage, None
            rate, deduction = (
                Fraction(str(row[name])) for name in ("maintenance_margin_rate", "deduction")
            )
            return notional / leverage, notional * rate - deduction
    return None, None


def test_margins_are_those_of_the_tiers_of_the_day(four_years: Path) -> None:
    days = sorted(test_binance_history.table())[::EVERY]
    history = schedule_history(
        Question(archive=four_years, notional_grid=SIZES), "binance", "ETHUSDT"
    )
    assert history.symbol == "ETH/USDT:USDT"
    assert history.observations == len(days)
    assert history.until == f"{days[-1]}T00:00:00Z"
    assert len(history.seen) > 4
    for state in history.seen:
        for position, size in enumerate(SIZES):
            expected = exact(state.observed_at[:10], history.symbol, size)
            for margins, margin in zip((state.initial, state.maintenance), expected, strict=True):
                assert margins[position] == (margin and pytest.approx(float(margin)))
    assert [state.kind == "" for state in history.seen] == [True] + [False] * (
        len(history.seen) - 1
    )


def test_a_state_is_valid_on_every_day_until_the_next(four_years: Path) -> None:
    days = sorted(test_binance_history.table())[::EVERY]
    history = schedule_history(
        Question(archive=four_years, notional_grid=SIZES), "binance", "ETH/USDT:USDT"
    )
    for day in days:
        in_force = [state for state in history.seen if state.observed_at[:10] <= day][-1]
        for position, size in enumerate(SIZES):
            _, expected = exact(day, history.symbol, size)
            assert in_force.maintenance[position] == (expected and pytest.approx(float(expected)))


def test_peak_to_trough_is_of_the_margins_in_force_on_each_day(four_years: Path) -> None:
    days = sorted(test_binance_history.table())[::EVERY]
    history = schedule_history(
        Question(archive=four_years, notional_grid=SIZES), "binance", "ETH/USDT:USDT"
    )
    for measured in history.margins:
        margins = [
            margin
            for day in days
            if (
                margin := exact(day, history.symbol, measured.notional)[
                    measured.margin_type == "maintenance"
                ]
            )
        ]
        assert measured.measured.observations == len(margins)
        assert measured.measured.peak_to_trough == pytest.approx(float(max(margins) / min(margins)))


def question_about(books: ScriptedArchive, **fields: object) -> Question:
    return Question(archive=books.path, notional_grid=(1e6,), **fields)  # type: ignore[arg-type]


def test_procyclicality_counts_observations_and_not_changes(books: ScriptedArchive) -> None:
    for day in (0, 1, 2, 3, 7, 8):
        books.gather(PLAIN | {"BTC": "0.02" if day < 3 else "0.03"}, START + day * DAY)
    history = schedule_history(question_about(books), "dydx", "btc-usd")
    assert len(history.seen) == 2
    assert history.observations == 6
    measured = {margin.margin_type: margin.measured for margin in history.margins}
    assert measured["initial"].observations == 6
    assert measured["initial"].widest_days == 4.0
    assert measured["initial"].calls == 1
    assert measured["initial"].peak_to_trough == pytest.approx(1.5)
    assert [increase.days for increase in measured["initial"].rises] == [1, 5, 30]
    assert [increase.share for increase in measured["initial"].rises] == pytest.approx([0.5] * 3)


def test_a_fast_clock_adds_no_observation(books: ScriptedArchive) -> None:
    for day in (0, 40, 2, 3):
        books.gather(PLAIN, START + day * DAY)
    history = schedule_history(question_about(books), "dydx", "BTC-USD")
    assert history.observations == 3
    assert history.until == f"{START + 3 * DAY:%Y-%m-%dT%H:%M:%SZ}"


def test_a_history_ends_with_the_requested_day(books: ScriptedArchive) -> None:
    for day, rate in enumerate(["0.02", "0.03", "0.03", "0.05"]):
        books.gather(PLAIN | {"BTC": rate}, START + day * DAY)
    history = schedule_history(question_about(books, as_of=date(2027, 11, 22)), "dydx", "BTC-USD")
    assert [state.initial for state in history.seen] == [(20_000.0,), (pytest.approx(30_000.0),)]
    assert history.until == "2027-11-22T01:00:00Z"
    with pytest.raises(NotObservedError):
        schedule_history(question_about(books, as_of=date(2027, 11, 19)), "dydx", "BTC-USD")


def test_unreadable_observations_are_reported_and_failed_attempts_are_not(
    books: ScriptedArchive,
) -> None:
    entries = [books.gather(PLAIN | {"BTC": "0.02"}, START)]
    entries.append(books.gather(PLAIN | {"BTC": "0.03"}, START + DAY))
    books.fail(START + 2 * DAY)
    books.gather(PLAIN | {"BTC": "0.03"}, START + 3 * DAY)
    books.damage(entries[1])
    history = schedule_history(question_about(books), "dydx", "BTC-USD")
    (unreadable,) = history.left_out
    assert unreadable.startswith("2027-11-21: ")
    assert entries[1].pack in unreadable
    assert [state.observed_at[:10] for state in history.seen] == ["2027-11-20", "2027-11-23"]
    assert history.observations == 2


def test_a_removed_schedule_has_no_margin_from_then_on(books: ScriptedArchive) -> None:
    for day, state in enumerate([PLAIN, {"ETH": "0.02"}, {"ETH": "0.02"}, PLAIN]):
        books.gather(state, START + day * DAY)
    history = schedule_history(question_about(books), "dydx", "BTC-USD")
    assert [state.initial for state in history.seen] == [(20_000.0,), (None,), (20_000.0,)]
    assert [state.kind for state in history.seen] == ["", "delisted", "listed"]
    assert history.margins[0].measured.observations == 2
    initial = schedule_series(question_about(books), "dydx", "BTC-USD")[0]
    assert [point.rate for point in initial.points] == [0.02, None, 0.02]


def test_of_several_profiles_one_is_followed(tmp_path: Path) -> None:
    venue, symbol, profiles = symbol_with_several_profiles()
    archive = Archive.create(tmp_path / "archive")
    for snapshot in reversed(recorded.of_venue(venue)):
        archive.append(snapshot)
    question = Question(archive=tmp_path / "archive")
    followed = schedule_history(question, venue, symbol).profile
    assert followed in profiles
    for profile in sorted(profiles):
        question = Question(archive=tmp_path / "archive", profile=profile)
        assert schedule_history(question, venue, symbol).profile == profile


def symbol_with_several_profiles() -> tuple[str, str, set[str]]:
    """Returns a small venue, one of its symbols and the several profiles of that symbol."""
    for venue in ("okx", "htx", "kucoin", "bitget", "phemex", "bitmart", "whitebit", "bybit"):
        by_symbol: dict[str, set[str]] = {}
        for schedule in recorded.schedules(venue):
            by_symbol.setdefault(schedule.instrument.symbol, set()).add(str(schedule.profile))
        for symbol, profiles in sorted(by_symbol.items()):
            if len(profiles) > 1:
                return venue, symbol, profiles
    raise AssertionError


def test_an_unknown_venue_and_an_unknown_symbol_are_errors(books: ScriptedArchive) -> None:
    books.gather(PLAIN, START)
    with pytest.raises(RequestError, match="unknown venue dydy"):
        schedule_history(question_about(books), "dydy", "BTC-USD")
    with pytest.raises(NotObservedError, match="dydx: no schedule of NONE"):
        schedule_history(question_about(books), "dydx", "NONE")


def test_times_are_of_the_archive(four_years: Path) -> None:
    history = schedule_history(
        Question(archive=four_years, notional_grid=SIZES), "binance", "ETHUSDT"
    )
    times = {f"{snapshot.observed_at:%Y-%m-%dT%H:%M:%SZ}" for snapshot in snapshots()}
    assert {state.observed_at for state in history.seen} <= times
    assert datetime.fromisoformat(history.until) == max(
        snapshot.observed_at for snapshot in snapshots()
    )


def snapshots() -> tuple[Snapshot, ...]:
    return test_binance_history.snapshots()[::EVERY]


def test_a_partial_snapshot_observes_only_its_own_contracts(books: ScriptedArchive) -> None:
    books.gather(PLAIN, START)
    books.gather({"BTC": "0.02"}, START + DAY, complete=False)
    books.gather({"BTC": "0.03"}, START + 2 * DAY, complete=False)
    found = {
        asset: schedule_history(question_about(books), "dydx", f"{asset}/USDC:USDC")
        for asset in ("BTC", "ETH")
    }
    assert [(h.observations, h.until[:10]) for h in found.values()] == [
        (3, "2027-11-22"),
        (1, "2027-11-20"),
    ]
    assert {s.until[:10] for s in schedule_series(question_about(books), "dydx", "ETH-USD")} == {
        "2027-11-20"
    }
    (series,) = underlying_history(question_about(books), "ETH").series
    assert series.until[:10] == "2027-11-20"
    books.gather(PLAIN, START + 3 * DAY)  # the tables are extended, the earlier states remain
    later = schedule_history(question_about(books), "dydx", "ETH/USDC:USDC")
    assert (later.observations, later.until[:10]) == (2, "2027-11-23")
    books.gather(
        {"BTC": "0.03"}, START + 4 * DAY
    )  # a complete one observes that the contract is absent
    assert schedule_history(question_about(books), "dydx", "ETH/USDC:USDC").observations == 3
    assert schedule_history(question_about(books), "dydx", "BTC/USDC:USDC").observations == 5


def test_the_newest_observation_states_how_far_its_day_is_known(books: ScriptedArchive) -> None:
    books.gather(PLAIN, START)
    snapshot = sent(PLAIN, START + DAY, live=False)
    payloads = tuple(replace(own, precision=NO_LATER_THAN) for own in snapshot.payloads)
    books.archive.append(replace(snapshot, payloads=payloads), imported=True)
    history = schedule_history(question_about(books), "dydx", "BTC/USDC:USDC")
    assert (history.until_kind, history.until_from) == ("no later than", "")
    assert "\n≤ 2027-11-21             newest observation" in schedule_table(history, START + DAY)

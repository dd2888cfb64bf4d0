"""The report card of harmonized-baseline in an audit: its day, its tests, and what was not tested."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy as np

from harmonize.api.calibrate import Calibration, CalibrationRequest, calibrate
from harmonize.api.question import Question
from harmonize.api.threshold_review import PAST, SINCE, ReviewDay, baseline_review, review_day
from harmonize.archive.location import recorded_archive
from harmonize.core.instrument import Underlying
from harmonize.document import CalibrationReviewRow
from harmonize.market.prices import MICROSECONDS, PriceKind, PriceSeries, SeriesId, microseconds

DAY = 86_400
END = date(2026, 3, 25)


@cache
def review(audited: date = END) -> CalibrationReviewRow:
    return baseline_review(
        Question(), datetime(audited.year, audited.month, audited.day, tzinfo=UTC)
    )


@cache
def calibrated() -> Calibration:
    with recorded_archive() as path:
        return calibrate(CalibrationRequest("harmonized-baseline", END, path))


def test_it_is_the_review_that_calibrate_states() -> None:
    own, expected = review(), calibrated().review
    assert (own.version, own.made_on) == (calibrated().last.version, str(expected.made_on))
    assert (own.next_on, own.horizon_days) == (str(expected.next_on), expected.days)
    assert [(r.underlying, r.side, r.moves, r.breaches, r.too_many) for r in own.in_past] == [
        (r.asset, r.side.value, r.observations, r.breaches, r.is_rejected) for r in expected.in_past
    ]
    assert [(r.underlying, r.side, r.moves) for r in own.since] == [
        (r.asset, r.side.value, r.observations) for r in expected.since if r.observations
    ]
    daily = {item.asset: str(item.daily.id) for item in calibrated().evidence if item.daily}
    assert [r.series for r in own.in_past] == [daily[r.underlying] for r in own.in_past]
    (worst,) = [r for r in own.in_past if (r.underlying, r.side) == ("BTC", "long")]
    assert (worst.worst_day, worst.coverage is not None) == ("2020-03-12", True)


def test_every_asset_is_tested_or_has_its_reason() -> None:
    own = review()
    assets = {item.asset for item in calibrated().evidence}
    for test, rows in ((SINCE, own.since), (PAST, own.in_past)):
        tested = {row.underlying for row in rows}
        untested = {row.underlying for row in own.untested if row.test == test}
        assert tested | untested == assets
        assert not tested & untested
    reasons = {row.reason for row in own.untested}
    assert reasons == {"no recent prices", f"no move began after {own.made_on}"}


def test_a_day_after_the_prices_is_moved_back_and_says_so() -> None:
    own = review(date(2026, 11, 29))
    assert own.day < "2026-11-29"
    assert own.day_reason.startswith("the latest day with enough prices: ")
    assert own.since
    assert review().day == "2026-03-25"
    assert review().day_reason.startswith("the day of the audit: ")


def test_without_prices_the_reason_stands_there() -> None:
    own = review(date(2015, 1, 1))
    assert (own.day, own.in_past) == ("", ())
    assert "on no day to 2015-01-01 do half of 30 assets have prices" in own.reason


def test_an_archive_without_prices_is_reviewed_with_the_recorded_ones(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 25, tzinfo=UTC)
    assert baseline_review(Question(archive=tmp_path / "none"), moment) == review()


def series(asset: str, last: date, days: int = 400) -> PriceSeries:
    end = microseconds(datetime(last.year, last.month, last.day, tzinfo=UTC))
    times = end - np.arange(days - 1, -1, -1, dtype=np.int64) * DAY * MICROSECONDS
    own = SeriesId("binance", PriceKind.PERP, f"{asset}USDT", Underlying(asset), "USDT", DAY)
    return PriceSeries(own, times, np.full(days, 100.0))


PARTS = (
    series("A", date(2025, 1, 10)),
    series("B", date(2025, 3, 1)),
    series("C", date(2025, 6, 1)),
)


def chosen(audited: date, *assets: str) -> ReviewDay | None:
    return review_day(PARTS, assets, audited)


def test_the_latest_day_has_recent_prices_of_half_of_the_assets() -> None:
    recent = "2 of 4 assets have prices at most 30 days old"
    expected = ReviewDay(date(2025, 3, 31), f"the latest day with enough prices: {recent}")
    assert chosen(date(2025, 12, 1), "A", "B", "C", "D") == expected
    audited = date(2025, 3, 15)
    expected = ReviewDay(audited, f"the day of the audit: {recent}")
    assert chosen(audited, "A", "B", "C", "D") == expected


def test_one_day_more_than_thirty_is_too_old() -> None:
    audited = date(2025, 3, 31)
    on_the_day, later = chosen(audited, "B"), chosen(date(2025, 4, 1), "B")
    assert on_the_day is not None
    assert later is not None
    assert (on_the_day.day, later.day) == (audited, audited)


def test_prices_that_were_not_known_yet_do_not_count() -> None:
    assert chosen(date(2023, 1, 1), "A", "B", "C") is None
    assert chosen(date(2025, 3, 1), "D") is None


def test_a_shorter_series_that_is_recent_makes_its_asset_recent() -> None:
    longer = series("A", date(2025, 1, 10), days=800)
    shorter = series("A", date(2025, 2, 1), days=400)
    recent = replace(shorter, id=replace(shorter.id, venue="okx"))
    audited = date(2025, 2, 20)  # 41 days after the end of the longer one
    expected = ReviewDay(
        audited, "the day of the audit: 1 of 1 asset have prices at most 30 days old"
    )
    assert review_day((longer, recent), ("A",), audited) == expected


def test_assets_with_recent_perpetuals_are_reviewed_after_their_spot_prices_end() -> None:
    """Recorded spot of SOL and DOGE ends on 2026-03-03, their perpetuals on 2026-03-24."""
    own = review(date(2026, 4, 15))
    assert own.day == "2026-04-15"
    untested = {row.underlying for row in own.untested}
    for rows in (own.since, own.in_past):
        assert {"SOL", "DOGE"} <= {row.underlying for row in rows}
    assert not untested & {"SOL", "DOGE"}
    assert {"ZEC", "AAVE"} <= untested  # their spot prices are the only ones

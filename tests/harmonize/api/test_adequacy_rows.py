"""Verdicts as rows of the audit document: every number of the verdict, and nothing unless requested."""

import hashlib
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from harmonize.adequacy.close_out import CloseOutTime
from harmonize.adequacy.coverage import Coverage
from harmonize.adequacy.holding_time import HoldingTime
from harmonize.adequacy.severity import every_window, headline
from harmonize.api.adequacy import AdequacyAnswer, AdequacyTerms, judge_reading
from harmonize.api.adequacy_rows import adequacy_section
from harmonize.api.audit import (
    ADEQUACY_NOTIONALS,
    AdequacyScope,
    Answer,
    AnswerOptions,
    Question,
    RequestError,
    answer,
    read_with_history,
)
from harmonize.api.report_folder import build, differences, write
from harmonize.archive.archive import Archive
from harmonize.archive.location import recorded_archive
from harmonize.core.payload import PRICES
from harmonize.core.schedule import Unknown
from harmonize.document import AdequacyRow, AdequacySection, from_json, to_json

REQUESTED = AnswerOptions(adequacy=AdequacyScope.VERDICTS)
QUESTION = Question(
    venues=("binance", "krakenfutures"),
    underlyings=("BTC", "XLM"),
    rules=("esma-retail",),
    as_of=date(2026, 11, 29),
    options=REQUESTED,
)


@cache
def judged() -> AdequacyAnswer:
    reading, as_of = read_with_history(QUESTION)
    return judge_reading(QUESTION, reading, as_of, AdequacyTerms(notionals=ADEQUACY_NOTIONALS))


@cache
def audited() -> Answer:
    return answer(QUESTION)


def section() -> AdequacySection:
    return audited().document.adequacy


def row_of(venue: str, side: str, notional: float) -> AdequacyRow:
    (row,) = [
        row
        for row in section().rows
        if (row.venue, row.underlying, row.side, row.notional) == (venue, "BTC", side, notional)
    ]
    return row


def test_the_audit_states_the_verdicts_of_the_command_in_the_same_order() -> None:
    assert section() == adequacy_section(judged())
    assert section().level == 0.99
    assert {row.notional for row in section().rows} == {1e4, 1e5, 1e6, 1e7}
    keys = [(row.venue, row.underlying, row.side, row.notional) for row in section().rows]
    assert keys == [
        (v.position.venue, v.position.underlying, v.side.value, v.position.notional)
        for v in judged().verdicts
    ]


def test_every_number_of_a_verdict_is_in_its_row() -> None:
    for verdict, row in zip(judged().verdicts, section().rows, strict=True):
        for name, holding in zip(("buffer", "maintenance", "initial"), row.holding, strict=True):
            own = getattr(verdict.holding, name)
            assert holding.margin == name
            if isinstance(own, HoldingTime):
                assert holding.seconds == pytest.approx(own.time.seconds, rel=1e-11)
                assert holding.bound == own.time.bound
                assert not holding.reason
            else:
                assert (holding.seconds, holding.bound, holding.reason) == (None, "", own.reason)
        for covered, test in (
            (headline(verdict), row.after_liquidation),
            (every_window(verdict), row.every_window),
        ):
            if isinstance(covered, Coverage):
                assert (test.breaches, test.observations) == (
                    covered.breaches,
                    covered.observations,
                )
                assert test.breach_rate == covered.breach_rate
            else:
                assert (test.breaches, test.reason) == (None, covered.reason)
        time = verdict.close_out.time
        if isinstance(time, CloseOutTime):
            assert row.close_out_seconds == pytest.approx(time.seconds, rel=1e-11)
            assert row.volume == pytest.approx(time.volume.value)
        else:
            assert (row.close_out_seconds, row.volume_reason) == (None, time.reason)


def test_the_row_of_one_position_has_the_published_figures() -> None:
    row = row_of("binance", "long", 1e6)
    assert row.initial == pytest.approx(1 / 75, rel=1e-11)
    assert row.maintenance == 0.005
    worst = row.after_liquidation.worst[0]
    assert (worst.start, worst.end) == ("2025-10-10T21:00:00Z", "2025-10-10T21:15:00Z")
    assert worst.start_close == 112137.6
    assert worst.end_price == 101516.5
    assert worst.loss == pytest.approx(1 - 101516.5 / 112137.6, rel=1e-9)
    assert worst.uncovered == pytest.approx(worst.loss - 0.005, rel=1e-9)
    assert worst.sources == ("hourly/binance_um_perp_BTC_ETH_15m.parquet",)
    assert len(row.after_liquidation.worst) == 5
    assert len(row.every_window.worst) == 1
    assert [part.days for part in row.clearing] == [1, 2, 5]
    assert row.clearing[0].zone == "red"
    assert row.clearing[0].test.first < row.clearing[0].test.last


def test_moves_and_backtests_are_sorted_and_complete() -> None:
    moves = [(m.underlying, m.venues, m.side, m.seconds) for m in section().moves]
    assert moves == sorted(moves)
    of_btc = [m for m in section().moves if m.underlying == "BTC" and "binance" in m.venues]
    assert [m.seconds for m in of_btc if m.side == "long"] == [
        900,
        3_600,
        14_400,
        86_400,
        172_800,
        432_000,
    ]
    backtests = [row for row in section().backtests if row.venue == "binance"]
    assert {row.measure for row in backtests} == {
        "initial over 1 day",
        "maintenance over one candle",
        "maintenance after a liquidation",
    }
    large = next(row for row in backtests if row.notional == 1e6)
    assert (large.measure, large.side, large.seconds) == ("initial over 1 day", "long", 86_400)
    by_year = {year.year: (year.lowest_rate, year.highest_rate) for year in large.years}
    assert by_year[2022] == (0.02, 0.04)


def test_the_volatility_of_both_periods_is_stated_with_its_day_and_series() -> None:
    (trend,) = [row for row in section().volatilities if "binance" in row.venues]
    assert (trend.underlying, trend.series) == ("BTC", "binance perp BTCUSDT 1d")
    assert trend.last == "2026-08-01T00:00:00Z"
    assert 0.1 < trend.recent < 1.5
    assert 0.1 < trend.previous < 1.5


def test_shares_after_a_breach_are_those_of_the_verdict() -> None:
    part = row_of("binance", "long", 1e7).clearing[0]
    assert part.after_breach is not None
    assert part.after_calm is not None
    assert 0 < part.after_calm < part.after_breach < 1


def test_what_was_not_observed_is_stated_and_never_a_number() -> None:
    assert section().without_prices == ("XLM",)
    reasons = [row.reason for row in section().unjudged]
    assert all(reasons)
    assert not [row for row in section().rows if row.underlying == "XLM"]
    unknown = replace(judged().verdicts[0], prices=Unknown("no prices"))
    row = adequacy_section(replace(judged(), verdicts=(unknown,))).rows[0]
    assert (row.reason, row.price_reason, row.series) == ("no prices", "no prices", ())


def test_the_document_with_verdicts_survives_its_json() -> None:
    assert from_json(to_json(audited().document)) == audited().document


def test_without_the_option_nothing_is_tested() -> None:
    document = answer(replace(QUESTION, options=AnswerOptions())).document
    assert document.adequacy == AdequacySection()
    assert replace(audited().document, adequacy=AdequacySection()).schedules == document.schedules


def test_a_preferred_instrument_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(RequestError, match="BTC/NONE"):
        answer(replace(QUESTION, instruments={("binance", "BTC"): "BTC/NONE"}))


def test_prices_that_cannot_be_read_make_the_answer_incomplete(tmp_path: Path) -> None:
    own = Archive.open_or_create(tmp_path)
    with recorded_archive() as path:
        recorded = Archive.open(path)
        (entry,) = [e for e in recorded.entries() if e.venue == "binance"][-1:]
        own.append(recorded.read(entry), imported=True)
        prices = next(e for e in recorded.entries() if e.venue == PRICES)
        candles = recorded.read(prices)
    content = b"no candles"
    damaged = replace(
        candles.payloads[0], content=content, sha256=hashlib.sha256(content).hexdigest()
    )
    own.append(replace(candles, payloads=(damaged,), complete=False), imported=True)
    result = answer(Question(archive=tmp_path, options=REQUESTED))
    assert not result.document.adequacy.rows
    assert any("candles" in line or "prices" in line for line in result.missing), result.missing
    assert not result.complete


def test_a_report_with_verdicts_is_verified(tmp_path: Path) -> None:
    question = replace(QUESTION, venues=("binance",), underlyings=("BTC",))
    report = build(question)
    assert report.answer.document.adequacy.rows
    write(tmp_path, report.files)
    assert list(differences(tmp_path, None)) == []

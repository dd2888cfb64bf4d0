"""Margins against archived prices: which prices are read, and what they are worth."""

import doctest
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from harmonize.adequacy.clearing import MarginingGap
from harmonize.adequacy.contract_risk import VenueRisk
from harmonize.adequacy.coverage import Coverage
from harmonize.adequacy.holding_time import HoldingTime
from harmonize.adequacy.severity import headline, severity
from harmonize.adequacy.venue_risks import RiskTerms, venue_risks
from harmonize.api.adequacy import (
    AdequacyAnswer,
    AdequacyTerms,
    judge_adequacy,
    judge_reading,
    list_series,
)
from harmonize.api.adequacy_history import archived_tables, history_backtests
from harmonize.api.adequacy_object import SCHEMA_VERSION, adequacy_object, series_object
from harmonize.api.adequacy_prices import read_prices
from harmonize.api.adequacy_rows import adequacy_row, verdict_sentences
from harmonize.api.adequacy_table import adequacy_sheets
from harmonize.api.audit import (
    Fallback,
    NotObservedError,
    Question,
    RequestError,
    read_with_history,
)
from harmonize.archive.archive import Archive
from harmonize.comparison.representative import preferred
from harmonize.core.instrument import Underlying
from harmonize.core.open_interest import OpenInterest
from harmonize.core.payload import PRICES, Origin, Provenance, Snapshot
from harmonize.core.schedule import MaintenanceMeaning, Unknown
from harmonize.market.candle_codec import payloads_of
from harmonize.market.merge import latest_end
from harmonize.market.points import PointSeries, PointsId, Quantity
from harmonize.market.points_codec import point_payloads
from harmonize.market.prices import PriceKind, PriceSeries, SeriesId, microseconds
from rules.loader import load
from tests.harmonize.adequacy.contracts import random_candles
from tests.support.paths import ROOT

BTC = Question(venues=("binance",), underlyings=("BTC",))
PROVENANCE = Provenance(Origin.RECORDED, "test", "test")
AS_OF = date(2025, 6, 1)
HOUR = 3_600


def candles(asset: str, first: datetime, count: int, seed: int = 1) -> PriceSeries:
    """Hourly candles of a Binance perpetual that ends before ``AS_OF`` if it begins in 2024."""
    identity = SeriesId(
        "binance", PriceKind.PERP, f"{asset}USDT", Underlying.of(asset), "USDT", HOUR
    )
    walk = random_candles(seed, count, of=identity)
    times = microseconds(first) + np.arange(count) * HOUR * 1_000_000
    return replace(walk, times=times)


def archived(path: Path, *series: PriceSeries) -> Archive:
    archive = Archive.open_or_create(path)
    for part in series:
        payloads = tuple(payloads_of(part, PROVENANCE))
        snapshot = Snapshot(PRICES, latest_end([part]), payloads, complete=False)
        archive.append(snapshot, imported=True)
    return archive


def of_archive(path: Path, asset: str, as_of: date = AS_OF) -> Question:
    return Question(
        archive=path,
        fallback=Fallback.RECORDED,
        venues=("binance",),
        underlyings=(asset,),
        as_of=as_of,
    )


@pytest.fixture(scope="module")
def btc() -> AdequacyAnswer:
    return judge_adequacy(BTC, AdequacyTerms((1e4, 1e6)))


@pytest.fixture(scope="module")
def everything() -> AdequacyAnswer:
    return judge_adequacy(Question())


def test_a_verdict_per_side_and_size_worst_first(btc: AdequacyAnswer) -> None:
    keys = {(v.side.value, v.position.notional) for v in btc.verdicts}
    assert keys == {("long", 1e4), ("long", 1e6), ("short", 1e4), ("short", 1e6)}
    assert [severity(v) for v in btc.verdicts] == sorted(severity(v) for v in btc.verdicts)
    assert all(isinstance(headline(v), Coverage) for v in btc.verdicts)
    assert {str(card.id) for card in btc.cards} >= {
        "binance perp BTCUSDT 15m",
        "binance spot BTCUSDT 1d",
    }
    assert btc.missing == ()


def test_numbers_of_binance_are_those_of_two_candles_and_a_tier(btc: AdequacyAnswer) -> None:
    long = next(v for v in btc.verdicts if (v.side.value, v.position.notional) == ("long", 1e6))
    assert long.position.initial == pytest.approx(1 / 75)
    assert long.position.maintenance == pytest.approx(0.005)
    covered = headline(long)
    assert isinstance(covered, Coverage)
    worst = covered.worst[0]
    assert worst.start == datetime(2025, 10, 10, 21, 0, tzinfo=UTC)
    assert worst.loss == pytest.approx(1 - 101_516.5 / 112_137.6)
    assert worst.uncovered == pytest.approx(worst.loss - 0.005)
    assert worst.sources == ("hourly/binance_um_perp_BTC_ETH_15m.parquet",)
    buffer = long.holding.buffer
    assert isinstance(buffer, HoldingTime)
    assert 900 < buffer.time.seconds < 3_600


def test_moves_are_held_against_the_margins_of_their_day(btc: AdequacyAnswer) -> None:
    tests = {(h.margin_type, h.side.value, h.after_liquidation): h for h in btc.history}
    assert len(tests) == 6
    initial = tests["initial", "long", False]
    assert (initial.tables, initial.is_bound) == (12, True)
    assert [size.notional for size in initial.sizes] == [1e4, 1e5, 1e6, 1e7]
    # Binance asked 4 % for $1m of BTC from November 2022 on, 2 % from February 2023, and 1.33 % from May 2024.
    large = initial.sizes[2]
    by_year = {year.year: [year.lowest_rate, year.highest_rate] for year in large.years}
    assert by_year[2022] == pytest.approx([0.02, 0.04])
    assert by_year[2025] == pytest.approx([1 / 75, 1 / 75])
    breaches = [size.breaches for size in initial.sizes]
    assert breaches == sorted(breaches, reverse=True)
    assert large.not_observed > 0
    after, every = tests["maintenance", "long", True], tests["maintenance", "long", False]
    assert after.sizes[0].observations < every.sizes[0].observations
    few = after.sizes[-1].years[0]
    assert after.breach_share(few) is None  # the count, never a number
    assert every.breach_share(few) is None
    assert every.breach_share(every.sizes[0].years[0]) == pytest.approx(
        1 - every.sizes[0].years[0].achieved
    )


def test_a_margin_call_is_not_tested_as_a_liquidation() -> None:
    reading, as_of = read_with_history(BTC)
    prices, _ = read_prices(BTC, as_of, {"BTC"})
    risk = venue_risks(prices["BTC"], ["binance"], "BTC", RiskTerms(as_of))["binance"]
    assert isinstance(risk, VenueRisk)
    schedule = preferred(reading.schedules)
    call = replace(schedule, meaning=MaintenanceMeaning.CALL)
    tables = archived_tables(BTC, {"BTC"}, as_of)
    kinds = [
        {test.margin_type for test in history_backtests(tables, own, risk, (1e6,))}
        for own in (schedule, call)
    ]
    assert kinds == [{"initial", "maintenance"}, {"initial"}]


def test_one_schedule_alone_is_held_against_its_history() -> None:
    answer = judge_adequacy(Question(underlyings=("ETH",)))
    assert len({v.position.venue for v in answer.verdicts}) > 1
    assert answer.history == ()


def test_every_asset_of_the_baseline_with_prices_has_verdicts(everything: AdequacyAnswer) -> None:
    answer = everything
    requirement = load("harmonized-baseline").requirement
    assets = {asset for row in requirement.classes for asset in row.assets}  # type: ignore[union-attr]
    judged = {v.position.underlying for v in answer.verdicts}
    assert judged <= assets
    # No file of the excerpt has candles of the others.
    assert {"BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "LTC", "LINK", "ADA"} <= judged
    assert set(answer.without_prices) >= {"WIF", "XMR"}
    assert not judged & set(answer.without_prices)
    assert len({v.position.venue for v in answer.verdicts}) >= 10
    reasons = {x.reason for x in answer.not_observable}
    assert "only the maximum leverage is published" in reasons


def test_later_candles_change_nothing(tmp_path: Path) -> None:
    past = candles("XMR", datetime(2024, 1, 1, tzinfo=UTC), 24 * 500)
    archived(tmp_path / "a", past)
    before = judge_adequacy(of_archive(tmp_path / "a", "XMR"))
    # A crash, a longer history of another contract and another coin, all after the date.
    crash = candles("XMR", datetime(2025, 6, 2, tzinfo=UTC), 24 * 400, seed=7)
    other = replace(crash, id=replace(crash.id, venue="bybit"))
    restated = replace(past, close=past.close * 1.5, high=None, low=None).select(
        past.times > microseconds(datetime(2025, 6, 2, tzinfo=UTC))
    )
    parts = [part for part in (crash, other, restated) if part.times.size]
    archived(tmp_path / "a", *parts)
    after = judge_adequacy(of_archive(tmp_path / "a", "XMR"))
    assert adequacy_object(after) == adequacy_object(before)
    later = judge_adequacy(of_archive(tmp_path / "a", "XMR", date(2026, 3, 1)))
    assert later.verdicts != before.verdicts


def test_own_prices_precede_the_recorded_ones(tmp_path: Path) -> None:
    recorded = judge_adequacy(replace(BTC, as_of=AS_OF))
    own = candles("BTC", datetime(2024, 1, 1, tzinfo=UTC), 24 * 500)
    archived(tmp_path / "a", own)
    answer = judge_adequacy(of_archive(tmp_path / "a", "BTC"))
    assert answer.archive.endswith("otherwise the recorded archive that ships with harmonize")
    by_id = {str(card.id): card for card in answer.cards}
    card = by_id["binance perp BTCUSDT 1h"]
    assert card.sources[0] == "test.csv"
    assert any("close differs between files" in d.kind.value for d in card.defects)
    assert answer.verdicts != recorded.verdicts


def test_an_archive_without_candles_is_one_line_with_the_fix(tmp_path: Path) -> None:
    with_schedules = Question(underlyings=("XMR",), venues=("binance",))
    with pytest.raises(NotObservedError, match="underlying XMR: no prices in the archive; import"):
        judge_adequacy(with_schedules)
    early = candles("XMR", datetime(2025, 7, 1, tzinfo=UTC), 200)
    archived(tmp_path / "a", early)
    with pytest.raises(NotObservedError) as error:
        judge_adequacy(of_archive(tmp_path / "a", "XMR"))
    assert str(error.value) == (
        "underlying XMR: no candle had closed by 2025-06-01; use --as-of from 2025-07-02 on"
    )


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (AdequacyTerms((0.0,)), "notional: expected an amount in USD above 0, found 0"),
        (AdequacyTerms((float("nan"),)), "notional: expected an amount in USD above 0, found nan"),
        (AdequacyTerms(()), "notional: expected at least one amount"),
        (AdequacyTerms(level=99.0), "level: expected from 0.5 to below 1, found 99; use 0.99"),
        (
            AdequacyTerms(participation=5.0),
            "participation: expected above 0 and at most 1, found 5",
        ),
    ],
)
def test_wrong_terms_are_refused(terms: AdequacyTerms, message: str) -> None:
    with pytest.raises(RequestError) as error:
        judge_adequacy(BTC, terms)
    assert str(error.value).startswith(message)


def test_a_named_venue_is_judged_although_comparisons_exclude_it() -> None:
    among = judge_adequacy(Question(underlyings=("BTC",)))
    assert "deribit" not in {v.position.venue for v in among.verdicts}
    assert "deribit" in {x.venue for x in among.not_observable}
    alone = judge_adequacy(Question(venues=("deribit",), underlyings=("BTC",)))
    assert {v.position.venue for v in alone.verdicts} == {"deribit"}


def test_prices_of_its_own_perpetual_speak_for_a_venue_that_comparisons_leave_out(
    everything: AdequacyAnswer,
) -> None:
    judged = {(v.position.venue, v.position.underlying): v for v in everything.verdicts}
    reasons = {(x.venue, x.underlying): x.reason for x in everything.not_observable}
    assert "perpetual of the venue" in str(judged["binance", "APT"].prices)
    # Of the APT contract of dYdX, no price and no candle shows which asset it is.
    assert reasons["dydx", "APT"].startswith("identity not observed")


def test_a_breach_at_a_disputed_close_says_so() -> None:
    question = Question(underlyings=("SOL",), as_of=AS_OF)
    answer = judge_adequacy(question)
    breaches = [
        breach
        for verdict in answer.verdicts
        if not isinstance(verdict.clearing, Unknown)
        for horizon in verdict.clearing
        if isinstance(horizon.coverage, Coverage)
        for breach in horizon.coverage.worst
    ]
    disputed = [breach for breach in breaches if breach.disputed]
    day = datetime(2022, 11, 9, tzinfo=UTC)
    assert disputed
    assert all(day in {breach.start, breach.end} for breach in disputed)
    assert all(day not in {b.start, b.end} for b in breaches if not b.disputed)


def test_the_object_is_json_with_version_dates_and_reasons(btc: AdequacyAnswer) -> None:
    text = json.dumps(adequacy_object(btc), allow_nan=False)
    read = json.loads(text)
    assert read["schema_version"] == SCHEMA_VERSION
    assert read["as_of"].endswith("Z")
    verdict = read["verdicts"][0]
    assert verdict["clearing"][0]["gap"] == {"unknown": "open interest was not observed"}
    worst = verdict["close_out"]["own_time"]["after_liquidation"]["worst"][0]
    assert worst["start"].endswith("Z")
    assert worst["series"] == "binance perp BTCUSDT 15m"
    assert verdict["position"]["tier"]["upper"] >= verdict["notional"]
    assert verdict["headline_share"] == pytest.approx(
        verdict["close_out"]["own_time"]["after_liquidation"]["breach_rate"]
    )
    assert set(verdict["sentences"]) == {"holding", "close_out", "clearing"}


def interests(path: Path, *known: tuple[str, float, datetime]) -> Question:
    """Question about Binance and BTC, with open interest by symbol beside the recorded prices."""
    parts = [
        PointSeries(
            PointsId("binance", Quantity.OPEN_INTEREST, symbol, Underlying("BTC")),
            np.array([microseconds(at)]),
            np.array([dollars]),
        )
        for symbol, dollars, at in known
    ]
    payloads = tuple(payload for part in parts for payload in point_payloads(part, PROVENANCE))
    newest = max(payload.observed_at for payload in payloads)
    snapshot = Snapshot(PRICES, newest, payloads, complete=False)
    Archive.open_or_create(path).append(snapshot, imported=True)
    return replace(of_archive(path, "BTC"), as_of=None)


OCTOBER = datetime(2025, 10, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC"])  # the contract, and "the perpetual on BTC"
def test_archived_open_interest_states_usd_with_its_day(symbol: str, tmp_path: Path) -> None:
    earlier = ("BTCUSDT", 1e9, datetime(2025, 9, 1, tzinfo=UTC))
    answer = judge_adequacy(interests(tmp_path / "own", (symbol, 5e9, OCTOBER), earlier))
    long = next(v for v in answer.verdicts if v.side.value == "long")
    assert not isinstance(long.clearing, Unknown)
    for horizon in long.clearing:
        assert isinstance(horizon.gap, MarginingGap)
        assert not isinstance(horizon.move, Unknown)
        short = (horizon.move.value - 1 / 75) * 5e9
        assert (horizon.gap.under, horizon.gap.over) == pytest.approx((short, 0.0))
        assert horizon.gap.observed_at == OCTOBER
    row = adequacy_row(long, answer.terms)
    assert [part.open_interest_day for part in row.clearing] == ["2025-10-01"] * 3
    text = verdict_sentences(long, answer.terms).clearing
    assert "; the open interest of 2025-10-01 is under-margined by $" in text
    (written,) = [v for v in adequacy_object(answer)["verdicts"] if v["side"] == "long"]  # type: ignore[attr-defined]
    age = (answer.as_of - OCTOBER).total_seconds() / 86_400
    assert written["open_interest_age_days"] == pytest.approx(age)
    sheet = adequacy_sheets(answer)[0]
    (first, *_) = [dict(zip(sheet.headings, cells, strict=True)) for cells in sheet.rows]
    assert first["open_interest_day"] == "2025-10-01"
    assert first["open_interest_age_days"] == pytest.approx(age)


def test_open_interest_of_another_contract_or_a_later_day_is_not_used(tmp_path: Path) -> None:
    coin_margined = ("BTCUSD_PERP", 5e9, OCTOBER)
    later = ("BTCUSDT", 9e9, datetime(2099, 1, 1, tzinfo=UTC))
    answer = judge_adequacy(interests(tmp_path / "own", coin_margined, later))
    for verdict in answer.verdicts:
        assert not isinstance(verdict.clearing, Unknown)
        assert {h.gap for h in verdict.clearing} == {Unknown("open interest was not observed")}
        row = adequacy_row(verdict, answer.terms)
        assert [part.open_interest_day for part in row.clearing] == ["", "", ""]
        assert "the open interest" not in verdict_sentences(verdict, answer.terms).clearing


def test_open_interest_published_beside_the_margins_precedes(tmp_path: Path) -> None:
    question = interests(tmp_path / "own", ("BTCUSDT", 5e9, OCTOBER))
    reading, as_of = read_with_history(question)
    at = datetime(2025, 9, 3, tzinfo=UTC)
    published = OpenInterest("binance", "BTCUSDT", Decimal(7_000_000_000), at, "", "")
    with_own = replace(reading, open_interest=(published,))
    answer = judge_reading(question, with_own, as_of, AdequacyTerms())
    gaps = [
        h.gap for v in answer.verdicts if not isinstance(v.clearing, Unknown) for h in v.clearing
    ]
    assert gaps
    assert {gap.observed_at for gap in gaps if isinstance(gap, MarginingGap)} == {at}


def test_every_breach_of_the_workbook_leads_to_two_candles_and_a_tier(btc: AdequacyAnswer) -> None:
    by_name = {sheet.name: sheet for sheet in adequacy_sheets(btc)}
    assert list(by_name) == ["Verdicts", "Breaches", "Table of the day", "Series", "Not observable"]
    breaches = by_name["Breaches"]
    rows = [dict(zip(breaches.headings, row, strict=True)) for row in breaches.rows]
    assert {row["test"] for row in rows} == {
        *("after liquidation", "all windows"),
        *("clearing, 1 days", "clearing, 2 days", "clearing, 5 days"),
    }
    for row in rows:
        first, last, move = (row[key] for key in ("first_close", "last_price", "move_rate"))
        assert isinstance(first, float)
        assert isinstance(last, float)
        ratio = last / first
        assert move == pytest.approx(1 - ratio if row["side"] == "long" else ratio - 1)
        assert row["tier_upper_usd"] is not None


def test_series_have_cards() -> None:
    answer = list_series(Question(underlyings=("BTC",), venues=("deribit", "binance")))
    kinds = {(card.id.venue, card.id.kind.value) for card in answer.cards}
    assert kinds == {("deribit", "volatility"), ("binance", "perp"), ("binance", "spot")}
    read = json.loads(json.dumps(series_object(answer), allow_nan=False))
    names = {"multiplier", "interval_seconds", "gaps", "defects", "first", "end"}
    assert all(names <= set(row) for row in read["series"])
    with pytest.raises(NotObservedError, match="no candles of gate in the archive; import"):
        list_series(Question(venues=("gate",)))


def test_unknown_margins_stay_unknown(everything: AdequacyAnswer) -> None:
    unknown = [v for v in everything.verdicts if isinstance(v.position.maintenance, Unknown)]
    assert unknown
    for verdict in unknown:
        assert verdict.close_out.result == verdict.position.maintenance
        assert verdict.holding.maintenance == verdict.position.maintenance
        assert isinstance(headline(verdict), Unknown)


def test_other_commands_import_nothing_of_it() -> None:
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from harmonize.cli.main import app\n"
        "assert CliRunner().invoke(app, ['compare', 'ETH']).exit_code == 0\n"
        "own = [m for m in sys.modules if m.startswith(('harmonize.adequacy', 'harmonize.market'))]\n"
        "assert not own, own\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_worked_example_of_the_page_gives_what_stands_below_it() -> None:
    text = (ROOT / "docs" / "adequacy.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    parsed = doctest.DocTestParser().get_doctest(code, {}, "adequacy", "adequacy.md", 0)
    failures: list[str] = []
    doctest.DocTestRunner(verbose=False).run(parsed, out=failures.append)
    assert parsed.examples
    assert not failures, "".join(failures)

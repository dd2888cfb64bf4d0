"""Inputs measured from the candles of an archive: which, from what, once."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.core.instrument import Underlying
from harmonize.core.payload import PRICES, Origin, Provenance, Snapshot
from harmonize.market.books import Book, book_payload
from harmonize.market.candle_codec import payloads_of
from harmonize.market.merge import latest_end
from harmonize.market.points import PointSeries, PointsId, Quantity
from harmonize.market.points_codec import point_payloads
from harmonize.market.prices import PriceKind, PriceSeries, SeriesId
from harmonize.policy.apply import apply_rule_sets
from harmonize.policy.inputs import MARKET, Input, newest_inputs, read_inputs
from harmonize.policy.rule_set import Model
from rules import loader
from tests.harmonize.market.small import DAY, identity, series

CLOSES = Path(__file__).parents[1] / "adequacy" / "data" / "daily_closes.parquet"
PROVENANCE = Provenance(Origin.RECORDED, "test", "test")


def add(place: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        app,
        ["--archive", str(place), "archive", "add-inputs", *arguments],
        catch_exceptions=False,
    )


def real(asset: str) -> PriceSeries:
    """Real daily spot closes up to 2026-03-03."""
    table = parquet.read_table(CLOSES, filters=[("symbol", "=", f"{asset}USDT")])
    close = np.asarray(table.column("close").to_numpy(), dtype=np.float64)
    last = int(datetime(2026, 3, 3, tzinfo=UTC).timestamp()) * 1_000_000
    times = last - np.arange(close.size)[::-1] * DAY
    return PriceSeries(
        identity(f"{asset}USDT", PriceKind.SPOT), times, close, sources=("a.parquet",)
    )


def archive_of(place: Path, *all_series: PriceSeries) -> Path:
    payloads = tuple(p for part in all_series for p in payloads_of(part, PROVENANCE))
    snapshot = Snapshot(PRICES, latest_end(all_series), payloads, complete=False)
    Archive.open_or_create(place).append(snapshot, imported=True)
    return place


def archived(place: Path) -> dict[tuple[str, str], Input]:
    archive = Archive.open(place)
    entries = [entry for entry in archive.entries() if entry.venue == MARKET]
    inputs = [item for entry in entries for item in read_inputs(archive.read(entry))[0]]
    return {(item.underlying, item.name): item for item in inputs}


def test_measured_inputs_are_archived_with_series_hash_interval_and_number(tmp_path: Path) -> None:
    place = archive_of(tmp_path / "archive", real("BTC"), real("SOL"))
    result = add(place, "--measured", "--as-of", "2026-03-03")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"18 inputs of 2026-03-04 in {place}"
    assert (
        "not measured 2: no perpetual with volume; spot is another market: adv_30d_median of BTC"
        in (result.stdout)
    )
    inputs = archived(place)
    three_years = inputs["BTC", "var_99_1d_1095d"]  # calculated independently from the same closes
    assert three_years.value == Decimal("0.081377565")
    assert (three_years.lower, three_years.upper) == (
        Decimal("0.064703023"),
        Decimal("0.096211275"),
    )
    assert (three_years.observations, three_years.origin) == (1095, "derived")
    assert inputs["SOL", "var_99_2d_worst_365d"].value == Decimal("0.41669119")
    assert three_years.observed_at == datetime(2026, 3, 4, tzinfo=UTC)
    assert three_years.source.startswith("binance spot BTCUSDT 1d: a.parquet; sha256 ")
    assert three_years.source.endswith(" of 3121 candles")
    assert Archive.open(place).verify() == ()


def test_a_second_measurement_of_the_same_candles_adds_nothing(tmp_path: Path) -> None:
    place = archive_of(tmp_path / "archive", real("BTC"))
    add(place, "--measured", "--as-of", "2026-03-03")
    before = len(Archive.open(place).entries())
    archive_of(place, series([1.0, 2.0], of=identity("ETHUSDT")))
    again = add(place, "--measured", "--as-of", "2026-03-03", "--underlying", "BTC")
    assert again.exit_code == 0
    assert again.stdout.splitlines()[-1] == f"9 inputs already in {place}"
    assert len(Archive.open(place).entries()) == before + 1
    other = archive_of(tmp_path / "other", real("BTC"))
    add(other, "--measured", "--as-of", "2026-03-03")
    assert [item.sha256 for item in archived(other).values()] == [
        item.sha256 for item in archived(place).values()
    ]


def test_a_day_measures_no_later_candle(tmp_path: Path) -> None:
    place = archive_of(tmp_path / "archive", real("BTC"))
    assert add(place, "--measured", "--as-of", "2025-12-31").exit_code == 0
    (observed,) = {item.observed_at for item in archived(place).values()}
    assert observed == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_move_above_one_is_refused_in_words(tmp_path: Path) -> None:
    wild = series([1.0 + 1.5 * (day % 3 == 0) for day in range(400)], of=identity("ETHUSDT"))
    result = add(archive_of(tmp_path / "archive", wild), "--measured")
    assert "measured 1.5; a move above 1 is refused as an input: var_99_1d_365d of ETH" in (
        result.stdout
    )
    assert result.exit_code == 3
    assert "no input was measured; import or gather candles" in result.stderr


def test_an_underlying_without_candles_is_named(tmp_path: Path) -> None:
    place = archive_of(tmp_path / "archive", real("BTC"))
    result = add(place, "--measured", "--underlying", "BTC", "--underlying", "FARTCOIN")
    assert "not measured 1: no daily candles in the archive: inputs of FARTCOIN" in result.stdout
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "expected a FILE or --measured; name one of them"),
        (("a.yaml", "--measured"), "expected a FILE or --measured; name one of them"),
        (("a.yaml", "--underlying", "BTC"), "use them with --measured"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    arguments: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    result = add(tmp_path / "archive", *arguments)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert not (tmp_path / "archive").exists()


RULES = """\
id: every-factor
version: "1"
title: Every factor
kind: model
scope: {text: Everyone, account_classes: []}
requirement:
  inputs:
    q: {measured: var_99_1d_365d, means: A quantile, least_observations: 365, oldest_days: 1}
    v: {measured: vol_30d_annualised, means: Realised volatility, least_observations: 30}
    a: {measured: adv_30d_median, means: Volume in USD}
    i: {measured: dvol_last_day, means: Implied volatility}
    m: {measured: dvol_30d_median, means: Its median, least_observations: 30}
    x: {measured: depth_10bp_30d_median, means: Depth in USD}
    y: {measured: depth_25bp_30d_median, means: Depth in USD}
    z: {measured: depth_50bp_30d_median, means: Depth in USD}
    o: {measured: oi_venues_sum, means: Open interest in USD, least_observations: 2, oldest_days: 9}
    c: {measured: corr_btc_365d, means: Correlation}
    t: {measured: lower_tail_dependence_btc_365d, means: Tail dependence}
  rate: max(q, 1% * max(v, i, m), 1% * t) * min(1, c, a, o, x, y, z)
  initial: 1.10
  maintenance: equal to rate
  published: []
  combine: prefer published
  grace_days: 8
maintenance_meaning: margin call
statutory: false
tolerance: {relative: 0, absolute: 0}
citations:
  - {reference: A rule, via: its text, verified: primary}
examples:
  - text: In percent, as the feed of a venue states it
    underlying: BTC
    inputs: {q: 6%, v: 50%, a: 5_000_000_000, i: 40%, m: 42%, x: 1_000_000, y: 2_000_000, z: 4_000_000, o: 9_000_000_000, c: 0.5, t: 0.4}
    tiers: [{initial_rate: 1%, maintenance_rate: 1%}]
    observed_on: 2026-06-01
    initial: under
    maintenance: under
"""


def eth_factors(place: Path) -> Path:
    """Archive with real closes of BTC and, as ETH, of SOL, and small data for every other factor."""
    last = int(datetime(2026, 3, 3, tzinfo=UTC).timestamp()) * 1_000_000
    days = last - np.arange(40)[::-1] * DAY
    perp = PriceSeries(
        identity("ETHUSDT"), days, np.linspace(10, 12, 40), turnover=np.arange(1.0, 41) * 1e8
    )
    of = SeriesId("deribit", PriceKind.VOLATILITY, "ETH", Underlying("ETH"), "", 86_400)
    dvol = PriceSeries(of, days, np.linspace(60, 61.95, 40), sources=("dvol.parquet",))
    closes = replace(real("SOL"), id=identity("ETHUSDT", PriceKind.SPOT))
    archive_of(place, real("BTC"), closes, perp, dvol)
    at = datetime(2026, 3, 3, 12, tzinfo=UTC)
    sides = [100 + np.arange(1.0, 80) * sign / 100 for sign in (-1, 1)]
    bids, asks = (np.column_stack([side, np.full(79, 50.0)]) for side in sides)
    book = Book("okx", "ETH-USDT-SWAP", Underlying("ETH"), at, bids, asks, None, "okx.jsonl: row 9")
    points = [
        PointSeries(
            PointsId(venue, Quantity.OPEN_INTEREST, "ETH", Underlying("ETH")),
            np.array([last]),
            np.array([2.5e9]),
        )
        for venue in ("binance", "okx")
    ]
    payloads = (
        book_payload(book, PROVENANCE),
        *(payload for part in points for payload in point_payloads(part, PROVENANCE)),
    )
    snapshot = Snapshot(PRICES, at, payloads, complete=False)
    Archive.open(place).append(snapshot, imported=True)
    return place


def test_every_factor_is_archived_and_can_be_named_by_a_rule_set(tmp_path: Path) -> None:
    place = eth_factors(tmp_path / "archive")
    assert add(place, "--measured", "--underlying", "ETH").exit_code == 0
    inputs = archived(place)
    assert {asset for asset, _ in inputs} == {"ETH"}
    values = {name: float(item.value) for (_, name), item in inputs.items()}
    assert values["adv_30d_median"] == 2_550_000_000
    assert (values["dvol_last_day"], values["dvol_30d_median"]) == (0.6195, 0.61225)
    assert values["depth_10bp_30d_median"] == pytest.approx(
        sum(50 * (100 - k / 100) for k in range(1, 11))
    )
    assert values["oi_venues_sum"] == 5e9
    assert 0.8 < values["corr_btc_365d"] < 0.9
    assert 0.4 < values["vol_30d_annualised"] < 1.5
    sources = {name: item.source for (_, name), item in inputs.items()}
    assert "dvol.parquet; sha256 " in sources["dvol_last_day"]
    assert sources["dvol_last_day"].endswith(" of 40 candles")
    assert sources["depth_50bp_30d_median"].startswith(
        "okx books ETH-USDT-SWAP: okx.jsonl; sha256 "
    )
    assert sources["depth_50bp_30d_median"].endswith(" of 1 book")
    assert sources["oi_venues_sum"].startswith("open interest of binance ETH 2026-03-03, okx ETH")
    assert sources["corr_btc_365d"].count("sha256 ") == 2
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    assert loader.check(path) == []
    rule_set = loader.load(path)
    assert isinstance(rule_set.requirement, Model)
    assert {need.name for need in rule_set.requirement.needs} <= set(values)
    newest = newest_inputs(inputs.values(), datetime(2026, 3, 5, tzinfo=UTC))
    (applied,) = apply_rule_sets([rule_set], newest, ["ETH"], date(2026, 3, 5))
    assert applied.reasons == {}
    assert applied.reference_schedule is not None
    (class_,) = applied.reference_schedule.classes
    expected = max(values["var_99_1d_365d"], 0.01) * values["corr_btc_365d"] * 1.1
    assert float(class_.initial.pieces[0].rate) == pytest.approx(expected)


def test_a_factor_in_percent_is_refused_in_the_example_of_a_rule_set(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES.replace("i: 40%", "i: 40.2"), encoding="utf-8")
    (problem,) = loader.check(path)
    assert "40.2: a move of 4020 %? write 0.402 or 40.2%" in problem


def test_what_is_unknown_has_its_reason(tmp_path: Path) -> None:
    result = add(archive_of(tmp_path / "archive", real("SOL")), "--measured")
    lines = result.stdout.splitlines()
    assert "not measured 3: no order books: depth_10bp_30d_median of SOL, depth_25bp_30d_median of SOL, depth_50bp_30d_median of SOL" in lines  # fmt: skip
    assert "not measured 2: no implied volatility; DVOL exists for BTC and ETH: dvol_last_day of SOL, dvol_30d_median of SOL" in lines  # fmt: skip
    assert "not measured 2: no daily candles of BTC: corr_btc_365d of SOL, lower_tail_dependence_btc_365d of SOL" in lines  # fmt: skip
    assert "not measured 1: no open interest: oi_venues_sum of SOL" in lines

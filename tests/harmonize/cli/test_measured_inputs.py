"""Inputs measured from the candles of an archive: which, from what, once."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.core.payload import PRICES, Origin, Provenance, Snapshot
from harmonize.market.candle_codec import payloads_of
from harmonize.market.merge import latest_end
from harmonize.market.prices import PriceKind, PriceSeries
from harmonize.policy.inputs import MARKET, Input, read_inputs
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
    assert result.stdout.splitlines()[-1] == f"12 inputs of 2026-03-04 in {place}"
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
    assert again.stdout.splitlines()[-1] == f"6 inputs already in {place}"
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
    wild = series([1.0 + 1.5 * (day % 3 == 0) for day in range(400)])
    result = add(archive_of(tmp_path / "archive", wild), "--measured")
    assert "measured 1.5; a move above 1 is refused as an input: var_99_1d_365d of BTC" in (
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

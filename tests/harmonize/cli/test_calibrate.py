"""``calibrate`` end to end: what it writes, that it is adoptable, and what it refuses."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from harmonize.api import calibration_files
from harmonize.archive.archive import Archive
from harmonize.audit.rule_examples import failing_examples
from harmonize.cli.main import app
from harmonize.config import inputs_file
from harmonize.core.output_file import write_file
from harmonize.market.prices import PriceKind, PriceSeries
from harmonize.policy.inputs import MARKET, read_inputs
from harmonize.policy.rule_set import ReferenceSchedule, RuleSet
from rules import loader
from tests.harmonize.calibration.test_evidence import calm_after_a_crash
from tests.harmonize.cli.test_measured_inputs import archive_of, real
from tests.harmonize.market.small import identity

DAY = "2026-03-03"


@pytest.fixture(autouse=True)
def built_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796040000")  # 2026-11-30


def calibrate(place: Path, *arguments: str) -> Result:
    command = ["--archive", str(place), "calibrate", *arguments]
    return CliRunner().invoke(app, command, catch_exceptions=False)


def perpetual(asset: str, daily_volume: float) -> PriceSeries:
    """The last 40 real closes as a perpetual with a constant turnover."""
    prices = real(asset)
    recent = prices.select(slice(-40, None))
    return replace(
        recent,
        id=identity(f"{asset}USDT"),
        turnover=np.full(recent.times.size, daily_volume),
        sources=("perp.parquet",),
    )


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real closes of three assets, with volumes: SOL's is below the class of large ones."""
    parts = [real("BTC"), real("SOL"), real("XRP")]
    volumes = (("BTC", 14e9), ("SOL", 60e6), ("XRP", 1.2e9))
    parts += [perpetual(asset, volume) for asset, volume in volumes]
    return archive_of(tmp_path_factory.mktemp("prices") / "archive", *parts)


@pytest.fixture(scope="module")
def baseline(prices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("calibrations") / "baseline"
    result = calibrate(prices, "--pack", "harmonized-baseline", "--as-of", DAY, "--out", str(out))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split() == [
        str(out / name)
        for name in (
            "inputs.yaml",
            "harmonized-baseline.yaml",
            "changes.md",
            "review.md",
            "manifest.json",
        )
    ]
    assert result.stderr.startswith("note: not measured: ETH, BNB, ")
    return out


def loaded(out: Path, pack: str = "harmonized-baseline") -> RuleSet:
    path = out / f"{pack}.yaml"
    assert loader.check(path) == []
    rule_set = loader.load(path)
    assert list(failing_examples(rule_set)) == []
    return rule_set


def members(rule_set: RuleSet) -> dict[str, tuple[str, ...]]:
    assert isinstance(rule_set.requirement, ReferenceSchedule)
    return {class_.name: class_.assets for class_ in rule_set.requirement.classes}


def test_apply_writes_the_new_version_and_nothing_else(
    prices: Path, baseline: Path, tmp_path: Path
) -> None:
    target = tmp_path / "next.yaml"
    for _ in range(2):  # the second time replaces the same rule set
        arguments = ("--pack", "harmonized-baseline", "--as-of", DAY, "--apply", str(target))
        result = calibrate(prices, *arguments)
        assert (result.exit_code, result.stdout) == (0, f"{target}\n")
        assert target.read_bytes() == (baseline / "harmonized-baseline.yaml").read_bytes()
        assert [path.name for path in tmp_path.iterdir()] == ["next.yaml"]


def test_apply_states_the_reasons_and_how_to_restore_the_evidence(
    prices: Path, baseline: Path, tmp_path: Path
) -> None:
    """No other file is written, so that nothing may refer to one without the command that writes it."""
    target = tmp_path / "next.yaml"
    arguments = ("--pack", "harmonized-baseline", "--as-of", DAY, "--apply", str(target))
    lines = calibrate(prices, *arguments).stderr.splitlines()
    assert "see changes.md" not in " ".join(lines)
    reason = "var_99_1d_1095d, var_99_1d_worst_365d, adv_30d_median: no daily candles"
    assert f"note: ETH: {reason}" in lines
    command = f"harmonize --archive {prices} calibrate --pack harmonized-baseline --as-of {DAY}"
    assert lines[-1].startswith(f"note: `{command} --out FOLDER`, on version 2026.11, writes ")
    notes = {flag.field: flag.note for flag in loader.load(str(target)).flags}
    own = f"harmonize calibrate --pack harmonized-baseline --as-of {DAY}, on version 2026.11, writes this file"
    assert own in notes["v1"]
    assert hashlib.sha256((baseline / "inputs.yaml").read_bytes()).hexdigest() in notes["v1"]


@pytest.mark.parametrize(
    ("found", "day", "problem"),
    [
        ("2026.11", DAY, ""),
        ("2026.9.9", DAY, ""),
        ("2026.11.1", DAY, "found version 2026.11.1 with other content; use another file"),
        ("2026.11.2", DAY, "found version 2026.11.2, after 2026.11, from which 2026.11.1 is made"),
        ("2027.01", DAY, "found version 2027.01, after 2026.11, from which 2026.11.1 is made"),
    ],
)
def test_apply_replaces_an_earlier_version_alone(
    prices: Path, tmp_path: Path, found: str, day: str, problem: str
) -> None:
    target = tmp_path / "next.yaml"
    before = loader.rule_set_text("harmonized-baseline").replace('"2026.11"', f'"{found}"')
    target.write_text(before)
    arguments = ("--pack", "harmonized-baseline", "--as-of", day, "--apply", str(target))
    result = calibrate(prices, *arguments)
    assert (result.exit_code, problem in result.stderr) == (2 if problem else 0, True)
    assert (target.read_text() == before) == bool(problem)


def test_two_calibrations_never_share_a_version(prices: Path, tmp_path: Path) -> None:
    target = tmp_path / "next.yaml"
    arguments = ("--pack", "harmonized-baseline", "--apply", str(target), "--as-of")
    assert calibrate(prices, *arguments, "2026-02-20").exit_code == 0
    first = target.read_bytes()
    result = calibrate(prices, *arguments, DAY)
    assert (result.exit_code, target.read_bytes()) == (2, first)
    follow = ("--pack", str(target), "--apply", str(target), "--as-of", DAY)
    assert calibrate(prices, *follow).exit_code == 0
    assert loader.load(str(target)).version == "2026.11.2"


def test_equal_prices_make_no_second_version(prices: Path, baseline: Path, tmp_path: Path) -> None:
    """The last version states the hash of the same inputs: its text and its number stay."""
    pack, out = tmp_path / "mine.yaml", tmp_path / "out"
    written = (baseline / "harmonized-baseline.yaml").read_bytes()
    pack.write_bytes(written)
    again = ("--pack", str(pack), "--as-of", DAY)
    assert calibrate(prices, *again, "--out", str(out)).exit_code == 0
    for name in ("harmonized-baseline.yaml", "inputs.yaml"):
        assert (out / name).read_bytes() == (baseline / name).read_bytes()
    changed = (out / "changes.md").read_text()
    assert (
        "Version 2026.11.1 stays: the same prices give the same inputs and the same rule set."
        in changed
    )
    assert calibrate(prices, *again, "--apply", str(pack)).exit_code == 0
    assert pack.read_bytes() == written
    other = ("--pack", str(pack), "--as-of", "2026-03-02", "--out", str(tmp_path / "other"))
    assert calibrate(prices, *other).exit_code == 0
    assert loaded(tmp_path / "other").version == "2026.11.2"
    pack.write_bytes(
        written.replace(b"assets: [PEPE, PENGU, ENA]", b"assets: [PEPE, PENGU, ENA, SOL]").replace(
            b", SOL]\n      v1: 0.25", b"]\n      v1: 0.25"
        )
    )
    moved = ("--pack", str(pack), "--as-of", DAY, "--out", str(tmp_path / "moved"))
    assert calibrate(prices, *moved).exit_code == 0  # a person edited the classes since
    assert loaded(tmp_path / "moved").version == "2026.11.2"


def test_a_class_whose_rate_stays_keeps_its_text(baseline: Path) -> None:
    """Only members move: no tier is written anew, and no comment is lost."""
    before = loader.rule_set_text("harmonized-baseline").splitlines()
    after = (baseline / "harmonized-baseline.yaml").read_text().splitlines()
    start, end = (
        before.index("    D:"),
        before.index(
            "# Limits on differences between venues; a larger difference is a finding. A convention of the authors."
        ),
    )
    kept = [line for line in before[start:end] if not line.startswith("      assets: [NEAR")]
    first = after.index("    D:")
    assert [
        line
        for line in after[first : first + end - start]
        if not line.startswith("      assets: [NEAR")
    ] == kept
    assert (
        "      assets: [NEAR, AAVE, UNI, DOT, APT, ARB, OP, ONDO, CRV, LDO, SNX, HBAR, SEI, SOL]"
        in after
    )
    assert "      v1: 0.25" in after  # that of class C rose and is written anew
    assert any(re.search(r"initial_rate: 0\.25\d{8}", line) for line in after)
    assert "  - field: v1" in after


@pytest.mark.parametrize(
    ("content", "name", "more", "problem"),
    [
        (None, "next.txt", (), "expected a file that ends in .yaml, found next.txt"),
        (None, "none/next.yaml", (), "no folder"),
        (None, "next.yaml", ("--out", "x"), "found together with --out"),
        ("a: [", "next.yaml", (), "next.yaml:"),
        ("other", "next.yaml", (), "found rule set emir-ccp, not harmonized-baseline"),
    ],
)
def test_apply_replaces_no_other_file(  # noqa: PLR0913, PLR0917 - parts of a case
    prices: Path,
    tmp_path: Path,
    content: str | None,
    name: str,
    more: tuple[str, ...],
    problem: str,
) -> None:
    target = tmp_path / name
    if content is not None:
        other = (Path(loader.__file__).parent / "emir-ccp.yaml").read_text()
        target.write_text(other if content == "other" else content)
    before = target.read_bytes() if content is not None else None
    pack = ("--pack", "harmonized-baseline", "--as-of", DAY)
    result = calibrate(prices, *pack, "--apply", str(target), *more)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert (target.read_bytes() if target.exists() else None) == before


def test_the_inputs_are_those_of_the_published_table_with_their_prices(baseline: Path) -> None:
    inputs = {
        (item.underlying, item.name): item for item in inputs_file.load(baseline / "inputs.yaml")
    }
    assert len(inputs) == 9
    three_years = inputs["BTC", "var_99_1d_1095d"]  # calculated independently from the same closes
    assert three_years.value == D("0.081377565")
    assert (three_years.lower, three_years.upper) == (D("0.064703023"), D("0.096211275"))
    assert (three_years.observations, three_years.observed_at.date()) == (1_095, date(2026, 3, 3))
    assert inputs["XRP", "var_99_1d_worst_365d"].value == D("0.36065492")
    assert re.fullmatch(
        "harmonize calibrate, harmonized-baseline 2026.11.1, prices to 2026-03-03; "
        "binance spot BTCUSDT 1d; 2023-03-04 to 2026-03-03; sha256 [0-9a-f]{64}",
        three_years.source,
    )
    assert inputs["SOL", "adv_30d_median"].value == 60_000_000


def test_the_new_version_can_be_adopted_and_changes_only_what_was_measured(baseline: Path) -> None:
    rule_set, before = loaded(baseline), loader.load("harmonized-baseline")
    assert (rule_set.id, rule_set.version) == ("harmonized-baseline", "2026.11.1")
    own, old = members(rule_set), members(before)
    assert own["D"] == (*old["D"], "SOL")  # 60m, more than a fifth below 100m
    assert own["C"] == tuple(asset for asset in old["C"] if asset != "SOL")
    assert {name: own[name] for name in "ABEF"} == {name: old[name] for name in "ABEF"}
    assert isinstance(rule_set.requirement, ReferenceSchedule)
    rates = {class_.name: class_.v1 for class_ in rule_set.requirement.classes}
    assert rates == {
        "A": D("0.1"), "B": D("0.125"), "C": D("0.25"), "D": D("0.25"), "E": D("0.333333"), "F": D("0.5"),
    }  # fmt: skip
    assert (rule_set.tolerance, rule_set.scope, rule_set.about) == (
        before.tolerance, before.scope, before.about,
    )  # fmt: skip
    assert [citation.reference for citation in rule_set.citations] == [
        citation.reference for citation in before.citations
    ]
    assert [(flag.field, flag.status) for flag in rule_set.flags] == [
        (flag.field, flag.status) for flag in before.flags
    ]
    text = (baseline / "harmonized-baseline.yaml").read_text()
    assert "# Limits on tests against past prices. A convention of the authors" in text


def test_the_new_version_states_where_its_numbers_are_from(baseline: Path) -> None:
    rule_set = loaded(baseline)
    notes = {(flag.field, flag.status.value): flag.note for flag in rule_set.flags}
    digest = hashlib.sha256((baseline / "inputs.yaml").read_bytes()).hexdigest()
    assert notes["v1", "calibrated"].startswith(
        f"Calibrated on prices to 2026-03-03; the file of measured inputs has the SHA-256 {digest}."
    )
    assert "in their class as before: ETH, BNB, " in notes["assets", "dated"]
    via = rule_set.citations[0].via
    assert via.startswith("computed by harmonize calibrate from daily prices to 2026-03-03; ")


def test_the_list_of_changes_states_what_moved_and_how_sure(baseline: Path) -> None:
    text = (baseline / "changes.md").read_text()
    assert "v1: initial margin of the first tier of a class;" in text
    assert text.startswith(
        "# Changes of harmonized-baseline\n\nVersion 2026.11 to 2026.11.1, on prices to 2026-03-03."
    )
    summary = text.partition("## Summary\n\n")[2].partition("\n\n")[0].splitlines()
    assert summary[:4] == [
        "- Class changes: 1 of 30 assets: SOL from C to D (25.0 %). Rates of classes (v1) that change: C from 20.0 % to 25.0 %.",
        (
            "- Margins once inputs.yaml is added, against those in force: 2 fall (SOL from 20.02 % to 16.56 %, BTC from 10.0 % to "
            "9.643 %), 10 rise (most: ADA from 20.02 % to 25.02 %, AVAX from 20.02 % to 25.02 %, BNB from 20.02 % to 25.02 %), 18 unchanged."
        ),
        (
            "- Margins without any inputs, against those without any before: 0 fall, 11 rise (most: SOL from 20.02 % to 25.06 %, ADA "
            "from 20.02 % to 25.02 %, AVAX from 20.02 % to 25.02 %), 19 unchanged."
        ),
        (
            "- Own need above the rate of the class: no measured member. One-day moves covered by less than 99 %: on no side of a "
            "measured member."
        ),
    ]
    assert summary[4].startswith("- Not measured: ETH, BNB, ")
    assert len(summary) == 5
    assert "Prices end on 2026-03-03, the day of the last version: no difference" in text
    assert (
        "- SOL: from class C to D, v1 rises from 20.0 % to 25.0 % (ADV of $60,000,000 is below $100,000,000 by more than "
        "20 %, with its whole interval $60,000,000 to $60,000,000); "
        "its own need is 16.55 % (14.13 % to 22.85 %), below the rate of the class even at its upper bound. "
        "Required: 16.56 % once inputs.yaml is added, 25.06 % without it; before: 20.02 %.\n"
    ) in text
    assert (
        "- XRP: class C, v1 rises from 20.0 % to 25.0 % (meets the rule of its class); its own need is 21.62 % (14.05 % to 29.97 %), "
        "below the rate of the class, which lies within the interval. "
        "Required: 21.63 % once inputs.yaml is added, 25.02 % without it; before: 20.02 %.\n"
    ) in text
    assert "| SOL | 20.02 % | 20.02 % | 25.06 % | 16.56 % |\n" in text
    assert "| ETH | 12.5 % | 12.5 % | 12.5 % | 12.5 % |\n" in text
    assert "while one of its inputs is missing, the first tier of its class applies." in text
    assert "### Members whose need exceeds the rate of the class\n\nNone of the measured" in text
    volumes = "$14,000,000,000 | $14,000,000,000 to $14,000,000,000"
    assert f"| BTC | adv_30d_median | – | – | {volumes} | 30 |" in text
    assert "| A | BTC | short | 1,095 | 99.63 % | 3,120 | 98.59 % |" in text  # as published
    assert "| A | BTC | long | 1,095 | 99.91 % | 3,120 | 99.04 % |" in text
    assert (
        "| BTC | var_99_1d_1095d | 8.1 % | 6.5 % to 9.6 % | 8.138 % | 6.47 % to 9.621 % | 1,095 "
        "| unchanged (the old value is rounded) | binance spot BTCUSDT 1d | 2023-03-04 to 2026-03-03 | – | – |"
        in text
    )
    assert (
        "| C | 20.0 % | 25.0 % | 21.62 % | – | – | – | SOL | $400,000,000 | $1,200,000,000 |"
        in text
    )
    assert "0 of 3 inputs with an old interval lie beyond it." in text
    assert (
        "- ETH: adv_30d_median, var_99_1d_1095d, var_99_1d_worst_365d: no daily candles"
        in text.replace(
            "var_99_1d_1095d, var_99_1d_worst_365d, adv_30d_median",
            "adv_30d_median, var_99_1d_1095d, var_99_1d_worst_365d",
        )
    )


def test_the_rate_of_an_asset_is_compared_with_that_of_the_last_version(
    prices: Path, tmp_path: Path
) -> None:
    """No worst year is archived: the earlier rate is that of the same closes, by the day of the last version."""
    pack, out = tmp_path / "mine.yaml", tmp_path / "out"
    text = loader.rule_set_text("harmonized-baseline")
    pack.write_text(text.replace("3 March 2026. The rates", "3 March 2025. The rates"))
    assert calibrate(prices, "--pack", str(pack), "--as-of", DAY, "--out", str(out)).exit_code == 0
    earlier = tmp_path / "earlier"
    arguments = ("--pack", "harmonized-baseline", "--as-of", "2025-03-03", "--out", str(earlier))
    assert calibrate(prices, *arguments).exit_code == 0
    old = _rate_row(earlier, "BTC")
    new = _rate_row(out, "BTC")
    assert (new[1], new[2], new[3]) == (old[4], old[5], "same series")
    closes = real("BTC").close
    moves = closes[1:] / closes[:-1] - 1
    worst = max(_move(moves[end - 365 : end]) for end in range(365, moves.size + 1 - 365))
    recent = _move(moves[: moves.size - 365][-1_095:])
    v1 = max(recent, 0.75 * recent + 0.25 * worst)
    assert new[1] == f"{100 * v1:.4g} %"
    assert new[6] == f"{100 * (_v1(moves) - v1):+.2f}".replace("-", "−")
    assert new[7] == "no"
    changed = (out / "changes.md").read_text()
    assert f"; it falls from {new[1]}, within the old interval, so that chance may" in changed
    assert "by its candles to 2025-03-03, the day of the last version" in changed


def _move(moves: np.ndarray) -> float:
    return float(max(np.quantile(moves, 0.99), np.quantile(-moves, 0.99)))


def _v1(moves: np.ndarray) -> float:
    worst = max(_move(moves[end - 365 : end]) for end in range(365, moves.size + 1))
    recent = _move(moves[-1_095:])
    return max(recent, 0.75 * recent + 0.25 * worst)


def _rate_row(out: Path, asset: str) -> list[str]:
    table = (out / "changes.md").read_text().partition("## Rates by the formula")[2]
    (line, *_) = [line for line in table.splitlines() if line.startswith(f"| {asset} | ")]
    return line.strip("| ").split(" | ")


def _sentence(out: Path, asset: str) -> str:
    lines = (out / "changes.md").read_text().splitlines()
    return next(line for line in lines if line.startswith(f"- {asset}: "))


def _adopted(place: Path, path: Path) -> None:
    add = ["--archive", str(place), "archive", "add-inputs", str(path)]
    assert CliRunner().invoke(app, add).exit_code == 0


def test_the_rounding_of_an_old_value_is_no_move(prices: Path, tmp_path: Path) -> None:
    """The recorded inputs are rounded to 0.1 percentage points and end on the same day."""
    out = tmp_path / "out"
    arguments = ("--pack", "emir-ccp", "--as-of", DAY, "--out", str(out))
    assert calibrate(prices, *arguments).exit_code == 0
    assert _sentence(out, "BTC") == (
        "- BTC: 10.73 % (8.773 % to 21.22 %); unchanged from 10.75 % (the old value is rounded). "
        "Required: 10.73 % once inputs.yaml is added, none without it; before: 10.75 %."
    )
    assert _rate_row(out, "BTC")[7] == "unchanged (the old value is rounded)"
    assert "chance may explain" not in (out / "changes.md").read_text()


@pytest.mark.parametrize(("day", "is_move"), [("2026-03-03", False), ("2026-03-02", True)])
def test_other_prices_of_the_same_day_are_no_move(
    day: str, *, is_move: bool, tmp_path: Path
) -> None:
    place, out, own = (
        archive_of(tmp_path / "archive", real("BTC")),
        tmp_path / "out",
        tmp_path / "a.yaml",
    )
    own.write_text(
        "source: another table\nverified: derived\ninputs:\n  - {name: var_99_2d_365d, underlying: BTC, "
        f"value: 0.09, lower: 0.07, upper: 0.17, confidence: 0.95, observations: 365, observed_at: {day}}}\n"
    )
    _adopted(place, own)
    assert calibrate(place, "--pack", "emir-ccp", "--as-of", DAY, "--out", str(out)).exit_code == 0
    same = "; 11.25 % before, from other prices to the same last day: no move of the market."
    assert (same in _sentence(out, "BTC")) != is_move
    if not is_move:
        assert _rate_row(out, "BTC")[7] == "same last day: other prices"


def test_another_series_is_not_compared(tmp_path: Path) -> None:
    """Spot gave the inputs of August; a perpetual with the same closes gives those of March."""
    spot = archive_of(tmp_path / "spot", real("BTC"))
    first, second = tmp_path / "first", tmp_path / "second"
    arguments = ("--pack", "cftc-dco", "--as-of", "2025-08-31", "--out", str(first))
    assert calibrate(spot, *arguments).exit_code == 0
    perp = replace(real("BTC"), id=identity("BTCUSDT"))
    place = archive_of(tmp_path / "perp", perp)
    _adopted(place, first / "inputs.yaml")
    pack = ("--pack", str(first / "cftc-dco.yaml"), "--as-of", DAY, "--out", str(second))
    assert calibrate(place, *pack).exit_code == 0
    assert "before, by another series: not comparable." in _sentence(second, "BTC")
    assert _rate_row(second, "BTC")[7] == "series changed: not comparable"
    text = (second / "changes.md").read_text()
    assert "1 rate is by another series than before, and not comparable." in text
    (row,) = [line for line in text.splitlines() if line.startswith("| BTC | var_99_1d_1095d |")]
    assert row.endswith(
        "| series changed: not comparable | binance perp BTCUSDT 1d | 2023-03-04 to 2026-03-03 "
        "| binance spot BTCUSDT 1d | 2022-09-01 to 2025-08-31 |"
    )


def test_a_member_above_the_rate_of_its_class_is_named(tmp_path: Path) -> None:
    """Without volume all three stay in class C, whose rate covers the moves of XRP but not its worst year."""
    place = archive_of(tmp_path / "archive", *map(real, ("BTC", "SOL", "XRP")))
    pack, out = tmp_path / "mine.yaml", tmp_path / "out"
    text = loader.rule_set_text("harmonized-baseline").replace(
        "assets: [BTC]", "assets: [NEWCOIN2]"
    )
    pack.write_text(text.replace("[SOL, XRP, BNB", "[BTC, SOL, XRP, BNB"))
    arguments = ("--pack", str(pack), "--as-of", DAY, "--out", str(out))
    assert calibrate(place, *arguments).exit_code == 0
    text = (out / "changes.md").read_text()
    (need,) = re.findall(r"- XRP: class C, .*; its own need is (.*?), above the rate", text)
    assert f"- class C, 20.0 %: XRP {need}\n" in text


@pytest.mark.parametrize("asset", ["FOO", "SOL"])
def test_an_asset_without_a_class_is_named_with_the_reason(asset: str, tmp_path: Path) -> None:
    """FOO has no prices. SOL has prices without volume, and is in no class of this rule set."""
    place = archive_of(tmp_path / "archive", real("BTC"), real("SOL"))
    pack, out = tmp_path / "mine.yaml", tmp_path / "out"
    text = loader.rule_set_text("harmonized-baseline")
    pack.write_text(text.replace("[SOL, XRP, BNB", "[XRP, BNB"))
    arguments = ("--pack", str(pack), "--as-of", DAY, "--underlying", asset, "--out", str(out))
    assert calibrate(place, *arguments).exit_code == (3 if asset == "FOO" else 0)
    changed = (out / "changes.md").read_text()
    sentence = {
        "FOO": "- FOO: no class: prices not observable.\n",
        "SOL": "- SOL: no class: ADV not measured; its own need is 16.55 % (14.13 % to 22.85 %).\n",
    }
    assert sentence[asset] in changed
    written = loaded(out)
    assert asset not in {name for names in members(written).values() for name in names}
    (dated,) = [flag.note for flag in written.flags if flag.field == "assets"]
    assert f"{asset}," not in dated
    assert not dated.endswith(f"{asset}.")


def test_a_model_states_that_requested_assets_replace_its_own(prices: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("--pack", "emir-ccp", "--as-of", DAY, "--underlying", "BTC", "--out", str(out))
    stated = "emir-ccp lists no assets: calibrated for BTC alone, in place of the assets of harmonized-baseline."
    assert f"note: {stated}\n" in calibrate(prices, *arguments).stderr
    assert stated in (out / "changes.md").read_text()


@pytest.mark.parametrize("names", [("xrp", "Btc"), ("XRP", "BTC", "xrp"), ("1000xrp", "XBT")])
def test_a_requested_asset_is_found_in_any_case(
    names: tuple[str, ...], prices: Path, tmp_path: Path
) -> None:
    named = [word for name in names for word in ("--underlying", name)]
    result = calibrate(
        prices, "--pack", "emir-ccp", "--as-of", DAY, *named, "--out", str(tmp_path / "out")
    )
    assert result.exit_code == 0, result.stderr
    assert "calibrated for XRP, BTC alone" in result.stderr
    inputs = inputs_file.load(tmp_path / "out" / "inputs.yaml")
    assert [item.underlying for item in inputs] == ["BTC", "XRP"]
    listed = ("--pack", "harmonized-baseline", "--as-of", DAY, "--underlying", "btc")
    assert calibrate(prices, *listed, "--apply", str(tmp_path / "next.yaml")).exit_code == 0


def test_the_review_tests_the_formula_in_the_past(baseline: Path) -> None:
    text = (baseline / "review.md").read_text()
    assert (
        "The last version was made on prices to 2026-03-03. This review ends on 2026-03-03. The next review is due on 2026-06-02"
        in text
    )
    assert "No move began since." in text
    assert "The margin of a class is the rate of its first tier, which is above v1" in text
    assert (
        "| BTC | short | 2018-08-17 | 2026-03-03 | 2,755 | 12 | 99.56 % | < 0.001 | 11.64 % | 2021-02-08: 19.54 % against 11.81 % |"
        in text
    )


def test_equal_prices_give_equal_bytes_and_nothing_else_is_touched(
    prices: Path, baseline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in prices.rglob("*") if path.is_file()}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1797000000")
    result = calibrate(prices, "--pack", "harmonized-baseline", "--as-of", DAY)
    assert result.exit_code == 0
    out = tmp_path / "harmonized-baseline-2026-03-03"
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert sorted(path.name for path in out.iterdir()) == sorted(
        path.name for path in baseline.iterdir()
    )
    for path in out.iterdir():
        assert path.read_bytes() == (baseline / path.name).read_bytes()
    assert {path: path.read_bytes() for path in prices.rglob("*") if path.is_file()} == before


def test_the_manifest_proves_every_file(baseline: Path) -> None:
    manifest = json.loads((baseline / "manifest.json").read_text())
    assert (manifest["rule_set"], manifest["version"], manifest["as_of"]) == (
        "harmonized-baseline",
        "2026.11.1",
        DAY,
    )
    assert manifest["files"] == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in baseline.iterdir()
        if path.name != "manifest.json"
    }


def test_a_calibration_replaces_one_of_its_own_and_no_other_file(
    prices: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ("--pack", "cftc-dco", "--as-of", DAY, "--out", str(out))
    assert calibrate(prices, *arguments).exit_code == 0
    assert calibrate(prices, "--pack", "emir-ccp", "--as-of", DAY, "--out", str(out)).exit_code == 0
    assert not (out / "cftc-dco.yaml").exists()
    (out / "emir-ccp.yaml").write_text("edited")
    refused = calibrate(prices, *arguments)
    assert refused.exit_code == 2
    assert (
        "emir-ccp.yaml was not written by calibrate, or was edited since; use a new folder"
        in refused.stderr
    )
    assert (out / "emir-ccp.yaml").read_text() == "edited"
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    refused = calibrate(prices, "--pack", "cftc-dco", "--as-of", DAY, "--out", str(foreign))
    assert (refused.exit_code, [path.name for path in foreign.iterdir()]) == (2, ["notes.txt"])
    (tmp_path / "file").write_text("")
    refused = calibrate(
        prices, "--pack", "cftc-dco", "--as-of", DAY, "--out", str(tmp_path / "file")
    )
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: --out: ")


@pytest.mark.parametrize(
    "pack", ["emir-ccp", "emir-ccp-stress25", "emir-ccp-floor10y", "cftc-dco", "cftc-dco-observed"]
)
def test_models_keep_their_rules_and_state_their_inputs(
    pack: str, prices: Path, tmp_path: Path
) -> None:
    result = calibrate(prices, "--pack", pack, "--as-of", DAY, "--out", str(tmp_path / "out"))
    assert result.exit_code == 0
    rule_set, before = loaded(tmp_path / "out", pack), loader.load(pack)
    assert (rule_set.requirement, rule_set.citations) == (before.requirement, before.citations)
    assert rule_set.flags[:-1] == before.flags
    assert rule_set.flags[-1].note.startswith("Calibrated on prices to 2026-03-03; ")
    assert rule_set.version != before.version
    assert {item.underlying for item in inputs_file.load(tmp_path / "out" / "inputs.yaml")} == {
        "BTC",
        "SOL",
        "XRP",
    }


def test_an_interrupted_run_can_be_repeated(
    prices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    arguments = ("--pack", "cftc-dco", "--out", str(out), "--as-of")
    assert calibrate(prices, *arguments, "2026-03-02").exit_code == 0

    def stop(path: Path, content: bytes) -> None:
        if path.name == "changes.md":
            (path.parent / ".changes.md.part").write_bytes(content[:9])
            raise KeyboardInterrupt
        write_file(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(calibration_files, "write_file", stop)
        assert calibrate(prices, *arguments, DAY).exit_code != 0
    assert calibrate(prices, *arguments, DAY).exit_code == 0
    clean = tmp_path / "clean"
    calibrate(prices, "--pack", "cftc-dco", "--as-of", DAY, "--out", str(clean))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {
        path.name: path.read_bytes() for path in clean.iterdir()
    }


def test_the_review_of_the_past_knows_years_of_other_series(tmp_path: Path) -> None:
    """Spot crashed and ended; the perpetual that gives the moves was calm throughout."""
    parts = [replace(own, times=own.times - 300 * 86_400_000_000) for own in calm_after_a_crash()]
    margins = []
    for number, own in enumerate((parts[1:], parts)):
        place = archive_of(tmp_path / f"archive{number}", *own)
        out = tmp_path / f"out{number}"
        arguments = ("--pack", "harmonized-baseline", "--as-of", "2026-03-10", "--out", str(out))
        assert calibrate(place, *arguments).exit_code == 0
        past = (out / "review.md").read_text().partition("## The formula in the past")[2]
        row = next(line for line in past.splitlines() if line.startswith("| BTC | long"))
        margins.append(row.split(" | ")[8])
    assert margins == ["1.0 %", "8.25 %"]


def test_a_review_states_which_margins_follow_the_formula(tmp_path: Path) -> None:
    """The inputs of BTC, SOL and XRP are archived, those of no other asset."""
    place = archive_of(
        tmp_path / "archive",
        *map(real, ("BTC", "SOL", "XRP")),
        *(perpetual(a, 14e9) for a in ("BTC", "SOL", "XRP")),
    )
    first, second = tmp_path / "first", tmp_path / "second"
    assert (
        calibrate(
            place, "--pack", "harmonized-baseline", "--as-of", "2026-02-27", "--out", str(first)
        ).exit_code
        == 0
    )
    pack = ("--pack", str(first / "harmonized-baseline.yaml"), "--as-of", DAY, "--out")
    assert calibrate(place, *pack, str(second)).exit_code == 0
    assert (
        "No asset had all of its inputs archived then, so that all are of classes."
        in (second / "review.md").read_text()
    )
    add = ["--archive", str(place), "archive", "add-inputs", str(first / "inputs.yaml")]
    assert CliRunner().invoke(app, add).exit_code == 0
    assert calibrate(place, *pack, str(second)).exit_code == 0
    text = (second / "review.md").read_text()
    assert (
        "The margin of BTC, SOL, XRP is the formula by the inputs archived then, others are of classes."
        in text
    )
    changed = (second / "changes.md").read_text()
    row = next(line for line in changed.splitlines() if line.startswith("| BTC | 10.0 % |"))
    # of each input the newest one is in force: the recorded archive has one of 3 March, 8.1 %
    assert row == "| BTC | 10.0 % | 9.615 % | 10.0 % | 9.643 % |"


def test_a_review_before_the_last_version_says_so(prices: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("--pack", "harmonized-baseline", "--as-of", "2025-10-22", "--out", str(out))
    assert calibrate(prices, *arguments).exit_code == 0
    text = (out / "review.md").read_text()
    assert "made on prices to 2026-03-03, which is after the end of this review. " in text
    assert "No move began since." in text


@pytest.mark.parametrize(("pack", "factor", "days"), [("emir-ccp", 1.25, 2), ("cftc-dco", 1.0, 1)])
def test_an_adopted_version_is_reviewed_by_the_next_one(
    pack: str, factor: float, days: int, tmp_path: Path
) -> None:
    """The margins in force are those of the archived inputs, fixed until the next calibration."""
    place = archive_of(tmp_path / "archive", real("BTC"))
    first = tmp_path / "first"
    assert (
        calibrate(place, "--pack", pack, "--as-of", "2025-08-31", "--out", str(first)).exit_code
        == 0
    )
    add = ["--archive", str(place), "archive", "add-inputs", str(first / "inputs.yaml")]
    assert CliRunner().invoke(app, add).exit_code == 0
    second = tmp_path / "second"
    result = calibrate(
        place, "--pack", str(first / f"{pack}.yaml"), "--as-of", DAY, "--out", str(second)
    )
    assert result.exit_code == 0, result.stderr
    assert loaded(second, pack).version == "2026.11.2"
    (old,) = inputs_file.load(first / "inputs.yaml")
    margin = factor * float(old.value)
    closes = real("BTC").close[-1 - (date(2026, 3, 3) - date(2025, 8, 31)).days :]
    moves = closes[days:] / closes[:-days] - 1
    breaches = [int((losses > margin).sum()) for losses in (-moves, moves)]
    changed = (second / "changes.md").read_text()
    (row,) = [line for line in changed.splitlines() if line.startswith(f"| BTC | {old.name} | ")]
    assert (
        row.split(" | ")[2] == f"{float(old.value) * 100:.4g} %"
    )  # not that of a later archived one
    text = (second / "review.md").read_text()
    assert "The last version was made on prices to 2025-08-31." in text
    assert (
        "Of 2 sides whose coverage is 99 %, the test at 5.0 % rejects about 0.1 by chance" in text
    )
    power = {
        1: "For 184 moves since the last version it is 0.054.",
        2: "Fewer than 499 moves cannot be rejected for too few breaches: without any, p is 5.0 % or more.",
    }
    assert power[days] in text
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| BTC | ")]
    assert [(row[2], row[3], row[4], row[5]) for row in rows[:2]] == [
        ("2025-08-31", "2026-03-03", f"{moves.size}", f"{count}") for count in breaches
    ]
    assert rows[0][8] == f"{margin * 100:.4g} %"
    archive = Archive.open(place)
    stored = [
        item
        for entry in archive.entries()
        if entry.venue == MARKET
        for item in read_inputs(archive.read(entry))[0]
    ]
    assert "binance spot BTCUSDT 1d; 2" in stored[0].source


def test_a_class_without_assets_is_dropped_and_can_return(tmp_path: Path) -> None:
    pack, out = tmp_path / "mine.yaml", tmp_path / "out"
    text = loader.rule_set_text("harmonized-baseline").replace("[SOL, XRP, BNB", "[SOL, BNB")
    pack.write_text(re.sub(r"assets: \[NEAR, .*?\]", "assets: [XRP]", text))
    for folder, volume, source in (("large", 1.2e9, pack), ("small", 60e6, None)):
        place = archive_of(tmp_path / folder, real("XRP"), perpetual("XRP", volume))
        name = str(source or out / "harmonized-baseline.yaml")
        after = out if source else tmp_path / "next"
        result = calibrate(place, "--pack", name, "--as-of", DAY, "--out", str(after))
        assert result.exit_code == 0, result.stderr
    written, returned = members(loaded(out)), members(loaded(tmp_path / "next"))
    assert ("XRP" in written["C"], "D" in written) == (True, False)
    assert ("XRP" in returned["C"], returned["D"]) == (False, ("XRP",))


def test_an_example_that_holds_no_longer_is_removed_and_named(prices: Path, tmp_path: Path) -> None:
    pack = tmp_path / "mine.yaml"
    example = (
        "  - text: XRP at a leverage of 5 complies\n    underlying: XRP\n"
        "    tiers: [{upper: 100_000, initial_rate: 20%, maintenance_rate: 10%}]\n    initial: compliant\n"
    )
    text = loader.rule_set_text("harmonized-baseline").replace(
        "examples:\n", f"examples:\n{example}"
    )
    strict = text.replace("relative: 15%", "relative: 1%")
    pack.write_text(strict)
    out = tmp_path / "out"
    assert calibrate(prices, "--pack", str(pack), "--as-of", DAY, "--out", str(out)).exit_code == 0
    texts = [part.text for part in loaded(out).examples]
    assert "XRP at a leverage of 5 complies" not in texts
    assert len(texts) == 4
    assert (
        'Example "XRP at a leverage of 5 complies" was removed' in (out / "changes.md").read_text()
    )


REFUSALS = [
    (("--pack", "nope", "--as-of", DAY), 2, "unknown rule set 'nope'; available: asic-retail"),
    (("--pack", "esma-retail", "--as-of", DAY), 2, "esma-retail names no measured inputs; use one of cftc-dco, "),
    (("--pack", "disclosure", "--as-of", DAY), 2, "disclosure names no measured inputs; use one of cftc-dco, "),
    (("--pack", "cftc-dco", "--as-of", "2026-12-01"), 2, "--as-of: expected a day up to 2026-11-30, found 2026-12-01; use an earlier day"),
    (("--pack", "cftc-dco", "--as-of", DAY, "--underlying", ""), 2, "--underlying: expected an underlying such as BTC"),
    (("--pack", "cftc-dco", "--as-of", DAY, "--underlying", "BTCC"), 3, "underlying BTCC: no candles in the archive; did you mean BTC?"),
    (("--pack", "cftc-dco", "--as-of", "3 March"), 2, "does not match the format"),
    (("--pack", "jvcea-corporate", "--as-of", DAY), 3, "no input of jvcea-corporate is observable: var_99_1d_182d_jpy: no source has prices in JPY"),
    (("--pack", "cftc-dco", "--as-of", "2017-01-01"), 3, "no candle had closed by 2017-01-01; use --as-of from 2018-08-18 on"),
    (("--pack", "cftc-dco", "--as-of", "2017-12-01"), 3, "fewer than 365 returns by 2017-12-01; import a longer history"),
    (("--pack", "cftc-dco"), 3, "the prices end by 2026-03-03, more than 30 days before 2026-11-30; use --as-of 2026-03-03, or import newer candles"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "message"), REFUSALS)
def test_what_cannot_be_calibrated_is_refused_in_one_line(
    arguments: tuple[str, ...], code: int, message: str, prices: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = calibrate(prices, *arguments, "--out", str(out))
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert not out.exists()


def test_a_folder_without_an_archive_does_not_pass_for_no_prices(tmp_path: Path) -> None:
    result = calibrate(tmp_path, "--pack", "cftc-dco", "--as-of", DAY, "--out", str(tmp_path / "o"))
    assert (result.exit_code, result.stdout) == (3, "")
    assert "cannot be opened as an archive" in result.stderr
    assert not (tmp_path / "o").exists()


def until(series: PriceSeries, day: date) -> PriceSeries:
    """Returns the closes up to a day, dated back from the last real one."""
    days = (date(2026, 3, 3) - day).days
    return series.select(slice(0, series.times.size - days))


def later(series: PriceSeries, days: int) -> PriceSeries:
    """Returns the closes as if they had been observed a number of days later."""
    return replace(series, times=series.times + days * 86_400_000_000)


@pytest.mark.parametrize(
    ("made_on", "parts", "advice"),
    [
        ("3 March 2025", {"BTC": 21, "SOL": 21, "XRP": -60}, "use --as-of 2026-01-02, or import"),
        # one of three assets after the last version is too few, and every other day is before it
        ("3 March 2026", {"BTC": 21, "SOL": -60, "XRP": -60}, "use --as-of 2026-01-02, which is before 2026-03-03, the day of the last version, or"),
        ("3 March 2026", {"BTC": 21, "SOL": 14, "XRP": -60}, "use --as-of 2026-03-24, or import"),
    ],
)  # fmt: skip
def test_the_advised_day_is_after_the_last_version(
    made_on: str, parts: dict[str, int], advice: str, tmp_path: Path
) -> None:
    series = [
        later(real(asset), days) if days > 0 else until(real(asset), date(2026, 1, 2))
        for asset, days in parts.items()
    ]
    pack = tmp_path / "mine.yaml"
    text = loader.rule_set_text("harmonized-baseline")
    pack.write_text(text.replace("3 March 2026. The rates", f"{made_on}. The rates"))
    place = archive_of(tmp_path / "archive", *series)
    result = calibrate(place, "--pack", str(pack), "--out", str(tmp_path / "out"))
    assert result.exit_code == 3
    assert advice in result.stderr


def test_prices_that_end_before_those_of_the_last_version_are_announced(
    prices: Path, baseline: Path, tmp_path: Path
) -> None:
    arguments = ("--pack", "harmonized-baseline", "--as-of", "2026-02-20")
    result = calibrate(prices, *arguments, "--out", str(tmp_path / "out"))
    warning = (
        "the prices end on 2026-02-20, before those of the last version, which end on 2026-03-03"
    )
    assert f"note: {warning}" in result.stderr
    assert f"**Warning:** {warning}" in (tmp_path / "out" / "changes.md").read_text()
    assert "**Warning:**" not in (baseline / "changes.md").read_text()


def test_an_archive_without_prices_of_an_asset_is_named(prices: Path, tmp_path: Path) -> None:
    arguments = ("--pack", "cftc-dco", "--as-of", DAY, "--out", str(tmp_path / "out"))
    alone = calibrate(prices, *arguments, "--underlying", "XYZ")
    assert alone.exit_code == 3
    assert "underlying XYZ: no candles in the archive; import candles with" in alone.stderr
    beside = calibrate(prices, *arguments, "--underlying", "XYZ", "--underlying", "BTC")
    assert beside.exit_code == 3
    assert "incomplete: 1 requested underlying not measured: XYZ" in beside.stderr
    assert (tmp_path / "out" / "inputs.yaml").exists()


def test_a_rule_set_that_inherits_its_classes_or_extends_a_file_is_refused(
    prices: Path, tmp_path: Path
) -> None:
    child = tmp_path / "child.yaml"
    child.write_text('id: child\nversion: "1"\ntitle: Mine\nextends: harmonized-baseline\n')
    result = calibrate(prices, "--pack", str(child), "--as-of", DAY)
    assert result.exit_code == 2
    assert (
        "child inherits its classes from harmonized-baseline; calibrate harmonized-baseline"
        in result.stderr
    )
    (tmp_path / "parent.yaml").write_text(loader.rule_set_text("cftc-dco"))
    child.write_text('id: child\nversion: "1"\ntitle: Mine\nextends: parent.yaml\n')
    result = calibrate(prices, "--pack", str(child), "--as-of", DAY)
    assert (
        result.exit_code,
        "child extends the file parent.yaml; merge both" in result.stderr,
    ) == (2, True)
    text = loader.rule_set_text("harmonized-baseline").replace("    F:\n", "    G:\n")
    child.write_text(text)
    result = calibrate(prices, "--pack", str(child), "--as-of", DAY)
    assert result.exit_code == 2
    assert (
        "expected the classes A, B, C, D, E, F of harmonized-baseline, found G; use those"
        in result.stderr
    )


def test_a_variant_without_flags_keeps_those_that_it_inherits(prices: Path, tmp_path: Path) -> None:
    child = tmp_path / "child.yaml"
    child.write_text('id: child\nversion: "7"\ntitle: Mine\nextends: cftc-dco\n')
    out = tmp_path / "out"
    assert calibrate(prices, "--pack", str(child), "--as-of", DAY, "--out", str(out)).exit_code == 0
    written = loaded(out, "child")
    assert written.flags[:-1] == loader.load("cftc-dco").flags
    assert written.version == "2026.03"


def test_spot_is_read_without_perpetuals(tmp_path: Path) -> None:
    """Without volume nothing is classified anew, and moves are still measured."""
    place = archive_of(
        tmp_path / "archive", replace(real("BTC"), id=identity("BTCUSDT", PriceKind.SPOT))
    )
    out = tmp_path / "out"
    assert (
        calibrate(
            place, "--pack", "harmonized-baseline", "--as-of", DAY, "--out", str(out)
        ).exit_code
        == 0
    )
    assert members(loaded(out)) == members(loader.load("harmonized-baseline"))
    assert (
        "- BTC: adv_30d_median: no perpetual with volume; spot is another market"
        in (out / "changes.md").read_text()
    )

"""The command line: streams, output and exit codes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harmonize.api.audit import Question, answer
from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.document import decoded
from tests.support import recorded
from tests.support.altered_snapshots import changed, with_content
from venues.exchanges import mexc


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small archive of three venues; one has a malformed row."""
    path = tmp_path / "archive"
    made = Archive.create(path)
    made.append(recorded.of_venue("okx")[0])
    made.append(recorded.of_venue("gate")[0])
    broken = changed(recorded.of_venue("mexc")[0], mexc.DETAIL, _break)
    made.append(broken)
    return path


def _break(document: object) -> None:
    document["data"][1]["riskLimitCustom"][0]["mmr"] = "NaN"  # type: ignore[index]


def test_schedule_prints_the_object_that_the_contract_names() -> None:
    result = run("schedule", "binance", "BTC/USDT:USDT", "--notional", "264000", "--format", "json")
    assert result.exit_code == 0
    schedule = json.loads(result.stdout)
    assert {"venue", "symbol", "observed_at", "points", "pieces", "evidence"} <= set(schedule)
    assert schedule["points"] == [
        {
            "notional": 264000.0,
            "initial_margin": 1760.0,
            "maintenance_margin": 1056.0,
            "initial_rate": pytest.approx(1 / 150),
            "maintenance_rate": 0.004,
            "max_leverage": pytest.approx(150.0),
            "bound": "",
        }
    ]


def test_every_figure_of_a_schedule_names_payload_pointer_and_published_number() -> None:
    schedule = json.loads(run("schedule", "okx", "BTC-USDT-SWAP", "--format", "json").stdout)
    rows = [row for row in schedule["evidence"] if row["quantity"] == "upper"]
    assert len(rows) == 99
    assert rows[0]["published"] == "1000"
    assert rows[0]["unit"] == "contracts"
    assert rows[0]["pointer"] == "/data/0/maxSz"
    names = [factor["name"] for factor in schedule["conversion"]]
    assert names == [
        "contract value of BTC-USDT-SWAP",
        "contract multiplier of BTC-USDT-SWAP",
        "price of BTC (daily close, Binance spot BTCUSDT)",
    ]
    product = 1000.0
    for factor in schedule["conversion"]:
        product *= float(factor["value"])
    assert schedule["pieces"]["initial"][0]["upper"] == pytest.approx(product, rel=1e-12)


def test_schedule_above_the_capacity_and_unknown_margins_are_null() -> None:
    schedule = json.loads(
        run("schedule", "deribit", "ETH/USDT:USDT", "--notional", "1e6", "--format", "json").stdout
    )
    assert schedule["points"][0]["maintenance_margin"] is None
    assert schedule["status"]["maintenance"] == "unknown"
    above = json.loads(
        run("schedule", "gate", "BTC/USDT:USDT", "--notional", "1e6", "--format", "json").stdout
    )
    assert above["points"][0]["initial_margin"] is None


def test_schedule_has_no_margin_above_the_capacity_although_its_formula_goes_on() -> None:
    schedule = json.loads(
        run("schedule", "kucoin", "BTC/USDT:USDT", "--notional", "2e9", "--format", "json").stdout
    )
    assert schedule["capacity"]["value"] == 1.5e9
    assert schedule["pieces"]["initial"][-1]["upper"] is None
    assert schedule["points"][0]["initial_margin"] is None


def test_schedule_as_a_table_shows_dashes_for_what_is_not_observable() -> None:
    result = run("schedule", "deribit", "ETH/USDT:USDT")
    assert "MM unknown: the venue publishes only the maximum leverage" in result.stdout
    assert "–" in result.stdout
    assert "·N^2" in run("schedule", "kucoin", "BTC/USDT:USDT").stdout
    assert "capacity: $1,561,786,718" in run("schedule", "okx", "BTC/USDT:USDT").stdout


def test_schedule_names_its_other_profiles() -> None:
    result = run("schedule", "krakenfutures", "BTC/USD:BTC")
    assert "retail europa" in result.stderr
    retail = run("schedule", "krakenfutures", "BTC/USD:BTC", "--profile", "retail")
    assert "krakenfutures BTC/USD:BTC (retail)" in retail.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("schedule", "binanse", "BTC/USDT:USDT"),
            2,
            "unknown venue binanse; did you mean binance?",
        ),
        (("schedule", "Kucoin", "BTC/USDT:USDT"), 2, "unknown venue Kucoin; did you mean kucoin?"),
        (("schedule", "zzz", "BTC/USDT:USDT"), 2, "unknown venue zzz; see `harmonize venues`"),
        (("schedule", "okx", "BTC/USDT"), 3, "; did you mean BTC/USDT:USDT?"),
        (("schedule", "binance", "ETH"), 3, "; did you mean ETH/USDT:USDT?"),
        (("schedule", "okx", "ethusdt"), 3, "; did you mean ETH/USDT:USDT?"),
        (("schedule", "okx", "BTC-USDT-PERP"), 3, "; did you mean BTC/USDT:USDT?"),
        (("schedule", "okx", "<script>"), 3, "okx has no schedule of <script>"),
        (("schedule", "okx", "BTC/USDT:USDT", "--notional", "-5"), 2, "amount in USD above 0"),
        (("schedule", "okx", "BTC/USDT:USDT", "--notional", "nan"), 2, "amount in USD such as 5m"),
        (("explain", "ZZ1"), 2, "unknown check ZZ1; see `harmonize explain`"),
        (("explain", "MH3010"), 2, "unknown check MH3010; did you mean MH301?"),
        (("explain", "MH301", "--format", "csv"), 2, "--format applies to the list of checks"),
        (("explain", "initial-diverge"), 2, "did you mean initial-diverges?"),
        (("audit", "--format", "yaml"), 2, "unknown format 'yaml'; use"),
        (("audit", "--rules", "basel"), 2, "basel"),
        (("audit", "--venue", "ftx"), 2, "unknown venue ftx"),
        (("audit", "--underlying", "NOSUCH"), 3, "underlying NOSUCH: no schedule was observed"),
        (("audit", "--as-of", "2019-01-01"), 2, "no snapshot up to 2019-01-01"),
        (("audit", "--instrument", "okx=BTC"), 2, "--instrument: expected VENUE:UNDERLYING=SYMBOL"),
        (
            ("audit", "--instrument", "okx:BTC=X/Y:Z"),
            2,
            "okx has no schedule X/Y:Z on BTC; use BTC/USDT:USDT",
        ),
        (("audit", "--profile", "nonsense", "--fail-on", "never"), 3, "profile nonsense: no"),
        (
            ("schedule", "htx", "BTC/USDT:USDT", "--profile", "cross"),
            3,
            "has no BTC/USDT:USDT with this profile; use --profile with",
        ),
        (
            ("audit", "--stale-after", "nan"),
            2,
            "--stale-after: expected a number of days, found nan",
        ),
        (("gap", "NOSUCH"), 3, "no venue's initial margin on NOSUCH is included"),
        (("--archive", "/nowhere", "audit"), 3, "/nowhere"),
        (("--archive", "/nowhere", "archive", "verify"), 3, "/nowhere"),
        (("rules", "show", "basel"), 2, "basel"),
        (("rules", "check", "/nowhere.yaml"), 2, "/nowhere.yaml"),
        (("report", "--out", "/dev/null/report", "--venue", "okx"), 2, "cannot create the folder"),
    ],
)
def test_a_mistake_is_one_line_with_the_fix(
    arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == code
    (line,) = [line for line in result.stderr.splitlines() if message in line]
    assert "Traceback" not in result.output
    assert line


def test_audit_exits_by_the_most_severe_finding() -> None:
    okx = ("audit", "--venue", "okx", "--format", "json")
    assert run(*okx).exit_code == 0
    assert run(*okx, "--fail-on", "warning").exit_code == 1
    assert run(*okx, "--fail-on", "never").exit_code == 0
    kraken = ("audit", "--venue", "krakenfutures", "--format", "json")
    assert run(*kraken).exit_code == 1
    assert run(*kraken, "--rules", "harmonized-baseline").exit_code == 0


def test_assets_are_meant_by_any_of_their_names() -> None:
    for name in ("btc", "XBT", "BTC"):
        result = run("gap", name, "--notional", "1e5", "--format", "json")
        assert json.loads(result.stdout)["underlying"] == "BTC"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("schedule", "error: Missing argument 'venue'. See --help.\n"),
        ("audit --zzzz", "error: No such option: --zzzz See --help.\n"),
        ("report --stale-after x", "--stale-after"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: str, message: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "harmonize", *arguments.split()],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_broken_row_leaves_the_rest_audited_and_exits_with_3(archive: Path) -> None:
    result = run("--archive", str(archive), "audit", "--format", "json", "--fail-on", "never")
    assert result.exit_code == 3
    document = decoded(json.loads(result.stdout))
    symbols = {(schedule["venue"], schedule["symbol"]) for schedule in document["schedules"]}
    assert ("mexc", "BTC/USDT:USDT") in symbols
    assert ("mexc", "ETH/USDT:USDT") not in symbols
    assert "mexc ETH_USDT" in result.stderr
    assert "/data/1/riskLimitCustom/0/mmr" in result.stderr
    broken = run("--archive", str(archive), "schedule", "mexc", "ETH/USDT:USDT")
    assert broken.exit_code == 3


def test_a_symbol_named_script_is_harmless_in_the_report(tmp_path: Path) -> None:
    def rename(document: object) -> None:
        document[0]["name"] = "<script>alert(1)</script>_USDT"  # type: ignore[index]

    path = tmp_path / "archive"
    made = Archive.create(path)
    snapshot = recorded.of_venue("gate")[0]
    made.append(changed(snapshot, snapshot.payloads[0].call.method, rename))
    result = run("--archive", str(path), "report", "--out", str(tmp_path / "report"))
    assert result.exit_code == 0
    html = (tmp_path / "report" / "index.html").read_text()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_damaged_snapshot_is_named_and_the_others_are_audited(archive: Path) -> None:
    pack = max((archive / "packs").iterdir(), key=lambda path: path.stat().st_size)
    pack.write_bytes(pack.read_bytes()[:-1] + b"x")
    result = run("--archive", str(archive), "audit", "--format", "json")
    assert result.exit_code == 3
    assert (
        len({schedule["venue"] for schedule in decoded(json.loads(result.stdout))["schedules"]})
        == 2
    )
    verified = run("--archive", str(archive), "archive", "verify")
    assert verified.exit_code == 3
    assert pack.name in verified.stderr


def test_a_truncated_payload_makes_its_venue_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    made = Archive.create(path)
    made.append(recorded.of_venue("okx")[0])
    snapshot = recorded.of_venue("binance")[0]
    payload = snapshot.payloads[0]
    made.append(with_content(snapshot, payload.call.method, payload.content[:5000]))
    result = run("--archive", str(path), "audit", "--venue", "binance", "--fail-on", "never")
    assert result.exit_code == 3
    assert (
        "fapiPrivateGetLeverageBracket() at /: not JSON at character 4984 of 5000" in result.stderr
    )
    assert "venue binance: no schedule was observed" in result.stderr


def test_an_empty_archive_is_an_error_with_the_fix(tmp_path: Path) -> None:
    Archive.create(tmp_path / "archive")
    result = run("--archive", str(tmp_path / "archive"), "audit")
    assert result.exit_code == 2
    assert "is empty; run `harmonize fetch`" in result.stderr


def test_a_position_above_the_capacity_has_no_margin_and_says_so() -> None:
    result = run("schedule", "binance", "BTC/USDT:USDT", "--notional", "9e12", "--notional", "1e6")
    _, below, above = result.stdout[result.stdout.index("notional") :].splitlines()[:3]
    assert below.endswith("75×")
    assert above.startswith("9,000,000,000,000 ")
    assert above.endswith("–  above the capacity")


def test_report_writes_a_folder_and_prints_the_path_of_its_first_page(tmp_path: Path) -> None:
    result = run("report", "--out", str(tmp_path), "--underlying", "btc", "--venue", "okx")
    assert result.exit_code == 0
    assert result.stdout.strip() == str(tmp_path / "index.html")
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == [
        *("as of 2026-11-29", "findings by level", "not observed")
    ]
    assert "recorded archive that ships with harmonize" in result.stderr
    assert "2026-05-12" in result.stderr
    for name in ("manifest.json", "venues/okx.html", "underlyings/btc.html", "data/audit.json"):
        assert (tmp_path / name).is_file()


def test_a_named_page_is_printed_and_an_unknown_one_is_an_error(tmp_path: Path) -> None:
    browser = tmp_path / "chromium"
    browser.write_text(
        '#!/bin/sh\nfor word; do case $word in --print-to-pdf=*) echo %PDF- > "${word#*=}";; esac; done\n'
    )
    browser.chmod(0o755)
    folder = tmp_path / "report"
    options = ("report", "--out", str(folder), "--venue", "okx", "--underlying", "btc")
    printed = ("--browser", str(browser), "--pdf-page")
    result = run(*options, *printed, "underlyings/btc.html", "--pdf-page", "venues/okx")
    assert result.exit_code == 0
    assert "printed 2 pages of" in result.stderr
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.pdf")} == {
        *("underlyings/btc.pdf", "venues/okx.pdf")
    }
    unknown = run(*options, *printed, "venues/okkx.html")
    assert unknown.exit_code == 2
    assert unknown.stderr.splitlines()[-1].endswith(
        "--pdf-page: venues/okkx.html: the report has no such page; did you mean venues/okx.html?"
    )


def test_verbose_lists_every_snapshot_after_the_summary(tmp_path: Path) -> None:
    options = ("report", "--out", str(tmp_path), "--venue", "okx", "--venue", "gate")
    lines = run("--verbose", *options).stderr.splitlines()
    assert lines[:3] == run(*options).stderr.splitlines()
    assert [line.split()[0] for line in lines[3:]] == ["gate", "gate", "okx"]


def test_the_summary_names_what_was_not_observed(tmp_path: Path) -> None:
    *_, line = run("report", "--out", str(tmp_path)).stderr.splitlines()
    document = answer(Question()).document
    initial = sum(row.initial_status == "unknown" for row in document.schedules)
    maintenance = sum(row.maintenance_status == "unknown" for row in document.schedules)
    assert line == (
        f"not observed: 2 venues (fmfwio, grvt), IM of {initial} schedules,"
        f" MM of {maintenance} schedules"
    )


def test_quiet_prints_only_data(tmp_path: Path) -> None:
    result = run("--quiet", "report", "--out", str(tmp_path), "--venue", "okx")
    assert result.stderr == ""


def test_output_goes_to_a_file_instead(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    result = run("audit", "--venue", "okx", "--format", "json", "--output", str(path))
    assert result.stdout == ""
    assert json.loads(path.read_text())["schema_version"] == "3.1"


def test_a_file_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "audit.json").mkdir()
    result = run(
        "audit", "--venue", "okx", "--format", "json", "--output", str(tmp_path / "audit.json")
    )
    assert result.exit_code == 2
    assert "cannot write the file" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["audit.json"]


def test_gap_prints_spread_and_who_is_cheapest() -> None:
    table = run("gap", "btc", "--notional", "100000", "--notional", "5e6")
    assert table.exit_code == 0
    assert re.search(r"BTC initial margin, \d+ venues, dates ≤ 2026-09-25", table.stdout)
    answer = json.loads(run("gap", "BTC", "--notional", "100000", "--format", "json").stdout)
    point = answer["spreads"][0]["points"][0]
    assert (point["notional"], point["lowest_venues"], point["lowest"]) == (
        100000.0,
        ["mexc"],
        200.0,
    )
    assert (point["highest_venues"], point["highest"]) == (["hibachi"], pytest.approx(6666.7))


def test_rules_are_listed_shown_checked_and_have_a_schema(tmp_path: Path) -> None:
    assert "harmonized-baseline" in run("rules", "list").stdout
    source = run("rules", "show", "esma-retail").stdout
    assert "2018/796" in source
    good = tmp_path / "own.yaml"
    good.write_text(source)
    assert run("rules", "check", str(good)).exit_code == 0
    good.write_text(source.replace("kind: cap", "kind: cup"))
    bad = run("rules", "check", str(good))
    assert bad.exit_code == 2
    assert f"{good}:" in bad.stderr
    assert json.loads(run("rules", "schema").stdout)["$schema"]
    assert run("audit", "--rules", "esma-retail", "--venue", "krakenfutures").exit_code == 1


def test_venues_explain_and_archive_are_listed() -> None:
    assert "publicGet" not in run("venues").stdout
    assert "binance" in run("venues").stdout
    assert "MH301  initial-diverges" in run("explain").stdout
    assert run("explain", "mh301").stdout.startswith("# MH301 initial-diverges\n")
    assert "178 snapshots verified" in run("archive", "verify").stdout
    assert len(run("archive", "list").stdout.splitlines()) == 178


def test_version_is_the_packages() -> None:
    assert run("--version").stdout.startswith("harmonize 0.")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "MH301"], ["rules", "--help"]])
def test_help_and_explain_load_neither_ccxt_nor_pandas(arguments: list[str]) -> None:
    process = python(
        f"import sys; sys.argv = ['harmonize', *{arguments!r}]\n"
        "from harmonize.cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy = {'ccxt', 'pandas', 'matplotlib', 'pydantic', 'jinja2'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy))"
    )
    assert "heavy: []" in process.stdout, process.stderr


def test_an_internal_error_is_one_line_and_exit_code_4() -> None:
    process = python(
        "import sys; sys.argv = ['harmonize', 'venues']\n"
        "import harmonize.api.coverage\n"
        "harmonize.api.coverage.coverage_text = lambda reading: 1 / 0\n"
        "from harmonize.__main__ import main\n"
        "main()"
    )
    assert process.returncode == 4
    assert (
        process.stderr
        == "error: internal: ZeroDivisionError: division by zero; use --verbose for the traceback\n"
    )


def test_a_reader_that_goes_away_is_no_error() -> None:
    writer = subprocess.Popen(
        [sys.executable, "-m", "harmonize", *["audit", "--format", "json", "--fail-on", "never"]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.read(10)
    writer.stdout.close()
    output = writer.stderr.read()
    writer.stderr.close()
    assert (writer.wait(60), output) == (0, b"")

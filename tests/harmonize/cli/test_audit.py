"""Rule sets, waivers, baselines and formats on the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from harmonize.api import stress_document
from harmonize.api.errors import RequestError
from harmonize.archive.archive import Archive
from harmonize.cli import request
from harmonize.cli.main import app
from harmonize.document import decoded
from reports.registry import BINARY, FORMATS
from tests.rules.small import CAP, DISCLOSURE, MODEL
from tests.support import recorded

SMALL = ("audit", "--venue", "okx", "--underlying", "BTC", "--rules", "esma-retail")
CONFIG = """\
waivers:
  - codes: [MH401, MH402]
    scope: {venues: [okx]}
    reason: Not offered to retail clients
    owner: compliance@example.org
    expires: 2027-01-01
    value: 1%
    may_worsen: 70%
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def codes(*arguments: str) -> list[str]:
    result = run(*arguments, "--format", "jsonl")
    assert result.exit_code in {0, 1, 3}, result.output
    return [json.loads(line)["code"] for line in result.stdout.splitlines() if line]


def test_several_formats_at_once_go_to_their_files_and_one_to_stdout() -> None:
    Path("out").mkdir()
    result = run(
        *SMALL, "--format", "json:out/a.json", "--format", "csv:a.csv", "--format", "table"
    )
    assert "Findings by cause" in result.stdout
    assert json.loads(Path("out/a.json").read_text())["findings"]["length"]
    assert Path("a.csv").read_text().startswith("code,name,")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_to_a_file(name: str) -> None:
    run(*SMALL, "--format", f"{name}:out.{name}")
    assert Path(f"out.{name}").stat().st_size > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--format", "pdf"), "unknown format 'pdf'; use csv, github"),
        (("--format", "pdf:a.pdf"), "unknown format 'pdf'"),
        (("--format", "json:"), "--format json: is missing its file; use json:FILE"),
        (
            ("--format", "json", "--format", "csv"),
            "--format: two formats write to stdout; add a file to each",
        ),
        (
            ("--format", "json:a", "--format", "csv:a"),
            "--format: two formats write to a; add a file to each",
        ),
        (("--format", "json:a", "--output", "b"), "--output b: every --format names a file"),
        (
            ("--baseline", "none.json"),
            "none.json: cannot read the baseline: No such file or directory; write",
        ),
        (("--config", "none.yaml"), "none.yaml: no such file; name another file"),
        (("--inputs", "none.yaml"), "none.yaml: no such file; name another file"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: tuple[str, ...], message: str) -> None:
    result = run(*SMALL, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_a_binary_format_goes_to_a_pipe_and_is_not_thrown_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in BINARY:
        assert run(*SMALL, "--format", name).stdout_bytes[:4] in {b"PAR1", b"PK\x03\x04"}
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(typer.Exit):
        request.parse_outputs(["xlsx"], None)
    assert capsys.readouterr().err == (
        "error: --format xlsx: cannot write a binary format to a terminal; use xlsx:FILE\n"
    )


def test_a_configuration_beside_the_command_is_taken_and_waives() -> None:
    assert {"MH401", "MH402"} <= set(codes(*SMALL))
    Path(".harmonize.yaml").write_text(CONFIG)
    document = decoded(json.loads(run(*SMALL, "--format", "json").stdout))
    assert {finding["code"] for finding in document["waived"]} == {"MH401", "MH402"}
    assert not {"MH401", "MH402"} & {finding["code"] for finding in document["findings"]}
    assert document["waivers"][0]["status"] == "active"
    assert document["waivers"][0]["where"] == ".harmonize.yaml:2"
    assert {"MH401", "MH402"} <= set(codes(*SMALL, "--ignore-waivers"))


def test_what_is_waived_does_not_fail_the_run() -> None:
    Path("c.yaml").write_text(CONFIG)
    level = ("--fail-on", "warning", "--stale-after", "9999")
    assert run(*SMALL, *level, "--rules", "esma-retail").exit_code == 2  # named twice
    only = ("audit", "--venue", "cryptocom", "--underlying", "BTC", "--rules", "esma-retail")
    assert run(*only, *level).exit_code == 1
    assert run(*SMALL, *level, "--config", "c.yaml").exit_code == 1  # the cliff of MH104
    Path("c.yaml").write_text(CONFIG.replace("[MH401, MH402]", "[MH401, MH402, MH104, MH107]"))
    assert run(*SMALL, *level, "--config", "c.yaml").exit_code == 0


def test_a_lapsed_and_an_expired_waiver_are_findings() -> None:
    Path("c.yaml").write_text(CONFIG.replace("may_worsen: 70%", "may_worsen: 10%"))
    assert "MH803" in codes(*SMALL, "--config", "c.yaml")
    Path("c.yaml").write_text(CONFIG.replace("2027-01-01", "2026-01-01"))
    found_codes = codes(*SMALL, "--config", "c.yaml")
    assert {"MH401", "MH402", "MH801"} <= set(found_codes)


def test_the_configuration_chooses_rules_inputs_and_options() -> None:
    Path("cap.yaml").write_text(CAP)
    Path("c.yaml").write_text("rules: [cap.yaml]\nchecks:\n  MH111: {least_notional: 9_000_000}\n")
    result = run("audit", "--venue", "okx", "--config", "c.yaml", "--format", "json")
    document = decoded(json.loads(result.stdout))
    assert [rule_set["id"] for rule_set in document["rule_sets"]] == ["small-cap"]
    assert "MH111" in {finding["code"] for finding in document["findings"]}
    result = run(
        "audit", "--venue", "okx", "--config", "c.yaml", "--rules", "mas", "--format", "json"
    )
    assert [rule_set["id"] for rule_set in json.loads(result.stdout)["rule_sets"]] == ["mas"]


def test_given_inputs_go_before_the_archive() -> None:
    Path("i.yaml").write_text(
        "source: a test\nverified: derived\ninputs:\n"
        "  - {name: var_99_1d_1095d, underlying: BTC, value: 30%, lower: 29%, upper: 31%, "
        "confidence: 95%, observations: 1095, observed_at: 2026-05-01}\n"
    )
    arguments = ("audit", "--venue", "okx", "--underlying", "BTC", "--rules", "cftc-dco")
    result = run(*arguments, "--inputs", "i.yaml", "--format", "json")
    document = decoded(json.loads(result.stdout))
    (row,) = [
        divergence
        for divergence in document["divergences"]
        if divergence["margin_type"] == "initial"
    ]
    assert row["required"] == pytest.approx(0.33)
    (used,) = document["inputs"]
    assert (used["value"], used["source"], used["pointer"]) == (0.3, "a test", "i.yaml: inputs[0]")


def test_an_input_in_the_wrong_scale_is_refused_and_an_unusual_one_told(here: Path) -> None:
    text = (
        "source: a test\nverified: derived\ninputs:\n"
        "  - {name: var_99_1d_1095d, underlying: xbt, value: 6.2, "
        "lower: 5%, upper: 7%, confidence: 95%, observations: 1095, observed_at: 2026-05-01}\n"
    )
    Path("i.yaml").write_text(text)
    line = "error: i.yaml:4:53: inputs[0].value: 6.2: a move of 620 %? write 0.062 or 6.2%\n"
    audit = (
        "audit",
        "--venue",
        "okx",
        "--underlying",
        "BTC",
        "--rules",
        "cftc-dco",
        "--fail-on",
        "never",
    )
    for command in (
        (*audit, "--inputs", "i.yaml"),
        ("--archive", "own", "archive", "add-inputs", "i.yaml"),
    ):
        result = run(*command)
        assert (result.exit_code, result.stderr) == (2, line)
    assert not (here / "own").exists()
    for value in ("6.2%", "'6.2 %'", "0.062"):
        Path("i.yaml").write_text(text.replace("6.2,", f"{value},"))
        result = run(*audit, "--inputs", "i.yaml", "--format", "json")
        assert [used["value"] for used in json.loads(result.stdout)["inputs"]] == [0.062]
        assert "note: input var_99_1d_1095d: underlying xbt read as BTC\n" in result.stderr
    small = text.replace("6.2,", "0.0001,").replace(" 5%", " 0.00009").replace(" 7%", " 0.0002")
    Path("i.yaml").write_text(small)
    unusual = "note: input var_99_1d_1095d of BTC: 0.0001 is a move of only 0.01 %; is it in another unit?\n"
    assert unusual in run(*audit, "--inputs", "i.yaml").stderr
    assert (
        unusual.replace("BTC", "xbt")
        in run("--archive", "own", "archive", "add-inputs", "i.yaml").stderr
    )


def test_a_baseline_that_is_no_regular_file_is_one_line() -> None:
    os.mkfifo("b.json")
    result = run("audit", "--baseline", "b.json")
    assert (result.exit_code, result.stderr) == (
        2,
        "error: b.json: cannot read the baseline: expected a regular file, found a pipe; write one with --write-baseline\n",
    )


def test_inputs_put_into_an_archive_are_found_by_every_later_audit(here: Path) -> None:
    Path("i.yaml").write_text(
        "source: a test\nverified: derived\ninputs:\n"
        "  - {name: var_99_1d_1095d, underlying: BTC, value: 30%, lower: 29%, upper: 31%, "
        "confidence: 95%, observations: 1095, observed_at: 2026-05-01}\n"
        "  - {name: other, underlying: BTC, value: 5_000, observed_at: 2026-04-01}\n"
    )
    archive = Archive.create(here / "own")
    archive.append(recorded.of_venue("okx")[0])
    for _ in range(2):
        result = run("--archive", "own", "archive", "add-inputs", "i.yaml")
        assert result.exit_code == 0
        assert result.stdout == "2 inputs of 2026-05-01 in own\n"
    assert run("--archive", "own", "archive", "verify").stdout.startswith("2 snapshots")
    document = json.loads(
        run("--archive", "own", "audit", "--rules", "cftc-dco", "--format", "json").stdout
    )
    (used,) = document["inputs"]
    assert (used["value"], used["source"], used["origin"]) == (0.3, "a test", "derived")
    assert run("archive", "add-inputs", "none.yaml").exit_code == 2
    Path("full").mkdir()
    Path("full/a").touch()
    assert run("--archive", "full", "archive", "add-inputs", "i.yaml").exit_code == 3


def test_only_new_or_worse_findings_are_reported_and_fail() -> None:
    assert run(*SMALL, "--write-baseline", "b.json").exit_code == 0
    quiet = run(*SMALL, "--baseline", "b.json", "--format", "json", "--fail-on", "info")
    document = decoded(json.loads(quiet.stdout))
    assert document["findings"] == []
    assert document["baseline"]["unchanged"] > 3
    assert quiet.exit_code == 0
    baseline = json.loads(Path("b.json").read_text())
    fingerprint = next(
        key for key, finding in baseline["findings"].items() if finding["code"] == "MH401"
    )
    baseline["findings"][fingerprint]["value"] *= 2
    Path("b.json").write_text(json.dumps(baseline))
    loud = run(*SMALL, "--baseline", "b.json", "--format", "json", "--fail-on", "warning")
    assert [finding["state"] for finding in decoded(json.loads(loud.stdout))["findings"]] == [
        "worse"
    ]
    assert loud.exit_code == 1


def test_a_baseline_can_be_renewed_while_it_is_read() -> None:
    run(*SMALL, "--write-baseline", "b.json")
    before = Path("b.json").read_bytes()
    run(*SMALL, "--baseline", "b.json", "--write-baseline", "b.json")
    assert Path("b.json").read_bytes() == before


def test_an_error_in_a_test_of_past_prices_is_an_error_of_the_audit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors: list[Exception] = [RequestError("shock: too large; use 10%"), KeyError("s")]

    def fail(*_: object) -> None:
        raise errors[0]

    monkeypatch.setattr(stress_document, "audited_stress", fail)
    refused = run(*SMALL, "--stress")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == "error: shock: too large; use 10%\n"
    del errors[0]
    with pytest.raises(KeyError):  # the entry point names it, with its traceback on request
        run(*SMALL, "--stress")


def test_rules_are_explained_checked_with_their_examples_and_shown_resolved() -> None:
    assert "# esma-retail" in run("rules", "explain", "esma-retail").stdout
    assert run("rules", "check", "esma-retail").stdout == (
        "esma-retail: no errors, 5 examples as expected\n"
    )
    assert "# inherited from rules/esma-retail.yaml" in run(
        "rules", "show", "--resolved", "asic-retail"
    ).stdout or ("# from rules/uk-fca.yaml" in run("rules", "show", "--resolved", "mas").stdout)
    Path("m.yaml").write_text(MODEL)
    assert run("rules", "show", "m.yaml").stdout == MODEL
    assert run("rules", "check", "m.yaml").stdout == "m.yaml: no errors, 1 example as expected\n"
    for command in ("show", "explain", "check"):
        result = run("rules", command, "nobody")
        assert result.exit_code == 2
        assert "unknown rule set 'nobody'" in result.stderr


def test_a_failing_example_is_an_error_with_its_position() -> None:
    Path("m.yaml").write_text(MODEL.replace("    initial: under", "    initial: over"))
    result = run("rules", "check", "m.yaml")
    assert result.exit_code == 2
    assert result.stderr == (
        "m.yaml:25:5: examples[0].initial: expected over, found under (1.0 % against 13.75 %); "
        "correct the rule or the example\n"
    )


def test_an_unknown_check_is_an_error_with_its_position() -> None:
    Path("d.yaml").write_text(DISCLOSURE.replace("MH201", "MH299"))
    assert run("rules", "check", "d.yaml").stderr == (
        "d.yaml:8:41: requirement.expects[0].check: unknown check MH299; use a code that `harmonize explain` lists\n"
    )


ENVIRONMENTS = (
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"},
    {
        "PYTHONHASHSEED": "1",
        "TZ": "America/St_Johns",
        "LC_ALL": "de_DE.UTF-8",
        "LANG": "tr_TR.UTF-8",
    },
)


def test_every_format_is_the_same_under_other_seeds_time_zones_and_locales(here: Path) -> None:
    written = []
    for number, settings in enumerate(ENVIRONMENTS):
        folder = here / str(number)
        folder.mkdir()
        formats = [part for name in FORMATS for part in ("--format", f"{name}:{folder}/out.{name}")]
        ran = subprocess.run(
            [
                *(sys.executable, "-m", "harmonize", "--quiet", "audit"),
                *("--venue", "okx", "--venue", "krakenfutures", *formats, "--fail-on", "never"),
            ],
            env={**os.environ, **settings},
            capture_output=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        written.append({name: (folder / f"out.{name}").read_bytes() for name in FORMATS})
    assert written[0] == written[1] == written[2]

"""The fetch command: outcomes, exit codes, keys, interruption, and failures in the report."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner, Result

from harmonize.api.gather import GatherRequest, is_reachable, plan_gathering
from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.core.payload import Origin
from harmonize.document import decoded
from tests.replay import faults
from tests.replay.faults import Fault
from tests.replay.gathering import SECRETS
from tests.replay.server import Replay
from venues.gathering import reachability
from venues.gathering.credentials import Credentials, CredentialsError, from_environment, from_file
from venues.gathering.outcome import failure_reason

QUICK = ("dydx", "krakenfutures", "mexc", "okx")
KEYED = {
    "HARMONIZE_BINGX_API_KEY": SECRETS.values["apiKey"],
    "HARMONIZE_BINGX_SECRET": SECRETS.values["secret"],
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def chosen(*venues: str) -> list[str]:
    return [word for venue in venues for word in ("--venue", venue)]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def test_fetch_archives_every_requested_venue_and_prints_it(archive: Path) -> None:
    with Replay() as server:
        result = run("--archive", str(archive), "fetch", "--mirror", server.url, *chosen(*QUICK))
    assert result.exit_code == 0, result.stderr
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [
        [venue, "gathered"] for venue in QUICK
    ]
    own_archive = Archive.open(archive)
    assert sorted(entry.venue for entry in own_archive.entries()) == sorted(QUICK)
    assert all(entry.complete for entry in own_archive.entries())
    assert own_archive.verify() == ()
    for entry in own_archive.entries():
        for payload in own_archive.read(entry).payloads:
            assert payload.provenance.origin is Origin.LIVE
            assert server.url in payload.provenance.source


def test_a_venue_that_fails_leaves_the_others_and_its_last_good_snapshot(
    archive: Path, tmp_path: Path
) -> None:
    with Replay() as server:
        run("--archive", str(archive), "fetch", "--mirror", server.url, *chosen("dydx", "mexc"))
    blocked = next(fault for fault in faults.LASTING if fault.name == "403 geo-block")
    with Replay(fault=Fault(blocked.name, blocked.change, blocked.when, "mexc")) as server:
        result = run(
            "--archive", str(archive), "fetch", "--mirror", server.url, *chosen("dydx", "mexc")
        )
    assert result.exit_code == 3
    assert "mexc" in result.stdout
    assert "HTTP status 403" in result.stdout
    listed = run("--archive", str(archive), "archive", "list").stdout.splitlines()
    assert [line.split()[2:4] for line in listed].count(["mexc", "failed"]) == 1
    entries = Archive.open(archive).entries()
    assert [entry.venue for entry in entries].count("dydx") == 2
    reasons = [
        failure_reason(Archive.open(archive).read(entry))
        for entry in entries
        if entry.venue == "mexc"
    ]
    assert reasons[0] is None
    assert "403" in (reasons[1] or "")

    page = tmp_path / "report"
    reported = run("--archive", str(archive), "report", "--out", str(page))
    assert reported.exit_code == 3
    assert "incomplete: mexc was not gathered" in reported.stderr
    audited = run("--archive", str(archive), "audit", "--format", "json", "--fail-on", "never")
    document = decoded(json.loads(audited.stdout))
    (failed,) = [row for row in document["unobserved"] if row["attempted_at"]]
    assert failed["venue"] == "mexc"
    assert failed["last_observed_at"]
    (finding,) = [
        finding
        for finding in document["findings"]
        if finding["code"] == "MH903" and finding["venue"] == "mexc"
    ]
    assert (finding["verdict"], finding["level"]) == ("not observable", "error")
    assert "last observed 0 days" in finding["message"]
    assert any(schedule["venue"] == "mexc" for schedule in document["schedules"])
    html = (page / "coverage.html").read_text(encoding="utf-8")
    assert "Venues not gathered" in html
    assert "HTTP status 403" in html


def test_a_venue_read_for_the_first_time_from_an_own_archive_is_read_beside_the_recorded_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with Replay() as server:
        run("fetch", "--mirror", server.url, *chosen("dydx"))
    own_archive = tmp_path / "harmonize" / "archive"
    assert (own_archive / "format.json").exists()
    document = json.loads(run("audit", "--format", "json", "--fail-on", "never").stdout)
    by_venue = {snapshot["venue"]: snapshot["source"] for snapshot in document["snapshots"]}
    assert by_venue["dydx"] == "live"
    assert by_venue["binance"] == "recorded"
    assert document["archive"] == (
        f"{own_archive}; otherwise the recorded archive that ships with harmonize"
    )


def test_report_gathers_first_if_requested(archive: Path, tmp_path: Path) -> None:
    with Replay() as server:
        result = run(
            *("--archive", str(archive), "report", "--out", str(tmp_path / "report")),
            *("--fetch", "--timeout", "30", "--mirror", server.url, *chosen("dydx")),
        )
    assert result.exit_code == 0, result.stderr
    assert "dydx: gathered" in result.stderr
    assert Archive.open(archive).entries()[0].venue == "dydx"


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_without_a_reachable_venue_the_report_prints_one_line(tmp_path: Path) -> None:
    mirror = f"http://127.0.0.1:{closed_port()}"
    result = run("report", "--out", str(tmp_path), "--fetch", "--mirror", mirror, *chosen("dydx"))
    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines()[0] == (
        f"the mirror {mirror} is not reachable; using archived and recorded data"
    )
    alone = run("fetch", "--mirror", mirror)
    assert alone.exit_code == 3
    assert alone.stdout == ""


def test_offline_is_found_out_in_time_and_without_ccxt() -> None:
    def never(_place: reachability.HostAddress, patience: float) -> None:
        time.sleep(patience * 5)

    def refused(place: reachability.HostAddress, _patience: float) -> None:
        raise ConnectionRefusedError(place[0])

    places = [reachability.parse_address(f"https://venue-{number}.example") for number in range(50)]
    started = time.monotonic()
    assert not reachability.any_reachable(places, 0.2, never)
    assert not reachability.any_reachable(places, 5.0, refused)
    assert time.monotonic() - started < 3
    assert not reachability.any_reachable([])
    code = (
        "import sys; from pathlib import Path; from harmonize.api.gather import GatherRequest, is_reachable;"
        f"is_reachable(GatherRequest(Path('x'), mirror='http://127.0.0.1:{closed_port()}'));"
        "raise SystemExit('ccxt' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_venue_that_answers_is_enough() -> None:
    def only_the_third(place: reachability.HostAddress, _patience: float) -> None:
        if "2" not in place[0]:
            raise ConnectionRefusedError

    assert reachability.any_reachable(
        [(str(number), 443, True) for number in range(5)], 5, only_the_third
    )
    with Replay() as server:
        assert is_reachable(GatherRequest(Path("x"), mirror=server.url))


def test_a_proxy_is_not_gone_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert reachability.uses_proxy()
    assert is_reachable(GatherRequest(Path("x"), venues=("dydx",)))


def test_a_dry_run_makes_no_call_and_counts_every_call(archive: Path) -> None:
    result = run(
        "--archive", str(archive), "fetch", "--dry-run", *chosen("bitget", "binance", "okx")
    )
    assert result.exit_code == 0
    assert not archive.exists()
    assert "binance" in result.stdout
    assert "not asked: needs a key" in result.stdout
    plans = {plan.venue: plan for plan in plan_gathering(GatherRequest(archive, ("bitget", "okx")))}
    levers = plans["bitget"].steps[-1]
    assert (levers.calls, levers.is_lower_bound) == (
        436,
        True,
    )  # the recording has no contract list
    # ccxt holds each of these calls back by 100 ms
    assert plans["bitget"].min_seconds == pytest.approx(plans["bitget"].calls * 0.1, rel=0.02)


def test_requests_and_time_stay_near_the_least_that_limits_allow(archive: Path) -> None:
    with Replay() as server:
        first = run("--archive", str(archive), "fetch", "--mirror", server.url, *chosen(*QUICK))
        assert first.exit_code == 0
        made = len(server.requests)
        plans = plan_gathering(GatherRequest(archive, QUICK))
    assert made <= 1.05 * sum(plan.calls for plan in plans)
    slowest = max(plan.min_seconds for plan in plans)
    seconds = [float(line.split()[3]) for line in first.stdout.splitlines()[1:]]
    assert max(seconds) >= slowest * 0.9


def test_the_log_is_json_if_requested(archive: Path) -> None:
    with Replay() as server:
        result = run(
            *("--archive", str(archive), "fetch", "--mirror", server.url),
            *("--log-format", "json", *chosen("dydx", "mexc")),
        )
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert {line["event"] for line in lines} == {"answered", "gathered"}
    assert {line["venue"] for line in lines} == {"dydx", "mexc"}
    assert all(line["time"].endswith("+00:00") for line in lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--venue", "ftx"), "unknown venue ftx; did you mean htx?"),
        (("--timeout", "0"), "--timeout: expected a number of seconds above 0, found 0"),
        (("--timeout", "nan"), "--timeout: expected a number of seconds above 0, found nan"),
        (("--mirror", "ftp://x"), "--mirror: expected a URL with http:// or https://, found"),
        (
            ("--mirror", "http://x:port"),
            "--mirror: expected a URL, found 'http://x:port': Port could not be cast",
        ),
        (("--mirror", "http://"), "--mirror: missing host in 'http://'"),
        (("--keys", "/nowhere/keys.yaml"), "/nowhere/keys.yaml: cannot read the file"),
    ],
)
def test_a_bad_option_is_one_line(options: tuple[str, ...], message: str, archive: Path) -> None:
    result = run("--archive", str(archive), "fetch", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_asking_a_keyed_venue_by_name_without_a_key_is_incomplete(archive: Path) -> None:
    mirror = f"http://127.0.0.1:{closed_port()}"  # asked of nobody, so nobody need answer
    result = run("--archive", str(archive), "fetch", "--mirror", mirror, *chosen("bingx"))
    assert result.exit_code == 3
    assert "needs a key" in result.stdout


def test_an_archive_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    occupied = tmp_path / "taken"
    occupied.mkdir()
    (occupied / "thing").write_text("x")
    with Replay() as server:
        result = run("--archive", str(occupied), "fetch", "--mirror", server.url, *chosen("dydx"))
    assert result.exit_code == 3
    assert "already contains thing" in result.stderr


def test_no_secret_reaches_archive_output_or_report(tmp_path: Path) -> None:
    archive, page = tmp_path / "archive", tmp_path / "report"
    environment = {**os.environ, **KEYED}
    down = next(fault for fault in faults.LASTING if fault.name == "500")
    for fault in (faults.NONE, down):
        with Replay(fault=fault) as server:
            process = subprocess.run(
                [
                    *(sys.executable, "-m", "harmonize", "--archive", str(archive), "fetch"),
                    *("--mirror", server.url, "--venue", "bingx", "--log-format", "json"),
                ],
                env=environment,
                capture_output=True,
                check=False,
            )
            sent = " ".join(f"{request.headers} {request.params}" for request in server.requests)
        assert SECRETS.values["apiKey"] in sent  # it was used
        everything = process.stdout + process.stderr
        for name in SECRETS.values.values():
            assert name.encode() not in everything
    run("--archive", str(archive), "report", "--out", str(page))
    own_archive = Archive.open(archive)
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    texts += [
        payload.content
        for entry in own_archive.entries()
        for payload in own_archive.read(entry).payloads
    ]
    for value in SECRETS.values.values():
        assert not any(value.encode() in text for text in texts)


WITH_INTERRUPTION = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from harmonize.__main__ import main
main()
"""
"""Runs the tool where an interruption arrives: a job in the background inherits that it is ignored."""


def test_an_interruption_leaves_the_archive_intact(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    with Replay() as server:
        running = subprocess.Popen(
            [
                *(sys.executable, "-c", WITH_INTERRUPTION, "--archive", str(archive), "fetch"),
                *("--mirror", server.url, *chosen("dydx", "bitget")),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(200):
            if list(archive.glob("manifests/*.json")):
                break
            time.sleep(0.1)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
    assert running.returncode == 130
    assert errors.decode().strip() == (
        "error: interrupted; the venues gathered so far are archived"
    )
    own_archive = Archive.open(archive)
    assert [entry.venue for entry in own_archive.entries()] == ["dydx"]
    assert own_archive.verify() == ()


def _read_to_end(terminal: int) -> Iterator[bytes]:
    """Yields what is written to a terminal until its other end is closed."""
    with suppress(OSError):
        while data := os.read(terminal, 65536):
            yield data


def test_a_terminal_shows_a_line_per_venue_with_finished_and_expected_calls(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty", reason="needs a Unix terminal")
    ours, theirs = pty.openpty()
    output: list[bytes] = []
    reader = Thread(target=lambda: output.extend(_read_to_end(ours)), daemon=True)
    reader.start()  # while the command runs: a full terminal buffer would block it
    with Replay() as server:
        running = subprocess.Popen(
            [
                *(sys.executable, "-m", "harmonize", "--archive", str(tmp_path / "a"), "fetch"),
                *("--mirror", server.url, *chosen("dydx", "mexc")),
            ],
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        )
        running.communicate(timeout=60)
    os.close(theirs)
    reader.join()
    os.close(ours)
    text = b"".join(output).decode()
    assert "dydx" in text
    assert "1/1 gathered 1 response" in text
    assert "2/2 gathered 2 responses" in text


def test_keys_come_from_the_environment_by_the_name_of_the_venue() -> None:
    credentials = from_environment({**KEYED, "HARMONIZE_OKX_API_KEY": "other"}, "bingx")
    assert dict(credentials.values) == {
        "apiKey": SECRETS.values["apiKey"],
        "secret": SECRETS.values["secret"],
    }
    assert SECRETS.values["secret"] not in repr(credentials)


def keys_file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_keys_come_from_a_private_file(tmp_path: Path) -> None:
    path = keys_file(tmp_path / "keys.yaml", 'binance: {apiKey: "k", secret: "s"}\n')
    assert from_file(path) == {"binance": Credentials({"apiKey": "k", "secret": "s"})}


@pytest.mark.parametrize(
    ("text", "mode", "message"),
    [
        ('binance: {apiKey: "k"}\n', 0o644, "readable by other users; make it private with: chmod"),
        ("- binance\n", 0o600, "expected keys by venue"),
        ("binance: k\n", 0o600, "binance: expected text by key name"),
        ("binance: {apiKey: 5}\n", 0o600, "binance: expected text by key name"),
        ('binance: {apikey: "k"}\n', 0o600, "binance: unknown key apikey; use apiKey, password"),
        ('binance: {apiKey: "hush-hush', 0o600, "expected YAML of the form"),
    ],
)
def test_an_error_in_a_file_of_keys_does_not_quote_its_content(
    tmp_path: Path, text: str, mode: int, message: str
) -> None:
    path = keys_file(tmp_path / "keys.yaml", text, mode)
    with pytest.raises(CredentialsError) as error:
        from_file(path)
    assert message in str(error.value)
    assert "hush" not in str(error.value)
    assert stat.S_IMODE(path.stat().st_mode) == mode

"""Gathering at the command line: outcomes, exit codes, keys, interruption, and what a report says of it."""

import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harmonize.api.gather import GatherRequest, planned, reachable
from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.core.payload import Origin
from tests.replay import faults
from tests.replay.faults import Fault
from tests.replay.gathering import SECRETS
from tests.replay.server import Replay
from venues.gathering import reachability
from venues.gathering.credentials import Credentials, CredentialsError, from_environment, from_file
from venues.gathering.outcome import attempt

QUICK = ("dydx", "krakenfutures", "mexc", "okx")
KEYED = {
    "HARMONIZE_BINGX_API_KEY": SECRETS.values["apiKey"],
    "HARMONIZE_BINGX_SECRET": SECRETS.values["secret"],
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def chosen(*venues: str) -> list[str]:
    return [word for one in venues for word in ("--venue", one)]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def test_fetch_archives_every_venue_asked_and_says_so(archive: Path) -> None:
    with Replay() as server:
        found = run("--archive", str(archive), "fetch", "--mirror", server.url, *chosen(*QUICK))
    assert found.exit_code == 0, found.stderr
    assert [line.split()[:2] for line in found.stdout.splitlines()[1:]] == [
        [venue, "gathered"] for venue in QUICK
    ]
    held = Archive.open(archive)
    assert sorted(one.venue for one in held.entries()) == sorted(QUICK)
    assert all(one.complete for one in held.entries())
    assert held.verify() == ()
    for entry in held.entries():
        for payload in held.read(entry).payloads:
            assert payload.provenance.origin is Origin.LIVE
            assert server.url in payload.provenance.source


def test_a_venue_that_fails_leaves_the_others_and_its_last_good_snapshot(
    archive: Path, tmp_path: Path
) -> None:
    with Replay() as server:
        run("--archive", str(archive), "fetch", "--mirror", server.url, *chosen("dydx", "mexc"))
    blocked = next(one for one in faults.LASTING if one.name == "403 geo-block")
    with Replay(fault=Fault(blocked.name, blocked.change, blocked.when, "mexc")) as server:
        found = run(
            "--archive", str(archive), "fetch", "--mirror", server.url, *chosen("dydx", "mexc")
        )
    assert found.exit_code == 3
    assert "mexc" in found.stdout
    assert "HTTP status 403" in found.stdout
    listed = run("--archive", str(archive), "archive", "ls").stdout.splitlines()
    assert [line.split()[2:4] for line in listed].count(["mexc", "failed"]) == 1
    entries = Archive.open(archive).entries()
    assert [one.venue for one in entries].count("dydx") == 2
    told = [attempt(Archive.open(archive).read(one)) for one in entries if one.venue == "mexc"]
    assert told[0] is None
    assert "403" in (told[1] or "")

    page = tmp_path / "report"
    reported = run("--archive", str(archive), "report", "--out", str(page))
    assert reported.exit_code == 3
    assert "incomplete: mexc was not gathered" in reported.stderr
    audited = run("--archive", str(archive), "audit", "--format", "json", "--fail-on", "never")
    document = json.loads(audited.stdout)
    (failed,) = [one for one in document["unobserved"] if one["attempted_at"]]
    assert failed["venue"] == "mexc"
    assert failed["last_observed_at"]
    (finding,) = [
        one for one in document["findings"] if one["code"] == "MH903" and one["venue"] == "mexc"
    ]
    assert (finding["verdict"], finding["level"]) == ("not observable", "error")
    assert "last observed 0 days" in finding["message"]
    assert any(one["venue"] == "mexc" for one in document["schedules"])
    html = (page / "index.html").read_text(encoding="utf-8")
    assert "Venues that were not gathered" in html
    assert "HTTP status 403" in html


def test_a_venue_read_for_the_first_time_from_an_own_archive_is_read_beside_the_recorded_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with Replay() as server:
        run("fetch", "--mirror", server.url, *chosen("dydx"))
    own = tmp_path / "harmonize" / "archive"
    assert (own / "format.json").exists()
    document = json.loads(run("audit", "--format", "json", "--fail-on", "never").stdout)
    by_venue = {one["venue"]: one["source"] for one in document["snapshots"]}
    assert by_venue["dydx"] == "live"
    assert by_venue["binance"] == "recorded"
    assert document["archive"] == (f"{own}; else the recorded archive that ships with harmonize")


def test_report_gathers_first_where_asked(archive: Path, tmp_path: Path) -> None:
    with Replay() as server:
        found = run(
            *("--archive", str(archive), "report", "--out", str(tmp_path / "report")),
            *("--fetch", "--budget", "30", "--mirror", server.url, *chosen("dydx")),
        )
    assert found.exit_code == 0, found.stderr
    assert "dydx: gathered" in found.stderr
    assert Archive.open(archive).entries()[0].venue == "dydx"


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_where_nothing_can_be_reached_the_report_says_so_in_one_line(tmp_path: Path) -> None:
    mirror = f"http://127.0.0.1:{closed_port()}"
    found = run("report", "--out", str(tmp_path), "--fetch", "--mirror", mirror, *chosen("dydx"))
    assert found.exit_code == 0, found.stderr
    assert found.stderr.splitlines()[0] == (
        f"the mirror {mirror} does not answer from here; what is archived or recorded is read"
    )
    alone = run("fetch", "--mirror", mirror)
    assert alone.exit_code == 3
    assert alone.stdout == ""


def test_offline_is_found_out_in_time_and_without_ccxt() -> None:
    def never(_place: reachability.Place, patience: float) -> None:
        time.sleep(patience * 5)

    def refused(place: reachability.Place, _patience: float) -> None:
        raise ConnectionRefusedError(place[0])

    places = [reachability.place(f"https://venue-{number}.example") for number in range(50)]
    started = time.monotonic()
    assert not reachability.reachable(places, 0.2, never)
    assert not reachability.reachable(places, 5.0, refused)
    assert time.monotonic() - started < 3
    assert not reachability.reachable([])
    code = (
        "import sys; from pathlib import Path; from harmonize.api.gather import GatherRequest, reachable;"
        f"reachable(GatherRequest(Path('x'), mirror='http://127.0.0.1:{closed_port()}'));"
        "raise SystemExit('ccxt' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_venue_that_answers_is_enough() -> None:
    def only_the_third(place: reachability.Place, _patience: float) -> None:
        if "2" not in place[0]:
            raise ConnectionRefusedError

    assert reachability.reachable(
        [(str(number), 443, True) for number in range(5)], 5, only_the_third
    )
    with Replay() as server:
        assert reachable(GatherRequest(Path("x"), mirror=server.url))


def test_a_proxy_is_not_gone_around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert reachability.proxied()
    assert reachable(GatherRequest(Path("x"), venues=("dydx",)))


def test_the_plan_asks_nothing_and_counts_every_call(archive: Path) -> None:
    found = run("--archive", str(archive), "fetch", "--plan", *chosen("bitget", "binance", "okx"))
    assert found.exit_code == 0
    assert not archive.exists()
    assert "binance" in found.stdout
    assert "not asked: needs a key" in found.stdout
    plans = {one.venue: one for one in planned(GatherRequest(archive, ("bitget", "okx")))}
    levers = plans["bitget"].steps[-1]
    assert (levers.calls, levers.at_least) == (436, True)  # the recording has no contract list
    # ccxt holds each of these calls back by 100 ms
    assert plans["bitget"].floor == pytest.approx(plans["bitget"].calls * 0.1, rel=0.02)


def test_requests_and_time_stay_near_the_least_that_limits_allow(archive: Path) -> None:
    with Replay() as server:
        first = run("--archive", str(archive), "fetch", "--mirror", server.url, *chosen(*QUICK))
        assert first.exit_code == 0
        made = len(server.requests)
        plans = planned(GatherRequest(archive, QUICK))
    assert made <= 1.05 * sum(one.calls for one in plans)
    slowest = max(one.floor for one in plans)
    seconds = [float(line.split()[3]) for line in first.stdout.splitlines()[1:]]
    assert max(seconds) >= slowest * 0.9


def test_the_log_is_json_where_asked(archive: Path) -> None:
    with Replay() as server:
        found = run(
            *("--archive", str(archive), "fetch", "--mirror", server.url),
            *("--log-format", "json", *chosen("dydx", "mexc")),
        )
    lines = [json.loads(line) for line in found.stderr.splitlines()]
    assert {one["event"] for one in lines} == {"answered", "gathered"}
    assert {one["venue"] for one in lines} == {"dydx", "mexc"}
    assert all(one["time"].endswith("+00:00") for one in lines)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--venue", "ftx"), "no venue is called ftx; there are apex, "),
        (("--budget", "0"), "--budget is a number of seconds above 0, was 0"),
        (("--budget", "nan"), "--budget is a number of seconds above 0, was nan"),
        (("--mirror", "ftp://x"), "--mirror is a URL that begins with http:// or https://"),
        (("--mirror", "http://x:port"), "--mirror names no place: Port could not be cast"),
        (("--mirror", "http://"), "--mirror names no host: 'http://'"),
        (("--keys", "/nowhere/keys.yaml"), "/nowhere/keys.yaml cannot be read"),
    ],
)
def test_a_bad_option_is_one_line(options: tuple[str, ...], said: str, archive: Path) -> None:
    found = run("--archive", str(archive), "fetch", *options)
    assert found.exit_code == 2
    assert said in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_asking_a_keyed_venue_by_name_without_a_key_is_incomplete(archive: Path) -> None:
    mirror = f"http://127.0.0.1:{closed_port()}"  # asked of nobody, so nobody need answer
    found = run("--archive", str(archive), "fetch", "--mirror", mirror, *chosen("bingx"))
    assert found.exit_code == 3
    assert "needs a key" in found.stdout


def test_an_archive_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thing").write_text("x")
    with Replay() as server:
        found = run("--archive", str(taken), "fetch", "--mirror", server.url, *chosen("dydx"))
    assert found.exit_code == 3
    assert "already holds thing" in found.stderr


def test_no_secret_reaches_archive_output_or_report(tmp_path: Path) -> None:
    archive, page = tmp_path / "archive", tmp_path / "report"
    environment = {**os.environ, **KEYED}
    down = next(one for one in faults.LASTING if one.name == "500")
    for fault in (faults.NONE, down):
        with Replay(fault=fault) as server:
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "harmonize", "--archive", str(archive), "fetch"),
                    *("--mirror", server.url, "--venue", "bingx", "--log-format", "json"),
                ],
                env=environment,
                capture_output=True,
                check=False,
            )
            sent = " ".join(f"{one.headers} {one.asked}" for one in server.requests)
        assert SECRETS.values["apiKey"] in sent  # it was used
        everything = done.stdout + done.stderr
        for name in SECRETS.values.values():
            assert name.encode() not in everything
    run("--archive", str(archive), "report", "--out", str(page))
    held = Archive.open(archive)
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    texts += [one.content for entry in held.entries() for one in held.read(entry).payloads]
    for value in SECRETS.values.values():
        assert not any(value.encode() in text for text in texts)


def test_an_interruption_leaves_the_archive_whole(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    with Replay() as server:
        running = subprocess.Popen(
            [
                *(sys.executable, "-m", "harmonize", "--archive", str(archive), "fetch"),
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
        _, told = running.communicate(timeout=20)
    assert running.returncode == 130
    assert told.decode().strip() == (
        "error: stopped; the venues gathered until then are archived, whole"
    )
    held = Archive.open(archive)
    assert [one.venue for one in held.entries()] == ["dydx"]
    assert held.verify() == ()


def test_a_terminal_shows_a_line_a_venue_with_calls_done_and_due(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty", reason="needs a Unix terminal")
    ours, theirs = pty.openpty()
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
    shown = b""
    while select.select([ours], [], [], 0.2)[0]:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the other end is closed and everything was read
            break
    os.close(ours)
    text = shown.decode()
    assert "dydx" in text
    assert "1/1 gathered 1 answers" in text
    assert "2/2 gathered 2 answers" in text


def test_keys_come_from_the_environment_by_the_name_of_the_venue() -> None:
    found = from_environment({**KEYED, "HARMONIZE_OKX_API_KEY": "other"}, "bingx")
    assert dict(found.values) == {
        "apiKey": SECRETS.values["apiKey"],
        "secret": SECRETS.values["secret"],
    }
    assert SECRETS.values["secret"] not in repr(found)


def keys_file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_keys_come_from_a_private_file(tmp_path: Path) -> None:
    path = keys_file(tmp_path / "keys.yaml", 'binance: {apiKey: "k", secret: "s"}\n')
    assert from_file(path) == {"binance": Credentials({"apiKey": "k", "secret": "s"})}


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ('binance: {apiKey: "k"}\n', 0o644, "can be read by others; make it private with: chmod"),
        ("- binance\n", 0o600, "must name venues, each with its keys"),
        ("binance: k\n", 0o600, "the keys of binance must be texts by name"),
        ("binance: {apiKey: 5}\n", 0o600, "the keys of binance must be texts by name"),
        ('binance: {apikey: "k"}\n', 0o600, "binance has apikey; the names are apiKey, password"),
        ('binance: {apiKey: "hush-hush', 0o600, "is not YAML of the form"),
    ],
)
def test_a_bad_file_of_keys_is_told_without_what_is_in_it(
    tmp_path: Path, text: str, mode: int, said: str
) -> None:
    path = keys_file(tmp_path / "keys.yaml", text, mode)
    with pytest.raises(CredentialsError) as error:
        from_file(path)
    assert said in str(error.value)
    assert "hush" not in str(error.value)
    assert stat.S_IMODE(path.stat().st_mode) == mode

"""The nightly command as a process: real adapters, loopback servers, crashes and refusals."""

import gzip
import json
import os
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import feedparser
import pytest
from filelock import FileLock

from harmonize.archive.archive import Archive
from harmonize.document import decoded
from harmonize.history import derived
from tests.harmonize.nightly.test_schedulers import BASH, cron_line, exec_start, scripts
from tests.replay.faults import Reply
from tests.replay.server import Replay
from tests.support.paths import ROOT
from tests.support.receivers import receiver
from venues.adapter import Endpoint

QUICK = ("dydx", "krakenfutures", "mexc", "okx")
TOOL = (sys.executable, "-m", "harmonize")
YESTERDAY = """
import sys
from datetime import datetime, timedelta
from harmonize.api import gather
from harmonize.cli import run
from harmonize.__main__ import main

class Earlier(datetime):
    @classmethod
    def now(cls, zone=None):
        return datetime.now(zone) - timedelta(days=1)

gather.datetime = run.datetime = Earlier
sys.exit(main())
"""
"""The program with its clock one day behind, for a preceding night."""


@dataclass(slots=True)
class Changing:
    """A fault that changes the BTC margins of dydx, or makes one venue fail."""

    factor: float = 1.0
    fails: str = ""
    name: str = "changing"
    requested: list[str] = field(default_factory=list)

    def apply(self, venue: str, endpoint: Endpoint, _number: int, reply: Reply) -> Reply:
        """Scales the margins of dydx; status 403 for the failing venue."""
        self.requested.append(venue)
        if venue == self.fails:
            return replace(reply, status=403, body=b'{"message": "no"}')
        if venue != "dydx" or "perpetualMarkets" not in endpoint.request:
            return reply
        document: Any = json.loads(reply.body)
        row = document["markets"]["BTC-USD"]
        for key in ("initialMarginFraction", "maintenanceMarginFraction"):
            row[key] = str(float(row[key]) * self.factor)
        return replace(reply, body=json.dumps(document).encode())


@dataclass(frozen=True, slots=True)
class Home:
    """A folder with a configuration, an archive and a site, and the environment of a run."""

    folder: Path
    environment: Mapping[str, str]

    def command(self, mirror: str, *more: str) -> list[str]:
        """The command line of one run."""
        return [
            *TOOL,
            *("--archive", str(self.folder / "archive"), "run"),
            *("--config", str(self.folder / "harmonize.yaml"), "--mirror", mirror),
            *("--timeout", "20"),
            *more,
            *(word for venue in QUICK for word in ("--venue", venue)),
        ]

    def yesterday(self, mirror: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs the preceding night to its end."""
        words = self.command(mirror)[len(TOOL) :]
        return self._run([sys.executable, "-c", YESTERDAY, *words], variables)

    def run(self, mirror: str, *more: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a night to its end."""
        return self._run(self.command(mirror, *more), variables)

    def _run(
        self, words: Sequence[str], variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            env={**self.environment, **variables},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def configured(self, text: str) -> None:
        """Writes the configuration."""
        (self.folder / "harmonize.yaml").write_text(text)

    def latest(self) -> Any:
        """Returns the newest night."""
        return json.loads((self.folder / "site/latest.json").read_bytes())

    def files(self) -> dict[str, bytes]:
        """Returns the files of the site."""
        paths = sorted(path for path in (self.folder / "site").rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    none = ("proxy", "harmonize_")
    variables = {
        key: value for key, value in os.environ.items() if not key.lower().endswith(none[0])
    }
    environment = {
        **{key: value for key, value in variables.items() if not key.lower().startswith(none[1])},
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "PYTHONWARNINGS": "error::ResourceWarning",
    }
    home = Home(tmp_path, environment)
    home.configured("run:\n  title: Nights\n")
    return home


CONFIG = """\
run:
  title: Nights & <days>
  base_url: https://example.org/margins
  notify:
    on: [changes, errors, new, worse]
    channels:
      - webhook: {url_from: MARGIN_WEBHOOK}
      - command: [sh, -c, 'cat > "$HOME/told-$HARMONIZE_NIGHT.json"']
"""


def test_two_nights_with_a_change_between_are_published_and_notified(home: Home) -> None:
    home.configured(CONFIG)
    fault = Changing()
    with Replay(fault=fault) as venues, receiver(200) as hook:
        first = home.yesterday(venues.url, MARGIN_WEBHOOK=hook.url)
        assert (first.returncode, first.stderr) == (0, "")
        assert hook.requests == []
        fault.factor = 1.5
        second = home.run(venues.url, MARGIN_WEBHOOK=hook.url)
        assert (second.returncode, second.stderr) == (0, "")
        files, requests = home.files(), len(fault.requested)
        again = home.run(venues.url, MARGIN_WEBHOOK=hook.url)
        assert again.stdout == second.stdout
        assert home.files() == files
        assert len(fault.requested) == requests
    assert re.search(
        r": 4 venues gathered, 1 change, \d+ new or worse findings, 0 errors; ", second.stdout
    )
    (request,) = hook.requests
    notice = json.loads(request.body)
    (change,) = notice["changes"]
    assert (change["venue"], change["symbol"]) == ("dydx", "BTC/USDC:USDC")
    assert change["kind"] == "tighter"
    assert [round(change["largest_rise"], 9) for change in change["moved"]] == [0.5, 0.5]
    night = home.latest()
    assert night["night"] == notice["night"]
    assert notice["link"] == f"https://example.org/margins/nights/{night['night']}/"
    assert json.loads((home.folder / f"told-{night['night']}.json").read_bytes()) == notice
    feed = feedparser.parse(files["site/changes.xml"])
    assert not feed.bozo
    assert [entry.id for entry in feed.entries] == [
        f"tag:example.org,2026-01-01:margins/night/{night['night']}"
    ]
    page = files["site/changes.html"].decode()
    assert "Nights &amp; &lt;days&gt;" in page
    assert "BTC/USDC:USDC" in page
    document = json.loads(gzip.decompress(files[f"site/{night['files']['document']}"]))
    assert {snapshot["venue"] for snapshot in document["snapshots"]} == set(QUICK)
    assert Archive.open(home.folder / "archive").verify() == ()


@dataclass(slots=True)
class OddRow(Changing):
    """A fault that changes dydx and gives the first Kraken contract a date that is none."""

    odd: bool = True

    def apply(self, venue: str, endpoint: Endpoint, number: int, reply: Reply) -> Reply:
        """Replaces one date of Kraken while ``odd``; otherwise as ``Changing``."""
        if not self.odd or venue != "krakenfutures" or "instruments" not in endpoint.request:
            return Changing.apply(self, venue, endpoint, number, reply)
        document: Any = json.loads(reply.body)
        row = next(row for row in document["instruments"] if row.get("tradeable"))
        row["lastTradingTime"] = "20260925 15:00:00 GB"
        return replace(reply, body=json.dumps(document).encode())


def test_a_night_with_an_odd_row_is_published_and_notified_and_so_is_the_next(home: Home) -> None:
    home.configured(CONFIG)
    fault = OddRow()
    with Replay(fault=fault) as venues, receiver(200) as hook:
        first = home.yesterday(venues.url, MARGIN_WEBHOOK=hook.url)
        assert (first.returncode, "Traceback" in first.stderr) == (3, False), first.stderr
        (line,) = [line for line in first.stderr.splitlines() if "GB" in line]
        assert "krakenfutures" in line
        assert "/lastTradingTime: expected an ISO 8601 date" in line
        assert len(hook.requests) == 1
        night = home.latest()
        content = gzip.decompress(home.files()[f"site/{night['files']['document']}"])
        document = decoded(json.loads(content))
        assert {schedule["venue"] for schedule in document["schedules"]} == set(QUICK)
        fault.odd, fault.factor = False, 1.5
        second = home.run(venues.url, MARGIN_WEBHOOK=hook.url)
        assert (second.returncode, second.stderr) == (1, "")  # the contract's findings are new
        notice = json.loads(hook.requests[-1].body)
        assert "tighter" in {change["kind"] for change in notice["changes"]}


def test_market_data_that_cannot_be_gathered_changes_no_night(home: Home) -> None:
    with Replay() as venues:
        result = home.run(venues.url, "--market-data")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("market data")
    assert [line.split()[0] for line in lines[1:-1] if not line.startswith(" ")] == list(QUICK)
    assert "4 venues gathered" in lines[-1]


def test_a_dead_webhook_is_exit_code_5_and_all_else_is_done(home: Home) -> None:
    home.configured(CONFIG)
    fault = Changing(fails="mexc")
    with Replay(fault=fault) as venues, receiver(404) as hook:
        secret = f"{hook.url}/s3cr3t"
        result = home.run(venues.url, MARGIN_WEBHOOK=secret)
        assert result.returncode == 5
        fault.fails = ""
        assert home.run(venues.url, MARGIN_WEBHOOK=secret).returncode == 0
    lines = result.stderr.splitlines()
    assert any(line.startswith("incomplete: mexc: ") for line in lines)
    assert "error: not delivered: run.notify.channels[0] (webhook): HTTP status 404" in lines
    assert "s3cr3t" not in result.stdout + result.stderr
    assert len(hook.requests) == 1
    assert home.latest()["exit_code"] == 0
    assert {file.split("/")[1] for file in home.files()} >= {
        *("changes", "changes.html", "changes.xml", "index.html", "latest.json", "nights"),
        *("assets", "data", "rules", "underlyings", "venues", "findings.html"),
    }
    assert len(list(home.folder.glob("told-*.json"))) == 1


def test_a_second_run_beside_the_first_is_refused_in_one_line(home: Home) -> None:
    archive = home.folder / "archive"
    path = derived.run_lock_path(archive)
    path.parent.mkdir(parents=True)
    fault = Changing()
    with FileLock(path), Replay(fault=fault) as venues:
        result = home.run(venues.url)
    assert result.returncode == 3
    assert result.stdout == ""
    assert result.stderr == (
        f"error: {archive}: another run is in progress; wait until it ends (lock: {path})\n"
    )
    assert fault.requested == []


def test_a_run_that_is_killed_is_finished_by_the_next(home: Home) -> None:
    chance = random.Random(20261121)  # noqa: S311 - a seed, not a secret
    home.configured(CONFIG)
    fault = Changing()
    with Replay(fault=fault) as venues, receiver(200) as hook:
        home.yesterday(venues.url, MARGIN_WEBHOOK=hook.url)
        fault.factor = 1.5
        environment = {**home.environment, "MARGIN_WEBHOOK": hook.url}
        for _ in range(4):
            begun = subprocess.Popen(
                home.command(venues.url),
                env=environment,
                cwd=home.folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            with suppress(subprocess.TimeoutExpired):
                begun.wait(chance.uniform(0.6, 2.6))
            begun.send_signal(signal.SIGKILL)
            begun.wait()
        result = home.run(venues.url, MARGIN_WEBHOOK=hook.url)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(home.latest()["changes"]) == 1
    assert (
        1 <= len(hook.requests) <= 2
    )  # a notice in delivery when the run was killed may be delivered twice
    archive = Archive.open(home.folder / "archive")
    assert archive.verify() == ()
    assert sorted(entry.venue for entry in archive.entries()) == sorted(QUICK * 2)
    assert not [file for file in home.files() if file.endswith(".part")]


BAD = {
    "run:\n  nihgts: 3\n": "harmonize.yaml:2:3: ",
    "run:\n  notify: {channels: [{slack: {url_from: NOWHERE}}]}\n": "NOWHERE",
    "rules: [no-such-pack]\n": "no-such-pack",
    "inputs: nowhere.yaml\n": "nowhere.yaml",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_configuration_is_one_line_before_any_request(home: Home, text: str) -> None:
    home.configured(text)
    _refused(home, BAD[text])


def test_an_unknown_venue_is_one_line_before_any_request(home: Home) -> None:
    _refused(home, "unknown venue nowhere; see `harmonize venues`", "--venue", "nowhere")


def test_an_unknown_rule_set_is_one_line_before_any_request(home: Home) -> None:
    _refused(home, "no-such-pack", "--rules", "no-such-pack")


def _refused(home: Home, message: str, *more: str) -> None:
    fault = Changing()
    with Replay(fault=fault) as venues:
        result = home.run(venues.url, *more)
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert fault.requested == []
    assert not (home.folder / "archive").exists()
    assert not (home.folder / "site").exists()


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_without_a_reachable_venue_or_an_archive_the_night_is_aborted_and_notified(
    home: Home,
) -> None:
    home.configured(CONFIG)
    mirror = f"http://127.0.0.1:{closed_port()}"
    with receiver(200) as hook:
        result = home.run(mirror, MARGIN_WEBHOOK=hook.url)
        assert home.run(mirror, MARGIN_WEBHOOK=hook.url).returncode == 3
    assert (result.returncode, result.stdout) == (3, "")
    assert [line.startswith("error: ") for line in result.stderr.splitlines()] == [False, True]
    (request,) = hook.requests  # the second run repeats a delivered notice
    notice = json.loads(request.body)
    assert notice["exit_code"] == 3
    assert f"error: {notice['errors'][0]}" == result.stderr.splitlines()[-1]


def test_an_archive_that_cannot_be_created_is_notified(home: Home) -> None:
    home.configured(CONFIG)
    (home.folder / "archive").mkdir()
    (home.folder / "archive/format.json").write_bytes(b"\xff")
    with receiver(503) as hook, Replay() as venues:
        result = home.run(venues.url, MARGIN_WEBHOOK=f"{hook.url}/s3cr3t")
    assert result.returncode == 5
    assert [line.split(":")[1] for line in result.stderr.splitlines()] == [
        " not delivered",
        " " + str(home.folder / "archive"),
    ]
    assert len(hook.requests) == 4


READY: dict[str, Callable[[], str]] = {
    "systemd": exec_start,
    "cron": cron_line,
    "github": lambda: next(script for script in scripts() if "harmonize --archive" in script),
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", READY)
def test_the_ready_made_files_run_a_night(home: Home, name: str) -> None:
    """Unchanged, except for folders that a test cannot write, and the mirror."""
    program = home.folder / "bin/harmonize"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.join(TOOL)} "$@"\n')
    program.chmod(0o755)
    (home.folder / "margins").mkdir()
    with Replay() as venues:
        script = _command_of(name, home.folder, venues.url)
        github_output = home.folder / "output"
        result = subprocess.run(
            [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            env={
                **home.environment,
                "PATH": f"{program.parent}:/usr/bin:/bin",
                "GITHUB_OUTPUT": str(github_output),
            },
            cwd=home.folder,
            capture_output=True,
            text=True,
            check=False,
        )
    log = home.folder / "margins/run.log"
    output = log.read_text() if name == "cron" else result.stdout
    assert (result.returncode, result.stderr) == (0, "")
    assert ": 4 venues gathered, 0 changes, " in output
    sites = {"systemd": "site", "cron": "margins/site", "github": "nights/site"}
    assert (home.folder / sites[name] / "latest.json").is_file()
    if name == "github":
        assert github_output.read_text() == "code=0\n"


def _command_of(name: str, folder: Path, mirror: str) -> str:
    """Returns the command of a ready-made file, with further options before its own."""
    more = " ".join(["run", "--mirror", mirror, *(f"--venue {venue}" for venue in QUICK)])
    written = READY[name]()
    if name == "cron":
        written = written.split(" ", 5)[5].replace("$HOME/harmonize/bin", "$HOME/bin")
        (folder / "margins/.harmonize.yaml").write_text("run: {title: Nights}\n")
    written = written.replace("/opt/harmonize/bin", f"{folder}/bin")
    written = written.replace("/var/lib/harmonize", str(folder))
    written = written.replace("/etc/harmonize", str(folder))
    assert written.count(" run --out ") == 1
    return written.replace(" run --out ", f" {more} --out ")

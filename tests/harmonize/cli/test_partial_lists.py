"""Live lists that lost much: partial and told, believed only when a later night agrees."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from harmonize.archive.archive import Archive
from harmonize.cli.main import app
from harmonize.history.venue_lists import VenueLists
from tests.replay.faults import Fault, Reply
from tests.replay.server import Replay
from venues import facts, registry
from venues.completeness import partial_reason

METHODS = {
    "hyperliquid": lambda document: _shortened(document[0]["universe"], 1),
    "dydx": lambda document: _emptied(document["markets"], 3),
    "krakenfutures": lambda document: _shortened(document["instruments"], 2),
}


def _shortened(rows: list[Any], count: int) -> None:
    del rows[count:]


def _emptied(rows: dict[str, Any], count: int) -> None:
    for name in list(rows)[count:]:
        del rows[name]


def shrunk(change: Callable[[Any], None]) -> Fault:
    """A fault that shortens every list to which the change applies."""

    def shorten(reply: Reply) -> Reply:
        document = json.loads(reply.body)
        try:
            change(document)
        except (KeyError, TypeError, IndexError):
            return reply
        return replace(reply, body=json.dumps(document).encode())

    return Fault("shrunk", shorten)


def fetch(archive: Path, venue: str, fault: Fault | None = None) -> Result:
    with Replay(fault=fault or Fault("none", lambda reply: reply)) as server:
        words = ["--archive", str(archive), "fetch", "--mirror", server.url, "--venue", venue]
        return CliRunner().invoke(app, words)


@pytest.mark.parametrize("venue", METHODS)
def test_a_list_that_lost_much_is_partial_and_delists_nothing(tmp_path: Path, venue: str) -> None:
    archive = tmp_path / "archive"
    assert fetch(archive, venue).exit_code == 0
    result = fetch(archive, venue, shrunk(METHODS[venue]))
    assert result.exit_code == 3, result.output
    assert "partial: " in result.stdout
    assert "of the last complete list are gone" in result.stdout
    first, second = Archive.open(archive).entries()
    assert (first.complete, second.complete) == (True, False)
    assert "are gone" in partial_reason(Archive.open(archive).read(second))
    told = CliRunner().invoke(app, ["--archive", str(archive), "history", venue])
    assert "delisted" not in told.stdout
    audit = CliRunner().invoke(
        app, ["--archive", str(archive), "audit", "--format", "jsonl", "--fail-on", "never"]
    )
    findings = [json.loads(line) for line in audit.stdout.splitlines()]
    assert [f["venue"] for f in findings if f["code"] == "MH908"] == [venue]


def test_a_whole_list_after_a_part_is_complete_again(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    for fault in (None, shrunk(METHODS["dydx"]), None):
        fetch(archive, "dydx", fault)
    assert [entry.complete for entry in Archive.open(archive).entries()] == [True, False, True]


def test_a_loss_is_believed_when_a_later_night_agrees(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    for fault in (None, shrunk(METHODS["dydx"])):
        fetch(archive, "dydx", fault)
    own = Archive.open(archive)
    entries = own.entries()
    partial = own.read(entries[1])
    for hours, is_complete in ((1, False), (11, False), (13, True)):
        at = partial.observed_at + timedelta(hours=hours)
        payloads = tuple(p for p in partial.payloads if p.call.method != "partialList")
        later = replace(partial, observed_at=at, payloads=payloads, complete=True)
        lists = VenueLists(own, entries)
        checked = lists.add(later, registry.read(later, facts.bundled()))
        assert checked.complete is is_complete

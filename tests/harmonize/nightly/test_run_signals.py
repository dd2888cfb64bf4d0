"""What a nightly run takes over from the preceding one: signals that ended, and figures that drift."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from harmonize.api.audit import Answer, Question
from harmonize.archive.archive import Archive
from harmonize.config.channels import Channel, Command
from harmonize.config.run_settings import NotificationSettings, RunSettings
from harmonize.document import AuditDocument, ThresholdSection
from harmonize.document.night import Night
from harmonize.nightly import run as nightly
from harmonize.nightly.notice import Notice
from harmonize.nightly.site import Site
from tests.harmonize.nightly.test_price_findings import ENDED, beyond, document, signal
from tests.harmonize.nightly.test_run import FIRST, PAGES, VENUE

SETTINGS = RunSettings(
    notify=NotificationSettings(
        on=("new", "worse", "ended"), level="warning", channels=(Command(("true",)),)
    )
)
ON, OFF = document(signal("SOL")), document()
NOT_CALCULATED = document(thresholds=ThresholdSection())


@dataclass
class Nights:
    """Nights over an empty archive, of which each has the document that a test gives it."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    count: int = 0
    notices: list[Notice] = field(default_factory=list)

    def run(self, audited: AuditDocument) -> Night:
        """Runs the next night."""
        self.count += 1
        return self.repeat(audited)

    def repeat(self, audited: AuditDocument) -> Night:
        """Runs the newest night again."""

        def answer(_: Question, __: Executor | None, *, isolates_errors: bool = False) -> Answer:
            assert isolates_errors
            return Answer(audited, (), audited)

        self.monkeypatch.setattr(nightly, "answer", answer)
        question = Question(archive=self.folder / "archive", venues=(VENUE,))
        services = nightly.RunServices(
            lambda: FIRST + timedelta(days=self.count), lambda _: True, PAGES, self._send
        )
        return nightly.run(
            nightly.Task(question, Site(self.folder / "site"), SETTINGS), services
        ).night

    def _send(self, notice: Notice, channels: Sequence[Channel]) -> list[tuple[int, str]]:
        self.notices += [notice] * len(channels)
        return []


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(nightly, "keep_index", lambda _: None)
    Archive.open_or_create(tmp_path / "archive")
    return Nights(tmp_path, monkeypatch)


def test_a_night_records_and_reports_once_that_a_signal_ended(nights: Nights) -> None:
    records = [nights.run(audited) for audited in (ON, ON, OFF, OFF)]
    assert [night.ended_signals for night in records] == [(), (), (ENDED,), ()]
    (notice,) = nights.notices
    assert (notice.night, "1 ended signal" in notice.title) == (records[2].night, True)


def test_a_night_without_the_calculation_neither_ends_a_signal_nor_forgets_it(
    nights: Nights,
) -> None:
    records = [nights.run(audited) for audited in (ON, NOT_CALCULATED, ON, NOT_CALCULATED, OFF)]
    assert [night.ended_signals for night in records] == [(), (), (), (), (ENDED,)]
    assert [night.new_findings for night in records] == [()] * 5


def test_a_repeated_night_reports_a_signal_that_ended_only_then(nights: Nights) -> None:
    nights.run(ON)
    assert nights.run(NOT_CALCULATED).ended_signals == ()
    assert nights.repeat(OFF).ended_signals == (ENDED,)
    assert nights.repeat(OFF).ended_signals == (ENDED,)
    assert len(nights.notices) == 1


def test_small_steps_of_nights_add_up_until_they_are_a_worsening(nights: Nights) -> None:
    records = [nights.run(beyond(0.40 + 0.01 * step)) for step in range(4)]
    states = [[finding.state for finding in night.new_findings] for night in records]
    assert states == [[], [], [], ["worse"]]

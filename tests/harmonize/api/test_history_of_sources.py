"""Recent history of several archives: each venue's from the first archive that holds it."""

from datetime import timedelta
from pathlib import Path

import pytest

from harmonize.api.audit import Question, read_with_history
from harmonize.api.question import Fallback
from tests.support.table_archives import PLAIN, START, ScriptedArchive

DAY = timedelta(days=1)


def test_a_venue_of_ones_own_archive_has_no_history_of_the_recorded_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    own = ScriptedArchive(tmp_path / "archive")
    own.gather(PLAIN, START)
    own.gather(PLAIN, START + DAY)
    both = Question(venues=("dydx", "okx"), archive=str(own.path), fallback=Fallback.RECORDED)
    recorded_only = Question(venues=("dydx",))
    history = read_with_history(both)[0].recent_history
    recorded = read_with_history(recorded_only)[0].recent_history.unchanged
    assert "dydx" in {schedule.venue for schedule in recorded}
    assert history.observed["dydx"] == (START, START + DAY)
    assert {schedule.venue for schedule in history.unchanged} <= {"dydx", "okx"}
    assert "okx" in history.observed
    dydx = [schedule for schedule in history.unchanged if schedule.venue == "dydx"]
    assert len(dydx) == len({schedule.key for schedule in dydx})

"""Which snapshots an audit reads: the newest of each venue, later failures, verified margins."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from harmonize.api.audit import Fallback, Question, RequestError, Verification, answer, read
from harmonize.archive.archive import Archive
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import Unknown
from tests.support import recorded
from venues.gathering.outcome import Failed

GATE, MEXC = recorded.of_venue("gate")[0], recorded.of_venue("mexc")[0]


def failed(snapshot: Snapshot, days: float, reason: str = "HTTP status 500") -> Snapshot:
    at = snapshot.observed_at + timedelta(days=days)
    return Failed(snapshot.venue, at, reason, 3, 1.0).snapshot


def archive(path: Path, *snapshots: Snapshot) -> Path:
    created = Archive.create(path)
    for snapshot in snapshots:
        created.append(snapshot)
    return path


def test_a_failed_attempt_is_reported_and_the_last_good_snapshot_is_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "a", MEXC, failed(MEXC, 3), failed(MEXC, 10, "HTTP status 403"))
    reading, as_of = read(Question(archive=path))
    assert [snapshot.venue for _, snapshot in reading.snapshots] == ["mexc"]
    (failure,) = [venue for venue in reading.unobserved if venue.attempted_at]
    assert (failure.venue, failure.reason) == ("mexc", "HTTP status 403")
    assert as_of == datetime(2026, 11, 29, 23, 59, 59, 999999, tzinfo=UTC)  # day of the build
    answered = answer(Question(archive=path))
    assert not answered.complete
    (finding,) = [
        finding
        for finding in answered.document.findings
        if finding.code == "MH903" and finding.level == "error"
    ]
    assert finding.message == (
        f"{failure.attempted_at:%Y-%m-%d %H:%M} UTC: HTTP status 403; "
        "last observed 94 days before the audit"
    )


@pytest.mark.parametrize("complete", [True, False])
def test_a_success_after_a_failure_is_all_there_is(tmp_path: Path, *, complete: bool) -> None:
    later = replace(MEXC, observed_at=MEXC.observed_at + timedelta(days=1), complete=complete)
    own = archive(tmp_path / "a", failed(MEXC, 0.5), later)
    assert all(venue.attempted_at is None for venue in read(Question(archive=own))[0].unobserved)


def test_a_venue_that_only_ever_failed_falls_back_to_the_recorded_one(tmp_path: Path) -> None:
    own = archive(tmp_path / "a", failed(MEXC, 100))
    reading, _ = read(Question(archive=own, fallback=Fallback.RECORDED))
    assert "mexc" in {snapshot.venue for _, snapshot in reading.snapshots}
    assert [venue.venue for venue in reading.unobserved if venue.attempted_at] == ["mexc"]
    alone, _ = read(Question(archive=own))
    assert alone.snapshots == ()


def test_an_own_snapshot_goes_before_the_recorded_one(tmp_path: Path) -> None:
    fewer = replace(GATE, observed_at=GATE.observed_at + timedelta(days=20), complete=True)
    own = archive(tmp_path / "a", fewer)
    reading, _ = read(Question(archive=own, fallback=Fallback.RECORDED))
    gates = [snapshot for _, snapshot in reading.snapshots if snapshot.venue == "gate"]
    assert gates == [fewer]
    assert {"binance", "okx"} <= {snapshot.venue for _, snapshot in reading.snapshots}


def test_venues_never_observed_say_why() -> None:
    reasons = {venue.venue: venue.reason for venue in recorded.audited().document.unobserved}
    assert reasons["grvt"] == "never gathered, and not in the recorded archive"
    assert all(not venue.attempted_at for venue in recorded.audited().document.unobserved)
    reading, _ = read(Question(as_of=date(2021, 12, 31)))
    early = {venue.venue: venue.reason for venue in reading.unobserved}
    assert early["binance"] == "needs a key"
    assert early["bitmex"] == "the venue closed on 2026-09-23; only its recordings are read"


def test_an_empty_archive_beside_the_recorded_one_is_no_error(tmp_path: Path) -> None:
    own = archive(tmp_path / "a")
    assert read(Question(archive=own, fallback=Fallback.RECORDED))[0].snapshots
    with pytest.raises(RequestError, match="is empty; run `harmonize fetch`"):
        read(Question(archive=own))


def test_strict_leaves_out_what_no_source_verifies() -> None:
    for venue in ("backpack", "hashkey"):
        (loose, _), (strict, _) = (
            read(Question(venues=(venue,), verification=verification))
            for verification in Verification
        )
        assert not all(isinstance(schedule.maintenance, Unknown) for schedule in loose.schedules)
        for schedule in strict.schedules:
            assert isinstance(schedule.maintenance, Unknown)
            assert "excluded, as no source verifies it: " in schedule.maintenance.reason
            assert "unverified" in schedule.maintenance.reason
    (before, _), (after, _) = (
        read(Question(venues=("binance",), verification=verification))
        for verification in Verification
    )
    assert before.schedules == after.schedules

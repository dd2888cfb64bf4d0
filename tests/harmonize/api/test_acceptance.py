"""Withheld schedules are listed, accepted by name, and shown in audits from then on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harmonize.api.acceptance import Decision, accept, withheld_contracts
from harmonize.api.audit import Question, RequestError, answer, read
from harmonize.archive.archive import Archive
from harmonize.core.payload import Snapshot
from harmonize.core.schedule import Unknown
from harmonize.history.acceptances import decisions
from tests.support import corruption
from tests.support.corruption import CORRUPTIONS

TENFOLD = next(own for own in CORRUPTIONS if own.name == "all bounds × 10")
DECISION = Decision("A. Person", "announced on 1 March", datetime(2027, 1, 1, tzinfo=UTC))


def later(snapshot: Snapshot, days: int) -> Snapshot:
    at = snapshot.observed_at + timedelta(days=days)
    payloads = tuple(replace(payload, observed_at=at) for payload in snapshot.payloads)
    return replace(snapshot, observed_at=at, payloads=payloads)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An archive of OKX whose bounds are ten times as large from the second night on."""
    good = corruption.venues()["okx"]
    corrupt = good.corrupted(TENFOLD.change, good.readable)
    archive = Archive.create(tmp_path / "archive")
    archive.append(good.snapshot)
    for day in range(1, 7):
        archive.append(later(corrupt, day))
    return tmp_path / "archive"


def unknown(place: Path) -> set[str]:
    reading, _ = read(Question(archive=place, venues=("okx",)))
    return {s.instrument.id for s in reading.schedules if isinstance(s.initial, Unknown)}


def test_withheld_contracts_stay_withheld_for_any_number_of_nights_until_accepted(
    place: Path,
) -> None:
    assert unknown(place) == {"BTC-USDT-SWAP", "ETH-USDT-SWAP"}
    entry, withheld = withheld_contracts(place, "okx")
    assert [own.contract_id for own in withheld] == ["BTC-USDT-SWAP", "ETH-USDT-SWAP"]
    assert all("every upper bound is 10 times that of" in own.reasons[0] for own in withheld)

    (accepted,) = accept(place, "okx", ["BTC/USDT:USDT"], DECISION)
    assert (accepted.snapshot, accepted.contracts) == (entry.digest, ("BTC-USDT-SWAP",))
    assert unknown(place) == {"ETH-USDT-SWAP"}
    reading, _ = read(Question(archive=place, venues=("okx",)))
    notes = [note for s in reading.schedules for note in s.notes if note.startswith("accepted")]
    assert set(notes) == {"accepted by A. Person on 2027-01-01: announced on 1 March"}
    accept(place, "okx", [], DECISION)
    assert unknown(place) == set()
    archive = Archive.open(place)
    made = decisions(archive, archive.entries())
    assert [(own.who, own.why, own.at) for own in made] == 2 * [
        (DECISION.who, DECISION.why, DECISION.at)
    ]
    assert archive.verify() == ()


def test_an_audit_names_what_is_withheld_and_is_incomplete(place: Path) -> None:
    document = answer(Question(archive=place, venues=("okx",))).document
    findings = [finding for finding in document.findings if finding.code == "MH901"]
    assert {finding.symbol for finding in findings} == {"BTC-USDT-SWAP", "ETH-USDT-SWAP"}
    assert all("harmonize accept" in finding.message for finding in findings)
    accept(place, "okx", [], DECISION)
    after = answer(Question(archive=place, venues=("okx",))).document
    assert not [finding for finding in after.findings if finding.code == "MH901"]


def test_the_next_night_is_held_against_what_was_accepted(place: Path) -> None:
    accept(place, "okx", [], DECISION)
    good = corruption.venues()["okx"]
    archive = Archive.open(place)
    archive.append(later(good.corrupted(TENFOLD.change, good.readable), 7))
    assert unknown(place) == set()
    archive.append(later(good.snapshot, 8))
    assert unknown(place) == {"BTC-USDT-SWAP", "ETH-USDT-SWAP"}


def test_a_contract_that_an_older_snapshot_withholds_is_accepted_there(place: Path) -> None:
    good = corruption.venues()["okx"]
    partial = replace(later(good.snapshot, 7), payloads=good.snapshot.payloads[:1], complete=False)
    Archive.open(place).append(partial)
    assert unknown(place) == {"BTC-USDT-SWAP", "ETH-USDT-SWAP"}
    accept(place, "okx", ["BTC-USDT-SWAP"], DECISION)
    assert unknown(place) == {"ETH-USDT-SWAP"}


def test_an_imported_archive_withholds_and_accepts_the_same(place: Path, tmp_path: Path) -> None:
    accept(place, "okx", ["BTC-USDT-SWAP"], DECISION)
    other = Archive.create(tmp_path / "other")
    for snapshot in map(Archive.open(place).read, Archive.open(place).entries()):
        other.append(snapshot, imported=True)
    assert unknown(tmp_path / "other") == {"ETH-USDT-SWAP"}


def test_a_decision_that_cannot_be_read_accepts_nothing_and_is_told(place: Path) -> None:
    accept(place, "okx", [], DECISION)
    (entry,) = (e for e in Archive.open(place).entries() if e.venue == "decisions")
    (place / "packs" / f"{entry.pack}.zst").write_bytes(b"")
    assert unknown(place) == {"BTC-USDT-SWAP", "ETH-USDT-SWAP"}
    reading, _ = read(Question(archive=place, venues=("okx",)))
    assert [d.reason for d in reading.defects if d.venue == "decisions"]


@pytest.mark.parametrize(
    ("venue", "contracts", "decision", "message"),
    [
        ("okx", ["BTC/USDT:USDT"], replace(DECISION, who=""), "missing name or reason"),
        ("okx", ["BTC/USDT:USDT"], replace(DECISION, why=" "), "missing name or reason"),
        ("okx", ["ADA/USDT:USDT"], DECISION, "ADA/USDT:USDT is not withheld"),
        ("kraken", [], DECISION, "kraken"),
        ("bybit", [], DECISION, "has no snapshot of bybit"),
    ],
)
def test_a_decision_needs_a_name_a_reason_and_something_withheld(
    place: Path, venue: str, contracts: list[str], decision: Decision, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        accept(place, venue, contracts, decision)


def test_nothing_is_accepted_where_nothing_is_withheld(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive")
    archive.append(corruption.venues()["okx"].snapshot)
    place = tmp_path / "archive"
    assert withheld_contracts(place, "okx")[1] == ()
    with pytest.raises(RequestError, match="okx: no contract is withheld"):
        accept(place, "okx", [], DECISION)

"""Tests of how an archive states how far the date of a payload is known."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harmonize.archive.archive import Archive
from harmonize.archive.manifest import digest
from harmonize.core.date_precision import EXACT, NO_LATER_THAN, DatePrecision, date_between
from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot

LATEST = datetime(2026, 8, 1, tzinfo=UTC)
UNDATED = "undated; present in a release of 2026-08-01, so the date is an upper bound"
STATED = "time in the response"


def snapshot(dating: str, precision: DatePrecision, origin: Origin = Origin.RECORDED) -> Snapshot:
    provenance = Provenance(origin, "a recording", dating)
    payload = Payload.of("okx", Call("get"), LATEST, provenance, b"{}", precision)
    return Snapshot("okx", LATEST, (payload,), complete=False)


def sealed(record: dict[str, object]) -> bytes:
    """Returns a record as an archive writes it."""

    def canonical(value: object) -> bytes:
        return json.dumps(value, sort_keys=True, ensure_ascii=False).encode() + b"\n"

    return canonical({**record, "seal": digest(canonical({**record, "seal": ""}))})


PRECISIONS = (
    EXACT,
    NO_LATER_THAN,
    date_between(datetime(2026, 6, 1, tzinfo=UTC)),
    date_between(datetime(2026, 7, 31, 12, tzinfo=UTC), derived=True),
)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("dating", [UNDATED, STATED])
def test_an_archive_keeps_every_precision(
    dating: str, precision: DatePrecision, tmp_path: Path
) -> None:
    archive = Archive.create(tmp_path / "a")
    entry = archive.append(snapshot(dating, precision))
    assert archive.read(entry).payloads[0].precision == precision
    assert entry.precision == precision
    assert Archive.open(tmp_path / "a").entries() == (entry,)


@pytest.mark.parametrize(
    ("dating", "expected"),
    [
        (UNDATED, NO_LATER_THAN),
        ("commit date", NO_LATER_THAN),
        ("file last committed 2025-10-06T09:14:47+02:00", NO_LATER_THAN),
        (STATED, EXACT),
        ('"updated" field written by the recorder', EXACT),
    ],
)
def test_an_older_manifest_states_the_precision_in_words(
    dating: str, expected: DatePrecision, tmp_path: Path
) -> None:
    archive = Archive.create(tmp_path / "a")
    archive.append(snapshot(dating, EXACT))
    path = tmp_path / "a" / "manifests" / "00000001.json"
    record = json.loads(path.read_bytes())
    record["payloads"][0].pop("date_kind", None)
    path.write_bytes(sealed(record))
    (entry,) = Archive.open(tmp_path / "a").entries()
    assert entry.precision == expected
    assert archive.read(entry).payloads[0].precision == expected


def test_documentation_dates_a_snapshot_only_if_there_is_nothing_else() -> None:
    recorded = snapshot(STATED, EXACT)
    documented = snapshot(UNDATED, NO_LATER_THAN, Origin.DOCUMENTATION)
    both = replace(recorded, payloads=(*recorded.payloads, *documented.payloads))
    assert both.precision == EXACT
    assert documented.precision == NO_LATER_THAN
    note = snapshot(UNDATED, NO_LATER_THAN, Origin.NOTE)
    assert replace(recorded, payloads=(*recorded.payloads, *note.payloads)).precision == EXACT

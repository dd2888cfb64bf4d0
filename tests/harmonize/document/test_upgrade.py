"""Audit documents of earlier versions stay readable; one document per version is recorded."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harmonize import document
from harmonize.document.upgrade import RENAMED, RENAMED_IN_NIGHTS, upgraded_night
from reports.registry import FORMATS, renderer
from tests.support.paths import ROOT

DOCUMENTS = sorted((ROOT / "tests" / "documents").glob("audit-*.json.gz"))
FIRST = [path for path in DOCUMENTS if path.name.startswith("audit-1.")]


def numbers(value: Any) -> list[float]:
    """Returns every number in decoded JSON, sorted."""
    if isinstance(value, dict):
        return sorted(number for part in value.values() for number in numbers(part))
    if isinstance(value, list):
        return sorted(number for part in value for number in numbers(part))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return [float(value)] if is_number else []


def test_there_is_a_document_of_each_version() -> None:
    versions = [path.name.removeprefix("audit-").removesuffix(".json.gz") for path in DOCUMENTS]
    assert versions == ["1.0", "1.1", "1.2", "1.3", "1.4", "2.1", "3.0"]


@pytest.mark.parametrize("path", FIRST, ids=lambda path: path.name)
def test_an_earlier_document_is_read_with_each_of_its_numbers(path: Path) -> None:
    text = gzip.decompress(path.read_bytes())
    before = json.loads(text)
    after = document.decoded(json.loads(document.to_json(document.from_json(text))))
    for old, new in ("findings", "findings"), ("gaps", "spreads"), ("indices", "indices"):
        assert Counter(numbers(before[old])) <= Counter(numbers(after[new]))
        assert len(before[old]) == len(after[new]) > 0
    (spread, *_), (old_spread, *_) = after["spreads"], before["gaps"]
    assert spread["margin_type"] == old_spread["figure"]
    assert [point["highest"] for point in spread["points"]] == [
        point["most"] for point in old_spread["points"]
    ]
    (finding, *_), (old_finding, *_) = after["findings"], before["findings"]
    assert (finding["deviation"], finding["fingerprint"]) == (
        old_finding["divergence"],
        old_finding["fingerprint"],
    )


def test_a_document_of_version_2_is_read_whole() -> None:
    before = json.loads(gzip.decompress((ROOT / "tests/documents/audit-2.1.json.gz").read_bytes()))
    after = document.decoded(
        json.loads(document.to_json(document.from_json(json.dumps(before).encode())))
    )
    added = {"history": {**before["history"], "gaps": [], "since": []}}  # since 3.0
    empty: dict[str, list[object]] = {"parameters": [], "requirements": []}
    rule_sets = [{**rule_set, **empty} for rule_set in before["rule_sets"]]
    assert after.pop("stress") == after.pop("stress_omitted") == []
    tests = after.pop("adequacy")
    assert (tests["level"], tests["rows"]) == (None, [])  # were not made then
    assert after.pop("thresholds")["level"] is None
    assert after == {
        **before,
        **added,
        "rule_sets": rule_sets,
        "schema_version": document.SCHEMA_VERSION,
    }


def test_a_document_of_version_3_is_read_whole() -> None:
    text = gzip.decompress((ROOT / "tests/documents/audit-3.0.json.gz").read_bytes())
    before = document.decoded(json.loads(text))
    after = document.decoded(json.loads(document.to_json(document.from_json(text))))
    assert after.pop("stress") == after.pop("stress_omitted") == []
    tests = after.pop("adequacy")
    assert (tests["level"], tests["rows"]) == (None, [])  # since 3.1
    assert after.pop("thresholds")["level"] is None
    assert after == {**before, "schema_version": document.SCHEMA_VERSION}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_an_earlier_document_renders_in_every_format(path: Path, name: str) -> None:
    earlier = document.from_json(gzip.decompress(path.read_bytes()))
    assert renderer(name)(earlier)


def test_renamed_fields_are_fields_of_this_version() -> None:
    schema = json.dumps(document.json_schema())
    for names in RENAMED.values():
        for new in names.values():
            assert f'"{new}"' in schema


@pytest.mark.parametrize(
    "text", [b"[]", b"{}", b'{"schema_version": "3.2"}', b'{"schema_version": "4.0"}', b"no JSON"]
)
def test_a_document_of_an_unknown_version_raises_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"version 1.x, 2.x, 3.0 or 3.1|Expecting value"):
        document.from_json(text)


def test_a_night_of_an_earlier_version_keeps_its_findings_and_statuses() -> None:
    night = {
        "night": "2026-11-20",
        "venues": [{"venue": "okx", "became": "gathered"}],
        "changes": [{"kind": "tighter", "moved": [{"figure": "initial", "largest_rise": 0.5}]}],
        "fresh": [{"code": "MH301", "figure": "initial", "divergence": -0.9}],
    }
    assert upgraded_night(night) == {
        "night": "2026-11-20",
        "venues": [{"venue": "okx", "status": "gathered"}],
        "changes": [
            {"kind": "tighter", "moved": [{"margin_type": "initial", "largest_rise": 0.5}]}
        ],
        "new_findings": [{"code": "MH301", "margin_type": "initial", "deviation": -0.9}],
    }
    assert upgraded_night(upgraded_night(night)) == upgraded_night(night)
    assert set(RENAMED_IN_NIGHTS) == {"", "venues", "changes.moved", "new_findings"}

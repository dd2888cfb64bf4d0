"""The encoded document: every row comes back, nothing repeats, and the schema describes it."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import jsonschema
import pytest

from harmonize.document import AuditDocument, decoded, from_json, json_schema, to_json
from harmonize.document.encoding import GROUP, REFERENCES, SCHEDULE, rows, values
from tests.support import recorded
from tests.support.sample_adequacy import judged_sample
from tests.support.sample_documents import large, sample
from tests.support.sample_thresholds import with_thresholds

DOCUMENTS: dict[str, Callable[[], AuditDocument]] = {
    "sample": sample,
    "judged": judged_sample,
    "thresholds": with_thresholds,
    "large": large,
    "recorded": lambda: recorded.audited().document,
}


@pytest.fixture(params=sorted(DOCUMENTS))
def document(request: pytest.FixtureRequest) -> AuditDocument:
    return DOCUMENTS[request.param]()


def test_every_field_of_every_row_comes_back(document: AuditDocument) -> None:
    text = to_json(document)
    assert from_json(text) == document
    assert to_json(from_json(text)) == text


def test_decoded_rows_are_the_rows_of_the_document() -> None:
    document = judged_sample()
    found = decoded(json.loads(to_json(document)))
    assert found["adequacy"] == json.loads(_plain(document.adequacy))
    for name in REFERENCES:
        expected = [json.loads(_plain(row)) for row in getattr(document, name)]
        assert found[name] == expected
    assert list(found) == [field.name for field in fields(document)]


def _plain(row: Any) -> bytes:
    from pydantic_core import to_json as plain  # noqa: PLC0415 - the encoder that rows had before

    return plain(row)


def test_the_schema_describes_the_document() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(to_json(judged_sample())))
    validator.validate(json.loads(to_json(with_thresholds())))
    for spoil in (_long_index, _unknown_column, _no_group, _negative_reference, _no_test):
        encoded = json.loads(to_json(judged_sample()))
        spoil(encoded)
        assert not validator.is_valid(encoded), spoil.__name__


def _long_index(encoded: Any) -> None:
    encoded["findings"]["columns"]["message"]["indices"] = ["0"]


def _unknown_column(encoded: Any) -> None:
    encoded["findings"]["columns"]["notes"] = {"dictionary": [""]}


def _no_group(encoded: Any) -> None:
    encoded["findings"]["columns"]["group"][0] = None


def _negative_reference(encoded: Any) -> None:
    encoded["divergences"]["columns"]["schedule"][0] = -1


def _no_test(encoded: Any) -> None:
    encoded["adequacy"]["rows"]["columns"]["every_window"][0] = None


def test_equal_tests_of_margins_are_one_row() -> None:
    section = judged_sample().adequacy
    encoded = json.loads(to_json(judged_sample()))["adequacy"]
    holding = {part for row in section.rows for part in row.holding}
    assert encoded["holding_times"]["length"] == len(holding) < 3 * len(section.rows)
    tests = {test for row in section.rows for test in (row.every_window, row.after_liquidation)}
    tests |= {part.test for row in section.rows for part in row.clearing}
    assert encoded["tests"]["length"] == len(tests)
    breaches = {breach for test in tests for breach in test.worst}
    breaches |= {breach for row in section.backtests for breach in row.worst}
    assert encoded["breaches"]["length"] == len(breaches)


@pytest.mark.parametrize("position", [-1, 99])
def test_a_position_of_a_test_that_does_not_exist_is_refused(position: int) -> None:
    encoded = json.loads(to_json(judged_sample()))
    encoded["adequacy"]["tests"]["columns"]["worst"][0] = [position]
    with pytest.raises(ValueError, match=f"tests.worst refers to row {position} of"):
        decoded(encoded)


def test_groups_hold_every_finding_once_with_its_cause() -> None:
    document = recorded.audited().document
    encoded = json.loads(to_json(document))
    groups = encoded["groups"]
    assert len({tuple(group[name] for name in GROUP) for group in groups}) == len(groups) < 150
    counted: Counter[int] = Counter()
    for group in groups:
        counted.update(group["findings"])
        for position in group["findings"]:
            finding = document.findings[position]
            assert all(getattr(finding, name) == group[name] for name in GROUP)
    assert set(counted.values()) == {1}
    assert sorted(counted) == list(range(len(document.findings)))


def test_a_finding_on_a_schedule_refers_to_it_and_one_on_a_venue_has_its_own_fields() -> None:
    document = recorded.audited().document
    encoded = json.loads(to_json(document))
    table = encoded["findings"]
    references = table["columns"]["schedule"]
    own = {name: values(table["columns"][name], table["length"]) for name in SCHEDULE}
    schedules = rows(encoded["schedules"])
    assert references.count(None) > 100
    for finding, reference, *identity in zip(
        document.findings, references, *own.values(), strict=True
    ):
        expected = tuple(getattr(finding, name) for name in SCHEDULE)
        if reference is None:
            assert tuple(identity) == expected
        else:
            assert tuple(schedules[reference][name] for name in SCHEDULE) == expected
            assert set(identity) == {None}


def test_the_recorded_document_is_small_and_repeats_no_value() -> None:
    text = to_json(recorded.audited().document)
    assert len(text) < 12e6
    encoded = json.loads(text)
    for name in (*REFERENCES, "members"):
        for column in encoded[name]["columns"].values():
            if isinstance(column, dict):
                texts = [json.dumps(value) for value in column["dictionary"]]
                assert len(set(texts)) == len(texts)


def test_findings_that_differ_only_in_their_schedule_share_every_text() -> None:
    document = sample()
    first = replace(document.findings[0], fingerprint="1" * 16)
    repeated = replace(document, findings=tuple(first for _ in range(1000)))
    once = replace(document, findings=(first,))
    assert len(to_json(repeated)) - len(to_json(once)) < 1000 * 40


def test_a_number_that_json_does_not_have_is_null() -> None:
    document = sample()
    first = replace(document.findings[0], observed=float("inf"), required=float("nan"))
    text = to_json(replace(document, findings=(first,)))
    assert b"Infinity" not in text
    assert b"NaN" not in text
    assert from_json(text).findings[0].observed is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda encoded: encoded.pop("members"),
        lambda encoded: encoded["findings"].pop("length"),
        lambda encoded: encoded["divergences"]["columns"]["schedule"].append(0),
        lambda encoded: encoded["divergences"]["columns"].update(schedule=[10**6]),
        lambda encoded: encoded["groups"].clear(),
        lambda encoded: encoded["findings"]["columns"].clear(),
        lambda encoded: encoded["findings"]["columns"]["group"].__setitem__(0, -1),
        lambda encoded: encoded["divergences"]["columns"]["schedule"].__setitem__(0, -1),
        lambda encoded: encoded["members"]["columns"]["comparison"].__setitem__(0, -1),
        lambda encoded: encoded["findings"]["columns"]["message"]["indices"].pop(),
        lambda encoded: encoded["findings"]["columns"]["message"]["indices"].__setitem__(0, -1),
        lambda encoded: encoded.update(schedules=[]),
    ],
)
def test_an_incomplete_document_raises_value_error(spoil: Any) -> None:
    encoded = json.loads(to_json(sample()))
    spoil(encoded)
    with pytest.raises(ValueError, match="incomplete audit document"):
        from_json(json.dumps(encoded).encode())

import contextlib
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.core.payload import (
    Call,
    Origin,
    Payload,
    Provenance,
    Snapshot,
    UnreadablePayloadError,
    decode,
    escape,
    reason_of,
    resolve,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALL = Call("publicGetTiers")
PROVENANCE = Provenance(Origin.RECORDED, "a test", "written today")

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def payload(content: bytes, call: Call = CALL) -> Payload:
    return Payload.of("venue", call, NOON, PROVENANCE, content)


def reason(content: bytes) -> str:
    with pytest.raises(UnreadablePayloadError) as caught:
        decode(payload(content))
    assert caught.value.where == ""
    assert str(caught.value) == f"/: {caught.value.reason}"
    return caught.value.reason


@given(st.binary())
def test_a_payload_has_the_sha256_of_its_bytes(content: bytes) -> None:
    assert payload(content).sha256 == hashlib.sha256(content).hexdigest()
    assert payload(content).content == content


def test_an_empty_payload_has_the_published_hash() -> None:
    published = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert payload(b"").sha256 == published


def test_observation_times_are_converted_to_utc() -> None:
    local = NOON.astimezone(timezone(timedelta(hours=9)))
    observed_at = Payload.of("venue", CALL, local, PROVENANCE, b"").observed_at
    assert (observed_at, observed_at.tzinfo) == (NOON, UTC)


def test_a_time_without_a_zone_is_rejected() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match=r"venue publicGetTiers\(\): .* with a time zone"):
        Payload.of("venue", CALL, naive, PROVENANCE, b"")


def test_a_call_prints_in_code_notation() -> None:
    call = Call("publicGetTiers", (("symbol", "BTC"), ("page", "2")))
    assert str(call) == "publicGetTiers(symbol=BTC, page=2)"


def test_snapshot_answers_have_a_fixed_order() -> None:
    first, second = Call("tiers", (("page", "1"),)), Call("tiers", (("page", "2"),))
    pages = (payload(b"[2]", second), payload(b"[0]"), payload(b"[1]", first))
    forward, backward = (
        Snapshot("venue", NOON, payloads, complete=True) for payloads in (pages, pages[::-1])
    )
    assert [page.content for page in forward.answers("tiers")] == [b"[1]", b"[2]"]
    assert forward.answers("tiers") == backward.answers("tiers")
    assert forward.answers("markets") == ()


def test_numbers_keep_every_digit() -> None:
    numbers = decode(
        payload(b"[0.10, 1e-7, 123456789012345678901234567890, 0.1000000000000000055]")
    )
    assert numbers == [
        Decimal("0.10"),
        Decimal("1e-7"),
        123456789012345678901234567890,
        Decimal("0.1000000000000000055"),
    ]
    assert isinstance(numbers, list)
    assert str(numbers[0]) == "0.10"


@given(documents)
def test_decode_agrees_with_json(document: object) -> None:
    assert decode(payload(json.dumps(document).encode())) == document


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_constants_outside_json_are_rejected(name: str) -> None:
    assert reason(f'{{"rate": {name}}}'.encode()) == f"contains {name}, which is not a JSON number"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not JSON"),
        (b"<html>451</html>", "not JSON"),
        (b'{"rate": 0.1', "not JSON"),
        (b"[1] [2]", "not JSON"),
        (b'["\xff"]', "not UTF-8 at byte 2"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_a_payload_that_is_not_json_gives_a_reason(content: bytes, expected: str) -> None:
    assert reason(content).startswith(expected)


def test_an_integer_of_any_length_is_read_so_that_it_hides_no_other_row() -> None:
    digits = b"1" * 10_000
    assert decode(payload(b'[{"a": -' + digits + b'}, {"a": 7}]')) == [
        {"a": Decimal(f"-{digits.decode()}")},
        {"a": 7},
    ]
    assert isinstance(decode(payload(b"1" * 4_000)), int)


def test_an_unexpected_error_is_named_by_its_kind_in_one_short_line() -> None:
    assert reason_of(KeyError("KCS")) == "cannot be read: KeyError: 'KCS'"
    assert reason_of(UnreadablePayloadError(where="/0", reason="expected a date")) == (
        "expected a date"
    )
    assert reason_of(ValueError("a\nb\t" + "c" * 1000)).startswith(
        "cannot be read: ValueError: a b c"
    )
    assert len(reason_of(ValueError("c" * 1000))) < 200


@given(st.binary(max_size=60))
def test_arbitrary_bytes_raise_no_other_error(content: bytes) -> None:
    with contextlib.suppress(UnreadablePayloadError):
        decode(payload(content))


def test_pointers_are_those_of_rfc_6901() -> None:
    example = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, "k": {"0": "named"}}
    assert resolve(example, "") == example
    assert resolve(example, "/foo/0") == "bar"
    assert resolve(example, "/") == 0
    assert resolve(example, "/a~1b") == 1
    assert resolve(example, "/m~0n") == 8
    assert resolve(example, "/k/0") == "named"


@pytest.mark.parametrize("pointer", ["/bar", "/foo/2", "/foo/-", "/foo/-1", "/foo/bar", "/foo/0/x"])
def test_a_pointer_without_value_raises_key_error(pointer: str) -> None:
    with pytest.raises(KeyError):
        resolve({"foo": ["a", "b"]}, pointer)


@given(st.text())
def test_an_escaped_key_leads_to_its_value(key: str) -> None:
    assert resolve({key: 1}, "/" + escape(key)) == 1


def test_unpaired_surrogates_are_replaced() -> None:
    content = b'{"a\\ud800": ["\\ud83d\\ude00", "\\udc00x", 1.50], "b": "\\\\ud800"}'
    document = decode(payload(content))
    assert document == {"a\ufffd": ["\U0001f600", "\ufffdx", Decimal("1.50")], "b": "\\ud800"}

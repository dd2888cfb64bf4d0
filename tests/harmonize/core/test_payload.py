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
def test_a_payload_is_named_by_the_sha256_of_its_bytes(content: bytes) -> None:
    assert payload(content).sha256 == hashlib.sha256(content).hexdigest()
    assert payload(content).content == content


def test_the_hash_of_nothing_is_the_published_one() -> None:
    published = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert payload(b"").sha256 == published


def test_times_are_kept_in_utc() -> None:
    local = NOON.astimezone(timezone(timedelta(hours=9)))
    kept = Payload.of("venue", CALL, local, PROVENANCE, b"").observed_at
    assert (kept, kept.tzinfo) == (NOON, UTC)


def test_a_time_without_a_zone_is_refused() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match=r"venue publicGetTiers\(\): .* with a time zone"):
        Payload.of("venue", CALL, naive, PROVENANCE, b"")


def test_a_call_is_written_as_code_would() -> None:
    call = Call("publicGetTiers", (("symbol", "BTC"), ("page", "2")))
    assert str(call) == "publicGetTiers(symbol=BTC, page=2)"


def test_a_snapshot_answers_a_method_in_one_order_whatever_the_order_of_arrival() -> None:
    first, second = Call("tiers", (("page", "1"),)), Call("tiers", (("page", "2"),))
    pages = (payload(b"[2]", second), payload(b"[0]"), payload(b"[1]", first))
    forward, backward = (
        Snapshot("venue", NOON, some, complete=True) for some in (pages, pages[::-1])
    )
    assert [one.content for one in forward.answers("tiers")] == [b"[1]", b"[2]"]
    assert forward.answers("tiers") == backward.answers("tiers")
    assert forward.answers("markets") == ()


def test_numbers_keep_every_digit() -> None:
    read = decode(payload(b"[0.10, 1e-7, 123456789012345678901234567890, 0.1000000000000000055]"))
    assert read == [
        Decimal("0.10"),
        Decimal("1e-7"),
        123456789012345678901234567890,
        Decimal("0.1000000000000000055"),
    ]
    assert isinstance(read, list)
    assert str(read[0]) == "0.10"


@given(documents)
def test_json_is_read_as_json(document: object) -> None:
    assert decode(payload(json.dumps(document).encode())) == document


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_json_does_not_know_is_no_number(name: str) -> None:
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
def test_a_payload_that_is_not_json_says_why(content: bytes, expected: str) -> None:
    assert reason(content).startswith(expected)


def test_a_number_too_long_to_read_says_so() -> None:
    assert "limit" in reason(b"1" * 10_000)


@given(st.binary(max_size=60))
def test_no_bytes_whatever_escape_as_another_error(content: bytes) -> None:
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
def test_a_pointer_to_nothing_is_a_key_error(pointer: str) -> None:
    with pytest.raises(KeyError):
        resolve({"foo": ["a", "b"]}, pointer)


@given(st.text())
def test_an_escaped_key_leads_to_its_value(key: str) -> None:
    assert resolve({key: 1}, "/" + escape(key)) == 1


def test_half_a_character_is_replaced_and_a_whole_one_kept() -> None:
    content = b'{"a\\ud800": ["\\ud83d\\ude00", "\\udc00x", 1.50], "b": "\\\\ud800"}'
    found = decode(payload(content))
    assert found == {"a\ufffd": ["\U0001f600", "\ufffdx", Decimal("1.50")], "b": "\\ud800"}

"""Call plans, paging, and the interpretation of HTTP responses."""

from datetime import UTC, datetime

import pytest

from harmonize.core.payload import (
    Call,
    Origin,
    Payload,
    Provenance,
    Snapshot,
    UnreadablePayloadError,
)
from venues import calls
from venues.gathering.credentials import Credentials
from venues.gathering.responses import dating, holds_rows, one_line, seconds_to_wait

NOW = datetime(2026, 9, 25, 12, tzinfo=UTC)


def snapshot(content: str) -> Snapshot:
    provenance = Provenance(Origin.LIVE, "a test", "none")
    payload = Payload.of("x", Call("list"), NOW, provenance, content.encode())
    return Snapshot("x", NOW, (payload,), complete=True)


SYMBOLS = snapshot('{"data": [{"id": "B", "live": true}, {"id": "A", "live": true}, {"id": "C"}]}')


def test_calls_follow_from_responses_sorted_and_without_repeats() -> None:
    live_ids = calls.field_values("list", "data", field="id", where=lambda row: "live" in row)
    assert list(calls.call_per_value("symbol", live_ids, limit="5")(SYMBOLS)) == [
        (("limit", "5"), ("symbol", "A")),
        (("limit", "5"), ("symbol", "B")),
    ]
    all_ids = calls.field_values("list", "data", field="id")
    assert list(calls.batched_calls("symbols", all_ids, 2)(SYMBOLS)) == [
        (("symbols", "A,B"),),
        (("symbols", "C"),),
    ]


def test_combined_plans_and_a_plan_without_parameters() -> None:
    both = calls.combined_calls(
        calls.single_call(settle="usdt"), calls.calls_with({"settle": "btc"})
    )
    assert list(both(SYMBOLS)) == [(("settle", "usdt"),), (("settle", "btc"),)]
    assert list(calls.SINGLE_CALL(SYMBOLS)) == [()]


def test_a_cursor_is_followed_until_it_is_empty() -> None:
    next_call = calls.next_by_cursor("cursor", "result", "next")
    params = calls.call(category="linear")
    assert next_call(params, {"result": {"next": "p2"}}) == (
        ("category", "linear"),
        ("cursor", "p2"),
    )
    assert next_call(params, {"result": {"next": ""}}) is None
    with pytest.raises(UnreadablePayloadError, match="/result/next: expected a cursor"):
        next_call(params, {"result": {"next": ["p2"]}})


@pytest.mark.parametrize(
    ("next_call", "second"),
    [(calls.next_by_offset("at", 2, "rows"), "2"), (calls.next_by_page("at", 2, "rows"), "2")],
)
def test_full_pages_are_followed_and_a_short_page_is_the_last(
    next_call: calls.NextPage, second: str
) -> None:
    assert next_call((), {"rows": [1, 2]}) == (("at", second),)
    assert next_call((), {"rows": [1]}) is None
    with pytest.raises(calls.EmptyPageError):
        next_call((("at", second),), {"rows": []})
    with pytest.raises(UnreadablePayloadError, match="expected a list"):
        next_call((), {"rows": {}})


def test_listed_instruments_without_an_answer_are_named() -> None:
    omission = calls.unanswered_check(lambda _: ["A", "B", "C", "D", "E"], lambda _: ["A"])
    assert (
        omission(SYMBOLS)
        == "4 listed instruments without margins in the responses, including B, C, D"
    )
    assert calls.unanswered_check(lambda _: ["A"], lambda _: ["A", "Z"])(SYMBOLS) == ""


@pytest.mark.parametrize(
    ("document", "holds"),
    [
        ([1], True),
        ([], False),
        ({"code": 0, "data": []}, False),
        ({"data": {"list": [], "cursor": ""}}, False),
        ({"data": {"list": [], "rows": [1]}}, True),
        ({"markets": {"BTC-USD": {"rate": "1"}}}, True),
        ({"markets": {}}, False),
        ({"code": 1, "msg": "no"}, False),
        ("text", False),
        (1, False),
    ],
)
def test_a_response_has_rows_or_none(document: object, *, holds: bool) -> None:
    assert holds_rows(document) is holds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("", 0.0),
        ("soon", 0.0),
        ("Fri, 25 Sep 2026 12:01:00 GMT", 60.0),
        ("Fri, 25 Sep 2026 11:00:00 GMT", 0.0),
        ("Fri, 25 Sep 2026 12:01:00 -0000", 60.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert seconds_to_wait(header, NOW) == seconds


def test_only_a_deviating_clock_is_named() -> None:
    assert dating("Fri, 25 Sep 2026 12:00:30 GMT", NOW) == "clock of the gathering machine"
    assert dating("", NOW) == "clock of the gathering machine"
    assert dating("Fri, 25 Sep 2026 12:05:00 GMT", NOW) == (
        "clock of the gathering machine; the venue's clock read 2026-09-25 12:05:00 UTC"
    )


def test_reasons_are_one_line_without_urls_or_secrets() -> None:
    keys = Credentials({"apiKey": "open-sesame", "secret": "open"})
    reason = one_line("GET https://x.example/a?sign=1\n failed with open-sesame\x1b[31m", keys)
    assert reason == "GET failed with [secret] [31m"
    assert len(one_line("word " * 100, keys)) == 240

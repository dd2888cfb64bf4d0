"""Pages and lists at the limits of what counts as whole."""

from dataclasses import replace
from datetime import date

import pytest

from harmonize.core.payload import Origin, Payload
from tests.venues.test_completeness import (
    GATE,
    NOW,
    OKX,
    ROWS,
    SCHEDULE,
    adapter,
    missing_page,
    numbered,
    payload,
    schedules,
    snapshot,
)
from venues import completeness


def okx(document: object, **params: str) -> Payload:
    return payload("okx", OKX, document, **params)


def gate(rows: int, **params: str) -> Payload:
    return payload("gate", GATE, ROWS * rows, settle="usdt", **params)


WHOLES: dict[str, tuple[Payload, ...]] = {
    "a number beside a page that counts no pages": (
        okx({"data": {"page": 1, "timestamp": 1_700_000_000_000, "items": ROWS}}),
    ),
    "one page of one": (okx({"data": {"totalPages": 1, "page": 1, "items": ROWS}}),),
    "both of two pages": tuple(
        okx({"data": {"totalPages": 2, "page": int(page), "items": ROWS}}, page=page)
        for page in ("1", "2")
    ),
    "pages counted where the request names none": (okx({"data": {"totalPages": 2, "items": ROWS}}),),
    "a count of pages that is no number": (
        okx({"data": {"totalPages": True, "page": 1, "items": ROWS}}),
    ),
    "a total of the rows themselves": (okx({"data": {"total": 1, "pageSize": 1, "items": ROWS}}),),
    "a total of none": (okx({"data": {"total": 0, "pageSize": 1, "items": []}}),),
    "a total without any row": (okx({"data": {"total": 5, "pageSize": 1, "items": []}}),),
    "a total that is no number": (okx({"data": {"total": "1.5", "pageSize": 1, "items": ROWS}}),),
    "a cursor of zero": (okx({"data": ROWS, "next": 0}),),
    "a cursor below zero": (okx({"data": ROWS, "next": -1}),),
    "a cursor of -1 as text": (okx({"data": ROWS, "next": "-1"}),),
    "a cursor that is true": (okx({"data": ROWS, "next": True}),),
    "a cursor of null as text": (okx({"data": ROWS, "next": "null"}),),
    "a flag that is false beside a cursor": (okx({"data": ROWS, "next": "x", "hasMore": False}),),
    "a cursor of which the page is present": (
        okx({"data": ROWS, "next": "x"}),
        okx({"data": ROWS}, cursor="x"),
    ),
    "an address of which the page is present": (
        okx({"data": ROWS, "next_url": "https://example.org/list?cursor=x%3D1"}),
        okx({"data": ROWS}, cursor="x=1"),
    ),
    "a flag with a later page": (
        okx({"data": ROWS, "hasMore": True}, page="1"),
        okx({"data": ROWS, "hasMore": False}, page="2"),
    ),
    "a flag with a page without an order": (
        okx({"data": ROWS, "hasMore": True}),
        okx({"data": ROWS}, cursor="x"),
    ),
    "a size of zero": (gate(3, limit="0"),),
    "a size that is no number": (gate(3, limit="all"),),
    "an object below the third level": (
        okx({"a": {"b": {"c": {"hasMore": True}}}, "data": ROWS}),
    ),
    "an attempt": (payload("okx", OKX, {"data": ROWS, "has_more": True}, Origin.ATTEMPT),),
}  # fmt: skip

PARTS: dict[str, tuple[str, tuple[Payload, ...]]] = {
    "the first of three pages with the second": (
        "states at /data/totalPages that there are 3 pages",
        tuple(
            okx({"data": {"totalPages": 3, "page": int(page), "items": ROWS}}, page=page)
            for page in ("1", "2")
        ),
    ),
    "a total as text": (
        "states at /data/total a total of 2, of which 1 are present",
        (okx({"data": {"total": "2", "items": ROWS}}, limit="5"),),
    ),
    "a total of a request with a position": (
        "a total of 9, of which 2 are present",
        (
            okx({"data": {"total": 9, "items": ROWS}}, offset="0"),
            okx({"data": {"total": 9, "items": ROWS}}, offset="1"),
        ),
    ),
    "a page with more rows than its size": ("fills its page of 2 rows", (gate(3, limit="2"),)),
    "a full page with an earlier one": (
        "fills its page of 2 rows",
        (gate(2, limit="2", offset="2"), gate(2, limit="2", offset="0")),
    ),
    "a cursor of one": ("names a next page at /next", (okx({"data": ROWS, "next": 1}),)),
    "a cursor with a page of another one": (
        "names a next page at /next",
        (okx({"data": ROWS, "next": "xy"}), okx({"data": ROWS}, cursor="y")),
    ),
    "a flag in the third level": (
        "states at /a/b/hasMore that more follows",
        (okx({"a": {"b": {"hasMore": True}}, "data": ROWS}),),
    ),
    "a page alone": (
        "begins at page=2, and the first page is missing",
        (okx({"data": ROWS}, page="2"),),
    ),
    "an offset alone": (
        "begins at offset=1, and the first page is missing",
        (okx({"data": ROWS}, offset="1"),),
    ),
}


@pytest.mark.parametrize("case", WHOLES)
def test_a_list_is_whole_with(case: str) -> None:
    assert missing_page(*WHOLES[case]) == ""


@pytest.mark.parametrize("case", PARTS)
def test_a_list_is_a_part_with(case: str) -> None:
    expected, payloads = PARTS[case]
    assert expected in missing_page(*payloads)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ((("page", "1"), ("limit", "50")), ()),
        ((("page", "0"), ("size", "9")), ()),
        ((("offset", "0"),), ()),
        ((("offset", "1"),), (("offset", "1"),)),
        ((("page", "2"), ("settle", "usdt")), (("page", "2"), ("settle", "usdt"))),
        ((("settle", "0"),), (("settle", "0"),)),
    ],
)
def test_the_first_page_is_named_by_its_list_alone(
    params: tuple[tuple[str, str], ...], expected: tuple[tuple[str, str], ...]
) -> None:
    assert completeness.first_page(params) == expected


@pytest.mark.parametrize(
    ("total", "kept", "doubtful"),
    [(10, 8, False), (10, 7, True), (15, 12, False), (16, 12, True), (12, 10, False)],
)
def test_a_fifth_may_be_lost_and_fewer_than_three(total: int, kept: int, *, doubtful: bool) -> None:
    loss = completeness.list_loss(numbered(total), numbered(kept))
    assert bool(loss) is doubtful
    if doubtful:
        assert loss.startswith(f"{total - kept} of {total} contracts of the last complete list")


def test_only_contracts_that_expired_by_the_newest_schedule_are_no_loss() -> None:
    dated = schedules("D0", "D1", "D2", expiry=date(2026, 8, 2))
    early = numbered(5)
    late = [replace(one, observed_at=NOW.replace(day=2)) for one in numbered(5)]
    assert completeness.list_loss([*numbered(5), *dated], early)
    assert completeness.list_loss([*numbered(5), *dated], [*early[:1], *late[1:]]) == ""


def test_a_loss_names_three_examples_in_order() -> None:
    loss = completeness.list_loss(numbered(9), numbered(4, 5))
    assert loss.endswith("such as C000, C001, C002")


def test_a_call_for_a_whole_list_is_not_narrowed() -> None:
    whole = okx({"data": ROWS}, instType="SWAP")
    assert completeness.narrowed_call(adapter("okx"), snapshot(whole)) == ""
    asked = okx({"data": ROWS}, instType="SWAP", inst_id="BTC-USDT-SWAP")
    assert "asked for inst_id=BTC-USDT-SWAP only" in completeness.narrowed_call(
        adapter("okx"), snapshot(asked)
    )


def test_a_list_of_one_schedule_without_contracts_before_is_no_loss() -> None:
    assert completeness.list_loss([], [SCHEDULE]) == ""
    assert completeness.list_loss([], []) == ""


def test_an_endpoint_is_not_judged_by_a_list_that_cannot_be_read() -> None:
    listed = payload("bingx", "swapV2PublicGetQuoteContracts", "no list")
    asked = payload("bingx", "swapV1PrivateGetMaintMarginRatio", {"data": []}, symbol="BTC-USDT")
    assert completeness.narrowed_call(adapter("bingx"), snapshot(listed, asked)) == ""

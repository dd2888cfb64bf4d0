"""Completeness of lists: further pages, narrower questions, and lists that lost much."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from harmonize.core.instrument import contract
from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from harmonize.core.schedule import MarginSchedule
from tests.replay.gathering import baseline
from tests.support import recorded
from venues import completeness, facts, registry
from venues.adapter import VenueAdapter

NOW = datetime(2026, 8, 1, tzinfo=UTC)

BYBIT, DELTA, GATE, DERIVE, OKX, BITGET, HYPERLIQUID = (
    "publicGetV5MarketRiskLimit",
    "publicGetProducts",
    "publicFuturesGetSettleRiskLimitTiers",
    "publicPostGetAllInstruments",
    "publicGetPublicInstruments",
    "publicUtaGetV3MarketPositionTier",
    "publicPostInfo",
)


def payload(
    venue: str,
    method: str,
    document: object,
    origin: Origin = Origin.RECORDED,
    /,
    **params: str,
) -> Payload:
    call = Call(method, tuple(sorted(params.items())))
    content = json.dumps(document).encode()
    return Payload.of(venue, call, NOW, Provenance(origin, "a test", "none"), content)


def snapshot(*payloads: Payload) -> Snapshot:
    return Snapshot(payloads[0].venue, NOW, payloads, complete=True)


def adapter(venue: str) -> VenueAdapter:
    found = registry.find_adapter(venue)
    assert found is not None
    return found


def missing_page(*payloads: Payload) -> str:
    return completeness.missing_page(adapter(payloads[0].venue), snapshot(*payloads))


# Pages


def bybit_page(next_cursor: str | None, *symbols: str, **params: str) -> Payload:
    result: dict[str, object] = {"category": "linear", "list": [{"symbol": s} for s in symbols]}
    if next_cursor is not None:
        result["nextPageCursor"] = next_cursor
    return payload("bybit", BYBIT, {"result": result}, category="linear", **params)


def test_a_page_that_names_the_next_is_no_whole_list() -> None:
    assert missing_page(bybit_page("first%3DXMR%26last%3DXMR", "ADAUSDT")) == (
        "GET /v5/market/risk-limit: the response to publicGetV5MarketRiskLimit(category=linear) "
        "leads to cursor=first%3DXMR%26last%3DXMR, which is missing"
    )
    assert not missing_page(bybit_page("", "ADAUSDT"))
    assert not missing_page(bybit_page(None, "ADAUSDT"))


@pytest.mark.parametrize("cursor", ["first%3DXMR", "first=XMR", "first%253DXMR"])
def test_a_list_with_all_its_pages_is_whole_however_the_cursor_is_quoted(cursor: str) -> None:
    first, last = bybit_page("first%3DXMR", "ADAUSDT"), bybit_page("", "XMRUSDT", cursor=cursor)
    assert not missing_page(first, last)
    assert not missing_page(last, first)


def test_every_page_of_a_list_must_be_present() -> None:
    first, second, third = (
        bybit_page("b", "ADAUSDT", limit="1"),
        bybit_page("c", "XMRUSDT", cursor="b"),
        bybit_page("", "XRPUSDT", cursor="c", limit="50"),
    )
    assert not missing_page(first, second, third)
    assert "leads to cursor=b" in missing_page(first, third)
    assert "leads to cursor=c" in missing_page(first, second)
    assert "begins at cursor=b, and the first page is missing" in missing_page(second, third)
    other_list = payload(
        "bybit", BYBIT, {"result": {"list": [], "nextPageCursor": ""}}, category="inverse", cursor="b"
    )  # fmt: skip
    assert "leads to cursor=b" in missing_page(first, other_list)


ROWS = [{"contract": "BTC_USDT"}]

PARTS: dict[str, tuple[str, tuple[Payload, ...]]] = {
    "a cursor in an object beside the rows": (
        "leads to after=xyz",
        (payload("delta", DELTA, {"result": [], "meta": {"after": "xyz"}}, page_size="1000"),),
    ),
    "a page of the adapter's size": (
        "leads to offset=100",
        (payload("gate", GATE, ROWS * 100, settle="usdt", limit="100", offset="0"),),
    ),
    "a page of another size": (
        "fills its page of 50 rows",
        (payload("gate", GATE, ROWS * 50, settle="usdt", limit="50"),),
    ),
    "a page number": (
        "leads to page=2",
        (
            payload(
                "derive",
                DERIVE,
                {"result": {"instruments": ROWS * 1000}},
                page="1",
                page_size="1000",
            ),
        ),
    ),
    "a page size of an endpoint without pages": (
        "fills its page of 2 rows",
        (payload("okx", OKX, {"data": ROWS * 2}, instType="SWAP", limit="2"),),
    ),
    "a cursor that the adapter does not know": (
        "names a next page at /data/nextCursor",
        (payload("okx", OKX, {"data": {"list": ROWS, "nextCursor": "abc"}}),),
    ),
    "a cursor that is a number": (
        "names a next page at /next_page",
        (payload("okx", OKX, {"data": ROWS, "next_page": 2}),),
    ),
    "a flag": (
        "states at /has_more that more follows",
        (payload("okx", OKX, {"data": ROWS, "has_more": True}),),
    ),
    "a total": (
        "states at /data/total a total of 3, of which 1 are present",
        (payload("okx", OKX, {"data": {"total": 3, "pageSize": 1, "items": ROWS}}),),
    ),
    "a number of pages": (
        "states at /data/totalPages that there are 2 pages",
        (payload("okx", OKX, {"data": {"totalPages": "2", "page": 1, "items": ROWS}}),),
    ),
}


@pytest.mark.parametrize("case", PARTS)
def test_a_part_of_a_list_is_recognized_by(case: str) -> None:
    expected, payloads = PARTS[case]
    assert expected in missing_page(*payloads)


WHOLES: dict[str, tuple[Payload, ...]] = {
    "an end that the response states": (
        payload("okx", OKX, {"data": ROWS * 2, "has_more": False, "cursor": "x"}, limit="2"),
    ),
    "an empty cursor beside a full page": (
        payload("bybit", BYBIT, {"result": {"list": ROWS * 2, "nextPageCursor": ""}}, limit="2"),
    ),
    "a total without pages": (payload("okx", OKX, {"data": {"total": 3, "items": ROWS}}),),
    "a total that the pages reach": tuple(
        payload("okx", OKX, {"data": {"total": 2, "items": ROWS}}, page=page, limit="5")
        for page in ("1", "2")
    ),
    "rows below the page size": (
        payload("gate", GATE, ROWS * 49, settle="usdt", limit="50"),
    ),
    "a later page": (
        payload("gate", GATE, ROWS * 50, settle="usdt", limit="50", offset="0"),
        payload("gate", GATE, ROWS, settle="usdt", limit="50", offset="50"),
    ),
    "a field of a row that has the name of a cursor": (
        payload("okx", OKX, {"data": [{"next": "abc", "has_more": True}]}),
    ),
    "a gathered page whose next one was empty": (
        payload("gate", GATE, ROWS * 100, Origin.LIVE, settle="usdt", limit="100", offset="0"),
    ),
    "documentation": (
        payload("okx", OKX, {"data": ROWS, "has_more": True}, Origin.DOCUMENTATION),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLES)
def test_a_whole_list_is_recognized_by(case: str) -> None:
    assert not missing_page(*WHOLES[case])


def test_content_that_is_not_json_names_no_page() -> None:
    provenance = Provenance(Origin.RECORDED, "a test", "none")
    assert not missing_page(Payload.of("okx", Call(OKX), NOW, provenance, b"{"))


@pytest.mark.parametrize("observed", recorded.cases(recorded.snapshots()))
def test_no_recorded_snapshot_misses_a_page(observed: Snapshot) -> None:
    assert not completeness.missing_page(adapter(observed.venue), observed)


def test_no_gathered_snapshot_misses_a_page_or_is_narrowed() -> None:
    for venue, outcome in baseline()[0].items():
        assert not completeness.missing_page(adapter(venue), outcome.snapshot)
        assert not completeness.narrowed_call(adapter(venue), outcome.snapshot)


# Narrower questions


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (payload("bybit", BYBIT, {}, category="linear"), ""),
        (payload("bybit", BYBIT, {}, category="linear", symbol="BTCUSDT"), "asked for symbol=BTCUSDT only"),
        (payload("gate", GATE, [], settle="usdt", contract="BTC_USDT"), "asked for contract=BTC_USDT only"),
        (payload("bitget", BITGET, {}, category="USDT-FUTURES", symbol="BTCUSDT"), "asked for symbol=BTCUSDT only"),
        (payload("hyperliquid", HYPERLIQUID, {}, type="meta", dex="xyz"), "asked for dex=xyz only"),
        (payload("hyperliquid", HYPERLIQUID, {}, type="allPerpMetas"), ""),
        (payload("hyperliquid", HYPERLIQUID, {}, type="meta"), ""),
    ],
)  # fmt: skip
def test_a_call_for_some_instruments_is_no_whole_list(asked: Payload, expected: str) -> None:
    reason = completeness.narrowed_call(adapter(asked.venue), snapshot(asked))
    assert expected in reason
    assert bool(expected) == bool(reason)


# Lists that lost much

SCHEDULE = recorded.schedules("whitebit")[0]


def schedules(
    *names: str, settle: str = "USDT", expiry: date | None = None, at: datetime = NOW
) -> list[MarginSchedule]:
    """Schedules of contracts by id; the part after a colon is the base."""
    instruments = (
        contract(
            "x", name, base=name.rpartition(":")[2], quote="USDT", settle=settle, expiry=expiry
        )
        for name in names
    )
    return [replace(SCHEDULE, instrument=instrument, observed_at=at) for instrument in instruments]


def numbered(count: int, first: int = 0) -> list[MarginSchedule]:
    return schedules(*(f"C{number:03}" for number in range(first, first + count)))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (numbered(90), numbered(1), "89 of 90 contracts of the last complete list are gone, such as C001, C002, C003"),
        (numbered(90), numbered(71), "19 of 90"),
        (numbered(90), numbered(72), ""),
        (numbered(4), numbered(2), ""),
        (numbered(5), numbered(2), "3 of 5"),
        (numbered(2), [], "all 2 contracts of the last complete list are gone"),
        ([], numbered(2), ""),
        (numbered(9), numbered(20), ""),
    ],
)  # fmt: skip
def test_a_list_that_lost_more_than_a_fifth_is_doubtful(
    before: list[MarginSchedule], after: list[MarginSchedule], expected: str
) -> None:
    loss = completeness.list_loss(before, after)
    assert expected in loss
    assert bool(expected) == bool(loss)
    assert "\n" not in loss


def test_profiles_of_one_contract_count_once() -> None:
    before = numbered(5)
    assert not completeness.list_loss([*before, *before[:2] * 9], numbered(3, 2))


def test_contracts_that_expired_are_no_loss() -> None:
    dated = schedules(*(f"D{number}" for number in range(5)), expiry=NOW.date())
    assert not completeness.list_loss([*numbered(5), *dated], numbered(5))
    later = schedules(*(f"D{number}" for number in range(5)), expiry=date(2026, 8, 2))
    assert "5 of 10" in completeness.list_loss([*numbered(5), *later], numbered(5))


def test_contracts_with_unreadable_rows_are_no_loss() -> None:
    lost = [schedule.instrument for schedule in numbered(5)]
    names = [lost[0].id, *(instrument.symbol for instrument in lost[1:])]
    assert not completeness.list_loss(numbered(10), numbered(5, 5), names)
    assert completeness.list_loss(numbered(10), numbered(5, 5), names[:2])


def test_a_whole_exchange_is_not_lost_even_with_one_contract() -> None:
    before = [*numbered(90), *schedules("xyz:TSLA", "flx:GOLD")]
    loss = completeness.list_loss(before, [*numbered(90), *schedules("flx:GOLD")])
    assert loss == "all 1 contracts of exchange xyz are gone from the list of 92, such as xyz:TSLA"
    two = schedules("xyz:TSLA", "xyz:GOLD")
    assert not completeness.list_loss([*numbered(90), *two], [*numbered(90), two[0]])


def test_the_first_currency_of_a_pair_is_no_exchange() -> None:
    pair = replace(SCHEDULE.instrument, id="ADAF0:USTF0")
    pair = replace(pair, underlying=replace(pair.underlying, asset="ADA"))
    before = [*numbered(90), replace(SCHEDULE, instrument=pair)]
    assert not completeness.list_loss(before, numbered(90))


def test_a_market_of_three_contracts_is_not_lost_as_a_whole() -> None:
    for names, expected in ((("A", "B", "C"), "all 3 contracts of linear contracts in USDC"), (("A", "B"), "")):  # fmt: skip
        before = [*numbered(90), *schedules(*names, settle="USDC")]
        assert expected in completeness.list_loss(before, numbered(90))
        assert bool(expected) == bool(completeness.list_loss(before, numbered(90)))


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        (numbered(10), numbered(10), True),
        (numbered(10), numbered(11), True),
        (numbered(10), numbered(9), True),
        (numbered(10), numbered(10, 40), False),
        (numbered(10), numbered(50), False),
        (numbered(50), numbered(10), False),
        (numbered(10), [], False),
        ([], numbered(10), False),
    ],
)
def test_a_loss_is_confirmed_by_a_second_list_that_is_about_equal(
    *, earlier: list[MarginSchedule], later: list[MarginSchedule], expected: bool
) -> None:
    assert completeness.agrees(earlier, later) is expected


def pairs() -> list[tuple[Snapshot, Snapshot]]:
    """Consecutive dated snapshots of Binance, in the order of time."""
    dated = sorted(
        (observed for observed in recorded.snapshots() if observed.venue == "binance"),
        key=lambda observed: observed.observed_at,
    )
    return list(pairwise(dated))


BUSD_ENDED = date(2024, 2, 3)
"""Day on which Binance listed no contract in BUSD any more: the only loss since 2022."""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            *pair,
            id=f"{pair[1].observed_at:%Y-%m-%d}",
            marks=() if pair[1].observed_at.date() == BUSD_ENDED else pytest.mark.sample(4),
        )
        for pair in pairs()
    ],
)
def test_the_history_of_binance_has_one_loss_in_four_years(
    before: Snapshot, after: Snapshot
) -> None:
    bundled = facts.bundled()
    loss = completeness.list_loss(
        registry.read(before, bundled).schedules, registry.read(after, bundled).schedules
    )
    assert ("contracts in BUSD" in loss) == (after.observed_at.date() == BUSD_ENDED)
    assert bool(loss) == (after.observed_at.date() == BUSD_ENDED)


# Records of reasons


def test_a_partial_snapshot_keeps_its_reason() -> None:
    original = snapshot(payload("okx", OKX, {}))
    partial = completeness.as_partial(original, "half of the list is gone: 币安人生")
    assert not partial.complete
    assert partial.payloads[1:] == original.payloads
    assert partial.payloads[0].provenance.origin is Origin.NOTE
    assert partial.payloads[0].call == Call("partialList")
    assert completeness.partial_reason(partial) == "half of the list is gone: 币安人生"
    assert completeness.partial_reason(original) == ""


def test_a_damaged_record_of_a_reason_is_no_crash() -> None:
    documents: tuple[object, ...] = ([], {"other": 1})
    for document in documents:
        damaged = snapshot(payload("okx", "partialList", document, Origin.NOTE))
        assert completeness.partial_reason(damaged) == "the record of the reason is unreadable"

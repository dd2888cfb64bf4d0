"""Decides whether a snapshot lists every contract: further pages, and lists that lost much.

A response that names a next page, or fills its page, is a part of a list. A list that lost a fifth of
its contracts, or a whole exchange, in one night is more often a fault than a decision of the venue.
Such a snapshot is partial: what it lacks counts as not observed. Its reason is archived with it.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from harmonize.core.instrument import Instrument
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
from harmonize.core.schedule import MarginSchedule
from venues.adapter import Calls, Endpoint, VenueAdapter
from venues.calls import EmptyPageError, Params, unquoted

LOST_SHARE = 0.2
"""Share of the contracts of a list above which their loss in one night is not believed."""

MIN_LOST = 3
"""Smallest number of lost contracts that can make a list doubtful by its share."""

MIN_GROUP = 3
"""Smallest number of contracts of one settlement currency and payoff whose loss as a whole counts."""

CONFIRMATION_INTERVAL = timedelta(hours=12)
"""Shortest time between two observations of which the second confirms the loss of the first."""

PARTIAL_LIST = "partialList"
"""Call name of the record why a snapshot is partial; not a method of any venue."""

_EXAMPLES = 3

_PAGE_SIZES = frozenset({"limit", "pagesize", "size", "perpage", "pagelimit"})
_POSITIONS = frozenset(
    {
        "after", "before", "continuation", "currentpage", "cursor", "from", "fromid", "marker",
        "next", "nextcursor", "nextpagecursor", "offset", "page", "pagecursor", "pageindex",
        "pageno", "pagenum", "pagenumber", "pagetoken", "skip", "start", "startafter",
    }
)  # fmt: skip
_CURSORS = frozenset(
    {
        "after", "continuation", "continuationtoken", "cursor", "next", "nextcursor", "nextid",
        "nextkey", "nextlink", "nextoffset", "nextpage", "nextpagecursor", "nextpagetoken",
        "nexttoken", "nexturl", "pagecursor",
    }
)  # fmt: skip
_FLAGS = frozenset({"hasmore", "hasnext", "hasnextpage", "more", "moreavailable"})
_TOTALS = frozenset({"total", "totalcount", "totalitems", "totalnum", "totalsize"})
_PAGE_COUNTS = frozenset({"numpages", "pagecount", "totalpage", "totalpages"})
_PAGE_NUMBERS = frozenset({"currentpage", "page", "pageno", "pagenum", "pagenumber", "pageindex"})
"""Names of parameters and of keys in responses, in lower case without separators."""

_NARROWING = frozenset(
    {
        "basecoin", "baseccy", "coin", "contract", "contractcode", "dex", "instfamily", "instid",
        "instrument", "instrumentid", "instrumentname", "market", "pair", "productid", "symbol",
        "symbols", "ticker", "uly", "underlying",
    }
)  # fmt: skip
"""Names of parameters that ask for some instruments of a list."""

_ENVELOPE_DEPTH = 3
"""Number of nested objects in which a response may state its pages."""

_OWN_RECORDS = frozenset({Origin.ATTEMPT, Origin.NOTE, Origin.MARKET, Origin.DOCUMENTATION})
"""Origins of payloads that are no page of a venue's list."""


def missing_page(adapter: VenueAdapter, snapshot: Snapshot) -> str:
    """Returns the endpoint and position of a page that the snapshot lacks, in one line.

    Empty if every response is a last page or is followed by its next page. Pages of a gathered
    endpoint with ``next_page`` are excluded: gathering follows them, and archives no empty last page.
    """
    pages = [page for payload in snapshot.payloads if (page := _page(adapter, payload))]
    for page in pages:
        siblings = [other for other in pages if other.group == page.group]
        position = _absent_first_page(page, siblings) or _unanswered_position(page, siblings)
        if position:
            request = page.endpoint.request if page.endpoint else page.payload.call.method
            return f"{request}: the response to {page.payload.call} {position}"
    return ""


def narrowed_call(adapter: VenueAdapter, snapshot: Snapshot) -> str:
    """Returns the call that asked for some instruments of a list only, in one line.

    Empty if every list was asked for as a whole. Endpoints with one call per instrument are whole
    if the list of instruments is in the snapshot, too.
    """
    for endpoint in (*adapter.endpoints, *adapter.recorded_only):
        answers = snapshot.answers(endpoint.method)
        if not endpoint.required or not answers:
            continue
        try:
            is_planned = endpoint in adapter.endpoints
            planned = list(endpoint.call_plan(snapshot)) if is_planned else []
        except UnreadablePayloadError:
            continue
        is_list = endpoint.calls in {Calls.ONE, Calls.PAGES}
        if planned and not is_list:
            continue  # the calls that the list of instruments implies are compared one by one
        names = {name for params in planned for name, _ in params} if is_list else set()
        for payload in answers:
            for name, value in payload.call.params:
                if _plain(name) in _NARROWING and name not in names:
                    return f"{endpoint.request}: asked for {name}={value} only"
    return ""


@dataclass(frozen=True, slots=True)
class _Page:
    """One response as a page: ``group`` is the method and the parameters that all its pages share."""

    payload: Payload
    endpoint: Endpoint | None
    document: object
    group: tuple[object, ...]

    @property
    def positions(self) -> dict[str, str]:
        """Parameters that state the position of the page, without quoting."""
        return {
            name: unquoted(value)
            for name, value in self.payload.call.params
            if _plain(name) in _POSITIONS
        }

    @property
    def size(self) -> int | None:
        """Number of rows that the request allows; None if it does not state one."""
        values = (value for name, value in self.payload.call.params if _plain(name) in _PAGE_SIZES)
        return next((int(value) for value in values if value.isdecimal() and int(value)), None)

    @property
    def rows(self) -> int:
        """Number of rows of the longest list of the response."""
        lists = [
            value
            for _, node in _envelope(self.document)
            for value in (node.values() if isinstance(node, dict) else [node])
            if isinstance(value, list)
        ]
        return max(map(len, lists), default=0)


def _page(adapter: VenueAdapter, payload: Payload) -> _Page | None:
    """Returns a response as a page; None if it is no response of the venue, or unreadable."""
    if payload.provenance.origin in _OWN_RECORDS:
        return None
    method = payload.call.method
    endpoints = [endpoint for endpoint in adapter.endpoints if endpoint.method == method]
    endpoint = next((entry for entry in endpoints if entry.next_page), None) or next(
        iter(endpoints), None
    )
    is_followed = endpoint is not None and endpoint.next_page is not None
    if is_followed and payload.provenance.origin is Origin.LIVE:
        return None
    try:
        document = decode(payload)
    except UnreadablePayloadError:
        return None
    paging = _PAGE_SIZES | _POSITIONS
    shared = tuple(pair for pair in payload.call.params if _plain(pair[0]) not in paging)
    return _Page(payload, endpoint, document, (method, *shared))


def first_page(params: Params) -> Params:
    """Returns the parameters of a list without its page size, and without the first position.

    Calls that ask for the first page of one list in pages of different sizes are equal then.
    """
    return tuple(pair for pair in params if not _is_size(pair) and not _is_first(pair))


def _is_size(pair: tuple[str, str]) -> bool:
    return _plain(pair[0]) in _PAGE_SIZES


def _is_first(pair: tuple[str, str]) -> bool:
    name, value = _plain(pair[0]), pair[1]
    return name in _POSITIONS and (value == "0" or (value == "1" and name in _PAGE_NUMBERS))


def _absent_first_page(page: _Page, siblings: Sequence[_Page]) -> str:
    """Returns the position of a page if no page of its list is the first; empty if one is."""
    positions = [
        [pair for pair in sibling.positions.items() if not _is_first(pair)] for sibling in siblings
    ]
    if all(positions):
        name, value = next(iter(page.positions.items()))
        return f"begins at {name}={value}, and the first page is missing"
    return ""


def _unanswered_position(page: _Page, siblings: Sequence[_Page]) -> str:
    """Returns what names a further page that none of the ``siblings`` is; empty if nothing does."""
    followed = _adapters_next_position(page)
    for name, value in followed:
        if not any(sibling.positions.get(name) == unquoted(value) for sibling in siblings):
            return f"leads to {name}={value}, which is missing"
    if followed:
        return ""
    stated_end = False
    for pointer, node in _envelope(page.document):
        if isinstance(node, dict):
            statement = _named_next(page, pointer, node, siblings)
            if statement:
                return statement
            stated_end = stated_end or any(_plain(name) in _CURSORS | _FLAGS for name in node)
    is_full = page.size is not None and page.rows >= page.size and not stated_end
    if is_full and not _has_later_page(page, siblings):
        return f"fills its page of {page.size} rows, and no further page is present"
    return ""


def _adapters_next_position(page: _Page) -> Params:
    """Returns the parameters in which the adapter's next call differs; empty for a last page."""
    if page.endpoint is None or page.endpoint.next_page is None:
        return ()
    params = page.payload.call.params
    try:
        following = page.endpoint.next_page(params, page.document)
    except (EmptyPageError, UnreadablePayloadError, ValueError):
        return ()
    return tuple(pair for pair in following or () if pair not in params)


def _named_next(
    page: _Page, pointer: str, node: dict[str, object], siblings: Sequence[_Page]
) -> str:
    """Returns the statement of one object of the envelope that a missing page follows."""
    keys = {_plain(name): name for name in node}
    flags = [name for plain, name in keys.items() if plain in _FLAGS]
    if any(node[name] is False for name in flags):
        return ""
    for plain, name in keys.items():
        value, where = node[name], f"{pointer}/{escape(name)}"
        if plain in _CURSORS and _is_cursor(value):
            if not any(_contains(value, sibling.positions.values()) for sibling in siblings):
                return f"names a next page at {where}, which is missing"
        elif plain in _FLAGS and value is True and not _has_later_page(page, siblings):
            return f"states at {where} that more follows"
        elif plain in _TOTALS and _is_count(value) and _is_paged(page, keys):
            observed = sum(sibling.rows for sibling in siblings)
            if 0 < observed < int(str(value)):
                return f"states at {where} a total of {value}, of which {observed} are present"
    return _page_count_statement(page, pointer, node, siblings)


def _page_count_statement(
    page: _Page, pointer: str, node: dict[str, object], siblings: Sequence[_Page]
) -> str:
    keys = {_plain(name): name for name in node}
    for plain, name in keys.items():
        value = node[name]
        is_page_count = plain in _PAGE_COUNTS and _is_count(value) and _is_paged(page, keys)
        if is_page_count and len(siblings) < int(str(value)):
            return f"states at {pointer}/{escape(name)} that there are {value} pages"
    return ""


def _is_paged(page: _Page, keys: Collection[str]) -> bool:
    """Whether a total counts rows of pages: the request or the same object states a page."""
    has_request = page.size is not None or bool(page.positions)
    return has_request or any(plain in _PAGE_NUMBERS | _PAGE_SIZES for plain in keys)


def _is_cursor(value: object) -> bool:
    return (isinstance(value, str) and value not in {"", "0", "null", "-1"}) or (
        isinstance(value, int) and not isinstance(value, bool) and value > 0
    )


def _is_count(value: object) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and value.isdecimal()
    )


def _contains(cursor: object, positions: Iterable[str]) -> bool:
    """Whether a cursor, or the address that it is, leads to one of the positions."""
    text = unquoted(str(cursor))
    return any(text == position or text.endswith(f"={position}") for position in positions)


def _has_later_page(page: _Page, siblings: Sequence[_Page]) -> bool:
    """Whether a page with a later position is present, or a position that has no order."""
    for sibling in siblings:
        for name, value in sibling.positions.items():
            own = page.positions.get(name, "0")
            if value != own and not (value.isdecimal() and own.isdecimal()):
                return True
            if value.isdecimal() and own.isdecimal() and int(value) > int(own):
                return True
    return False


def _envelope(document: object, pointer: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """Yields the objects around the rows of a response with their pointers, or its list of rows."""
    if isinstance(document, list) and not depth:
        yield pointer, document
    if not isinstance(document, dict) or depth >= _ENVELOPE_DEPTH:
        return
    yield pointer, document
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _envelope(value, f"{pointer}/{escape(name)}", depth + 1)


def _plain(name: str) -> str:
    """Returns a name in lower case without separators: ``page_size`` and ``pageSize`` are equal."""
    return re.sub(r"[_\-]", "", name).lower()


def list_loss(
    before: Iterable[MarginSchedule],
    after: Iterable[MarginSchedule],
    unreadable: Collection[str] = (),
) -> str:
    """Returns how much of a venue's list is gone, in one line; empty if the loss is believable.

    ``before`` are the schedules of the venue's last complete snapshot, ``after`` those of the new
    one. A loss is doubtful if it exceeds ``LOST_SHARE`` and ``MIN_LOST`` contracts, or takes a whole
    exchange, or all of at least ``MIN_GROUP`` contracts of one settlement currency and payoff.
    Contracts that expired by the new observation, and ids or symbols in ``unreadable``, which the
    new snapshot lists without readable margins, are no loss.
    """
    new = list(after)
    present = {schedule.instrument.id for schedule in new}
    day = max((schedule.observed_at.date() for schedule in new), default=date.min)
    old = {
        schedule.instrument.id: schedule.instrument
        for schedule in before
        if not _is_expired(schedule.instrument, day)
    }
    lost = [
        name
        for name, instrument in sorted(old.items())
        if name not in present and not {name, instrument.symbol} & set(unreadable)
    ]
    if not lost:
        return ""
    if not new:
        return f"all {len(old)} contracts of the last complete list are gone, {_examples(lost)}"
    if len(lost) >= MIN_LOST and len(lost) > LOST_SHARE * len(old):
        return (
            f"{len(lost)} of {len(old)} contracts of the last complete list are gone, "
            f"{_examples(lost)}"
        )
    return _lost_group(old, lost)


def _is_expired(instrument: Instrument, day: date) -> bool:
    return instrument.expiry is not None and instrument.expiry <= day


def _lost_group(old: dict[str, Instrument], lost: Sequence[str]) -> str:
    """Returns the first group of contracts that is gone as a whole; empty if none is."""
    for describe, smallest in ((_exchange, 1), (_market, MIN_GROUP)):
        members: dict[str, list[str]] = {}
        for name, instrument in old.items():
            members.setdefault(describe(instrument), []).append(name)
        for group, names in sorted(members.items()):
            if group and len(names) >= smallest and set(names) <= set(lost):
                return (
                    f"all {len(names)} contracts of {group} are gone from the list of {len(old)}, "
                    f"{_examples(sorted(names))}"
                )
    return ""


def _exchange(instrument: Instrument) -> str:
    """Returns the exchange in an id such as xyz:TSLA; empty in BTCF0:USTF0, a pair of currencies."""
    name, colon, _ = instrument.id.partition(":")
    return f"exchange {name}" if colon and instrument.underlying.asset not in name else ""


def _market(instrument: Instrument) -> str:
    return f"{instrument.payoff.value} contracts in {instrument.settle}"


def _examples(names: Sequence[str]) -> str:
    return f"such as {', '.join(names[:_EXAMPLES])}"


def agrees(previous_partial: Iterable[MarginSchedule], new: Iterable[MarginSchedule]) -> bool:
    """Whether a later list lacks the same contracts as an earlier doubtful one, which confirms it.

    The two lists may differ by ordinary listings and delistings, in either direction. The caller
    ensures that ``CONFIRMATION_INTERVAL`` lies between them.
    """
    earlier, later = list(previous_partial), list(new)
    return bool(later) and not list_loss(earlier, later) and not list_loss(later, earlier)


def partial_note(venue: str, observed_at: datetime, reason: str) -> Payload:
    """Returns the record why a snapshot is partial, to be archived among its payloads."""
    content = json.dumps({"reason": reason}, ensure_ascii=False).encode()
    provenance = Provenance(Origin.NOTE, "this tool", "observation time of the snapshot")
    return Payload.of(venue, Call(PARTIAL_LIST), observed_at, provenance, content)


def as_partial(snapshot: Snapshot, reason: str) -> Snapshot:
    """Returns the snapshot as partial, with the record of the reason before its payloads."""
    note = partial_note(snapshot.venue, snapshot.observed_at, reason)
    return replace(snapshot, payloads=(note, *snapshot.payloads), complete=False)


def partial_reason(snapshot: Snapshot) -> str:
    """Returns the archived reason why a snapshot is partial; empty if there is none."""
    for payload in snapshot.payloads:
        if payload.call.method == PARTIAL_LIST:
            try:
                return str(resolve(decode(payload), "/reason"))
            except (UnreadablePayloadError, KeyError):
                return "the record of the reason is unreadable"
    return ""

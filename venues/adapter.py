"""Defines a venue adapter: the calls to make and the parser of the responses."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from harmonize.core.payload import Defect, Payload, Remark, Snapshot
from harmonize.core.schedule import MarginSchedule
from venues.calls import SINGLE_CALL, CallPlan, NextPage
from venues.facts import Facts


class Purpose(StrEnum):
    """Kind of data an endpoint provides."""

    MARGIN = "margin"
    INSTRUMENTS = "instruments"
    STATUS = "listing status"  # what trades, for venues whose margins carry no status
    PRICES = "prices"  # mark prices or tickers; tickers also carry the 24 h volume
    OPEN_INTEREST = "open interest"


class Access(StrEnum):
    """Whether an endpoint requires an API key."""

    PUBLIC = "public"
    KEY = "key"


class Calls(StrEnum):
    """Number of calls an endpoint needs to cover all instruments."""

    ONE = "one"
    PAGES = "pages"
    PER_FAMILY = "one per family"
    PER_SYMBOL = "one per symbol"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Endpoint of a venue: the ccxt implicit method that calls it, and its HTTP request.

    ``request`` is the HTTP method and path in the venue's documentation; ``{name}`` marks a
    parameter. ``call_plan`` returns the calls to make, given the snapshot so far. Endpoints are called
    in the order listed. ``next_page`` returns the call that follows a response; None after the
    last page. Parameters are text; those named in ``typed`` are JSON (a number, true, a list).
    ``lists_margins`` marks a list of instruments that states margins as well.
    """

    method: str
    request: str
    purpose: Purpose
    access: Access = Access.PUBLIC
    calls: Calls = Calls.ONE
    call_plan: CallPlan = SINGLE_CALL
    next_page: NextPage | None = None
    typed: tuple[str, ...] = ()
    lists_margins: bool = False

    @property
    def required(self) -> bool:
        """Whether gathering fails without this endpoint; market data and statuses are optional."""
        return self.purpose in {Purpose.MARGIN, Purpose.INSTRUMENTS}


@dataclass(frozen=True, slots=True)
class Parsed:
    """Result of parsing a snapshot: its schedules, and the defects of unreadable payloads or rows.

    ``remarks`` are observations that make nothing unreadable.
    """

    schedules: tuple[MarginSchedule, ...]
    defects: tuple[Defect, ...]
    remarks: tuple[Remark, ...] = ()


def _no_omission(_: Snapshot) -> str:
    return ""


def _no_payloads() -> tuple[Payload, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class VenueAdapter:
    """Adapter of one venue. ``parse`` is pure: equal snapshots and facts give equal schedules.

    ``host`` serves the public endpoints. ``completeness_error`` returns a message if gathered responses omit
    instruments that an instrument list or a count implies; empty if the responses are complete.
    ``closure_reason`` is the reason why the venue can no longer be gathered; its recordings remain in use.
    ``ccxt_class`` is the ccxt class that makes the calls, if its name differs from ``venue``.
    ``documented_payloads`` returns payloads that only the venue's documentation states. They join the
    gathered payloads with the origin ``documentation``.
    ``recorded_only`` are endpoints that gathering never calls, although ``parse`` reads their recordings.
    ``closed_on`` is the day on which the venue closed.
    ``order_book`` names the order book that several venues share; empty if the venue has its own.
    """

    venue: str
    title: str
    endpoints: tuple[Endpoint, ...]
    parse: Callable[[Snapshot, Facts], Parsed]
    host: str = ""
    completeness_error: Callable[[Snapshot], str] = _no_omission
    closure_reason: str = ""
    ccxt_class: str = ""
    documented_payloads: Callable[[], tuple[Payload, ...]] = _no_payloads
    recorded_only: tuple[Endpoint, ...] = ()
    order_book: str = ""
    closed_on: date | None = None

"""A venue adapter as a value: what to ask the venue, and how to read its answers."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from harmonize.core.payload import Defect, Payload, Snapshot
from harmonize.core.schedule import MarginSchedule
from venues.calls import ONCE, CallPlan, NextPage
from venues.facts import Facts


class Purpose(StrEnum):
    """What an endpoint is asked for."""

    MARGIN = "margin"
    INSTRUMENTS = "instruments"
    PRICES = "prices"  # mark prices or tickers; tickers carry the 24 h volume too
    OPEN_INTEREST = "open interest"


class Access(StrEnum):
    """Whether an endpoint answers without a key."""

    PUBLIC = "public"
    KEY = "key"


class Calls(StrEnum):
    """How many calls one endpoint takes for all instruments."""

    ONE = "one"
    PAGES = "pages"
    PER_FAMILY = "one a family"
    PER_SYMBOL = "one a symbol"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint: the ccxt implicit method that calls it, and the request it makes.

    ``request`` is the HTTP method and path of the venue's documentation, ``{name}`` standing for
    a parameter. ``ask`` gives the calls to make, from what the snapshot holds so far; endpoints
    are asked in the order listed. ``next_page`` gives the call that follows an answer, None after
    the last page. Parameters are text; those named in ``typed`` are JSON (a number, true, a list).
    """

    method: str
    request: str
    purpose: Purpose
    access: Access = Access.PUBLIC
    calls: Calls = Calls.ONE
    ask: CallPlan = ONCE
    next_page: NextPage | None = None
    typed: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether a venue without its answer was not gathered; market data alone can be missing."""
        return self.purpose in {Purpose.MARGIN, Purpose.INSTRUMENTS}


@dataclass(frozen=True, slots=True)
class Parsed:
    """What reading a snapshot gave: schedules, and what could not be read."""

    schedules: tuple[MarginSchedule, ...]
    defects: tuple[Defect, ...]


def _whole(_: Snapshot) -> str:
    return ""


def _nothing() -> tuple[Payload, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class VenueAdapter:
    """One venue. ``parse`` is pure: the same snapshot and facts give the same schedules.

    ``host`` is where its public endpoints answer. ``whole`` says what is missing from gathered
    answers that an instrument list or a count in them gives away; empty when nothing is.
    ``closed`` says why the venue can no longer be gathered; its recordings are still read.
    ``exchange`` is the ccxt class that asks, where it is not named as the venue. ``documented``
    gives what the venue states in its documentation alone; it is put beside the gathered answers,
    marked as what it is.
    """

    venue: str
    title: str
    endpoints: tuple[Endpoint, ...]
    parse: Callable[[Snapshot, Facts], Parsed]
    host: str = ""
    whole: Callable[[Snapshot], str] = _whole
    closed: str = ""
    exchange: str = ""
    documented: Callable[[], tuple[Payload, ...]] = _nothing

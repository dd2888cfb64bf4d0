"""A venue adapter as a value: what to ask the venue, and how to read its answers."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from harmonize.payload import Defect, Snapshot
from harmonize.schedule import MarginSchedule
from venues.facts import Facts


class Purpose(StrEnum):
    """What an endpoint is asked for."""

    MARGIN = "margin"
    INSTRUMENTS = "instruments"
    PRICES = "prices"


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
    """One endpoint: the ccxt implicit method that calls it, and the request it makes."""

    method: str
    request: str
    purpose: Purpose
    access: Access = Access.PUBLIC
    calls: Calls = Calls.ONE


@dataclass(frozen=True, slots=True)
class Parsed:
    """What reading a snapshot gave: schedules, and what could not be read."""

    schedules: tuple[MarginSchedule, ...]
    defects: tuple[Defect, ...]


@dataclass(frozen=True, slots=True)
class VenueAdapter:
    """One venue. ``parse`` is pure: the same snapshot and facts give the same schedules."""

    venue: str
    title: str
    endpoints: tuple[Endpoint, ...]
    parse: Callable[[Snapshot, Facts], Parsed]

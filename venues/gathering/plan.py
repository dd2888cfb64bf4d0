"""The calls that gathering takes and the time that rate limits set, before anything is asked."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harmonize.core.payload import Snapshot, UnreadablePayloadError
from venues.adapter import Access, Endpoint, VenueAdapter
from venues.calls import Params

_NEVER = datetime.min.replace(tzinfo=UTC)

Costs = Callable[[VenueAdapter, Sequence[tuple[Endpoint, Params]]], list[float]]
"""Seconds that each call holds back the venue's next one; ccxt knows them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One endpoint of a venue: how many calls, and whether more may turn out to be due."""

    endpoint: Endpoint
    calls: int
    at_least: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What gathering one venue takes. ``floor`` is the least time in seconds its limits allow.

    ``skipped`` says why the venue will not be asked; empty where it will.
    """

    venue: str
    steps: tuple[Step, ...]
    floor: float
    skipped: str = ""

    @property
    def calls(self) -> int:
        """How many calls all endpoints take."""
        return sum(step.calls for step in self.steps)

    @property
    def at_least(self) -> bool:
        """Whether more calls may turn out to be due, once the venue's lists are known."""
        return any(step.at_least for step in self.steps)


def plan(
    adapters: Iterable[VenueAdapter],
    held: Mapping[str, Snapshot],
    keyed: Callable[[str], bool],
    costs: Costs,
) -> tuple[Plan, ...]:
    """Plan each venue from its newest snapshot, which says what there is to ask for."""
    found = []
    for one in adapters:
        has_key = keyed(one.venue)
        found.append(_plan(one, held.get(one.venue), costs, keyed=has_key))
    return tuple(found)


def _plan(adapter: VenueAdapter, snapshot: Snapshot | None, costs: Costs, *, keyed: bool) -> Plan:
    why_not = skipped(adapter, keyed=keyed)
    if why_not:
        return Plan(adapter.venue, (), 0.0, why_not)
    known = snapshot or Snapshot(adapter.venue, _NEVER, (), complete=False)
    steps, calls = [], []
    for endpoint in adapter.endpoints:
        if endpoint.access is Access.KEY and not keyed:
            continue
        due, at_least = _calls(endpoint, known)
        steps.append(Step(endpoint, len(due), at_least))
        calls += [(endpoint, params) for params in due]
    held_back = costs(adapter, calls)
    return Plan(adapter.venue, tuple(steps), sum(held_back[:-1]))


def skipped(adapter: VenueAdapter, *, keyed: bool) -> str:
    """Say why a venue is not asked; empty where it is."""
    if adapter.closed:
        return adapter.closed
    if not keyed and any(one.access is Access.KEY and one.required for one in adapter.endpoints):
        return "needs a key"
    return ""


def _calls(endpoint: Endpoint, known: Snapshot) -> tuple[list[Params], bool]:
    """The calls of an endpoint; at least one, where the snapshot does not say how many."""
    try:
        first = list(endpoint.ask(known))
    except UnreadablePayloadError:
        first = []
    pages = [one.call.params for one in known.answers(endpoint.method)]
    if not first:
        return pages or [()], True
    if endpoint.next_page is None:
        return first, False
    following = [params for params in pages if params not in first]
    return first + following, not pages

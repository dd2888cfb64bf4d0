"""Estimates the calls of a gathering run and its minimum duration under rate limits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harmonize.core.payload import Snapshot, UnreadablePayloadError
from venues.adapter import Access, Endpoint, VenueAdapter
from venues.calls import Params

_NEVER = datetime.min.replace(tzinfo=UTC)

Costs = Callable[[VenueAdapter, Sequence[tuple[Endpoint, Params]]], list[float]]
"""Returns the seconds by which each call delays the venue's next call, by ccxt's rate limits."""


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """Calls of one endpoint; ``is_lower_bound``: whether the number is only a lower bound."""

    endpoint: Endpoint
    calls: int
    is_lower_bound: bool


@dataclass(frozen=True, slots=True)
class VenuePlan:
    """Calls of one venue. ``min_seconds`` is the minimum duration under its rate limits, in seconds.

    ``reason_to_skip`` is the reason why the venue will not be called; empty if it will.
    """

    venue: str
    steps: tuple[EndpointPlan, ...]
    min_seconds: float
    skip_reason: str = ""

    @property
    def calls(self) -> int:
        """Number of calls of all endpoints."""
        return sum(step.calls for step in self.steps)

    @property
    def is_lower_bound(self) -> bool:
        """Whether the number of calls is only a lower bound until the venue's lists are known."""
        return any(step.is_lower_bound for step in self.steps)


def plan_calls(
    adapters: Iterable[VenueAdapter],
    newest: Mapping[str, Snapshot],
    keyed: Callable[[str], bool],
    costs: Costs,
) -> tuple[VenuePlan, ...]:
    """Plans each venue from its newest snapshot, which lists the instruments to call for.

    ``keyed`` returns whether credentials of a venue are available.
    """
    return tuple(
        _plan(adapter, newest.get(adapter.venue), costs, keyed=keyed(adapter.venue))
        for adapter in adapters
    )


def _plan(
    adapter: VenueAdapter, snapshot: Snapshot | None, costs: Costs, *, keyed: bool
) -> VenuePlan:
    skip_reason = reason_to_skip(adapter, keyed=keyed)
    if skip_reason:
        return VenuePlan(adapter.venue, (), 0.0, skip_reason)
    basis = snapshot or Snapshot(adapter.venue, _NEVER, (), complete=False)
    steps, calls = [], []
    for endpoint in adapter.endpoints:
        if endpoint.access is Access.KEY and not keyed:
            continue
        endpoint_calls, at_least = _calls(endpoint, basis)
        steps.append(EndpointPlan(endpoint, len(endpoint_calls), at_least))
        calls += [(endpoint, params) for params in endpoint_calls]
    delays = costs(adapter, calls)
    return VenuePlan(adapter.venue, tuple(steps), sum(delays[:-1]))


def reason_to_skip(adapter: VenueAdapter, *, keyed: bool) -> str:
    """Reason why a venue is not called; empty if it is."""
    if adapter.closure_reason:
        return adapter.closure_reason
    needs_key = any(
        endpoint.access is Access.KEY and endpoint.required for endpoint in adapter.endpoints
    )
    if needs_key and not keyed:
        return "needs a key"
    return ""


def _calls(endpoint: Endpoint, snapshot: Snapshot) -> tuple[list[Params], bool]:
    """Calls of an endpoint, and whether their number is only a lower bound.

    The pages of the snapshot replace a call plan that the snapshot does not determine.
    """
    try:
        first_pages = list(endpoint.call_plan(snapshot))
    except UnreadablePayloadError:
        first_pages = []
    observed = [payload.call.params for payload in snapshot.answers(endpoint.method)]
    if not first_pages:
        return observed or [()], True
    if endpoint.next_page is None:
        return first_pages, False
    further_pages = [params for params in observed if params not in first_pages]
    return first_pages + further_pages, not observed

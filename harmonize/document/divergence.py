"""How every schedule stands to every rule set."""

from dataclasses import dataclass

from harmonize.document.findings import Interval, Verdict


@dataclass(frozen=True, slots=True)
class DivergencePoint:
    """Divergence at one rung of the notional ladder; None where either is not observable.

    ``above_capacity``: the venue takes no position this large, so there is no margin to observe.
    """

    notional: float
    margin: float | None
    required: float | None
    deviation: float | None
    above_capacity: bool = False


@dataclass(frozen=True, slots=True)
class DivergenceRow:
    """How one schedule stands to one rule set, for IM (``initial``) or MM (``maintenance``).

    ``lowest`` and ``highest`` are the extremes of the divergence over every notional that both
    cover, found on the pieces, and ``*_notional`` where they are reached. ``observed`` and
    ``required`` are the rates at the extreme that the verdict speaks of. Points are given against
    schedules; against a cap the requirement is one rate. ``remedy`` is the smallest change of the
    schedule's tiers that would comply, where the margin is too low.
    """

    venue: str
    symbol: str
    profile: str
    underlying: str
    rule_set: str
    reference_class: str
    margin_type: str
    verdict: Verdict
    reason: str
    lowest: float | None
    lowest_notional: float | None
    highest: float | None
    highest_notional: float | None
    under: tuple[Interval, ...]
    over: tuple[Interval, ...]
    points: tuple[DivergencePoint, ...]
    observed: float | None = None
    required: float | None = None
    observed_at: str = ""
    remedy: str = ""

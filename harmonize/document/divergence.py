"""Rows of the audit document that compare every schedule with every rule set."""

from dataclasses import dataclass

from harmonize.document.findings import Interval, Verdict


@dataclass(frozen=True, slots=True)
class DivergencePoint:
    """Deviation at one notional of the grid; None if either margin is not observable.

    ``above_capacity``: the venue accepts no position of this size, so it has no margin there.
    """

    notional: float
    margin: float | None
    required: float | None
    deviation: float | None
    above_capacity: bool = False


@dataclass(frozen=True, slots=True)
class DivergenceRow:
    """Comparison of one schedule with one rule set, for IM (``initial``) or MM (``maintenance``).

    ``lowest`` and ``highest`` are the extremes of the deviation over every notional that both
    cover, computed exactly on the pieces; ``*_notional`` are their notionals. ``observed`` and
    ``required`` are the rates at the extreme that determines the verdict. Points are given
    only against reference schedules; other requirements are one rate. ``remedy`` is the smallest
    change of the tiers that would comply, if the margin is too low.
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
    observed_from: str = ""
    date_kind: str = "exact"

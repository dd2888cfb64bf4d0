"""Venues against one another: spreads, indices, curves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """The schedule that stands for a venue in the comparison of one underlying.

    ``included`` False: shown beside the others, but in no cross-venue figure; ``exclusion_reason`` says why.
    """

    venue: str
    symbol: str
    profile: str
    observed_at: str
    stale: bool
    origin: str
    included: bool
    exclusion_reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One underlying on at least two venues. ``oldest`` to ``newest`` is the span of dates."""

    underlying: str
    oldest: str
    newest: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class SpreadInterval:
    """On (lower, upper], the venues that ask least and most, and the spread at both ends, in USD.

    ``spread_lower`` is the limit from above at ``lower``; ties name every venue. ``widest`` is the
    largest spread as a share of notional, from $1 up, reached at ``widest_notional``.
    """

    lower: float
    upper: float | None
    lowest_venues: tuple[str, ...]
    highest_venues: tuple[str, ...]
    spread_lower: float
    spread_upper: float | None
    widest: float = 0.0
    widest_notional: float = 0.0


@dataclass(frozen=True, slots=True)
class SpreadPoint:
    """Least and most margin at one rung of the ladder, in USD.

    ``highest_leverage`` and ``lowest_leverage`` are notional over the least and over the most;
    ``annual_cost`` is what the spread costs in a year at the document's hurdle rate, in USD.
    """

    notional: float
    venues: int
    lowest_venues: tuple[str, ...]
    lowest: float
    highest_venues: tuple[str, ...]
    highest: float
    spread: float
    highest_leverage: float = 0.0
    lowest_leverage: float = 0.0
    annual_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class LowestMarginShare:
    """The share of sizes, in ln N between the bounds of the index, on which one venue alone asks least."""

    venue: str
    share: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The cross-venue spread of one underlying for IM or MM; the dates it compares.

    ``shares`` are largest first, of the venues that ask least alone anywhere between the bounds.
    """

    underlying: str
    margin_type: str
    venues: tuple[str, ...]
    oldest: str
    newest: str
    intervals: tuple[SpreadInterval, ...]
    points: tuple[SpreadPoint, ...]
    shares: tuple[LowestMarginShare, ...] = ()


@dataclass(frozen=True, slots=True)
class VenueDistance:
    """One venue's mean distance E|ln(margin/reference)| over its part of the range."""

    venue: str
    distance: float
    upper: float


@dataclass(frozen=True, slots=True)
class Index:
    """Harmonization index H = 100·exp(−E|ln(IM/R)|) of one underlying; 100 is identical.

    ``reference`` is a rule set's id, or ``median`` for the venues' own; ``margin_type`` is ``initial`` or
    ``maintenance``. ``interval_lower`` to ``interval_upper`` is a 95 % bootstrap interval over venues, None of fewer
    than three; ``leave_one_out`` is the index without the venue ``leave_one_out_venue``, the one whose absence
    changes it most (against a rule set only).
    """

    underlying: str
    margin_type: str
    reference: str
    value: float
    weights: str
    lower: float
    upper: float
    venues: tuple[VenueDistance, ...]
    oldest: str
    newest: str
    interval_lower: float | None = None
    interval_upper: float | None = None
    leave_one_out: float | None = None
    leave_one_out_venue: str = ""


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """The harmonization index over all underlyings: of one venue, or of all (``venue`` empty).

    Underlyings have equal weight; ``interval_lower`` to ``interval_upper`` is a 95 % bootstrap interval over them.
    """

    venue: str
    margin_type: str
    reference: str
    value: float
    underlyings: int
    interval_lower: float | None
    interval_upper: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Margin rate against notional, ready to draw; jumps carry two points at one notional.

    ``name`` is a venue, or a rule set's id with ``is_reference`` True.
    """

    underlying: str
    margin_type: str
    name: str
    is_reference: bool
    included: bool
    notional: tuple[float, ...]
    rate: tuple[float, ...]

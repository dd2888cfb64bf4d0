"""Rows of the audit document on cross-venue comparisons: spreads, indices and curves."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """Representative schedule of a venue in the comparison of one underlying.

    If ``included`` is False, the schedule is shown but excluded from cross-venue statistics, and
    ``exclusion_reason`` states the reason. ``counted_with`` is the venue with the same order book
    that counts for this one as well; empty otherwise.
    """

    venue: str
    symbol: str
    profile: str
    observed_at: str
    stale: bool
    origin: str
    included: bool
    exclusion_reason: str
    observed_from: str = ""
    date_kind: str = "exact"
    counted_with: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison of one underlying on at least two venues.

    ``oldest`` and ``newest`` are the first and last possible observation dates of its members;
    ``oldest`` is empty if a member has no earliest date.
    """

    underlying: str
    oldest: str
    newest: str
    members: tuple[Member, ...]

    @property
    def is_compared(self) -> bool:
        """Whether cross-venue statistics include two venues or more."""
        return sum(member.included for member in self.members) > 1


@dataclass(frozen=True, slots=True)
class SpreadInterval:
    """Venues with the lowest and highest margin on (lower, upper], and the spread in USD.

    ``spread_lower`` is the limit of the spread from above at ``lower``, ``spread_upper`` the spread
    at ``upper``. In a tie, all venues are listed. ``widest`` is the largest spread as a share of
    notional, from $1 upward, and ``widest_notional`` its notional.
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
    """Lowest and highest margin at one notional of the grid, in USD.

    ``highest_leverage`` is notional over the lowest margin, and ``lowest_leverage`` notional over
    the highest. ``annual_cost`` is the cost of the spread per year, in USD, at the cost of capital
    of the document.
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
    """Share of position sizes on which one venue alone has the lowest margin.

    It is a share of ln N between the bounds of the index.
    """

    venue: str
    share: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Cross-venue spread of one underlying for IM or MM, with the dates that it compares.

    ``shares`` lists every venue that alone has the lowest margin on part of the index range,
    largest share first.
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
    """Mean distance E|ln(margin/reference)| of one venue over its part of the index range."""

    venue: str
    distance: float
    upper: float


@dataclass(frozen=True, slots=True)
class Index:
    """Harmonization index H = 100·exp(−E|ln(margin/R)|) of one underlying; 100 is identical.

    ``reference`` is the id of a rule set, or ``median`` for the median of the venues.
    ``margin_type`` is ``initial`` or ``maintenance``. ``interval_lower`` and ``interval_upper``
    bound a 95 % bootstrap interval over venues; None with fewer than three venues.
    ``leave_one_out`` is the index without ``leave_one_out_venue``, the venue whose removal changes
    the index most. Both are given against a rule set only.
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
class Headlines:
    """Spreads and indices that a headline may state.

    They compare only venues whose dates are exact and within one window of ``span_days``, the same
    for all underlyings. An underlying without two such venues is absent.
    """

    span_days: int = 60
    spreads: tuple[Spread, ...] = ()
    indices: tuple[Index, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """Harmonization index over all underlyings, of one venue or of all (``venue`` empty).

    Underlyings have equal weight. ``interval_lower`` and ``interval_upper`` bound a 95 % bootstrap
    interval over underlyings.
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
    """Margin rate as a function of notional, for charts. A jump has two points at one notional.

    ``name`` is a venue, or the id of a rule set if ``is_reference`` is True. Above ``known_up_to``, in
    USD, rates are lower bounds; None if none is. ``end`` states why the curve ends before the axis:
    ``capacity``, or ``not observed`` if the venue may accept larger positions; empty otherwise.
    """

    underlying: str
    margin_type: str
    name: str
    is_reference: bool
    included: bool
    notional: tuple[float, ...]
    rate: tuple[float, ...]
    known_up_to: float | None = None
    end: str = ""

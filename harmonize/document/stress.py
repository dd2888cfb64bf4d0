"""Rows of the audit document on stress: what a fall liquidates, and what other rules would change.

Amounts are in USD, falls and moves are fractions of the first mark, times ISO 8601 in UTC. A number of
``None`` is not observable; the reason beside it states why.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from harmonize.document.input_age import MAX_AGE


@dataclass(frozen=True, slots=True)
class StressDefaultRow:
    """Assumption in words, its ``mark`` (measured, sourced or assumed), and what it is based on."""

    name: str
    text: str
    mark: str
    basis: str


@dataclass(frozen=True, slots=True)
class StressAbsentRow:
    """Venue without positions in the book, or whose volume is not added, and why."""

    venue: str
    reason: str


@dataclass(frozen=True, slots=True)
class StressMarketRow:
    """Volatility per day and average daily volume (ADV), each of 30 days of candles.

    ``series`` names the candles of the volatility, and ``last`` is the day of the last one.
    ``volume_venues`` are the venues whose archived perpetuals are added up to the ADV, and
    ``volume_last`` is the day of the last candle of the one that ends first. ``excluded_volumes`` are archived perpetuals that are not added, and why; the
    volume of further venues is not observed. ``as_of`` is the time for which both were measured, and
    ``is_stale`` is whether either ends long before it. ``price`` is the close of the last candle in USD,
    None if it is not observable.
    """

    volatility: float | None
    daily_volume: float | None
    series: str
    volume_venues: tuple[str, ...]
    last: str
    reason: str = ""
    volume_last: str = ""
    excluded_volumes: tuple[StressAbsentRow, ...] = ()
    as_of: str = ""
    is_stale: bool = False
    price: float | None = None

    @property
    def is_volatility_stale(self) -> bool:
        """Whether the candles of the volatility end more than ``MAX_AGE_DAYS`` before ``as_of``."""
        return self.is_stale and self._is_old(self.last)

    @property
    def is_volume_stale(self) -> bool:
        """Whether a volume ends more than 30 days before ``as_of``."""
        return self.is_stale and self._is_old(self.volume_last)

    def _is_old(self, end: str) -> bool:
        """Whether candles end long before ``as_of``; of unknown times, what ``is_stale`` states."""
        if not (end and self.as_of):
            return self.is_stale
        days = datetime.fromisoformat(self.as_of).date() - datetime.fromisoformat(end).date()
        return days > MAX_AGE


@dataclass(frozen=True, slots=True)
class ReverseStressRow:
    """Least fall at which a venue's losses beyond margin exceed what liquidations leave.

    ``shock`` is None if no shock below 100 % does, or if ``reason`` states why it is not observable.
    ``low`` and ``high`` are the 5–95 % interval of the seeds; None is no shock below 100 %, or no
    interval. No insurance fund is archived, and none is counted.
    """

    liquidity: float
    shock: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StressVenueRow:
    """One venue at the shock, under the first liquidity multiplier.

    ``leverage_mark`` states whether the effective leverage was measured on the venue, or is assumed.
    ``shapley_ratio`` is the share of the liquidated notional by Shapley value over the share of open
    interest. ``overlap`` is the share of the venue's density of liquidations that the density of the
    other venues covers. ``immediate`` is the notional whose margin is below MM before any fall.
    ``shapley_low`` to ``shapley_ratio_high`` are the 5–95 % intervals of the seeds; None for given
    positions. ``reason`` states why contributions are not observable.
    """

    venue: str
    symbol: str
    profile: str
    observed_at: str
    observed_from: str
    date_kind: str
    open_interest: float
    open_interest_at: str
    leverage_mark: str
    liquidated: float | None
    loss: float | None
    leave_one_out: float | None
    shapley: float | None
    is_shapley_exact: bool
    shapley_ratio: float | None
    overlap: float | None
    immediate: float
    reverse: tuple[ReverseStressRow, ...]
    shapley_low: float | None = None
    shapley_high: float | None = None
    shapley_ratio_low: float | None = None
    shapley_ratio_high: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StressPointRow:
    """Outcome of one shock under one liquidity multiplier.

    ``amplification`` is move over shock, None for shocks below 1 %. ``share`` is that of the open
    interest of longs. ``loss`` is beyond the margins. ``liquidated_low`` and ``liquidated_high`` are the
    5–95 % interval; None for given positions, and where less than one position of a sample is liquidated.
    """

    liquidity: float
    shock: float
    move: float
    amplification: float | None
    liquidated: float
    share: float
    loss: float
    liquidated_low: float | None = None
    liquidated_high: float | None = None


@dataclass(frozen=True, slots=True)
class CliffRow:
    """Shock at which the move jumps by at least 1 %, from ``before`` to ``after``."""

    liquidity: float
    shock: float
    before: float
    after: float | None
    notional: float


@dataclass(frozen=True, slots=True)
class StressPathRow:
    """Outcome of a scenario's path; ``liquidity`` is None if impact is off.

    ``fall`` is the largest of the path itself, ``move`` that of the price with the forced sales. The
    largest ``implied_volatility`` (per year) and ``volume`` (times that of the 30 days before) on the
    path are None if the scenario does not state them. ``paid_by_funds`` and ``uncovered`` are the parts of
    the loss that stated insurance funds pay, and the rest; None without a stated fund.
    """

    scenario: str
    liquidity: float | None
    fall: float
    move: float
    liquidated: float
    share: float
    loss: float
    implied_volatility: float | None = None
    volume: float | None = None
    paid_by_funds: float | None = None
    uncovered: float | None = None


@dataclass(frozen=True, slots=True)
class StressBinRow:
    """Notional of one venue whose liquidation lies at a fall from ``lower`` to below ``upper``."""

    venue: str
    lower: float
    upper: float
    notional: float


@dataclass(frozen=True, slots=True)
class EffectCellRow:
    """Change under one liquidity multiplier and behaviour, with the 5–95 % interval of the seeds."""

    liquidity: float
    behaviour: str
    before: float
    change: float
    low: float
    high: float
    sign: str


@dataclass(frozen=True, slots=True)
class StressEffectRow:
    """Change of one metric at one shock by other rules; ``sign`` is ``depends on`` unless all agree.

    ``not more`` is less or no change, ``not less`` is more or no change. ``depends_on`` names what
    decides the sign: sample, liquidity or behaviour; it is empty if there is a sign.
    """

    what_if: str
    rule_set: str
    metric: str
    shock: float
    sign: str
    depends_on: tuple[str, ...]
    cells: tuple[EffectCellRow, ...]


@dataclass(frozen=True, slots=True)
class StressReactionRow:
    """What other rules require before the fall: margin added, or notional closed instead."""

    what_if: str
    rule_set: str
    top_up: float
    closed: float
    immediate: float


@dataclass(frozen=True, slots=True)
class StressStepRow:
    """Loss of a position at a venue's largest leverage in the largest step of a bundled path.

    ``margin_rate`` is the IM of a position of ``notional`` over the notional. ``step`` is the fall from
    the lowest price of one step to that of the next. ``bankrupt_at`` is the fall at which a long with
    that margin has lost it: the rate itself, and less of an inverse contract; a document of an earlier
    version has none.
    """

    venue: str
    symbol: str
    profile: str
    observed_at: str
    observed_from: str
    date_kind: str
    notional: float
    margin_rate: float
    scenario: str
    step_minutes: float
    step: float
    bankrupt_at: float | None = None


@dataclass(frozen=True, slots=True)
class StressSensitivityRow:
    """Liquidated notional at the shock with one assumption halved and doubled, largest spread first.

    ``mark`` is that of the assumption; a document of an earlier version has none. ``span`` is the
    assumed range, such as 1× to 10×, if its ends stand in place of half and double.
    """

    name: str
    base: float
    halved: float
    doubled: float
    mark: str = ""
    span: str = ""


@dataclass(frozen=True, slots=True)
class StressChangedPointRow:
    """Outcome of one shock under other rules, for one reaction of traders and liquidity multiplier.

    The book is that of the points under the rules in force.
    """

    what_if: str
    rule_set: str
    behaviour: str
    liquidity: float
    shock: float
    move: float
    liquidated: float
    loss: float


@dataclass(frozen=True, slots=True)
class StressChangedCliffRow:
    """Shock at which the move jumps by at least 1 % under other rules, for one reaction and liquidity.

    The jump is from ``before`` to ``after``; None if it ends beyond a depth table. ``notional`` is what
    more is liquidated, in USD.
    """

    what_if: str
    rule_set: str
    behaviour: str
    liquidity: float
    shock: float
    before: float
    after: float | None
    notional: float


@dataclass(frozen=True, slots=True)
class StressValidationRow:
    """Recorded against modelled liquidations of longs on one underlying, in USD.

    ``ratio`` is modelled over recorded, ``overstatement`` that of heat maps, which spread the open
    interest evenly over ``heat_map_leverages``. ``reason`` states why numbers are None. ``caveat``
    states what is uncertain about the records; a document of an earlier version has none.
    """

    underlying: str
    venue: str
    days: int
    recorded: float | None
    modelled: float | None
    ratio: float | None
    rank_correlation: float | None
    overstatement: float | None
    reason: str = ""
    heat_map_leverages: tuple[float, ...] = ()
    caveat: str = ""


@dataclass(frozen=True, slots=True)
class StressThresholdRow:
    """IM and MM at a typical size, as shares of the notional: of a venue, or of a rule set.

    ``rule_set`` is empty for the margins in force on ``venue``, and ``venue`` for those of a rule set.
    ``notional`` is the median long, weighted by notional and rounded to one digit. A rate is None if MM
    liquidates nothing, or if the margin is not observable; ``reason`` states why.
    """

    venue: str
    rule_set: str
    notional: float
    initial_rate: float | None
    maintenance_rate: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StressOmittedRow:
    """Underlying with observed open interest, in USD, on which no fall was simulated, and why."""

    underlying: str
    open_interest: float
    reason: str


@dataclass(frozen=True, slots=True)
class StressRow:
    """Stress of one underlying at ``shock``, with the assumptions that every figure rests on.

    ``oldest`` and ``newest`` are the observation times of the margins. ``is_synthetic`` is False if the
    positions were given. ``seeds`` is the number of books behind an interval. ``validation`` is empty
    without recorded liquidations of the underlying; ``limits`` state what cannot be known.
    ``thresholds`` are the margins in force by venue, then those of each selected rule set.
    """

    underlying: str
    shock: float
    scenario: str
    oldest: str
    newest: str
    is_synthetic: bool
    seeds: int
    open_interest: float
    market: StressMarketRow
    venues: tuple[StressVenueRow, ...]
    points: tuple[StressPointRow, ...]
    cliffs: tuple[CliffRow, ...]
    paths: tuple[StressPathRow, ...]
    density: tuple[StressBinRow, ...]
    effects: tuple[StressEffectRow, ...]
    reactions: tuple[StressReactionRow, ...]
    sensitivity: tuple[StressSensitivityRow, ...]
    steps: tuple[StressStepRow, ...]
    not_observable: tuple[StressAbsentRow, ...]
    defaults: tuple[StressDefaultRow, ...]
    changed: tuple[StressChangedPointRow, ...] = ()
    validation: tuple[StressValidationRow, ...] = ()
    limits: tuple[str, ...] = ()
    thresholds: tuple[StressThresholdRow, ...] = ()
    changed_cliffs: tuple[StressChangedCliffRow, ...] = ()

    @property
    def at_shock(self) -> tuple[StressPointRow, ...]:
        """Points at the row's own shock, by liquidity; empty without a curve."""
        return tuple(point for point in self.points if point.shock == self.shock)

    def only(self, keys: Collection[tuple[str, str, str]]) -> "StressRow":
        """Returns the row with the schedules by venue, symbol and profile."""
        return replace(
            self,
            venues=tuple(v for v in self.venues if (v.venue, v.symbol, v.profile) in keys),
            steps=tuple(s for s in self.steps if (s.venue, s.symbol, s.profile) in keys),
        )

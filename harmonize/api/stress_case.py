"""What is simulated on one underlying, and the assumptions behind it with their marks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from harmonize.api.stress_inputs import OpenInterestNear, TermsByVenue
from harmonize.api.stress_references import Reference
from harmonize.core.schedule import Unknown
from harmonize.document.input_age import MAX_AGE_DAYS
from harmonize.document.stress import StressDefaultRow, StressMarketRow
from harmonize.liquidation.price import Side
from harmonize.stress.book import Book
from harmonize.stress.counterfactuals import WhatIf
from harmonize.stress.defaults import DEFAULTS, Default, Mark, StressDefaults
from harmonize.stress.errors import StressInputError
from harmonize.stress.given import GivenImpact
from harmonize.stress.impact import Impact, impacts_by_liquidity
from harmonize.stress.scenario import Scenario
from harmonize.text.messages import counted, percent

Impacts = Mapping[float, Impact]
"""Impact by liquidity multiplier; empty if volatility or volume is unknown."""


class BookMaker(Protocol):
    """Makes the book of a seed, or without randomness, under some assumptions."""

    def __call__(self, seed: int | None, defaults: StressDefaults) -> Book:
        """Returns the book."""
        ...


@dataclass(frozen=True, slots=True)
class NamedChange:
    """Change of rules on one underlying, with the rule set of its reference; empty without one."""

    specification: str
    rule_set: str
    what_if: WhatIf


@dataclass(frozen=True, slots=True)
class StressCase:
    """Everything that the rows of one underlying follow from.

    ``funds`` are stated insurance funds by venue, in USD. ``shock`` is that of contributions and
    effects, ``effect_shocks`` are further ones. ``scenario`` is None without a path. ``with_impact``
    keeps impact on in recorded paths. ``references`` are the margins of the selected rule sets.
    ``given_impact`` stands in place of the square root, without liquidity multipliers.
    ``has_accounts`` is whether some positions share their margin, which the rows of the underlying do
    not count. ``slices`` of positions are liquidated on paths. If ``is_deleveraged``, auto-deleveraging
    closes shorts after them: those of ``make_shorts``, or those of the book itself if it is None.
    """

    underlying: str
    make_book: BookMaker
    is_synthetic: bool
    terms: TermsByVenue
    open_interest: Mapping[str, OpenInterestNear]
    market: StressMarketRow
    scenario: Scenario | None
    shock: float
    effect_shocks: tuple[float, ...]
    changes: tuple[NamedChange, ...]
    seeds: int
    fee: float = 0.0
    funds: Mapping[str, float] = field(default_factory=dict)
    with_impact: bool = False
    has_accounts: bool = False
    references: tuple[Reference, ...] = ()
    given_impact: GivenImpact | None = None
    defaults: StressDefaults = DEFAULTS
    slices: int = 1
    is_deleveraged: bool = False
    make_shorts: BookMaker | None = None

    @property
    def impacts(self) -> Impacts:
        """Impact by liquidity multiplier. Raises StressInputError: no volume."""
        return self.impacts_under(self.defaults)

    def impacts_under(self, defaults: StressDefaults) -> Impacts:
        """Returns the impacts under other assumptions. Raises StressInputError."""
        if self.given_impact is not None:
            return {1.0: self.given_impact.impact}
        market = self.market
        if market.volatility is None or market.daily_volume is None:
            return {}
        if not market.daily_volume:
            venues = ", ".join(market.volume_venues)
            message = (
                f"{self.underlying}: average daily volume is 0 by the candles of {venues}; import "
                f"candles with turnover of the days up to {market.volume_last[:10]}"
            )
            raise StressInputError(message)
        return impacts_by_liquidity(market.volatility, market.daily_volume, defaults)

    def book(self, seed: int | None = None) -> Book:
        """Returns the book of a seed under the case's assumptions."""
        return self.make_book(seed, self.defaults)


def default_rows(case: StressCase) -> tuple[StressDefaultRow, ...]:
    """Returns the assumptions of a case with their marks, those measured for it first."""
    rows = [_impact_default(case), _open_interest_default(case)]
    skipped = _unused(case)
    rows += [_default_row(case, own) for own in case.defaults.rows() if own.name not in skipped]
    if case.has_accounts:
        rows.append(_SHARED_MARGIN)
    rows += _switch_defaults(case)
    funds = ", ".join(f"{venue} ${own:,.0f}" for venue, own in sorted(case.funds.items()))
    rows.append(
        StressDefaultRow(
            "insurance funds",
            funds or "none counted",
            Mark.ASSUMED.value,
            "no fund is archived; can be set on the command line (--fund)",
        )
    )
    rows.append(
        StressDefaultRow(
            "taker fee of venues that add one to MM",
            percent(case.fee),
            Mark.ASSUMED.value,
            "fees depend on the client; can be set on the command line (--taker-fee)",
        )
    )
    return tuple(rows)


def _switch_defaults(case: StressCase) -> list[StressDefaultRow]:
    """Returns the assumptions of partial liquidation and auto-deleveraging, if they are on."""
    rows = []
    if case.slices > 1:
        rows.append(
            StressDefaultRow(
                "partial liquidation",
                f"on paths, every position in {case.slices} equal slices, each at the MM of what remains",
                Mark.ASSUMED.value,
                "venues reduce positions by tier or by a share of their own; can be set on the command line (--slices)",
            )
        )
    if case.is_deleveraged:
        shape = case.defaults.leverage_of(case.underlying, Side.SHORT)
        drawn = f", lognormal median {shape.median:g}, log-sd {shape.log_sd:g}"
        rows.append(
            StressDefaultRow(
                "auto-deleveraging",
                "after paths, of the loss that no fund pays, at the bankruptcy price; shorts with the "
                f"largest effective leverage first{drawn if case.is_synthetic else ''}",
                Mark.ASSUMED.value,
                "its trigger is not identified by public data: what covers the loss is closed, and no more",
            )
        )
    return rows


def _unused(case: StressCase) -> set[str]:
    """Returns the names of assumptions that given positions, or a given impact, do without."""
    own = case.defaults
    of_book = (own.leverage, own.sizes, own.grid_rows, own.sample_rows)
    names = set() if case.is_synthetic else {default.name for default in of_book}
    if case.given_impact is not None:
        impact = (own.impact_coefficient, own.impact_exponent, own.liquidity_multipliers)
        names |= {default.name for default in (*impact, own.market_days)}
    return names


def _impact_default(case: StressCase) -> StressDefaultRow:
    given = case.given_impact
    if given is None:
        return _market_default(case)
    return StressDefaultRow("impact", given.text, Mark.GIVEN.value, given.basis)


_SHARED_MARGIN = StressDefaultRow(
    "margin of positions in accounts",
    "curve, paths, contributions, map, effects and sensitivity: each position margined alone; results "
    "of accounts: shared",
    Mark.ASSUMED.value,
    "an account falls on all underlyings together, a curve is of one",
)


def _default_row(case: StressCase, default: Default[object]) -> StressDefaultRow:
    is_leverage = default.name == case.defaults.leverage.name
    mark = _leverage_mark(case) if is_leverage else default.mark.value
    return StressDefaultRow(default.name, default.text, mark, default.basis)


def _leverage_mark(case: StressCase) -> str:
    """Returns the mark of effective leverage on the venues with open interest."""
    if case.defaults.leverage.mark is Mark.GIVEN:
        return Mark.GIVEN.value
    measured = [
        venue
        for venue in sorted(case.open_interest)
        if case.defaults.leverage_mark(venue, case.underlying) is Mark.MEASURED
    ]
    if not measured:
        return Mark.ASSUMED.value
    if len(measured) == len(case.open_interest):
        return Mark.MEASURED.value
    return f"{Mark.MEASURED.value} on {', '.join(measured)}, {Mark.ASSUMED.value} elsewhere"


def _market_default(case: StressCase) -> StressDefaultRow:
    market = case.market
    parts = [f"not observable: {market.reason}"] * bool(market.reason)
    if market.volatility is not None:
        end = _end_text(market.last, market.as_of)
        parts.append(f"volatility {percent(market.volatility)} a day of {market.series} {end}")
    if market.daily_volume is not None:
        venues = ", ".join(market.volume_venues)
        end = _end_text(market.volume_last, market.as_of)
        parts.append(f"ADV ${market.daily_volume:,.0f} {end}, archived perpetuals of {venues}")
    if market.excluded_volumes:
        excluded = ", ".join(
            f"{absent.venue} ({absent.reason})" for absent in market.excluded_volumes
        )
        parts.append(f"volume not counted: {excluded}")
    basis = "daily candles in the archive; volume of venues without candles is not observed"
    mark = _dated_mark(is_stale=market.is_stale)
    return StressDefaultRow("volatility and volume", "; ".join(parts), mark, basis)


def _venues_text(case: StressCase) -> str:
    """Returns the number of venues with open interest, and on how many of them positions are simulated."""
    text = counted(len(case.open_interest), "venue")
    own = [case.terms[venue] for venue in case.open_interest if venue in case.terms]
    known = sum(not isinstance(terms.margins, Unknown) for terms in own)
    return text if known == len(case.open_interest) else f"{text}, {known} with margins"


def _dated_mark(*, is_stale: bool) -> str:
    return f"{Mark.MEASURED.value} (stale)" if is_stale else Mark.MEASURED.value


def _end_text(end: str, as_of: str) -> str:
    """Returns the end of candles, with their age in days if they are older than a day."""
    days = _days(end, as_of)
    age = f" ({counted(days, 'day')} before the scenario)" if days else ""
    return f"up to {end[:10]}{age}"


def _days(time: str, as_of: str) -> int:
    """Returns the whole days from a time to that of the scenario; 0 if the latter is unknown."""
    if not as_of:
        return 0
    return int((datetime.fromisoformat(as_of) - datetime.fromisoformat(time)) / timedelta(days=1))


def _open_interest_default(case: StressCase) -> StressDefaultRow:
    if not case.is_synthetic:
        return StressDefaultRow("positions", "as given", Mark.MEASURED.value, "file of positions")
    times = sorted({near.observed_at for near in case.open_interest.values()})
    span = " to ".join(dict.fromkeys((times[0][:10], times[-1][:10]))) if times else "none"
    days = max((abs(_days(time, case.market.as_of)) for time in times), default=0)
    away = f", up to {counted(days, 'day')} from the scenario" if days else ""
    return StressDefaultRow(
        "open interest",
        f"{_venues_text(case)}, observed {span}{away}; longs and shorts each",
        _dated_mark(is_stale=days > MAX_AGE_DAYS),
        "table of the package or series in the archive, nearest to the scenario",
    )

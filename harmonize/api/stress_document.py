"""Stress of an audit: the underlyings of its rule sets, at a sudden fall of 10 %."""

from collections.abc import Sequence
from datetime import datetime

from harmonize.api.adequacy_prices import read_prices
from harmonize.api.audit import Question, RequestError
from harmonize.api.cross_venue import PreparedUniverse, prepare_reading
from harmonize.api.stress_books import is_observable, observable_books
from harmonize.api.stress_case import NamedChange, StressCase
from harmonize.api.stress_inputs import (
    archived_open_interest,
    known_underlyings,
    market_before,
    open_interest_near,
    universe_terms,
)
from harmonize.api.stress_references import Reference, references
from harmonize.api.stress_rows import stress_row
from harmonize.audit.assemble import Reading
from harmonize.document.stress import StressOmittedRow, StressRow
from harmonize.market.points import PointSeries
from harmonize.market.prices import PriceKind, PriceSeries
from harmonize.policy.rule_set import RuleSet
from harmonize.stress.defaults import DEFAULTS
from harmonize.stress.effects import SEEDS
from harmonize.stress.errors import StressInputError

SHOCK = 0.10

_NO_CLASS = "no selected rule set has a class for it"
_NOT_COMPARED = "its margins are not compared: too few of the selected venues have it"
_NOT_OBSERVABLE = "no selected venue has both open interest and margins"


def audited_stress(
    question: Question, reading: Reading, rule_sets: Sequence[RuleSet], as_of: datetime
) -> tuple[tuple[StressRow, ...], tuple[StressOmittedRow, ...], tuple[str, ...]]:
    """Returns a row per simulable underlying with a class in a rule set, the others, and what is unread.

    Raises RequestError: a preferred instrument that its venue does not have, or market data with which
    nothing can be simulated; ArchiveError.
    """
    base = prepare_reading(question, rule_sets, reading, as_of)
    points, defects = archived_open_interest(question)
    names = _underlyings(base, points)
    reasons = _reasons(base, names)
    names = tuple(name for name in names if name not in reasons)
    prices, unread = read_prices(question, as_of, frozenset(names), frozenset({PriceKind.PERP}))
    cases = {name: _case(question, base, points, prices.get(name, ()), name) for name in names}
    reasons |= {name: _NOT_OBSERVABLE for name, case in cases.items() if case is None}
    try:
        rows = tuple(stress_row(case) for case in cases.values() if case is not None)
    except StressInputError as error:
        raise RequestError(str(error)) from None
    omitted = tuple(
        StressOmittedRow(name, _open_interest(question, base, points, name), reason)
        for name, reason in sorted(reasons.items())
    )
    return rows, omitted, (*defects, *unread)


def _underlyings(base: PreparedUniverse, points: Sequence[PointSeries]) -> tuple[str, ...]:
    """Returns the underlyings with open interest, of those that are requested."""
    known = known_underlyings(points)
    return tuple(name for name in known if not base.underlyings or name in base.underlyings)


def _reasons(base: PreparedUniverse, names: Sequence[str]) -> dict[str, str]:
    """Returns by underlying why no fall of it is simulated."""
    compared = {group.underlying for group in base.universe.peer_groups}
    classed = {group.underlying for group in base.universe.with_class()}
    return {
        name: _NO_CLASS if name in compared else _NOT_COMPARED
        for name in names
        if name not in classed
    }


def _open_interest(
    question: Question, base: PreparedUniverse, points: Sequence[PointSeries], underlying: str
) -> float:
    near = open_interest_near(points, underlying, base.as_of, question.until)
    return sum(observed.value for observed in near.values())


def _case(
    question: Question,
    base: PreparedUniverse,
    points: Sequence[PointSeries],
    prices: Sequence[PriceSeries],
    underlying: str,
) -> StressCase | None:
    """Returns the case of an underlying; None if no venue has open interest and margins."""
    near = open_interest_near(points, underlying, base.as_of, question.until)
    terms = universe_terms(base, underlying)
    if not is_observable(near, terms):
        return None
    market = market_before(prices, base.as_of, DEFAULTS.market_days.value, is_dated=False)
    rule_sets = [rule.applied.rule_set.id for rule in base.universe.layout.rules]
    own = references(base.universe, rule_sets, underlying)
    return StressCase(
        underlying=underlying,
        make_book=observable_books(underlying, near, terms),
        is_synthetic=True,
        terms=terms,
        open_interest=near,
        market=market,
        scenario=None,
        shock=SHOCK,
        effect_shocks=(),
        changes=_changes(own),
        references=own,
        seeds=SEEDS,
    )


def _changes(own: Sequence[Reference]) -> tuple[NamedChange, ...]:
    """Returns the margins of every rule set that has some for the underlying, as changes."""
    return tuple(
        NamedChange(specification, reference.rule_set, what_if)
        for reference in own
        for specification, what_if in reference.changes()
    )

"""Questions across venues about one underlying or a book, wired: what was read in, an answer out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from harmonize.api.audit import (
    AskedError,
    NotObservedError,
    Question,
    configured,
    missing,
    observed_days,
    read,
    rule_sets_of,
)
from harmonize.arbitrage.accounts import SplitConstraints
from harmonize.arbitrage.pair import Legs, Pair, pair
from harmonize.arbitrage.portfolio import Portfolio, Tables, portfolio
from harmonize.arbitrage.position_file import Position
from harmonize.arbitrage.rows import ArbitrageMarket, arbitrage_rows, market
from harmonize.arbitrage.what_if import WhatIfRow, parse, what_if
from harmonize.audit.assemble import Reading
from harmonize.comparison.cross_venue import CostTerms, gaps_and_indices, summaries
from harmonize.comparison.peers import PeerGroup
from harmonize.comparison.universe import Universe, build_universe
from harmonize.core.open_interest import by_contract
from harmonize.core.venue_conventions import OffsetRule
from harmonize.document import ArbitrageRow, Index, IndexSummary, LiquidationRow, Spread
from harmonize.liquidation.distance import Entry, liquidation_rows
from harmonize.numerics.offer import Offer
from venues import conventions


@dataclass(frozen=True, slots=True)
class PreparedUniverse:
    """What a question read: laid out, with its date and what of it was not observed."""

    ground: Universe
    reading: Reading
    as_of: datetime
    missing: tuple[str, ...]


def basis(question: Question, *, lenient: bool = False) -> PreparedUniverse:
    """Read what a question selects and lay it out; ``lenient`` drops instruments that are not there.

    Raises AskedError, ArchiveError, RuleError.
    """
    chosen = configured(question.options.config)
    reading, as_of = read(question)
    rule_sets = rule_sets_of(question.rules or chosen.rules)
    wanted = question.instruments
    if lenient:
        there = {(one.instrument.venue, one.instrument.symbol) for one in reading.schedules}
        wanted = {pair: symbol for pair, symbol in wanted.items() if (pair[0], symbol) in there}
    try:
        laid = build_universe(reading.schedules, rule_sets, reading.inputs, as_of, wanted, venues=1)
    except KeyError as error:
        venue, asset = error.args[0]
        message = f"{venue} has no schedule {question.instruments[venue, asset]} on {asset}"
        raise AskedError(message) from None
    return PreparedUniverse(laid, reading, as_of, missing(question, reading))


@dataclass(frozen=True, slots=True)
class GapAnswer:
    """Spreads, splits with their decomposition, and what-ifs of one underlying.

    Costs of splits include ``fee`` USD for every account but the first.
    """

    underlying: str
    hurdle_rate: float
    fee: float
    spreads: tuple[Spread, ...]
    arbitrages: tuple[ArbitrageRow, ...]
    what_ifs: tuple[WhatIfRow, ...]


def gap_of(
    base: PreparedUniverse,
    question: Question,
    figure: str,
    conditions: SplitConstraints,
    asked: Sequence[str],
) -> GapAnswer:
    """Answer ``gap`` for the question's one underlying. Raises AskedError, WhatIfError."""
    (underlying,) = question.underlyings
    found = _market(base, underlying, figure)
    for venue in (*conditions.excluded, *conditions.limits, *conditions.accounts):
        _known(venue, found)
    spreads, _ = gaps_and_indices(
        base.ground.peer_groups,
        base.ground.laid_out,
        CostTerms(question.ladder, question.options.hurdle),
    )
    reference = next(iter(found.references.values()), None)
    return GapAnswer(
        underlying,
        question.options.hurdle,
        conditions.fee,
        spreads,
        arbitrage_rows([found], question.ladder, question.options.hurdle, conditions),
        tuple(
            what_if(
                parse(one, tuple(found.offers)),
                found.offers,
                question.ladder,
                conditions,
                reference,
            )
            for one in asked
        ),
    )


def _market(base: PreparedUniverse, underlying: str, figure: str) -> ArbitrageMarket:
    rivals = [one for one in base.ground.peer_groups if one.underlying == underlying]
    found = market(rivals[0], figure, base.ground.laid_out) if rivals else None
    if found is None:
        word = "initial" if figure == "initial" else "maintenance"
        message = f"no venue's {word} margin on {underlying} counts in comparisons; `harmonize venues` says why"
        raise NotObservedError(message)
    return found


def _known(venue: str, found: ArbitrageMarket) -> Offer:
    if venue not in found.offers:
        message = (
            f"{venue} does not count on {found.underlying}; there are {', '.join(found.offers)}"
        )
        raise AskedError(message)
    return found.offers[venue]


@dataclass(frozen=True, slots=True)
class PairAnswer:
    """A pair against one venue that could hold both legs."""

    underlying: str
    long: str
    short: str
    one: str
    opposite: str
    source: str
    hurdle_rate: float
    oldest: str
    newest: str
    pair: Pair


def pair_of(
    base: PreparedUniverse,
    question: Question,
    legs: tuple[str, str],
    against: str,
    opposite: OffsetRule | None,
) -> PairAnswer:
    """Answer ``pair``. Raises AskedError: a venue that does not count, a rule that nobody told."""
    found = _market(base, question.underlyings[0], "initial")
    long, short, one = (_known(venue, found) for venue in (*legs, against))
    fact = conventions.bundled().get(against)
    rule = opposite or (fact.opposite if fact else None)
    if rule is None:
        kinds = ", ".join(f"'{kind}'" for kind in OffsetRule)
        message = f"how {against} counts long and short together is not known; say it with --opposite: {kinds}"
        raise AskedError(message)
    source = "as asked" if opposite else f"{fact.source} ({fact.confidence})" if fact else ""
    return PairAnswer(
        question.underlyings[0],
        *legs,
        against,
        rule.value,
        source,
        question.options.hurdle,
        found.oldest,
        found.newest,
        pair(Legs(long, short, one, rule), question.ladder, question.options.hurdle),
    )


def liquidations_of(base: PreparedUniverse, entry: Entry) -> tuple[LiquidationRow, ...]:
    """Answer ``liquidation`` for every underlying that the question selected."""
    return liquidation_rows(base.ground, base.ground.peer_groups, conventions.bundled(), entry)


def portfolio_of(
    base: PreparedUniverse, positions: Sequence[Position], conditions: SplitConstraints
) -> Portfolio:
    """Answer ``portfolio``; the reference is the first rule set that has margins by size.

    Raises AskedError: a condition on a venue that counts on none of the underlyings.
    """
    rules = [one.applied.rule_set.id for one in base.ground.laid_out.schedules()]
    chosen = next(iter(rules), "")
    tables = _tables(base, positions, chosen)
    known = sorted({venue for one in tables.values() for venue in one.initial})
    for venue in (*conditions.excluded, *conditions.limits, *conditions.accounts):
        if venue not in known:
            message = f"{venue} counts on none of the underlyings; there are {', '.join(known)}"
            raise AskedError(message)
    return portfolio(positions, tables, conventions.bundled(), conditions, chosen)


def _tables(
    base: PreparedUniverse, positions: Sequence[Position], rule_set: str
) -> Mapping[str, Tables]:
    wanted = {one.underlying for one in positions}
    found = {}
    for rivals in base.ground.peer_groups:
        if rivals.underlying in wanted:
            apart = base.ground.isolated(rivals)
            whole, maintained, alone, alone_maintained = (
                market(one, figure, base.ground.laid_out)
                for one in (rivals, apart)
                for figure in ("initial", "maintenance")
            )
            known = (whole, maintained, alone, alone_maintained)
            dates = [(one.oldest, one.newest) for one in known if one is not None]
            found[rivals.underlying] = Tables(
                whole.offers if whole else {},
                maintained.offers if maintained else {},
                alone.offers if alone else {},
                alone_maintained.offers if alone_maintained else {},
                _reference(whole, rule_set),
                _reference(maintained, rule_set),
                min((oldest for oldest, _ in dates), default=""),
                max((newest for _, newest in dates), default=""),
            )
    return found


def _reference(found: ArbitrageMarket | None, rule_set: str) -> Offer | None:
    pieces = found.references.get(rule_set) if found else None
    if found is None or pieces is None:
        return None
    return Offer(pieces, pieces[-1][1], ticket=found.above[rule_set])


@dataclass(frozen=True, slots=True)
class IndexAnswer:
    """Harmonization indices of what a question selects.

    ``without`` are the indices of one underlying with each venue left out in turn (the median is that
    of the others), ``over_time`` the summaries on every day on which something was observed.
    """

    indices: tuple[Index, ...]
    summaries: tuple[IndexSummary, ...]
    without: tuple[tuple[str, Index], ...]
    over_time: tuple[tuple[str, IndexSummary], ...]


def index_of(base: PreparedUniverse, question: Question, *, over_time: bool) -> IndexAnswer:
    """Answer ``index``. Raises AskedError: nothing to compare."""
    indices = _indices(base, base.ground.peer_groups, question)
    if not indices:
        message = "fewer than two venues can be compared on what was asked"
        raise NotObservedError(message)
    return IndexAnswer(
        indices,
        summaries(indices),
        _without(base, question) if len(question.underlyings) == 1 else (),
        _over_time(question) if over_time else (),
    )


def _indices(
    base: PreparedUniverse, rivals: Sequence[PeerGroup], question: Question
) -> tuple[Index, ...]:
    priced = CostTerms((), question.options.hurdle, by_contract(base.reading.interests))
    _, indices = gaps_and_indices(rivals, base.ground.laid_out, priced)
    return indices


def _without(base: PreparedUniverse, question: Question) -> tuple[tuple[str, Index], ...]:
    """Compare again without each venue."""
    (rivals,) = base.ground.peer_groups
    counted = {venue.venue for one in _indices(base, [rivals], question) for venue in one.venues}
    venues = [v for v in (one.instrument.venue for one in rivals.schedules) if v in counted]
    return tuple(
        (venue, index)
        for venue in venues
        for index in _indices(base, [rivals.without(venue)], question)
    )


def _over_time(question: Question) -> tuple[tuple[str, IndexSummary], ...]:
    """Read the archive again as of every day on which a snapshot in it was observed."""
    found = []
    for day in observed_days(question):
        then = replace(question, as_of=day)
        past = basis(then, lenient=True)
        indices = _indices(past, past.ground.peer_groups, then)
        found += [(day.isoformat(), one) for one in summaries(indices) if not one.venue]
    return tuple(found)

"""Answers across venues about one underlying or a portfolio, from a prepared universe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from harmonize.api.audit import (
    NotObservedError,
    Question,
    RequestError,
    date_notes,
    load_rule_sets,
    missing,
    read_configuration,
    read_with_history,
    reading_notes,
    similar_underlying,
    with_observed_names,
)
from harmonize.api.excluded_venues import (
    ExcludedVenue,
    excluded_by_request,
    excluded_venues,
    without_venues,
)
from harmonize.api.index_over_time import index_over_time
from harmonize.api.missing_schedule import no_instrument
from harmonize.arbitrage.accounts import SplitConstraints
from harmonize.arbitrage.book_names import ContractNames
from harmonize.arbitrage.pair import Legs, Pair, compare_pair
from harmonize.arbitrage.portfolio import Portfolio, UnderlyingOffers, portfolio_margins
from harmonize.arbitrage.position_file import Book, BookFile, Position, resolve_book
from harmonize.arbitrage.rows import ArbitrageMarket, arbitrage_rows, build_market
from harmonize.arbitrage.what_if import WhatIfRow, apply_what_if, parse_what_if
from harmonize.audit.assemble import Reading
from harmonize.comparison.cross_venue import CostTerms, index_summaries, spreads_and_indices
from harmonize.comparison.peers import PeerGroup
from harmonize.comparison.universe import Universe, build_universe
from harmonize.core.open_interest import newest_by_contract
from harmonize.core.venue_conventions import OffsetRule
from harmonize.document import ArbitrageRow, Index, IndexSummary, LiquidationRow, Spread
from harmonize.liquidation.distance import LiquidationTerms, liquidation_rows
from harmonize.numerics.offer import Offer
from harmonize.policy.names import NameReader
from harmonize.policy.rule_set import RuleSet
from harmonize.text.suggest import did_you_mean
from harmonize.text.words import join_words
from venues import conventions


@dataclass(frozen=True, slots=True)
class PreparedUniverse:
    """The comparison universe of a question, with the reading, its date and what is missing.

    ``missing`` has a line per selected name without a schedule, and per part that cannot be read.
    ``underlyings`` are the requested ones by their observed names; ``notes`` state other readings.
    """

    universe: Universe
    reading: Reading
    as_of: datetime
    missing: tuple[str, ...]
    underlyings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def prepare_universe(question: Question, *, lenient: bool = False) -> PreparedUniverse:
    """Reads a selection and builds its comparison universe.

    ``lenient`` drops preferred instruments that were not observed. Raises RequestError, ArchiveError,
    RuleError.
    """
    configuration = read_configuration(question.options.config)
    reading, as_of = read_with_history(question)
    rule_sets = load_rule_sets(question.rules or configuration.rules)
    notes = reading_notes(question, reading)
    question = with_observed_names(question, reading)
    if lenient:
        observed = {(s.instrument.venue, s.instrument.symbol) for s in reading.schedules}
        instruments = {
            pair: symbol
            for pair, symbol in question.instruments.items()
            if (pair[0], symbol) in observed
        }
        question = replace(question, instruments=instruments)
    base = prepare_reading(question, rule_sets, reading, as_of)
    return replace(base, notes=tuple(dict.fromkeys((*notes, *base.notes))))


def prepare_book(question: Question, book: BookFile) -> tuple[PreparedUniverse, Book]:
    """Reads a selection and builds the universe of a book's assets; ``question`` names none.

    Raises RequestError, ArchiveError, RuleError; PositionsError: no row has an asset that is read.
    """
    configuration = read_configuration(question.options.config)
    rule_sets = load_rule_sets(question.rules or configuration.rules)
    reading, as_of = read_with_history(question)
    known = ContractNames.of(reading.schedules, reading.names)
    resolved = resolve_book(book, known)
    assets = {position.underlying for position in resolved.positions}
    question = with_observed_names(question, reading)
    question = replace(question, underlyings=tuple(sorted(assets)))
    schedules = (s for s in reading.schedules if s.instrument.underlying.asset in assets)
    reading = replace(reading, schedules=tuple(schedules))
    base = prepare_reading(question, rule_sets, reading, as_of)
    return replace(base, notes=(*base.notes, *date_notes(question))), resolved


def prepare_reading(
    question: Question, rule_sets: Sequence[RuleSet], reading: Reading, as_of: datetime
) -> PreparedUniverse:
    """Builds the universe of a reading, with the observed names of underlyings in rules and inputs.

    Raises RequestError: a preferred instrument that its venue does not have.
    """
    names = NameReader(reading.names)
    try:
        universe = build_universe(
            reading.schedules,
            names.rule_sets(rule_sets),
            names.inputs(reading.inputs),
            as_of,
            question.instruments,
            venues=1,
            unchanged_since=reading.recent_history.unchanged_since,
        )
    except KeyError as error:
        message = no_instrument(question.instruments, reading, error.args[0])
        raise RequestError(message) from None
    unobserved = (*missing(question, reading), *map(str, reading.defects))
    return PreparedUniverse(
        universe, reading, as_of, unobserved, question.underlyings, tuple(names.notes)
    )


@dataclass(frozen=True, slots=True)
class GapAnswer:
    """Spreads, splits with their decomposition, and what-ifs of one underlying.

    Costs of splits include ``fee`` USD per account beyond the first. ``excluded`` are the venues
    that neither spreads nor splits include, those that the question excludes first.
    """

    underlying: str
    hurdle_rate: float
    fee: float
    spreads: tuple[Spread, ...]
    arbitrages: tuple[ArbitrageRow, ...]
    what_ifs: tuple[WhatIfRow, ...]
    excluded: tuple[ExcludedVenue, ...] = ()


def answer_gap(
    base: PreparedUniverse,
    question: Question,
    margin_type: str,
    constraints: SplitConstraints,
    scenarios: Sequence[str],
) -> GapAnswer:
    """Answers ``gap`` for the question's one underlying.

    Raises RequestError, WhatIfError; NotObservedError: no venue is compared, or left to split over.
    """
    (underlying,) = base.underlyings
    every_venue = _market(base, underlying, margin_type)
    for venue in (*constraints.excluded, *constraints.limits, *constraints.sub_accounts):
        _offer(venue, every_venue)
    if constraints.excluded.issuperset(every_venue.offers):
        raise _nothing_left(constraints, f" on {underlying}")
    by_request = excluded_by_request(base.universe, underlying, constraints.excluded)
    base = replace(base, universe=without_venues(base.universe, constraints.excluded))
    venues = _market(base, underlying, margin_type)
    terms = CostTerms(question.notional_grid, question.options.cost_of_capital)
    spreads, _ = spreads_and_indices(base.universe.peer_groups, base.universe.layout, terms)
    reference = next(iter(venues.references.values()), None)
    return GapAnswer(
        underlying,
        question.options.cost_of_capital,
        constraints.account_cost,
        spreads,
        arbitrage_rows(
            [venues], question.notional_grid, question.options.cost_of_capital, constraints
        ),
        tuple(
            apply_what_if(
                parse_what_if(scenario, tuple(every_venue.offers)),
                every_venue.offers,
                question.notional_grid,
                constraints,
                reference,
            )
            for scenario in scenarios
        ),
        (*by_request, *excluded_venues(base.universe, margin_type)),
    )


def _nothing_left(constraints: SplitConstraints, where: str) -> NotObservedError:
    excluded = join_words(sorted(constraints.excluded))
    message = f"no venue{where} is left to split over without {excluded}; exclude fewer venues"
    return NotObservedError(message)


def _market(base: PreparedUniverse, underlying: str, margin_type: str) -> ArbitrageMarket:
    """The venues on an underlying. Raises NotObservedError: no venue's margin is comparable."""
    groups = [group for group in base.universe.peer_groups if group.underlying == underlying]
    venues = build_market(groups[0], margin_type, base.universe.layout) if groups else None
    if venues is None:
        word = "initial" if margin_type == "initial" else "maintenance"
        similar = similar_underlying(underlying, base.reading)
        fix = f"did you mean {similar}?" if similar else "see `harmonize venues` for the reasons"
        message = f"no venue's {word} margin on {underlying} is included in comparisons; {fix}"
        raise NotObservedError(message)
    return venues


def _offer(venue: str, venues: ArbitrageMarket) -> Offer:
    """The offer of a venue. Raises RequestError: the venue is excluded from comparisons."""
    if venue not in venues.offers:
        fallback = f"see `harmonize compare {venues.underlying}` for the venues and the reasons"
        fix = did_you_mean(venue, venues.offers, fallback)
        message = f"{venue} is not compared on {venues.underlying}{fix}"
        raise RequestError(message)
    return venues.offers[venue]


@dataclass(frozen=True, slots=True)
class PairAnswer:
    """A long and a short leg on two venues, against both legs on one venue."""

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


def answer_pair(
    base: PreparedUniverse,
    question: Question,
    legs: tuple[str, str],
    single_venue: str,
    offset_rule: OffsetRule | None,
) -> PairAnswer:
    """Answers ``pair``. Raises RequestError: an excluded venue, or an unknown offset rule."""
    venues = _market(base, base.underlyings[0], "initial")
    long, short, single = (_offer(venue, venues) for venue in (*legs, single_venue))
    convention = conventions.bundled().get(single_venue)
    rule = offset_rule or (convention.offset_rule if convention else None)
    if rule is None:
        kinds = ", ".join(f"'{kind}'" for kind in OffsetRule)
        message = f"unknown offset rule of {single_venue}; add --offset-rule with one of {kinds}"
        raise RequestError(message)
    if offset_rule:
        source = "as specified"
    else:
        source = f"{convention.source} ({convention.confidence})" if convention else ""
    return PairAnswer(
        base.underlyings[0],
        *legs,
        single_venue,
        rule.value,
        source,
        question.options.cost_of_capital,
        venues.oldest,
        venues.newest,
        compare_pair(
            Legs(long, short, single, rule),
            question.notional_grid,
            question.options.cost_of_capital,
        ),
    )


def answer_liquidation(
    base: PreparedUniverse, entry: LiquidationTerms
) -> tuple[LiquidationRow, ...]:
    """Answers ``liquidation`` for every selected underlying."""
    return liquidation_rows(base.universe, base.universe.peer_groups, conventions.bundled(), entry)


def answer_portfolio(
    base: PreparedUniverse, positions: Sequence[Position], constraints: SplitConstraints
) -> Portfolio:
    """Answers ``portfolio``; the reference is the first rule set that has margins by size.

    Raises RequestError: a constraint on a venue that is excluded for every underlying;
    NotObservedError: every venue is excluded.
    """
    schedules = base.universe.layout.schedules()
    rule_set = next((rule.applied.rule_set.id for rule in schedules), "")
    tables = _tables(base, positions, rule_set)
    known = sorted({venue for table in tables.values() for venue in table.initial})
    for venue in (*constraints.excluded, *constraints.limits, *constraints.sub_accounts):
        if venue not in known:
            fix = did_you_mean(venue, known, "see `harmonize compare UNDERLYING` for the venues")
            message = f"{venue} is not compared on any of the underlyings{fix}"
            raise RequestError(message)
    if known and constraints.excluded.issuperset(known):
        raise _nothing_left(constraints, "")
    return portfolio_margins(positions, tables, conventions.bundled(), constraints, rule_set)


def _tables(
    base: PreparedUniverse, positions: Sequence[Position], rule_set: str
) -> Mapping[str, UnderlyingOffers]:
    """The margins of venues and of the rule set, by underlying of the positions."""
    assets = {position.underlying for position in positions}
    return {
        group.underlying: _table(base, group, rule_set)
        for group in base.universe.peer_groups
        if group.underlying in assets
    }


def _table(base: PreparedUniverse, group: PeerGroup, rule_set: str) -> UnderlyingOffers:
    initial, maintenance, isolated_initial, isolated_maintenance = (
        build_market(peers, margin_type, base.universe.layout)
        for peers in (group, base.universe.isolated(group))
        for margin_type in ("initial", "maintenance")
    )
    all_markets = (initial, maintenance, isolated_initial, isolated_maintenance)
    dates = [(venues.oldest, venues.newest) for venues in all_markets if venues is not None]
    return UnderlyingOffers(
        initial.offers if initial else {},
        maintenance.offers if maintenance else {},
        isolated_initial.offers if isolated_initial else {},
        isolated_maintenance.offers if isolated_maintenance else {},
        _reference(initial, rule_set),
        _reference(maintenance, rule_set),
        min((oldest for oldest, _ in dates), default=""),
        max((newest for _, newest in dates), default=""),
    )


def _reference(venues: ArbitrageMarket | None, rule_set: str) -> Offer | None:
    pieces = venues.references.get(rule_set) if venues else None
    if venues is None or pieces is None:
        return None
    return Offer(pieces, pieces[-1][1], min_position=venues.above[rule_set])


@dataclass(frozen=True, slots=True)
class IndexAnswer:
    """Harmonization indices of a selection.

    ``without`` holds the indices of one underlying without each venue in turn; their median is that
    of the others. ``over_time`` holds the summaries on every day with an observation. ``excluded``
    are the venues that no index includes.
    """

    indices: tuple[Index, ...]
    summaries: tuple[IndexSummary, ...]
    without: tuple[tuple[str, Index], ...]
    over_time: tuple[tuple[str, IndexSummary], ...]
    excluded: tuple[ExcludedVenue, ...] = ()


def answer_index(base: PreparedUniverse, question: Question, *, over_time: bool) -> IndexAnswer:
    """Answers ``index``. Raises NotObservedError: fewer than three venues are comparable."""
    indices = _indices(base, base.universe.peer_groups, question)
    if not indices:
        reasons = [line for line in base.missing if line.startswith("underlying ")][:1]
        message = "; ".join(("fewer than three venues are comparable on this selection", *reasons))
        raise NotObservedError(message)
    return IndexAnswer(
        indices,
        index_summaries(indices),
        _without_each_venue(base, question) if len(base.underlyings) == 1 else (),
        index_over_time(question) if over_time else (),
        excluded_venues(base.universe),
    )


def _indices(
    base: PreparedUniverse, groups: Sequence[PeerGroup], question: Question
) -> tuple[Index, ...]:
    terms = CostTerms(
        (), question.options.cost_of_capital, newest_by_contract(base.reading.open_interest)
    )
    _, indices = spreads_and_indices(groups, base.universe.layout, terms)
    return indices


def _without_each_venue(
    base: PreparedUniverse, question: Question
) -> tuple[tuple[str, Index], ...]:
    """The indices of the one underlying without each venue that they compare."""
    (group,) = base.universe.peer_groups
    compared = {
        venue.venue for index in _indices(base, [group], question) for venue in index.venues
    }
    venues = [schedule.instrument.venue for schedule in group.schedules]
    return tuple(
        (venue, index)
        for venue in venues
        if venue in compared
        for index in _indices(base, [group.without(venue)], question)
    )

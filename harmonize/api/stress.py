"""Stress of a question's underlyings: what a fall liquidates, and what other rules would change."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from harmonize.api.adequacy_prices import Prices, read_prices
from harmonize.api.audit import (
    NotObservedError,
    Question,
    RequestError,
    age_reference,
    read_configuration,
)
from harmonize.api.cross_venue import PreparedUniverse, prepare_universe
from harmonize.api.known_venues import known_venues, unknown_venue_error
from harmonize.api.stress_accounts import (
    AccountRow,
    account_rows,
    accounted_underlyings,
    added_underlyings,
    has_accounts,
)
from harmonize.api.stress_books import given_book, observable_books, position_venues, same_book
from harmonize.api.stress_case import StressCase
from harmonize.api.stress_changes import Change, parse_change
from harmonize.api.stress_given import short_sentences, without_validation
from harmonize.api.stress_inputs import (
    MarginHistory,
    archived_open_interest,
    known_underlyings,
    market_before,
    open_interest_near,
)
from harmonize.api.stress_paths import SwitchedPaths, check_switches, joined, simulated_paths
from harmonize.api.stress_references import references
from harmonize.api.stress_replay import path_sentences, replay_sentences
from harmonize.api.stress_requested import reference_notes, requested_changes, unsimulated
from harmonize.api.stress_rows import SHOCKS, stress_row
from harmonize.api.stress_scenarios import first_mark
from harmonize.api.stress_statements import limit_statements, switch_statements
from harmonize.api.stress_validation import validate, validation_sentences
from harmonize.api.threshold_work import map_tasks
from harmonize.document.stress import StressRow, StressValidationRow
from harmonize.liquidation.price import Side
from harmonize.market.points import PointSeries
from harmonize.market.prices import PriceKind
from harmonize.stress.defaults import DEFAULTS, Mark, StressDefaults
from harmonize.stress.effects import SEEDS
from harmonize.stress.errors import StressInputError
from harmonize.stress.given import GivenImpact
from harmonize.stress.positions import Positions
from harmonize.stress.scenario import EVERY_UNDERLYING, Scenario
from harmonize.stress.thresholds import check_moves

BASELINE = "harmonized-baseline"
"""Rule set of the reference if the question names none."""

DEFAULT_SHOCK = 0.10

LEAST_SEEDS = 20
"""Fewest books behind an interval: with fewer, its ends are those of single books."""

MOST_SEEDS = 1000
"""Most books behind an interval: its ends then change by less than the digits that are printed."""


@dataclass(frozen=True, slots=True)
class StressTerms:
    """What is simulated; ``shock`` None is the scenario's largest fall, or 10 % without one.

    ``positions`` None are synthetic ones. Without ``what_ifs``, the references are applied, as a whole
    and in parts. ``with_impact`` keeps impact on in recorded paths. ``fee`` is
    the taker fee, a rate, of venues that add one to MM. ``funds`` are insurance funds by venue, in USD.
    ``given_impact`` stands in place of the square root. Paths liquidate positions in ``slices``, and
    with ``deleverage`` close shorts against the losses that no fund pays.
    """

    scenario: Scenario | None = None
    positions: Positions | None = None
    what_ifs: tuple[str, ...] = ()
    shock: float | None = None
    seeds: int = SEEDS
    with_impact: bool = False
    fee: float = 0.0
    funds: Mapping[str, float] = field(default_factory=dict)
    defaults: StressDefaults = DEFAULTS
    given_impact: GivenImpact | None = None
    slices: int = 1
    deleverage: bool = False


@dataclass(frozen=True, slots=True)
class StressAnswer:
    """Stress by underlying, what was not simulated, and how the model states recorded days.

    ``statements`` state the limits of the answer. ``missing`` was requested and is not simulated.
    ``with_accounts`` are the underlyings on which some positions share their margin: ``accounts``
    count it, ``rows`` margin each position alone. ``switched`` are slices and auto-deleveraging.
    """

    as_of: datetime
    archive: str
    scenario: Scenario | None
    rows: tuple[StressRow, ...]
    accounts: tuple[AccountRow, ...]
    validation: tuple[StressValidationRow, ...]
    statements: tuple[str, ...]
    missing: tuple[str, ...] = ()
    with_accounts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    switched: SwitchedPaths = field(default_factory=SwitchedPaths)


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What was read for a stress, before any underlying is simulated.

    ``named`` are the requested underlyings, ``linked`` those that accounts add to the simulated ones.
    """

    question: Question
    named: tuple[str, ...]
    linked: tuple[str, ...]
    base: PreparedUniverse
    terms: StressTerms
    moment: datetime
    history: MarginHistory
    points: tuple[PointSeries, ...]
    prices: Prices
    changes: tuple[Change, ...]
    rule_sets: tuple[str, ...]
    defects: tuple[str, ...]

    @property
    def is_dated(self) -> bool:
        """Whether the scenario is of a day in the past."""
        return bool(self.terms.scenario and self.terms.scenario.first_mark)


def answer_stress(
    question: Question, terms: StressTerms | None = None, executor: Executor | None = None
) -> StressAnswer:
    """Simulates the underlyings of a question, of all that can be if it names none.

    Books of the seeds are shared by an executor; the result does not depend on it. Raises RequestError: wrong input; NotObservedError: nothing can be simulated; ArchiveError,
    RuleError.
    """
    terms = terms or StressTerms()
    _check(terms)
    inputs = _read(question, terms)
    rows, missing, used, switched = [], [], {}, []
    absent: dict[str, str] = {}
    for underlying in _underlyings(inputs):
        try:
            case, reasons = _case(inputs, underlying)
            used[underlying] = case
            paths = simulated_paths(case)
            rows.append(stress_row(case, partial(map_tasks, executor), paths))
            switched.append(paths.switched)
        except NotObservedError as error:
            absent[underlying] = str(error)
            missing.append(str(error))
            continue
        except StressInputError as error:
            raise RequestError(str(error)) from None
        missing += reasons
    partly = missing if _is_optional(inputs, rows) else []
    missing = [line for line in missing if line not in partly]
    missing += unsimulated(question.venues, terms.funds, terms.positions, rows)
    if not rows:
        message = (
            "; ".join(dict.fromkeys((*inputs.base.missing, *missing)))
            or "no underlying has open interest and margins"
        )
        raise NotObservedError(message)
    accounts, excluded = _accounts(inputs, used, absent)
    missing += excluded
    validated = rows if terms.positions is None else []
    validation = validate(
        tuple(row.underlying for row in validated),
        {row.underlying: used[row.underlying].terms for row in validated},
        terms.defaults,
    )
    return StressAnswer(
        inputs.base.as_of,
        inputs.base.reading.archive,
        terms.scenario,
        tuple(rows),
        accounts,
        validation,
        (
            *replay_sentences(terms.scenario, rows),
            *path_sentences(rows),
            *limit_statements(
                terms.scenario,
                terms.positions,
                rows,
                with_impact=terms.with_impact,
                has_funds=bool(terms.funds),
            ),
            *switch_statements(terms.slices, is_deleveraged=terms.deleverage),
            *short_sentences(terms.positions, rows),
            *without_validation(
                terms.positions,
                validation_sentences(validation, [(row.underlying, row.at_shock) for row in rows]),
            ),
        ),
        tuple(dict.fromkeys((*inputs.base.missing, *inputs.defects, *missing))),
        accounted_underlyings(terms.positions) if terms.positions else (),
        (
            *inputs.base.notes,
            *dict.fromkeys(partly),
            *_omitted(inputs),
            *reference_notes(rows, inputs.changes),
        ),
        joined(switched),
    )


def _omitted(inputs: _Inputs) -> Iterator[str]:
    """Yields the underlyings with open interest that are not simulated, if none was named."""
    if inputs.named or inputs.terms.positions is not None:
        return
    compared = {group.underlying for group in inputs.base.universe.peer_groups}
    simulated, scenario = _underlyings(inputs), inputs.terms.scenario
    for name in known_underlyings(inputs.points):
        if name not in compared:
            yield f"underlying {name}: not simulated: its margins are not compared"
        elif name not in simulated and scenario is not None:
            yield f"underlying {name}: not simulated: scenario {scenario.id} has no falls of it"
    known = {EVERY_UNDERLYING, *simulated, *known_underlyings(inputs.points)}
    for name in scenario.falls if scenario is not None else ():
        if name not in known:
            yield f"underlying {name}: not simulated: no open interest is observed"


def _is_optional(inputs: _Inputs, rows: Sequence[StressRow]) -> bool:
    """Whether what is missing was not requested: no underlying was named, and one is complete."""
    if inputs.named or inputs.terms.positions is not None:
        return False
    specified = {change.specification for change in inputs.changes}
    changed = ({reaction.what_if for reaction in row.reactions} for row in rows if row.points)
    return any(made >= specified and bool(made) for made in changed)


def _check(terms: StressTerms) -> None:
    """Raises RequestError: a shock or fee outside [0, 1), too few seeds, or a fund of an unknown venue."""
    if error := unknown_venue_error(terms.funds):
        message = f"--fund: {error}"
        raise RequestError(message)
    if not LEAST_SEEDS <= terms.seeds <= MOST_SEEDS:
        expected = f"expected {LEAST_SEEDS} to {MOST_SEEDS:,} books behind a 5–95 % interval"
        message = f"--seeds: {expected}, found {terms.seeds:,}"
        raise RequestError(message)
    is_replay = terms.scenario is not None and terms.scenario.contains_its_cascade
    if terms.positions is not None and terms.defaults.leverage.mark is Mark.GIVEN:
        message = "--leverage: given positions have their own; remove --leverage or --positions"
        raise RequestError(message)
    if terms.with_impact and not is_replay:
        message = "--impact: off in the replay of a recorded --scenario alone; remove --impact"
        raise RequestError(message)
    has_path = terms.scenario is not None
    check_switches(terms.slices, is_deleveraged=terms.deleverage, has_path=has_path)
    if not 0.0 <= terms.fee < 1.0:
        message = f"taker fee: expected a rate from 0 to below 1, found {terms.fee}"
        raise RequestError(message)
    try:
        check_moves("shock", [terms.shock or 0.0])
    except StressInputError as error:
        raise RequestError(str(error)) from None


def _read(question: Question, terms: StressTerms) -> _Inputs:
    rules = question.rules or read_configuration(question.options.config).rules
    question = replace(question, rules=rules or (BASELINE,))
    base = prepare_universe(question)
    named, linked = base.underlyings, added_underlyings(terms.positions, base.underlyings)
    if linked:
        question = replace(question, underlyings=(*named, *linked))
        base = prepare_universe(question)
    day = None
    if terms.scenario is not None and terms.scenario.first_mark:
        today = age_reference(replace(question, as_of=None))
        day = first_mark(terms.scenario, max(today, base.as_of))
    moment = min(day, question.last_read) if day else base.as_of
    points, defects = archived_open_interest(question)
    names = (*_names(base, named, terms, points), *linked)
    prices, unread = read_prices(question, moment, frozenset(names), frozenset({PriceKind.PERP}))
    applied = base.universe.layout.rules
    return _Inputs(
        question,
        named,
        linked,
        base,
        terms,
        moment,
        MarginHistory(question, base, day, terms.fee),
        points,
        prices,
        tuple(parse_change(text, known_venues()) for text in terms.what_ifs),
        tuple(rule.applied.rule_set.id for rule in applied),
        (*defects, *unread),
    )


def _names(
    base: PreparedUniverse,
    named: tuple[str, ...],
    terms: StressTerms,
    points: Sequence[PointSeries],
) -> tuple[str, ...]:
    """Returns the requested underlyings; without any, those of the positions, or with open interest."""
    if named:
        return named
    if terms.positions is not None:
        return terms.positions.underlyings
    observed = {group.underlying for group in base.universe.peer_groups}
    return tuple(name for name in known_underlyings(points) if name in observed)


def _underlyings(inputs: _Inputs) -> tuple[str, ...]:
    """Returns the names to simulate, without those that the scenario does not have if none was named."""
    names = _names(inputs.base, inputs.named, inputs.terms, inputs.points)
    scenario = inputs.terms.scenario
    if scenario is None or EVERY_UNDERLYING in scenario.falls:
        return names
    has_path = tuple(name for name in names if name in scenario.falls)
    return names if inputs.named or inputs.terms.positions is not None else has_path


def _case(inputs: _Inputs, underlying: str) -> tuple[StressCase, list[str]]:
    """Returns the case of an underlying, and what of it cannot be simulated.

    Raises NotObservedError, StressInputError, RequestError.
    """
    terms, scenario = inputs.terms, inputs.terms.scenario
    if scenario is not None and not {underlying, EVERY_UNDERLYING} & set(scenario.falls):
        message = f"underlying {underlying}: scenario {scenario.id} has no falls of it"
        raise NotObservedError(message)
    latest = inputs.question.until
    near = open_interest_near(inputs.points, underlying, inputs.moment, latest)
    if inputs.question.venues:
        near = {venue: own for venue, own in near.items() if venue in inputs.question.venues}
    venues = position_venues(terms.positions, underlying) if terms.positions else tuple(near)
    own = inputs.history.terms(underlying, venues)
    known = known_underlyings(inputs.points)
    make_book = (
        partial(
            same_book,
            given_book(terms.positions, underlying, own, known, inputs.question.venues),
        )
        if terms.positions
        else observable_books(underlying, near, own)
    )
    market = market_before(
        inputs.prices.get(underlying, ()),
        inputs.moment,
        DEFAULTS.market_days.value,
        is_dated=inputs.is_dated,
    )
    if terms.given_impact is not None:
        market = replace(market, reason="")  # neither volatility nor volume is needed
    book = make_book(None, terms.defaults)
    required = references(inputs.base.universe, inputs.rule_sets, underlying)
    absent = [(venue.venue, venue.reason) for venue in book.not_observable]
    changes = requested_changes(inputs.changes, required, underlying, absent, book.positions.venues)
    reasons = [f"underlying {underlying}: {market.reason}"] * bool(market.reason)
    case = StressCase(
        underlying=underlying,
        make_book=make_book,
        is_synthetic=terms.positions is None,
        terms=own,
        open_interest=near,
        market=market,
        scenario=scenario,
        shock=_shock(terms, underlying),
        effect_shocks=SHOCKS,
        changes=changes.made,
        references=required,
        given_impact=terms.given_impact,
        defaults=terms.defaults,
        seeds=terms.seeds if terms.positions is None else 1,
        fee=terms.fee,
        funds=terms.funds,
        with_impact=terms.with_impact,
        slices=terms.slices,
        is_deleveraged=terms.deleverage,
        make_shorts=None
        if terms.positions
        else observable_books(underlying, near, own, Side.SHORT),
        has_accounts=bool(terms.positions and underlying in accounted_underlyings(terms.positions)),
    )
    return case, [*reasons, *changes.missing]


def _shock(terms: StressTerms, underlying: str) -> float:
    if terms.shock is not None:
        return terms.shock
    return max(terms.scenario.path(underlying)) if terms.scenario else DEFAULT_SHOCK


def _accounts(
    inputs: _Inputs, simulated: Mapping[str, StressCase], absent: Mapping[str, str]
) -> tuple[tuple[AccountRow, ...], list[str]]:
    """Returns the rows of accounts, and what of them cannot be simulated.

    ``absent`` states by underlying why it was not simulated. Raises RequestError.
    """
    positions = inputs.terms.positions
    if positions is None or not has_accounts(positions):
        return (), []
    cases, reasons, lines = dict(simulated), dict(absent), []
    for underlying in inputs.linked:
        try:
            cases[underlying], _ = _case(inputs, underlying)
        except NotObservedError as error:
            reasons[underlying] = str(error)
            continue
        if reason := cases[underlying].market.reason:
            lines.append(f"underlying {underlying}, linked by accounts: {reason}")
    try:
        rows, excluded = account_rows(positions, cases, reasons)
    except StressInputError as error:
        raise RequestError(str(error)) from None
    return rows, [*lines, *excluded]

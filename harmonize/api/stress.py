"""Stress of a question's underlyings: what a fall liquidates, and what other rules would change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from harmonize.api.adequacy_prices import Prices, read_prices
from harmonize.api.audit import NotObservedError, Question, RequestError, read_configuration
from harmonize.api.cross_venue import PreparedUniverse, prepare_universe
from harmonize.api.known_venues import unknown_venue_error
from harmonize.api.stress_accounts import (
    AccountRow,
    account_rows,
    accounted_underlyings,
    has_accounts,
    linked_underlyings,
)
from harmonize.api.stress_books import given_book, observable_book, position_venues, same_book
from harmonize.api.stress_case import NamedChange, StressCase
from harmonize.api.stress_changes import REFERENCE, Change, parse_change
from harmonize.api.stress_inputs import (
    MarginHistory,
    archived_open_interest,
    known_underlyings,
    market_before,
    open_interest_near,
)
from harmonize.api.stress_rows import SHOCKS, stress_row
from harmonize.api.stress_validation import FALLS_ALONE, validate, validation_sentences
from harmonize.core.schedule import Unknown
from harmonize.core.yaml_source import YamlSourceError
from harmonize.document.stress import StressRow, StressValidationRow
from harmonize.market.points import PointSeries
from harmonize.market.prices import PriceKind
from harmonize.stress.book import Book
from harmonize.stress.defaults import DEFAULTS, JOINT_FALL
from harmonize.stress.effects import SEEDS
from harmonize.stress.errors import StressInputError
from harmonize.stress.margins import reference_tiers
from harmonize.stress.positions import NO_ACCOUNT, Positions
from harmonize.stress.scenario import EVERY_UNDERLYING, Scenario
from harmonize.stress.thresholds import check_moves
from harmonize.text.suggest import did_you_mean
from harmonize.text.words import join_words

BASELINE = "harmonized-baseline"
"""Rule set of the reference if the question names none."""

DEFAULT_SHOCK = 0.10

_EFFECT_SHOCKS = tuple(shock for shock in SHOCKS if shock >= 0.05)  # noqa: PLR2004 - bundled falls


@dataclass(frozen=True, slots=True)
class StressTerms:
    """What is simulated; ``shock`` None is the scenario's largest fall, or 10 % without one.

    ``positions`` None are synthetic ones. ``with_impact`` keeps impact on in recorded paths. ``fee`` is
    the taker fee, a rate, of venues that add one to MM. ``funds`` are insurance funds by venue, in USD.
    """

    scenario: Scenario | None = None
    positions: Positions | None = None
    what_ifs: tuple[str, ...] = (REFERENCE,)
    shock: float | None = None
    seeds: int = SEEDS
    with_impact: bool = False
    fee: float = 0.0
    funds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StressAnswer:
    """Stress by underlying, what was not simulated, and how the model states recorded days.

    ``statements`` state the limits of the answer. ``missing`` was requested and is not simulated.
    ``with_accounts`` are the underlyings on which some positions share their margin: ``accounts``
    count it, ``rows`` margin each position alone.
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


def answer_stress(question: Question, terms: StressTerms | None = None) -> StressAnswer:
    """Simulates the underlyings of a question, of all that can be if it names none.

    Raises RequestError: wrong input; NotObservedError: nothing can be simulated; ArchiveError,
    RuleError.
    """
    terms = terms or StressTerms()
    _check(terms)
    inputs = _read(question, terms)
    rows, missing, used = [], [], {}
    absent: dict[str, str] = {}
    for underlying in _underlyings(inputs):
        try:
            case, reasons = _case(inputs, underlying)
            used[underlying] = case
            rows.append(stress_row(case))
        except NotObservedError as error:
            absent[underlying] = str(error)
            missing.append(str(error))
            continue
        except StressInputError as error:
            raise RequestError(str(error)) from None
        missing += reasons
    partly = missing if _is_optional(inputs, rows) else []
    missing = [line for line in missing if line not in partly] + _unsimulated(inputs, rows)
    if not rows:
        message = (
            "; ".join(dict.fromkeys((*inputs.base.missing, *missing)))
            or "no underlying has open interest and margins"
        )
        raise NotObservedError(message)
    accounts, excluded = _accounts(inputs, used, absent)
    missing += excluded
    validation = validate(
        tuple(row.underlying for row in rows),
        {row.underlying: used[row.underlying].terms for row in rows},
    )
    return StressAnswer(
        inputs.base.as_of,
        inputs.base.reading.archive,
        terms.scenario,
        tuple(rows),
        accounts,
        validation,
        (
            *_statements(inputs, rows),
            *validation_sentences(validation, [(row.underlying, row.at_shock) for row in rows]),
        ),
        tuple(dict.fromkeys((*inputs.base.missing, *inputs.defects, *missing))),
        accounted_underlyings(terms.positions) if terms.positions else (),
        (*inputs.base.notes, *dict.fromkeys(partly), *_omitted(inputs)),
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


def _is_optional(inputs: _Inputs, rows: Sequence[StressRow]) -> bool:
    """Whether what is missing was not requested: no underlying was named, and one is complete."""
    if inputs.named or inputs.terms.positions is not None:
        return False
    specified = {change.specification for change in inputs.changes}
    return any(row.points and specified == {own.what_if for own in row.reactions} for row in rows)


def _check(terms: StressTerms) -> None:
    """Raises RequestError: a shock or fee outside [0, 1), no seed, or a fund of an unknown venue."""
    if error := unknown_venue_error(terms.funds):
        message = f"fund: {error}"
        raise RequestError(message)
    if terms.seeds < 1:
        message = f"seeds: expected a number from 1, found {terms.seeds}"
        raise RequestError(message)
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
    named, linked = base.underlyings, _linked(terms.positions, base.underlyings)
    if linked:
        question = replace(question, underlyings=(*named, *linked))
        base = prepare_universe(question)
    day = None
    if terms.scenario is not None and terms.scenario.first_mark:
        day = _first_mark(terms.scenario)
    moment = min(day, question.last_read) if day else base.as_of
    points, defects = archived_open_interest(question)
    names = (*_names(base, named, terms, points), *linked)
    prices, unread = read_prices(question, moment, frozenset(names), frozenset({PriceKind.PERP}))
    applied = base.universe.layout.rules
    known = {s.instrument.venue for s in base.universe.schedules}
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
        tuple(parse_change(text, known) for text in terms.what_ifs),
        tuple(rule.applied.rule_set.id for rule in applied),
        (*defects, *unread),
    )


def _linked(positions: Positions | None, named: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the underlyings that accounts link to the named ones; all are simulated if none is."""
    if positions is None or not named:
        return ()
    return linked_underlyings(positions, named)[len(named) :]


def _first_mark(scenario: Scenario) -> datetime:
    """Returns the time of the first mark. Raises RequestError: not a time with a time zone."""
    try:
        moment = datetime.fromisoformat(scenario.first_mark)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = (
            f"scenario {scenario.id}: first_mark: expected a time such as 2025-10-10T12:00:00Z,"
            f" found {scenario.first_mark!r}"
        )
        raise RequestError(message)
    return moment


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
    make_book = (
        partial(same_book, given_book(terms.positions, underlying, own, inputs.question.venues))
        if terms.positions
        else partial(observable_book, underlying, near, own)
    )
    market = market_before(
        inputs.prices.get(underlying, ()),
        inputs.moment,
        DEFAULTS.market_days.value,
        is_dated=inputs.is_dated,
    )
    changes, unknown = _changes(inputs, underlying, make_book(None, DEFAULTS))
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
        effect_shocks=_EFFECT_SHOCKS,
        changes=changes,
        seeds=terms.seeds if terms.positions is None else 1,
        fee=terms.fee,
        funds=terms.funds,
        with_impact=terms.with_impact,
        has_accounts=bool(terms.positions and underlying in accounted_underlyings(terms.positions)),
    )
    return case, [*reasons, *unknown]


def _shock(terms: StressTerms, underlying: str) -> float:
    if terms.shock is not None:
        return terms.shock
    return max(terms.scenario.path(underlying)) if terms.scenario else DEFAULT_SHOCK


def _changes(
    inputs: _Inputs, underlying: str, book: Book
) -> tuple[tuple[NamedChange, ...], list[str]]:
    """Returns the changes that can be simulated on an underlying, and why others cannot."""
    changes, unknown = [], []
    for change in inputs.changes:
        if change.kind == "adopt" and change.argument not in book.positions.venues:
            reason = f"{change.argument} has no margins and positions in the book"
            unknown.append(f"underlying {underlying}: what-if {change.specification}: {reason}")
            continue
        for rule_set in inputs.rule_sets if change.margin_types else ("",):
            tiers = [
                reference_tiers(inputs.base.universe, rule_set, margin_type, underlying)
                for margin_type in ("initial", "maintenance")
            ]
            what_if = change.what_if(*tiers)
            if isinstance(what_if, Unknown):
                unknown.append(
                    f"underlying {underlying}: what-if {change.specification}: {what_if.reason}"
                )
            else:
                changes.append(NamedChange(change.specification, rule_set, what_if))
    return tuple(changes), unknown


def _unsimulated(inputs: _Inputs, rows: Sequence[StressRow]) -> list[str]:
    """Returns the requested venues that no book contains, and given positions not simulated."""
    simulated = {venue.venue for row in rows for venue in row.venues}
    absent = {own.venue: own.reason for row in rows for own in row.not_observable}
    lines = [
        f"venue {venue}: not simulated: {absent.get(venue, 'no open interest and margins')}"
        for venue in inputs.question.venues
        if venue not in simulated
    ]
    if inputs.terms.positions is None:
        return lines
    given = set(inputs.terms.positions.venues)
    lines += [
        f"positions: {row.underlying} on {own.venue}: not simulated: {own.reason}"
        for row in rows
        for own in row.not_observable
        if own.venue in given
    ]
    return lines


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


def _statements(inputs: _Inputs, rows: Sequence[StressRow]) -> list[str]:
    """Returns what limits the answer, in sentences."""
    terms, lines = inputs.terms, []
    scenario = terms.scenario
    if scenario is not None and scenario.contains_its_cascade:
        lines.append(
            f"{scenario.id} is a recorded path: it already contains its own liquidations. "
            + (
                "Impact is on as requested, and counts them twice."
                if terms.with_impact
                else "Impact is off in the replay; --impact switches it on. Curve, contributions and "
                "effects are of a sudden fall as large, with impact."
            )
        )
    lines += _margined_alone(terms, rows)
    lines.append(FALLS_ALONE)
    counted = "only the stated ones" if terms.funds else "none"
    lines.append(f"No insurance fund is archived: reverse stress counts {counted}.")
    return lines


def _margined_alone(terms: StressTerms, rows: Sequence[StressRow]) -> Iterator[str]:
    """Yields what the results do not know of positions that fall together."""
    positions, scenario = terms.positions, terms.scenario
    accounted = accounted_underlyings(positions) if positions else ()
    names = [row.underlying for row in rows if row.underlying in accounted]
    if names:
        yield (
            f"Curve, paths, contributions, map, effects and sensitivity of {join_words(names)}: each "
            "position margined alone. The results of accounts have their shared margin."
        )
    is_joint = len(rows) > 1 or (scenario is not None and scenario.is_joint)
    has_single = positions is None or bool((positions.account == NO_ACCOUNT).any())
    if is_joint and has_single:
        subject = "Positions without an account are" if accounted else "Every underlying is"
        reason = "" if accounted else ": no accounts are known"
        yield (
            f"{subject} simulated alone{reason}. On a Hyperliquid sample, the joint fall of 2025-10-10 "
            f"makes {JOINT_FALL.text} ({JOINT_FALL.mark})."
        )


def find_scenario(name: str, bundled: Mapping[str, Scenario], text: str | None) -> Scenario:
    """Returns a bundled scenario by name, or that of a YAML text of a file with the name.

    Raises RequestError: an unknown name, or an error in the text with file, line and column.
    """
    from harmonize.stress.scenario import parse_scenario  # noqa: PLC0415 - only files need it

    if text is not None:
        try:
            return parse_scenario(text, name)
        except YamlSourceError as error:
            raise RequestError(str(error)) from None
    if name not in bundled:
        fix = did_you_mean(name, bundled, f"use one of {', '.join(bundled)}, or a YAML file")
        message = f"--scenario: unknown scenario {name!r}{fix}"
        raise RequestError(message)
    return bundled[name]

"""Judges a proposed schedule like a published one: verdicts, findings, rank, effect on the gap."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from harmonize.api.audit import (
    Configuration,
    NotObservedError,
    Question,
    base_of_pair,
    load_rule_sets,
    missing,
    read_configuration,
    read_with_history,
    reading_notes,
    with_observed_names,
)
from harmonize.arbitrage.rows import ArbitrageMarket, arbitrage_rows, build_market
from harmonize.checks import caps, divergence, tiers
from harmonize.checks.base import AuditContext
from harmonize.comparison.layout import build_layout
from harmonize.comparison.proposal import Proposal, schedule_of, with_proposal
from harmonize.comparison.ranking import Ranking, RankingTerms, rank_venues
from harmonize.comparison.universe import Universe, build_universe
from harmonize.comparison.verdicts import evaluate, maintenance_against_initial
from harmonize.core.schedule import MarginSchedule
from harmonize.document import ArbitragePoint, ArbitrageRow, DivergenceRow, Finding, Level
from harmonize.numerics.rounding import rounded
from harmonize.policy.apply import AppliedRuleSet, apply_rule_sets
from harmonize.policy.inputs import newest_inputs
from harmonize.policy.names import NameReader
from harmonize.text.messages import iso_utc

_CHECKS = (*tiers.CHECKS, *divergence.CHECKS, *caps.CHECKS)
"""Checks of one schedule: structure, leverage, divergence and caps."""

_LEVELS = tuple(Level)

SCHEMA_VERSION = "1.0"
"""Version of the JSON; its first number rises when a field is removed or changes its meaning."""

_NOTIONALS = (1e5, 1e6, 1e7)
"""Notionals of ranks and gaps in USD, unless the question names others."""


@dataclass(frozen=True, slots=True)
class ProposedVerdict:
    """Verdict of a rule set on a proposal, and how the required margin was verified.

    ``tolerance_below`` is the share below the required margin down to which a margin complies.
    ``verified`` is empty and ``tolerance_below`` None without a required margin.
    """

    row: DivergenceRow
    verified: str = ""
    tolerance_below: float | None = None

    def as_object(self) -> dict[str, object]:
        """Returns the fields of the row and the others as one object for JSON."""
        own = {"verified": self.verified, "tolerance_below": self.tolerance_below}
        return asdict(self.row) | own


@dataclass(frozen=True, slots=True)
class ProposedRank:
    """Rank that a proposal would have at a notional among ``venues`` venues, itself included.

    ``rank`` is 1 for the lowest margin; None for the ``reason``. Margins are in USD.
    """

    notional: float
    margin_type: str
    rank: int | None
    venues: int
    margin: float | None
    lowest: float | None
    lowest_venues: tuple[str, ...]
    highest: float | None
    highest_venues: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProposedGap:
    """Cheapest split of a position and its gap to the reference, without and with a proposal.

    Amounts are in USD; None if the venues do not take the position, or without a reference.
    ``allocated`` is the notional that the cheapest split would hold under the proposal.
    """

    notional: float
    rule_set: str
    reference: float | None
    split_without: float | None
    split_with: float | None
    gap_without: float | None
    gap_with: float | None
    allocated: float


@dataclass(frozen=True, slots=True)
class JudgedProposal:
    """A proposal with its verdicts, findings, ranks and gaps, as of a date.

    ``missing`` states what was not observed, ``notes`` names that were read as others.

    ``replaces`` tells that a venue of the same name has a schedule, which the proposal replaces.
    """

    name: str
    underlying: str
    tier_rule: str
    as_of: str
    archive: str
    replaces: bool
    verdicts: tuple[ProposedVerdict, ...]
    findings: tuple[Finding, ...]
    ranks: tuple[ProposedRank, ...]
    gaps: tuple[ProposedGap, ...]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_object(self) -> dict[str, object]:
        """Returns the judgement as an object for JSON."""
        verdicts = [verdict.as_object() for verdict in self.verdicts]
        return {"schema_version": SCHEMA_VERSION} | asdict(self) | {"verdicts": verdicts}


@dataclass(frozen=True, slots=True)
class _Case:
    """A proposal's schedule, the universe without and with it, and the terms of the question."""

    schedule: MarginSchedule
    without: Universe
    universe: Universe
    question: Question
    configuration: Configuration


def judge_proposal(question: Question, proposal: Proposal) -> JudgedProposal:
    """Judges a proposal against rule sets and the observed venues.

    An asset that no venue lists is judged as well. Raises RequestError, ArchiveError, RuleError;
    NotObservedError: the underlying is a pair or a contract.
    """
    configuration = read_configuration(question.options.config)
    rule_sets = load_rule_sets(question.rules or configuration.rules)
    question = replace(question, underlyings=(proposal.underlying,))
    reading, as_of = read_with_history(question)
    notes = reading_notes(question, reading)
    (asset,) = with_observed_names(question, reading).underlyings
    if base := base_of_pair(asset, reading):
        message = f"underlying {asset}: no schedule was observed; did you mean {base}?"
        raise NotObservedError(message)
    proposal = replace(proposal, underlying=asset)
    names = NameReader(reading.names)
    inputs, rule_sets = names.inputs(reading.inputs), names.rule_sets(rule_sets)
    without = build_universe(
        reading.schedules,
        rule_sets,
        inputs,
        as_of,
        question.instruments,
        venues=1,
        unchanged_since=reading.recent_history.unchanged_since,
    )
    applied = apply_rule_sets(rule_sets, newest_inputs(inputs, as_of), [asset], as_of.date())
    schedule = schedule_of(proposal, as_of, without.schedules)
    universe = with_proposal(without, schedule, applied)
    case = _Case(schedule, without, universe, question, configuration)
    verdicts = _verdicts(case)
    unobserved = () if without.peer_groups else missing(question, reading)
    return JudgedProposal(
        name=proposal.name,
        underlying=asset,
        tier_rule=proposal.rule.value,
        as_of=iso_utc(as_of),
        archive=reading.archive,
        replaces=proposal.name in without.chosen.get(asset, {}),
        verdicts=tuple(_verdict(row, universe) for row in verdicts),
        findings=_findings(case, verdicts, applied),
        ranks=_ranks(case, RankingTerms(1.0, "initial", as_of)),
        gaps=_gaps(case),
        missing=unobserved,
        notes=tuple(dict.fromkeys((*notes, *names.notes))),
    )


def _verdicts(case: _Case) -> tuple[DivergenceRow, ...]:
    rows = evaluate(
        case.universe.schedules,
        case.universe.layout,
        case.question.notional_grid,
        case.configuration.jurisdictions,
    )
    own = case.schedule.key
    return tuple(row for row in rows if (row.venue, row.symbol, row.profile) == own)


def _verdict(row: DivergenceRow, universe: Universe) -> ProposedVerdict:
    if row.required is None:
        return ProposedVerdict(row)
    rule = next(x for x in universe.layout.rules if x.applied.rule_set.id == row.rule_set)
    return ProposedVerdict(
        row,
        rule.verification(row.underlying, row.margin_type),
        rounded(rule.tolerance_below(row.underlying, row.required)),
    )


def _findings(
    case: _Case, verdicts: tuple[DivergenceRow, ...], applied: Sequence[AppliedRuleSet]
) -> tuple[Finding, ...]:
    """Returns the findings of the checks of one schedule, the most severe first."""
    layout = build_layout((case.schedule,), applied)
    context = AuditContext(
        schedules=(case.schedule,),
        maintenance_deviations=maintenance_against_initial(layout),
        divergences=verdicts,
        rules=layout.rules,
        defects=(),
        snapshot_ages=(),
        snapshots=(),
        as_of=case.schedule.observed_at,
        stale_after_days=case.question.options.stale_after_days,
    )
    options: Mapping[str, Mapping[str, float]] = case.configuration.options
    results = [check.evaluate(context, options.get(check.code, {})) for check in _CHECKS]
    own = (x for result in results for x in result.findings if x.venue)
    return tuple(sorted(own, key=lambda x: (_LEVELS.index(x.level), x.code)))


def _ranks(case: _Case, terms: RankingTerms) -> tuple[ProposedRank, ...]:
    asset = case.schedule.instrument.underlying.asset
    return tuple(
        _rank(
            case,
            rank_venues(case.universe, asset, own, case.configuration.jurisdictions),
            own,
        )
        for margin_type in ("initial", "maintenance")
        for notional in notionals_of(case.question)
        for own in (replace(terms, notional=notional, margin_type=margin_type),)
    )


def notionals_of(question: Question) -> tuple[float, ...]:
    """Returns the notionals of ranks and gaps: those of the question if it names any."""
    is_default = question.notional_grid == Question().notional_grid
    return _NOTIONALS if is_default else question.notional_grid


def _rank(case: _Case, ranking: Ranking, terms: RankingTerms) -> ProposedRank:
    venue = case.schedule.instrument.venue
    own = next((x for x in ranking.venues if x.venue == venue), None)
    reason = next((x.reason for x in ranking.unranked if x.venue == venue), "")
    others = [x for x in ranking.venues if x.venue != venue]
    lowest = min((x.margin for x in others), default=None)
    highest = max((x.margin for x in others), default=None)
    return ProposedRank(
        terms.notional,
        terms.margin_type,
        own.rank if own else None,
        len(ranking.venues),
        own.margin if own else None,
        lowest,
        tuple(x.venue for x in others if x.margin == lowest),
        highest,
        tuple(x.venue for x in others if x.margin == highest),
        reason,
    )


def _gaps(case: _Case) -> tuple[ProposedGap, ...]:
    """Returns the gap to the first rule set with a reference, without and with the proposal."""
    notionals = notionals_of(case.question)
    rows = [_arbitrage(case, universe) for universe in (case.without, case.universe)]
    points = [_points(row) for row in rows]
    venue = case.schedule.instrument.venue
    gaps = []
    for notional in notionals:
        before, after = (own.get(notional) for own in points)
        allocation = after.allocation if after else ()
        reference = after.reference if after else None
        gaps.append(
            ProposedGap(
                notional,
                rows[1].rule_set if rows[1] else "",
                reference,
                before.optimal_split if before else None,
                after.optimal_split if after else None,
                before.gap if before else None,
                after.gap if after else None,
                sum(part.notional for part in allocation if part.venue == venue),
            )
        )
    return tuple(gaps)


def _arbitrage(case: _Case, universe: Universe) -> ArbitrageRow | None:
    asset = case.schedule.instrument.underlying.asset
    groups = [group for group in universe.peer_groups if group.underlying == asset]
    market: ArbitrageMarket | None = (
        build_market(groups[0], "initial", universe.layout) if groups else None
    )
    if market is None:
        return None
    terms = case.question.options.cost_of_capital
    rows = arbitrage_rows([market], notionals_of(case.question), terms)
    return rows[0]


def _points(row: ArbitrageRow | None) -> dict[float, ArbitragePoint]:
    return {point.notional: point for point in row.points} if row else {}

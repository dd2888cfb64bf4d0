"""The audit: what was read is prepared, compared and checked, then assembled into one document."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from typing import TypeVar

from harmonize.arbitrage.rows import COST_OF_CAPITAL, arbitrage_rows, build_market
from harmonize.audit.method import EXPLANATIONS
from harmonize.audit.waivers import waive
from harmonize.checks import CHECKS, WAIVER_CHECKS
from harmonize.checks.base import AuditContext, Check, CheckResult
from harmonize.comparison.applicability import Jurisdictions
from harmonize.comparison.cross_venue import (
    CostTerms,
    build_comparison,
    index_summaries,
    spreads_and_indices,
)
from harmonize.comparison.curves import build_curves
from harmonize.comparison.headlines import SPAN, headline_groups
from harmonize.comparison.layout import PanelLayout
from harmonize.comparison.peers import PeerGroup
from harmonize.comparison.representative import VenueUnderlying
from harmonize.comparison.universe import Universe, build_universe
from harmonize.comparison.verdicts import evaluate, maintenance_against_initial
from harmonize.core.instrument import AssetNames
from harmonize.core.notionals import HEAT_NOTIONAL, NOTIONAL_GRID
from harmonize.core.open_interest import OpenInterest, newest_by_contract
from harmonize.core.payload import Defect, Remark, Snapshot, Unobserved
from harmonize.core.schedule import MarginSchedule
from harmonize.core.venue_conventions import ConventionsByVenue
from harmonize.document import (
    SCHEMA_VERSION,
    AdequacySection,
    ArbitrageRow,
    AuditDocument,
    Comparison,
    DivergenceRow,
    Finding,
    Headlines,
    Index,
    Level,
    LiquidationRow,
    ScheduleRow,
    Spread,
    StressOmittedRow,
    StressRow,
    ThresholdSection,
    Tool,
    WaiverRow,
    rows,
)
from harmonize.document.rows import SnapshotAge
from harmonize.history.recent import RecentHistory, ScheduleKey
from harmonize.liquidation.distance import LiquidationTerms, liquidation_rows
from harmonize.numerics.deviation import Deviation
from harmonize.numerics.panel import PieceNumbers
from harmonize.policy.inputs import Input
from harmonize.policy.rule_set import RuleSet
from harmonize.policy.waiver import Waiver
from harmonize.text.messages import iso_utc
from harmonize.version import VERSION

MAX_CURVES = 12
"""Number of underlyings with curves: those with a reference that most venues list."""

MAX_GAP_CHARTS = 6
"""Number of underlyings whose arbitrage gap is drawn: the first of those with curves."""

_SORT_KEY = attrgetter(
    "code", "venue", "symbol", "profile", "rule_set", "margin_type", "fingerprint"
)

_Sized = TypeVar("_Sized", ArbitrageRow, Spread)

_MOST_SEVERE_FIRST = (Level.ERROR, Level.WARNING, Level.INFO)


@dataclass(frozen=True, slots=True)
class Reading:
    """Snapshots read for an audit, each with the hash of its manifest, and their content.

    ``names`` are the underlyings of all schedules read, before a selection of underlyings.
    """

    archive: str
    snapshots: tuple[tuple[str, Snapshot], ...]
    schedules: tuple[MarginSchedule, ...]
    defects: tuple[Defect, ...]
    unobserved: tuple[Unobserved, ...] = ()
    inputs: tuple[Input, ...] = ()
    open_interest: tuple[OpenInterest, ...] = ()
    recent_history: RecentHistory = field(default_factory=RecentHistory)
    remarks: tuple[Remark, ...] = ()
    names: AssetNames = field(default_factory=AssetNames)


@dataclass(frozen=True, slots=True)
class VenueProperties:
    """Properties of venues that no snapshot states, by venue.

    ``conventions`` is the treatment of offsetting positions, ``jurisdictions`` the countries in
    which a venue is established.
    """

    conventions: ConventionsByVenue = field(default_factory=dict)
    jurisdictions: Jurisdictions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """Options of one audit.

    ``as_of`` is the date from which ages count back. ``notional_grid`` holds the notionals of the
    results in USD, ``listed_notionals`` further ones that the document lists without findings on
    them, ``chart_notionals`` further ones at which charts need splits. ``instruments``
    names the symbol that represents a venue on an underlying. ``check_options`` sets thresholds of
    checks by code, ``waivers`` exempts findings. ``cost_of_capital`` is an annual rate.
    """

    as_of: datetime
    stale_after_days: float = 30.0
    notional_grid: tuple[float, ...] = NOTIONAL_GRID
    chart_notionals: tuple[float, ...] = ()
    listed_notionals: tuple[float, ...] = ()
    instruments: Mapping[VenueUnderlying, str] = field(default_factory=dict)
    check_options: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    cost_of_capital: float = COST_OF_CAPITAL

    @property
    def listed_grid(self) -> tuple[float, ...]:
        """Notionals of the document, in USD: those of the results, and those that are only listed."""
        return tuple(sorted({*self.notional_grid, *self.listed_notionals}))


@dataclass(frozen=True, slots=True)
class PriceTests:
    """Results from past prices, empty if not requested: tests of margins, daily thresholds, stress."""

    adequacy: AdequacySection = field(default_factory=AdequacySection)
    thresholds: ThresholdSection = field(default_factory=ThresholdSection)
    stress: tuple[StressRow, ...] = ()
    stress_omitted: tuple[StressOmittedRow, ...] = ()


def audit(
    reading: Reading,
    rule_sets: Sequence[RuleSet],
    options: AuditOptions,
    venues: VenueProperties | None = None,
    tests: PriceTests | None = None,
) -> AuditDocument:
    """Returns the audit document; equal arguments give equal documents.

    ``tests`` are those against past prices, if there are any. Raises KeyError: an instrument named in
    ``options`` that its venue does not have.
    """
    prepared = prepare(reading, rule_sets, options)
    results = compare(prepared, options, venues or VenueProperties())
    results = replace(results, tests=tests or PriceTests())
    judgement = check(prepared, results, options)
    return assemble(prepared, results, judgement, options)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The reading with its comparison universe and the ages of its snapshots.

    ``classed`` are the underlyings on a class list of a rule set. ``ages`` are in the order of the
    snapshots. ``stale`` tells by schedule key whether a schedule is older than the limit.
    """

    reading: Reading
    universe: Universe
    classed: tuple[PeerGroup, ...]
    ages: tuple[SnapshotAge, ...]
    stale: Mapping[ScheduleKey, bool]

    @property
    def newest(self) -> tuple[SnapshotAge, ...]:
        """Age of each venue's newest snapshot, which decides whether the venue is stale."""
        newest: dict[str, SnapshotAge] = {}
        for age in sorted(self.ages, key=lambda age: (age.venue, age.observed_at)):
            newest[age.venue] = age
        return tuple(newest.values())


@dataclass(frozen=True, slots=True)
class Results:
    """Comparisons of schedules with rule sets, one another and past prices, as rows of the document.

    ``internal[k]`` compares MM of schedule k with its own IM; None where either is unknown.
    """

    divergences: tuple[DivergenceRow, ...]
    maintenance_deviations: tuple[Deviation | None, ...]
    comparisons: tuple[Comparison, ...]
    spreads: tuple[Spread, ...]
    indices: tuple[Index, ...]
    arbitrages: tuple[ArbitrageRow, ...]
    liquidations: tuple[LiquidationRow, ...]
    headlines: Headlines
    tests: PriceTests = field(default_factory=PriceTests)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Findings that count, findings that a waiver covers, and the status of every waiver.

    ``defects`` are the schedules that a check could not evaluate.
    """

    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    waivers: tuple[WaiverRow, ...]
    defects: tuple[Defect, ...] = ()


def prepare(reading: Reading, rule_sets: Sequence[RuleSet], options: AuditOptions) -> Prepared:
    """Builds the comparison universe. Raises KeyError as ``audit``."""
    universe = build_universe(
        reading.schedules,
        rule_sets,
        reading.inputs,
        options.as_of,
        options.instruments,
        unchanged_since=reading.recent_history.unchanged_since,
    )
    ages = tuple(_snapshot_age(snapshot, options) for _, snapshot in reading.snapshots)
    stale = {
        schedule.key: rows.is_stale(
            schedule.observed_at, schedule.precision, options.as_of, options.stale_after_days
        )
        for schedule in universe.schedules
    }
    return Prepared(reading, universe, universe.with_class(), ages, stale)


def compare(prepared: Prepared, options: AuditOptions, venues: VenueProperties) -> Results:
    """Compares every schedule with the rule sets and every underlying across venues."""
    universe = prepared.universe
    layout = universe.layout
    terms = CostTerms(
        options.listed_grid,
        options.cost_of_capital,
        newest_by_contract(prepared.reading.open_interest),
    )
    spreads, indices = spreads_and_indices(universe.peer_groups, layout, terms)
    headlines = spreads_and_indices(headline_groups(universe.peer_groups), layout, terms)
    return Results(
        divergences=evaluate(universe.schedules, layout, options.listed_grid, venues.jurisdictions),
        maintenance_deviations=maintenance_against_initial(layout),
        comparisons=tuple(
            build_comparison(group, prepared.stale) for group in universe.peer_groups
        ),
        spreads=spreads,
        indices=indices,
        arbitrages=_arbitrages(prepared.classed, layout, options),
        liquidations=liquidation_rows(
            universe,
            prepared.classed[:MAX_GAP_CHARTS],
            venues.conventions,
            LiquidationTerms(HEAT_NOTIONAL),
        ),
        headlines=Headlines(SPAN.days, *headlines),
    )


def check(prepared: Prepared, results: Results, options: AuditOptions) -> Judgement:
    """Runs every check, applies the waivers, then runs the checks of the waivers themselves."""
    reading = prepared.reading
    context = AuditContext(
        schedules=prepared.universe.schedules,
        maintenance_deviations=results.maintenance_deviations,
        divergences=results.divergences,
        rules=prepared.universe.layout.rules,
        defects=reading.defects,
        snapshot_ages=prepared.newest,
        snapshots=tuple(snapshot for _, snapshot in reading.snapshots),
        as_of=options.as_of,
        stale_after_days=options.stale_after_days,
        unobserved=reading.unobserved,
        comparisons=results.comparisons,
        spreads=tuple(_on_grid(row, options.notional_grid) for row in results.spreads),
        arbitrages=tuple(_on_grid(row, options.notional_grid) for row in results.arbitrages),
        indices=results.indices,
        recent_history=reading.recent_history,
        remarks=reading.remarks,
        adequacy=results.tests.adequacy,
        thresholds=results.tests.thresholds,
        stress=results.tests.stress,
    )
    result = _evaluate(CHECKS, context, options.check_options)
    if result.defects:  # they are findings too: of the check of unreadable data
        context = replace(context, defects=(*context.defects, *result.defects))
        result = _evaluate(CHECKS, context, options.check_options)
    findings, waived, waivers = waive(result.findings, options.waivers, options.as_of.date())
    of_waivers = _evaluate(WAIVER_CHECKS, replace(context, waivers=waivers), options.check_options)
    defects = (*result.defects, *of_waivers.defects)
    return Judgement(ordered((*findings, *of_waivers.findings)), ordered(waived), waivers, defects)


def assemble(
    prepared: Prepared, results: Results, judgement: Judgement, options: AuditOptions
) -> AuditDocument:
    """Writes what was read, compared and found as the audit document."""
    reading, universe = prepared.reading, prepared.universe
    last = {age.venue: age.observed_at for age in prepared.newest}
    return AuditDocument(
        schema_version=SCHEMA_VERSION,
        tool=tool(),
        archive=reading.archive,
        as_of=iso_utc(options.as_of),
        stale_after_days=options.stale_after_days,
        notional_grid=options.listed_grid,
        heat_map_notional=HEAT_NOTIONAL,
        snapshots=tuple(
            rows.snapshot_row(snapshot, digest, age)
            for (digest, snapshot), age in zip(reading.snapshots, prepared.ages, strict=True)
        ),
        rule_sets=tuple(rows.rule_set_row(applied) for applied in universe.applied),
        coverage=tuple(
            rows.coverage_row(schedule, stale=prepared.stale[schedule.key])
            for _, by_venue in sorted(universe.chosen.items())
            for schedule in by_venue.values()
        ),
        schedules=_schedule_rows(prepared),
        defects=tuple(rows.defect_row(defect) for defect in (*reading.defects, *judgement.defects)),
        unobserved=tuple(
            rows.unobserved_row(venue, last.get(venue.venue)) for venue in reading.unobserved
        ),
        findings=judgement.findings,
        divergences=results.divergences,
        comparisons=results.comparisons,
        spreads=results.spreads,
        arbitrages=results.arbitrages,
        liquidations=results.liquidations,
        cost_of_capital=options.cost_of_capital,
        indices=results.indices,
        index_summaries=index_summaries(results.indices),
        curves=build_curves(prepared.classed[:MAX_CURVES], universe.layout),
        explanations=EXPLANATIONS,
        inputs=rows.input_rows(universe.applied),
        waived=judgement.waived,
        waivers=judgement.waivers,
        headlines=results.headlines,
        adequacy=results.tests.adequacy,
        thresholds=results.tests.thresholds,
        stress=results.tests.stress,
        stress_omitted=results.tests.stress_omitted,
    )


def tool() -> Tool:
    """Returns the name and version of this tool."""
    return Tool("harmonize", VERSION)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Returns findings by level, most severe first, then by code, venue and symbol."""
    by_name = sorted(findings, key=_SORT_KEY)
    return tuple(
        finding for level in _MOST_SEVERE_FIRST for finding in by_name if finding.level is level
    )


def _snapshot_age(snapshot: Snapshot, options: AuditOptions) -> SnapshotAge:
    observed_at, precision = snapshot.observed_at, snapshot.precision
    age = rows.age_days(precision.older_end(observed_at) or observed_at, options.as_of)
    is_stale = rows.is_stale(observed_at, precision, options.as_of, options.stale_after_days)
    return SnapshotAge(snapshot.venue, observed_at, age, is_stale, precision)


def _arbitrages(
    classed: Sequence[PeerGroup], layout: PanelLayout, options: AuditOptions
) -> tuple[ArbitrageRow, ...]:
    """Arbitrage gaps on the notional grid; charted underlyings also at the sizes of the charts."""
    markets = [venues for group in classed if (venues := build_market(group, "initial", layout))]
    charted_sizes = tuple(sorted({*options.listed_grid, *options.chart_notionals}))
    return (
        *arbitrage_rows(markets[:MAX_GAP_CHARTS], charted_sizes, options.cost_of_capital),
        *arbitrage_rows(markets[MAX_GAP_CHARTS:], options.listed_grid, options.cost_of_capital),
    )


def _on_grid(row: _Sized, notional_grid: Sequence[float]) -> _Sized:
    """Keeps the points on the notional grid: sizes added for charts and tables cause no findings."""
    points = tuple(point for point in row.points if point.notional in notional_grid)
    return replace(row, points=points)


def _evaluate(
    checks: Sequence[Check], context: AuditContext, options: Mapping[str, Mapping[str, float]]
) -> CheckResult:
    """Runs checks, each with the thresholds set for it.

    Only checks of data quality see the contracts that do not trade.
    """
    trading = context.trading()
    results = [
        check_.evaluate(
            context if check_.is_on_data_quality else trading, options.get(check_.code, {})
        )
        for check_ in checks
    ]
    return CheckResult(
        tuple(finding for result in results for finding in result.findings),
        tuple(defect for result in results for defect in result.defects),
    )


def _schedule_rows(prepared: Prepared) -> tuple[ScheduleRow, ...]:
    layout = prepared.universe.layout
    return tuple(
        rows.schedule_row(
            schedule,
            stale=prepared.stale[schedule.key],
            initial=_pieces(layout, "initial", number),
            maintenance=_pieces(layout, "maintenance", number),
        )
        for number, schedule in enumerate(prepared.universe.schedules)
    )


def _pieces(layout: PanelLayout, margin_type: str, number: int) -> Sequence[PieceNumbers]:
    """Pieces of a schedule's margin function as numbers; empty where the margin is unknown."""
    function = layout.published[margin_type][number]
    return () if function is None else layout.pieces(function.function)

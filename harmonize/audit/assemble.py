"""Schedules and rule sets in, one audit document out; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter

from harmonize.arbitrage.rows import HURDLE, arbitrage_rows, market
from harmonize.audit.waivers import waive
from harmonize.checks import CHECKS, OF_WAIVERS
from harmonize.checks.base import AuditContext, Check
from harmonize.comparison import representative
from harmonize.comparison.cross_venue import CostTerms, comparison, gaps_and_indices, summaries
from harmonize.comparison.curves import curves
from harmonize.comparison.index import LOWER, UPPER
from harmonize.comparison.layout import PanelLayout
from harmonize.comparison.peers import PeerGroup
from harmonize.comparison.universe import build_universe
from harmonize.comparison.verdicts import evaluate, maintenance_against_initial
from harmonize.core.notionals import HEAT_NOTIONAL, NOTIONAL_GRID
from harmonize.core.open_interest import OpenInterest, by_contract
from harmonize.core.payload import Defect, Snapshot, Unobserved
from harmonize.core.schedule import MarginSchedule
from harmonize.core.venue_conventions import Conducts
from harmonize.document import (
    SCHEMA_VERSION,
    ArbitrageRow,
    AuditDocument,
    Finding,
    Level,
    Tool,
    rows,
)
from harmonize.document.rows import SnapshotAge
from harmonize.history.recent import RecentHistory
from harmonize.liquidation.distance import Entry, liquidation_rows
from harmonize.numerics.panel import PieceNumbers
from harmonize.numerics.segments import HORIZON
from harmonize.policy.inputs import Input
from harmonize.policy.rule_set import RuleSet
from harmonize.policy.waiver import Waiver
from harmonize.text.messages import moment

CHARTED = 12
"""How many underlyings get curves: those with a reference that most venues list."""

PICTURED = 6
"""How many underlyings have what their differences are worth drawn; the first of those with curves."""

_NAMED = attrgetter("code", "venue", "symbol", "profile", "rule_set", "margin_type", "fingerprint")

GRAVITY = (Level.ERROR, Level.WARNING, Level.INFO)

EXPLANATIONS = {
    "instrument-choice": representative.RULE,
    "margin": (
        "IM(N) is the least initial margin of a position of notional N: what the venue publishes, "
        "or N divided by the largest leverage allowed at N. MM(N) is the maintenance margin "
        "without fee add-ons, which depend on the account; each schedule names its add-on."
    ),
    "divergence": (
        "IM(N) / R(N) − 1 against the reference R, MM likewise. Extremes and the ranges outside "
        "the tolerance are found on the pieces of both functions, from $1 up to where the first "
        f"of them ends, open-ended ones at ${HORIZON:,.0f}; no grid of notionals is involved."
    ),
    "index": (
        "H = 100·exp(−E|ln(margin / reference)|), the mean over ln N from "
        f"${LOWER:,.0f} to ${UPPER:,.0f} and over venues, weighted by open interest where every "
        "venue that counts publishes it beside its margins, else equally. 100 is identical, 50 is on "
        "average a factor of two apart. A venue whose schedule ends earlier counts as far as it goes. "
        "The interval is a 95 % bootstrap over venues (over underlyings, for the index of all); it "
        "says how much hangs on which venues were compared, and nothing of the margins themselves."
    ),
    "spread": (
        "The most minus the least margin that venues ask for the same notional, and who asks "
        "them. Between two cuts (bounds of tiers, crossings of curves) their order is constant. Its "
        "cost in a year is the spread times the hurdle rate, 10 % unless another is given."
    ),
    "gap": (
        "R(N) − A(N): what the reference asks of a position in one account, less the cheapest split of "
        "it over all venues that count. With A_R(N) the cheapest split if every venue used the "
        "reference, fragmentation is R − A_R and divergence A_R − A; the two add up to the gap. "
        "Fragmentation is what would remain if every venue used the same table: margin rises faster "
        "than size, and no venue sees what is held at another. The split is exact: branch and bound "
        "between a Lagrangian bound and the best split found, and what is left between them is given."
    ),
    "liquidation": (
        "The move of the price from entry at which an isolated position's equity is no more than its "
        "maintenance margin and the fee that the venue counts on top, by the tier of the position's "
        "value at that price; where tiers are in contracts or coins, by the tier of the entry; where a "
        "source says that margin follows the price of entry, it stays what it was there. Fees "
        "depend on the account and are left out unless one is given. Leverage is notional over margin "
        "at entry. Funding, and margin added later, are left out."
    ),
    "counted": (
        "Schedules that rest on a venue's documentation, of which only the maximum leverage or the "
        "first tier is published, or whose margins no source verifies, are shown beside the others "
        "and marked, but enter no cross-venue figure."
    ),
    "dates": (
        "Recordings differ in date. Every cross-venue figure names the oldest and newest date it "
        "compares; a conversion across dates makes a margin derived."
    ),
    "underlyings": (
        "Assets are matched across venues by their tickers (XBT is BTC, 1000PEPE is PEPE). Two coins "
        "can share a ticker, more so across dates: mind small coins with a wide span of dates."
    ),
    "capacity": (
        "A venue that publishes no largest position is compared at every size, as its schedule "
        "stands; nobody knows how much of it the venue would take."
    ),
    "models": (
        "A model gives one rate an underlying, from measured inputs or published by an authority. "
        "Where the rule set says so, the interval of its inputs is the tolerance: the rate is "
        "computed with every input at its lower and at its upper end. Underlyings whose inputs were "
        "not measured have no row against a model, and none of them is compliant. Caps, models and "
        "schedules are different yardsticks: no figure is averaged over them."
    ),
    "smallest change": (
        "Where a margin is too low, tiers are raised from the smallest position up, each to the "
        "least rate that keeps the margin at or above what is due on the whole of it, given the "
        "tiers below as raised; rates never fall from one tier to the next. A rate in words is "
        "rounded up to four digits. What complies so can be above the tolerance at other sizes. Where "
        "a tier would have to go above 100 %, all are raised by one factor."
    ),
    "waivers": (
        "A finding that somebody answers for counts nowhere and is listed apart, with who, why and "
        "until when. A waiver that has expired, covers nothing or was outgrown is itself a finding."
    ),
    "classes": (
        "An underlying's class in a reference schedule comes from the lists in the rule set. One "
        "on no list has no class, and its verdict is not observable."
    ),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read for an audit: snapshots with the hash of their manifests, and what they hold."""

    archive: str
    snapshots: tuple[tuple[str, Snapshot], ...]
    schedules: tuple[MarginSchedule, ...]
    defects: tuple[Defect, ...]
    unobserved: tuple[Unobserved, ...] = ()
    inputs: tuple[Input, ...] = ()
    interests: tuple[OpenInterest, ...] = ()
    lately: RecentHistory = field(default_factory=RecentHistory)


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What an audit is asked: its date, the staleness limit, the ladder, instruments to prefer.

    ``jurisdictions`` says where venues are established, ``options`` sets checks by their codes,
    ``waivers`` name the findings that somebody answers for. ``hurdle`` is what capital costs in a
    year, as a rate; ``conducts`` how venues treat what one holder has there; ``sizes`` are notionals
    at which splits are computed besides the ladder, for pictures.
    """

    as_of: datetime
    tool: Tool
    stale_after_days: float = 30.0
    ladder: tuple[float, ...] = NOTIONAL_GRID
    instruments: Mapping[representative.Pair, str] = field(default_factory=dict)
    jurisdictions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    hurdle: float = HURDLE
    conducts: Conducts = field(default_factory=dict)
    sizes: tuple[float, ...] = ()


def audit(reading: Reading, rule_sets: Sequence[RuleSet], terms: AuditOptions) -> AuditDocument:
    """Judge everything that was read; the same input gives the same document.

    Raises KeyError: an instrument preferred in ``terms`` that its venue does not have.
    """
    base = build_universe(
        reading.schedules, rule_sets, reading.inputs, terms.as_of, terms.instruments
    )
    schedules, put, laid_out, chosen = base.schedules, base.applied, base.laid_out, base.chosen
    found = base.peer_groups
    divergences = evaluate(schedules, laid_out, terms.ladder, terms.jurisdictions)
    seen = tuple(_seen(snapshot, terms) for _, snapshot in reading.snapshots)
    newest = _newest(seen)
    last = {one.venue: one.observed_at for one in newest}
    stale = {one.key: _stale(one.observed_at, terms) for one in schedules}
    priced = CostTerms(terms.ladder, terms.hurdle, by_contract(reading.interests))
    gaps, indices = gaps_and_indices(found, laid_out, priced)
    comparisons = tuple(comparison(one, stale) for one in found)
    classed = base.classed()
    arbitrages = _arbitrages(classed, laid_out, terms)
    examined = AuditContext(
        schedules=schedules,
        internal=maintenance_against_initial(laid_out),
        divergences=divergences,
        rules=laid_out.rules,
        defects=reading.defects,
        seen=newest,
        snapshots=tuple(snapshot for _, snapshot in reading.snapshots),
        as_of=terms.as_of,
        stale_after_days=terms.stale_after_days,
        unobserved=reading.unobserved,
        comparisons=comparisons,
        gaps=gaps,
        arbitrages=tuple(_at_ladder(one, terms.ladder) for one in arbitrages),
        indices=indices,
        lately=reading.lately,
    )
    counted, waived, waivers = waive(
        _findings(CHECKS, examined, terms.options), terms.waivers, terms.as_of.date()
    )
    of_waivers = _findings(OF_WAIVERS, replace(examined, waivers=waivers), terms.options)
    return AuditDocument(
        schema_version=SCHEMA_VERSION,
        tool=terms.tool,
        archive=reading.archive,
        as_of=moment(terms.as_of),
        stale_after_days=terms.stale_after_days,
        notional_grid=terms.ladder,
        heat_map_notional=HEAT_NOTIONAL,
        snapshots=tuple(
            rows.snapshot_row(snapshot, digest, one)
            for (digest, snapshot), one in zip(reading.snapshots, seen, strict=True)
        ),
        rule_sets=tuple(rows.rule_set_row(one) for one in put),
        coverage=tuple(
            rows.coverage_row(schedule, stale=stale[schedule.key])
            for _, by_venue in sorted(chosen.items())
            for schedule in by_venue.values()
        ),
        schedules=tuple(
            rows.schedule_row(
                one,
                stale=stale[one.key],
                initial=_pieces(laid_out, "initial", number),
                maintenance=_pieces(laid_out, "maintenance", number),
            )
            for number, one in enumerate(schedules)
        ),
        defects=tuple(rows.defect_row(one) for one in reading.defects),
        unobserved=tuple(
            rows.unobserved_row(one, last.get(one.venue)) for one in reading.unobserved
        ),
        findings=ordered((*counted, *of_waivers)),
        divergences=divergences,
        comparisons=comparisons,
        spreads=gaps,
        arbitrages=arbitrages,
        liquidations=liquidation_rows(
            base, classed[:PICTURED], terms.conducts, Entry(HEAT_NOTIONAL)
        ),
        cost_of_capital=terms.hurdle,
        indices=indices,
        index_summaries=summaries(indices),
        curves=curves(classed[:CHARTED], laid_out),
        explanations=EXPLANATIONS,
        inputs=rows.input_rows(put),
        waived=ordered(waived),
        waivers=waivers,
    )


def _arbitrages(
    classed: Sequence[PeerGroup], laid_out: PanelLayout, terms: AuditOptions
) -> tuple[ArbitrageRow, ...]:
    """What differences are worth at the ladder; of the first underlyings at the sizes to draw too."""
    markets = [one for each in classed if (one := market(each, "initial", laid_out))]
    drawn = tuple(sorted({*terms.ladder, *terms.sizes}))
    return (
        *arbitrage_rows(markets[:PICTURED], drawn, terms.hurdle),
        *arbitrage_rows(markets[PICTURED:], terms.ladder, terms.hurdle),
    )


def _at_ladder(row: ArbitrageRow, ladder: Sequence[float]) -> ArbitrageRow:
    """The points that checks are asked at: what a picture adds makes no finding."""
    return replace(row, points=tuple(one for one in row.points if one.notional in ladder))


def _seen(snapshot: Snapshot, terms: AuditOptions) -> SnapshotAge:
    age = rows.age_days(snapshot.observed_at, terms.as_of)
    return SnapshotAge(snapshot.venue, snapshot.observed_at, age, age > terms.stale_after_days)


def _newest(seen: Sequence[SnapshotAge]) -> tuple[SnapshotAge, ...]:
    """Each venue's newest snapshot: whether a venue is stale is asked of that one."""
    newest: dict[str, SnapshotAge] = {}
    for one in sorted(seen, key=lambda one: (one.venue, one.observed_at)):
        newest[one.venue] = one
    return tuple(newest.values())


def _stale(observed_at: datetime, terms: AuditOptions) -> bool:
    return rows.age_days(observed_at, terms.as_of) > terms.stale_after_days


def _findings(
    checks: Sequence[Check], examined: AuditContext, options: Mapping[str, Mapping[str, float]]
) -> tuple[Finding, ...]:
    """Ask every check, with the options set for it."""
    return tuple(
        finding
        for check in checks
        for finding in check.findings(examined, options.get(check.code, {}))
    )


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Gravest first, then by code, venue and symbol."""
    by_name = sorted(findings, key=_NAMED)
    return tuple(one for level in GRAVITY for one in by_name if one.level is level)


def _pieces(laid_out: PanelLayout, figure: str, number: int) -> Sequence[PieceNumbers]:
    """The pieces of a schedule's function as numbers; none where it is unknown."""
    placed = laid_out.own[figure][number]
    return () if placed is None else laid_out.pieces(placed.function)

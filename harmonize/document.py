"""The audit document: everything that a renderer may know, typed and versioned.

Amounts are US dollars, rates plain (0.01 is 1 %), divergences plain (−0.2 is 20 % below the
reference), times ISO 8601 in UTC. ``None`` in a figure means that it is not observable or that
there is none; the field beside it says which. An open-ended upper bound is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from harmonize.past import Past

SCHEMA_VERSION = "1.4"


class Verdict(StrEnum):
    """What a check concludes."""

    COMPLIANT = "compliant"
    UNDER = "under"
    OVER = "over"
    BREACH = "breach"
    PROHIBITED = "prohibited"
    NOT_APPLICABLE = "not applicable"
    NOT_OBSERVABLE = "not observable"


class Level(StrEnum):
    """How much a finding matters; ``--fail-on`` compares by this order, gravest first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Status(StrEnum):
    """How far a figure is known."""

    KNOWN = "known"
    DERIVED = "derived"
    UNVERIFIED = "derived, unverified"
    UNKNOWN = "unknown"


class CoverageStatus(StrEnum):
    """What is known of an underlying on a venue. A pair without a row is not listed there."""

    OBSERVED = "observed"
    STALE = "stale"
    DOCUMENTATION = "documentation"
    NOT_OBSERVABLE = "not observable"


@dataclass(frozen=True, slots=True)
class Tool:
    """What wrote the document."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """One archived payload: its call, hash, date, and where it comes from."""

    call: str
    request: str
    sha256: str
    observed_at: str
    origin: str
    source: str
    dating: str
    size: int


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One snapshot that the audit read. ``age_days`` counts back from the document's ``as_of``."""

    venue: str
    observed_at: str
    source: str
    sha256: str
    age_days: float
    stale: bool
    complete: bool
    payloads: tuple[PayloadRow, ...]


@dataclass(frozen=True, slots=True)
class CitationRow:
    """A source of a rule set, with how far it was checked; ``supports`` empty: all of its numbers."""

    reference: str
    via: str
    verified: str
    supports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagRow:
    """A caveat on a field of a rule set."""

    field: str
    status: str
    note: str


@dataclass(frozen=True, slots=True)
class InputRow:
    """A measured figure that a rule set's formula used, such as a quantile of daily moves.

    ``lower`` and ``upper`` bound its interval at ``confidence``; None where none is given.
    """

    name: str
    underlying: str
    value: float
    lower: float | None
    upper: float | None
    confidence: float | None
    observations: int | None
    observed_at: str
    origin: str
    source: str
    sha256: str
    pointer: str


@dataclass(frozen=True, slots=True)
class RuleSetRow:
    """A rule set that the audit applied.

    ``in_force`` says from when to when it holds; ``extends`` the rule set that it varies.
    """

    id: str
    version: str
    title: str
    kind: str
    scope: str
    statutory: bool
    tolerance_relative: float
    tolerance_absolute: float
    maintenance_meaning: str
    citations: tuple[CitationRow, ...]
    flags: tuple[FlagRow, ...]
    tolerance_statistical: float | None = None
    in_force: str = ""
    extends: str = ""
    requirement: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """What is known of one underlying on one venue, and why not more."""

    venue: str
    underlying: str
    symbol: str
    status: CoverageStatus
    reason: str
    observed_at: str


@dataclass(frozen=True, slots=True)
class PieceRow:
    """Margin = fixed + rate·N + coefficient·N^power on (lower, upper]."""

    lower: float
    upper: float | None
    fixed: float
    rate: float
    coefficient: float
    power: float


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A figure of a tier: the key it stands under in the tier's row, and its published unit."""

    figure: str
    key: str
    unit: str


@dataclass(frozen=True, slots=True)
class FactorRow:
    """A number that a conversion used, and where it stands."""

    name: str
    value: float
    unit: str
    sha256: str
    pointer: str
    observed_at: str


@dataclass(frozen=True, slots=True)
class ConversionRow:
    """How published bounds became USD."""

    formula: str
    factors: tuple[FactorRow, ...]


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """Pointers into one payload: ``rows[k] + column.key`` names the figure of tier k."""

    sha256: str
    rows: tuple[str, ...]
    columns: tuple[ColumnRow, ...]
    conversion: ConversionRow | None


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One margin schedule. ``*_note`` holds the derivation, or why the figure is unknown."""

    venue: str
    symbol: str
    underlying: str
    multiplier: int
    payoff: str
    expiry: str | None
    profile: str
    rule: str | None
    observed_at: str
    oldest: str
    newest: str
    stale: bool
    origin: str
    capacity: float | None
    capacity_status: Status
    capacity_note: str
    initial: tuple[PieceRow, ...]
    initial_status: Status
    initial_note: str
    maintenance: tuple[PieceRow, ...]
    maintenance_status: Status
    maintenance_note: str
    maintenance_meaning: str
    fee_rule: str
    fee_rate: float | None
    fee_note: str
    notes: tuple[str, ...]
    evidence: tuple[EvidenceRow, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """A range of notional, (lower, upper]; ``upper`` None is open-ended."""

    lower: float
    upper: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of one check.

    ``observed`` and ``required`` are margin rates at ``notional`` (USD), ``divergence`` how far
    the first is from the second; for a cliff, the rates just above and below the bound.
    ``verified`` is how far the source of ``required`` was checked, ``remedy`` the smallest change
    that would comply. ``waiver`` says who waived it and why; ``state``: ``new`` or ``worse``.
    """

    code: str
    name: str
    verdict: Verdict
    level: Level
    venue: str
    symbol: str
    profile: str
    underlying: str
    rule_set: str
    message: str
    intervals: tuple[Interval, ...]
    notional: float | None
    observed: float | None
    required: float | None
    divergence: float | None
    observed_at: str
    fingerprint: str
    figure: str = ""
    verified: str = ""
    remedy: str = ""
    waiver: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class DivergencePoint:
    """Divergence at one rung of the notional ladder; None where either is not observable.

    ``above_capacity``: the venue takes no position this large, so there is no margin to observe.
    """

    notional: float
    margin: float | None
    required: float | None
    divergence: float | None
    above_capacity: bool = False


@dataclass(frozen=True, slots=True)
class DivergenceRow:
    """How one schedule stands to one rule set, for IM (``initial``) or MM (``maintenance``).

    ``lowest`` and ``highest`` are the extremes of the divergence over every notional that both
    cover, found on the pieces, and ``*_notional`` where they are reached. ``observed`` and
    ``required`` are the rates at the extreme that the verdict speaks of. Points are given against
    schedules; against a cap the requirement is one rate. ``remedy`` is the smallest change of the
    schedule's tiers that would comply, where the margin is too low.
    """

    venue: str
    symbol: str
    profile: str
    underlying: str
    rule_set: str
    reference_class: str
    figure: str
    verdict: Verdict
    reason: str
    lowest: float | None
    lowest_notional: float | None
    highest: float | None
    highest_notional: float | None
    under: tuple[Interval, ...]
    over: tuple[Interval, ...]
    points: tuple[DivergencePoint, ...]
    observed: float | None = None
    required: float | None = None
    observed_at: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """The schedule that stands for a venue in the comparison of one underlying.

    ``counted`` False: shown beside the others, but in no cross-venue figure; ``reason`` says why.
    """

    venue: str
    symbol: str
    profile: str
    observed_at: str
    stale: bool
    origin: str
    counted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One underlying on at least two venues. ``oldest`` to ``newest`` is the span of dates."""

    underlying: str
    oldest: str
    newest: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class SpreadInterval:
    """On (lower, upper], the venues that ask least and most, and the spread at both ends, in USD.

    ``spread_lower`` is the limit from above at ``lower``; ties name every venue. ``widest`` is the
    largest spread as a share of notional, from $1 up, reached at ``widest_notional``.
    """

    lower: float
    upper: float | None
    cheapest: tuple[str, ...]
    dearest: tuple[str, ...]
    spread_lower: float
    spread_upper: float | None
    widest: float = 0.0
    widest_notional: float = 0.0


@dataclass(frozen=True, slots=True)
class SpreadPoint:
    """Least and most margin at one rung of the ladder, in USD.

    ``highest_leverage`` and ``lowest_leverage`` are notional over the least and over the most;
    ``annual_cost`` is what the spread costs in a year at the document's hurdle rate, in USD.
    """

    notional: float
    venues: int
    cheapest: tuple[str, ...]
    least: float
    dearest: tuple[str, ...]
    most: float
    spread: float
    highest_leverage: float = 0.0
    lowest_leverage: float = 0.0
    annual_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class CheapestShare:
    """The share of sizes, in ln N between the bounds of the index, on which one venue alone asks least."""

    venue: str
    share: float


@dataclass(frozen=True, slots=True)
class Gap:
    """The cross-venue spread of one underlying for IM or MM; the dates it compares.

    ``shares`` are largest first, of the venues that ask least alone anywhere between the bounds.
    """

    underlying: str
    figure: str
    venues: tuple[str, ...]
    oldest: str
    newest: str
    intervals: tuple[SpreadInterval, ...]
    points: tuple[SpreadPoint, ...]
    shares: tuple[CheapestShare, ...] = ()


@dataclass(frozen=True, slots=True)
class PartRow:
    """What one account holds of a split position and what it asks for that, in USD.

    ``account`` counts the sub-accounts of a venue from 1.
    """

    venue: str
    account: int
    notional: float
    margin: float


@dataclass(frozen=True, slots=True)
class ArbitragePoint:
    """The cheapest ways to hold a position of one notional; amounts in USD.

    ``split`` is the least total margin over all accounts, ``bound`` what is proved to be no more
    than it. ``single`` is the least that one account asks, ``saving`` what the split saves over it;
    None where no single account takes the position. ``shadow_price`` is the margin of the next
    dollar, None where that goes into another tier everywhere. ``reference`` is what the rule set
    asks in one account, ``same_table`` the cheapest split if every venue asked that:
    ``gap = reference − split = fragmentation + divergence``, ``fragmentation = reference −
    same_table``, ``divergence = same_table − split``; None without a reference. ``annual_cost`` is
    the gap times the document's hurdle rate.
    """

    notional: float
    split: float
    bound: float
    single: float | None
    single_venues: tuple[str, ...]
    saving: float | None
    shadow_price: float | None
    parts: tuple[PartRow, ...]
    reference: float | None
    same_table: float | None
    fragmentation: float | None
    divergence: float | None
    gap: float | None
    annual_cost: float | None


@dataclass(frozen=True, slots=True)
class ArbitrageRow:
    """What the differences between venues on one underlying are worth, against one rule set.

    ``rule_set`` is empty where no reference speaks of the underlying. ``reason`` says why a notional
    of the ladder has no point; empty where all have.
    """

    underlying: str
    figure: str
    rule_set: str
    venues: tuple[str, ...]
    oldest: str
    newest: str
    points: tuple[ArbitragePoint, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LiquidationRow:
    """How far the price may move against an isolated position, as a share of the entry price.

    ``long`` and ``short`` are distances at ``leverage``; None where the position never reaches its
    maintenance margin, 0 where it is below it at entry. ``leverage_is`` is ``equal`` (the same on
    every venue) or ``maximum`` (the venue's largest at that notional). ``reason`` says why nothing
    can be said, or what is left out. ``counted`` False: the schedule is in no figure across venues.
    """

    underlying: str
    venue: str
    symbol: str
    profile: str
    payoff: str
    notional: float
    leverage: float | None
    leverage_is: str
    long: float | None
    short: float | None
    fee_rate: float | None
    reason: str
    observed_at: str
    counted: bool = True


@dataclass(frozen=True, slots=True)
class VenueDistance:
    """One venue's mean distance E|ln(margin/reference)| over its part of the range."""

    venue: str
    distance: float
    upper: float


@dataclass(frozen=True, slots=True)
class Index:
    """Harmonization index H = 100·exp(−E|ln(IM/R)|) of one underlying; 100 is identical.

    ``against`` is a rule set's id, or ``median`` for the venues' own; ``figure`` is ``initial`` or
    ``maintenance``. ``least`` to ``most`` is a 95 % bootstrap interval over venues, None of fewer
    than three; ``without`` is the index without the venue ``without_venue``, the one whose absence
    changes it most (against a rule set only).
    """

    underlying: str
    figure: str
    against: str
    value: float
    weights: str
    lower: float
    upper: float
    venues: tuple[VenueDistance, ...]
    oldest: str
    newest: str
    least: float | None = None
    most: float | None = None
    without: float | None = None
    without_venue: str = ""


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """The harmonization index over all underlyings: of one venue, or of all (``venue`` empty).

    Underlyings have equal weight; ``least`` to ``most`` is a 95 % bootstrap interval over them.
    """

    venue: str
    figure: str
    against: str
    value: float
    underlyings: int
    least: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Margin rate against notional, ready to draw; jumps carry two points at one notional.

    ``name`` is a venue, or a rule set's id with ``reference`` True.
    """

    underlying: str
    figure: str
    name: str
    reference: bool
    counted: bool
    notional: tuple[float, ...]
    rate: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class DefectRow:
    """Something a venue sent that could not be read; the venue's other instruments are kept."""

    venue: str
    where: str
    reason: str
    symbol: str


@dataclass(frozen=True, slots=True)
class UnobservedRow:
    """A venue that the newest try did not observe; what else is shown of it is older.

    ``attempted_at`` is empty where nothing was tried, ``last_observed_at`` where nothing is held.
    """

    venue: str
    reason: str
    attempted_at: str
    last_observed_at: str


@dataclass(frozen=True, slots=True)
class WaiverRow:
    """A waiver of the configuration and what became of it.

    ``status`` is ``active``, ``expired``, ``unused`` or ``lapsed``; ``findings`` counts what it waives.
    """

    where: str
    codes: tuple[str, ...]
    scope: str
    reason: str
    owner: str
    expires: str
    value: float | None
    may_worsen: float
    status: str
    findings: int


@dataclass(frozen=True, slots=True)
class BaselineRow:
    """The baseline that findings were held against, and what came of it.

    ``unchanged`` findings are left out of the document; ``gone`` are those no longer found.
    """

    name: str
    as_of: str
    unchanged: int
    worse: int
    new: int
    gone: int


@dataclass(frozen=True, slots=True)
class AuditDocument:
    """One audit. ``ladder`` are the notionals, in USD, at which points are given.

    ``findings`` are those that count; what the configuration waives stands in ``waived``.
    """

    schema_version: str
    tool: Tool
    archive: str
    as_of: str
    stale_after_days: float
    ladder: tuple[float, ...]
    heat_notional: float
    snapshots: tuple[SnapshotRow, ...]
    rule_sets: tuple[RuleSetRow, ...]
    coverage: tuple[CoverageRow, ...]
    schedules: tuple[ScheduleRow, ...]
    defects: tuple[DefectRow, ...]
    unobserved: tuple[UnobservedRow, ...]
    findings: tuple[Finding, ...]
    divergences: tuple[DivergenceRow, ...]
    comparisons: tuple[Comparison, ...]
    gaps: tuple[Gap, ...]
    arbitrages: tuple[ArbitrageRow, ...]
    liquidations: tuple[LiquidationRow, ...]
    hurdle_rate: float
    indices: tuple[Index, ...]
    index_summaries: tuple[IndexSummary, ...]
    curves: tuple[Curve, ...]
    explanations: Mapping[str, str]
    inputs: tuple[InputRow, ...] = ()
    waived: tuple[Finding, ...] = ()
    waivers: tuple[WaiverRow, ...] = ()
    baseline: BaselineRow | None = None
    past: Past = field(default_factory=Past)


def to_json(document: AuditDocument) -> bytes:
    """Write the document as JSON, byte for byte the same for the same document."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy; only this format needs it

    return TypeAdapter(AuditDocument).dump_json(document) + b"\n"


def from_json(text: bytes) -> AuditDocument:
    """Read a document back. Raises ValueError: not an audit document of this version."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    return TypeAdapter(AuditDocument).validate_json(text)


def json_schema() -> dict[str, object]:
    """Give the document's JSON Schema (2020-12)."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    schema = TypeAdapter(AuditDocument).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}

"""What the templates of the HTML report may print: text that is ready, each field with its help."""

from dataclasses import dataclass
from typing import Annotated

from reports.charts.margin_curves import Svg


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One large number of the summary."""

    value: Annotated[str, "the number, with its unit"]
    label: Annotated[str, "what it measures, in a few words"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One point of the executive summary."""

    lead: Annotated[str, "what the point is about, two or three words"]
    text: Annotated[str, "whole sentences that carry their numbers"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A rule set where one of its numbers is printed, with every flag on it."""

    label: Annotated[str, "the rule set's id and version"]
    anchor: Annotated[str, "where its citations stand in the page"]
    caveats: Annotated[tuple[str, ...], "how far its sources were checked, its flags, its standing"]
    marks: Annotated[str, "the same in signs, for a table"]


@dataclass(frozen=True, slots=True)
class Mark:
    """An entry of a legend."""

    css: Annotated[str, "the class that shades it"]
    mark: Annotated[str, "the sign as it stands in a cell"]
    means: Annotated[str, "what the sign says"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a matrix of underlyings and venues."""

    css: Annotated[str, "the class that shades it"]
    text: Annotated[str, "the number or sign"]
    note: Annotated[str, "the reason, shown on pointing; empty where the text says it all"]


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A venue over the underlyings that fit."""

    venue: Annotated[str, "its name"]
    cells: Annotated[tuple[Cell, ...], "one per underlying, in the order of the columns"]
    dates: Annotated[str, "the span of dates that the row's schedules were observed on"]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Divergence of every venue from one rule set, for one figure, at one notional."""

    title: Annotated[str, "the figure and the notional"]
    caption: Annotated[str, "what a cell says, against what, over which dates"]
    reference: Annotated[Reference, "the rule set it is measured against"]
    columns: Annotated[tuple[str, ...], "the underlyings that fit"]
    rows: Annotated[tuple[MatrixRow, ...], "the venues that list any of them"]


@dataclass(frozen=True, slots=True)
class IndexRow:
    """An underlying in the ranking."""

    rank: Annotated[str, "its place, the most harmonized first; – without a value"]
    underlying: Annotated[str, "the asset"]
    bar: Annotated[str, "the length of its bar, out of 100"]
    tick: Annotated[str, "where the second column's value stands on the bar; empty without one"]
    values: Annotated[tuple[str, ...], "the indices, in the order of the columns"]
    venues: Annotated[str, "how many venues were compared"]
    extent: Annotated[str, "the notionals compared"]
    dates: Annotated[str, "the span of dates compared"]


@dataclass(frozen=True, slots=True)
class IndexBlock:
    """A part of the ranking."""

    title: Annotated[str, "which part"]
    folded: Annotated[bool, "whether the reader opens it"]
    rows: Annotated[tuple[IndexRow, ...], "the underlyings"]


@dataclass(frozen=True, slots=True)
class VenueIndex:
    """How near one venue is to what it is measured against, over its underlyings."""

    venue: Annotated[str, "the venue"]
    values: Annotated[tuple[str, ...], "the indices, in the order of the columns"]
    interval: Annotated[str, "the interval of the first"]
    underlyings: Annotated[str, "how many underlyings the first rests on"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The underlyings by harmonization index."""

    columns: Annotated[tuple[str, ...], "what each index is of and against"]
    bar: Annotated[str, "what the bar shows"]
    tick: Annotated[str, "what the tick on it shows; empty if nothing"]
    caption: Annotated[str, "what the table shows"]
    weights: Annotated[str, "how venues are weighted"]
    references: Annotated[tuple[Reference, ...], "the rule sets that indices are against"]
    blocks: Annotated[tuple[IndexBlock, ...], "the parts, in reading order"]
    overall: Annotated[tuple[str, ...], "the index of all, in sentences"]
    venues: Annotated[tuple[VenueIndex, ...], "a line a venue, the nearest to the reference first"]


@dataclass(frozen=True, slots=True)
class LadderRow:
    """A venue's, or the reference's, margin rates at the ladder."""

    name: Annotated[str, "the venue or rule set"]
    symbol: Annotated[str, "the instrument that stands for it, and its account profile"]
    reference: Annotated[bool, "whether it is the reference"]
    cells: Annotated[tuple[str, ...], "the rates, with – where there is none"]
    note: Annotated[str, "marks and reasons: stale, documentation, not counted, meaning of MM"]


@dataclass(frozen=True, slots=True)
class CheapestRow:
    """A range of notional over which one set of venues asks least."""

    interval: Annotated[str, "the range"]
    cheapest: Annotated[str, "the venues that ask least"]
    dearest: Annotated[str, "the venues that ask most somewhere in it"]
    spread: Annotated[str, "most less least, in USD, at the ends of the range"]


@dataclass(frozen=True, slots=True)
class ChartFigure:
    """IM or MM of one underlying: the drawing, and the numbers in it."""

    title: Annotated[str, "the figure"]
    svg: Annotated[Svg, "the drawing, with title and description"]
    caption: Annotated[str, "the result as a sentence, with the dates compared"]
    columns: Annotated[tuple[str, ...], "the ladder"]
    rows: Annotated[tuple[LadderRow, ...], "rates at the ladder"]
    cheapest: Annotated[tuple[CheapestRow, ...], "who asks least, by range of notional"]
    cheapest_dates: Annotated[str, "the span of dates of the venues that these ranges compare"]


@dataclass(frozen=True, slots=True)
class ChartSection:
    """One underlying."""

    underlying: Annotated[str, "the asset"]
    anchor: Annotated[str, "where it stands in the page"]
    dates: Annotated[str, "the span of dates that it compares"]
    notes: Annotated[tuple[str, ...], "what to know before comparing: who is not counted, and why"]
    references: Annotated[tuple[Reference, ...], "the rule sets drawn"]
    figures: Annotated[tuple[ChartFigure, ...], "IM and MM"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing of what differences are worth, with its sentence and its numbers."""

    title: Annotated[str, "what it shows"]
    unit: Annotated[str, "in what"]
    svg: Annotated[Svg, "the drawing, with title and description"]
    legend: Annotated[tuple[tuple[str, str], ...], "classes of its areas, and what each is"]
    caption: Annotated[str, "the result as a sentence"]
    columns: Annotated[tuple[str, ...], "the heads of its table"]
    rows: Annotated[tuple[tuple[str, ...], ...], "the numbers, the first cell naming the row"]
    dates: Annotated[str, "the span of dates that it compares"]
    tall: Annotated[bool, "whether it takes the height of several others"] = False


@dataclass(frozen=True, slots=True)
class GapSection:
    """What the differences on one underlying are worth."""

    underlying: Annotated[str, "the asset"]
    anchor: Annotated[str, "where it stands in the page"]
    dates: Annotated[str, "the span of dates compared"]
    reason: Annotated[str, "why sizes are left out; empty if none"]
    pictures: Annotated[tuple[Picture, ...], "the drawings"]


@dataclass(frozen=True, slots=True)
class Track:
    """How margins on one underlying moved, or how venues changed them by week."""

    underlying: Annotated[str, "the asset, or what is counted"]
    anchor: Annotated[str, "where it stands in the page"]
    note: Annotated[str, "what is not drawn; empty if nothing"]
    pictures: Annotated[tuple[Picture, ...], "the drawings"]


@dataclass(frozen=True, slots=True)
class OverTime:
    """The past: who moved margins, and when."""

    tracks: Annotated[tuple[Track, ...], "the underlyings, then the venues by week"]
    stress: Annotated[tuple[tuple[str, ...], ...], "windows of stress: days, measured, source"]
    left: Annotated[str, "what is left out for length; empty if nothing"]


@dataclass(frozen=True, slots=True)
class CodeRow:
    """All findings of one check."""

    code: Annotated[str, "the check's code"]
    name: Annotated[str, "the check's name"]
    level: Annotated[str, "the gravest level among them"]
    verdicts: Annotated[str, "how many of each verdict"]
    number: Annotated[str, "how many"]
    venues: Annotated[str, "how many venues"]
    rules: Annotated[str, "how many rest on which rule set"]
    worst: Annotated[tuple[str, ...], "the gravest examples"]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding."""

    level: Annotated[str, "error, warning or info"]
    sign: Annotated[str, "the level as a shape"]
    verdict: Annotated[str, "what the check concludes"]
    code: Annotated[str, "the check's code"]
    venue: Annotated[str, "the venue"]
    symbol: Annotated[str, "the instrument and its account profile"]
    message: Annotated[str, "the finding in words"]
    interval: Annotated[str, "the notionals where it holds"]
    notional: Annotated[str, "the notional of the figures"]
    observed: Annotated[str, "the rate found, and its leverage"]
    required: Annotated[str, "the rate asked for, and its leverage"]
    divergence: Annotated[str, "the one against the other"]
    rule: Annotated[Reference | None, "the rule set it rests on"]
    dated: Annotated[str, "when the venue was observed"]


@dataclass(frozen=True, slots=True)
class VenueCoverage:
    """What is known of one venue."""

    venue: Annotated[str, "the venue"]
    counts: Annotated[tuple[str, ...], "underlyings of each status, in the order of the legend"]
    observed_at: Annotated[str, "the date of its newest snapshot"]


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Why something is not known, for all that share the reason."""

    venue: Annotated[str, "the venue"]
    status: Annotated[str, "what is said of them"]
    reason: Annotated[str, "why"]
    number: Annotated[str, "how many share it"]
    examples: Annotated[str, "the first few"]


@dataclass(frozen=True, slots=True)
class CoverageView:
    """What could and could not be observed."""

    statuses: Annotated[tuple[Mark, ...], "the legend"]
    venues: Annotated[tuple[VenueCoverage, ...], "a line per venue"]
    columns: Annotated[tuple[str, ...], "the underlyings that fit into the matrix"]
    matrix: Annotated[tuple[MatrixRow, ...], "the venues that list any of them"]
    matrix_left: Annotated[str, "how many underlyings do not fit; empty if none"]
    whys: Annotated[
        tuple[tuple[str, tuple[ReasonRow, ...], str], ...],
        "tables of reasons: title, rows, and how many are not printed",
    ]


@dataclass(frozen=True, slots=True)
class Source:
    """A citation."""

    reference: Annotated[str, "the source"]
    via: Annotated[str, "where it was read, if not there"]
    verified: Annotated[str, "primary, secondary, unverified or derived"]
    sign: Annotated[str, "the same as a shape"]


@dataclass(frozen=True, slots=True)
class Flag:
    """A caveat on a field of a rule set."""

    field: Annotated[str, "the field"]
    status: Annotated[str, "what is wrong with it"]
    note: Annotated[str, "why"]


@dataclass(frozen=True, slots=True)
class RuleSetView:
    """A rule set."""

    anchor: Annotated[str, "where it stands in the page"]
    label: Annotated[str, "id and version"]
    title: Annotated[str, "its title"]
    about: Annotated[
        tuple[tuple[str, tuple[str, ...]], ...],
        "what it says: each a paragraph, or the lines of a formula",
    ]
    facts: Annotated[tuple[tuple[str, str], ...], "kind, scope, standing, tolerance, meaning of MM"]
    sources: Annotated[tuple[Source, ...], "its citations"]
    flags: Annotated[tuple[Flag, ...], "its caveats"]


@dataclass(frozen=True, slots=True)
class InputView:
    """A measured figure that a formula used."""

    name: Annotated[str, "what it is called where it is measured"]
    underlying: Annotated[str, "the asset"]
    value: Annotated[str, "the figure"]
    interval: Annotated[str, "its interval and the confidence; empty if none was given"]
    observations: Annotated[str, "how many observations it rests on, at least"]
    observed_at: Annotated[str, "the last day that was measured"]
    checked: Annotated[str, "how far it was checked, as a shape and in words"]
    source: Annotated[str, "where it comes from"]


@dataclass(frozen=True, slots=True)
class WaiverView:
    """A waiver."""

    status: Annotated[str, "active, expired, unused or lapsed"]
    codes: Annotated[str, "the checks"]
    scope: Annotated[str, "which of their findings"]
    reason: Annotated[str, "why"]
    owner: Annotated[str, "who answers for it"]
    expires: Annotated[str, "its last day"]
    number: Annotated[str, "how many findings it waives"]


@dataclass(frozen=True, slots=True)
class PayloadView:
    """One archived payload."""

    call: Annotated[str, "the call that fetched it"]
    request: Annotated[str, "the request as it went out"]
    size: Annotated[str, "its length"]
    digest: Annotated[str, "the hash, shortened"]
    sha256: Annotated[str, "the hash"]


@dataclass(frozen=True, slots=True)
class PayloadGroup:
    """Payloads of a snapshot that share their source and date."""

    observed_at: Annotated[str, "when they were observed"]
    origin: Annotated[str, "live, recorded, documentation or market"]
    source: Annotated[str, "where they come from"]
    dating: Annotated[str, "what their date rests on"]
    payloads: Annotated[tuple[PayloadView, ...], "the payloads"]


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """One snapshot."""

    anchor: Annotated[str, "where its payloads stand in the page"]
    venue: Annotated[str, "the venue"]
    observed_at: Annotated[str, "when"]
    age: Annotated[str, "how long before the report's date"]
    state: Annotated[str, "complete or not, stale or not, with its sign"]
    source: Annotated[str, "where it comes from"]
    digest: Annotated[str, "the hash, shortened"]
    sha256: Annotated[str, "the hash"]
    number: Annotated[str, "how many payloads it holds"]
    groups: Annotated[tuple[PayloadGroup, ...], "its payloads, by source and date"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A rule of the tool's own, in its words."""

    heading: Annotated[str, "what it explains"]
    paragraphs: Annotated[tuple[str, ...], "the text"]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The whole report."""

    stylesheet: Annotated[str, "the style sheet, inline"]
    title: Annotated[str, "the report's title"]
    as_of: Annotated[str, "the day the report is for"]
    tool: Annotated[str, "name and version of the tool"]
    archive: Annotated[str, "the archive that was read"]
    schema_version: Annotated[str, "version of the audit document"]
    span: Annotated[str, "the dates of all snapshots"]
    heat_notional: Annotated[str, "the notional of the heat-maps"]
    stale_after: Annotated[str, "the age from which a snapshot is stale"]
    key_figures: Annotated[tuple[KeyFigure, ...], "the summary's large numbers"]
    summary: Annotated[tuple[Statement, ...], "the executive summary"]
    ranking: Annotated[Ranking, "the harmonization index ranking"]
    heat_maps: Annotated[tuple[HeatMap, ...], "divergence, venue by underlying"]
    heat_legend: Annotated[tuple[Mark, ...], "shades and marks of the heat-maps"]
    heat_left: Annotated[str, "which underlyings the heat-maps leave out; empty if none"]
    charts: Annotated[tuple[ChartSection, ...], "margin against notional, per underlying"]
    worth: Annotated[tuple[GapSection, ...], "what differences between venues are worth"]
    past: Annotated[OverTime | None, "how margins moved over time; None where nothing is known"]
    finding_counts: Annotated[str, "how many findings of each level"]
    codes: Annotated[tuple[CodeRow, ...], "findings, a line per check"]
    findings: Annotated[tuple[FindingRow, ...], "the gravest findings"]
    findings_cut: Annotated[str, "how the printed findings were picked"]
    findings_left: Annotated[str, "how many findings are not printed; empty if none"]
    known: Annotated[str, "what is waived, or known from a baseline; empty if nothing"]
    waivers: Annotated[tuple[WaiverView, ...], "what became of every waiver"]
    inputs: Annotated[tuple[InputView, ...], "what formulas were computed from"]
    coverage: Annotated[CoverageView, "what could and could not be observed"]
    rule_sets: Annotated[tuple[RuleSetView, ...], "the rule sets, with their sources"]
    explanations: Annotated[tuple[Explanation, ...], "the audit's own explanations"]
    snapshots: Annotated[tuple[SnapshotView, ...], "provenance"]

"""Template context of the HTML report: finished text, with a description of every field."""

from dataclasses import dataclass
from typing import Annotated

from reports.charts.svg import Svg


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One large number of the summary."""

    value: Annotated[str, "the number, with its unit"]
    label: Annotated[str, "what it measures, in a few words"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the executive summary."""

    lead: Annotated[str, "subject in two or three words"]
    text: Annotated[str, "complete sentences with their numbers"]


@dataclass(frozen=True, slots=True)
class Reference:
    """Rule set beside one of its numbers, with all caveats."""

    label: Annotated[str, "the rule set's id and version"]
    address: Annotated[str, "address of its citations, such as an anchor in the page"]
    caveats: Annotated[tuple[str, ...], "verification of its sources, its flags, its legal status"]
    marks: Annotated[str, "the same as signs, for a table"]


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """Entry of a legend."""

    css: Annotated[str, "the class that shades it"]
    sign: Annotated[str, "the sign as printed in a cell"]
    meaning: Annotated[str, "meaning of the sign"]


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """Cell of a matrix of venue by underlying."""

    css: Annotated[str, "the class that shades it"]
    text: Annotated[str, "the number or sign"]
    note: Annotated[str, "the reason, as a tooltip; empty if the text is complete"]


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """Row of a matrix: one venue."""

    venue: Annotated[str, "the venue"]
    cells: Annotated[tuple[MatrixCell, ...], "one per underlying, in the order of the columns"]
    dates: Annotated[str, "observation dates of the schedules in the row"]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Divergence of every venue from one rule set, for one margin type at one notional."""

    title: Annotated[str, "margin type and notional"]
    caption: Annotated[str, "meaning of a cell, the reference and the dates"]
    reference: Annotated[Reference, "the rule set compared with"]
    columns: Annotated[tuple[str, ...], "the underlyings"]
    rows: Annotated[tuple[MatrixRow, ...], "the venues that list any of them"]


@dataclass(frozen=True, slots=True)
class IndexRow:
    """Underlying in the ranking."""

    rank: Annotated[str, "its rank, the closest to the reference first; – without a value"]
    underlying: Annotated[str, "the asset"]
    bar: Annotated[str, "the length of its bar, out of 100"]
    tick: Annotated[str, "position of the second index on the bar; empty without one"]
    values: Annotated[tuple[str, ...], "the indices, in the order of the columns"]
    venues: Annotated[str, "number of venues compared"]
    notionals: Annotated[str, "the range of notionals compared"]
    dates: Annotated[str, "the dates compared"]


@dataclass(frozen=True, slots=True)
class IndexBlock:
    """Part of the ranking."""

    title: Annotated[str, "name of the part"]
    is_folded: Annotated[bool, "whether the reader must open it"]
    rows: Annotated[tuple[IndexRow, ...], "the underlyings"]


@dataclass(frozen=True, slots=True)
class VenueIndex:
    """Harmonization index of one venue over its underlyings."""

    venue: Annotated[str, "the venue"]
    values: Annotated[tuple[str, ...], "the indices, in the order of the columns"]
    interval: Annotated[str, "confidence interval of the first index"]
    underlyings: Annotated[str, "number of underlyings in the first index"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The underlyings by harmonization index."""

    columns: Annotated[tuple[str, ...], "margin type and reference of each index"]
    bar: Annotated[str, "meaning of the bar"]
    tick: Annotated[str, "meaning of the tick on the bar; empty without one"]
    caption: Annotated[str, "meaning of the table"]
    weights: Annotated[str, "weights of the venues"]
    references: Annotated[tuple[Reference, ...], "the rule sets of the indices"]
    blocks: Annotated[tuple[IndexBlock, ...], "the parts, in reading order"]
    overall: Annotated[tuple[str, ...], "sentences on the index over all underlyings"]
    venues: Annotated[
        tuple[VenueIndex, ...], "one row per venue, the closest to the reference first"
    ]


@dataclass(frozen=True, slots=True)
class GridRow:
    """Margin rates of a venue or reference at the notional grid."""

    name: Annotated[str, "the venue or rule set"]
    symbol: Annotated[str, "its representative instrument and account profile"]
    is_reference: Annotated[bool, "whether it is a reference"]
    cells: Annotated[tuple[str, ...], "the rates; – if there is none"]
    note: Annotated[str, "marks and reasons: stale, documentation, excluded, meaning of MM"]


@dataclass(frozen=True, slots=True)
class LowestMarginRow:
    """Range of notional over which the same venues have the lowest margin."""

    interval: Annotated[str, "the range"]
    lowest_venues: Annotated[str, "venues with the lowest margin"]
    highest_venues: Annotated[str, "venues with the highest margin in part of the range"]
    spread: Annotated[str, "highest less lowest margin, in USD, at the ends of the range"]


@dataclass(frozen=True, slots=True)
class MarginChart:
    """IM or MM of one underlying: the chart and its numbers."""

    title: Annotated[str, "the margin type"]
    svg: Annotated[Svg, "the chart, with title and description"]
    caption: Annotated[str, "the result as a sentence, with the dates compared"]
    columns: Annotated[tuple[str, ...], "the notional grid"]
    rows: Annotated[tuple[GridRow, ...], "rates at the notional grid"]
    lowest_margins: Annotated[tuple[LowestMarginRow, ...], "lowest margin by notional"]
    lowest_margin_dates: Annotated[str, "the dates compared for the lowest margin"]


@dataclass(frozen=True, slots=True)
class UnderlyingSection:
    """Section on one underlying."""

    underlying: Annotated[str, "the asset"]
    anchor: Annotated[str, "its id in the page"]
    dates: Annotated[str, "the dates compared"]
    notes: Annotated[tuple[str, ...], "caveats of the comparison: excluded venues and reasons"]
    references: Annotated[tuple[Reference, ...], "the rule sets in the charts"]
    charts: Annotated[tuple[MarginChart, ...], "IM and MM"]


@dataclass(frozen=True, slots=True)
class Chart:
    """Chart with its caption and a table of its numbers."""

    title: Annotated[str, "what it shows"]
    unit: Annotated[str, "the unit"]
    svg: Annotated[Svg, "the chart, with title and description"]
    legend: Annotated[tuple[tuple[str, str], ...], "CSS class and meaning of each area"]
    caption: Annotated[str, "the result as a sentence"]
    columns: Annotated[tuple[str, ...], "column heads of its table"]
    rows: Annotated[tuple[tuple[str, ...], ...], "the numbers; the first cell names the row"]
    dates: Annotated[str, "the dates compared"]
    tall: Annotated[bool, "whether it takes the height of several charts"] = False


@dataclass(frozen=True, slots=True)
class GapSection:
    """Arbitrage gap on one underlying."""

    underlying: Annotated[str, "the asset"]
    anchor: Annotated[str, "its id in the page"]
    dates: Annotated[str, "the dates compared"]
    reason: Annotated[str, "why notionals are excluded; empty if none are"]
    charts: Annotated[tuple[Chart, ...], "the charts"]


@dataclass(frozen=True, slots=True)
class HistorySection:
    """Margins on one underlying over time, or changes per venue and week."""

    underlying: Annotated[str, "the asset, or the subject"]
    anchor: Annotated[str, "its id in the page"]
    note: Annotated[str, "what the charts omit; empty if nothing"]
    charts: Annotated[tuple[Chart, ...], "the charts"]


@dataclass(frozen=True, slots=True)
class HistoryView:
    """Margins over time."""

    sections: Annotated[tuple[HistorySection, ...], "underlyings, then venues by week"]
    stress: Annotated[tuple[tuple[str, ...], ...], "windows of stress: days, fall, source"]
    omitted: Annotated[str, "what is omitted for length; empty if nothing"]


@dataclass(frozen=True, slots=True)
class CheckRow:
    """All findings of one check."""

    code: Annotated[str, "the check's code"]
    name: Annotated[str, "the check's name"]
    level: Annotated[str, "its most severe level"]
    verdicts: Annotated[str, "number of findings per verdict"]
    findings: Annotated[str, "number of findings"]
    venues: Annotated[str, "number of venues"]
    rule_sets: Annotated[str, "number of findings per rule set"]
    examples: Annotated[tuple[str, ...], "the most severe findings"]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding."""

    level: Annotated[str, "error, warning or info"]
    sign: Annotated[str, "the level as a shape"]
    verdict: Annotated[str, "the verdict of the check"]
    code: Annotated[str, "the check's code"]
    venue: Annotated[str, "the venue"]
    symbol: Annotated[str, "the instrument and its account profile"]
    message: Annotated[str, "the finding in words"]
    ranges: Annotated[str, "the notionals concerned"]
    notional: Annotated[str, "the notional of the rates"]
    observed: Annotated[str, "the observed rate and its leverage"]
    required: Annotated[str, "the required rate and its leverage"]
    deviation: Annotated[str, "the deviation of observed from required"]
    reference: Annotated[Reference | None, "the rule set"]
    observed_at: Annotated[str, "date of the observation"]


@dataclass(frozen=True, slots=True)
class VenueCoverage:
    """Coverage of one venue."""

    venue: Annotated[str, "the venue"]
    counts: Annotated[
        tuple[str, ...], "number of underlyings per status, in the order of the legend"
    ]
    observed_at: Annotated[str, "date of its newest snapshot"]


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Reason for missing data, with all items that share it."""

    venue: Annotated[str, "the venue"]
    status: Annotated[str, "their status"]
    reason: Annotated[str, "the reason"]
    count: Annotated[str, "number of items"]
    examples: Annotated[str, "the first items"]


@dataclass(frozen=True, slots=True)
class CoverageView:
    """Coverage: what was and was not observed."""

    statuses: Annotated[tuple[LegendEntry, ...], "the legend"]
    venues: Annotated[tuple[VenueCoverage, ...], "one row per venue"]
    columns: Annotated[tuple[str, ...], "the underlyings of the matrix"]
    matrix: Annotated[tuple[MatrixRow, ...], "the venues that list any of them"]
    matrix_omitted: Annotated[str, "number of omitted underlyings; empty if none"]
    reason_tables: Annotated[
        tuple[tuple[str, tuple[ReasonRow, ...], str], ...],
        "tables of reasons: title, rows, and number of omitted reasons",
    ]


@dataclass(frozen=True, slots=True)
class CitationView:
    """Citation of a source."""

    reference: Annotated[str, "the source"]
    via: Annotated[str, "where it was read, if not in the source itself"]
    verified: Annotated[str, "primary, secondary, unverified or derived"]
    sign: Annotated[str, "the same as a shape"]


@dataclass(frozen=True, slots=True)
class FlagView:
    """Caveat on a field of a rule set."""

    field: Annotated[str, "the field"]
    status: Annotated[str, "the caveat"]
    note: Annotated[str, "the reason"]


@dataclass(frozen=True, slots=True)
class RuleSetView:
    """Rule set with its sources."""

    anchor: Annotated[str, "its id in the page"]
    label: Annotated[str, "id and version"]
    title: Annotated[str, "its title"]
    description: Annotated[
        tuple[tuple[str, tuple[str, ...]], ...],
        "its description: each entry a paragraph, or the lines of a formula",
    ]
    facts: Annotated[
        tuple[tuple[str, str], ...], "kind, scope, legal status, tolerance, meaning of MM"
    ]
    sources: Annotated[tuple[CitationView, ...], "its citations"]
    flags: Annotated[tuple[FlagView, ...], "its caveats"]


@dataclass(frozen=True, slots=True)
class InputView:
    """Measured input of a formula."""

    name: Annotated[str, "its name"]
    underlying: Annotated[str, "the asset"]
    value: Annotated[str, "the value"]
    interval: Annotated[str, "its interval with confidence; empty if not known"]
    observations: Annotated[str, "number of observations, at least"]
    observed_at: Annotated[str, "last day of the measurement"]
    verified: Annotated[str, "its verification, as a shape and in words"]
    source: Annotated[str, "the source"]


@dataclass(frozen=True, slots=True)
class WaiverView:
    """Waiver of findings."""

    status: Annotated[str, "active, expired, unused or lapsed"]
    codes: Annotated[str, "the checks"]
    scope: Annotated[str, "the findings covered"]
    reason: Annotated[str, "the reason"]
    owner: Annotated[str, "the person or team responsible"]
    expires: Annotated[str, "its last day"]
    findings: Annotated[str, "number of findings waived"]


@dataclass(frozen=True, slots=True)
class PayloadView:
    """One archived payload."""

    call: Annotated[str, "the API call"]
    request: Annotated[str, "the request as sent"]
    size: Annotated[str, "its size"]
    digest: Annotated[str, "the hash, shortened"]
    sha256: Annotated[str, "the hash"]


@dataclass(frozen=True, slots=True)
class PayloadGroup:
    """Payloads of a snapshot with the same source and date."""

    observed_at: Annotated[str, "time of observation"]
    origin: Annotated[str, "live, recorded, documentation or market"]
    source: Annotated[str, "the source"]
    date_basis: Annotated[str, "the basis of their date"]
    payloads: Annotated[tuple[PayloadView, ...], "the payloads"]


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """One snapshot."""

    anchor: Annotated[str, "id of its payloads in the page"]
    venue: Annotated[str, "the venue"]
    observed_at: Annotated[str, "time of observation"]
    age: Annotated[str, "age at the date of the report"]
    state: Annotated[str, "complete or incomplete, stale, with signs"]
    source: Annotated[str, "the source"]
    digest: Annotated[str, "the hash, shortened"]
    sha256: Annotated[str, "the hash"]
    payload_count: Annotated[str, "number of payloads"]
    groups: Annotated[tuple[PayloadGroup, ...], "its payloads, by source and date"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Explanation of a method of the audit."""

    heading: Annotated[str, "the subject"]
    paragraphs: Annotated[tuple[str, ...], "the text"]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """The whole report."""

    stylesheet: Annotated[str, "the style sheet, inline"]
    title: Annotated[str, "the report's title"]
    as_of: Annotated[str, "date of the report"]
    tool: Annotated[str, "name and version of the tool"]
    archive: Annotated[str, "the archive read"]
    schema_version: Annotated[str, "version of the audit document"]
    snapshot_dates: Annotated[str, "observation dates of all snapshots"]
    heat_notional: Annotated[str, "notional of the heat maps"]
    stale_after: Annotated[str, "age from which a snapshot is stale"]
    key_figures: Annotated[tuple[KeyFigure, ...], "key numbers of the summary"]
    summary: Annotated[tuple[Statement, ...], "the executive summary"]
    ranking: Annotated[Ranking, "the harmonization index ranking"]
    heat_maps: Annotated[tuple[HeatMap, ...], "divergence, venue by underlying"]
    heat_legend: Annotated[tuple[LegendEntry, ...], "shades and signs of the heat maps"]
    heat_maps_omitted: Annotated[str, "underlyings omitted from the heat maps; empty if none"]
    underlyings: Annotated[tuple[UnderlyingSection, ...], "margin by notional, per underlying"]
    gap: Annotated[tuple[GapSection, ...], "arbitrage gap per underlying"]
    history: Annotated[HistoryView | None, "margins over time; None without history"]
    finding_counts: Annotated[str, "findings per level, with the meaning of levels and verdicts"]
    checks: Annotated[tuple[CheckRow, ...], "findings, one row per check"]
    findings: Annotated[tuple[FindingRow, ...], "the most severe findings"]
    findings_selection: Annotated[str, "how the printed findings were selected"]
    findings_omitted: Annotated[str, "number of findings not printed; empty if none"]
    exclusions: Annotated[str, "waived findings and comparison with a baseline; empty if none"]
    waivers: Annotated[tuple[WaiverView, ...], "waivers with their status"]
    inputs: Annotated[tuple[InputView, ...], "measured inputs of formulas"]
    coverage: Annotated[CoverageView, "what was and was not observed"]
    rule_sets: Annotated[tuple[RuleSetView, ...], "the rule sets, with their sources"]
    explanations: Annotated[tuple[Explanation, ...], "the audit's own explanations"]
    snapshots: Annotated[tuple[SnapshotView, ...], "provenance"]

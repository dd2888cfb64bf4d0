"""Judgements of proposed schedules as text for a terminal, and as tables for spreadsheets."""

from collections.abc import Iterator

from harmonize.api.proposal import JudgedProposal, ProposedGap, ProposedRank, ProposedVerdict
from harmonize.cli.compare_text import aligned, verification_legend
from harmonize.document import Verdict
from harmonize.text import numbers
from harmonize.text.messages import counted
from harmonize.text.sanitize import one_line
from harmonize.text.words import VERIFIED_SIGNS, first_words, margin_abbreviation
from reports.formats.sheets import Cell, Sheet

_MAX_VENUES = 3
"""Largest number of venues named in a cell."""

_UNDECIDED = frozenset({Verdict.NOT_APPLICABLE, Verdict.NOT_OBSERVABLE})


def proposal_text(judged: JudgedProposal) -> str:
    """Returns verdicts with the smallest changes, findings, ranks and the effect on the gap."""
    lines = [*_heading(judged), "", *_verdict_lines(judged), "", *_finding_lines(judged)]
    lines += ["", *_rank_lines(judged), "", *_gap_lines(judged)]
    return "".join(f"{one_line(line)}\n" for line in lines)


def _heading(judged: JudgedProposal) -> Iterator[str]:
    yield f"as of {judged.as_of[:10]}, compared with {judged.archive}"
    place = f", in place of the published schedule of {judged.name}" if judged.replaces else ""
    yield f"{judged.name}: proposed schedule on {judged.underlying}, {judged.tier_rule} tiers{place}"


def _verdict_lines(judged: JudgedProposal) -> Iterator[str]:
    decided = [x for x in judged.verdicts if x.row.verdict not in _UNDECIDED]
    heads = ("rule set", "margin", "verdict", "observed", "required", "tolerance", "at")
    yield from aligned((*heads, "smallest change"), [_verdict_cells(x) for x in decided])
    if decided:
        yield "tolerance: share below the required margin down to which a margin is compliant"
    yield from verification_legend(x.verified for x in judged.verdicts)
    undecided = [x.row for x in judged.verdicts if x.row.verdict in _UNDECIDED]
    for row in undecided:
        margin = margin_abbreviation(row.margin_type)
        yield f"{row.rule_set} {margin}: {row.verdict.value}: {row.reason}"
    if not judged.verdicts:
        yield "no rule set regulates it"


def _verdict_cells(judged: ProposedVerdict) -> tuple[str, ...]:
    row = judged.row
    is_over = row.verdict is Verdict.OVER
    notional = row.highest_notional if is_over else row.lowest_notional
    return (
        row.rule_set,
        margin_abbreviation(row.margin_type),
        row.verdict.value,
        numbers.rate(row.observed),
        f"{numbers.rate(row.required)} {VERIFIED_SIGNS.get(judged.verified, '')}".rstrip(),
        numbers.deviation(_negative(judged.tolerance_below)),
        numbers.usd(notional),
        row.remedy or row.reason or numbers.NOT_OBSERVABLE,
    )


def _negative(share: float | None) -> float | None:
    return None if share is None else -share


def _finding_lines(judged: JudgedProposal) -> Iterator[str]:
    yield f"{counted(len(judged.findings), 'finding')}"
    heads = ("level", "code", "check", "rule set", "finding")
    rows = [(x.level.value, x.code, x.name, x.rule_set, x.message) for x in judged.findings]
    if rows:
        yield from aligned(heads, rows)


def _rank_lines(judged: JudgedProposal) -> Iterator[str]:
    yield "rank among the venues; 1 is the lowest margin"
    heads = ("notional", "margin", "rank", "amount", "lowest", "highest")
    yield from aligned(heads, [_rank_cells(row) for row in judged.ranks])


def _rank_cells(row: ProposedRank) -> tuple[str, ...]:
    rank = f"{row.rank} of {row.venues}" if row.rank else f"none: {row.reason}"
    return (
        numbers.usd(row.notional),
        margin_abbreviation(row.margin_type),
        rank,
        numbers.amount(row.margin),
        _extreme(row.lowest, row.lowest_venues),
        _extreme(row.highest, row.highest_venues),
    )


def _extreme(margin: float | None, venues: tuple[str, ...]) -> str:
    if margin is None:
        return numbers.NOT_OBSERVABLE
    return f"{numbers.amount(margin)} {first_words(venues, _MAX_VENUES)}"


def _gap_lines(judged: JudgedProposal) -> Iterator[str]:
    rule_set = judged.gaps[0].rule_set if judged.gaps else ""
    to = (
        f"arbitrage gap to {rule_set}" if rule_set else "arbitrage gap: no rule set has a reference"
    )
    yield f"cheapest split and {to}, without and with the proposal"
    heads = ("notional", "split", "with proposal", "gap", "with proposal", "held under it")
    yield from aligned(heads, [_gap_cells(row) for row in judged.gaps], right={1, 2, 3, 4, 5})


def _gap_cells(row: ProposedGap) -> tuple[str, ...]:
    amounts = (row.split_without, row.split_with, row.gap_without, row.gap_with, row.allocated)
    return (numbers.usd(row.notional), *map(numbers.amount, amounts))


def proposal_sheets(judged: JudgedProposal) -> tuple[Sheet, ...]:
    """Returns verdicts, findings, ranks and gaps as tables; the first one is that of CSV."""
    return _verdict_sheet(judged), _finding_sheet(judged), _rank_sheet(judged), _gap_sheet(judged)


def _verdict_sheet(judged: JudgedProposal) -> Sheet:
    heads = ("proposal", "underlying", "rule_set", "margin_type", "verdict", "observed_rate")
    own = ("required_rate", "lowest_deviation_share", "lowest_notional_usd")
    rest = ("highest_deviation_share", "highest_notional_usd", "smallest_change", "reason")
    sources = ("verified", "tolerance_below_share")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            *(judged.name, judged.underlying, row.rule_set, row.margin_type, row.verdict.value),
            *(row.observed, row.required, row.lowest, row.lowest_notional),
            *(row.highest, row.highest_notional, row.remedy, row.reason),
            *(x.verified, x.tolerance_below),
        )
        for x in judged.verdicts
        for row in (x.row,)
    )
    return Sheet("Verdicts", (*heads, *own, *rest, *sources), rows)


def _finding_sheet(judged: JudgedProposal) -> Sheet:
    heads = ("level", "code", "check", "rule_set", "margin_type", "message", "smallest_change")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (x.level.value, x.code, x.name, x.rule_set, x.margin_type, x.message, x.remedy)
        for x in judged.findings
    )
    return Sheet("Findings", heads, rows)


def _rank_sheet(judged: JudgedProposal) -> Sheet:
    heads = ("notional_usd", "margin_type", "rank", "venues", "margin_usd", "lowest_usd")
    rest = ("lowest_venues", "highest_usd", "highest_venues", "reason")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            *(row.notional, row.margin_type, row.rank, row.venues, row.margin, row.lowest),
            *(", ".join(row.lowest_venues), row.highest, ", ".join(row.highest_venues)),
            row.reason,
        )
        for row in judged.ranks
    )
    return Sheet("Ranks", (*heads, *rest), rows)


def _gap_sheet(judged: JudgedProposal) -> Sheet:
    heads = ("notional_usd", "rule_set", "reference_usd", "split_without_usd", "split_with_usd")
    rest = ("gap_without_usd", "gap_with_usd", "allocated_usd")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            *(row.notional, row.rule_set, row.reference, row.split_without, row.split_with),
            *(row.gap_without, row.gap_with, row.allocated),
        )
        for row in judged.gaps
    )
    return Sheet("Gaps", (*heads, *rest), rows)

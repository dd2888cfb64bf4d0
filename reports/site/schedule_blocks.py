"""One schedule in full: tiers, how each number is known, rule sets, and the evidence behind it."""

from collections.abc import Sequence

from harmonize.document import (
    ConversionRow,
    DivergenceRow,
    EvidenceRow,
    FactorRow,
    PieceRow,
    ScheduleRow,
    Status,
    Verdict,
)
from harmonize.text import numbers
from harmonize.text.words import join_words, margin_abbreviation
from reports.lookup import date_text
from reports.piece_values import piece_at, tier_count
from reports.site import marks
from reports.site.addresses import payload_anchor, schedule_anchor, venue_path
from reports.site.markup import NOTHING, Html, join, text, words
from reports.site.readings import NO_READING, fields_text, formula_of, terms
from reports.site.report_context import ReportContext

_VERDICT_WORDS = {
    Verdict.COMPLIANT: "Complies with",
    Verdict.NOT_OBSERVABLE: marks.NOT_OBSERVABLE.sign,
    Verdict.NOT_APPLICABLE: marks.NOT_APPLICABLE.sign,
}
"""Verdicts that are no findings; all others are in the list of findings."""
_DIGITS = range(3, 16)
_MILLION = 1e6
_AMOUNT_DIGITS = 4
_NOTIONAL_NOTE = "N is the notional of the position in USD."


def schedule_block(context: ReportContext, row: ScheduleRow) -> Html:
    """Returns a schedule that the reader opens; its permalink opens it."""
    anchor = schedule_anchor(row.venue, row.symbol, row.profile)
    profile = "" if row.profile == "any" else f", {row.profile}"
    signs = marks.signs(marks.schedule_marks(row))
    count = numbers.count_text(tier_count(row), "tier")
    summary = f"{row.venue} {row.symbol}{profile}: {count}, {date_text(row)} {signs}".rstrip()
    body = f"{_tiers(row)}{_known(context, row)}{_verdicts(context, row)}{_evidence(context, row)}"
    return Html(
        f'<details class="schedule"><summary>{text(summary)}</summary>'
        f'<div id="{anchor}">{body}</div></details>\n'
    )


def _tiers(row: ScheduleRow) -> Html:
    """Returns the tiers as a list: range, IM and MM."""
    bounds = sorted({_end(piece) for piece in (*row.initial, *row.maintenance)})
    if not bounds:
        return NOTHING
    items, lower = [], 0.0
    for upper in bounds:
        middle = upper if upper != float("inf") else lower + 1.0
        initial, maintenance = (
            _rate_text(piece_at(pieces, middle)) for pieces in (row.initial, row.maintenance)
        )
        bound = _bound_text(lower, upper)
        items.append(f"<li>{text(bound)}: {text(initial)} · {text(maintenance)}</li>")
        lower = upper
    has_amounts = any(
        piece.fixed or piece.coefficient for piece in (*row.initial, *row.maintenance)
    )
    notes = [_unverified_text(row), _NOTIONAL_NOTE if has_amounts else ""]
    head = words("p", " ".join(filter(None, notes)), css="tierhead")
    return Html(f'{head}<ol class="tiers">{"".join(items)}</ol>')


def _bound_text(lower: float, upper: float) -> str:
    """Returns the upper bound of a tier, in as many digits as tell it from the lower one."""
    if upper == float("inf"):
        return f"above {numbers.usd(lower)}" if lower else "every size"
    texts = ((numbers.usd(lower, digits), numbers.usd(upper, digits)) for digits in _DIGITS)
    return next((bound for below, bound in texts if bound != below), numbers.usd(upper))


def _end(piece: PieceRow) -> float:
    return float("inf") if piece.upper is None else piece.upper


def _rate_text(piece: PieceRow | None) -> str:
    if piece is None:
        return numbers.NOT_OBSERVABLE
    rate = _amount_text(piece) if piece.fixed or piece.coefficient else numbers.rate(piece.rate)
    return f"{marks.LOWER_BOUND.sign} {rate}" if piece.bound else rate


def _amount_text(piece: PieceRow) -> str:
    """Returns a margin that is no constant rate as an amount in USD of the notional N.

    The amount of a power of N is stated at N of $1m: ``0.65 % of N + $625.8 × (N / $1m)²``.
    """
    parts = [f"{numbers.rate(piece.rate)} of N"] if piece.rate else []
    if piece.coefficient:
        at_million = numbers.usd(piece.coefficient * _MILLION**piece.power, _AMOUNT_DIGITS)
        exponent = "²" if piece.power == 2.0 else f"^{piece.power:g}"  # noqa: PLR2004 - a square
        parts.append(f"{at_million} × (N / $1m){exponent}")
    if piece.fixed > 0:
        parts.append(numbers.usd(piece.fixed))
    deduction = f" − {numbers.usd(-piece.fixed)}" if piece.fixed < 0 else ""
    return f"{' + '.join(parts)}{deduction}".strip()


def _unverified_text(row: ScheduleRow) -> str:
    unverified = [
        margin_abbreviation(margin_type)
        for margin_type in ("initial", "maintenance")
        if marks.margin_status(row, margin_type) is Status.UNVERIFIED
    ]
    return f"{join_words(unverified)}: {marks.UNVERIFIED.sign} unverified" if unverified else ""


def _known(context: ReportContext, row: ScheduleRow) -> Html:
    """Returns what tells the schedule from others: numbers that are not simply known, and its terms.

    What is the same for all schedules of a venue is on the page of the venue, as are derivations.
    """
    sentences = [
        _status_text("initial margin", row.initial_status, row.initial_note),
        _status_text("maintenance margin", row.maintenance_status, row.maintenance_note),
        _capacity_text(row),
        _sizes_text(row),
        f"not trading: {row.not_trading}" if row.not_trading else "",
        *(words for words in terms(row) if words not in context.common_terms[row.venue]),
    ]
    shown = "; ".join(filter(None, sentences))
    return words("p", f"{shown[:1].upper()}{shown[1:]}." if shown else "")


def _capacity_text(row: ScheduleRow) -> str:
    """States the largest position where the last tier does not end at it."""
    last = max((_end(piece) for piece in (*row.initial, *row.maintenance)), default=0.0)
    status = _status_text("largest position", row.capacity_status, row.capacity_note)
    if row.capacity is None or (row.capacity == last and not status):
        return status
    return f"{status or 'largest position'} {numbers.usd(row.capacity)}"


def _sizes_text(row: ScheduleRow) -> str:
    """States up to which size the margins are the venue's; empty if at every size."""
    if not row.known_up_to:
        return ""
    return f"margins published up to {numbers.usd(row.known_up_to)}, lower bounds above"


def _status_text(name: str, status: Status, note: str) -> str:
    """Returns a number's status in words; empty if it is known or not stated for lack of any.

    Only a missing number and a lower bound state their reason here.
    """
    reason = f" ({note})" if note else ""
    if status is Status.KNOWN:
        return ""
    if status is Status.AT_LEAST:
        return f"{name} known as a lower bound only{reason}"
    if status is Status.UNKNOWN:
        return f"{name} not observable{reason}"
    sign = f"{marks.UNVERIFIED.sign} " if status is Status.UNVERIFIED else ""
    return f"{name} {sign}{status.value}"


def _verdicts(context: ReportContext, row: ScheduleRow) -> Html:
    """Returns the rule sets whose verdict is no finding, after the mark of the verdict."""
    groups: dict[Verdict, dict[str, list[DivergenceRow]]] = {}
    for comparison in context.divergences.get((row.venue, row.symbol, row.profile), ()):
        of_verdict = groups.setdefault(comparison.verdict, {})
        of_verdict.setdefault(comparison.rule_set, []).append(comparison)
    sentences = [
        f"{name} {', '.join(_rule_words(*rule) for rule in sorted(groups[verdict].items()))}."
        for verdict, name in _VERDICT_WORDS.items()
        if verdict in groups
    ]
    return words("p", " ".join(sentences))


def _rule_words(name: str, rows: Sequence[DivergenceRow]) -> str:
    types = {margin_abbreviation(row.margin_type) for row in rows}
    return name if len(types) > 1 else f"{name} {''.join(types)}"


def _evidence(context: ReportContext, row: ScheduleRow) -> Html:
    items = "".join(f"<li>{_evidence_item(context, entry)}</li>" for entry in row.evidence)
    return Html(f'<ul class="evidence">{items}</ul>') if items else NOTHING


def _evidence_item(context: ReportContext, entry: EvidenceRow) -> Html:
    """Returns payload and positions; the fields read, where they differ within the payload."""
    pointers = _pointers(entry.rows)
    common = context.readings.get(entry.sha256, NO_READING)
    fields = fields_text(entry.columns)
    is_common = (fields == common.fields, formula_of(entry) == common.formula)
    parts = [
        _payload_link(context, entry.sha256),
        Html(f" at <code>{text(pointers)}</code>") if pointers else NOTHING,
        NOTHING if is_common[0] or not fields else text(f": {fields}"),
        NOTHING if is_common[1] else _conversion(context, entry.conversion),
    ]
    return join(parts)


def _pointers(rows: Sequence[str]) -> str:
    """Returns the positions of the tiers in the payload: the first, and the last of several."""
    if len(rows) < 2:  # noqa: PLR2004 - one position needs no range
        return "".join(rows)
    first, last = rows[0], rows[-1]
    folder = first.rpartition("/")[0]
    is_beside = folder and last.rpartition("/")[0] == folder
    return f"{first} … {last.rpartition('/')[2] if is_beside else last}"


def _conversion(context: ReportContext, conversion: ConversionRow | None) -> Html:
    if conversion is None:
        return NOTHING
    factors = [
        Html(
            f"{text(f'{factor.name} {factor.value:.10g} {factor.unit}')} from"
            f" {_payload_link(context, factor.sha256)}"
            f" <code>{text(factor.pointer)}</code>, {text(_factor_date(context, factor))}"
        )
        for factor in conversion.factors
    ]
    of_factors = f", with {join(factors, '; ')}" if factors else ""
    return Html(f". {text(conversion.formula)}{of_factors}.")


def _factor_date(context: ReportContext, factor: FactorRow) -> str:
    """Returns the date of the payload that states a factor, as far as it is known."""
    known = context.payloads.get(factor.sha256)
    return date_text(known[1]) if known else numbers.date(factor.observed_at)


def _payload_link(context: ReportContext, sha256: str) -> Html:
    code = f"<code>{text(numbers.digest(sha256))}</code>"
    known = context.payloads.get(sha256)
    if known is None:
        return Html(code)
    return Html(f'<a href="../{venue_path(known[0])}#{payload_anchor(sha256)}">{code}</a>')

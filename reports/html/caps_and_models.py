"""How schedules stand to caps, prohibitions and models, one sentence a sort: never summed or averaged."""

from collections import Counter
from collections.abc import Iterator, Sequence

from harmonize.document import AuditDocument, RuleSetRow, Verdict
from harmonize.text import numbers
from reports.html.page import Statement

_SHORT = {Verdict.BREACH, Verdict.UNDER}
_JUDGED = (Verdict.COMPLIANT, Verdict.UNDER, Verdict.OVER, Verdict.BREACH)


def statements(document: AuditDocument) -> Iterator[Statement]:
    """Say who asks less than caps, what prohibitions would forbid, and what models find."""
    prohibitions = {
        row.rule_set for row in document.divergences if row.verdict is Verdict.PROHIBITED
    }
    caps = [one for one in document.rule_sets if one.kind == "cap" and one.id not in prohibitions]
    if caps:
        yield Statement("Caps and minimums", _caps(document, caps))
    if prohibitions:
        yield Statement("Prohibitions", _prohibitions(document, sorted(prohibitions)))
    models = [one for one in document.rule_sets if one.kind == "model"]
    if models:
        yield Statement("Models of risk", _models(document, models))


def _caps(document: AuditDocument, caps: Sequence[RuleSetRow]) -> str:
    parts = []
    for one in caps:
        short = {
            (row.venue, row.symbol)
            for row in document.divergences
            if row.rule_set == one.id and row.verdict in _SHORT
        }
        venues = len({venue for venue, _ in short})
        law = "law" if one.statutory else "no law"
        parts.append(
            f"{one.id} ({one.requirement}; {law}): {numbers.counted(len(short), 'instrument')}"
            f" at {numbers.counted(venues, 'venue')}"
        )
    return (
        f"Ask less than {'; '.join(parts)}. What is law would be breached if the contract were"
        " offered to the clients it protects."
    )


def _prohibitions(document: AuditDocument, prohibitions: Sequence[str]) -> str:
    parts = []
    for one in prohibitions:
        held = [
            row
            for row in document.divergences
            if row.rule_set == one and row.verdict is Verdict.PROHIBITED
        ]
        venues = len({row.venue for row in held})
        number = numbers.counted(len(held), "schedule")
        parts.append(f"{one}: {number} at {numbers.counted(venues, 'venue')}")
    return (
        f"Prohibited at any margin, if offered to the clients protected: {'; '.join(parts)}."
        " A prohibition is not a margin of 100 %."
    )


def _models(document: AuditDocument, models: Sequence[RuleSetRow]) -> str:
    parts, blind = [], []
    for one in models:
        verdicts = Counter(
            row.verdict
            for row in document.divergences
            if row.rule_set == one.id and row.margin_type == "initial"
        )
        judged = sum(verdicts[verdict] for verdict in _JUDGED)
        if not judged:
            blind.append(one.id)
            continue
        short = verdicts[Verdict.UNDER] + verdicts[Verdict.BREACH]
        parts.append(
            f"{one.id}: {numbers.count(short)} of {numbers.counted(judged, 'schedule')} below by"
            f" more than the tolerance, {numbers.count(verdicts[Verdict.OVER])} above"
        )
    said = f"Initial margin against {'; '.join(parts)}." if parts else ""
    unseen = f" Not observable, for want of inputs: {', '.join(blind)}." if blind else ""
    return f"{said}{unseen}".strip()

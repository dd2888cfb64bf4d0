"""Summary sentences for caps, prohibitions and models, reported separately."""

from collections import Counter
from collections.abc import Iterator, Sequence

from harmonize.document import AuditDocument, RuleSetRow, Verdict
from harmonize.text import numbers
from reports.finding_order import EVALUATED
from reports.html.page import Statement

_BELOW = {Verdict.BREACH, Verdict.UNDER}


def statements(document: AuditDocument) -> Iterator[Statement]:
    """Yields one statement each for caps, prohibitions and models that were applied."""
    prohibitions = {
        row.rule_set for row in document.divergences if row.verdict is Verdict.PROHIBITED
    }
    caps = [
        rule_set
        for rule_set in document.rule_sets
        if rule_set.kind == "cap" and rule_set.id not in prohibitions
    ]
    if caps:
        yield Statement("Caps and minimums", _caps(document, caps))
    if prohibitions:
        yield Statement("Prohibitions", _prohibitions(document, sorted(prohibitions)))
    models = [rule_set for rule_set in document.rule_sets if rule_set.kind == "model"]
    if models:
        yield Statement("Risk models", _models(document, models))


def _caps(document: AuditDocument, caps: Sequence[RuleSetRow]) -> str:
    sentences = []
    compared = {row.rule_set for row in document.divergences if row.verdict in EVALUATED}
    for cap in (cap for cap in caps if cap.id in compared):
        instruments = {
            (row.venue, row.symbol)
            for row in document.divergences
            if row.rule_set == cap.id and row.verdict in _BELOW
        }
        venues = len({venue for venue, _ in instruments})
        status = "statutory" if cap.statutory else "not statutory"
        terms = "; ".join(part for part in (cap.requirement, status) if part)
        sentences.append(
            f"{cap.id} ({terms}): {numbers.count_text(len(instruments), 'instrument')}"
            f" at {numbers.count_text(venues, 'venue')}"
        )
    without = [cap.id for cap in caps if cap.id not in compared]
    unread = f" No margin could be compared with {', '.join(without)}." if without else ""
    if not sentences:
        return unread.strip()
    return (
        f"Margins below {'; '.join(sentences)}. A statutory requirement would be breached if the"
        " contract were offered to the clients it protects; whether it is was not observed. Each is a"
        " finding with the verdict breach, and its level is error only where the venue itself"
        f" designates the schedule for retail clients.{unread}"
    )


def _prohibitions(document: AuditDocument, prohibitions: Sequence[str]) -> str:
    sentences = []
    for rule_set in prohibitions:
        rows = [
            row
            for row in document.divergences
            if row.rule_set == rule_set and row.verdict is Verdict.PROHIBITED
        ]
        venues = len({row.venue for row in rows})
        schedules = numbers.count_text(len(rows), "schedule")
        sentences.append(f"{rule_set}: {schedules} at {numbers.count_text(venues, 'venue')}")
    return (
        f"Prohibited at any margin, if offered to the protected clients: {'; '.join(sentences)}."
        " A prohibition is not a margin of 100\N{NO-BREAK SPACE}%."
    )


def _models(document: AuditDocument, models: Sequence[RuleSetRow]) -> str:
    sentences, not_observable = [], []
    for model in models:
        verdicts = Counter(
            row.verdict
            for row in document.divergences
            if row.rule_set == model.id and row.margin_type == "initial"
        )
        evaluated = sum(verdicts[verdict] for verdict in EVALUATED)
        if not evaluated:
            not_observable.append(model.id)
            continue
        below = verdicts[Verdict.UNDER] + verdicts[Verdict.BREACH]
        sentences.append(
            f"{model.id}: {numbers.count(below)} of {numbers.count_text(evaluated, 'schedule')} below by"
            f" more than the tolerance, {numbers.count(verdicts[Verdict.OVER])} above"
        )
    text = f"Initial margin against {'; '.join(sentences)}." if sentences else ""
    missing_inputs = (
        f" Not observable, because inputs are missing: {', '.join(not_observable)}."
        if not_observable
        else ""
    )
    return f"{text}{missing_inputs}".strip()

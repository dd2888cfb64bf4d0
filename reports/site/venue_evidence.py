"""Snapshots of a venue with their payloads: hashes, sources, dates, and how each is read."""

from collections.abc import Sequence

from harmonize.document import PayloadRow, SnapshotRow
from harmonize.text import numbers
from reports.lookup import date_text
from reports.site.addresses import payload_anchor
from reports.site.markup import Html, details, facts, join, text
from reports.site.outbound import with_links
from reports.site.readings import NO_READING, Reading
from reports.site.report_context import ReportContext


def evidence(context: ReportContext, venue: str) -> Html:
    """Returns the snapshots with their payloads; a link to a payload opens its snapshot."""
    anchors: set[str] = set()
    blocks = []
    for row in context.document.snapshots:
        if row.venue == venue:
            count = numbers.count_text(len(row.payloads), "payload")
            content = Html(f"{_snapshot_facts(row)}{_payloads(context, row, anchors)}")
            blocks.append(details(f"Snapshot of {date_text(row)}, {count}", content))
    return join(blocks)


def _snapshot_facts(row: SnapshotRow) -> Html:
    state = f"{'complete' if row.complete else 'not complete'}{', stale' if row.stale else ''}"
    return facts(
        (
            ("State", text(f"{state}; {row.source}")),
            ("SHA-256", Html(f"<code>{text(row.sha256)}</code>")),
        )
    )


def _payloads(context: ReportContext, snapshot: SnapshotRow, anchors: set[str]) -> Html:
    """Returns the payloads, those of one source, date and reading together.

    A payload that several snapshots share has its anchor once; `anchors` are those used so far.
    """
    groups: dict[tuple[str, str, str, str, Reading], list[PayloadRow]] = {}
    for row in snapshot.payloads:
        observed = numbers.time(row.observed_at) if row.date_kind == "exact" else date_text(row)
        reading = context.readings.get(row.sha256, NO_READING)
        key = (observed, row.origin, row.source, row.date_basis, reading)
        groups.setdefault(key, []).append(row)
    return join(_payload_group(key, rows, anchors) for key, rows in groups.items())


def _payload_group(
    key: tuple[str, str, str, str, Reading], rows: Sequence[PayloadRow], anchors: set[str]
) -> Html:
    observed, origin, source, date_basis, reading = key
    items = "".join(
        f"<li{_anchor_once(row, anchors)}><code>{text(row.request or row.call)}</code>,"
        f" {text(numbers.byte_size(row.size))}: <code>{text(row.sha256)}</code></li>"
        for row in rows
    )
    fields = f" Fields read: {reading.fields}." if reading.fields else ""
    formula = f" Conversion: {reading.formula}." if reading.formula else ""
    return Html(
        f"<p>Observed {text(observed)} ({text(origin)}). Source: {with_links(source)}."
        f' Date: {text(date_basis)}.{text(fields)}{text(formula)}</p><ul class="payloads">{items}</ul>'
    )


def _anchor_once(row: PayloadRow, anchors: set[str]) -> str:
    anchor = payload_anchor(row.sha256)
    if anchor in anchors:
        return ""
    anchors.add(anchor)
    return f' id="{anchor}"'

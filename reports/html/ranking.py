"""Ranking of underlyings by harmonization index, the closest to the first reference first."""

from collections.abc import Sequence

from harmonize.document import Index, IndexSummary
from harmonize.text import numbers
from harmonize.text.words import join_words, margin_abbreviation
from reports.html.page import IndexBlock, IndexRow, Ranking, Reference, VenueIndex
from reports.html.summary import reference_text
from reports.lookup import MARGIN_TYPES, Lookup

WHOLE, FIRST, LAST = 40, 20, 15
"""Up to `WHOLE` underlyings form one table; above, the first and last stay unfolded."""

_UnderlyingIndices = tuple[str, list[Index | None]]


def ranking(lookup: Lookup, references: dict[str, Reference]) -> Ranking:
    """Ranks by IM against the first reference; underlyings without it follow, by their next index."""
    rows = {
        (row.margin_type, row.reference, row.underlying): row for row in lookup.document.indices
    }
    kinds = sorted({kind[:2] for kind in rows}, key=lambda kind: _kind_order(kind, references))
    labels = [_index_label(margin_type, reference) for margin_type, reference in kinds]
    ranked: list[_UnderlyingIndices] = []
    unranked: list[_UnderlyingIndices] = []
    for name in sorted({underlying for _, _, underlying in rows}):
        indices = [rows.get((margin_type, reference, name)) for margin_type, reference in kinds]
        (ranked if indices[0] else unranked).append((name, indices))
    ranked.sort(key=_sort_key)
    unranked.sort(key=_sort_key)
    return Ranking(
        tuple(labels),
        labels[0] if labels else "",
        labels[1] if len(labels) > 1 else "",
        "Harmonization index by underlying, of three venues or more: 100 if all margins equal the"
        " reference, 50 if they differ from it by an average factor of two. Against a rule set, a high"
        " index means close to the rule set, not that venues agree; against the cross-venue median, it"
        " means that venues agree.",
        join_words(sorted({row.weights for row in lookup.document.indices})) or "none",
        tuple(
            references[reference]
            for reference in dict.fromkeys(reference for _, reference in kinds)
            if reference in references
        ),
        (
            *_blocks(
                [_row(entry, rank) for rank, entry in enumerate(ranked, start=1)],
                reference_text(kinds[0][1]) if kinds else "",
            ),
            *_unranked_blocks([_row(entry, None) for entry in unranked], labels),
        ),
        tuple(
            _overall_text(summary)
            for summary in lookup.document.index_summaries
            if not summary.venue
        ),
        _venue_rows(lookup.document.index_summaries, kinds),
    )


def _index_label(margin_type: str, reference: str) -> str:
    return f"{margin_abbreviation(margin_type)} against {reference_text(reference)}"


def _overall_text(summary: IndexSummary) -> str:
    name = _index_label(summary.margin_type, summary.reference)
    interval = (
        f" (95\N{NO-BREAK SPACE}% interval {_interval_text(summary)})"
        if summary.interval_lower is not None
        else ""
    )
    underlyings = numbers.count_text(summary.underlyings, "underlying")
    return f"Over {underlyings}, {name}: {numbers.index(summary.value)}{interval}."


def _interval_text(summary: IndexSummary) -> str:
    if summary.interval_lower is None or summary.interval_upper is None:
        return numbers.NOT_OBSERVABLE
    return f"{numbers.index(summary.interval_lower)} to {numbers.index(summary.interval_upper)}"


def _venue_rows(
    summaries: Sequence[IndexSummary], kinds: Sequence[tuple[str, str]]
) -> tuple[VenueIndex, ...]:
    """Ranks venues by the first index; venues without it follow by name."""
    by_venue: dict[str, dict[tuple[str, str], IndexSummary]] = {}
    for summary in summaries:
        if summary.venue:
            by_venue.setdefault(summary.venue, {})[summary.margin_type, summary.reference] = summary
    if not kinds:
        return ()
    first = kinds[0]
    venues = sorted(
        by_venue,
        key=lambda name: (-by_venue[name][first].value if first in by_venue[name] else 1.0, name),
    )
    rows = []
    for venue in venues:
        indices = by_venue[venue]
        first_index = indices.get(first)
        rows.append(
            VenueIndex(
                venue,
                tuple(
                    numbers.index(indices[kind].value if kind in indices else None)
                    for kind in kinds
                ),
                _interval_text(first_index) if first_index else numbers.NOT_OBSERVABLE,
                numbers.count(first_index.underlyings if first_index else 0),
            )
        )
    return tuple(rows)


def _kind_order(kind: tuple[str, str], references: dict[str, Reference]) -> tuple[int, int, str]:
    margin_type, reference = kind
    order = list(references)
    return (
        [name for name, _ in MARGIN_TYPES].index(margin_type),
        order.index(reference) if reference in references else len(order),
        reference,
    )


def _sort_key(entry: _UnderlyingIndices) -> tuple[float, str]:
    name, indices = entry
    return (-next(row.value for row in indices if row), name)


def _row(entry: _UnderlyingIndices, rank: int | None) -> IndexRow:
    name, indices = entry
    values = [row for row in indices if row is not None]
    first, second = indices[0], next(iter(indices[1:]), None)
    widest = max(values, key=lambda row: len(row.venues))
    return IndexRow(
        numbers.count(rank) if rank else numbers.NOT_OBSERVABLE,
        name,
        f"{first.value:.1f}" if first else "0",
        f"{second.value:.1f}" if second else "",
        tuple(numbers.index(row.value if row else None) for row in indices),
        numbers.count(len(widest.venues)),
        f"{numbers.usd(widest.lower)} – {numbers.usd(widest.upper)}",
        numbers.date_range(min(row.oldest for row in values), max(row.newest for row in values)),
    )


def _blocks(rows: list[IndexRow], reference: str) -> tuple[IndexBlock, ...]:
    if len(rows) <= WHOLE:
        return (_block(f"All {len(rows)} ranked", rows),) if rows else ()
    middle = rows[FIRST:-LAST]
    return (
        _block(f"The {FIRST} closest to {reference}", rows[:FIRST]),
        _block(f"The {numbers.count(len(middle))} between", middle, folded=True),
        _block(f"The {LAST} farthest from {reference}", rows[-LAST:]),
    )


def _unranked_blocks(rows: list[IndexRow], labels: list[str]) -> tuple[IndexBlock, ...]:
    if not rows:
        return ()
    return (_block(f"{numbers.count(len(rows))} without {labels[0]}", rows, folded=True),)


def _block(title: str, rows: list[IndexRow], *, folded: bool = False) -> IndexBlock:
    return IndexBlock(title, folded, tuple(rows))

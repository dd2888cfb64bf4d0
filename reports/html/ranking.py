"""The underlyings by harmonization index, the most alike first."""

from collections.abc import Sequence

from harmonize.document import Index, IndexSummary
from harmonize.text import numbers
from harmonize.text.words import listed
from reports.html.page import IndexBlock, IndexRow, Ranking, Reference, VenueIndex
from reports.html.summary import against_words
from reports.lookup import Lookup

WHOLE, FIRST, LAST = 40, 20, 15
"""Up to `WHOLE` underlyings make one table; of more, the first and last stay open."""

_Known = tuple[str, list[Index | None]]

_NAMES = {"initial": "IM", "maintenance": "MM"}


def ranking(lookup: Lookup, references: dict[str, Reference]) -> Ranking:
    """Rank by IM against the first reference; underlyings without one follow, by their median."""
    found = {
        (row.margin_type, row.reference, row.underlying): row for row in lookup.document.indices
    }
    kinds = sorted({kind[:2] for kind in found}, key=lambda kind: _kind(kind, references))
    named = [f"{_NAMES.get(figure, figure)} against {against_words(a)}" for figure, a in kinds]
    ranked: list[_Known] = []
    unranked: list[_Known] = []
    for name in sorted({underlying for _, _, underlying in found}):
        known = [found.get((figure, against, name)) for figure, against in kinds]
        (ranked if known[0] else unranked).append((name, known))
    ranked.sort(key=_value)
    unranked.sort(key=_value)
    return Ranking(
        tuple(named),
        named[0] if named else "",
        named[1] if len(named) > 1 else "",
        "Harmonization index by underlying: 100 where all ask the same, 50 where venues are on"
        " average a factor of two away.",
        listed(sorted({row.weights for row in lookup.document.indices})) or "none",
        tuple(references[a] for a in dict.fromkeys(a for _, a in kinds) if a in references),
        (
            *_blocks([_row(one, rank) for rank, one in enumerate(ranked, start=1)]),
            *_unranked([_row(one, None) for one in unranked], named),
        ),
        tuple(_overall(one) for one in lookup.document.index_summaries if not one.venue),
        _venues(lookup.document.index_summaries, kinds),
    )


def _overall(one: IndexSummary) -> str:
    name = f"{_NAMES.get(one.margin_type, one.margin_type)} against {against_words(one.reference)}"
    sure = f" (95 % interval {_interval(one)})" if one.interval_lower is not None else ""
    over = numbers.counted(one.underlyings, "underlying")
    return f"Over {over}, {name}: {numbers.index(one.value)}{sure}."


def _interval(one: IndexSummary) -> str:
    if one.interval_lower is None or one.interval_upper is None:
        return numbers.NOT_OBSERVABLE
    return f"{numbers.index(one.interval_lower)} to {numbers.index(one.interval_upper)}"


def _venues(
    summaries: Sequence[IndexSummary], kinds: Sequence[tuple[str, str]]
) -> tuple[VenueIndex, ...]:
    """Rank venues by the first index; those without it follow by name."""
    held: dict[str, dict[tuple[str, str], IndexSummary]] = {}
    for one in summaries:
        if one.venue:
            held.setdefault(one.venue, {})[one.margin_type, one.reference] = one
    if not kinds:
        return ()
    first = kinds[0]
    ordered = sorted(
        held, key=lambda name: (-held[name][first].value if first in held[name] else 1.0, name)
    )
    rows = []
    for venue in ordered:
        own = held[venue]
        lead = own.get(first)
        rows.append(
            VenueIndex(
                venue,
                tuple(numbers.index(own[kind].value if kind in own else None) for kind in kinds),
                _interval(lead) if lead else numbers.NOT_OBSERVABLE,
                numbers.count(lead.underlyings if lead else 0),
            )
        )
    return tuple(rows)


def _kind(kind: tuple[str, str], references: dict[str, Reference]) -> tuple[int, int, str]:
    figure, against = kind
    order = list(references)
    return (
        list(_NAMES).index(figure),
        order.index(against) if against in references else len(order),
        against,
    )


def _value(one: _Known) -> tuple[float, str]:
    name, known = one
    return (-next(row.value for row in known if row), name)


def _row(one: _Known, rank: int | None) -> IndexRow:
    name, indices = one
    known = [row for row in indices if row is not None]
    first, second = indices[0], next(iter(indices[1:]), None)
    widest = max(known, key=lambda row: len(row.venues))
    return IndexRow(
        numbers.count(rank) if rank else numbers.NOT_OBSERVABLE,
        name,
        f"{first.value:.1f}" if first else "0",
        f"{second.value:.1f}" if second else "",
        tuple(numbers.index(row.value if row else None) for row in indices),
        numbers.count(len(widest.venues)),
        f"{numbers.usd(widest.lower)} – {numbers.usd(widest.upper)}",
        numbers.span(min(row.oldest for row in known), max(row.newest for row in known)),
    )


def _blocks(rows: list[IndexRow]) -> tuple[IndexBlock, ...]:
    if len(rows) <= WHOLE:
        return (_block(f"All {len(rows)} ranked", rows),) if rows else ()
    middle = rows[FIRST:-LAST]
    return (
        _block(f"The {FIRST} most harmonized", rows[:FIRST]),
        _block(f"The {numbers.count(len(middle))} between", middle, folded=True),
        _block(f"The {LAST} least harmonized", rows[-LAST:]),
    )


def _unranked(rows: list[IndexRow], named: list[str]) -> tuple[IndexBlock, ...]:
    if not rows:
        return ()
    return (_block(f"{numbers.count(len(rows))} without {named[0]}", rows, folded=True),)


def _block(title: str, rows: list[IndexRow], *, folded: bool = False) -> IndexBlock:
    return IndexBlock(title, folded, tuple(rows))

"""What a rule set requires, as tables from which every requirement can be computed again."""

from collections.abc import Iterator

from harmonize.document import PieceRow, RequirementRow, RuleSetRow
from harmonize.text import numbers
from harmonize.text.words import VERIFIED_SIGNS
from reports.lookup import source_sign
from reports.piece_values import piece_at
from reports.site.addresses import id_slug, underlying_path
from reports.site.markup import Html, details, facts, join, link_to, text, words
from reports.site.report_context import ReportContext
from reports.site.tables import Cell, Row, Table, csv_bytes, csv_number, number, table

_HEADS = ("Position up to", "IM rate", "MM rate", "IM at the bound", "MM at the bound")


def requirement_section(context: ReportContext, rule_set: RuleSetRow, csv_name: str) -> Html:
    """Returns the requirements of a rule set; nothing if it is a cap, prohibition or disclosure."""
    rows = rule_set.requirements
    if not rows:
        return Html("")
    sized = [row for row in rows if _has_tiers(row)]
    constant = [row for row in rows if not _has_tiers(row)]
    parts = [
        facts((row.name, text(f"{row.value:.9g}")) for row in rule_set.parameters),
        table(_class_table(context, rule_set)) if sized else Html(""),
        words("p", _TIERS_NOTE if sized else "", css="note"),
        *(_tier_block(row) for row in sized),
        table(_rate_table(context, constant)) if constant else Html(""),
    ]
    file = f'<p class="files"><a href="{text(csv_name)}">{text(csv_name)}</a></p>'
    return Html(f"{join(parts)}{file}")


_TIERS_NOTE = (
    "Rates are marginal: each applies to the part of a position between two bounds. The margin at a"
    " bound is the sum of the parts below it, in USD; between two bounds it lies on the straight line."
    " Above the published tiers, bounds and rates follow the formula; the CSV has those above $1bn."
)


_LARGEST = 1e9
"""Largest bound of a tier on the page, in USD."""


def _has_tiers(row: RequirementRow) -> bool:
    return len(row.initial) > 1 or row.v1 is not None


def _status_of(rule_set: RuleSetRow, field: str) -> str:
    """Returns the status of a field that a caveat names, for a head; empty without a caveat."""
    statuses = [flag.status for flag in rule_set.flags if flag.field == field]
    return f" ({', '.join(statuses)})" if statuses else ""


def _class_table(context: ReportContext, rule_set: RuleSetRow) -> Table:
    own = " ".join(source_sign(rule_set, "initial"))
    rows = [
        Row(
            (
                Cell(row.name),
                Cell(", ".join(row.underlyings), _links(context, row.underlyings), "why"),
                number(numbers.rate(row.v1), key=row.v1),
                number(numbers.usd(row.adv), key=row.adv),
                Cell(_verification(row) or own, css="level"),
                Cell(row.basis or "the rule set", css="why"),
            )
        )
        for row in rule_set.requirements
        if _has_tiers(row)
    ]
    return Table(
        "Classes",
        text("Classes of underlyings: v1 is the one-day 99 % move, ADV the daily volume in USD"),
        (
            *("Class", f"Underlyings{_status_of(rule_set, 'assets')}"),
            f"#v1{_status_of(rule_set, 'v1')}",
            f"#ADV{_status_of(rule_set, 'adv_ref')}",
            *("Verification", "Basis"),
        ),
        rows,
        numeric=True,
    )


def _verification(row: RequirementRow) -> str:
    return f"{VERIFIED_SIGNS.get(row.verified, '○')} {row.verified}" if row.verified else ""


def _links(context: ReportContext, underlyings: tuple[str, ...]) -> Html:
    pages = set(context.underlyings)
    return join(
        [
            link_to(f"../{underlying_path(name)}" if name in pages else "", name)
            for name in underlyings
        ],
        ", ",
    )


def _tier_block(row: RequirementRow) -> Html:
    rows = [
        Row(
            (
                number(upper or "above", key=bound),
                *(number(numbers.rate(rate), key=rate) for rate in rates),
                *(number(_dollars(amount), key=amount) for amount in amounts),
            )
        )
        for upper, bound, rates, amounts in _tiers(row)
        if bound is None or bound <= _LARGEST
    ]
    content = Table(
        f"Tiers of class {row.name}",
        text(f"Tiers of class {row.name}"),
        ("#Position up to", *(f"#{head}" for head in _HEADS[1:])),
        rows,
        numeric=True,
    )
    return details(f"Tiers of class {row.name}", table(content), f"tiers-{id_slug(row.name)}")


_Tier = tuple[str, float | None, tuple[float | None, ...], tuple[float | None, ...]]
"""Bound as text and in USD, rates of IM and MM below it, IM and MM at it in USD."""


def _tiers(row: RequirementRow) -> Iterator[_Tier]:
    """Yields the bounds of IM and MM together; the last, without a bound, has no amounts."""
    functions = (row.initial, row.maintenance)
    bounds = sorted({piece.upper for pieces in functions for piece in pieces if piece.upper})
    is_open = any(piece.upper is None for pieces in functions for piece in pieces)
    for bound in bounds:
        pieces = [piece_at(function, bound) for function in functions]
        rates = tuple(piece.rate if piece else None for piece in pieces)
        amounts = tuple(_margin(piece, bound) for piece in pieces)
        yield _dollars(bound), bound, rates, amounts
    if is_open:
        last = [function[-1].rate if function else None for function in functions]
        yield "", None, tuple(last), (None, None)


def _margin(piece: PieceRow | None, notional: float) -> float | None:
    if piece is None:
        return None
    size_charge = piece.coefficient * notional**piece.power if piece.coefficient else 0.0
    return piece.fixed + piece.rate * notional + size_charge


def _dollars(amount: float | None) -> str:
    return numbers.NOT_OBSERVABLE if amount is None else f"${amount:,.0f}"


def _rate_table(context: ReportContext, rows: list[RequirementRow]) -> Table:
    return Table(
        "Requirements by underlying",
        text("Required margin as a share of notional, at every size"),
        ("Underlying", "#IM", "#MM", "Verification", "Basis"),
        [
            Row(
                (
                    Cell(", ".join(row.underlyings), _links(context, row.underlyings)),
                    *(_rate_cell(pieces) for pieces in (row.initial, row.maintenance)),
                    Cell(_verification(row), css="level"),
                    Cell(row.basis, css="why"),
                )
            )
            for row in rows
        ],
        numeric=True,
    )


def _rate_cell(pieces: tuple[PieceRow, ...]) -> Cell:
    return number(numbers.rate(pieces[0].rate), key=pieces[0].rate) if pieces else number("n/a")


def requirement_csv(rule_set: RuleSetRow) -> bytes:
    """Returns a row per class and tier, with numbers unrounded."""
    rows = (
        (
            row.name,
            " ".join(row.underlyings),
            _plain(row.v1),
            _plain(row.adv),
            _plain(bound),
            *map(_plain, (*rates, *amounts)),
            row.verified,
            row.basis,
        )
        for row in rule_set.requirements
        for _, bound, rates, amounts in _tiers(row)
    )
    heads = ("Class", "Underlyings", "v1", "ADV", *_HEADS, "Verification", "Basis")
    return csv_bytes(heads, rows)


def _plain(value: float | None) -> str:
    return csv_number(value, 12)

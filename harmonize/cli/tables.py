"""Answers of commands as tables for CSV, with the names that their JSON has.

Where a command prints several tables, the column ``row`` states to which of them a row belongs.
Amounts are in USD, rates are fractions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from reports.formats.sheets import Cell, Sheet, record_sheet

if TYPE_CHECKING:
    from harmonize.adequacy.book_risk import BookRisk
    from harmonize.api.assets import KnownAssets
    from harmonize.api.book_risk import MarginCoverage
    from harmonize.api.coverage import VenueCoverage
    from harmonize.api.cross_venue import GapAnswer, IndexAnswer, PairAnswer
    from harmonize.api.excluded_venues import ExcludedVenue
    from harmonize.arbitrage.portfolio import Portfolio
    from harmonize.checks.base import Check
    from harmonize.core.schedule import MarginSchedule, Unknown
    from harmonize.document import AllocationRow, LiquidationRow
    from harmonize.policy.rule_set import RuleSet

Record = Mapping[str, Cell]


def flat(value: Any) -> dict[str, Cell]:  # noqa: ANN401 - any dataclass with flat fields
    """Returns the fields of a value that fit into a cell; names are joined, nested rows left out."""
    cells = ((entry.name, _cell(getattr(value, entry.name))) for entry in fields(value))
    return {name: cell for name, cell in cells if not isinstance(cell, _Nested)}


class _Nested:
    """Value of a field that fits into no cell."""


def _cell(value: object) -> Cell | _Nested:
    if isinstance(value, Enum):
        return str(value.value)
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, tuple) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return _Nested()


def plain_cell(value: object) -> Cell:
    """Returns a value that fits into a cell; None for another one."""
    cell = _cell(value)
    return None if isinstance(cell, _Nested) else cell


def gap_sheet(answer: "GapAnswer") -> Sheet:
    """Returns spreads, splits with their gaps, what-ifs and excluded venues."""
    return record_sheet("Gap", _gap_records(answer))


def _gap_records(answer: "GapAnswer") -> Iterator[Record]:
    for spread in answer.spreads:
        own = {"row": "spread", **flat(spread)}
        yield from (own | flat(point) for point in spread.points)
    for row in answer.arbitrages:
        own = {"row": "split", **flat(row)}
        for point in row.points:
            yield own | flat(point) | {"allocation": _allocation(point.allocation)}
    for what_if in answer.what_ifs:
        own = {"row": "what-if", "underlying": answer.underlying, **flat(what_if)}
        yield from (own | flat(point) for point in what_if.points)
    yield from _excluded_records(answer.excluded)


def _allocation(parts: "Sequence[AllocationRow]") -> str:
    return "; ".join(f"{part.venue} {part.account} {part.notional!r}" for part in parts)


def _excluded_records(excluded: "Iterable[ExcludedVenue]") -> Iterator[Record]:
    for venue in excluded:
        yield {"row": "excluded", **flat(venue)}


def pair_sheet(answer: "PairAnswer") -> Sheet:
    """Returns a row per notional, with the venues and the offset rule."""
    own: dict[str, Cell] = {
        "underlying": answer.underlying,
        "long_venue": answer.long,
        "short_venue": answer.short,
        "single_venue": answer.one,
        "offset_rule": answer.opposite,
        "oldest": answer.oldest,
        "newest": answer.newest,
    }
    return record_sheet("Pair", (own | flat(point) for point in answer.pair.points))


def liquidation_sheet(
    rows: "Iterable[LiquidationRow]", excluded: "Iterable[ExcludedVenue]"
) -> Sheet:
    """Returns a row per venue and leverage, then the excluded venues."""
    records = [{"row": "distance", **flat(row)} for row in rows]
    return record_sheet("Liquidation", (*records, *_excluded_records(excluded)))


def portfolio_sheet(
    answer: "Portfolio",
    risk: "BookRisk | Unknown | None" = None,
    coverage: "Iterable[MarginCoverage]" = (),
) -> Sheet:
    """Returns the margin per venue, that of the reference, the cheapest splits, and the risk if given."""
    reference: list[Record] = [
        {
            "row": "reference",
            "venue": answer.rule_set,
            "isolated_initial": answer.reference_initial,
            "isolated_maintenance": answer.reference_maintenance,
            "reasons": ", ".join(answer.reference_reasons),
        }
    ] * bool(answer.rule_set)
    splits = (
        {"row": "split", **flat(split), "allocation": _allocation(split.parts)}
        for split in answer.splits
    )
    venues = ({"row": "venue", **flat(venue)} for venue in answer.venues)
    covered = ({"row": "coverage", **flat(row)} for row in coverage)
    return record_sheet("Portfolio", (*venues, *reference, *splits, *_risk_records(risk), *covered))


def _risk_records(risk: "BookRisk | Unknown | None") -> Iterator[Record]:
    """Yields the margins of a book from prices, per measure and underlying."""
    if risk is None:
        return
    from harmonize.cli.book_risk_text import scan_rows
    from harmonize.core.schedule import Unknown

    if isinstance(risk, Unknown):
        yield {"row": "risk", "reasons": risk.reason}
        return
    for name, value, *bounds in (
        ("single margins", risk.single, None, None),
        ("joint VaR", risk.joint.value, risk.joint.lower, risk.joint.upper),
        ("joint ES", risk.shortfall.value, risk.shortfall.lower, risk.shortfall.upper),
        ("joint margin, reduction limited", risk.limited, None, None),
        *((f"scan, {name}", loss, None, None) for name, loss in scan_rows(risk.scan)),
    ):
        yield {
            "row": "risk",
            "measure": name,
            "usd": value,
            **dict(zip(("lower", "upper"), bounds, strict=True)),
            "observations": risk.observations,
            "first": f"{risk.first:%Y-%m-%d}",
            "last": f"{risk.last:%Y-%m-%d}",
            "age_days": risk.age_days,
        }
    for worst in risk.worst:
        yield {"row": "worst", "day": f"{worst.day:%Y-%m-%d}", "loss": worst.loss}
    for name, reason in risk.missing:
        yield {"row": "missing", "underlying": name, "reasons": reason}
    for single in risk.singles:
        yield {"row": "single", **flat(single)}
    for row in risk.diversification:
        yield {"row": "diversification", **flat(row)}


def sheet_per_kind(sheet: Sheet) -> tuple[Sheet, ...]:
    """Returns a sheet per value of the column ``row``, with the columns that its rows fill, for a workbook.

    A sheet without this column, or with one value in it, stays as it is.
    """
    kind = sheet.headings.index("row") if "row" in sheet.headings else None
    kinds = {} if kind is None else dict.fromkeys(str(row[kind]) for row in sheet.rows)
    if kind is None or len(kinds) <= 1:
        return (sheet,)
    return tuple(_of_kind(sheet, kind, name) for name in kinds)


def _of_kind(sheet: Sheet, kind: int, name: str) -> Sheet:
    rows = [row for row in sheet.rows if row[kind] == name]
    columns = [
        column
        for column in range(len(sheet.headings))
        if column != kind and any(row[column] is not None for row in rows)
    ]
    return Sheet(
        name.capitalize(),
        tuple(sheet.headings[column] for column in columns),
        tuple(tuple(row[column] for column in columns) for row in rows),
    )


def index_sheet(answer: "IndexAnswer") -> Sheet:
    """Returns indices per underlying, per venue, without each venue, over time; excluded venues."""
    return record_sheet("Index", _index_records(answer))


def _index_records(answer: "IndexAnswer") -> Iterator[Record]:
    for row in answer.indices:
        names = ", ".join(venue.venue for venue in row.venues)
        yield {"row": "index", **flat(row), "venues": names}
    for summary in answer.summaries:
        yield {"row": "summary", **flat(summary)}
    for venue, row in answer.without:
        yield {"row": "without", "excluded_venue": venue, **flat(row)}
    for day, summary in answer.over_time:
        yield {"row": "over time", "date": day, **flat(summary)}
    yield from _excluded_records(answer.excluded)


def schedule_sheet(schedule: "MarginSchedule", notionals: Sequence[float]) -> Sheet:
    """Returns the margins per notional, then the pieces of IM and MM."""
    from harmonize.api.schedule_view import points
    from harmonize.document.rows import pieces

    own: dict[str, Cell] = {
        "venue": schedule.instrument.venue,
        "symbol": schedule.instrument.symbol,
        "profile": str(schedule.profile),
    }
    margins: list[Record] = [
        {"row": "margin", **own, **{name: plain_cell(value) for name, value in point.items()}}
        for point in points(schedule, notionals)
    ]
    functions = (("initial", schedule.initial), ("maintenance", schedule.maintenance))
    tiers = (
        {"row": "piece", **own, "margin_type": margin_type, **flat(piece)}
        for margin_type, function in functions
        for piece in pieces(function, schedule.known_up_to)
    )
    return record_sheet("Schedule", (*margins, *tiers))


def venue_records(coverage: "Iterable[VenueCoverage]") -> list[Record]:
    """Returns a record per venue, with the columns of its table."""
    from harmonize.api.coverage import HEADINGS, table_row

    return [
        dict(zip(HEADINGS, table_row(own), strict=True)) | {"schedules": len(own.schedules)}
        for own in coverage
    ]


def asset_sheet(known: "KnownAssets") -> Sheet:
    """Returns what codes mean, then the contracts."""
    codes = (
        {"row": "code", **flat(entry), "since": _day(entry.since), "until": _day(entry.until)}
        for entry in known.entries
    )
    contracts = ({"row": "contract", **flat(contract)} for contract in known.contracts)
    return record_sheet("Assets", (*codes, *contracts))


def _day(day: object) -> str:
    return str(day) if day else ""


def rule_set_records(rule_sets: "Iterable[RuleSet]") -> list[Record]:
    """Returns a record per rule set."""
    return [
        {
            "id": rule_set.id,
            "kind": rule_set.kind,
            "legal_status": "law" if rule_set.statutory else "benchmark",
            "version": rule_set.version,
            "title": rule_set.title,
        }
        for rule_set in rule_sets
    ]


def check_record(check: "Check") -> dict[str, str]:
    """Returns the code, name, status and meaning of a check, as one row of the list of checks."""
    (meaning, *_) = (check.run.__doc__ or "").strip().splitlines()
    return {"code": check.code, "name": check.name, "status": check.status, "meaning": meaning}

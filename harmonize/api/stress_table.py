"""Stress of underlyings as tables, for spreadsheets."""

from collections.abc import Iterable
from dataclasses import fields

from harmonize.api.stress import StressAnswer
from harmonize.api.stress_paths import SwitchedPaths
from harmonize.document.stress import StressRow
from reports.formats.sheets import Cell, Sheet, record_sheet

_Record = dict[str, Cell]

_TABLES = (
    ("Venues", "venues", {"reverse"}),
    ("Margins in force", "thresholds", set[str]()),
    ("Curve under changes", "changed", set[str]()),
    ("Cliffs", "cliffs", set[str]()),
    ("Cliffs under changes", "changed_cliffs", set[str]()),
    ("Paths", "paths", set[str]()),
    ("Density", "density", set[str]()),
    ("Reactions", "reactions", set[str]()),
    ("Sensitivity", "sensitivity", set[str]()),
    ("Largest steps", "steps", set[str]()),
    ("Not observable", "not_observable", set[str]()),
    ("Assumptions", "defaults", set[str]()),
)
"""Title, field of a row, and columns that hold further rows."""


def stress_sheets(answer: StressAnswer) -> tuple[Sheet, ...]:
    """Returns the curve, then a table per kind of row. Amounts are in USD, falls are fractions."""
    tables = [
        record_sheet(
            title, (_record(row, own, nested) for row in answer.rows for own in _rows(row, name))
        )
        for title, name, nested in _TABLES
    ]
    return (
        curve_sheet(answer),
        _effects(answer),
        *tables,
        record_sheet(
            "Partial liquidation", (_fields(own, set()) for own in answer.switched.slices)
        ),
        record_sheet(
            "Auto-deleveraging", (_fields(own, set()) for own in answer.switched.deleveraging)
        ),
        record_sheet("Accounts", (_fields(own, set()) for own in answer.accounts)),
        record_sheet(
            "Validation", (_fields(own, {"heat_map_leverages"}) for own in answer.validation)
        ),
        record_sheet("Limits", ({"statement": line} for line in answer.statements)),
    )


def curve_sheet(answer: StressAnswer) -> Sheet:
    """Returns a row per underlying, shock and liquidity, and per path; with the marks of defaults.

    A path with switches has what they do, summed over venues. ``assumptions`` repeats every default with
    its mark, because a single table has no other place.
    """
    records: list[_Record] = []
    for row in answer.rows:
        assumptions = "; ".join(
            f"{default.name}: {default.text} ({default.mark})" for default in row.defaults
        )
        records += [
            {**_record(row, point, set()), "assumptions": assumptions} for point in row.points
        ]
        for path in row.paths:
            record = _record(row, path, set())
            record["shock"] = record.pop("fall")
            record |= _switched(answer.switched, row.underlying, path.liquidity)
            records.append({**record, "assumptions": assumptions})
    return record_sheet("Curve", records)


def _switched(switched: SwitchedPaths, underlying: str, liquidity: float | None) -> _Record:
    """Returns what the switches of the paths add to the row of one; empty if they are off."""
    record: _Record = {}
    for sliced in switched.slices:
        if (sliced.underlying, sliced.liquidity) == (underlying, liquidity):
            record["slices"] = sliced.slices
            record["whole_liquidated"] = sliced.whole_liquidated
            record["whole_loss"] = sliced.whole_loss
    deleveraging = [
        own
        for own in switched.deleveraging
        if (own.underlying, own.liquidity) == (underlying, liquidity)
    ]
    if deleveraging:
        record["haircut"] = sum(own.haircut for own in deleveraging)
        record["deleveraged"] = sum(own.closed for own in deleveraging)
    return record


def csv_sheet(answer: StressAnswer) -> Sheet:
    """Returns the curve and the paths, then the effects of every change by shock, as one table.

    Rows of effects have ``what_if`` and ``metric``; those of the curve have neither.
    """
    curve = curve_sheet(answer)
    records = [dict(zip(curve.headings, own, strict=True)) for own in curve.rows]
    return record_sheet(curve.name, [*records, *_effect_records(answer)])


def _effects(answer: StressAnswer) -> Sheet:
    return record_sheet("Effects", _effect_records(answer))


def _effect_records(answer: StressAnswer) -> Iterable[_Record]:
    return (
        {
            **_record(row, effect, {"cells", "sign", "depends_on"}),
            **_fields(cell, {"sign"}),
            "cell_sign": cell.sign,
            "sign": effect.sign,
            "depends_on": ", ".join(effect.depends_on),
        }
        for row in answer.rows
        for effect in row.effects
        for cell in effect.cells
    )


def _rows(row: StressRow, name: str) -> tuple[object, ...]:
    nested_rows: tuple[object, ...] = getattr(row, name)
    return nested_rows


def _record(row: StressRow, record: object, nested: set[str]) -> _Record:
    return {"underlying": row.underlying, **_fields(record, nested)}


def _fields(record: object, nested: set[str]) -> _Record:
    return {
        entry.name: getattr(record, entry.name)
        for entry in fields(record)  # type: ignore[arg-type]  # every row is a dataclass
        if entry.name not in nested
    }

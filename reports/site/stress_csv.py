"""Files beside the page on stress: rows of all underlyings, with numbers unrounded."""

from collections.abc import Callable, Iterator

from harmonize.document import StressRow
from reports.site import stress_effects
from reports.site import stress_tables as tables
from reports.site.report_context import ReportContext
from reports.site.tables import Table, csv_bytes, csv_number, joint_csv

CSV_NAMES = {
    "curve": "stress.csv",
    "effects": "stress-effects.csv",
    "margins": "stress-margins.csv",
    "venues": "stress-venues.csv",
    "reverse": "stress-reverse.csv",
    "reactions": "stress-reactions.csv",
    "sensitivity": "stress-sensitivity.csv",
    "assumptions": "stress-assumptions.csv",
    "absent": "stress-not-observable.csv",
}
"""Files by what they contain."""

_CURVE = (
    *("underlying", "what_if", "rule_set", "behaviour", "liquidity", "shock", "move"),
    *("liquidated_usd", "liquidated_5_percent", "liquidated_95_percent", "loss_usd"),
)

_EFFECTS = (
    *("underlying", "what_if", "rule_set", "metric", "shock", "sign", "depends_on"),
    *("liquidity", "behaviour", "before", "change", "low", "high", "sign_of_interval"),
)


def csv_files(context: ReportContext) -> Iterator[tuple[str, bytes]]:
    """Yields path and content of every file with rows; the first column names the underlying."""
    rows = context.document.stress
    curve = [line for row in rows for line in _curve(row)]
    if curve:
        yield CSV_NAMES["curve"], csv_bytes(_CURVE, curve)
    effects = [line for row in rows for line in _effects(row)]
    if effects:
        yield CSV_NAMES["effects"], csv_bytes(_EFFECTS, effects)
    makers: dict[str, Callable[[StressRow], Table]] = {
        "venues": lambda row: tables.contribution_table(context, row, ""),
        "reverse": lambda row: tables.resilience_table(context, row, ""),
        "margins": lambda row: stress_effects.threshold_table(context, row, ""),
        "reactions": lambda row: stress_effects.reaction_table(context, row, ""),
        "sensitivity": tables.sensitivity_table,
        "assumptions": tables.default_table,
        "absent": lambda row: tables.absent_table(context, row, ""),
    }
    for kind, make in makers.items():
        of_rows = [(row.underlying, make(row)) for row in rows]
        if any(content.rows for _, content in of_rows):
            yield CSV_NAMES[kind], joint_csv(of_rows, "underlying")


def _curve(row: StressRow) -> Iterator[tuple[str, ...]]:
    """Yields the curve under the rules in force, whose change is empty, and under other rules."""
    for point in row.points:
        bounds = (point.liquidated_low, point.liquidated_high)
        yield (
            *(row.underlying, "", "", "", _number(point.liquidity), _number(point.shock)),
            *(_number(value) for value in (point.move, point.liquidated, *bounds, point.loss)),
        )
    for changed in row.changed:
        yield (
            *(row.underlying, changed.what_if, changed.rule_set, changed.behaviour),
            *(
                _number(value)
                for value in (changed.liquidity, changed.shock, changed.move, changed.liquidated)
            ),
            *("", "", _number(changed.loss)),
        )


def _effects(row: StressRow) -> Iterator[tuple[str, ...]]:
    for effect in row.effects:
        for cell in effect.cells:
            yield (
                *(row.underlying, effect.what_if, effect.rule_set, effect.metric),
                *(_number(effect.shock), effect.sign, ", ".join(effect.depends_on)),
                *(_number(cell.liquidity), cell.behaviour),
                *(_number(value) for value in (cell.before, cell.change, cell.low, cell.high)),
                cell.sign,
            )


def _number(value: float | None) -> str:
    return csv_number(value, 12)

"""Files beside the page on stress: rows of all underlyings, with numbers unrounded."""

from collections.abc import Callable, Iterator

from harmonize.document import StressRow
from reports.site import stress_effects
from reports.site import stress_tables as tables
from reports.site.report_context import ReportContext
from reports.site.stress_words import spread
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
    *("liquidated_usd", "liquidated_5_percent_usd", "liquidated_95_percent_usd", "loss_usd"),
)

_EFFECTS = (
    *("underlying", "what_if", "rule_set", "metric", "shock", "sign", "depends_on"),
    *("liquidity", "behaviour", "before", "change", "low", "high", "sign_of_interval"),
)


_VENUES = (
    *("underlying", "venue", "open_interest_usd", "open_interest_at", "leverage_mark"),
    *("liquidated_usd", "loss_usd", "leave_one_out_usd", "immediate_usd", "overlap"),
    *("shapley_usd", "shapley_5_percent_usd", "shapley_95_percent_usd", "is_shapley_exact"),
    *("share_ratio", "share_ratio_5_percent", "share_ratio_95_percent"),
    *("margins_observed_at", "margins_observed_from", "date_kind", "not_observable_because"),
)

_REVERSE = (
    *("underlying", "venue", "liquidity", "shock", "shock_5_percent", "shock_95_percent"),
    *("outcome", "not_observable_because"),
)

_REACTIONS = (
    *("underlying", "what_if", "rule_set", "margin_added_usd", "notional_closed_usd"),
    "immediate_usd",
)

_SENSITIVITY = (
    *("underlying", "rank", "assumption", "mark", "halved_usd", "as_assumed_usd", "doubled_usd"),
    *("spread_usd", "span"),
)

_NOISE = 1e-6
"""Part of an amount, and amount in USD, below which a change is the rounding of a computer."""

Lines = Iterator[tuple[str, ...]]


def csv_files(context: ReportContext) -> Iterator[tuple[str, bytes]]:
    """Yields path and content of every file with rows; the first column names the underlying."""
    rows = context.document.stress
    raw: dict[str, tuple[tuple[str, ...], Callable[[StressRow], Lines]]] = {
        "curve": (_CURVE, _curve),
        "effects": (_EFFECTS, _effects),
        "venues": (_VENUES, _venues),
        "reverse": (_REVERSE, _reverse),
        "reactions": (_REACTIONS, _reactions),
        "sensitivity": (_SENSITIVITY, _sensitivity),
    }
    for kind, (heads, lines_of) in raw.items():
        lines = [line for row in rows for line in lines_of(row)]
        if lines:
            yield CSV_NAMES[kind], csv_bytes(heads, lines)
    makers: dict[str, Callable[[StressRow], Table]] = {
        "margins": lambda row: stress_effects.threshold_table(context, row, ""),
        "assumptions": tables.default_table,
        "absent": lambda row: tables.absent_table(context, row, ""),
    }
    for kind, make in makers.items():
        of_rows = [(row.underlying, make(row)) for row in rows]
        if any(content.rows for _, content in of_rows):
            yield CSV_NAMES[kind], joint_csv(of_rows, "underlying")


def _curve(row: StressRow) -> Lines:
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


def _effects(row: StressRow) -> Lines:
    for effect in row.effects:
        for cell in effect.cells:
            changes = (cell.change, cell.low, cell.high)
            yield (
                *(row.underlying, effect.what_if, effect.rule_set, effect.metric),
                *(_number(effect.shock), effect.sign, ", ".join(effect.depends_on)),
                *(_number(cell.liquidity), cell.behaviour, _number(cell.before)),
                *(_change(value, cell.before) for value in changes),
                cell.sign,
            )


def _venues(row: StressRow) -> Lines:
    for own in row.venues:
        amounts = (own.liquidated, own.loss, own.leave_one_out, own.immediate)
        yield (
            *(row.underlying, own.venue, _usd(own.open_interest), own.open_interest_at),
            *(own.leverage_mark, *map(_usd, amounts), _number(own.overlap)),
            *map(_usd, (own.shapley, own.shapley_low, own.shapley_high)),
            "yes" if own.is_shapley_exact else "no",
            *map(_number, (own.shapley_ratio, own.shapley_ratio_low, own.shapley_ratio_high)),
            *(own.observed_at, own.observed_from, own.date_kind, own.reason),
        )


def _reverse(row: StressRow) -> Lines:
    """Yields the least fall by venue and liquidity; the outcome tells none from an unknown one."""
    unknown = ("not observable", row.market.reason or "no volatility and volume")
    for own in row.venues:
        if not own.reverse:
            yield (row.underlying, own.venue, "", "", "", "", *unknown)
        for limit in own.reverse:
            outcome = "exceeded" if limit.shock is not None else "at no fall below 100 %"
            yield (
                *(row.underlying, own.venue, _number(limit.liquidity)),
                *map(_number, (limit.shock, limit.low, limit.high)),
                *("not observable" if limit.reason else outcome, limit.reason),
            )


def _reactions(row: StressRow) -> Lines:
    for own in row.reactions:
        amounts = (own.top_up, own.closed, own.immediate)
        yield (row.underlying, own.what_if, own.rule_set, *map(_usd, amounts))


def _sensitivity(row: StressRow) -> Lines:
    for rank, own in enumerate(row.sensitivity, start=1):
        amounts = (own.halved, own.base, own.doubled, spread(own))
        yield (row.underlying, str(rank), own.name, own.mark, *map(_usd, amounts), own.span)


def _usd(amount: float | None) -> str:
    """Returns an amount in USD; 0 for rounding."""
    return "0" if amount is not None and abs(amount) < _NOISE else _number(amount)


def _change(value: float, amount: float) -> str:
    """Returns a change of an amount, or a bound of it; 0 for rounding."""
    is_noise = abs(value) < _NOISE * (abs(amount) or 1.0)
    return "0" if is_noise else _number(value)


def _number(value: float | None) -> str:
    return csv_number(value, 12)

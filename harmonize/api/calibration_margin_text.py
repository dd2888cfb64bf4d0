"""Which margin is in force before and after a calibration is adopted, as Markdown."""

from collections.abc import Sequence

from harmonize.api.calibrate import Calibration
from harmonize.api.calibration_margins import MarginsInForce
from harmonize.api.markdown_table import table
from harmonize.calibration.needs import needs_of
from harmonize.text.messages import percent

_NONE = "none"

_HEADS = (
    "asset",
    "last version, without inputs",
    "last version, archived inputs",
    "new version, without inputs",
    "new version, inputs.yaml added",
)


def required_text(row: MarginsInForce) -> str:
    """Returns what the new version requires of a small position; empty if neither version has a margin."""
    if row.adopted is None and row.before is None:
        return ""
    if not row.depends_on_inputs:
        return f". Required: {_rate(row.adopted)}, with or without inputs.yaml; before: {_rate(row.before)}"
    return (
        f". Required: {_rate(row.adopted)} once inputs.yaml is added, {_rate(row.by_class)} without it; "
        f"before: {_rate(row.before)}"
    )


def margin_sections(
    calibration: Calibration, margins: Sequence[MarginsInForce]
) -> tuple[str, str, str]:
    """Returns the margin of a small position per asset, and in words which one applies when."""
    rows = [
        (
            row.asset,
            *map(_rate, (row.before_by_class, row.before, row.by_class, row.adopted)),
        )
        for row in margins
    ]
    return ("## Margin in force", _when_text(calibration), table(_HEADS, rows))


def _when_text(calibration: Calibration) -> str:
    """Returns in words which margin applies when."""
    is_schedule = calibration.classes is not None
    without = (
        "the first tier of its class applies"
        if is_schedule
        else "it has no margin by this rule set"
    )
    return (
        f"Initial margin of a small position as an audit of {calibration.as_of} requires it. "
        "A measured asset has the rate of the formula, the last column, from the day on which inputs.yaml is added with "
        f"`harmonize archive add-inputs inputs.yaml`. Until then, and while one of its inputs is missing, {without}. "
        f"{_age_text(calibration)}"
    )


def _age_text(calibration: Calibration) -> str:
    limits = {need.name: need.oldest_days for need in needs_of(calibration.last)}
    if ages := sorted({days for days in limits.values() if days is not None}):
        return (
            f"Inputs older than {' or '.join(map(str, ages))} days, by the limit of the rule set, count as missing, and "
            "the audit reports the assets (MH307): the margin then changes without a new version."
        )
    return "The rule set limits no age: inputs stay in force until newer ones are added, and the audit reports old ones (MH308)."


def _rate(rate: float | None) -> str:
    return _NONE if rate is None else percent(rate)

"""What a calibration means in at most five lines: classes, margins, coverage, and what was not measured."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from harmonize.adequacy.measured_inputs import VOLUME
from harmonize.api.calibrate import Calibration
from harmonize.api.calibration_margins import MarginsInForce
from harmonize.calibration.baseline import BaselineCalibration
from harmonize.calibration.classes import ClassDecision
from harmonize.text.messages import counted, percent

_LARGEST = 3
"""Largest changes in each direction that a line names."""

_WORDS = {VOLUME: "volume"}
"""Inputs that the lines do not call by their names."""


def summary_lines(calibration: Calibration, margins: Sequence[MarginsInForce]) -> Iterator[str]:
    """Yields at most five lines; a rule set without classes has none on them.

    Margins are those of a small position. They rise or fall if their printed digits do.
    """
    classes = calibration.classes
    if classes is not None:
        yield _classes_text(classes)
    with_inputs = [(row.asset, row.before, row.adopted) for row in margins]
    without = [(row.asset, row.before_by_class, row.by_class) for row in margins]
    yield f"Margins once inputs.yaml is added, against those in force: {_margins_text(with_inputs)}."
    yield f"Margins without any inputs, against those without any before: {_margins_text(without)}."
    if classes is not None:
        yield _coverage_text(classes)
    rest = "" if classes is None else "; the rate of the class applies to these"
    missing = unmeasured_text(calibration)
    yield f"Not measured: {missing}{rest}." if missing else "Every input was measured."


def unmeasured_text(calibration: Calibration) -> str:
    """Returns the assets without any input, then those without a part of them; empty: none."""
    nothing = [item.asset for item in calibration.evidence if not item.inputs]
    partly = [
        (", ".join(_WORDS.get(own.name, own.name) for own in item.refused), item.asset)
        for item in calibration.evidence
        if item.inputs and item.refused
    ]
    parts = [", ".join(nothing)] if nothing else []
    for names, rows in groupby(sorted(partly, key=_names), key=_names):
        parts.append(f"{names} of {', '.join(asset for _, asset in rows)}")
    return "; ".join(parts)


def same_day_text(calibration: Calibration) -> str:
    """Returns what cannot differ if prices end on the day of the last version; empty otherwise."""
    if calibration.review.made_on != calibration.as_of:
        return ""
    classes = (
        ""
        if calibration.classes is None
        else " Classes change because volumes and series are measured anew."
    )
    return (
        f"Prices end on {calibration.as_of}, the day of the last version: no difference of rates is a move of the "
        f"market, and the review has no later move to test.{classes}"
    )


def _names(row: tuple[str, str]) -> str:
    return row[0]


def _classes_text(classes: BaselineCalibration) -> str:
    v1 = {class_.before.name: float(class_.v1) for class_ in classes.classes}
    before = {class_.before.name: float(class_.before.v1) for class_ in classes.classes}
    moved = [decision for decision in classes.decisions if decision.is_moved]
    listed = ", ".join(_moved_text(decision, v1) for decision in moved)
    rates = ", ".join(
        f"{name} from {percent(before[name])} to {percent(rate)}"
        for name, rate in v1.items()
        if rate != before[name]
    )
    changing = f"{len(moved)} of {counted(len(classes.decisions), 'asset')}"
    return (
        f"Class changes: {f'{changing}: {listed}' if moved else 'none'}. "
        f"Rates of classes (v1) that change: {rates or 'none'}."
    )


def _moved_text(decision: ClassDecision, v1: Mapping[str, float]) -> str:
    origin = f"from {decision.current} " if decision.current else ""
    return f"{decision.asset} {origin}to {decision.assigned} ({percent(v1[decision.assigned])})"


def _margins_text(rows: Sequence[tuple[str, float | None, float | None]]) -> str:
    """Returns how many margins fall, rise, stay, begin and end, with the largest changes."""
    known = [
        (after - before, f"{asset} from {percent(before)} to {percent(after)}")
        for asset, before, after in rows
        if before is not None and after is not None and percent(before) != percent(after)
    ]
    begun = [asset for asset, before, after in rows if before is None and after is not None]
    ended = [asset for asset, before, after in rows if before is not None and after is None]
    fall = [text for change, text in sorted(known) if change < 0]
    rise = [
        text for change, text in sorted((-change, text) for change, text in known) if change < 0
    ]
    stay = sum(before is not None and after is not None for _, before, after in rows) - len(known)
    parts = [
        f"{len(texts)} {verb}{_largest(texts)}" for verb, texts in (("fall", fall), ("rise", rise))
    ]
    parts.append(f"{stay} unchanged")
    parts += [
        f"{len(names)} {verb} ({', '.join(names)})"
        for verb, names in (("new", begun), ("without a margin now", ended))
        if names
    ]
    return ", ".join(parts)


def _largest(texts: Sequence[str]) -> str:
    if not texts:
        return ""
    most = "most: " if len(texts) > _LARGEST else ""
    return f" ({most}{', '.join(texts[:_LARGEST])})"


def _coverage_text(classes: BaselineCalibration) -> str:
    """Returns the members whose need exceeds the rate of the class, and the sides that it does not cover."""
    above = [
        f"{asset} {percent(float(classes.rates[asset].value))} in {class_.before.name} ({percent(float(class_.v1))})"
        for class_ in classes.classes
        for asset in class_.assets
        if asset in classes.rates and classes.rates[asset].value > class_.v1
    ]
    failing = [
        f"{row.asset} {row.side} {percent(row.achieved)}"
        for class_ in classes.classes
        for row in class_.tested
        if not row.is_covered
    ]
    return (
        f"Own need above the rate of the class: {', '.join(above) or 'no measured member'}. "
        f"One-day moves covered by less than 99 %: {', '.join(failing) or 'on no side of a measured member'}."
    )

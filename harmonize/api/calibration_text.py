"""What a calibration changed, as Markdown for the people who decide."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from harmonize.adequacy.measured_inputs import VOLUME, NotMeasured
from harmonize.api.calibrate import BASELINE, Calibration, RateChange
from harmonize.api.calibration_margin_text import margin_sections
from harmonize.api.calibration_margins import MarginsInForce
from harmonize.api.calibration_sentences import SENTENCE_TERMS, asset_sentences, interval_text
from harmonize.api.calibration_summary import same_day_text, summary_lines
from harmonize.api.markdown_table import table
from harmonize.calibration.baseline import BaselineCalibration, CalibratedClass
from harmonize.calibration.class_rate import SideCoverage
from harmonize.calibration.needs import InputChange
from harmonize.policy.inputs import Input
from harmonize.text.messages import counted, dollars, percent

_UNKNOWN = "–"

_NO_INTERVAL = "no interval"

_WORDS = {True: "yes", False: "no", None: _UNKNOWN}
"""Whether a value lies beyond an interval; None: there is none."""


def changes_text(
    calibration: Calibration, margins: Sequence[MarginsInForce], removed_examples: Sequence[str]
) -> str:
    """Returns the list of changes from the last version."""
    last = calibration.last
    sections = [
        f"# Changes of {last.id}",
        _version_text(calibration),
        *([f"**Warning:** {looks_back_text(calibration)}."] if calibration.looks_back else []),
        *([requested_text(calibration)] if calibration.is_for_requested_only else []),
        "## Summary",
        "\n".join(f"- {line}" for line in summary_lines(calibration, margins)),
        *([same_day] if (same_day := same_day_text(calibration)) else []),
        "## In a sentence per asset",
        *([SENTENCE_TERMS] if calibration.classes is not None else []),
        "\n".join(f"- {line}" for line in asset_sentences(calibration, margins)),
        *margin_sections(calibration, margins),
        *_class_sections(calibration.classes),
        "## Rates by the formula",
        _rates_text(calibration),
        _rate_table(calibration.rate_changes),
        "## Inputs",
        (
            f"{_beyond_text(calibration.input_changes)} The interval is that of order statistics at 95 %. Moves "
            "over several days overlap, so that their true interval is wider. That of the worst year is "
            "the interval within that year. The worst year is the worse of two: in the series that gives the moves, and "
            "in other series of the asset, for years that begin before that series does."
        ),
        _input_table(calibration),
        "## Not measured",
        "\n".join(f"- {line}" for line in refused_lines(calibration.refused))
        or "Every input was measured.",
        *_unchanged_sections(calibration.classes, removed_examples),
    ]
    return "\n\n".join((*sections, ""))


def _version_text(calibration: Calibration) -> str:
    """Returns which version follows from which, on which prices."""
    last, prices = calibration.last.version, f"on prices to {calibration.as_of}"
    decides = "A person decides whether to adopt it; nothing outside this folder was changed."
    if calibration.version == last:
        return (
            f"Calibrated {prices}. Version {last} stays: the same prices give the same inputs and the same rule set. "
            "Nothing outside this folder was changed."
        )
    return f"Version {last} to {calibration.version}, {prices}. {decides}"


def looks_back_text(calibration: Calibration) -> str:
    """Returns that the prices end before those of the last version."""
    return (
        f"the prices end on {calibration.as_of}, before those of the last version, which end on "
        f"{calibration.review.made_on}: whatever its number, the new version looks further back"
    )


def requested_text(calibration: Calibration) -> str:
    """Returns that a calibration is for the requested underlyings alone."""
    names = ", ".join(calibration.requested)
    return f"{calibration.last.id} lists no assets: calibrated for {names} alone, in place of the assets of {BASELINE}."


_CLASS_HEADS = (
    "class",
    "v1 before",
    "v1",
    "75th percentile",
    "rejected rates",
    "kept because",
    "joined",
    "left",
    "reference volume",
    "median of measured volumes",
)


def _class_sections(classes: BaselineCalibration | None) -> Iterable[str]:
    if classes is None:
        return ()
    coverage = [row for class_ in classes.classes for row in _coverage_rows(class_)]
    return (
        "## Classes",
        table(_CLASS_HEADS, map(_class_row, classes.classes)),
        "### Members whose need exceeds the rate of the class",
        "\n".join(f"- {line}" for line in _exceeding(classes)) or "None of the measured members.",
        (
            "Reference volumes stay: no rule states how they follow from measured volumes. A class whose v1 is unchanged "
            "keeps its text but for its members. The tiers of the others are the formula at v1 and the reference volume, to ten digits."
        ),
        "### Coverage by the rate of the class",
        (
            "Share of one-day moves within v1: over the last 1,095 moves or fewer, on which the rate is tested, and over "
            "the whole history."
        ),
        table(
            ("class", "asset", "side", "moves", "covered", "all moves", "of them covered"), coverage
        ),
        "### Decisions",
        _decision_table(classes),
    )


def _exceeding(classes: BaselineCalibration) -> Iterator[str]:
    """Yields the members of each class whose own v1 is above that of the class, largest first."""
    for class_ in classes.classes:
        rates = [classes.rates[asset] for asset in class_.assets if asset in classes.rates]
        above = sorted(
            (rate for rate in rates if rate.value > class_.v1), key=lambda rate: -rate.value
        )
        if above:
            members = ", ".join(
                f"{rate.asset} {percent(float(rate.value))} ({interval_text(rate.lower, rate.upper)})"
                for rate in above
            )
            yield f"class {class_.before.name}, {percent(float(class_.v1))}: {members}"


def _class_row(class_: CalibratedClass) -> Sequence[str]:
    rejected = class_.rate.rejected if class_.rate else ()
    return (
        class_.before.name,
        percent(float(class_.before.v1)),
        percent(float(class_.v1)),
        percent(float(class_.rate.percentile)) if class_.rate else _UNKNOWN,
        ", ".join(
            f"{percent(float(rate))} ({row.asset} {row.side} {_covered(row)})"
            for rate, row in rejected
        )
        or _UNKNOWN,
        class_.kept or _UNKNOWN,
        ", ".join(class_.joined) or _UNKNOWN,
        ", ".join(class_.left) or _UNKNOWN,
        dollars(float(class_.before.adv)),
        dollars(float(class_.median_adv)) if class_.median_adv is not None else _UNKNOWN,
    )


def _decision_table(classes: BaselineCalibration) -> str:
    rows = [
        (
            decision.asset,
            decision.current or _UNKNOWN,
            decision.by_rule or _UNKNOWN,
            decision.assigned or _UNKNOWN,
            decision.reason,
        )
        for decision in classes.decisions
    ]
    return table(("asset", "class before", "by the rules alone", "class", "reason"), rows)


def _coverage_rows(class_: CalibratedClass) -> Iterator[Sequence[str]]:
    tested = {(row.asset, row.side): row for row in class_.tested}
    for whole in class_.whole_history:
        row = tested[whole.asset, whole.side]
        yield (
            class_.before.name,
            whole.asset,
            whole.side.value,
            f"{row.observations:,}",
            _covered(row),
            f"{whole.observations:,}",
            _covered(whole),
        )


def _covered(row: SideCoverage) -> str:
    return f"{100 * row.achieved:.2f} %"


def _rates_text(calibration: Calibration) -> str:
    """Returns how many rates moved, and from which inputs the earlier ones are."""
    earlier = [change for change in calibration.rate_changes if change.before is not None]
    if not earlier:
        return "No earlier rate is known, neither from archived inputs nor from candles to the day of the last version."
    known = [change for change in earlier if change.is_beyond is not None]
    beyond = sum(1 for change in known if change.is_beyond)
    anew = sum(1 for change in earlier if change.is_measured_anew)
    sources = []
    if anew < len(earlier):
        sources.append("from the archived inputs of the last version")
    if anew:
        sources.append(
            f"measured anew from the same series, by its candles to {calibration.review.made_on}, the day of the "
            "last version, because its inputs are not all archived"
        )
    return (
        f"{beyond} of {counted(len(known), 'rate')} with an old interval lie beyond it. "
        f"{_series_text(sum(change.is_series_changed for change in earlier), 'rate')}"
        f"Earlier rates are {'; others '.join(sources)}."
    )


def _series_text(count: int, noun: str) -> str:
    """Returns how many values another series gives than before; empty for none."""
    if not count:
        return ""
    verb = "are" if count > 1 else "is"
    return f"{counted(count, noun)} {verb} by another series than before, and not comparable. "


_RATE_HEADS = (
    "asset",
    "before",
    "interval before",
    "from",
    "now",
    "interval now",
    "percentage points",
    "beyond",
)


def _rate_table(changes: Sequence[RateChange]) -> str:
    return table(_RATE_HEADS, map(_rate_row, changes))


def _rate_row(change: RateChange) -> Sequence[str]:
    before, after = change.before, change.after
    own = (percent(float(after.value)), interval_text(after.lower, after.upper))
    if before is None:
        return (after.asset, _UNKNOWN, _UNKNOWN, _UNKNOWN, *own, _UNKNOWN, _UNKNOWN)
    difference = 100 * float(after.value - before.value)
    return (
        after.asset,
        percent(float(before.value)),
        interval_text(before.lower, before.upper),
        "same series" if change.is_measured_anew else "archived inputs",
        *own,
        f"{difference:+.2f}".replace("-", "−") if difference else "0",
        _beyond_word(change),
    )


def _beyond_word(change: RateChange | InputChange) -> str:
    if change.is_series_changed:
        return "series changed: not comparable"
    if change.before is None or change.before.value == change.after.value:
        return _WORDS[change.is_beyond]
    is_rounded = change.is_rounded if isinstance(change, RateChange) else change.is_unchanged
    if is_rounded:
        return "unchanged (the old value is rounded)"
    return "same last day: other prices" if change.is_same_day else _WORDS[change.is_beyond]


def _beyond_text(changes: Sequence[InputChange]) -> str:
    known = [change for change in changes if change.is_beyond is not None]
    beyond = [change for change in known if change.is_beyond]
    other = _series_text(sum(change.is_series_changed for change in changes), "input")
    if not known:
        return f"{other}No comparable input of the last version states an interval."
    return f"{len(beyond)} of {counted(len(known), 'input')} with an old interval lie beyond it. {other}".rstrip()


def _input_table(calibration: Calibration) -> str:
    windows = {(item.name, item.input.underlying): item.window for item in calibration.inputs}
    rows = [
        (
            change.after.underlying,
            change.after.name,
            _value(change.before) if change.before else _UNKNOWN,
            _bounds(change.before) if change.before else _UNKNOWN,
            _value(change.after),
            _bounds(change.after),
            f"{change.after.observations:,}" if change.after.observations else _UNKNOWN,
            _beyond_word(change),
            str(window.series),
            f"{window.first} to {window.last}",
            *(text or _UNKNOWN for text in change.prices_before),
        )
        for change in calibration.input_changes
        for window in [windows[change.after.name, change.after.underlying]]
    ]
    heads = (
        "asset",
        "input",
        "before",
        "interval before",
        "now",
        "interval now",
        "n",
        "beyond",
        "prices",
        "window",
        "prices before",
        "window before",
    )
    return table(heads, rows)


def _value(item: Input) -> str:
    return _in_unit(item.name, item.value)


def _bounds(item: Input) -> str:
    if item.lower is None or item.upper is None:
        return _NO_INTERVAL
    return f"{_in_unit(item.name, item.lower)} to {_in_unit(item.name, item.upper)}"


def _in_unit(name: str, value: Decimal) -> str:
    """Returns a value of an input in its unit: USD for a volume, otherwise a share of the price."""
    return dollars(float(value)) if name == VOLUME else percent(float(value))


def refused_lines(refused: Sequence[NotMeasured]) -> Iterator[str]:
    """Yields the inputs that were not measured, by asset and reason."""

    def key(item: NotMeasured) -> tuple[str, str]:
        return (item.underlying, item.reason)

    for (asset, reason), items in groupby(sorted(refused, key=key), key=key):
        yield f"{asset}: {', '.join(item.name for item in items)}: {reason}"


def _unchanged_sections(
    classes: BaselineCalibration | None, removed_examples: Sequence[str]
) -> Iterable[str]:
    lines = [
        f'Example "{text}" was removed: its verdict holds no longer.' for text in removed_examples
    ]
    if classes is not None:
        lines.append(
            "The description of the rule set was not changed; its statements on four-hour closes are not measured anew."
        )
    return ("## Text", "\n".join(f"- {line}" for line in lines)) if lines else ()

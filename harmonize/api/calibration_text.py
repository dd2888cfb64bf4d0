"""What a calibration changed, and the review of the last version, as Markdown for the people who decide."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from harmonize.adequacy.measured_inputs import VOLUME, NotMeasured
from harmonize.api.calibrate import Calibration, RateChange
from harmonize.calibration.baseline import BaselineCalibration, CalibratedClass
from harmonize.calibration.class_rate import SideCoverage
from harmonize.calibration.needs import InputChange
from harmonize.calibration.review import REVIEW_DAYS, SIGNIFICANCE, SideReview
from harmonize.policy.inputs import Input
from harmonize.text.messages import counted, dollars, percent

_UNKNOWN = "–"

_LEAST_P = 0.001
"""Smallest p-value that is printed as a number."""


def changes_text(calibration: Calibration, removed_examples: Sequence[str]) -> str:
    """Returns the list of changes from the last version."""
    last = calibration.last
    sections = [
        f"# Changes of {last.id}",
        (
            f"Version {last.version} to {calibration.version}, on prices to {calibration.as_of}. "
            "A person decides whether to adopt it; nothing outside this folder was changed."
        ),
        "## In a sentence per asset",
        "\n".join(f"- {line}" for line in _sentences(calibration)),
        *_class_sections(calibration.classes),
        "## Rates by the formula",
        _rate_table(calibration.rate_changes),
        "## Inputs",
        (
            f"{_beyond_text(calibration.input_changes)} The interval is that of order statistics at 95 %. Moves "
            "over several days overlap, so that their true interval is wider. That of the worst year is "
            "the interval within that year."
        ),
        _input_table(calibration),
        "## Not measured",
        "\n".join(f"- {line}" for line in _refused(calibration.refused))
        or "Every input was measured.",
        *_unchanged_sections(calibration.classes, removed_examples),
    ]
    return "\n\n".join((*sections, ""))


def review_text(calibration: Calibration) -> str:
    """Returns the review of the last version."""
    last, review = calibration.last, calibration.review
    since = [row for row in review.since if row.observations]
    made = f"on prices to {review.made_on}" if review.made_on else "on a day that it does not state"
    if review.made_on and review.made_on > calibration.as_of:
        made += ", which is after the end of this review"
    sections = [
        f"# Review of {last.id} {last.version}",
        (
            f"The last version was made {made}. This review ends on {calibration.as_of}. "
            f"The next review is due on {review.next_on}, {REVIEW_DAYS} days later."
        ),
        "## Since the last version",
        (
            f"Its margins, fixed on that day, against moves over {counted(review.days, 'day')} that began later. "
            f"{_tally(since)}"
        ),
        _review_table(since) if since else "No move began since.",
        *([_untested_text(review.untested)] if review.untested else []),
        "## The formula in the past",
        (
            f"The formula, measured anew at the end of each day with the prices known by then, against the moves "
            f"over {counted(review.days, 'day')} that began at that close. {_tally(review.in_past)}"
        ),
        _review_table(review.in_past) if review.in_past else "No history is long enough.",
        (
            f"Coverage and p are stated from 100 moves on, p for moves that do not overlap. p is that of Kupiec's test "
            f"at 99 %: below {percent(SIGNIFICANCE)} it rejects the coverage, whether breaches are too many or too few."
        ),
    ]
    return "\n\n".join((*sections, ""))


def _sentences(calibration: Calibration) -> Iterator[str]:
    changes = {change.after.asset: change for change in calibration.rate_changes}
    decisions = calibration.classes.decisions if calibration.classes else ()
    in_force = {
        asset: (class_.before.name, class_.v1)
        for class_ in (calibration.classes.classes if calibration.classes else ())
        for asset in class_.assets
    }
    for decision in decisions:
        name, v1 = in_force[decision.asset]
        move = (
            f"from class {decision.current} to {name}"
            if decision.current and decision.is_moved
            else f"class {name}"
        )
        change = changes.get(decision.asset)
        need = f"; {_need_text(change, v1)}" if change else ""
        yield f"{decision.asset}: {move}, v1 {percent(float(v1))} ({decision.reason}){need}."
    for asset, change in changes.items() if not decisions else ():
        yield f"{asset}: {_move_text(change)}."


def _need_text(change: RateChange, v1: Decimal) -> str:
    """Returns how the v1 of a class stands to the need of one asset and its interval."""
    rate = change.after
    need = f"its own need is {_rate_text(change)}"
    if rate.lower is None or rate.upper is None:
        return need
    if v1 < rate.lower:
        return f"{need}, above the rate of the class even at its lower bound"
    if v1 > rate.upper:
        return f"{need}, below the rate of the class even at its upper bound"
    return f"{need}, and the rate of the class lies within the interval"


def _move_text(change: RateChange) -> str:
    before, after = change.before, change.after
    need = _rate_text(change)
    if before is None:
        return f"{need}; the last version has no rate to compare"
    if after.value == before.value:
        return f"{need}, unchanged"
    direction = "rises" if after.value > before.value else "falls"
    old = percent(float(before.value))
    if before.lower is None or before.upper is None:
        return f"{direction} from {old} to {need}; the old rate has no interval"
    inside = before.lower <= after.value <= before.upper
    sure = (
        "within the old interval, so that chance may explain it"
        if inside
        else "beyond the old interval"
    )
    return f"{direction} from {old} to {need}, {sure}"


def _rate_text(change: RateChange) -> str:
    rate = change.after
    return f"{percent(float(rate.value))} ({_interval(rate.lower, rate.upper)})"


def _interval(lower: Decimal | None, upper: Decimal | None) -> str:
    if lower is None or upper is None:
        return "no interval"
    return f"{percent(float(lower))} to {percent(float(upper))}"


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
        _table(_CLASS_HEADS, map(_class_row, classes.classes)),
        (
            "Reference volumes stay: no rule states how they follow from measured volumes. Tiers are the formula at v1 and "
            "the reference volume, to ten digits; where v1 is unchanged, they differ from the last version by rounding."
        ),
        "### Coverage by the rate of the class",
        (
            "Share of one-day moves within v1: over the last 1,095 moves or fewer, on which the rate is tested, and over "
            "the whole history."
        ),
        _table(
            ("class", "asset", "side", "moves", "covered", "all moves", "of them covered"), coverage
        ),
        "### Decisions",
        _decision_table(classes),
    )


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
    return _table(("asset", "class before", "by the rules alone", "class", "reason"), rows)


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


def _rate_table(changes: Sequence[RateChange]) -> str:
    rows = [
        (
            change.after.asset,
            percent(float(change.before.value)) if change.before else _UNKNOWN,
            _interval(change.before.lower, change.before.upper) if change.before else _UNKNOWN,
            percent(float(change.after.value)),
            _interval(change.after.lower, change.after.upper),
        )
        for change in changes
    ]
    return _table(("asset", "before", "interval before", "now", "interval now"), rows)


def _beyond_text(changes: Sequence[InputChange]) -> str:
    known = [change for change in changes if change.is_beyond is not None]
    beyond = [change for change in known if change.is_beyond]
    if not known:
        return "The last version states no intervals of its inputs."
    return f"{len(beyond)} of {counted(len(known), 'input')} with an old interval lie beyond it."


def _input_table(calibration: Calibration) -> str:
    windows = {(item.name, item.input.underlying): item.window for item in calibration.inputs}
    words = {True: "yes", False: "no", None: _UNKNOWN}
    rows = [
        (
            change.after.underlying,
            change.after.name,
            _value(change.before) if change.before else _UNKNOWN,
            _interval(change.before.lower, change.before.upper) if change.before else _UNKNOWN,
            _value(change.after),
            _interval(change.after.lower, change.after.upper),
            f"{change.after.observations:,}" if change.after.observations else _UNKNOWN,
            words[change.is_beyond],
            str(window.series),
            f"{window.first} to {window.last}",
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
    )
    return _table(heads, rows)


def _value(item: Input) -> str:
    return dollars(float(item.value)) if item.name == VOLUME else percent(float(item.value))


def _refused(refused: Sequence[NotMeasured]) -> Iterator[str]:
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


def _tally(reviews: Sequence[SideReview]) -> str:
    tested = [review for review in reviews if review.p_value is not None]
    if not tested:
        return "No side has enough moves for a test."
    rejected = [review for review in tested if review.is_rejected]
    names = (
        f": {', '.join(f'{review.asset} {review.side}' for review in rejected)}" if rejected else ""
    )
    return f"Too many breaches, by the test, on {len(rejected)} of {counted(len(tested), 'side')}{names}."


def _review_table(reviews: Sequence[SideReview]) -> str:
    heads = (
        "asset",
        "side",
        "first move",
        "last move",
        "n",
        "breaches",
        "coverage",
        "p",
        "mean margin",
        "worst breach",
    )
    return _table(heads, [_review_row(review) for review in reviews])


def _review_row(review: SideReview) -> Sequence[str]:
    worst = review.worst
    return (
        review.asset,
        review.side.value,
        str(review.first or _UNKNOWN),
        str(review.last or _UNKNOWN),
        f"{review.observations:,}",
        f"{review.breaches:,}",
        f"{100 * review.coverage:.2f} %" if review.coverage is not None else _UNKNOWN,
        _p_text(review.p_value),
        percent(review.mean_margin),
        f"{worst.day}: {percent(worst.loss)} against {percent(worst.margin)}" if worst else "none",
    )


def _p_text(p_value: float | None) -> str:
    if p_value is None:
        return _UNKNOWN
    return f"{p_value:.3f}" if p_value >= _LEAST_P else f"< {_LEAST_P}"


def _untested_text(untested: Sequence[tuple[str, str]]) -> str:
    def reason_of(pair: tuple[str, str]) -> str:
        return pair[1]

    groups = groupby(sorted(untested, key=reason_of), key=reason_of)
    parts = [f"{', '.join(asset for asset, _ in pairs)} ({reason})" for reason, pairs in groups]
    return f"Not tested: {'; '.join(parts)}."


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

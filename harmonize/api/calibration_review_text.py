"""The review of the last version of a rule set, as Markdown for the people who decide."""

from collections.abc import Sequence
from itertools import groupby

from harmonize.api.calibrate import Calibration
from harmonize.api.markdown_table import table
from harmonize.calibration.review import (
    REVIEW_DAYS,
    SIGNIFICANCE,
    SideReview,
    least_moves_for_too_few,
    p_without_breaches,
)
from harmonize.text.messages import counted, percent

_UNKNOWN = "–"

_FIRST_TIER = "The margin of a class is the rate of its first tier, which is above v1 by the charge for its size. "

_LEAST_P = 0.001
"""Smallest p-value that is printed as a number."""


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
            f"{_source_text(calibration)}{_tally(since)}"
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
            f"at 99 %: below {percent(SIGNIFICANCE)} it rejects the coverage, whether breaches are too many or too few. "
            f"{_power_text(since, review.days)}"
        ),
    ]
    return "\n\n".join((*sections, ""))


def _source_text(calibration: Calibration) -> str:
    """Returns which margins of a schedule are tested: of classes, or by the formula of archived inputs."""
    if calibration.classes is None or calibration.review.made_on is None:
        return ""
    names = calibration.review.by_formula
    if not names:
        return f"No asset had all of its inputs archived then, so that all are of classes. {_FIRST_TIER}"
    return f"The margin of {', '.join(names)} is the formula by the inputs archived then, others are of classes. {_FIRST_TIER}"


def _power_text(since: Sequence[SideReview], days: int) -> str:
    """Returns what the test cannot see: too few breaches among few moves."""
    least = least_moves_for_too_few(days)
    text = f"Fewer than {least} moves cannot be rejected for too few breaches: without any, p is {percent(SIGNIFICANCE)} or more"
    fewest = min((row.observations for row in since if row.p_value is not None), default=least)
    if fewest >= least:
        return f"{text}."
    return f"{text}. For {fewest} moves since the last version it is {p_without_breaches(fewest, days):.3f}."


def _tally(reviews: Sequence[SideReview]) -> str:
    tested = [review for review in reviews if review.p_value is not None]
    if not tested:
        return "No side has enough moves for a test."
    rejected = [review for review in tested if review.is_rejected]
    names = (
        f": {', '.join(f'{review.asset} {review.side}' for review in rejected)}" if rejected else ""
    )
    chance = f"{SIGNIFICANCE * len(tested):.1f}"
    return (
        f"Too many breaches, by the test, on {len(rejected)} of {counted(len(tested), 'side')}{names}. "
        f"Of {counted(len(tested), 'side')} whose coverage is 99 %, the test at {percent(SIGNIFICANCE)} rejects about {chance} "
        "by chance, for too many or too few breaches; they come together, because assets breach on the same days."
    )


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
    return table(heads, [_review_row(review) for review in reviews])


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

"""The report card of ``harmonized-baseline`` for an audit: the review that a calibration states."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime

from harmonize.adequacy.factors import DAY
from harmonize.adequacy.measured_inputs import reference_series
from harmonize.api.calibrate import BASELINE, INTERVALS, archived_inputs, listed_assets
from harmonize.api.calibration_review import CalibrationReview, review_last_version
from harmonize.api.measure import read_candles
from harmonize.api.question import Question
from harmonize.archive.location import ArchiveLocation, recorded_archive
from harmonize.calibration.evidence import (
    LEAST_RETURNS,
    AssetEvidence,
    end_of_day,
    gather_evidence,
    last_day,
    oldest_end,
    with_days,
)
from harmonize.calibration.needs import rate_formula
from harmonize.calibration.review import SideReview
from harmonize.document import CalibrationReviewRow, ReviewSideRow, UntestedUnderlyingRow
from harmonize.document.input_age import MAX_AGE, MAX_AGE_DAYS
from harmonize.market.prices import PriceSeries, utc_time
from harmonize.numerics.rounding import rounded, rounded_or_none
from harmonize.policy.rule_set import RuleSet
from harmonize.text.messages import counted
from rules import loader

SINCE, PAST = "since the last version", "formula in the past"
"""Tests of a review."""

_LEAST_SHARE = 0.5
"""Share of the assets with recent prices on the day of a review. A design choice."""


@dataclass(frozen=True, slots=True)
class ReviewDay:
    """Last day of prices of a review, and why it is that one."""

    day: date
    reason: str


def baseline_review(question: Question, as_of: datetime) -> CalibrationReviewRow:
    """Returns how ``harmonized-baseline`` did by the prices of an archive. Raises ArchiveError."""
    place = question.archive
    with recorded_archive() if place is None else nullcontext(place) as own:
        return _review(own, as_of.date())


def _review(place: ArchiveLocation, audited: date) -> CalibrationReviewRow:
    last = loader.load(BASELINE)
    formula, assets = rate_formula(last), listed_assets(last)
    series = with_days(read_candles(place, assets, INTERVALS).series)
    chosen = review_day(series, assets, audited)
    if formula is None or chosen is None:
        reason = (
            f"on no day to {audited} do half of {counted(len(assets), 'asset')} have prices at most"
            f" {MAX_AGE_DAYS} days old; import newer candles"
        )
        absent = "no formula of measured inputs" if formula is None else reason
        return CalibrationReviewRow(last.id, last.version, reason=absent)
    names = tuple(need.name for need in formula.needs)
    until = end_of_day(chosen.day)
    evidence = tuple(gather_evidence(series, asset, names, until) for asset in assets)
    review = review_last_version(last, formula, evidence, archived_inputs(place), chosen.day)
    return review_row(last, evidence, review, chosen)


def review_day(
    series: Sequence[PriceSeries], assets: Sequence[str], audited: date
) -> ReviewDay | None:
    """Returns the latest day, at most ``audited``, on which half of the assets have recent prices.

    Prices are those of the series behind the moves of an asset, and recent for 30 days. None: there is no
    such day.
    """
    daily = [part for part in series if part.id.interval == DAY and part.times.size]
    ends = {last_day(utc_time(part.times[-1] + part.step)) for part in daily}
    days = {audited, *(day for end in ends if (day := end + MAX_AGE) < audited)}
    for day in sorted(days, reverse=True):
        recent = sum(_is_recent(daily, asset, day) for asset in assets)
        if recent >= _LEAST_SHARE * len(assets):
            of_all = f"{recent} of {counted(len(assets), 'asset')} have prices at most {MAX_AGE_DAYS} days old"
            lead = "the day of the audit" if day == audited else "the latest day with enough prices"
            return ReviewDay(day, f"{lead}: {of_all}")
    return None


def _is_recent(daily: Sequence[PriceSeries], asset: str, day: date) -> bool:
    until = end_of_day(day)
    own = reference_series(daily, asset, until, oldest_end(until))
    return (
        own is not None
        and own.times.size > 0
        and utc_time(own.times[-1] + own.step) >= oldest_end(until)
    )


def review_row(
    last: RuleSet, evidence: Sequence[AssetEvidence], review: CalibrationReview, chosen: ReviewDay
) -> CalibrationReviewRow:
    """Returns a review as a row of the audit document, with what neither test has."""
    series = {item.asset: str(item.daily.id) for item in evidence if item.daily is not None}
    return CalibrationReviewRow(
        rule_set=last.id,
        version=last.version,
        made_on="" if review.made_on is None else review.made_on.isoformat(),
        day=chosen.day.isoformat(),
        day_reason=chosen.reason,
        horizon_days=review.days,
        next_on=review.next_on.isoformat(),
        since=tuple(_side(own, series) for own in review.since if own.observations),
        in_past=tuple(_side(own, series) for own in review.in_past),
        untested=(*_untested_since(review), *_untested_in_past(evidence, review)),
    )


def _untested_since(review: CalibrationReview) -> Iterator[UntestedUnderlyingRow]:
    for asset, reason in review.untested:
        yield UntestedUnderlyingRow(asset, SINCE, reason)
    for asset in dict.fromkeys(own.asset for own in review.since if not own.observations):
        yield UntestedUnderlyingRow(asset, SINCE, f"no move began after {review.made_on}")


def _untested_in_past(
    evidence: Sequence[AssetEvidence], review: CalibrationReview
) -> Iterator[UntestedUnderlyingRow]:
    tested = {own.asset for own in review.in_past}
    for item in evidence:
        if item.asset in tested:
            continue
        reason = "the formula had a margin on no day"
        if item.daily is None:
            reason = "no recent prices"
        elif item.returns < LEAST_RETURNS:
            reason = f"{counted(item.returns, 'return')}, {LEAST_RETURNS} are required"
        yield UntestedUnderlyingRow(item.asset, PAST, reason)


def _side(own: SideReview, series: Mapping[str, str]) -> ReviewSideRow:
    return ReviewSideRow(
        underlying=own.asset,
        side=own.side.value,
        first_day="" if own.first is None else own.first.isoformat(),
        last_day="" if own.last is None else own.last.isoformat(),
        moves=own.observations,
        breaches=own.breaches,
        coverage=rounded_or_none(own.coverage),
        p_value=rounded_or_none(own.p_value),
        too_many=own.is_rejected,
        mean_margin=rounded_or_none(own.mean_margin),
        worst_day="" if own.worst is None else own.worst.day.isoformat(),
        worst_loss=None if own.worst is None else rounded(own.worst.loss),
        worst_margin=None if own.worst is None else rounded(own.worst.margin),
        series=series.get(own.asset, ""),
    )

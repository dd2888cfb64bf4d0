"""The worst verdict comes first; what is unknown comes after what is known."""

from dataclasses import replace
from datetime import date

import numpy as np

from harmonize.adequacy.contract_risk import VenueRisk, combine, prepare
from harmonize.adequacy.coverage import Coverage
from harmonize.adequacy.severity import (
    every_window,
    headline,
    is_answered,
    is_coarse,
    severity,
    worst_days,
)
from harmonize.adequacy.verdict import Adequacy, assess
from harmonize.core.schedule import Unknown
from harmonize.market.prices import PriceSeries
from tests.harmonize.adequacy.contracts import AS_OF, DAY, random_candles
from tests.harmonize.adequacy.test_verdict import NO_VOLUME, position, question

NO_MM = Unknown("MM is unknown: not published")


def risk_of(*contracts: PriceSeries) -> VenueRisk:
    prepared = [prepare([series], AS_OF) for series in contracts]
    risks = [(risk, str(risk.cards[0].id)) for risk in prepared if not isinstance(risk, Unknown)]
    combined = combine(risks)
    assert isinstance(combined, VenueRisk)
    return combined


def long_side(risk: VenueRisk, initial: float, maintenance: float | Unknown) -> Adequacy:
    return assess([question(position(initial, maintenance), NO_VOLUME)], risk)[0]


HOURLY = risk_of(random_candles(3, 24 * 700))
DAILY = risk_of(random_candles(3, 900, DAY))


def test_the_largest_share_after_liquidations_comes_first() -> None:
    verdicts = [
        long_side(HOURLY, 0.04, 0.03),
        long_side(HOURLY, 0.03, 0.01),
        long_side(HOURLY, 0.03, 0.02),
    ]
    ordered = sorted(verdicts, key=severity)
    shares = [covered.breach_rate for v in ordered if isinstance(covered := headline(v), Coverage)]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]


def test_an_unknown_headline_follows_and_daily_windows_come_last() -> None:
    tight = long_side(HOURLY, 0.03, 0.02)
    unknown = long_side(HOURLY, 0.9, 0.1)
    absent = long_side(HOURLY, 0.03, NO_MM)
    daily = long_side(DAILY, 0.03, 0.01)
    assert isinstance(headline(unknown), Unknown)
    assert headline(absent) == every_window(absent) == NO_MM
    share = headline(daily)
    assert isinstance(share, Coverage)
    assert share.breach_rate > 0.2  # more than any other, and no answer about a liquidation
    assert [is_coarse(v) for v in (tight, unknown, daily)] == [False, False, True]
    assert sorted([daily, absent, unknown, tight], key=severity)[:2] == [tight, unknown]


def test_worst_days_are_those_of_the_headline_otherwise_of_all_windows() -> None:
    verdict = long_side(HOURLY, 0.03, 0.02)
    covered = headline(verdict)
    assert isinstance(covered, Coverage)
    assert worst_days(verdict)[0] == covered.worst[0].end.date()
    unknown = long_side(HOURLY, 0.5, 0.03)
    whole = every_window(unknown)
    assert isinstance(headline(unknown), Unknown)
    assert isinstance(whole, Coverage)
    assert worst_days(unknown)[0] == whole.worst[0].end.date()
    assert worst_days(long_side(HOURLY, 0.95, 0.9)) == ()
    assert all(isinstance(day, date) for day in worst_days(verdict))


def test_a_verdict_without_any_known_margin_is_no_answer() -> None:
    assert is_answered(long_side(HOURLY, 0.03, NO_MM))
    neither = question(replace(position(), initial=NO_MM, maintenance=NO_MM), NO_VOLUME)
    assert not is_answered(assess([neither], HOURLY)[0])


def test_a_contract_with_too_few_liquidations_yields_to_the_next() -> None:
    few = random_candles(5, 24 * 30)
    many = random_candles(3, 24 * 700)
    alone, both = risk_of(few), risk_of(few, many)
    margins = (0.05, 0.02)
    assert isinstance(headline(long_side(alone, *margins)), Unknown)
    covered = headline(long_side(both, *margins))
    assert isinstance(covered, Coverage)
    assert covered == headline(long_side(risk_of(many), *margins))
    # With enough liquidations of its own, the first contract speaks.
    own = every_window(long_side(both, 0.012, 0.008))
    assert isinstance(own, Coverage)
    assert own.observations < np.size(few.times)

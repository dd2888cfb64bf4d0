"""Verdicts on margins as objects for JSON: every number with its unit, and every unknown with its reason."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any

from harmonize.adequacy.clearing import MarginingGap
from harmonize.adequacy.contract_risk import PriceBasis
from harmonize.adequacy.coverage import Coverage
from harmonize.adequacy.severity import headline, worst_days
from harmonize.adequacy.table_history import TableBacktest
from harmonize.adequacy.verdict import Adequacy
from harmonize.api.adequacy import AdequacyAnswer, SeriesAnswer
from harmonize.api.adequacy_rows import verdict_sentences
from harmonize.core.schedule import Unknown
from harmonize.market.card import SeriesCard
from harmonize.market.prices import SeriesId
from harmonize.text.messages import iso_utc

SCHEMA_VERSION = "1.0"
"""Version of the JSON envelope of verdicts."""

_CALCULATED: Mapping[type, tuple[str, ...]] = {
    Coverage: ("achieved", "breach_rate"),
    SeriesCard: ("missing",),
    TableBacktest: ("observations", "breaches"),
}
"""Properties that objects have beside their fields."""

_DAY = 86_400


def adequacy_object(answer: AdequacyAnswer) -> dict[str, object]:
    """Returns an answer with its version, dates, terms, verdicts and everything not observable.

    Rates and shares are fractions, amounts in USD, times in seconds or ISO 8601. An unknown value is
    ``{"unknown": reason}``, a number without a bound null.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "as_of": iso_utc(answer.as_of),
        "archive": answer.archive,
        "terms": plain(answer.terms),
        "verdicts": [_verdict(verdict, answer) for verdict in answer.verdicts],
        "moves": plain(answer.curves),
        "table_history": plain(answer.history),
        "series": plain(answer.cards),
        "not_observable": plain(answer.not_observable),
        "without_prices": list(answer.without_prices),
        "missing": list(answer.missing),
        "notes": list(answer.notes),
    }


def series_object(answer: SeriesAnswer) -> dict[str, object]:
    """Returns the cards of series with version, date and archive."""
    return {
        "schema_version": SCHEMA_VERSION,
        "as_of": iso_utc(answer.as_of),
        "archive": answer.archive,
        "series": plain(answer.cards),
    }


def age_days(verdict: Adequacy, as_of: datetime) -> float:
    """Returns the age of a table from the older end of its observation time, in days.

    Without an older end it is at least this old.
    """
    position = verdict.position
    end = position.precision.older_end(position.observed_at) or position.observed_at
    return (as_of - end).total_seconds() / _DAY


def open_interest_time(verdict: Adequacy) -> datetime | None:
    """Returns when the open interest was observed by which USD are stated; None if none are."""
    if isinstance(verdict.clearing, Unknown):
        return None
    gaps = (horizon.gap for horizon in verdict.clearing)
    return next((gap.observed_at for gap in gaps if isinstance(gap, MarginingGap)), None)


def interest_age_days(verdict: Adequacy, as_of: datetime) -> float | None:
    """Returns the age of the open interest by which USD are stated; None if none are."""
    observed_at = open_interest_time(verdict)
    return None if observed_at is None else (as_of - observed_at).total_seconds() / _DAY


def _verdict(verdict: Adequacy, answer: AdequacyAnswer) -> dict[str, object]:
    position = verdict.position
    covered = headline(verdict)
    share = covered.breach_rate if isinstance(covered, Coverage) else plain(covered)
    return {
        "venue": position.venue,
        "symbol": position.symbol,
        "underlying": position.underlying,
        "side": verdict.side.value,
        "notional": position.notional,
        "table_age_days": age_days(verdict, answer.as_of),
        "open_interest_age_days": interest_age_days(verdict, answer.as_of),
        "headline_share": share,
        "worst_days": [day.isoformat() for day in worst_days(verdict)],
        "sentences": plain(verdict_sentences(verdict, answer.terms)),
        **plain(verdict),
        "prices": _prices(verdict.prices),
    }


def _prices(prices: PriceBasis | Unknown) -> object:
    """Returns the series behind a verdict by name; their cards are in ``series`` of the answer."""
    if isinstance(prices, Unknown):
        return plain(prices)
    names = [str(card.id) for card in prices.cards]
    return {"series": names, "reasons": list(prices.reasons), "level": prices.level}


def plain(value: Any) -> Any:  # noqa: ANN401, PLR0911 - any field of a verdict, a line per kind
    """Returns a value of a verdict as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if isfinite(value) else None
    if isinstance(value, date):
        return iso_utc(value) if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, Unknown):
        return {"unknown": value.reason}
    if isinstance(value, SeriesId):
        return str(value)
    if isinstance(value, SeriesCard):
        return _card(value)
    if is_dataclass(value):
        return _fields(value)
    return [plain(part) for part in value]


def _fields(value: Any) -> dict[str, object]:  # noqa: ANN401 - any dataclass
    names = [field.name for field in fields(value)]
    return {
        name: plain(getattr(value, name)) for name in (*names, *_CALCULATED.get(type(value), ()))
    }


def _card(card: SeriesCard) -> dict[str, object]:
    """Returns a card whose identity is spelled out beside its name."""
    identity = card.id
    return {
        "series": str(identity),
        "venue": identity.venue,
        "kind": identity.kind.value,
        "symbol": identity.symbol,
        "underlying": identity.underlying.asset,
        "multiplier": identity.underlying.multiplier,
        "quote": identity.quote,
        "interval_seconds": identity.interval,
    } | {name: own for name, own in _fields(card).items() if name != "id"}

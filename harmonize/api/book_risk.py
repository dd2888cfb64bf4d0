"""Margin of a book of positions from archived prices: single, joint and by scans."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from harmonize.adequacy.book_risk import (
    LEAST_DAYS,
    LEVEL,
    BookExposure,
    BookRisk,
    DailyMoves,
    book_risk,
)
from harmonize.api.adequacy_prices import read_prices
from harmonize.api.question import Question
from harmonize.api.threshold_series import AssetSeries, SeriesPart, asset_series
from harmonize.arbitrage.portfolio import Portfolio, UnderlyingExposure
from harmonize.core.schedule import Unknown
from harmonize.market.prices import DefectKind, PriceSeries
from harmonize.text.messages import counted


def answer_book_risk(
    question: Question,
    held: Iterable[UnderlyingExposure],
    as_of: datetime,
    level: float = LEVEL,
) -> BookRisk | Unknown:
    """Returns the margins of a book from daily closes that were known at ``as_of``.

    The moves of an underlying are those of ``asset_series``, as for thresholds. Underlyings with fewer than
    365 moves are missing, and the figures are those of the rest. Unknown: nothing is left, or see
    ``book_risk``. Raises ArchiveError.
    """
    exposures = [BookExposure(row.underlying, row.long, row.short) for row in held]
    prices, defects = read_prices(question, as_of, {row.underlying for row in exposures})
    moves: dict[str, DailyMoves] = {}
    for row in exposures:
        own = prices.get(row.underlying, ())
        series = asset_series(own, row.underlying, as_of)
        if isinstance(series, AssetSeries):
            moves[row.underlying] = _moves(series, own)
    missing = {
        row.underlying: reason
        for row in exposures
        if (reason := _why_missing(moves.get(row.underlying), defects))
    }
    missing |= _without_common_days({n: m for n, m in moves.items() if n not in missing})
    rest = [row for row in exposures if row.underlying not in missing]
    if not rest:
        return Unknown("; ".join(f"{name}: {reason}" for name, reason in missing.items()))
    risk = book_risk(rest, moves, level)
    if isinstance(risk, Unknown):
        return risk
    age = (as_of - risk.last).days
    return replace(risk, age_days=age, missing=tuple(sorted(missing.items())))


def _without_common_days(moves: Mapping[str, DailyMoves]) -> dict[str, str]:
    """Returns the underlyings that leave the others too few common days, with the reason.

    They are left out one by one, first the one without which the most common days remain.
    """
    missing: dict[str, str] = {}
    rest = {name: own.days for name, own in moves.items()}
    while len(rest) > 1 and (count := _common_days(rest.values())) < LEAST_DAYS:
        remaining = {
            name: _common_days(days for other, days in rest.items() if other != name)
            for name in rest
        }
        worst = max(remaining, key=lambda name: (remaining[name], name))
        missing[worst] = (
            f"{counted(count, 'common daily move')} with the rest, {LEAST_DAYS} are required"
        )
        del rest[worst]
    return missing


def _common_days(days: Iterable[NDArray[np.int64]]) -> int:
    return int(reduce(np.intersect1d, days).size)


def _why_missing(moves: DailyMoves | None, defects: Sequence[str]) -> str:
    """Returns why an underlying has no risk; empty if it has."""
    if moves is None:
        return "; ".join(("no daily prices in the archive", *defects))
    if moves.days.size < LEAST_DAYS:
        return f"{counted(moves.days.size, 'daily move')}, {LEAST_DAYS} are required"
    return ""


@dataclass(frozen=True, slots=True)
class MarginCoverage:
    """Whether an initial margin covers the joint VaR, ES and margin of a book; ``amount`` in USD.

    ``name`` is a venue, a rule set or the optimal split, ``kind`` how the margin is determined there.
    """

    name: str
    kind: str
    amount: float
    covers_var: bool
    covers_shortfall: bool
    covers_joint_margin: bool


def margin_coverage(risk: BookRisk, margins: Portfolio) -> tuple[MarginCoverage, ...]:
    """Returns a row per known initial margin of a book.

    ``margins`` have to be those of the positions whose risk is measured.
    """
    return tuple(
        MarginCoverage(
            name,
            kind,
            amount,
            covers_var=amount >= risk.joint.value,
            covers_shortfall=amount >= risk.shortfall.value,
            covers_joint_margin=amount >= risk.limited,
        )
        for name, kind, amount in _initial_margins(margins)
        if amount is not None
    )


def _initial_margins(margins: Portfolio) -> Iterator[tuple[str, str, float | None]]:
    for venue in margins.venues:
        if venue.isolated_initial == venue.cross_initial:
            yield venue.venue, "isolated or cross", venue.cross_initial
        else:
            yield venue.venue, "isolated", venue.isolated_initial
            yield venue.venue, "cross", venue.cross_initial
    yield margins.rule_set, "reference", margins.reference_initial
    yield "several venues", "optimal split", margins.split


def _moves(series: AssetSeries, prices: Sequence[PriceSeries]) -> DailyMoves:
    names = dict.fromkeys(str(part.id) for part in series.parts)
    disputed = sorted({day for part in series.parts for day in _disputed(part, prices)})
    return DailyMoves(series.history.days, series.history.returns, tuple(names), tuple(disputed))


def _disputed(part: SeriesPart, prices: Sequence[PriceSeries]) -> Iterable[datetime]:
    """Yields the days, among those on which a series speaks, that another source contradicts."""
    for own in prices:
        if own.id == part.id:
            for defect in own.defects:
                day = defect.first.date().toordinal() - _EPOCH
                if defect.kind is DefectKind.DISPUTED and part.first_day <= day <= part.last_day:
                    yield defect.first


_EPOCH = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001 - a day

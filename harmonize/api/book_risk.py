"""Margin of a book of positions from archived prices: single, joint and by scans."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from harmonize.adequacy.book_risk import LEVEL, BookExposure, BookRisk, DailyMoves, book_risk
from harmonize.api.adequacy_prices import read_prices
from harmonize.api.question import Question
from harmonize.api.threshold_series import AssetSeries, SeriesPart, asset_series
from harmonize.arbitrage.portfolio import UnderlyingExposure
from harmonize.core.schedule import Unknown
from harmonize.market.prices import DefectKind, PriceSeries


def answer_book_risk(
    question: Question,
    held: Iterable[UnderlyingExposure],
    as_of: datetime,
    level: float = LEVEL,
) -> BookRisk | Unknown:
    """Returns the margins of a book from daily closes that were known at ``as_of``.

    The moves of an underlying are those of ``asset_series``, as for thresholds. Unknown: prices of an
    underlying are missing or unreadable, or see ``book_risk``. Raises ArchiveError.
    """
    exposures = [BookExposure(row.underlying, row.long, row.short) for row in held]
    prices, defects = read_prices(question, as_of, {row.underlying for row in exposures})
    moves: dict[str, DailyMoves] = {}
    for row in exposures:
        own = prices.get(row.underlying, ())
        series = asset_series(own, row.underlying, as_of)
        if isinstance(series, AssetSeries):
            moves[row.underlying] = _moves(series, own)
    missing = [row.underlying for row in exposures if row.underlying not in moves]
    if missing and defects:
        return Unknown("; ".join(defects))
    risk = book_risk(exposures, moves, level)
    return risk if isinstance(risk, Unknown) else replace(risk, age_days=(as_of - risk.last).days)


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

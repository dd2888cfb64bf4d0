"""Margin of a book of positions from archived prices: single, joint and by a scan."""

from collections.abc import Iterable
from datetime import datetime

from harmonize.adequacy.book_risk import LEVEL, BookExposure, BookRisk, book_risk
from harmonize.api.adequacy_prices import read_prices
from harmonize.api.question import Question
from harmonize.arbitrage.portfolio import UnderlyingExposure
from harmonize.core.schedule import Unknown
from harmonize.market.choice import choose_series
from harmonize.market.returns import Returns, simple_returns

_DAY = 86_400


def answer_book_risk(
    question: Question,
    held: Iterable[UnderlyingExposure],
    as_of: datetime,
    level: float = LEVEL,
) -> BookRisk | Unknown:
    """Returns the margins of a book from daily closes that were known at ``as_of``.

    The series of an underlying is the perpetual with the most candles, otherwise the spot series. Unknown: prices of
    an underlying are missing or unreadable, or see ``book_risk``. Raises ArchiveError.
    """
    exposures = [BookExposure(row.underlying, row.long, row.short) for row in held]
    prices, defects = read_prices(question, as_of, {row.underlying for row in exposures})
    returns: dict[str, Returns] = {}
    for row in exposures:
        choice = choose_series(prices.get(row.underlying, ()), "", row.underlying, _DAY)
        if not isinstance(choice, Unknown):
            returns[row.underlying] = simple_returns(choice.series)
    missing = [row.underlying for row in exposures if row.underlying not in returns]
    if missing and defects:
        return Unknown("; ".join(defects))
    return book_risk(exposures, returns, level)

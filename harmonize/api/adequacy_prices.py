"""Prices that a question can use: those of the archive that it names, then the recorded ones."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from harmonize.api.audit import open_sources
from harmonize.api.question import Question
from harmonize.archive.location import recorded_archive
from harmonize.core.payload import PRICES, Payload
from harmonize.market.candle_codec import METHOD
from harmonize.market.prices import PriceKind, PriceSeries, microseconds, utc_time
from harmonize.market.source import MarketData, archived_payloads, read_sources

IMPORT = "import candles with `harmonize archive import FOLDER`"
"""The fix for an archive without candles."""

PRICE_KINDS = frozenset(kind for kind in PriceKind if kind is not PriceKind.VOLATILITY)
"""Kinds of series that are prices; an implied volatility is none."""

LONGEST_PAST = timedelta(days=730)
"""Time since the last candle after which prices tell nothing of today's contract.

Prices of failed assets and of former coins are older. They are used only for an underlying that is named.
"""

Prices = dict[str, tuple[PriceSeries, ...]]
"""Series by underlying."""


def read_prices(
    question: Question,
    as_of: datetime,
    underlyings: Collection[str] | None,
    kinds: Collection[PriceKind] = PRICE_KINDS,
) -> tuple[Prices, tuple[str, ...]]:
    """Returns the series of underlyings, of all if None, and what cannot be read.

    Candles that closed after ``as_of`` are excluded. Raises ArchiveError.
    """
    data = _read(question, as_of, lambda asset: underlyings is None or asset in underlyings, kinds)
    by_asset: dict[str, list[PriceSeries]] = {}
    for part in data.series:
        by_asset.setdefault(part.id.underlying.asset, []).append(part)
    return {asset: tuple(own) for asset, own in by_asset.items()}, tuple(map(str, data.defects))


def recent_prices(prices: Mapping[str, tuple[PriceSeries, ...]], as_of: datetime) -> Prices:
    """Returns the underlyings of which a candle closed within ``LONGEST_PAST`` before a time."""
    first = microseconds(as_of - LONGEST_PAST)
    return {
        asset: own
        for asset, own in prices.items()
        if any(part.times.size and part.times[-1] + part.step >= first for part in own)
    }


def last_closes(
    question: Question, kinds: Collection[PriceKind] = PRICE_KINDS
) -> dict[str, datetime]:
    """Returns the close of the last archived candle of each underlying. Raises ArchiveError."""
    closes: dict[str, datetime] = {}
    with recorded_archive() as path:
        for source in open_sources(question, path):
            for _, item in archived_payloads(
                source.archive, source.entries, METHOD, lambda call: call.get("kind") in kinds
            ):
                if isinstance(item, Payload):
                    asset = dict(item.call.params)["underlying"]
                    closes[asset] = max(closes.get(asset, item.observed_at), item.observed_at)
    return closes


def without_prices(
    question: Question,
    as_of: datetime,
    underlyings: Collection[str],
    similar: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Returns per requested underlying why it has no prices, with the fix: a similar name, if any.

    One line for the whole archive if it has none, or if the question names no underlying. Raises
    ArchiveError.
    """
    with recorded_archive() as path:
        sources = open_sources(question, path)
        has_any = any(e.venue == PRICES and not e.pruned for s in sources for e in s.entries)
        names = "; otherwise ".join(source.name for source in sources)
    if not has_any:
        return (f"no prices in {names}; {IMPORT}, or remove --archive to use the recorded ones",)
    if not question.underlyings:
        return (_reason("", as_of, _read(question, None, lambda _: True).series),)
    later = _read(question, None, lambda asset: asset in underlyings)
    return tuple(
        _reason(
            f"underlying {asset}: ",
            as_of,
            [s for s in later.series if s.id.underlying.asset == asset],
            f"; did you mean {similar[asset]}?"
            if similar and similar.get(asset)
            else f"; {IMPORT}",
        )
        for asset in underlyings
    )


def _reason(
    subject: str, as_of: datetime, series: Sequence[PriceSeries], fix: str = f"; {IMPORT}"
) -> str:
    """Returns why no candle can be used: there is none, with the fix, or all closed later."""
    firsts = [utc_time(part.times[0] + part.step) for part in series]
    later = [first for first in firsts if first > as_of]
    if not later or len(later) < len(firsts):
        return f"{subject}no prices in the archive{fix}"
    return (
        f"{subject}no candle had closed by {as_of:%Y-%m-%d}; "
        f"use --as-of from {min(later) + timedelta(days=1):%Y-%m-%d} on"
    )


def _read(
    question: Question,
    until: datetime | None,
    is_wanted: Callable[[str], bool],
    kinds: Collection[PriceKind] = PRICE_KINDS,
) -> MarketData:
    def is_series(call: dict[str, str]) -> bool:
        return call.get("kind") in kinds and is_wanted(call.get("underlying", ""))

    with recorded_archive() as path:
        sources = open_sources(question, path)
        return read_sources(((s.archive, s.entries) for s in sources), is_series, until)

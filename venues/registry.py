"""Every venue the tool can read."""

from collections.abc import Iterable

from harmonize.core.payload import Defect, Snapshot
from harmonize.core.schedule import MarginSchedule
from venues.adapter import Parsed, VenueAdapter
from venues.exchanges import (
    apex,
    ascendex,
    aster,
    backpack,
    bequant,
    bigone,
    binance,
    bingx,
    bitfinex,
    bitget,
    bitmart,
    bitmex,
    blofin,
    btse,
    bullish,
    bybit,
    bydfi,
    coinbase,
    coinbaseinternational,
    cryptocom,
    deepcoin,
    delta,
    deribit,
    derive,
    digifinex,
    dydx,
    extended,
    fmfwio,
    gate,
    grvt,
    hashkey,
    hibachi,
    hitbtc,
    htx,
    hyperliquid,
    krakenfutures,
    kucoin,
    lbank,
    lighter,
    mexc,
    modetrade,
    mudrex,
    okx,
    pacifica,
    paradex,
    phemex,
    poloniex,
    toobit,
    weex,
    whitebit,
    woo,
    woofipro,
    xt,
    zebpay,
)
from venues.facts import Facts
from venues.plausibility import known_fields, screen

VENUES = (
    apex.ADAPTER,
    ascendex.ADAPTER,
    aster.ADAPTER,
    backpack.ADAPTER,
    bequant.ADAPTER,
    bigone.ADAPTER,
    binance.ADAPTER,
    bingx.ADAPTER,
    bitfinex.ADAPTER,
    bitget.ADAPTER,
    bitmart.ADAPTER,
    bitmex.ADAPTER,
    blofin.ADAPTER,
    btse.ADAPTER,
    bullish.ADAPTER,
    bybit.ADAPTER,
    bydfi.ADAPTER,
    coinbase.ADAPTER,
    coinbaseinternational.ADAPTER,
    cryptocom.ADAPTER,
    deepcoin.ADAPTER,
    delta.ADAPTER,
    deribit.ADAPTER,
    derive.ADAPTER,
    digifinex.ADAPTER,
    dydx.ADAPTER,
    extended.ADAPTER,
    fmfwio.ADAPTER,
    gate.ADAPTER,
    grvt.ADAPTER,
    hashkey.ADAPTER,
    hibachi.ADAPTER,
    hitbtc.ADAPTER,
    htx.ADAPTER,
    hyperliquid.ADAPTER,
    krakenfutures.ADAPTER,
    kucoin.ADAPTER,
    lbank.ADAPTER,
    lighter.ADAPTER,
    mexc.ADAPTER,
    modetrade.ADAPTER,
    mudrex.ADAPTER,
    okx.ADAPTER,
    pacifica.ADAPTER,
    paradex.ADAPTER,
    phemex.ADAPTER,
    poloniex.ADAPTER,
    toobit.ADAPTER,
    weex.ADAPTER,
    whitebit.ADAPTER,
    woo.ADAPTER,
    woofipro.ADAPTER,
    xt.ADAPTER,
    zebpay.ADAPTER,
)


def adapter(venue: str) -> VenueAdapter | None:
    """Find the adapter of a venue by its ccxt id; None when there is none."""
    return next((one for one in VENUES if one.venue == venue), None)


def parse(
    snapshots: Iterable[Snapshot], facts: Facts, before: Iterable[MarginSchedule] = ()
) -> Parsed:
    """Read snapshots of one venue, newest first: an instrument is taken from the first that has it.

    What was gathered live is held against the laws of ``venues.plausibility``, and against the venue's schedules
    ``before`` it.
    """
    earlier = {one.key: one for one in before}
    found: dict[tuple[str, str, str], MarginSchedule] = {}
    defects: list[Defect] = []
    for snapshot in snapshots:
        parsed = screen(snapshot, read(snapshot, facts), known_fields, earlier)
        defects.extend(parsed.defects)
        found = _once(parsed.schedules, defects) | found
    return Parsed(tuple(found.values()), tuple(defects))


def read(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read one snapshot, as its venue's adapter does."""
    one = adapter(snapshot.venue)
    if one is None:
        reason = "the archive holds a venue that this version cannot read"
        return Parsed((), (Defect(snapshot.venue, "snapshot", reason),))
    return one.parse(snapshot, facts)


def _once(
    schedules: Iterable[MarginSchedule], defects: list[Defect]
) -> dict[tuple[str, str, str], MarginSchedule]:
    """Index schedules by key; one that a snapshot has twice is a defect, and neither is kept."""
    by_key: dict[tuple[str, str, str], list[MarginSchedule]] = {}
    for schedule in schedules:
        by_key.setdefault(schedule.key, []).append(schedule)
    for (venue, symbol, profile), twins in by_key.items():
        if len(twins) > 1:
            reason = f"is listed {len(twins)} times for profile {profile}"
            defects.append(Defect(venue, "snapshot", reason, symbol))
    return {key: twins[0] for key, twins in by_key.items() if len(twins) == 1}

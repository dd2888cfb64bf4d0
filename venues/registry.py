"""Registers the adapter of every supported venue and parses snapshots with it."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from harmonize.core.payload import Defect, Remark, Snapshot
from harmonize.core.schedule import MarginSchedule
from venues.adapter import Parsed, VenueAdapter
from venues.beliefs import Beliefs
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
from venues.known_fields import known_fields
from venues.plausibility import References, Screened, screen

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


def find_adapter(venue: str) -> VenueAdapter | None:
    """Returns the adapter of a venue by its ccxt id; None if the venue is not supported."""
    return next((entry for entry in VENUES if entry.venue == venue), None)


def parse(snapshots: Iterable[Snapshot], facts: Facts, beliefs: Beliefs | None = None) -> Parsed:
    """Parses snapshots of one venue, newest first; the newest schedule of an instrument is kept.

    Live snapshots must pass the checks of ``venues.plausibility``, also against ``beliefs``.
    """
    held_against = beliefs or Beliefs()
    return merge(screened(snapshot, facts, held_against, Beliefs).parsed for snapshot in snapshots)


def screened(
    snapshot: Snapshot,
    facts: Facts,
    beliefs: Beliefs,
    recorded: Callable[[], Beliefs],
    accepted: AbstractSet[str] = frozenset(),
) -> Screened:
    """Parses one snapshot and checks it if it is live.

    ``recorded`` returns what the shipped recordings say, for contracts without beliefs. ``accepted``
    are ids of contracts whose numbers in this snapshot a person accepted.
    """
    references = References(beliefs, recorded)
    return screen(snapshot, read(snapshot, facts), known_fields, references, accepted)


def merge(layers: Iterable[Parsed]) -> Parsed:
    """Merges what several snapshots gave, newest first; the newest schedule of an instrument is kept."""
    newest: dict[tuple[str, str, str], MarginSchedule] = {}
    defects: list[Defect] = []
    remarks: list[Remark] = []
    for parsed in layers:
        defects.extend(parsed.defects)
        remarks.extend(parsed.remarks)
        newest = _index_unique(parsed.schedules, defects) | newest
    return Parsed(tuple(newest.values()), tuple(defects), tuple(remarks))


def read(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Parses one snapshot with its venue's adapter; an unsupported venue is a defect."""
    venue_adapter = find_adapter(snapshot.venue)
    if venue_adapter is None:
        reason = "unknown venue; upgrade harmonize to read its snapshots"
        return Parsed((), (Defect(snapshot.venue, "snapshot", reason),))
    return venue_adapter.parse(snapshot, facts)


def _index_unique(
    schedules: Iterable[MarginSchedule], defects: list[Defect]
) -> dict[tuple[str, str, str], MarginSchedule]:
    """Indexes schedules by key; duplicate keys are a defect and all their schedules are dropped."""
    by_key: dict[tuple[str, str, str], list[MarginSchedule]] = {}
    for schedule in schedules:
        by_key.setdefault(schedule.key, []).append(schedule)
    for (venue, symbol, profile), duplicates in by_key.items():
        if len(duplicates) > 1:
            reason = f"listed {len(duplicates)} times for profile {profile}"
            defects.append(Defect(venue, "snapshot", reason, symbol))
    return {key: candidates[0] for key, candidates in by_key.items() if len(candidates) == 1}

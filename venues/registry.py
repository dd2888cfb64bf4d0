"""Registers the adapter of every supported venue and parses snapshots with it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from harmonize.core.payload import Defect, Remark, Snapshot, reason_of
from harmonize.core.schedule import MarginSchedule
from venues import asset_classes, assets
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
from venues.plausibility import References, Screened, screen, without_margins
from venues.prices import with_prices

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
    references = References(beliefs or Beliefs(), Beliefs, lambda *_: False)
    return merge(screened(snapshot, facts, references).parsed for snapshot in snapshots)


def screened(
    snapshot: Snapshot,
    facts: Facts,
    references: References,
    accepted: Mapping[str, str] | None = None,
) -> Screened:
    """Parses one snapshot and checks it against ``references`` if it is live.

    ``accepted`` notes who accepted numbers of this snapshot, by contract id.
    """
    return _screened(snapshot, read(snapshot, facts), references, accepted or {})


def merge(layers: Iterable[Parsed]) -> Parsed:
    """Merges what several snapshots gave, newest first; the newest schedule of an instrument is kept."""
    newest: dict[tuple[str, str, str], MarginSchedule] = {}
    defects: list[Defect] = []
    remarks: list[Remark] = []
    all_schedules: list[MarginSchedule] = []
    for parsed in layers:
        defects.extend(parsed.defects)
        remarks.extend(parsed.remarks)
        all_schedules.extend(parsed.schedules)
        newest = _index_unique(parsed.schedules, defects) | newest
    shared = _shared_symbols(all_schedules, defects)
    kept = (schedule for key, schedule in newest.items() if key[:2] not in shared)
    return Parsed(tuple(kept), tuple(defects), tuple(remarks))


def read(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Parses one snapshot with its venue's adapter, and names the asset, class and price. Never raises.

    An unsupported venue, and a snapshot that its adapter cannot read at all, is a defect.
    """
    venue_adapter = find_adapter(snapshot.venue)
    if venue_adapter is None:
        reason = "unknown venue; upgrade harmonize to read its snapshots"
        return Parsed((), (Defect(snapshot.venue, "snapshot", reason),))
    try:
        parsed = venue_adapter.parse(snapshot, facts)
        schedules = asset_classes.with_stated_classes(
            snapshot, parsed.schedules, asset_classes.bundled()
        )
        schedules = with_prices(snapshot, assets.with_assets(schedules, assets.bundled()))
        schedules = _with_venue(schedules, venue_adapter)
        return replace(parsed, schedules=schedules)
    except Exception as error:  # noqa: BLE001 - one odd snapshot never hides other venues or nights
        return Parsed((), (Defect(snapshot.venue, "snapshot", reason_of(error)),))


def _with_venue(
    schedules: tuple[MarginSchedule, ...], adapter: VenueAdapter
) -> tuple[MarginSchedule, ...]:
    """Returns schedules with what is known of the venue itself: its order book and its end."""
    book, closed_on = adapter.order_book, adapter.closed_on
    if not book and closed_on is None:
        return schedules
    return tuple(
        replace(
            schedule,
            instrument=replace(schedule.instrument, order_book=book, venue_closed_on=closed_on),
        )
        for schedule in schedules
    )


def _screened(
    snapshot: Snapshot, parsed: Parsed, references: References, accepted: Mapping[str, str]
) -> Screened:
    """Result of the plausibility checks. A schedule that they cannot check is withheld.

    Where the checks fail, halves are checked apart until the schedules that cause it are alone.
    """
    try:
        return screen(snapshot, parsed, known_fields, references, accepted)
    except Exception as error:  # noqa: BLE001 - one odd schedule never hides the others
        if len(parsed.schedules) < 2:  # noqa: PLR2004 - nothing left to divide
            whole = _withheld(parsed, f"plausibility: {reason_of(error)}")
            withheld = {s.key: whole.defects[-1] for s in parsed.schedules}
            return Screened(whole, withheld, references.beliefs)
        middle = len(parsed.schedules) // 2
        first = _screened(
            snapshot, replace(parsed, schedules=parsed.schedules[:middle]), references, accepted
        )
        rest = Parsed(parsed.schedules[middle:], ())
        following = replace(references, beliefs=first.beliefs)
        second = _screened(snapshot, rest, following, accepted)
        return Screened(
            Parsed(
                (*first.parsed.schedules, *second.parsed.schedules),
                (*first.parsed.defects, *second.parsed.defects),
                (*first.parsed.remarks, *second.parsed.remarks),
            ),
            {**first.withheld, **second.withheld},
            second.beliefs,
        )


def _withheld(parsed: Parsed, reason: str) -> Parsed:
    """Schedules without margins, for ``reason``, and a defect of each."""
    defects = tuple(
        Defect(schedule.instrument.venue, "snapshot", reason, schedule.instrument.id)
        for schedule in parsed.schedules
    )
    schedules = tuple(without_margins(schedule, reason) for schedule in parsed.schedules)
    return replace(parsed, schedules=schedules, defects=(*parsed.defects, *defects))


def _index_unique(
    schedules: Iterable[MarginSchedule], defects: list[Defect]
) -> dict[tuple[str, str, str], MarginSchedule]:
    """Indexes schedules by key; duplicate keys are a defect and all their schedules are dropped."""
    by_key: dict[tuple[str, str, str], list[MarginSchedule]] = {}
    for schedule in schedules:
        by_key.setdefault(schedule.key, []).append(schedule)
    for (venue, symbol, profile), duplicates in by_key.items():
        if len({schedule.instrument.id for schedule in duplicates}) < len(duplicates):
            reason = f"listed {len(duplicates)} times for profile {profile}"
            defects.append(Defect(venue, "snapshot", reason, symbol))
    return {key: candidates[0] for key, candidates in by_key.items() if len(candidates) == 1}


def _shared_symbols(
    schedules: Iterable[MarginSchedule], defects: list[Defect]
) -> set[tuple[str, str]]:
    """Venue and symbol of two contracts with one unified symbol, in any profile; each is a defect.

    They may be two different assets, and nothing tells which of them the symbol means.
    """
    ids: dict[tuple[str, str], set[str]] = {}
    for schedule in schedules:
        ids.setdefault(schedule.key[:2], set()).add(schedule.instrument.id)
    shared = {name: sorted(own) for name, own in ids.items() if len(own) > 1}
    for (venue, symbol), own in shared.items():
        reason = f"contracts {', '.join(own)} share one symbol; none of them is observable"
        defects.append(Defect(venue, "snapshot", reason, symbol))
    return set(shared)

"""Bitget USDT futures (classic): position tiers in quote value, one call a symbol."""

from collections.abc import Iterator

from harmonize.instrument import Instrument, contract
from harmonize.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError, decode
from harmonize.schedule import MarginMode, Profile, Tier
from venues import ladder
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.reading import defect, in_sequence, member, number, positive, rate, rows, word
from venues.units import currency

LEVERS = "publicMixGetV2MixMarketQueryPositionLever"

COLUMNS = (
    Column("upper", "/endUnit", "quote currency"),
    Column("lower", "/startUnit", "quote currency"),
    Column("initial", "/leverage", "leverage"),
    Column("maintenance", "/keepMarginRate", "rate"),
)


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read one answer a symbol; ccxt labels its amounts with the base coin, they are quote value."""
    defects: list[Defect] = []
    found: list[ladder.Ladder] = []
    for payload in snapshot.answers(LEVERS):
        try:
            found.extend(_ladder(payload))
        except UnreadablePayloadError as error:
            symbol = dict(payload.call.params).get("symbol", "")
            defects.append(defect(payload, error, symbol))
    return ladder.parsed(snapshot, found, facts, defects)


def _ladder(payload: Payload) -> Iterator[ladder.Ladder]:
    data, top = member(decode(payload), "data")
    tiers, pointers, symbols = [], [], set()
    for position, (at, row) in enumerate(rows(data, top), start=1):
        in_sequence(row, "level", position, at)
        symbols.add(word(row, "symbol", at))
        pointers.append(at)
        tiers.append(
            Tier(
                upper=positive(row, "endUnit", at),
                lower=number(row, "startUnit", at),
                initial_rate=ladder.inverse(positive(row, "leverage", at)),
                maintenance_rate=rate(row, "keepMarginRate", at),
            )
        )
    if len(symbols) > 1:
        reason = f"one symbol was due, were {', '.join(sorted(symbols))}"
        raise UnreadablePayloadError(where=top, reason=reason)
    listed = instrument(symbols.pop(), f"{top}/0")
    yield ladder.Ladder(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(tiers),
        rows=tuple(pointers),
        columns=COLUMNS,
        usd=currency(listed, listed.quote),
    )


def instrument(symbol: str, at: str) -> Instrument:
    """Take a USDT-FUTURES symbol apart: BTCUSDT. Raises UnreadablePayloadError."""
    base = symbol.removesuffix("USDT")
    if not base or base == symbol:
        reason = f"{symbol!r} does not end in USDT"
        raise UnreadablePayloadError(where=f"{at}/symbol", reason=reason)
    return contract("bitget", symbol, base=base, quote="USDT", settle="USDT")


ADAPTER = VenueAdapter(
    venue="bitget",
    title="Bitget",
    endpoints=(
        Endpoint(
            LEVERS,
            "GET /api/v2/mix/market/query-position-lever",
            Purpose.MARGIN,
            calls=Calls.PER_SYMBOL,
        ),
        Endpoint(
            "publicMixGetV2MixMarketContracts",
            "GET /api/v2/mix/market/contracts",
            Purpose.INSTRUMENTS,
        ),
        Endpoint(
            "publicMixGetV2MixMarketTickers", "GET /api/v2/mix/market/tickers", Purpose.PRICES
        ),
    ),
    parse=parse,
)

"""Gate USDT perpetuals: risk-limit tiers, or only the first of them where the tiers are missing."""

from collections import defaultdict
from collections.abc import Iterator

from harmonize.instrument import Instrument, contract
from harmonize.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.schedule import Known, MarginMode, Profile, Tier
from venues import ladder
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.reading import Row, number, positive, rate, read_rows, word
from venues.units import currency

TIERS = "publicFuturesGetSettleRiskLimitTiers"
CONTRACTS = "publicFuturesGetSettleContracts"

_Published = tuple[str, Tier, str, Payload]


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read the tiers; a contract without tiers in the snapshot keeps its first tier alone."""
    defects: list[Defect] = []
    by_name: defaultdict[str, list[_Published]] = defaultdict(list)
    published = read_rows(snapshot.answers(TIERS), (), _tier, defects, symbol_key="contract")
    for one in published:
        by_name[one[0]].append(one)
    tiered = {*by_name, *(one.symbol for one in defects)}
    for broken in {one.symbol for one in defects}:
        by_name.pop(broken, None)

    def first(payload: Payload, row: Row, at: str) -> Iterator[ladder.Ladder]:
        return _first_tier(payload, row, at, tiered)

    found = [_ladder(name, rows) for name, rows in by_name.items()]
    found += read_rows(snapshot.answers(CONTRACTS), (), first, defects, symbol_key="name")
    return ladder.parsed(snapshot, found, facts, defects)


def _tier(payload: Payload, row: Row, at: str) -> Iterator[_Published]:
    tier = Tier(
        upper=positive(row, "risk_limit", at),
        initial_rate=rate(row, "initial_rate", at),
        maintenance_rate=rate(row, "maintenance_rate", at),
        deduction=number(row, "deduction", at) if "deduction" in row else None,
    )
    name = word(row, "contract", at)
    instrument(name, at)
    yield (name, tier, at, payload)


def _ladder(name: str, published: list[_Published]) -> ladder.Ladder:
    payload = published[0][3]
    pairs = sorted(((tier, at) for _, tier, at, _ in published), key=lambda pair: pair[0].upper)
    listed = instrument(name, "")
    return ladder.Ladder(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=tuple(tier for tier, _ in pairs),
        rows=tuple(at for _, at in pairs),
        columns=(
            Column("upper", "/risk_limit", "settlement currency"),
            Column("initial", "/initial_rate", "rate"),
            Column("maintenance", "/maintenance_rate", "rate"),
            Column("deduction", "/deduction", "settlement currency"),
        ),
        usd=currency(listed, listed.settle),
    )


def _first_tier(payload: Payload, row: Row, at: str, tiered: set[str]) -> Iterator[ladder.Ladder]:
    """The contract's own leverage and maintenance rate hold up to its base risk limit.

    Its step and maximum look like a ladder but are deprecated and give a false one, so above the
    base limit nothing is known.
    """
    name = word(row, "name", at)
    if name in tiered or row.get("in_delisting") is True:
        return
    listed = instrument(name, at)
    tier = Tier(
        upper=positive(row, "risk_limit_base", at),
        initial_rate=ladder.inverse(positive(row, "leverage_max", at)),
        maintenance_rate=rate(row, "maintenance_rate", at),
    )
    yield ladder.Ladder(
        payload=payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=(tier,),
        rows=(at,),
        columns=(
            Column("upper", "/risk_limit_base", "settlement currency"),
            Column("initial", "/leverage_max", "leverage"),
            Column("maintenance", "/maintenance_rate", "rate"),
        ),
        usd=currency(listed, listed.settle),
        capacity=Known(positive(row, "risk_limit_max", at)),
        doubts=("first tier read from the contract's own leverage and base risk limit",),
        notes=("The recording has no tiers above the base risk limit: not observable there.",),
    )


def instrument(name: str, at: str) -> Instrument:
    """Take a name apart: BTC_USDT. Raises UnreadablePayloadError."""
    base, _, quote = name.rpartition("_")
    if not base or quote != "USDT":
        reason = f"BASE_USDT was due, was {name!r}"
        raise UnreadablePayloadError(where=f"{at}/name", reason=reason)
    return contract("gate", name, base=base, quote="USDT", settle="USDT")


ADAPTER = VenueAdapter(
    venue="gate",
    title="Gate",
    endpoints=(
        Endpoint(
            TIERS, "GET /futures/{settle}/risk_limit_tiers", Purpose.MARGIN, calls=Calls.PAGES
        ),
        Endpoint(CONTRACTS, "GET /futures/{settle}/contracts", Purpose.INSTRUMENTS),
        Endpoint("publicFuturesGetSettleTickers", "GET /futures/{settle}/tickers", Purpose.PRICES),
    ),
    parse=parse,
)

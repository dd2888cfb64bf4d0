"""Gate USDT perpetuals: risk-limit tiers, or only the first of them where the tiers are missing."""

from collections.abc import Iterator

from harmonize.instrument import Instrument, contract
from harmonize.payload import Column, Defect, Payload, Snapshot, UnreadablePayloadError
from harmonize.schedule import Known, MarginMode, Profile, Tier
from venues import ladder
from venues.adapter import Calls, Endpoint, Parsed, Purpose, VenueAdapter
from venues.facts import Facts
from venues.reading import Row, number, positive, rate, read_rows, word
from venues.scattered import Gathered, Scattered, gather
from venues.units import currency

TIERS = "publicFuturesGetSettleRiskLimitTiers"
CONTRACTS = "publicFuturesGetSettleContracts"


def parse(snapshot: Snapshot, facts: Facts) -> Parsed:
    """Read the tiers; a contract without tiers in the snapshot keeps its first tier alone."""
    defects: list[Defect] = []
    published = read_rows(snapshot.answers(TIERS), (), _tier, defects, symbol_key="contract")
    tiered = {*(one.symbol for one in published), *(one.symbol for one in defects)}

    def first(payload: Payload, row: Row, at: str) -> Iterator[ladder.Ladder]:
        return _first_tier(payload, row, at, tiered)

    found = [_ladder(one) for one in gather(published, defects)]
    found += read_rows(snapshot.answers(CONTRACTS), (), first, defects, symbol_key="name")
    return ladder.parsed(snapshot, found, facts, defects)


def _tier(payload: Payload, row: Row, at: str) -> Iterator[Scattered]:
    tier = Tier(
        upper=positive(row, "risk_limit", at),
        initial_rate=rate(row, "initial_rate", at),
        maintenance_rate=rate(row, "maintenance_rate", at),
        deduction=number(row, "deduction", at) if "deduction" in row else None,
    )
    name = word(row, "contract", at)
    instrument(name, at)
    yield Scattered(name, tier, at, payload)


def _ladder(found: Gathered) -> ladder.Ladder:
    listed = instrument(found.symbol, "")
    return ladder.Ladder(
        payload=found.payload,
        instrument=listed,
        profile=Profile(MarginMode.ANY),
        tiers=found.tiers,
        rows=found.rows,
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

"""Numbers of a schedule as the venue published them, before any conversion, to compare two nights."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from harmonize.core.payload import Call, Evidence, Origin, Snapshot, decode, resolve
from harmonize.core.schedule import MarginSchedule, value_of


class ColumnKind(StrEnum):
    """Kind of a published number, which decides how it may change from one night to the next."""

    AMOUNT = "amount"  # bounds, capacities, deductions
    RATE = "rate"  # margin rates, and slopes and exponents of formulas
    LEVERAGE = "leverage"
    OTHER = "other"  # identifiers, prices, open interest: these vary freely


_AMOUNT_UNITS = ("currency", "contracts", "coins", "usd", "usdc", "usdt", "xbt", "not stated")
NO_END = Decimal("1e15")
"""Size from which a number stands for "no end": no venue takes positions that large."""

PRICE = "price"
"""Part of the name of every factor and column that is a price."""

_FREE_QUANTITIES = (PRICE, "open interest", "funding", "table")


@dataclass(frozen=True, slots=True)
class PublishedColumn:
    """One quantity of a schedule with its values, one per tier; None where it is no number."""

    quantity: str
    unit: str
    kind: ColumnKind
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class PublishedPrice:
    """Price with which amounts were converted to USD, and its location.

    ``is_market`` marks an archived market price, which the venue did not publish.
    """

    name: str
    value: Decimal
    sha256: str
    pointer: str
    is_market: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """Published numbers of one schedule; ``contract_id`` is the venue's own.

    ``endpoint`` is the method of the call that published them: numbers of different endpoints are not
    comparable. ``sizes`` are the contract sizes and multipliers by name. ``capacity`` is in USD; None if
    it is unknown, or converted and therefore moves with the price. ``contested_at`` is the time of the
    first later observation that contradicted these numbers and was withheld.
    """

    contract_id: str
    observed_at: datetime
    endpoint: str
    columns: tuple[PublishedColumn, ...]
    sizes: tuple[tuple[str, Decimal], ...]
    prices: tuple[PublishedPrice, ...]
    capacity: Decimal | None = None
    contested_at: datetime | None = None

    def column(self, quantity: str) -> PublishedColumn | None:
        """Column of a quantity; None if the venue does not publish it."""
        return next((column for column in self.columns if column.quantity == quantity), None)


@dataclass(frozen=True, slots=True)
class Documents:
    """Decoded payloads of a snapshot and the calls that they answer, by SHA-256."""

    decoded: Mapping[str, object]
    calls: Mapping[str, Call]

    @classmethod
    def of(cls, snapshot: Snapshot, hashes: AbstractSet[str]) -> "Documents":
        """Decodes the payloads of a snapshot that ``hashes`` names."""
        named = [payload for payload in snapshot.payloads if payload.sha256 in hashes]
        decoded = {payload.sha256: decode(payload) for payload in named}
        return cls(decoded, {payload.sha256: payload.call for payload in snapshot.payloads})

    def get(self, sha256: str) -> object:
        """Returns a payload's document; None if it was not decoded."""
        return self.decoded.get(sha256)

    def endpoint(self, schedule: MarginSchedule) -> str:
        """Method of the call that published a schedule; empty if it is not in the snapshot."""
        call = self.calls.get(schedule.evidence[0].sha256)
        return call.method if call else ""


def evidence_hashes(schedules: Iterable[MarginSchedule]) -> set[str]:
    """Hashes of the payloads with the published numbers of schedules."""
    return {page.sha256 for schedule in schedules for page in _pages(schedule)}


def published_numbers(schedule: MarginSchedule, documents: Documents) -> Published:
    """Reads the published numbers of a schedule from its payloads, located by its evidence."""
    factors = [
        factor
        for page in schedule.evidence[:1]
        if page.conversion is not None
        for factor in page.conversion.factors
    ]
    pages = list(_pages(schedule))
    prices = [
        PublishedPrice(
            factor.name,
            factor.value,
            factor.sha256,
            factor.pointer,
            factor.origin is Origin.MARKET,
        )
        for factor in factors
        if PRICE in factor.name
    ]
    return Published(
        schedule.instrument.id,
        schedule.observed_at,
        documents.endpoint(schedule),
        tuple(_columns(pages, documents)),
        tuple((factor.name, factor.value) for factor in factors if PRICE not in factor.name),
        (*prices, *_prices_in_rows(pages, documents)),
        None if factors else value_of(schedule.capacity),
    )


def _prices_in_rows(pages: list[Evidence], documents: Documents) -> Iterator[PublishedPrice]:
    """Prices that stand in the rows of a schedule, which no conversion of its tiers names."""
    for page in pages:
        for column in page.columns:
            if PRICE in column.quantity:
                pointer = f"{page.rows[0]}{column.key}"
                for value in _numbers(documents.get(page.sha256), pointer):
                    if value:
                        yield PublishedPrice(column.quantity, value, page.sha256, pointer)


def _pages(schedule: MarginSchedule) -> Iterator[Evidence]:
    """Evidence of the published numbers, without payloads that only a conversion uses."""
    converting = {
        factor.name
        for page in schedule.evidence
        if page.conversion is not None
        for factor in page.conversion.factors
    }
    for page in schedule.evidence:
        if not {column.quantity for column in page.columns} & converting:
            yield page


def _columns(pages: list[Evidence], documents: Documents) -> Iterator[PublishedColumn]:
    names = dict.fromkeys(
        (column.quantity, column.unit) for page in pages for column in page.columns
    )
    for quantity, unit in names:
        values = tuple(
            value
            for page in pages
            for column in page.columns
            if (column.quantity, column.unit) == (quantity, unit)
            for pointer in page.rows
            for value in _numbers(documents.get(page.sha256), f"{pointer}{column.key}")
        )
        yield PublishedColumn(quantity, unit, column_kind(quantity, unit), values)


def column_kind(quantity: str, unit: str) -> ColumnKind:
    """Kind of a column by its quantity and unit, as the evidence of a schedule names them."""
    if unit == "id" or any(word in quantity for word in _FREE_QUANTITIES):
        return ColumnKind.OTHER
    if unit == "leverage":
        return ColumnKind.LEVERAGE
    words = unit.lower()
    if not words.startswith(("rate", "percent")) and words.endswith(_AMOUNT_UNITS):
        return ColumnKind.AMOUNT
    return ColumnKind.RATE


def _numbers(document: object, pointer: str) -> list[Decimal | None]:
    """Numbers at a pointer: one, or several where the venue writes a list into one field."""
    try:
        raw = resolve(document, pointer)
    except KeyError:
        return []
    if isinstance(raw, str) and "," in raw:
        return [as_number(part.strip()) for part in raw.split(",")]
    return [as_number(entry) for entry in (raw if isinstance(raw, list) else [raw])]


def as_number(raw: object) -> Decimal | None:
    """Number below ``NO_END``; None if ``raw`` is not one."""
    if isinstance(raw, str | int | Decimal) and not isinstance(raw, bool):
        try:
            value = Decimal(raw)
        except InvalidOperation:
            return None
        return value if value.is_finite() and abs(value) < NO_END else None
    return None

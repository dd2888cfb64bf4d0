"""Mark prices by contract, parsed only when a conversion to USD needs them."""

from collections.abc import Iterable
from dataclasses import dataclass

from harmonize.core.instrument import Instrument
from harmonize.core.payload import Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import Unknown
from venues.fields import JsonObject, build_defect, non_empty, read_rows, text_value
from venues.parsing.units import archived_price, read_factor

_PriceRow = tuple[Payload, JsonObject, str]
"""A payload, one of its rows, and the JSON pointer of the row."""


@dataclass(frozen=True, slots=True)
class MarkPrices:
    """Price rows by contract id. ``key`` is the price field, ``kind`` the name of the price."""

    key: str
    price_rows: dict[str, _PriceRow]
    defects: list[Defect]
    kind: str

    def price(
        self, snapshot: Snapshot, instrument: Instrument, payload: Payload
    ) -> Factor | Unknown:
        """Contract price in USD, or the price archived for its asset if the contract has no row.

        An unreadable price is a defect and is not replaced by an archived one.
        """
        price_row = self.price_rows.get(instrument.id)
        if price_row is None:
            return archived_price(snapshot, instrument.underlying.asset, payload.observed_at)
        source, row, pointer = price_row
        name = f"{self.kind} of {instrument.id}"
        try:
            return read_factor(source, name, row, self.key, pointer, "USD")
        except UnreadablePayloadError as error:
            unreadable = build_defect(source, error, instrument.id)
            if unreadable not in self.defects:
                self.defects.append(unreadable)
            return Unknown(f"the {name} cannot be read: {error}")


def read_prices(  # noqa: PLR0913 - a list, its fields and the name of its prices
    payloads: Iterable[Payload],
    keys: tuple[str, ...],
    fields: tuple[str, str],
    defects: list[Defect],
    *,
    kind: str = "mark price",
    has_other_reader: bool = False,
) -> MarkPrices:
    """Price row of every contract in a list; ``fields`` are the keys of contract id and price.

    ``has_other_reader`` states that another reader of the same rows reports their defects.
    """
    symbol_key, price_key = fields

    def build(payload: Payload, row: JsonObject, pointer: str) -> list[tuple[str, _PriceRow]]:
        return [(text_value(row, symbol_key, pointer), (payload, row, pointer))]

    unnamed: list[Defect] = [] if has_other_reader else defects
    rows = read_rows(non_empty(payloads, *keys), keys, build, unnamed, symbol_key)
    return MarkPrices(price_key, dict(rows), defects, kind)

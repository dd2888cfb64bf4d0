"""Mark prices by contract, each read only when a conversion into USD needs it."""

from collections.abc import Iterable
from dataclasses import dataclass

from harmonize.core.instrument import Instrument
from harmonize.core.payload import Defect, Factor, Payload, Snapshot, UnreadablePayloadError
from harmonize.core.schedule import Unknown
from venues.fields import Row, defect, filled, read_rows, word
from venues.parsing.units import archived_price, factor

_Place = tuple[Payload, Row, str]


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the price of each contract stands; ``key`` is the field that holds it."""

    key: str
    places: dict[str, _Place]
    defects: list[Defect]
    kind: str

    def price(self, snapshot: Snapshot, listed: Instrument, payload: Payload) -> Factor | Unknown:
        """Give a contract's price, or else the price archived for its asset.

        A price that cannot be read is a defect, and nothing stands in for it.
        """
        place = self.places.get(listed.id)
        if place is None:
            return archived_price(snapshot, listed.underlying.asset, payload.observed_at)
        source, row, at = place
        name = f"{self.kind} of {listed.id}"
        try:
            return factor(source, name, row, self.key, at, "USD")
        except UnreadablePayloadError as error:
            found = defect(source, error, listed.id)
            if found not in self.defects:
                self.defects.append(found)
            return Unknown(f"the {name} cannot be read: {error}")


def read(  # noqa: PLR0913 - a list, and what its prices are called
    payloads: Iterable[Payload],
    keys: tuple[str, ...],
    fields: tuple[str, str],
    defects: list[Defect],
    *,
    kind: str = "mark price",
    also_read: bool = False,
) -> Marks:
    """Find the price of every contract in a list; ``fields`` are those of its id and its price.

    ``also_read`` says that the rows are read for more than prices, and their defects found there.
    """
    symbol, price = fields

    def place(payload: Payload, row: Row, at: str) -> list[tuple[str, _Place]]:
        return [(word(row, symbol, at), (payload, row, at))]

    unnamed: list[Defect] = [] if also_read else defects
    rows = read_rows(filled(payloads, *keys), keys, place, unnamed, symbol)
    return Marks(price, dict(rows), defects, kind)

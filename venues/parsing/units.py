"""Contracts and coins into USD, with the price and the contract size named in the evidence."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from harmonize.core.instrument import AT_PAR_WITH_USD, Instrument
from harmonize.core.payload import (
    Conversion,
    Factor,
    Origin,
    Payload,
    Snapshot,
    UnreadablePayloadError,
    decode,
)
from harmonize.core.schedule import Unknown
from venues.fields import Row, mapping, positive, word

PRICE = "recordedPrice"
"""The call under which a price is archived that the venue's own recording does not hold."""


@dataclass(frozen=True, slots=True)
class ToUsd:
    """USD for one published unit, how it came about, and what in it is not the venue's word."""

    multiplier: Decimal
    conversion: Conversion
    derivation: str


def currency(instrument: Instrument, code: str) -> ToUsd | Unknown:
    """Convert amounts of the quote currency: one for one where it is pegged to the dollar."""
    if code in AT_PAR_WITH_USD:
        formula = "USD as published" if code == "USD" else f"1 {code} counts as 1 USD"
        return ToUsd(Decimal(1), Conversion(formula, ()), "")
    return Unknown(
        f"{instrument.symbol}: amounts are in {code}, which is not at par with USD, "
        "and the snapshot has no price for it"
    )


def coins(payload: Payload, price: Factor | Unknown) -> ToUsd | Unknown:
    """Convert amounts of the base coin at ``price``."""
    if isinstance(price, Unknown):
        return price
    return ToUsd(price.value, Conversion("coins × price", (price,)), _doubt(payload, (price,)))


def contracts(
    payload: Payload, sizes: tuple[Factor, ...], price: Factor | Unknown | None
) -> ToUsd | Unknown:
    """Convert contracts: × contract size (× multiplier) × price; no price if sizes are in USD."""
    if isinstance(price, Unknown):
        return price
    factors = (*sizes, price) if price else sizes
    multiplier = Decimal(1)
    for one in factors:
        multiplier *= one.value
    formula = " × ".join(["contracts", *(one.name for one in factors)])
    return ToUsd(multiplier, Conversion(formula, factors), _doubt(payload, factors))


def factor(payload: Payload, name: str, row: Row, key: str, at: str, unit: str) -> Factor:  # noqa: PLR0913, PLR0917 - the parts of an evidence
    """Read a price or a contract size, with the place it stands at. Raises as ``positive``."""
    pointer = f"{at}/{key}"
    value = positive(row, key, at)
    return Factor(
        name, value, unit, payload.sha256, pointer, payload.observed_at, payload.provenance.origin
    )


def archived_price(snapshot: Snapshot, asset: str, when: datetime) -> Factor | Unknown:
    """Find the price archived for ``asset`` nearest to ``when``; unknown when there is none."""
    found = [
        payload for payload in snapshot.answers(PRICE) if ("asset", asset) in payload.call.params
    ]
    if not found:
        return Unknown(f"the snapshot holds no price of {asset}")
    payload = min(found, key=lambda one: abs(one.observed_at - when))
    try:
        row = mapping(decode(payload), "")
        name = f"price of {asset} ({word(row, 'kind', '')}, {word(row, 'market', '')})"
        return factor(payload, name, row, "price", "", "USD")
    except UnreadablePayloadError as error:
        return Unknown(f"the archived price of {asset} cannot be read: {error}")


def _doubt(payload: Payload, factors: tuple[Factor, ...]) -> str:
    """Say why factors make the converted margin derived; empty when they do not.

    They do when they are of another day, or a market's price and not the venue's own.
    """
    day = payload.observed_at.date()
    foreign = [
        f"the {one.name} of {one.observed_at.date()}"
        for one in factors
        if one.observed_at.date() != day or one.origin is Origin.MARKET
    ]
    return f"amounts of {day} converted with {', '.join(foreign)}" if foreign else ""

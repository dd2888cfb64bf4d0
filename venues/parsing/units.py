"""Converts contracts and coins to USD and records the price and contract size as evidence."""

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
from venues.fields import JsonObject, json_object, positive_number, text_value

ARCHIVED_PRICE = "recordedPrice"
"""Call name of an archived market price, used if the venue's recording has no price."""


@dataclass(frozen=True, slots=True)
class UsdConversion:
    """USD per published unit, its calculation, and the derivation if a factor is not the venue's."""

    multiplier: Decimal
    conversion: Conversion
    derivation: str


def currency_to_usd(instrument: Instrument, code: str) -> UsdConversion | Unknown:
    """Conversion of amounts in a currency: one for one if it is pegged to the US dollar."""
    if code in AT_PAR_WITH_USD:
        formula = "USD as published" if code == "USD" else f"1 {code} counts as 1 USD"
        return UsdConversion(Decimal(1), Conversion(formula, ()), "")
    return Unknown(
        f"{instrument.symbol}: amounts are in {code}, which is not at par with USD, "
        "and the snapshot has no price for it"
    )


def coins_to_usd(payload: Payload, price: Factor | Unknown) -> UsdConversion | Unknown:
    """Conversion of amounts in the base coin at ``price``."""
    if isinstance(price, Unknown):
        return price
    return UsdConversion(
        price.value, Conversion("coins × price", (price,)), _derivation(payload, (price,))
    )


def contracts_to_usd(
    payload: Payload, sizes: tuple[Factor, ...], price: Factor | Unknown | None
) -> UsdConversion | Unknown:
    """Conversion of contracts: × contract size (× multiplier) × price; no price if sizes are in USD."""
    if isinstance(price, Unknown):
        return price
    factors = (*sizes, price) if price else sizes
    multiplier = Decimal(1)
    for term in factors:
        multiplier *= term.value
    formula = " × ".join(["contracts", *(term.name for term in factors)])
    return UsdConversion(multiplier, Conversion(formula, factors), _derivation(payload, factors))


def read_factor(  # noqa: PLR0913, PLR0917 - the parts of an evidence
    payload: Payload, name: str, row: JsonObject, key: str, pointer: str, unit: str
) -> Factor:
    """Price or contract size in the row at ``pointer``. Raises UnreadablePayloadError."""
    value = positive_number(row, key, pointer)
    return Factor(
        name,
        value,
        unit,
        payload.sha256,
        f"{pointer}/{key}",
        payload.observed_at,
        payload.provenance.origin,
    )


def archived_price(snapshot: Snapshot, asset: str, when: datetime) -> Factor | Unknown:
    """Archived price of ``asset`` nearest in time to ``when``; unknown if there is none."""
    prices = [
        payload
        for payload in snapshot.answers(ARCHIVED_PRICE)
        if ("asset", asset) in payload.call.params
    ]
    if not prices:
        return Unknown(f"the snapshot has no price of {asset}")
    payload = min(prices, key=lambda price: abs(price.observed_at - when))
    try:
        row = json_object(decode(payload), "")
        name = f"price of {asset} ({text_value(row, 'kind', '')}, {text_value(row, 'market', '')})"
        return read_factor(payload, name, row, "price", "", "USD")
    except UnreadablePayloadError as error:
        return Unknown(f"the archived price of {asset} cannot be read: {error}")


def _derivation(payload: Payload, factors: tuple[Factor, ...]) -> str:
    """Reason why a converted margin is derived; empty if the conversion is the venue's own.

    The reason is a factor observed on another day, or a market price instead of the venue's.
    """
    day = payload.observed_at.date()
    external = [
        f"the {term.name} of {term.observed_at.date()}"
        for term in factors
        if term.observed_at.date() != day or term.origin is Origin.MARKET
    ]
    return f"amounts of {day} converted with {', '.join(external)}" if external else ""

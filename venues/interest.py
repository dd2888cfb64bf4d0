"""Open interest where a venue's margin payloads happen to carry it: what weights are made of.

In USD at the price in the same payload. Each rule below was held against a second figure in the
recorded payload (a value beside the amount, or amount times price within the venue's size); no venue is
asked for anything more.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from harmonize.interest import Interest
from harmonize.payload import Payload, Snapshot, UnreadablePayloadError, decode

_Row = Mapping[str, Any]
_Found = tuple[str, Decimal, str]
"""The venue's id of a contract, its open interest in USD, and where the amount stands."""


def read(snapshot: Snapshot) -> tuple[Interest, ...]:
    """Read the open interest of a snapshot's contracts; none where its payloads carry none."""
    rule = _RULES.get(snapshot.venue)
    if rule is None:
        return ()
    method, rows = rule
    return tuple(
        Interest(snapshot.venue, name, amount, payload.observed_at, payload.sha256, pointer)
        for payload in snapshot.payloads
        if payload.call.method == method
        for name, amount, pointer in _sound(payload, rows)
    )


def _sound(payload: Payload, rows: Callable[[Any], Iterator[_Found]]) -> Iterator[_Found]:
    """What can be read; a payload of another shape carries nothing."""
    try:
        for name, amount, pointer in rows(decode(payload)):
            if amount.is_finite() and amount >= 0:
                yield name, amount, pointer
    except (UnreadablePayloadError, InvalidOperation, KeyError, TypeError, ValueError, IndexError):
        return


def _number(row: _Row, key: str) -> Decimal:
    return Decimal(str(row[key]))


def _dydx(document: Any) -> Iterator[_Found]:  # noqa: ANN401 - what a venue sent
    """Coins, at the oracle price."""
    for name, row in document["markets"].items():
        amount = _number(row, "openInterest") * _number(row, "oraclePrice")
        yield name, amount, f"/markets/{name}/openInterest"


def _hyperliquid(document: Any) -> Iterator[_Found]:  # noqa: ANN401 - as above
    """Coins, at the mark price; the second list goes with the names of the first."""
    meta, contexts = document
    for number, (coin, row) in enumerate(zip(meta["universe"], contexts, strict=True)):
        if row.get("markPx") is not None:
            amount = _number(row, "openInterest") * _number(row, "markPx")
            yield coin["name"], amount, f"/1/{number}/openInterest"


def _kraken(document: Any) -> Iterator[_Found]:  # noqa: ANN401 - as above
    """Dollars of an inverse contract (PI, FI), coins of a linear one at the mark price."""
    for number, row in enumerate(document["tickers"]):
        if "openInterest" in row and "markPrice" in row:
            price = 1 if row["symbol"].startswith(("PI_", "FI_")) else _number(row, "markPrice")
            yield (
                row["symbol"],
                _number(row, "openInterest") * price,
                f"/tickers/{number}/openInterest",
            )


def _kucoin(document: Any) -> Iterator[_Found]:  # noqa: ANN401 - as above
    """Lots times the multiplier, at the mark price; the multiplier of an inverse contract is −1 USD."""
    for number, row in enumerate(document["data"]):
        multiplier = _number(row, "multiplier")
        price = 1 if row["isInverse"] else _number(row, "markPrice")
        amount = _number(row, "openInterest") * abs(multiplier) * price
        yield row["symbol"], amount, f"/data/{number}/openInterest"


def _bitmart(document: Any) -> Iterator[_Found]:  # noqa: ANN401 - as above
    """A value in USDT stands beside the amount."""
    for number, row in enumerate(document["data"]["symbols"]):
        amount = _number(row, "open_interest_value")
        yield row["symbol"], amount, f"/data/symbols/{number}/open_interest_value"


def _bitmex(document: Any) -> Iterator[_Found]:  # noqa: ANN401 - as above
    """A value in the smallest unit of the settlement currency: 1e-6 USDT, or 1e-8 XBT at the mark price."""
    for number, row in enumerate(document):
        unit = {"USDt": Decimal("1e-6"), "XBt": Decimal("1e-8")}.get(row["settlCurrency"])
        if unit is None or (row["settlCurrency"] == "XBt" and not row["symbol"].startswith("XBT")):
            continue
        price = _number(row, "markPrice") if row["settlCurrency"] == "XBt" else 1
        yield row["symbol"], _number(row, "openValue") * unit * price, f"/{number}/openValue"


def _extended(document: Any) -> Iterator[_Found]:  # noqa: ANN401 - as above
    """A value in USD; the amount in coins stands beside it."""
    for number, row in enumerate(document["data"]):
        amount = _number(row["marketStats"], "openInterest")
        yield row["name"], amount, f"/data/{number}/marketStats/openInterest"


_RULES: Mapping[str, tuple[str, Callable[[Any], Iterator[_Found]]]] = MappingProxyType(
    {
        "bitmart": ("publicGetContractPublicDetails", _bitmart),
        "bitmex": ("publicGetInstrumentActive", _bitmex),
        "dydx": ("indexerGetPerpetualMarkets", _dydx),
        "extended": ("v1PublicGetInfoMarkets", _extended),
        "hyperliquid": ("publicPostInfo", _hyperliquid),
        "krakenfutures": ("publicGetTickers", _kraken),
        "kucoin": ("futuresPublicGetContractsActive", _kucoin),
    }
)

"""Reads open interest, the basis of weights, from margin payloads that carry it.

Amounts are in USD at the price in the same payload. Each rule below was checked against a second
number in the recorded payload. That number is a value next to the amount, or the amount times the
price compared with the venue's size. No additional calls are made. A row that cannot be read yields
no open interest; no margin depends on it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from harmonize.core.open_interest import OpenInterest
from harmonize.core.payload import Payload, Snapshot, UnreadablePayloadError, decode

_LARGEST = Decimal(10) ** 15  # USD; larger values are implausible as open interest
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

_Row = Any  # decoded JSON of unknown structure


@dataclass(frozen=True, slots=True)
class _OpenInterestRule:
    """Where a venue's open interest is, and how to read it.

    ``method`` is the call and ``rows`` its rows with JSON pointers. ``contract`` and ``amount``
    read the contract id and the amount in USD. ``key`` is the pointer of the amount in its row.
    """

    method: str
    rows: Callable[[Any], Iterable[tuple[str, _Row]]]
    contract: Callable[[_Row], str]
    amount: Callable[[_Row], Decimal | None]
    key: str


def read(snapshot: Snapshot) -> tuple[OpenInterest, ...]:
    """Open interest per contract of a snapshot; empty if its payloads carry none."""
    rule = _RULES.get(snapshot.venue)
    if rule is None:
        return ()
    return tuple(
        interest
        for payload in snapshot.payloads
        if payload.call.method == rule.method
        for interest in _read_payload(payload, rule)
    )


def _read_payload(payload: Payload, rule: _OpenInterestRule) -> Iterator[OpenInterest]:
    try:
        rows = list(rule.rows(decode(payload)))
    except (UnreadablePayloadError, *_UNREADABLE):
        return
    for pointer, row in rows:
        try:
            contract, amount = rule.contract(row), rule.amount(row)
            is_plausible = amount is not None and amount.is_finite() and 0 <= amount <= _LARGEST
        except _UNREADABLE:
            continue
        if is_plausible and amount is not None and isinstance(contract, str):
            where = f"{pointer}/{rule.key}"
            yield OpenInterest(
                payload.venue, contract, amount, payload.observed_at, payload.sha256, where
            )


def _number(row: _Row, key: str) -> Decimal:
    return Decimal(str(row[key]))


def _list_rows(*path: str) -> Callable[[Any], Iterator[tuple[str, _Row]]]:
    """Returns a reader of the rows of the list at ``path``, with their JSON pointers."""

    def rows(document: Any) -> Iterator[tuple[str, _Row]]:  # noqa: ANN401 - decoded JSON of unknown structure
        for step in path:
            document = document[step]
        pointer = "".join(f"/{step}" for step in path)
        return ((f"{pointer}/{number}", row) for number, row in enumerate(document))

    return rows


def _dydx_rows(document: Any) -> Iterator[tuple[str, _Row]]:  # noqa: ANN401 - as above
    return ((f"/markets/{name}", row) for name, row in document["markets"].items())


def _hyperliquid_rows(document: Any) -> Iterator[tuple[str, _Row]]:  # noqa: ANN401 - as above
    """Rows of the second list; their coin names are in the first list, in the same order."""
    meta, contexts = document
    for number, (coin, row) in enumerate(zip(meta["universe"], contexts, strict=True)):
        if isinstance(row, dict) and isinstance(coin, dict):
            yield f"/1/{number}", {**row, "name": coin.get("name")}


def _times_price(amount: str, price: str) -> Callable[[_Row], Decimal]:
    """Returns a reader of an amount in coins times the price in the same row."""
    return lambda row: _number(row, amount) * _number(row, price)


def _kraken(row: _Row) -> Decimal:
    """USD amount: inverse contracts (PI, FI) are in USD, linear ones in coins at the mark price."""
    is_inverse = row["symbol"].startswith(("PI_", "FI_"))
    return _number(row, "openInterest") * (1 if is_inverse else _number(row, "markPrice"))


def _kucoin(row: _Row) -> Decimal:
    """USD amount: lots × multiplier × mark price; an inverse contract has a multiplier of −1 USD."""
    price = 1 if row["isInverse"] else _number(row, "markPrice")
    return _number(row, "openInterest") * abs(_number(row, "multiplier")) * price


def _bitmex(row: _Row) -> Decimal | None:
    """USD amount from 1e-6 USDT, or 1e-8 XBT at the mark price; None for other currencies."""
    if row["settlCurrency"] == "USDt":
        return _number(row, "openValue").scaleb(-6)
    if row["settlCurrency"] == "XBt" and row["symbol"].startswith("XBT"):
        return _number(row, "openValue").scaleb(-8) * _number(row, "markPrice")
    return None


def _text_field(key: str) -> Callable[[_Row], str]:
    return lambda row: row[key]


_RULES: Mapping[str, _OpenInterestRule] = MappingProxyType(
    {
        "bitmart": _OpenInterestRule(
            "publicGetContractPublicDetails",
            _list_rows("data", "symbols"),
            _text_field("symbol"),
            lambda row: _number(row, "open_interest_value"),
            "open_interest_value",
        ),
        "bitmex": _OpenInterestRule(
            "publicGetInstrumentActive", _list_rows(), _text_field("symbol"), _bitmex, "openValue"
        ),
        "dydx": _OpenInterestRule(
            "indexerGetPerpetualMarkets",
            _dydx_rows,
            _text_field("ticker"),
            _times_price("openInterest", "oraclePrice"),
            "openInterest",
        ),
        "extended": _OpenInterestRule(
            "v1PublicGetInfoMarkets",
            _list_rows("data"),
            _text_field("name"),
            lambda row: _number(row["marketStats"], "openInterest"),
            "marketStats/openInterest",
        ),
        "hyperliquid": _OpenInterestRule(
            "publicPostInfo",
            _hyperliquid_rows,
            _text_field("name"),
            _times_price("openInterest", "markPx"),
            "openInterest",
        ),
        "krakenfutures": _OpenInterestRule(
            "publicGetTickers",
            _list_rows("tickers"),
            _text_field("symbol"),
            _kraken,
            "openInterest",
        ),
        "kucoin": _OpenInterestRule(
            "futuresPublicGetContractsActive",
            _list_rows("data"),
            _text_field("symbol"),
            _kucoin,
            "openInterest",
        ),
    }
)

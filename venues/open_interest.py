"""Open interest where a venue's margin payloads happen to carry it: what weights are made of.

In USD at the price in the same payload. Each rule below was held against a second figure in the
recorded payload (a value beside the amount, or amount times price within the venue's size); no venue is
asked for anything more. A row that cannot be read carries none; no margin depends on it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from harmonize.core.open_interest import OpenInterest
from harmonize.core.payload import Payload, Snapshot, UnreadablePayloadError, decode

_LARGEST = Decimal(10) ** 15  # USD; more is no open interest
_BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

_Row = Any  # what a venue sent


@dataclass(frozen=True, slots=True)
class _Rule:
    """The call that carries open interest, its rows with their pointers, and what a row says."""

    method: str
    rows: Callable[[Any], Iterable[tuple[str, _Row]]]
    contract: Callable[[_Row], str]
    amount: Callable[[_Row], Decimal | None]
    key: str


def read(snapshot: Snapshot) -> tuple[OpenInterest, ...]:
    """Read the open interest of a snapshot's contracts; none where its payloads carry none."""
    rule = _RULES.get(snapshot.venue)
    if rule is None:
        return ()
    return tuple(
        one
        for payload in snapshot.payloads
        if payload.call.method == rule.method
        for one in _of(payload, rule)
    )


def _of(payload: Payload, rule: _Rule) -> Iterator[OpenInterest]:
    try:
        rows = list(rule.rows(decode(payload)))
    except (UnreadablePayloadError, *_BROKEN):
        return
    for pointer, row in rows:
        try:
            name, amount = rule.contract(row), rule.amount(row)
            sound = amount is not None and amount.is_finite() and 0 <= amount <= _LARGEST
        except _BROKEN:
            continue
        if sound and amount is not None and isinstance(name, str):
            where = f"{pointer}/{rule.key}"
            yield OpenInterest(
                payload.venue, name, amount, payload.observed_at, payload.sha256, where
            )


def _number(row: _Row, key: str) -> Decimal:
    return Decimal(str(row[key]))


def _listed(*path: str) -> Callable[[Any], Iterator[tuple[str, _Row]]]:
    """The rows of a list at a path, each with its pointer."""

    def rows(document: Any) -> Iterator[tuple[str, _Row]]:  # noqa: ANN401 - what a venue sent
        for step in path:
            document = document[step]
        pointer = "".join(f"/{step}" for step in path)
        return ((f"{pointer}/{number}", row) for number, row in enumerate(document))

    return rows


def _dydx_rows(document: Any) -> Iterator[tuple[str, _Row]]:  # noqa: ANN401 - as above
    return ((f"/markets/{name}", row) for name, row in document["markets"].items())


def _hyperliquid_rows(document: Any) -> Iterator[tuple[str, _Row]]:  # noqa: ANN401 - as above
    """The second list goes with the names of the first."""
    meta, contexts = document
    for number, (coin, row) in enumerate(zip(meta["universe"], contexts, strict=True)):
        if isinstance(row, dict):
            yield f"/1/{number}", {**row, "name": coin["name"]}


def _times_price(amount: str, price: str) -> Callable[[_Row], Decimal]:
    """Coins at the price beside them."""
    return lambda row: _number(row, amount) * _number(row, price)


def _kraken(row: _Row) -> Decimal:
    """Dollars of an inverse contract (PI, FI), coins of a linear one at the mark price."""
    inverse = row["symbol"].startswith(("PI_", "FI_"))
    return _number(row, "openInterest") * (1 if inverse else _number(row, "markPrice"))


def _kucoin(row: _Row) -> Decimal:
    """Lots times the multiplier, at the mark price; the multiplier of an inverse contract is −1 USD."""
    price = 1 if row["isInverse"] else _number(row, "markPrice")
    return _number(row, "openInterest") * abs(_number(row, "multiplier")) * price


def _bitmex(row: _Row) -> Decimal | None:
    """A value in the smallest unit of the settlement currency: 1e-6 USDT, or 1e-8 XBT at the mark price."""
    if row["settlCurrency"] == "USDt":
        return _number(row, "openValue").scaleb(-6)
    if row["settlCurrency"] == "XBt" and row["symbol"].startswith("XBT"):
        return _number(row, "openValue").scaleb(-8) * _number(row, "markPrice")
    return None


def _named(key: str) -> Callable[[_Row], str]:
    return lambda row: row[key]


_RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        "bitmart": _Rule(
            "publicGetContractPublicDetails",
            _listed("data", "symbols"),
            _named("symbol"),
            lambda row: _number(row, "open_interest_value"),
            "open_interest_value",
        ),
        "bitmex": _Rule(
            "publicGetInstrumentActive", _listed(), _named("symbol"), _bitmex, "openValue"
        ),
        "dydx": _Rule(
            "indexerGetPerpetualMarkets",
            _dydx_rows,
            _named("ticker"),
            _times_price("openInterest", "oraclePrice"),
            "openInterest",
        ),
        "extended": _Rule(
            "v1PublicGetInfoMarkets",
            _listed("data"),
            _named("name"),
            lambda row: _number(row["marketStats"], "openInterest"),
            "marketStats/openInterest",
        ),
        "hyperliquid": _Rule(
            "publicPostInfo",
            _hyperliquid_rows,
            _named("name"),
            _times_price("openInterest", "markPx"),
            "openInterest",
        ),
        "krakenfutures": _Rule(
            "publicGetTickers", _listed("tickers"), _named("symbol"), _kraken, "openInterest"
        ),
        "kucoin": _Rule(
            "futuresPublicGetContractsActive",
            _listed("data"),
            _named("symbol"),
            _kucoin,
            "openInterest",
        ),
    }
)

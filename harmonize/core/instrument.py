"""One contract on one venue, and the asset under it, by one name on every venue."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

AT_PAR_WITH_USD = frozenset({"BUSD", "FDUSD", "TUSD", "USD", "USD1", "USDC", "USDT"})
"""Currencies whose unit counts as one US dollar; the only list of them."""

_ALIASES = {"XBT": "BTC", "XDG": "DOGE"}
_SUFFIXED = {"SHIB1000": ("SHIB", 1000)}
_BUNDLES = re.compile(
    r"^(?P<count>10{3,9}|1M|k)(?P<asset>[A-Z\u0080-\uffff][A-Z0-9\u0080-\uffff]*)$"
)
_COUNTS = {"1M": 1_000_000, "k": 1000}


class Payoff(StrEnum):
    """What a contract pays in: the quote currency, the base coin, or a third one."""

    LINEAR = "linear"
    INVERSE = "inverse"
    QUANTO = "quanto"


@dataclass(frozen=True, slots=True)
class Underlying:
    """An asset, and how many of its coins one unit of the contract's base stands for."""

    asset: str
    multiplier: int = 1

    @classmethod
    def of(cls, base: str) -> "Underlying":
        """Name the asset behind a venue's base code: XBT is BTC, 1000PEPE and kPEPE are PEPE."""
        if base in _SUFFIXED:
            return cls(*_SUFFIXED[base])
        bundle = _BUNDLES.match(base)
        if bundle is None:
            return cls(_ALIASES.get(base, base))
        count = bundle["count"]
        return cls(bundle["asset"], _COUNTS.get(count) or int(count))


def asset_meant(code: str) -> str:
    """Name the asset that a person means: XBT is BTC, 1000PEPE and kPEPE are PEPE, btc is BTC."""
    named = Underlying.of(code).asset
    return named if named != code else Underlying.of(code.upper()).asset


@dataclass(frozen=True, slots=True)
class Instrument:
    """One contract on one venue. ``symbol`` is ccxt's unified one, ``id`` the venue's own."""

    venue: str
    symbol: str
    id: str
    underlying: Underlying
    quote: str
    settle: str
    payoff: Payoff
    expiry: date | None = None

    @property
    def perpetual(self) -> bool:
        """Whether the contract never expires."""
        return self.expiry is None


def contract(  # noqa: PLR0913 - one argument a part of the symbol
    venue: str,
    id_: str,
    *,
    base: str,
    quote: str,
    settle: str,
    expiry: date | None = None,
) -> Instrument:
    """Build an instrument from its codes, with the unified symbol ``BASE/QUOTE:SETTLE[-YYMMDD]``.

    XBT is written BTC, as ccxt does; bundles such as 1000PEPE keep their name in the symbol.
    """
    base, quote, settle = (_ALIASES.get(code, code) for code in (base, quote, settle))
    symbol = f"{base}/{quote}:{settle}"
    if expiry is not None:
        symbol += f"-{expiry:%y%m%d}"
    if settle == base:
        payoff = Payoff.INVERSE
    elif settle == quote or {settle, quote} <= AT_PAR_WITH_USD:
        payoff = Payoff.LINEAR
    else:
        payoff = Payoff.QUANTO
    return Instrument(venue, symbol, id_, Underlying.of(base), quote, settle, payoff, expiry)

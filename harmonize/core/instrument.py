"""Contract of one venue, and the name of its underlying asset, which is the same on every venue."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

AT_PAR_WITH_USD = frozenset({"BUSD", "FDUSD", "TUSD", "USD", "USD1", "USDC", "USDT"})
"""Currencies whose unit counts as one US dollar. No other module keeps such a list."""

_ALIASES = {"XBT": "BTC", "XDG": "DOGE"}
_SUFFIXED = {"SHIB1000": ("SHIB", 1000)}
_MULTIPLES = re.compile(
    r"^(?P<count>10{3,9}|1M|k)(?P<asset>[A-Z\u0080-\uffff][A-Z0-9\u0080-\uffff]*)$"
)
_COUNT_CODES = {"1M": 1_000_000, "k": 1000}


class Payoff(StrEnum):
    """Currency in which a contract settles: quote currency, base coin or a third currency."""

    LINEAR = "linear"
    INVERSE = "inverse"
    QUANTO = "quanto"


@dataclass(frozen=True, slots=True)
class Underlying:
    """Asset, and the number of its coins per unit of the contract's base currency."""

    asset: str
    multiplier: int = 1

    @classmethod
    def of(cls, base: str) -> "Underlying":
        """Returns the asset behind a venue's base code: XBT is BTC, 1000PEPE and kPEPE are PEPE."""
        if base in _SUFFIXED:
            return cls(*_SUFFIXED[base])
        multiple = _MULTIPLES.match(base)
        if multiple is None:
            return cls(_ALIASES.get(base, base))
        count = multiple["count"]
        return cls(multiple["asset"], _COUNT_CODES.get(count) or int(count))


def resolve_asset(code: str) -> str:
    """Returns the asset of a code that a user typed: XBT, btc are BTC; 1000PEPE, kPEPE are PEPE."""
    asset = Underlying.of(code).asset
    return asset if asset != code else Underlying.of(code.upper()).asset


@dataclass(frozen=True, slots=True)
class Instrument:
    """Contract of one venue. ``symbol`` is ccxt's unified symbol, ``id`` the venue's own."""

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
        """True if the contract never expires."""
        return self.expiry is None


def contract(  # noqa: PLR0913 - one argument per part of the symbol
    venue: str,
    id_: str,
    *,
    base: str,
    quote: str,
    settle: str,
    expiry: date | None = None,
) -> Instrument:
    """Returns an instrument with the unified symbol ``BASE/QUOTE:SETTLE[-YYMMDD]``.

    XBT becomes BTC, as in ccxt. Multiples such as 1000PEPE keep their name in the symbol.
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

"""Contract of one venue, and the name of its underlying asset, which is the same on every venue."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from types import MappingProxyType

from harmonize.core.asset_class import Classification, StatedClass, classify
from harmonize.text.suggest import is_one_slip

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


MAX_NAME_LENGTH = 64
NAME_PATTERN = r"^\S(.{0,62}\S)?$"
"""JSON Schema pattern of an asset name; ``is_asset_name`` also rejects unprintable characters."""

_MIN_SIMILAR_LENGTH = 3
"""Length of the shortest name for which a similar one is sought."""

_SPREADSHEET_ERRORS = frozenset(
    [
        "#BLOCKED!",
        "#CALC!",
        "#CONNECT!",
        "#DIV/0!",
        "#FIELD!",
        "#GETTING_DATA",
        "#N/A",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#REF!",
        "#SPILL!",
        "#UNKNOWN!",
        "#VALUE!",
    ]
)


def is_asset_name(text: str) -> bool:
    """Returns whether a text can name an underlying asset, as every part of the program reads it.

    A name has up to 64 printable characters and no space at either end. Control characters and
    those that reverse the direction of text are not printable. Errors of spreadsheets are no names.
    """
    return (
        0 < len(text) <= MAX_NAME_LENGTH
        and text.isprintable()
        and text == text.strip()
        and text.upper() not in _SPREADSHEET_ERRORS
    )


def is_evident(text: str, asset: str) -> bool:
    """Returns whether a text names an asset as it is or in small letters, which needs no note."""
    return asset in {text, text.upper()}


@dataclass(frozen=True, slots=True)
class AssetNames:
    """Names of the underlying assets that were observed, for names that users write.

    ``renamed`` gives the name of the asset for names that venues use or used for it.
    """

    names: frozenset[str] = frozenset()
    by_folded_name: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    renamed: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, names: Iterable[str], renamed: Mapping[str, str] = MappingProxyType({})
    ) -> "AssetNames":
        """Returns the index of names."""
        exact = frozenset(names)
        folded: dict[str, tuple[str, ...]] = {}
        for name in sorted(exact):
            folded[name.casefold()] = (*folded.get(name.casefold(), ()), name)
        return cls(exact, folded, renamed)

    def match(self, text: str) -> tuple[str, ...]:
        """Returns the assets that a text can mean: none, one, or several if it is ambiguous.

        An exact match takes precedence over one in another case, and both over a multiple or an
        alias: XBT is BTC, 1000PEPE and kPEPE are PEPE. A former name comes last: MATIC is POL.
        """
        plain, upper = Underlying.of(text).asset, Underlying.of(text.upper()).asset
        for name in (text, plain, upper, self.renamed.get(plain), self.renamed.get(upper)):
            if name is None:
                continue
            if name in self.names:
                return (name,)
            if found := self.by_folded_name.get(name.casefold()):
                return found
        return ()

    def similar(self, text: str) -> str:
        """Returns the name that is most similar to an unknown one; empty if none is similar.

        A similar name is one slip away: a letter more, less or other, or two exchanged. Names of
        assets are short, so that others are mere coincidence: COIN is not meant by bitcoin.
        """
        own = text.casefold()
        if not _MIN_SIMILAR_LENGTH <= len(own) <= MAX_NAME_LENGTH:
            return ""
        close = [name for name in self.by_folded_name if is_one_slip(own, name)]
        best = get_close_matches(own, close, 1, 0.0)
        return self.by_folded_name[best[0]][0] if best else ""


@dataclass(frozen=True, slots=True)
class Instrument:
    """Contract of one venue. ``symbol`` is ccxt's unified symbol, ``id`` the venue's own.

    ``stated_class`` is the class of the underlying that the venue states; None if it states none.
    ``asset_source`` is the source that names the asset behind the venue's code at the time of the
    observation; empty if the code alone names it. ``has_former_code`` tells that this code is one
    that the asset no longer has. ``order_book`` names an order book that several venues share; empty
    if the venue has its own.
    ``venue_closed_on`` is the day on which the venue closed; None if it is open.
    """

    venue: str
    symbol: str
    id: str
    underlying: Underlying
    quote: str
    settle: str
    payoff: Payoff
    expiry: date | None = None
    stated_class: StatedClass | None = None
    asset_source: str = ""
    has_former_code: bool = False
    order_book: str = ""
    venue_closed_on: date | None = None

    @property
    def classification(self) -> Classification:
        """Class of the underlying: by the venue's word, otherwise by its name."""
        underlying = self.underlying
        return classify(underlying.asset, underlying.multiplier, self.stated_class)

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

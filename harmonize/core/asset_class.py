"""Class of the asset under a contract: crypto-asset, share, metal, …, and what says so.

A venue's own word decides where it gives one. Otherwise the name does, by a list of tickers and by
habits of naming. Otherwise the class is not known: a name that no list contains is no crypto-asset.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from harmonize.core.tickers import AssetClass, TickerClasses, bundled


class ClassBasis(StrEnum):
    """What the class of an asset rests on."""

    VENUE = "venue's word"  # a field of the venue's answer
    LISTING = "venue's listings"  # what the venue listed by a date
    NAME = "naming habit"  # the name is that of a listed ticker with a usual prefix or suffix
    LIST = "list of tickers"
    NONE = "not known"


@dataclass(frozen=True, slots=True)
class StatedClass:
    """Class that a venue states, with the words that state it.

    ``by_default`` is True if nothing marks the contract: the venue may not have marked any yet, or a
    list of exceptions may lack it. Such a word does not hold against a name that says otherwise.
    """

    asset_class: AssetClass
    source: str
    basis: ClassBasis = ClassBasis.VENUE
    by_default: bool = False


@dataclass(frozen=True, slots=True)
class Classification:
    """Class of an asset, its basis, and the reason in words."""

    asset_class: AssetClass
    basis: ClassBasis
    reason: str

    @property
    def known(self) -> bool:
        """Whether the class is known."""
        return self.asset_class is not AssetClass.UNKNOWN

    def __str__(self) -> str:
        """Returns the class and the reason: ``equity (gate contract_type: stocks)``."""
        return f"{self.asset_class} ({self.reason})" if self.known else self.reason


@lru_cache(maxsize=8192)
def classify(name: str, multiplier: int = 1, stated: StatedClass | None = None) -> Classification:
    """Returns the class of an underlying by its name and by what the venue states of the contract.

    ``multiplier`` is the number of coins per unit: only crypto-assets are listed in multiples.
    """
    by_name = _by_name(name, multiplier, bundled())
    if stated is None:
        return by_name
    if by_name.known and by_name.asset_class is not AssetClass.CRYPTO:
        return _with_other_name(stated, by_name)
    if stated.asset_class is AssetClass.UNKNOWN:
        return _unknown(stated.source)
    return Classification(stated.asset_class, stated.basis, stated.source)


def _with_other_name(stated: StatedClass, by_name: Classification) -> Classification:
    """Class that a venue states of a contract whose name is that of no crypto-asset."""
    if stated.asset_class is AssetClass.UNKNOWN:
        return by_name
    if stated.asset_class is AssetClass.CRYPTO and stated.by_default:
        return _unknown(f"{stated.source}, but {by_name.reason}")
    if stated.asset_class is AssetClass.OTHER:
        reason = f"{stated.source}; {by_name.reason}"
        return Classification(by_name.asset_class, stated.basis, reason)
    return Classification(stated.asset_class, stated.basis, stated.source)


@dataclass(frozen=True, slots=True)
class _Habit:
    """Habit of writing a ticker, which the group ``stem`` contains."""

    pattern: re.Pattern[str]
    description: str


_HABITS = (
    _Habit(re.compile(r"^r(?P<stem>[A-Z].*)$"), "the prefix r of tokenized shares"),
    _Habit(re.compile(r"^(?P<stem>[A-Z][A-Z0-9]*)(x|on)$"), "a suffix of tokenized shares"),
    _Habit(re.compile(r"^(?P<stem>[A-Z0-9]{3,})(X|ON)$"), "a suffix of tokenized shares"),
    _Habit(re.compile(r"^(?P<stem>[A-Z0-9]+)[-_]?STOCK$"), "the suffix STOCK"),
    _Habit(re.compile(r"^(?P<stem>[A-Z0-9]{3,})USD[CT]?$"), "a price in dollars"),
)
_EXCHANGE_PREFIX = re.compile(r"^[A-Z0-9]{2,8}-(?P<stem>.+)$")
_PAIR = re.compile(r"^(?P<base>[A-Z]{3})[-_/]?(?P<quote>[A-Z]{3})$")
_DOLLAR = "USD"

_BINGX = re.compile(r"^NC(?P<kind>SK|CO|FX|SI)(?P<stem>.+)$")
_BINGX_CLASSES = {
    "SK": AssetClass.EQUITY,
    "CO": AssetClass.COMMODITY,
    "FX": AssetClass.CURRENCY,
    "SI": AssetClass.INDEX,
}
"""Classes in names such as NCSKTSLA2USD. Source: names of BingX contracts on other than crypto-assets."""


def _by_name(name: str, multiplier: int, tickers: TickerClasses) -> Classification:
    """Class by the name alone: its ticker, then habits of naming with the ticker inside."""
    classes = tickers.classes(name)
    if len(classes) > 1 and AssetClass.CRYPTO in classes:
        if multiplier > 1:
            reason = f"{name} in multiples is a crypto-asset"
            return Classification(AssetClass.CRYPTO, ClassBasis.LIST, reason)
        return _unknown(f"the ticker {name} is that of a crypto-asset and of another asset")
    if classes:
        (asset_class,) = classes[:1]
        reason = f"{name} in the list of tickers"
        return Classification(asset_class, ClassBasis.LIST, reason)
    return (
        _currency_pair(name, tickers)
        or _behind_prefix(name, tickers)
        or _by_habit(name, tickers)
        or _unknown(f"no venue's word and no list states the class of {name}")
    )


def _unknown(reason: str) -> Classification:
    return Classification(AssetClass.UNKNOWN, ClassBasis.NONE, reason)


def _currency_pair(name: str, tickers: TickerClasses) -> Classification | None:
    match = _PAIR.match(name)
    if match is None:
        return None
    codes = (match["base"], match["quote"])
    if all(code == _DOLLAR or tickers.is_a(code, AssetClass.CURRENCY) for code in codes):
        reason = f"{name} is a pair of currencies"
        return Classification(AssetClass.CURRENCY, ClassBasis.NAME, reason)
    return None


def _by_habit(name: str, tickers: TickerClasses) -> Classification | None:
    """Class of the ticker inside a name; None if no habit leads to a listed ticker."""
    coded = _BINGX.match(name)
    if coded:
        reason = f"{name} has the prefix NC{coded['kind']}"
        return Classification(_BINGX_CLASSES[coded["kind"]], ClassBasis.NAME, reason)
    for habit in _HABITS:
        match = habit.pattern.match(name)
        asset_class = _class_of_stem(match["stem"], tickers) if match else None
        if match and asset_class is not None:
            reason = f"{name} is {match['stem']} with {habit.description}"
            return Classification(asset_class, ClassBasis.NAME, reason)
    return None


def _class_of_stem(stem: str, tickers: TickerClasses) -> AssetClass | None:
    """Class other than crypto under which a ticker is listed; None if there is none.

    The habits are those of names of shares and metals, so a crypto-asset's ticker is not meant.
    """
    classes = (found for found in tickers.classes(stem) if found is not AssetClass.CRYPTO)
    return next(classes, None)


def _behind_prefix(name: str, tickers: TickerClasses) -> Classification | None:
    """Class of a name such as XYZ-TSLA, whose prefix is an exchange; None if the name has none.

    Such an exchange lists what it likes: of crypto-assets, only an unmistakable ticker counts.
    """
    match = _EXCHANGE_PREFIX.match(name)
    if match is None:
        return None
    stem = match["stem"]
    if AssetClass.CRYPTO in tickers.classes(stem) and not tickers.is_unmistakable(stem):
        return _unknown(
            f"{stem} of an exchange of its own may be another asset than the crypto-asset"
        )
    inner = _by_name(stem, 1, tickers)
    if not inner.known:
        return inner
    reason = f"{name} is {stem} with an exchange's prefix"
    return Classification(inner.asset_class, ClassBasis.NAME, reason)

"""Reads the tickers whose class is known from ``tickers.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from harmonize.core.yaml_source import YamlSource, YamlSourceError, parse_yaml


class AssetClass(StrEnum):
    """Class of the asset under a contract."""

    CRYPTO = "crypto"
    EQUITY = "equity"
    FUND = "fund"
    INDEX = "index"
    COMMODITY = "commodity"
    CURRENCY = "currency"
    OTHER = "other"  # no crypto-asset; the venue does not say which class
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TickerClasses:
    """Classes by ticker, and the tickers that only one asset has."""

    by_ticker: Mapping[str, tuple[AssetClass, ...]]
    unmistakable: frozenset[str]

    def classes(self, ticker: str) -> tuple[AssetClass, ...]:
        """Returns the classes of the assets with a ticker, in file order; empty if none is listed."""
        return self.by_ticker.get(ticker, ())

    def is_a(self, ticker: str, asset_class: AssetClass) -> bool:
        """Returns whether a ticker is listed in a class and in no other."""
        return self.classes(ticker) == (asset_class,)

    def is_unmistakable(self, ticker: str) -> bool:
        """Returns whether no asset but the listed one has the ticker."""
        return ticker in self.unmistakable


_KEYS = frozenset({"class", "everywhere", "source", "tickers"})


@cache
def bundled() -> TickerClasses:
    """Returns the tickers that ship with the package."""
    text = files("harmonize.core").joinpath("tickers.yaml").read_text(encoding="utf-8")
    return parse(text, "tickers.yaml")


def parse(text: str, name: str) -> TickerClasses:
    """Reads tickers from YAML. Raises YamlSourceError with file:line:column and the problem."""
    source = parse_yaml(text, name)
    rows = source.value if isinstance(source.value, list) else []
    by_ticker: dict[str, tuple[AssetClass, ...]] = {}
    unmistakable: set[str] = set()
    for index, row in enumerate(rows):
        asset_class, is_everywhere, tickers = _group(source, index, row)
        for ticker in tickers:
            others = by_ticker.get(ticker, ())
            by_ticker[ticker] = others if asset_class in others else (*others, asset_class)
        unmistakable.update(tickers if is_everywhere else ())
    return TickerClasses(MappingProxyType(by_ticker), frozenset(unmistakable))


def _group(source: YamlSource, index: int, row: object) -> tuple[AssetClass, bool, list[str]]:
    line, column = source.place((index,))
    if not isinstance(row, dict) or set(row) != _KEYS:
        reason = f"expected exactly the keys {', '.join(sorted(_KEYS))}"
        raise YamlSourceError(source.name, line, column, reason)
    try:
        asset_class = AssetClass(str(row["class"]))
    except ValueError:
        reason = f"class: expected one of {', '.join(AssetClass)}; found {row['class']!r}"
        raise YamlSourceError(source.name, line, column, reason) from None
    return asset_class, row["everywhere"] is True, str(row["tickers"]).split()

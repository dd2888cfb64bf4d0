"""Reads the asset of a position from a pair, a contract id or a name in another case."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from harmonize.core.instrument import AT_PAR_WITH_USD, AssetNames, Payoff, Underlying
from harmonize.core.schedule import MarginSchedule

_QUOTES = tuple(sorted({*AT_PAR_WITH_USD, "USDE", "EUR", "USDTM", "USDCM", "USDM"}, key=len))[::-1]
_PREFIXES = re.compile(r"^(?:PF|PI|FF|FI|FV|PV)_", re.IGNORECASE)
_WORDS = frozenset({"SWAP", "PERP", "PERPETUAL", "PERPETUALS", "FUTURES", "FUTURE", "LINEAR"})
_DATE = re.compile(r"^(?:[0-9]{6}|[0-9]{8}|[0-9]{1,2}[A-Z]{3}[0-9]{2,4}|[FGHJKMNQUVXZ][0-9]{2})$")
_SPLIT = re.compile(r"[-_/:@. ]+")
_MAX_PARTS = 6
_PARTS_WITH_SETTLEMENT = 3  # base, quote and the currency of settlement


@dataclass(frozen=True, slots=True)
class ContractNames:
    """Underlyings of the schedules read, and the underlyings behind their ids and symbols.

    ``in_contracts`` are ids and symbols of contracts whose quantity is known not to be in coins.
    """

    assets: AssetNames
    contracts: Mapping[str, frozenset[Underlying]]
    in_contracts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, schedules: Iterable[MarginSchedule], assets: AssetNames) -> "ContractNames":
        """Returns the names in schedules; ``assets`` are all observed underlyings."""
        contracts: dict[str, set[Underlying]] = {}
        in_contracts: set[str] = set()
        for schedule in schedules:
            instrument = schedule.instrument
            for name in (instrument.id.casefold(), instrument.symbol.casefold()):
                contracts.setdefault(name, set()).add(instrument.underlying)
                if _trades_in_contracts(schedule):
                    in_contracts.add(name)
        found = {name: frozenset(own) for name, own in contracts.items()}
        return cls(assets, found, frozenset(in_contracts))


def _trades_in_contracts(schedule: MarginSchedule) -> bool:
    """Whether a contract is inverse, or its bounds are converted with a contract size other than 1."""
    conversion = schedule.evidence[0].conversion
    sizes = [f.value for f in conversion.factors if "price" not in f.name] if conversion else []
    return schedule.instrument.payoff is not Payoff.LINEAR or any(size != 1 for size in sizes)


@dataclass(frozen=True, slots=True)
class NameReading:
    """Asset that a cell names, with coins per unit; ``problem`` states why there is none."""

    underlying: Underlying
    problem: str = ""


def read_name(text: str, known: ContractNames) -> NameReading:
    """Returns the asset that the text of a cell means.

    An observed asset takes precedence, then the id or symbol of an observed contract, then the base
    of a pair. A text that looks like none of them is an asset that was not observed.
    """
    itself = Underlying(text)
    match = known.assets.match(text)
    if len(match) == 1:
        is_multiple = text not in known.assets.names and Underlying.of(text).asset == match[0]
        return NameReading(
            Underlying(match[0], Underlying.of(text).multiplier if is_multiple else 1)
        )
    if len(match) > 1:
        return NameReading(itself, f"{text} is ambiguous; write {' or '.join(match)}")
    contracts = known.contracts.get(text.casefold(), frozenset())
    candidates = contracts or observed_bases(text, known.assets)
    assets = sorted({underlying.asset for underlying in candidates})
    if len(assets) > 1:
        return NameReading(itself, f"{text} is ambiguous; write {' or '.join(assets)}")
    if assets:
        multipliers = {underlying.multiplier for underlying in candidates}
        return NameReading(Underlying(assets[0], multipliers.pop() if len(multipliers) == 1 else 0))
    bases = [base for base in dict.fromkeys(_bases(text)) if base != text]
    if bases:
        example = known.assets.similar(bases[0]) or "BTC"
        problem = (
            f"no schedule of {text} or {bases[0]} was observed; write the asset, such as {example}"
        )
        return NameReading(itself, problem)
    return NameReading(itself)


def observed_bases(text: str, assets: AssetNames) -> frozenset[Underlying]:
    """Returns the observed assets that can be the base of a pair."""
    found = set()
    for base in _bases(text):
        for asset in assets.match(base):
            found.add(Underlying(asset, Underlying.of(base).multiplier))
    return frozenset(found)


def _bases(text: str) -> Iterator[str]:
    """Yields the texts that can be the base of a pair or of the id of a contract."""
    if text.upper() in AT_PAR_WITH_USD:  # BUSD is no contract on B
        return
    rest = _PREFIXES.sub("", text)
    parts = [part for part in _SPLIT.split(rest) if part][:_MAX_PARTS]
    upper = [part.upper() for part in parts]
    if len(parts) >= _PARTS_WITH_SETTLEMENT and upper[-1] == upper[0]:  # ETH/USD:ETH
        parts, upper = parts[:-1], upper[:-1]
    while len(parts) > 1 and (
        upper[-1] in _WORDS or upper[-1] in _QUOTES or _DATE.fullmatch(upper[-1])
    ):
        parts, upper = parts[:-1], upper[:-1]
    if len(parts) > 1:
        return
    base = parts[0] if parts else ""
    if base and base != text:
        yield base
    for suffix in ("PERP", "SWAP"):
        if base.upper().endswith(suffix) and len(base) > len(suffix):
            base = base[: -len(suffix)]
            yield base
    for quote in _QUOTES:
        if base.upper().endswith(quote) and len(base) > len(quote):
            yield base[: -len(quote)]

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

import pytest

from harmonize.core import yaml_source
from harmonize.core.schedule import INFINITY, MarginFunction, Piece, deductions, flat, marginal
from harmonize.numerics.panel import panel
from tests.support.paths import VECTORS

VECTORS = VECTORS / "worked_examples.yaml"
ONE_IN_A_TRILLION = Decimal("1e-12")  # what floating point may lose of an exact amount
STANDINGS = {"printed", "live", "second-hand", "computed"}


@dataclass(frozen=True, slots=True)
class Example:
    """What was asked of which rule, and what its source answers."""

    name: str
    source: str
    standing: str
    tiers: tuple[tuple[Decimal, Decimal], ...]
    function: MarginFunction
    ask: str
    at: Decimal
    expect: Decimal
    tolerance: Decimal
    disagrees: Decimal

    def answer(self) -> Decimal:
        """What this tool answers."""
        if self.ask == "deduction":
            return deductions(*zip(*self.tiers, strict=True))[int(self.at) - 1]
        margin = Decimal(repr(panel([self.function]).at(0, float(self.at))))
        return margin / self.at if self.ask == "rate" else margin


def number(read: object) -> Decimal:
    if read == "open":
        return INFINITY
    assert isinstance(read, int | Decimal), read
    return Decimal(read)


def example(row: object) -> Example:
    assert isinstance(row, dict)
    tiers = tuple((number(upper), number(rate)) for upper, rate in row.get("tiers", ()))
    if row["rule"] == "pieces":
        pieces = [{key: number(one) for key, one in piece.items()} for piece in row["pieces"]]
        function = MarginFunction(tuple(Piece(**piece) for piece in pieces))
    else:
        function = {"flat": flat, "marginal": marginal}[row["rule"]](*zip(*tiers, strict=True))
    (at,) = row["at"]
    return Example(
        name=row["name"],
        source=row["source"],
        standing=row["standing"],
        tiers=tiers,
        function=function,
        ask=row["ask"],
        at=number(at),
        expect=number(row["expect"]),
        tolerance=number(row["tolerance"]),
        disagrees=number(row["disagrees"]["by"]) if "disagrees" in row else Decimal(0),
    )


def examples() -> list[Example]:
    read = yaml_source.read(VECTORS.read_text("utf-8"), VECTORS.name).value
    assert isinstance(read, list)
    return [example(row) for row in read]


@pytest.mark.parametrize("one", examples(), ids=lambda one: one.name)
def test_what_a_venue_prints_follows_from_its_rule(one: Example) -> None:
    """Or misses it by the amount that the example states."""
    allowed = one.tolerance + ONE_IN_A_TRILLION * abs(one.expect)
    missed = one.expect - one.answer()
    assert abs(missed - one.disagrees) <= allowed
    assert not one.disagrees or abs(missed) > allowed


def test_every_example_names_its_source_and_standing() -> None:
    assert all(one.source and one.standing in STANDINGS for one in examples())
    assert not [
        name for name, count in Counter(one.name for one in examples()).items() if count > 1
    ]


def test_every_venue_with_a_published_amount_has_an_example() -> None:
    venues = {one.name.partition("-")[0] for one in examples()}
    assert venues == {
        "binance",
        "bybit",
        "deribit",
        "dydx",
        "gate",
        "htx",
        "hyperliquid",
        "krakenfutures",
        "kucoin",
        "mexc",
        "okx",
    }

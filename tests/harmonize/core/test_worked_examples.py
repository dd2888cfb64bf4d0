from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

import pytest

from harmonize.core import yaml_source
from harmonize.core.schedule import INFINITY, MarginFunction, Piece, deductions, flat, marginal
from harmonize.numerics.panel import build_panel
from tests.support.paths import VECTORS

VECTORS = VECTORS / "worked_examples.yaml"
RELATIVE = Decimal("1e-12")  # error of floating point, relative to an exact amount
STANDINGS = {"printed", "live", "second-hand", "computed"}


@dataclass(frozen=True, slots=True)
class Example:
    """Worked example of a venue: its tiers, the quantity in question and the published result."""

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
        """Result of this tool."""
        if self.ask == "deduction":
            return deductions(*zip(*self.tiers, strict=True))[int(self.at) - 1]
        margin = Decimal(repr(build_panel([self.function]).at(0, float(self.at))))
        return margin / self.at if self.ask == "rate" else margin


def number(value: object) -> Decimal:
    if value == "open":
        return INFINITY
    assert isinstance(value, int | Decimal), value
    return Decimal(value)


def parse_example(row: object) -> Example:
    assert isinstance(row, dict)
    tiers = tuple((number(upper), number(rate)) for upper, rate in row.get("tiers", ()))
    if row["rule"] == "pieces":
        pieces = [{key: number(term) for key, term in piece.items()} for piece in row["pieces"]]
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


def load_examples() -> list[Example]:
    rows = yaml_source.parse_yaml(VECTORS.read_text("utf-8"), VECTORS.name).value
    assert isinstance(rows, list)
    return [parse_example(row) for row in rows]


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.name)
def test_published_results_follow_from_the_rule(example: Example) -> None:
    """Where the example states a disagreement, the result differs by exactly that amount."""
    allowed = example.tolerance + RELATIVE * abs(example.expect)
    difference = example.expect - example.answer()
    assert abs(difference - example.disagrees) <= allowed
    assert not example.disagrees or abs(difference) > allowed


def test_every_example_names_its_source_and_standing() -> None:
    assert all(example.source and example.standing in STANDINGS for example in load_examples())
    assert not [
        name
        for name, count in Counter(example.name for example in load_examples()).items()
        if count > 1
    ]


def test_every_venue_with_a_published_amount_has_an_example() -> None:
    venues = {example.name.partition("-")[0] for example in load_examples()}
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

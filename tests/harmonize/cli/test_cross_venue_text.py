"""Numbers in terminal tables: the report's form, with every digit that a table needs."""

from dataclasses import replace

import pytest

from harmonize.cli.cross_venue_text import spreads_text
from harmonize.text import numbers
from tests.support.sample_documents import sample

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 / 150, f"0.6667{SPACE}%"),
        (0.0067, f"0.67{SPACE}%"),
        (0.004, f"0.4{SPACE}%"),
        (0.02, f"2.0{SPACE}%"),
        (0.123456, f"12.35{SPACE}%"),
        (-0.05, f"−5.0{SPACE}%"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_a_rate_looks_as_in_the_report(value: float | None, text: str) -> None:
    assert numbers.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(3959.244, "3,959.24"), (-0.5, "−0.50"), (0.0, "0.00"), (None, "–")]
)
def test_an_amount_is_written_to_the_cent(value: float | None, text: str) -> None:
    assert numbers.amount(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(200 / 3, "66.67×"), (10.0, "10×"), (125.0, "125×"), (None, "–")]
)
def test_a_leverage_has_four_significant_digits(value: float | None, text: str) -> None:
    assert numbers.precise_leverage(value) == text


def test_a_single_venue_is_counted_in_the_singular() -> None:
    spread = replace(sample().spreads[0], venues=("okx",))
    assert ", 1 venue, " in spreads_text([spread]).splitlines()[0]

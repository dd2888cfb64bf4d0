"""Modelled numbers in a terminal: two significant digits, with their sign."""

import pytest

from harmonize.cli import stress_numbers


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (736_412_000.0, "$740m"),
        (-27_600_000.0, "−$28m"),
        (1_139_000_000.0, "$1.1bn"),
        (996_000.0, "$1m"),
        (0.0, "$0"),
        (1e-10, "$0"),
        (None, "–"),
    ],
)
def test_amounts_have_two_digits(amount: float | None, text: str) -> None:
    assert stress_numbers.usd(amount) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0004329, "0.043 %"),
        (0.08831, "8.8 %"),
        (0.4801, "48 %"),
        (-0.0057, "−0.57 %"),
        (-0.8673, "−87 %"),
        (3e-6, "<0.001 %"),
        (1e-15, "0 %"),
        (None, "–"),
    ],
)
def test_rates_have_two_digits(value: float | None, text: str) -> None:
    assert stress_numbers.rate(value) == text


def test_a_change_has_its_sign_and_no_change_has_none() -> None:
    assert [stress_numbers.signed_usd(own) for own in (1.25e8, -1.26e8, 0.001, 0.0)] == [
        "+$120m",
        "−$130m",
        "$0",
        "$0",
    ]
    rates = [stress_numbers.signed_rate(own) for own in (0.00157, -0.00157, 1e-16)]
    assert rates == ["+0.16 %", "−0.16 %", "0 %"]


@pytest.mark.parametrize(
    ("move", "shock", "text"),
    [(0.10573, 0.1, "10.57 %"), (0.18617, 0.1, "18.6 %"), (0.1, 0.1, "10.0 %")],
)
def test_a_move_has_two_digits_beyond_its_shock(move: float, shock: float, text: str) -> None:
    assert stress_numbers.move(move, shock) == text

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
    [
        (0.10573, 0.1, "10.57 %"),
        (0.18617, 0.1, "18.6 %"),
        (0.1, 0.1, "10.0 %"),
        (0.31592, 0.2, "31.6 %"),
        (0.1423, 0.1423, "14.23 %"),
        (0.1297527, 0.123, "12.975 %"),
        (0.0053123, 0.005, "0.531 %"),
        (0.0105, 0.0, "1.1 %"),
        (0.123456, 0.0, "12.3 %"),
    ],
)
def test_a_move_has_two_digits_or_tenths_of_points(move: float, shock: float, text: str) -> None:
    assert stress_numbers.move(move, shock) == text


@pytest.mark.parametrize("shock", [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.123])
@pytest.mark.parametrize("ratio", [1.0, 1.00312, 1.0549, 1.5796, 1.64692, 1.86499, 2.34501, 3.2])
def test_a_printed_move_over_its_shock_is_the_printed_ratio(shock: float, ratio: float) -> None:
    printed = float(stress_numbers.move(shock * ratio, shock).removesuffix(" %"))
    assert f"{printed / 100 / shock:.2f}" == stress_numbers.amplification(ratio)
    assert printed / 100 == pytest.approx(shock * ratio, abs=5e-4)

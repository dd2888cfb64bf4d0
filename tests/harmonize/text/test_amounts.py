"""Amounts as people write them."""

import pytest

from harmonize.text.amounts import AmountError, parse_usd


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("5m", 5e6),
        ("250k", 250e3),
        ("1bn", 1e9),
        ("1b", 1e9),
        ("2tn", 2e12),
        ("1.5m", 1.5e6),
        (".5M", 5e5),
        ("$250K", 250e3),
        ("1.1m", 1_100_000.0),
        ("0.07k", 70.0),
        ("5_000_000", 5e6),
        ("5e6", 5e6),
        ("1.25E+6", 1.25e6),
        ("100", 100.0),
        ("-3k", -3000.0),
        (7.5, 7.5),
        (10, 10.0),
    ],
)
def test_an_amount_has_the_value_that_it_is_read_aloud_with(
    text: str | float, amount: float
) -> None:
    assert parse_usd(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        *("", "m", "five", "5 m", "5.", ".", "1,5m", "5mm", "5million", "5x", "nan", "inf"),
        *(
            "1e",
            "1e5m",
            "5_",
            "_5",
            "5__0",
            "0x10",
            "--5",
            "\N{ARABIC-INDIC DIGIT FIVE}m",
            "5\n",
            "9" * 50,
        ),
    ],
)
def test_other_text_is_no_amount(text: str) -> None:
    with pytest.raises(AmountError, match="expected an amount in USD such as 5m, 250k, 1bn"):
        parse_usd(text)


def test_the_message_states_the_fix() -> None:
    with pytest.raises(AmountError, match=r"found '5,000,000'; use underscores .*: 5_000_000$"):
        parse_usd("5,000,000")
    with pytest.raises(AmountError, match="use k, m, bn or tn instead of million"):
        parse_usd("5million")
    with pytest.raises(AmountError, match=r"found '9{39}…'"):
        parse_usd("9" * 60)

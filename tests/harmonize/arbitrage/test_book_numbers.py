"""Amounts as people write them: one reading, or both readings named."""

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.arbitrage.book_numbers import (
    AmountError,
    decimal_comma,
    decimal_mark,
    is_usd,
    parse_amount,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("100", "100", ""),
        ("100.50", "100.50", ""),
        (" 250_000 ", "250000", ""),
        ("1e6", "1000000", ""),
        ("2.5E+3", "2500", ""),
        ("0,5", "0.5", ""),
        ("0.500", "0.5", ""),
        ("0,500", "0.5", ""),
        (".5", "0.5", ""),
        ("100.", "100", ""),
        ("1234.567", "1234.567", ""),
        ("100000,50", "100000.5", ""),
        ("3,050.00 USDT", "3050", "USDT"),
        ("$1,000", "1000", "$"),
        ("-$1,000", "-1000", "$"),
        ("$-1,000.5", "-1000.5", "$"),
        ("US$ 1,000.00", "1000", "US$"),
        ("USDT 12.5", "12.5", "USDT"),
        ("12.5USDC", "12.5", "USDC"),
        ("0.5 BTC", "0.5", "BTC"),
        ("-0.5 BTC", "-0.5", "BTC"),
        ("500 1000PEPE", "500", "1000PEPE"),
        ("1 000,50", "1000.5", ""),
        ("1\u00a0000,50", "1000.5", ""),
        ("1\u202f234\u202f567", "1234567", ""),
        ("1'000.50", "1000.5", ""),
        ("1.234.567,89", "1234567.89", ""),
        ("1,234,567.89", "1234567.89", ""),
        ("1.234.567", "1234567", ""),
        ("1,234,567", "1234567", ""),
        ("\u2212100", "-100", ""),
        ("+100", "100", ""),
        ("(1,000.00)", "-1000", ""),
        ("5m", "5", "m"),
        ("100 %", "100", "%"),
        ("100 €", "100", "€"),
    ],
)
def test_an_amount_has_one_reading(text: str, number: str, unit: str) -> None:
    amount = parse_amount(text)
    assert (amount.number, amount.unit) == (D(number), unit)


@pytest.mark.parametrize(
    ("text", "message", "point", "comma"),
    [
        ("100.000", "100.000: 100 or 100,000? write 100000 or 100.0", "100", "100000"),
        ("1,000", "1,000: 1 or 1,000? write 1000 or 1.0", "1000", "1"),
        ("1.234", "1.234: 1.234 or 1,234? write 1234 or 1.2340", "1.234", "1234"),
        ("-12,340", "-12,340: 12.34 or 12,340? write 12340 or 12.34", "-12340", "-12.34"),
        ("$100.000", "$100.000: 100 or 100,000? write 100000 or 100.0", "100", "100000"),
        ("1,000 USDT", "1,000 USDT: 1 or 1,000? write 1000 or 1.0", "1000", "1"),
        ("1,000 $", "1,000 $: 1 or 1,000? write 1000 or 1.0", "1000", "1"),
    ],
)
def test_a_number_with_two_readings_is_refused_until_its_file_settles_it(
    text: str, message: str, point: str, comma: str
) -> None:
    with pytest.raises(AmountError) as raised:
        parse_amount(text)
    assert str(raised.value) == message
    assert parse_amount(text, ".").number == D(point)
    assert parse_amount(text, ",").number == D(comma)


@pytest.mark.parametrize("value", [100, 100.0, D("100.000"), 1000])
def test_a_number_of_json_or_a_numeric_cell_is_never_ambiguous(value: object) -> None:
    assert parse_amount(value).number == D(str(value))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ten",
        "nan",
        "inf",
        "#N/A",
        "#DIV/0!",
        "1,00,000",
        "1.2.3",
        "1,234.567,89",
        "12 34",
        "1_000_",
        "--5",
        "5-",
        "\u0661\u0662",
        "1" * 200,
        None,
        True,
        [1],
        float("nan"),
        float("inf"),
        datetime(2026, 1, 5, tzinfo=UTC),
    ],
)
def test_what_is_no_number_is_refused_with_the_fix(value: object) -> None:
    with pytest.raises(AmountError, match="expected a number, found") as raised:
        parse_amount(value)
    assert len(str(raised.value)) < 130


@pytest.mark.parametrize(
    ("values", "mark"),
    [
        (["100.000", "1.234.567,89"], (",", "1.234.567,89")),
        (["100.000", "1,234.50 USDT"], (".", "1,234.50 USDT")),
        (["1.234.567"], (",", "1.234.567")),
        (["100.50", "100.000", 5, None], ("", "")),
        (["1.234,5", "1,234.5"], ("", "")),
    ],
)
def test_thousands_separators_settle_the_decimal_mark(
    values: list[object], mark: tuple[str, str]
) -> None:
    assert decimal_mark(values) == mark


def test_a_decimal_comma_is_found() -> None:
    assert decimal_comma(["1,000", "100.5", 7, " 100000,50 "]) == "100000,50"
    assert decimal_comma(["1 000,500"]) == "1 000,500"
    assert not decimal_comma(["1,000", "1,234.5", "100"])


def test_units_at_par_are_dollars() -> None:
    assert all(map(is_usd, ("USDT", "usdc", "$", "US$", "USD")))
    assert not any(map(is_usd, ("EUR", "BTC", "m", "%", "")))


@given(st.decimals(0, 10**9, places=2), st.sampled_from(["en", "de", "ch", "fr"]))
def test_every_style_of_grouping_is_read_exactly(number: D, style: str) -> None:
    marks = {"en": ",.", "de": ".,", "ch": "'.", "fr": "\u202f,"}[style]
    text = f"{number:,.2f}".translate(str.maketrans(",.", marks))
    assert parse_amount(text).number == number


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_one_line(text: str) -> None:
    try:
        assert parse_amount(text).number.is_finite()
    except AmountError as error:
        assert str(error)  # noqa: PT017 - a text may also be a number


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        *(("5m", "5000000", ""), ("250k", "250000", ""), ("1bn", "1000000000", "")),
        *(("1.5M", "1500000", ""), ("1,5m", "1500000", ""), ("2tn", "2000000000000", "")),
        *(("$5m", "5000000", "$"), ("5m USDT", "5000000", "USDT"), ("USD 5m", "5000000", "USD")),
        *(("-5m", "-5000000", ""), ("(5m)", "-5000000", ""), ("\u22122k", "-2000", "")),
        *((" 1_000k ", "1000000", ""), ("1'000k", "1000000", ""), ("5 EUR", "5", "EUR")),
        *(("5 m", "5", "m"), ("5B2", "5", "B2"), ("5mm", "5", "mm"), ("250000", "250000", "")),
    ],
)
def test_a_suffix_multiplies_a_size(text: str, number: str, unit: str) -> None:
    amount = parse_size(text)
    assert (amount.number, amount.unit) == (D(number), unit)


@pytest.mark.parametrize("text", ["100.000k", "1,500m"])
def test_a_size_with_two_readings_stays_ambiguous(text: str) -> None:
    with pytest.raises(AmountError, match=rf"\? write .*, followed by {text[-1]}$"):
        parse_size(text)
    assert parse_size(text, ".").number in {D(100_000), D(1_500_000_000)}

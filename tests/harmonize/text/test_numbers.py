import math
import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.text import numbers

FINITE = st.floats(min_value=-1e15, max_value=1e15, allow_nan=False)
AMOUNTS = st.floats(min_value=0, max_value=1e15)
RATES = st.floats(min_value=0, max_value=100)
WRITERS: tuple[Callable[[float | None], str], ...] = (
    numbers.usd,
    numbers.rate,
    numbers.leverage_at,
    numbers.leverage,
    numbers.times,
    numbers.deviation,
    numbers.index,
    numbers.age,
)
SCALE = {"": 1, "k": 10**3, "m": 10**6, "bn": 10**9, "tn": 10**12}


def with_spaces(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def read_back(text: str) -> Decimal:
    match = re.fullmatch(
        r"(−?)[+$<]*([\d,.]+)(k|m|bn|tn)?(?: ?(?:%|pp|×|days?))?", with_spaces(text)
    )
    assert match, text
    magnitude = Decimal(match[2].replace(",", "")) * SCALE[match[3] or ""]
    return -magnitude if match[1] else magnitude


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0"),
        (0.123, "$0.12"),
        (0.001, "$0"),
        (-0.001, "$0"),
        (9.99, "$9.99"),
        (999.4, "$999"),
        (999.6, "$1k"),
        (12_345, "$12.3k"),
        (999_999, "$1m"),
        (1_200_000, "$1.2m"),
        (1_250_000, "$1.25m"),
        (-340, "−$340"),
        (5e9, "$5bn"),
        (2.5e15, "$2,500tn"),
        (None, "–"),
        (math.inf, "–"),
        (math.nan, "–"),
    ],
)
def test_amounts_have_three_digits_and_a_unit(amount: float | None, text: str) -> None:
    assert numbers.usd(amount) == text


@pytest.mark.parametrize(
    ("rate", "text", "leverage"),
    [
        (0.02, "2.0 %", "50×"),
        (0.004, "0.4 %", "250×"),
        (0.00416136, "0.4161 %", "240×"),
        (0.00666666, "0.6667 %", "150×"),
        (1 / 3, "33.33 %", "3×"),
        (0.000012345, "0.001234 %", "81,004×"),
        (12.34567, "1,234.6 %", "0.08×"),
        (0.0125, "1.25 %", "80×"),
        (0.125, "12.5 %", "8×"),
        (0.03, "3.0 %", "33.3×"),
        (1.0, "100.0 %", "1×"),
        (0.0, "0.0 %", "–"),
        (1e-9, "<0.001 %", "1,000,000,000×"),
        (-1e-9, "−<0.001 %", "–"),
        (-0.01, "−1.0 %", "–"),
        (None, "–", "–"),
    ],
)
def test_a_rate_and_the_leverage_that_it_allows(
    rate: float | None, text: str, leverage: str
) -> None:
    assert with_spaces(numbers.rate(rate)) == text
    assert numbers.leverage_at(rate) == leverage


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.34, "−34 %"),
        (0.034, "+3.4 %"),
        (0.0994, "+9.9 %"),
        (0.0996, "+10 %"),
        (12.5, "+1,250 %"),
        (0.0, "0 %"),
        (-0.0, "0 %"),
        (-0.0001, "0 %"),
        (-0.9996, "−99.9 %"),
        (-0.992, "−99.2 %"),
        (-1.0, "−100 %"),
        (None, "–"),
    ],
)
def test_divergence_has_a_sign_and_only_nothing_is_100_percent_less(
    value: float | None, text: str
) -> None:
    assert with_spaces(numbers.deviation(value)) == text


def test_only_identical_margins_have_an_index_of_100() -> None:
    assert numbers.index(100.0) == "100"
    assert numbers.index(99.99) == ">99.9"
    assert numbers.index(71.24) == "71.2"


def test_a_share_is_0_or_100_percent_only_when_it_is_none_or_all() -> None:
    shares = [numbers.share(part, 1000) for part in (0, 1, 340, 999, 1000)]
    assert [with_spaces(text) for text in shares] == [
        "0 %",
        "under 1 %",
        "34 %",
        "over 99 %",
        "100 %",
    ]
    assert numbers.share(0, 0) == "–"


@pytest.mark.parametrize(
    ("lower", "upper", "text"),
    [
        (250e3, 1e6, "($250k, $1m]"),
        (5e6, None, "above $5m"),
        (0, 5e4, "up to $50k"),
        (0, None, "every notional"),
        (1_000_001, 1_000_400, "($1m, $1.0004m]"),
        (5.0, 5.0, "($5, $5]"),
    ],
)
def test_ranges_of_notional_keep_their_bounds_apart(
    lower: float, upper: float | None, text: str
) -> None:
    assert numbers.notional_range(lower, upper) == text


@pytest.mark.parametrize(
    ("oldest", "newest", "text"),
    [
        ("2025-11-20", "2025-11-20T23:59:00Z", "20 Nov 2025"),
        ("2025-11-03", "2025-11-20", "3–20 Nov 2025"),
        ("2025-09-03", "2025-11-20", "3 Sep – 20 Nov 2025"),
        ("2024-09-03", "2025-11-20", "3 Sep 2024 – 20 Nov 2025"),
        ("", "2025-11-20", "≤ 20 Nov 2025"),
        ("", "", "–"),
    ],
)
def test_spans_of_dates_in_the_fewest_words(oldest: str, newest: str, text: str) -> None:
    assert with_spaces(numbers.date_range(oldest, newest)) == text


def test_moments_are_in_utc() -> None:
    assert with_spaces(numbers.time("2025-11-20T23:30:00-02:00")) == "21 Nov 2025, 01:30 UTC"
    assert numbers.time(None) == numbers.date("") == "–"


def test_what_is_not_a_date_is_an_error() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        numbers.date("yesterday")


def test_ages_are_in_days() -> None:
    ages = [with_spaces(numbers.age(days)) for days in (0.3, 1.0, 7.44, 33.6)]
    assert ages == ["under 1 day", "1 day", "7.4 days", "34 days"]


def test_counts_sizes_hashes_and_factors() -> None:
    assert numbers.count(10_000) == "10,000"
    assert with_spaces(numbers.count_text(1, "entry", "entries")) == "1 entry"
    assert with_spaces(numbers.count_text(2, "entry", "entries")) == "2 entries"
    assert with_spaces(numbers.byte_size(840)) == "840 B"
    assert with_spaces(numbers.byte_size(12_345)) == "12.3 kB"
    assert numbers.digest("0123456789abcdef" * 4) == "0123456789ab"
    assert numbers.digest("") == "–"
    assert with_spaces(numbers.times(2.54)) == "2.5 times"
    assert with_spaces(numbers.axis_rate(0.005)) == "0.5 %"
    assert with_spaces(numbers.axis_rate(1.0)) == "100 %"
    assert numbers.leverage(33.333) == "33.3×"


@given(FINITE)
def test_nothing_is_in_scientific_notation_nor_minus_zero(value: float) -> None:
    for write in WRITERS:
        text = write(value)
        assert not re.search(r"\d[eE][+-]?\d|inf|nan", text), text
        assert not re.fullmatch(r"[-−]\$?0 ?(%|pp)?", with_spaces(text)), text
        assert "-" not in text  # only true minus


def test_what_is_not_observable_is_a_dash_in_every_unit() -> None:
    assert {write(None) for write in WRITERS} == {"–"}
    assert {write(math.nan) for write in WRITERS} == {"–"}


@given(AMOUNTS, AMOUNTS)
def test_more_money_never_reads_as_less(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert read_back(numbers.usd(low)) <= read_back(numbers.usd(high))
    assert read_back(numbers.usd(-low)) >= read_back(numbers.usd(-high))


@given(RATES, RATES)
def test_a_higher_rate_never_reads_as_lower(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert read_back(numbers.rate(low)) <= read_back(numbers.rate(high))


@given(st.floats(min_value=-1, max_value=100), st.floats(min_value=-1, max_value=100))
def test_more_divergence_never_reads_as_less(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert read_back(numbers.deviation(low)) <= read_back(numbers.deviation(high))


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_an_amount_reads_back_within_half_a_unit_of_its_third_digit(amount: float) -> None:
    error = abs(read_back(numbers.usd(amount)) - Decimal(amount))
    assert error <= max(Decimal(amount) * Decimal("0.0051"), Decimal("0.0051"))


@given(st.floats(min_value=1000, max_value=1e12), st.floats(min_value=1.000001, max_value=10))
def test_the_bounds_of_a_range_never_look_alike(lower: float, factor: float) -> None:
    first, last = numbers.notional_range(lower, lower * factor)[1:-1].split(", ")
    assert first != last

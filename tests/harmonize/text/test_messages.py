"""Messages print a value as tables and reports do."""

from datetime import UTC, datetime

import pytest

from harmonize.text import messages, numbers
from harmonize.text.words import margin_abbreviation, margin_name


@pytest.mark.parametrize("rate", [0.004, 0.00666666, 0.02, 1 / 3, 1.0])
def test_a_rate_prints_alike_in_messages_and_tables(rate: float) -> None:
    assert messages.percent(rate) == numbers.rate(rate)


def test_a_count_prints_alike_in_messages_and_tables() -> None:
    assert messages.counted(1, "schedule") == "1\N{NO-BREAK SPACE}schedule"
    assert messages.counted(12_345, "schedule") == "12,345\N{NO-BREAK SPACE}schedules"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (50_000, "$50k"),
        (1e6, "$1m"),
        (1_234_567.8, "$1.23457m"),
        (250_500, "$250.5k"),
        (0.125, "$0.12"),
        (0, "$0"),
    ],
)
def test_an_amount_in_a_message_has_six_digits(amount: float, text: str) -> None:
    assert messages.dollars(amount) == text


def test_a_time_is_in_iso_8601_to_the_second() -> None:
    time = datetime(2025, 11, 20, 14, 3, 0, 999_999, tzinfo=UTC)
    assert messages.iso_utc(time) == "2025-11-20T14:03:00Z"


def test_margin_types_have_an_abbreviation_and_a_name() -> None:
    types = ("initial", "maintenance")
    assert [margin_abbreviation(margin_type) for margin_type in types] == ["IM", "MM"]
    assert [margin_name(margin_type) for margin_type in types] == [
        "initial margin",
        "maintenance margin",
    ]
    assert margin_abbreviation("capacity") == "capacity"

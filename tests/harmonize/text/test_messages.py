"""Messages print a value as tables and reports do."""

from datetime import UTC, datetime

import pytest

from harmonize.text import messages, numbers
from harmonize.text.words import margin_abbreviation, margin_name


@pytest.mark.parametrize("rate", [0.004, 0.00666666, 0.02, 1 / 3, 1.0])
def test_a_rate_prints_alike_in_messages_and_tables(rate: float) -> None:
    assert messages.percent(rate) == numbers.rate(rate).replace(numbers.NBSP, " ")


def test_a_count_prints_alike_in_messages_and_tables() -> None:
    assert messages.counted(1, "schedule") == "1 schedule"
    assert messages.counted(12_345, "schedule") == "12,345 schedules"


@pytest.mark.parametrize(
    ("amount", "text"),
    [(50_000, "$50,000"), (1e6, "$1,000,000"), (1_234_567.8, "$1,234,568"), (0, "$0")],
)
def test_an_amount_in_a_message_is_in_whole_dollars(amount: float, text: str) -> None:
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


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (900, "15 minutes"),
        (3_600, "1 hour"),
        (86_400, "1 day"),
        (5 * 86_400.0, "5 days"),
        (90, "90s"),
    ],
)
def test_windows_of_time_have_names(seconds: float, text: str) -> None:
    assert messages.window_text(seconds) == text

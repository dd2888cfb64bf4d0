"""Suggestions for names that are unknown."""

import pytest

from harmonize.text.suggest import did_you_mean, is_one_slip, similar_name

VENUES = ("binance", "binancecoinm", "bybit", "kucoin", "okx", "hyperliquid")


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("Kucoin", "kucoin"),
        ("ku-coin", "kucoin"),
        ("binnance", "binance"),
        ("BINANCE", "binance"),
        ("hyperliqud", "hyperliquid"),
        ("okex", "okx"),
        ("hyper", "hyperliquid"),
        ("bin", "binance"),
        ("bi", ""),
        ("zzz", ""),
        ("", ""),
        ("k" * 100_000, ""),
    ],
)
def test_the_most_similar_name_is_suggested(name: str, similar: str) -> None:
    assert similar_name(name, VENUES) == similar


def test_without_a_similar_name_the_message_ends_with_the_fallback() -> None:
    assert did_you_mean("Kucoin", VENUES, "see x") == "; did you mean kucoin?"
    assert did_you_mean("zzz", VENUES, "see x") == "; see x"
    assert did_you_mean("zzz", VENUES) == ""


@pytest.mark.parametrize(
    ("text", "other", "expected"),
    [
        *(("eth", "ethh", True), ("ethh", "eth", True), ("heth", "eth", True), ("et", "eth", True)),
        *(("eht", "eth", True), ("ath", "eth", True), ("etc", "eth", True), ("teh", "eth", True)),
        *(("eth", "eth", False), ("bitcoin", "coin", False), ("", "a", True), ("", "", False)),
        *(("ab", "ba", True), ("abcd", "badc", False), ("abcd", "acbd", True)),
    ],
)
def test_one_slip(text: str, other: str, *, expected: bool) -> None:
    assert is_one_slip(text, other) is expected
    assert is_one_slip(other, text) is expected

"""Suggestions for names that are unknown."""

import pytest

from harmonize.text.suggest import did_you_mean, similar_name

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

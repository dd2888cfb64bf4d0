from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.core.instrument import AT_PAR_WITH_USD, Payoff, Underlying, contract


@pytest.mark.parametrize(
    ("base", "asset", "multiplier"),
    [
        ("BTC", "BTC", 1),
        ("XBT", "BTC", 1),
        ("XDG", "DOGE", 1),
        ("1000PEPE", "PEPE", 1_000),
        ("kPEPE", "PEPE", 1_000),
        ("1MBABYDOGE", "BABYDOGE", 1_000_000),
        ("1000000MOG", "MOG", 1_000_000),
        ("10000000AIDOGE", "AIDOGE", 10_000_000),
        ("10000SATS", "SATS", 10_000),
        ("1000SATS", "SATS", 1_000),
        ("SHIB1000", "SHIB", 1_000),
        ("1000X", "X", 1_000),
        ("1000币安人生", "币安人生", 1_000),
    ],
)
def test_a_bundle_is_so_many_of_one_asset(base: str, asset: str, multiplier: int) -> None:
    assert Underlying.of(base) == Underlying(asset, multiplier)


@pytest.mark.parametrize(
    "base",
    [
        "1INCH",
        "0G",
        "2Z",
        "42",
        "1000",
        "4",
        "100X",
        "10SET",
        "1CAT",
        "1M",
        "M87",
        "MOG",
        "KAS",
        "KPEPE",
        "k",
        "kpepe",
        "币安人生",
        "龙虾",
        "PEPE1000",
        "",
    ],
)
def test_a_name_that_only_looks_like_a_bundle_is_one_asset(base: str) -> None:
    assert Underlying.of(base) == Underlying(base)


@given(st.from_regex(r"[A-Z\u4e00-\u9fff][A-Z0-9\u4e00-\u9fff]{1,8}", fullmatch=True))
def test_bundles_of_one_asset_have_one_name(asset: str) -> None:
    plain = Underlying.of(asset)
    if plain != Underlying(asset):  # an alias, or the suffixed bundle
        return
    for written, count in (("1000", 1_000), ("k", 1_000), ("1M", 1_000_000), ("10000", 10_000)):
        assert Underlying.of(written + asset) == Underlying(asset, count)


@pytest.mark.parametrize(
    ("base", "quote", "settle", "payoff"),
    [
        ("BTC", "USDT", "USDT", Payoff.LINEAR),
        ("BTC", "USD", "USD", Payoff.LINEAR),
        ("ETH", "USD", "USDC", Payoff.LINEAR),
        ("BTC", "EUR", "EUR", Payoff.LINEAR),
        ("ETH", "BTC", "BTC", Payoff.LINEAR),
        ("BTC", "USD", "BTC", Payoff.INVERSE),
        ("XBT", "USD", "XBT", Payoff.INVERSE),
        ("XBT", "USD", "BTC", Payoff.INVERSE),
        ("ETH", "USD", "BTC", Payoff.QUANTO),
        ("BTC", "EUR", "USDT", Payoff.QUANTO),
    ],
)
def test_what_a_contract_pays_in_follows_from_its_codes(
    base: str, quote: str, settle: str, payoff: Payoff
) -> None:
    assert contract("venue", "id", base=base, quote=quote, settle=settle).payoff is payoff


def test_currencies_at_par_pay_linearly_in_one_another() -> None:
    for quote in AT_PAR_WITH_USD:
        for settle in AT_PAR_WITH_USD:
            built = contract("venue", "id", base="BTC", quote=quote, settle=settle)
            assert built.payoff is Payoff.LINEAR


def test_a_perpetual_is_written_without_a_date() -> None:
    built = contract("bitmex", "XBTUSD", base="XBT", quote="USD", settle="XBT")
    assert (built.symbol, built.id, built.perpetual) == ("BTC/USD:BTC", "XBTUSD", True)
    assert built.underlying == Underlying("BTC")


def test_a_dated_contract_is_written_as_ccxt_does() -> None:
    built = contract(
        "okx",
        "BTC-USD-261225",
        base="BTC",
        quote="USD",
        settle="BTC",
        expiry=date(2026, 12, 25),
    )
    assert (built.symbol, built.perpetual) == ("BTC/USD:BTC-261225", False)


def test_a_bundle_keeps_its_name_in_the_symbol() -> None:
    built = contract("binance", "1000PEPEUSDT", base="1000PEPE", quote="USDT", settle="USDT")
    assert built.symbol == "1000PEPE/USDT:USDT"
    assert built.underlying == Underlying("PEPE", 1_000)


def test_a_base_outside_ascii_is_a_name_like_any_other() -> None:
    built = contract("binance", "币安人生USDT", base="币安人生", quote="USDT", settle="USDT")
    assert built.symbol == "币安人生/USDT:USDT"
    assert built.underlying == Underlying("币安人生")

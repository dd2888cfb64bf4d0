from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.core.instrument import (
    AT_PAR_WITH_USD,
    AssetNames,
    Payoff,
    Underlying,
    contract,
    is_asset_name,
)


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
def test_a_multiple_resolves_to_its_asset(base: str, asset: str, multiplier: int) -> None:
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
def test_a_name_similar_to_a_multiple_is_an_asset(base: str) -> None:
    assert Underlying.of(base) == Underlying(base)


@given(st.from_regex(r"[A-Z\u4e00-\u9fff][A-Z0-9\u4e00-\u9fff]{1,8}", fullmatch=True))
def test_multiples_of_an_asset_share_its_name(asset: str) -> None:
    plain = Underlying.of(asset)
    if plain != Underlying(asset):  # an alias, or the suffixed multiple
        return
    for prefix, count in (("1000", 1_000), ("k", 1_000), ("1M", 1_000_000), ("10000", 10_000)):
        assert Underlying.of(prefix + asset) == Underlying(asset, count)


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
def test_payoff_follows_from_the_codes(base: str, quote: str, settle: str, payoff: Payoff) -> None:
    assert contract("venue", "id", base=base, quote=quote, settle=settle).payoff is payoff


def test_currencies_at_par_give_linear_contracts() -> None:
    for quote in AT_PAR_WITH_USD:
        for settle in AT_PAR_WITH_USD:
            instrument = contract("venue", "id", base="BTC", quote=quote, settle=settle)
            assert instrument.payoff is Payoff.LINEAR


def test_a_perpetual_has_a_symbol_without_date() -> None:
    instrument = contract("bitmex", "XBTUSD", base="XBT", quote="USD", settle="XBT")
    assert (instrument.symbol, instrument.id, instrument.perpetual) == (
        "BTC/USD:BTC",
        "XBTUSD",
        True,
    )
    assert instrument.underlying == Underlying("BTC")


def test_a_dated_contract_has_the_symbol_of_ccxt() -> None:
    instrument = contract(
        "okx",
        "BTC-USD-261225",
        base="BTC",
        quote="USD",
        settle="BTC",
        expiry=date(2026, 12, 25),
    )
    assert (instrument.symbol, instrument.perpetual) == ("BTC/USD:BTC-261225", False)


def test_a_multiple_keeps_its_name_in_the_symbol() -> None:
    instrument = contract("binance", "1000PEPEUSDT", base="1000PEPE", quote="USDT", settle="USDT")
    assert instrument.symbol == "1000PEPE/USDT:USDT"
    assert instrument.underlying == Underlying("PEPE", 1_000)


def test_a_base_outside_ascii_is_accepted() -> None:
    instrument = contract("binance", "币安人生USDT", base="币安人生", quote="USDT", settle="USDT")
    assert instrument.symbol == "币安人生/USDT:USDT"
    assert instrument.underlying == Underlying("币安人生")


@pytest.mark.parametrize(
    "name",
    ["BTC", "XYZ-TSLA", "AAPLx", "rTSLA", "币安人生", "TRUMP,RAYDIUM,6P6X", "1000PEPE", "4", "S&P 500", "a" * 64],
)  # fmt: skip
def test_every_printed_underlying_is_a_name(name: str) -> None:
    assert is_asset_name(name)


@pytest.mark.parametrize(
    "name",
    ["", " ", " BTC", "BTC ", "B\tC", "B\nC", "B\x1b[31mC", "B\u202eC", "B\u200bC", "\xa0BTC", "#N/A", "#ref!", "a" * 65],
)  # fmt: skip
def test_text_that_hides_or_breaks_a_line_is_no_name(name: str) -> None:
    assert not is_asset_name(name)


NAMES = AssetNames.of(("BTC", "PEPE", "rTSLA", "AAPLx", "AAA", "AaA", "1000X"))


@pytest.mark.parametrize(
    ("text", "assets"),
    [
        ("BTC", ("BTC",)),
        ("btc", ("BTC",)),
        ("XBT", ("BTC",)),
        ("xbt", ("BTC",)),
        ("1000PEPE", ("PEPE",)),
        ("1000pepe", ("PEPE",)),
        ("kPEPE", ("PEPE",)),
        ("1000X", ("1000X",)),
        ("rtsla", ("rTSLA",)),
        ("RTSLA", ("rTSLA",)),
        ("aaplX", ("AAPLx",)),
        ("AaA", ("AaA",)),
        ("aaa", ("AAA", "AaA")),
        ("NOSUCH", ()),
    ],
)
def test_a_name_in_another_case_matches_if_one_name_is_meant(
    text: str, assets: tuple[str, ...]
) -> None:
    assert NAMES.match(text) == assets


def test_an_unknown_name_has_a_suggestion() -> None:
    assert NAMES.similar("BTCC") == "BTC"
    assert NAMES.similar("rtslaa") == "rTSLA"
    assert not NAMES.similar("NOSUCH")


def test_a_former_name_matches_after_all_others() -> None:
    names = AssetNames.of(["POL", "FTM"], {"MATIC": "POL", "FTM": "S"})
    assert names.match("matic") == names.match("1000MATIC") == ("POL",)
    assert names.match("FTM") == ("FTM",)
    assert AssetNames.of(["BTC"], {"MATIC": "POL"}).match("MATIC") == ()

"""Class of an underlying: a venue's word, otherwise the name, otherwise not known."""

import pytest

from harmonize.core import tickers
from harmonize.core.asset_class import ClassBasis, StatedClass, classify
from harmonize.core.instrument import contract
from harmonize.core.tickers import AssetClass
from harmonize.core.yaml_source import YamlSourceError

CRYPTO, EQUITY, FUND = AssetClass.CRYPTO, AssetClass.EQUITY, AssetClass.FUND
INDEX, COMMODITY, CURRENCY = AssetClass.INDEX, AssetClass.COMMODITY, AssetClass.CURRENCY
OTHER, UNKNOWN = AssetClass.OTHER, AssetClass.UNKNOWN


@pytest.mark.parametrize(
    ("names", "asset_class"),
    [
        ("TSLA TSLAX AAPLx rTSLA NVDAON AAPLon AMDSTOCK MUSTOCK XYZ-TSLA XYZ-TSLAX COINX", EQUITY),
        ("SPY SPYx QQQX XYZ-SPY QQQSTOCK", FUND),
        ("US500 XYZ-XYZ100 KM-US500 JP225", INDEX),
        ("XAU XAG OIL GOLD XYZ-GOLD XAUUSD XAGUSDT NATGAS NCCOGOLD2USD", COMMODITY),
        ("EUR EURUSD USDJPY EURCHF EUR-USD XYZ-EUR NCFXEUR2USD", CURRENCY),
        ("BTC ADA PAXG XAUT MAX STX SPX GMX AVAX DODOX 币安人生 OP XYZ-BTC", CRYPTO),
        ("", UNKNOWN),
    ],
)
def test_a_name_tells_the_class_by_its_ticker(names: str, asset_class: AssetClass) -> None:
    assert {name: classify(name).asset_class for name in names.split()} == dict.fromkeys(
        names.split(), asset_class
    )


@pytest.mark.parametrize(
    "name",
    [
        "NEWCOIN",  # on no list
        "LION",  # the suffix ON after letters that are no ticker
        "MUX",  # the suffix X after two letters, which may be a name of its own
        "rETH",  # the prefix of tokenized shares before a crypto-asset
        "XYZ-DASH",  # an exchange of its own lists DoorDash under the ticker of a crypto-asset
        "H",  # one letter: Hyatt, and a crypto-asset
        "FOOSTOCK",  # the suffix of shares after an unknown ticker
        "STOCK",
        "r",
        "XYZ-",
    ],
)
def test_a_name_that_no_list_supports_is_no_crypto_asset(name: str) -> None:
    unknown = classify(name)
    assert (unknown.asset_class, unknown.basis) == (UNKNOWN, ClassBasis.NONE)
    assert unknown.reason


def test_a_ticker_of_two_assets_decides_nothing_except_in_multiples() -> None:
    assert tickers.bundled().classes("CAT") == (EQUITY, CRYPTO)  # Caterpillar, Simon's Cat
    assert classify("CAT").asset_class is UNKNOWN
    assert classify("CAT", 1000).asset_class is CRYPTO
    assert classify("rCAT").asset_class is EQUITY
    assert {ticker for ticker in ("CAT", "GME", "WEN") if not classify(ticker).known} == {
        "CAT",
        "GME",
        "WEN",
    }


def stated(asset_class: AssetClass, *, by_default: bool = False) -> StatedClass:
    return StatedClass(asset_class, "its word", by_default=by_default)


@pytest.mark.parametrize(
    ("name", "word", "asset_class", "basis"),
    [
        ("GME", stated(CRYPTO), CRYPTO, ClassBasis.VENUE),
        ("GME", stated(EQUITY), EQUITY, ClassBasis.VENUE),
        ("TSLA", stated(CRYPTO), CRYPTO, ClassBasis.VENUE),
        ("TSLA", stated(CRYPTO, by_default=True), UNKNOWN, ClassBasis.NONE),
        ("NEWCOIN", stated(CRYPTO, by_default=True), CRYPTO, ClassBasis.VENUE),
        ("rTSLA", stated(OTHER), EQUITY, ClassBasis.VENUE),
        ("NEWCOIN", stated(OTHER), OTHER, ClassBasis.VENUE),
        ("PAXG", stated(OTHER), OTHER, ClassBasis.VENUE),
        ("XAU", stated(UNKNOWN), COMMODITY, ClassBasis.LIST),
        ("BTC", stated(UNKNOWN), UNKNOWN, ClassBasis.NONE),
    ],
)
def test_a_venues_word_precedes_the_name(
    name: str, word: StatedClass, asset_class: AssetClass, basis: ClassBasis
) -> None:
    found = classify(name, 1, word)
    assert (found.asset_class, found.basis) == (asset_class, basis)


def test_an_instrument_has_the_class_of_its_underlying() -> None:
    own = contract("bitget", "1000CATUSDT", base="1000CAT", quote="USDT", settle="USDT")
    assert own.classification.asset_class is CRYPTO
    share = contract("gate", "CAT_USDT", base="CAT", quote="USDT", settle="USDT")
    assert not share.classification.known


def test_no_ticker_stands_twice_by_mistake() -> None:
    shared = {ticker for ticker, classes in tickers.bundled().by_ticker.items() if len(classes) > 1}
    assert shared == {"CAT", "GME", "WEN"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- class: crypto\n", "a.yaml:1:3: expected exactly the keys class, everywhere, source, tickers"),
        (
            "- {class: coin, everywhere: false, source: a, tickers: B}\n",
            "a.yaml:1:3: class: expected one of crypto, equity, fund, index, commodity, currency, other, unknown; found 'coin'",
        ),
    ],
)  # fmt: skip
def test_an_error_in_the_list_names_its_place(text: str, message: str) -> None:
    with pytest.raises(YamlSourceError) as error:
        tickers.parse(text, "a.yaml")
    assert str(error.value) == message

"""Assets of a book: names, pairs and contract ids, and the cells that have no single reading."""

from dataclasses import replace

import pytest

from harmonize.arbitrage.book_names import ContractNames, read_name
from harmonize.core.instrument import AssetNames, Instrument, Underlying, contract
from harmonize.core.schedule import MarginSchedule
from tests.support import recorded

ASSETS = (
    "BTC",
    "ETH",
    "PEPE",
    "SHIB",
    "TSLA",
    "rTSLA",
    "AAPLx",
    "XYZ-TSLA",
    "币安人生",
    "AAA",
    "AaA",
)


def listed(*instruments: Instrument) -> list[MarginSchedule]:
    """Schedules of contracts, of which only the instrument and the contract size matter."""
    model = next(s for s in recorded.schedules("bybit") if s.evidence[0].conversion is not None)
    return [replace(model, instrument=instrument) for instrument in instruments]


KNOWN = ContractNames.of(
    listed(
        contract("bitmex", "XBTUSD", base="XBT", quote="USD", settle="XBT"),
        contract("dydx", "TRUMP,RAY-USD", base="TRUMP,RAY", quote="USDC", settle="USDC"),
        contract("x", "ODD1", base="BTC", quote="USD", settle="USD"),
        contract("y", "ODD1", base="ETH", quote="USD", settle="USD"),
        contract("z", "M1", base="1000PEPE", quote="USDT", settle="USDT"),
    ),
    AssetNames.of((*ASSETS, "TRUMP,RAY", "BTCB", "B")),
)


@pytest.mark.parametrize(
    ("text", "asset", "multiplier"),
    [
        ("BTC", "BTC", 1),
        ("btc", "BTC", 1),
        ("XBT", "BTC", 1),
        ("BTCUSDT", "BTC", 1),
        ("btcusdt", "BTC", 1),
        ("BTC-USDT", "BTC", 1),
        ("BTC/USDT", "BTC", 1),
        ("BTC/USDT:USDT", "BTC", 1),
        ("BTC/USD:BTC", "BTC", 1),
        ("ETH/USD:ETH", "ETH", 1),
        ("BTCUSD_PERP", "BTC", 1),
        ("BTC_USDT", "BTC", 1),
        ("BTC-USDT-SWAP", "BTC", 1),
        ("XBTUSD", "BTC", 1),
        ("PF_XBTUSD", "BTC", 1),
        ("FI_ETHUSD_261225", "ETH", 1),
        ("BTCUSDTM", "BTC", 1),
        ("BTC-PERP", "BTC", 1),
        ("BTCPERP", "BTC", 1),
        ("BTC-PERPETUAL", "BTC", 1),
        ("BTC-27MAR26", "BTC", 1),
        ("BTCUSDT_261225", "BTC", 1),
        ("BTC-USDT-261225", "BTC", 1),
        ("1000PEPEUSDT", "PEPE", 1000),
        ("kPEPE", "PEPE", 1000),
        ("M1", "PEPE", 1000),
        ("SHIB1000USDT", "SHIB", 1000),
        ("rTSLA", "rTSLA", 1),
        ("rtsla", "rTSLA", 1),
        ("RTSLAUSDT", "rTSLA", 1),
        ("AAPLX", "AAPLx", 1),
        ("XYZ-TSLA", "XYZ-TSLA", 1),
        ("xyz-tsla", "XYZ-TSLA", 1),
        ("币安人生", "币安人生", 1),
        ("币安人生USDT", "币安人生", 1),
        ("TRUMP,RAY-USD", "TRUMP,RAY", 1),
    ],
)
def test_a_name_a_pair_and_an_id_mean_their_asset(text: str, asset: str, multiplier: int) -> None:
    reading = read_name(text, KNOWN)
    assert (reading.underlying, reading.problem) == (Underlying(asset, multiplier), "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("aaa", "aaa is ambiguous; write AAA or AaA"),
        ("ODD1", "ODD1 is ambiguous; write BTC or ETH"),
        ("BTCBUSD", "BTCBUSD is ambiguous; write BTC or BTCB"),
        ("FOOUSDT", "no schedule of FOOUSDT or FOO was observed; write the asset, such as BTC"),
        (
            "PEPEEUSDT",
            "no schedule of PEPEEUSDT or PEPEE was observed; write the asset, such as PEPE",
        ),
        ("FOO-USDT-SWAP", "no schedule of FOO-USDT-SWAP or FOO was observed"),
    ],
)
def test_a_pair_without_one_observed_asset_is_a_problem(text: str, problem: str) -> None:
    assert read_name(text, KNOWN).problem.startswith(problem)


@pytest.mark.parametrize("text", ["NOSUCH", "BUSD", "USDT", "ETH-BTC", "BTC-27MAR26-90000-C"])
def test_a_name_that_is_no_pair_stays_as_it_is(text: str) -> None:
    """BUSD is no contract on B, and an option on BTC no future."""
    reading = read_name(text, KNOWN)
    assert (reading.underlying.asset, reading.problem) == (text, "")


def test_an_exact_asset_takes_precedence_over_an_id() -> None:
    instrument: Instrument = contract("binance", "ETHBTC", base="ETH", quote="BTC", settle="BTC")
    known = ContractNames.of(listed(instrument), AssetNames.of(["ETH", "ETHBTC"]))
    assert read_name("ETHBTC", known).underlying.asset == "ETHBTC"
    without = ContractNames.of(listed(instrument), AssetNames.of(["ETH"]))
    assert read_name("ETHBTC", without).underlying.asset == "ETH"


def test_contracts_that_are_not_traded_in_coins_are_known() -> None:
    okx = recorded.schedules("okx")
    names = ContractNames.of(okx, AssetNames.of(["BTC", "ETH"]))
    assert names.in_contracts == {
        name.casefold() for s in okx for name in (s.instrument.id, s.instrument.symbol)
    }
    assert KNOWN.in_contracts == {"xbtusd", "btc/usd:btc"}

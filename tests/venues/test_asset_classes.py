"""Classes that venues state, in answers as they write them, and in the recorded archive."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from harmonize.api.audit import Question
from harmonize.api.audit import read as read_sources
from harmonize.core.asset_class import ClassBasis, Classification
from harmonize.core.payload import Snapshot
from harmonize.core.tickers import AssetClass
from harmonize.core.yaml_source import YamlSourceError
from tests.support import recorded
from tests.support.answers import WHEN, answer
from venues import asset_classes, facts, registry
from venues.asset_classes import bundled, stated_classes
from venues.known_fields import known_fields

READING, _ = read_sources(Question())


def stated(venue: str, method: str, document: object) -> dict[str, tuple[str, bool]]:
    snapshot = Snapshot(venue, WHEN, (answer(venue, method, document),), complete=False)
    found = stated_classes(snapshot, bundled())
    return {id_: (word.asset_class.value, word.by_default) for id_, word in found.items()}


def words(key: str, field: str, *values: object) -> list[dict[str, object]]:
    return [{key: f"{index}", field: value} for index, value in enumerate(values)]


GATE = "publicFuturesGetSettleContracts"
BYBIT = "publicGetV5MarketInstrumentsInfo"
BITGET = "publicMixGetV2MixMarketContracts"
BINANCE = "fapiPublicGetExchangeInfo"
MEXC = "contractPublicGetDetail"


def test_gate_says_in_a_field_that_is_empty_for_crypto_assets() -> None:
    rows = words("name", "contract_type", "stocks", "indices", "metals", "forex", "", "bonds")
    assert stated("gate", GATE, rows) == {
        "0": ("equity", False),
        "1": ("index", False),
        "2": ("commodity", False),
        "3": ("currency", False),
        "4": ("crypto", False),
        "5": ("unknown", False),
    }


def test_an_empty_word_is_weak_where_no_contract_is_marked() -> None:
    assert stated("gate", GATE, words("name", "contract_type", "", "")) == {
        "0": ("crypto", True),
        "1": ("crypto", True),
    }
    assert stated("gate", GATE, [{"name": "BTC_USDT"}]) == {}


def test_bybit_names_zones_of_crypto_assets_and_classes_of_others() -> None:
    rows = words("symbol", "symbolType", "xstocks", "forex", "ETF", "commodity", "innovation", "")
    found = stated("bybit", BYBIT, {"result": {"list": rows}})
    assert [name for name, _ in found.values()] == [
        "equity",
        "currency",
        "fund",
        "commodity",
        "crypto",
        "crypto",
    ]


def test_bitget_says_only_whether_an_asset_is_of_the_real_world() -> None:
    rows = words("symbol", "isRwa", "YES", "NO", None)
    assert stated("bitget", BITGET, {"data": rows}) == {
        "0": ("other", False),
        "1": ("crypto", False),
    }


def test_binance_has_a_type_of_contract_and_a_type_of_underlying() -> None:
    rows = [
        {"symbol": "A", "contractType": "PERPETUAL", "underlyingType": "COIN"},
        {"symbol": "B", "contractType": "TRADIFI_PERPETUAL", "underlyingType": "KR_EQUITY"},
        {"symbol": "C", "contractType": "TRADIFI_PERPETUAL", "underlyingType": "BOND"},
        {"symbol": "D", "contractType": "PERPETUAL", "underlyingType": "INDEX"},
        {"symbol": "E", "contractType": "TRADIFI_PERPETUAL", "underlyingType": "INDEX"},
        {"symbol": "F", "contractType": "TRADIFI_PERPETUAL"},
    ]
    found = stated("binance", BINANCE, {"symbols": rows})
    assert {id_: name for id_, (name, _) in found.items()} == {
        "A": "crypto",
        "B": "equity",
        "C": "other",
        "D": "crypto",  # BTCDOM, DEFI: an index of crypto-assets
        "E": "other",
        "F": "other",
    }


def test_mexc_says_in_zones_of_which_the_most_specific_counts() -> None:
    rows = [
        {"symbol": "A", "type": 1, "conceptPlate": ["mc-trade-zone-layer2"]},
        {"symbol": "B", "type": 2, "conceptPlate": ["mc-trade-zone-tradfi", "mc-trade-zone-Stock"]},
        {"symbol": "C", "conceptPlate": ["mc-trade-zone-Stock", "mc-trade-zone-stockindex"]},
        {"symbol": "D", "type": 2, "conceptPlate": []},
        {"symbol": "E", "type": 1, "conceptPlate": ["mc-trade-zone-METALS"]},
    ]
    found = stated("mexc", MEXC, {"data": rows})
    assert {id_: name for id_, (name, _) in found.items()} == {
        "B": "equity",
        "C": "index",
        "D": "other",
        "E": "commodity",
    }


@pytest.mark.parametrize(
    ("venue", "method", "document", "expected"),
    [
        ("okx", "publicGetPublicInstruments", {"data": words("instId", "instCategory", "1", "3")}, "crypto equity"),
        ("kucoin", "futuresPublicGetContractsActive", {"data": words("symbol", "assetClass", "METAL", "CRYPTO")}, "commodity crypto"),
        ("krakenfutures", "publicGetInstruments", {"instruments": words("symbol", "tradfi", *(True, False))}, "other crypto"),
        ("bitmex", "publicGetInstrumentActive", words("symbol", "typ", "FFWCSF", "FFWCSX"), "currency"),
        ("backpack", "publicGetApiV1Markets", words("symbol", "rwaMarketType", "EQUITY", None), "other"),
        ("cryptocom", "v1PublicGetPublicGetInstruments", {"result": {"data": words("symbol", "product_type", "DIGITAL_CURRENCIES", "EQUITIES")}}, "crypto unknown"),
        ("extended", "v1PublicGetInfoMarkets", {"data": words("name", "category", "Crypto", "TradFi")}, "crypto unknown"),
    ],
)  # fmt: skip
def test_other_venues_state_a_class_in_their_own_words(
    venue: str, method: str, document: object, expected: str
) -> None:
    assert [name for name, _ in stated(venue, method, document).values()] == expected.split()


def test_coinbase_states_a_class_inside_an_object_of_the_row() -> None:
    rows = [
        {"product_id": "A", "future_product_details": {"non_crypto": False}},
        {"product_id": "B", "future_product_details": {"non_crypto": True}},
        {
            "product_id": "C",
            "future_product_details": {
                "non_crypto": True,
                "futures_asset_type": "FUTURES_ASSET_TYPE_METALS",
            },
        },
        {"product_id": "D"},
    ]
    found = stated("coinbase", "v3PublicGetBrokerageMarketProducts", {"products": rows})
    assert {id_: name for id_, (name, _) in found.items()} == {
        "A": "crypto",
        "B": "other",
        "C": "commodity",
    }


@pytest.mark.parametrize(
    "document",
    [
        {"contract_type": "stocks"},
        [["contract_type"], 1, None, "contract_type"],
        [{"name": 5, "contract_type": "stocks"}, {"contract_type": "stocks"}],
        [{"name": "A", "contract_type": None}],
    ],
)
def test_an_odd_answer_states_nothing(document: object) -> None:
    assert stated("gate", GATE, document) == {}


def test_an_answer_that_is_no_json_states_nothing() -> None:
    broken = replace(answer("gate", GATE, []), content=b'[{"contract_type": "stocks"')
    assert stated_classes(Snapshot("gate", WHEN, (broken,), complete=False), bundled()) == {}


def test_an_odd_word_is_a_word_that_this_version_does_not_know() -> None:
    rows = words("name", "contract_type", 5, {"a": 1}, ["stocks"])
    found = [name for name, _ in stated("gate", GATE, rows).values()]
    assert found == ["unknown", "unknown", "equity"]


def classes_of(venue: str, moment: datetime, *symbols: str) -> Iterator[Classification]:
    """Classes of Binance contracts, whose answer says nothing of their class."""
    tier = {
        "bracket": 1,
        "initialLeverage": 20,
        "notionalCap": 50000,
        "notionalFloor": 0,
        "maintMarginRatio": 0.01,
        "cum": 0,
    }
    rows = [{"symbol": symbol, "brackets": [tier]} for symbol in symbols]
    payload = replace(answer(venue, "fapiPrivateGetLeverageBracket", rows), observed_at=moment)
    parsed = registry.read(Snapshot(venue, moment, (payload,), complete=True), facts.bundled())
    assert parsed.defects == ()
    for schedule in sorted(parsed.schedules, key=lambda schedule: schedule.instrument.id):
        yield schedule.instrument.classification


def test_what_a_venue_listed_by_a_date_tells_tickers_of_two_assets_apart() -> None:
    july, november = datetime(2026, 7, 2, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC)
    coin, share, new, short = classes_of(
        "binance", july, "1000CATUSDT", "CATUSDT", "NEWCOINUSDT", "TSLAXUSDT"
    )
    assert (coin.asset_class, share.asset_class) == (AssetClass.CRYPTO, AssetClass.EQUITY)
    assert (new.asset_class, new.basis) == (AssetClass.CRYPTO, ClassBasis.LISTING)
    assert not short.known  # not among the shares of the list, but its name says so
    later = list(classes_of("binance", november, "CATUSDT", "NEWCOINUSDT"))
    assert [found.known for found in later] == [False, False]


def test_the_recorded_archive_has_few_contracts_of_unknown_class() -> None:
    found = [(own.instrument, own.instrument.classification) for own in READING.schedules]
    unknown = sorted((one.venue, one.underlying.asset) for one, two in found if not two.known)
    assert unknown == [("mudrex", "H"), ("mudrex", "IN"), ("mudrex", "M")]
    classes = Counter(classification.asset_class for _, classification in found)
    assert classes[AssetClass.EQUITY] == 91
    assert classes[AssetClass.CURRENCY] == 1
    bybit = {
        instrument.underlying.asset: classification
        for instrument, classification in found
        if instrument.venue == "bybit"
    }
    assert bybit["GME (coin)"].asset_class is AssetClass.CRYPTO  # a coin, in 2024


SHARES_AND_FUNDS = "BBX BE BX DRAM GME HD NOW PAYP QNTX STXX URNM USAR V"


def test_shares_of_binance_and_currencies_are_no_crypto_assets() -> None:
    newest = {
        (own.instrument.venue, own.instrument.underlying.asset): own.instrument.classification
        for own in READING.schedules
    }
    for asset in SHARES_AND_FUNDS.split():
        assert newest["binance", asset].asset_class in {AssetClass.EQUITY, AssetClass.FUND}
    assert newest["pacifica", "USDJPY"].asset_class is AssetClass.CURRENCY


def test_every_fact_is_about_a_call_that_the_venue_answers() -> None:
    adapters = {adapter.venue: adapter for adapter in registry.VENUES}
    assert set(bundled().listings) <= adapters.keys()
    for field in bundled().fields:
        assert field.venue in adapters
        assert field.calls
        assert field.default is None or field.default in field.words
        assert field.name in known_fields()[field.venue].read
    assert all(listings.before < date(2026, 11, 30) for listings in bundled().listings.values())


def test_recorded_answers_have_the_fields_where_the_facts_say() -> None:
    """Each field that a recording contains is found in it; others are from documentation."""
    seen = {
        (snapshot.venue, field.name)
        for snapshot in recorded.snapshots()
        for field in bundled().fields
        if field.venue == snapshot.venue
        and stated_classes(snapshot, replace(bundled(), fields=(field,)))
    }
    assert seen == {
        ("coinbase", "futures_asset_type"),
        ("coinbase", "non_crypto"),
        ("cryptocom", "product_type"),
        ("extended", "category"),
        ("gate", "contract_type"),
        ("krakenfutures", "tradfi"),
        ("okx", "instCategory"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("words: []\n", "a.yaml:1:1: expected exactly the keys listings, words"),
        (
            "words: []\nlistings:\n- {venue: a, before: soon, except: {}, source: b}\n",
            "a.yaml:3:3: before: expected a date such as 2025-06-01, found 'soon'",
        ),
        (
            "words: []\nlistings:\n- {venue: a, before: 2025-06-01, except: {coin: B}, source: b}\n",
            "a.yaml:3:3: class: expected one of crypto, equity, fund, index, commodity, currency, other, unknown; found 'coin'",
        ),
    ],
)
def test_an_error_in_the_facts_names_its_place(text: str, message: str) -> None:
    with pytest.raises(YamlSourceError) as error:
        asset_classes.parse(text, "a.yaml")
    assert str(error.value) == message

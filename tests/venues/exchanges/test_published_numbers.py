"""Margins of the later venues, calculated by hand from published numbers, and their traps."""

from decimal import Decimal
from fractions import Fraction

import pytest

from harmonize.core.payload import Call, Origin, Payload, Provenance, Snapshot
from harmonize.core.schedule import Derived, Known, MarginSchedule, Unknown, value_of
from tests.support import recorded
from tests.support.altered_snapshots import changed, parsed, written
from tests.support.oracles import exact_margin
from venues import facts, registry
from venues.adapter import Parsed


def recorded_margins(
    venue: str, symbol: str, notional: str, profile: str = ""
) -> tuple[object, object]:
    """IM and MM of a position in USD, exactly; the reason where a margin is unknown."""
    return margins(recorded.schedule(venue, symbol, profile), notional)


def margins(schedule: MarginSchedule, notional: str) -> tuple[object, object]:
    amounts: list[object] = []
    for observed in (schedule.initial, schedule.maintenance):
        function = value_of(observed)
        if function is None:
            assert isinstance(observed, Unknown)
            amounts.append(observed.reason)
        else:
            amount = exact_margin(function, Fraction(notional))
            assert amount is not None
            amounts.append(float(amount))
    return amounts[0], amounts[1]


NO_MM = "the venue publishes no maintenance margin"

NO_MM_ABOVE_10X = (
    "the venue states a maintenance margin of 3 % for leverage of 1 to 10, and none above"
)

BY_HAND = [
    # venue, symbol, profile, notional, IM, MM: each from the numbers on the right
    ("apex", "BTC/USDT:USDT", "", "150000", 150000 * 0.01111, 150000 * 0.0056),  # second step
    ("ascendex", "BTC/USDT:USDT", "", "60000", 60000 * 0.02, 60000 * 0.012),  # tier to 200,000
    ("aster", "ETH/USDT:USDT", "", "10000", 10000 / 75, 65.0),  # 75x, 0.65 %
    ("backpack", "ETH/USDC:USDC", "", "40000", 800.0, 500.0),  # base 2 %, 1.25 % below the roots
    ("backpack", "ETH/USDC:USDC", "", "1000000", 93500.0, 56100.0),  # 0.0000935 × 1000 × N
    ("bequant", "ETH/USDT:USDT", "", "7500", 100.0, NO_MM),  # 75x
    ("bigone", "BTC/USDT:USDT", "", "1000", 10.0, 5.0),
    ("bitfinex", "BTC/USDT:USDT", "", "1000", 10.0, 5.0),
    ("bitmart", "BTC/USDT:USDT", "", "20000", 100.0, NO_MM),  # 200x
    ("bitmex", "BTC/USDT:USDT", "", "1000000", 10000.0, 5000.0),  # the base limit: 1 %, 0.5 %
    ("bitmex", "BTC/USDT:USDT", "", "1000001", 15000.015, 10000.01),  # one step above it
    ("blofin", "LTC/USDT:USDT", "", "50", 1.0, NO_MM),
    ("bydfi", "ETH/USDC:USDC", "", "200", 1.0, NO_MM),
    ("coinbase", "ADA/USDC:USDC", "", "20", 1.0, NO_MM),  # 20x abroad
    ("coinbase", "BTC/USD:USD-301220", "cross, overnight, short", "1000", 306.375, NO_MM),
    ("coinbase", "BTC/USD:USD-301220", "cross, intraday, long", "1000", 100.0185, NO_MM),
    ("cryptocom", "BTC/USD:USD", "", "100", 1.0, NO_MM),
    ("deepcoin", "BTC/USDT:USDT", "", "125", 1.0, NO_MM),
    ("delta", "BTC/USDT:USDT", "", "200000", 2000.0, 1000.0),  # 1 %, 0.5 % up to the threshold
    ("delta", "BTC/USDT:USDT", "", "1200000", 36000.0, 18000.0),  # + 0.000002 % × 1,000,000 = 3 %
    ("digifinex", "BTC/USDT:USDT", "", "200", 1.0, 0.5),
    ("extended", "BTC/USD:USD", "", "50", 1.0, NO_MM),
    ("hibachi", "ETH/USDT:USDT", "", "1000", 66.667, 30.0),
    ("hitbtc", "LTC/USDT:USDT", "", "50", 1.0, NO_MM),
    ("lbank", "LTC/USDT:USDT", "", "75", 1.0, NO_MM),
    ("lighter", "ETH/USDC:USDC", "", "10000", 200.0, 120.0),  # 200 and 120 of 10,000
    ("mudrex", "1000PEPE/USDT:USDT", "", "50", 1.0, NO_MM),
    ("pacifica", "BTC/USDC:USDC", "", "1000", 20.0, 10.0),  # 50x, half of it
    ("paradex", "BTC/USD:USDC", "", "1000", 20.0, 10.0),  # 0.02, half of it
    ("phemex", "BTC/USDT:USDT", "", "1000", 10.0, 5.0),
    ("phemex", "BTC/USD:BTC", "", "1000", 10.0, 5.0),  # Er 1000000 and 500000 of 10^8
    ("poloniex", "BTC/USDT:USDT", "", "10000", 10000 / 75, 60.0),  # iM 0.0133 is 1 / 75, rounded
    ("weex", "BTC/USDT:USDT", "", "400", 1.0, NO_MM),
    # 5,000 at 1 %, 25,000 at 2 %, 70,000 at 5 %
    ("whitebit", "ADA/USDT:USDT", "", "100000", 50.0 + 500.0 + 3500.0, NO_MM_ABOVE_10X),
    ("woo", "BTC/USDT:USDT", "", "1000", 10.0, 6.0),
    ("xt", "RAD/USDT:USDT", "", "5000", 250.0, 125.0),
    ("zebpay", "BTC/USDT:USDT", "", "75", 1.0, NO_MM),
]


@pytest.mark.parametrize("case", BY_HAND, ids=lambda case: f"{case[0]}-{case[1]}-{case[3]}")
def test_a_margin_equals_the_one_calculated_by_hand(
    case: tuple[str, str, str, str, object, object],
) -> None:
    venue, symbol, profile, notional, *expected_margins = case
    for actual, expected in zip(
        recorded_margins(venue, symbol, notional, profile), expected_margins, strict=True
    ):
        assert actual == (
            pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else expected
        )


def test_bingx_maintenance_amounts_are_published_and_initial_margin_is_not() -> None:
    initial, maintenance = recorded_margins("bingx", "ETH/USDT:USDT", "1000000")
    assert maintenance == pytest.approx(1_000_000 * 0.0056 - 2070)
    assert initial == "the venue does not publish initial margin for every tier"


def test_bitmex_steps_are_those_of_its_own_example() -> None:
    """230 XBT at a limit of 200 and steps of 150: IM 1.50 %, MM 1.00 %; 180 XBT: MM 0.90 XBT."""
    schedule = recorded.schedule("bitmex", "BTC/USD:BTC")
    assert isinstance(schedule.initial, Known)
    (price,) = schedule.evidence[0].conversion.factors  # type: ignore[union-attr]
    for coins, initial, maintenance in ((180, 0.01, 0.005), (230, 0.015, 0.01), (351, 0.02, 0.015)):
        notional = coins * price.value
        amounts = margins(schedule, str(notional))
        assert amounts == (
            pytest.approx(float(notional) * initial),
            pytest.approx(float(notional) * maintenance),
        )


def parse_documents(
    venue: str, *answers: tuple[str, tuple[tuple[str, str], ...], object]
) -> Parsed:
    """Parses documents as responses, dated when every venue has facts."""
    adapter = registry.find_adapter(venue)
    assert adapter is not None
    observed_at = recorded.snapshots()[-1].observed_at
    origin = Provenance(Origin.DOCUMENTATION, "a test", "none")
    payloads = tuple(
        Payload.of(venue, Call(method, params), observed_at, origin, written(document))
        for method, params, document in answers
    )
    return adapter.parse(Snapshot(venue, observed_at, payloads, complete=False), facts.bundled())


@pytest.mark.parametrize("venue", ["woofipro", "modetrade"])
def test_orderly_rates_are_those_of_its_worked_example(venue: str) -> None:
    """N 5197.2 and a factor of 2.512e-7: the scaled term is 0.000117924809, below a base of 5 %."""
    row = {
        "symbol": "PERP_ETH_USDC",
        "status": "ACTIVE",
        "base_imr": "0.1",
        "base_mmr": "0.05",
        "imr_factor": "0.0000002512",
    }
    (schedule,) = parse_documents(
        venue, ("v1PublicGetPublicInfo", (), {"data": {"rows": [row]}})
    ).schedules
    assert margins(schedule, "5197.2")[1] == pytest.approx(5197.2 * 0.05)
    function = value_of(schedule.maintenance)
    assert function is not None
    # where the base ends, the scaled term of MM is the base: base_mmr / base_imr × f × N^0.8
    crossing = function.pieces[0].upper
    assert float(crossing) ** 0.8 * 0.5 * 2.512e-7 == pytest.approx(0.05, rel=1e-12)
    assert pytest.approx(0.000117924809, rel=1e-6) == 5197.2**0.8 * 0.5 * 2.512e-7


def test_orderly_above_the_base_rises_with_the_four_fifths_power() -> None:
    initial, maintenance = recorded_margins("woofipro", "BTC/USDC:USDC", "20000000")
    assert initial == pytest.approx(2e7 * 9.1e-8 * 2e7**0.8, rel=1e-12)
    assert maintenance == pytest.approx(2e7 * 0.6 * 9.1e-8 * 2e7**0.8, rel=1e-12)


def test_hashkey_and_toobit_limits_are_read_as_contracts_and_not_verified() -> None:
    for venue, first in (("hashkey", "0.05"), ("toobit", "0.005")):
        schedule = recorded.schedule(venue, "BTC/USDT:USDT")
        assert isinstance(schedule.initial, Derived)
        assert not schedule.initial.verified
        piece = schedule.initial.value.pieces[0]
        # 1,000 contracts of 0.001 BTC at the close of 62,823.64
        assert (piece.upper, piece.rate) == (Decimal("62823.640"), Decimal(first))


def test_a_limit_for_whitelisted_accounts_is_excluded() -> None:
    snapshot = recorded.of_venue("hashkey")[0]
    before = recorded.schedule("hashkey", "BTC/USDT:USDT")

    def last_for_few(document: dict[str, list[dict[str, list[dict[str, object]]]]]) -> None:
        document["contracts"][0]["riskLimits"][-1]["isWhite"] = True

    after = parsed(changed(snapshot, "publicGetApiV1ExchangeInfo", last_for_few)).schedules[0]
    assert len(after.tiers) == len(before.tiers) - 1


def test_coin_margined_binance_brackets_are_in_coins_under_either_floor_key() -> None:
    mark = [{"symbol": "BTCUSD_PERP", "markPrice": "60000"}]
    for floor in ("qtyFloor", "qtylFloor"):
        brackets = [
            {"bracket": 1, "initialLeverage": 125, "qtyCap": 5, floor: 0, "maintMarginRatio": 0.004, "cum": 0},
            {"bracket": 2, "initialLeverage": 100, "qtyCap": 10, floor: 5, "maintMarginRatio": 0.005, "cum": 0.005},
        ]  # fmt: skip
        answer = [{"symbol": "BTCUSD_PERP", "notionalCoef": 1, "brackets": brackets}]
        parse_result = parse_documents(
            "binance",
            ("dapiPrivateV2GetLeverageBracket", (), answer),
            ("dapiPublicGetPremiumIndex", (), mark),
        )
        (schedule,) = parse_result.schedules
        assert schedule.instrument.symbol == "BTC/USD:BTC"
        # 8 BTC: 480,000 USD at 1 / 100, and 480,000 × 0.5 % − 0.005 BTC × 60,000
        assert margins(schedule, "480000") == (4800.0, 2100.0)


def test_phemex_tables_are_joined_by_their_number() -> None:
    product = {
        "symbol": "ETHUSDT",
        "type": "PerpetualV2",
        "status": "Listed",
        "baseCurrency": "ETH",
        "quoteCurrency": "USDT",
        "settleCurrency": "USDT",
        "leverageMargin": 1,
    }
    item = {"notionalValueRv": 50000, "maxLeverage": 20.0}
    items = [
        {**item, "maintenanceMarginRateRr": "0.01", "maintenanceAmountRv": "0"},
        {"notionalValueRv": 3000000, "maxLeverage": 10.0, "maintenanceMarginRateRr": "0.02", "maintenanceAmountRv": "500"},
    ]  # fmt: skip
    limit = {"symbol": "X", "riskLimits": [{"limit": 1}]}
    document = {
        "data": {
            "products": [{**product, "type": "Spot"}],
            "perpProductsV2": [product],
            "leverageMargins": [{"index_id": 1, "items": items}],
            "riskLimits": [limit],
            "riskLimitsV2": [limit],
        }
    }
    parse_result = parse_documents("phemex", ("v2GetPublicProducts", (), document))
    (schedule,) = parse_result.schedules
    assert margins(schedule, "3000000") == (300000.0, 59500.0)  # 3,000,000 × 2 % − 500


def test_poloniex_tiers_are_contracts_at_the_mark_price_by_margin_mode() -> None:
    row = {
        "symbol": "BTC_USDT_PERP",
        "status": "OPEN",
        "ctType": "LINEAR",
        "bCcy": "BTC",
        "qCcy": "USDT",
        "sCcy": "USDT",
        "ctVal": "0.001",
        "iM": "0.0133",
        "mM": "0.006",
    }
    tier = {"symbol": "BTC_USDT_PERP", "mgnMode": "ISOLATED"}
    tiers = [
        {**tier, "tier": 1, "minSize": "0", "maxSize": "10000", "maxLever": "75", "mMRatio": "0.006"},
        {**tier, "tier": 2, "minSize": "10000", "maxSize": "50000", "maxLever": "50", "mMRatio": "0.01"},
    ]  # fmt: skip
    parse_result = parse_documents(
        "poloniex",
        ("swapPublicGetV3MarketAllInstruments", (), {"data": [row]}),
        ("swapPublicGetV3MarketTickers", (), {"data": [{"symbol": "BTC_USDT_PERP", "mPx": "60000"}]}),
        ("swapPublicGetV3MarketRiskLimit", (("symbol", "BTC_USDT_PERP"),), {"data": tiers}),
    )  # fmt: skip
    (schedule,) = parse_result.schedules
    assert str(schedule.profile) == "isolated"
    # 10,000 contracts of 0.001 BTC at 60,000: $600,000 is the last of the first tier
    assert margins(schedule, "600000") == (8000.0, 3600.0)
    assert margins(schedule, "1000000") == (20000.0, 10000.0)
    assert isinstance(schedule.maintenance, Derived)
    assert not schedule.maintenance.verified


def test_derive_requirements_are_rates_of_the_position() -> None:
    row = {
        "instrument_type": "perp",
        "instrument_name": "BTC-PERP",
        "base_currency": "BTC",
        "is_active": True,
        "perp_details": {
            "srm_perp_margin_requirements": {"im_perp_req": "0.066", "mm_perp_req": "0.05"}
        },
    }
    document = {"result": {"instruments": [row]}}
    (schedule,) = parse_documents("derive", ("publicPostGetAllInstruments", (), document)).schedules
    assert margins(schedule, "1000") == (pytest.approx(66.0), pytest.approx(50.0))
    assert str(schedule.profile) == "cross, standard margin"


def test_paradex_with_a_factor_again_would_be_unknown() -> None:
    snapshot = recorded.of_venue("paradex")[0]

    def grow(document: dict[str, list[dict[str, dict[str, str]]]]) -> None:
        document["results"][0]["delta1_cross_margin_params"]["imf_factor"] = "0.00071"

    parse_result = parsed(changed(snapshot, "publicGetMarkets", grow))
    assert isinstance(parse_result.schedules[0].initial, Unknown)
    assert isinstance(parse_result.schedules[1].initial, Known)


def test_hyperliquid_reads_all_exchanges_in_one_answer_and_never_guesses_their_collateral() -> None:
    metas = [
        {"universe": [{"name": "BTC", "maxLeverage": 40, "marginTableId": 40}], "marginTables": []},
        {
            "collateralToken": 360,
            "universe": [
                {"name": "km:US500", "maxLeverage": 20, "marginTableId": 20, "marginMode": "strictIsolated"}
            ],
        },
    ]  # fmt: skip
    params = (("type", "allPerpMetas"),)
    own, other = parse_documents("hyperliquid", ("publicPostInfo", params, metas)).schedules
    assert margins(own, "1000") == (25.0, 12.5)
    assert other.instrument.symbol == "KM-US500/TOKEN360:TOKEN360"
    assert isinstance(other.initial, Unknown)
    assert str(other.profile) == "isolated"


def test_venues_that_publish_no_rate_are_shown_as_unknown() -> None:
    for venue in ("btse", "bullish"):
        for schedule in recorded.schedules(venue):
            assert isinstance(schedule.initial, Unknown)
            assert isinstance(schedule.maintenance, Unknown)


BROKEN = [
    ("lighter", "publicGetOrderBookDetails", "/order_book_details/0/min_initial_margin_fraction"),
    ("backpack", "publicGetApiV1Markets", "/0/imfFunction/type"),
    ("delta", "publicGetProducts", "/result/0/max_leverage_notional"),
    ("apex", "publicGetV3Symbols", "/data/contractConfig/perpetualContract/0/riskLimitConfig/imrSteps"),
    ("whitebit", "v4PublicGetFutures", "/result/0/brackets/20"),
    ("coinbase", "v3PublicGetBrokerageMarketProducts", "/products/0/future_product_details/overnight_margin_rate/short_margin_rate"),
    ("bitmex", "publicGetInstrumentActive", "/0/settlCurrency"),
    ("extended", "v1PublicGetInfoMarkets", "/data/0/tradingConfig/riskFactorConfig/0/riskFactor"),
]  # fmt: skip


@pytest.mark.parametrize(("venue", "method", "pointer"), BROKEN)
@pytest.mark.parametrize("broken", ["no figure", {"value": 1}])
def test_an_invalid_number_is_a_defect_at_its_place(
    venue: str, method: str, pointer: str, broken: object
) -> None:
    snapshot = recorded.of_venue(venue)[0]
    schedule_count = len(parsed(snapshot).schedules)

    def put(document: object) -> None:
        here = document
        *path, last = pointer.split("/")[1:]
        for token in path:
            here = here[int(token)] if isinstance(here, list) else here[token]  # type: ignore[index]
        here[last] = broken  # type: ignore[index]

    parse_result = parsed(changed(snapshot, method, put))
    assert len(parse_result.schedules) < schedule_count
    assert pointer in parse_result.defects[0].where


def test_at_least_thirty_five_venues_have_a_schedule_from_a_real_recording() -> None:
    real = {
        adapter.venue
        for adapter in registry.VENUES
        for schedule in recorded.schedules(adapter.venue)
        if schedule.origin is Origin.RECORDED and value_of(schedule.initial) is not None
    }
    assert len(real) >= 35

"""Recorded liquidations: what ships, how a model is compared, and errors with their place."""

from dataclasses import replace
from datetime import date

import pytest

from harmonize.core.yaml_source import YamlSourceError
from harmonize.stress.errors import StressInputError
from harmonize.stress.recorded import (
    RecordedDay,
    bundled_recordings,
    compare_with_recorded,
    parse_recordings,
)
from tests.harmonize.stress.markets import flat_margins, stated

TEXT = """venue: hyperliquid
source: a test
days:
  - {underlying: BTC, day: 2025-12-08, open_interest: 1000, fall: 0.02, liquidated: 10}
  - {underlying: BTC, day: 2025-12-09, open_interest: 2000, fall: 0.06, liquidated: 90}
"""


def test_forty_nine_days_of_three_underlyings_ship_with_the_package() -> None:
    recordings = bundled_recordings()
    assert recordings.venue == "hyperliquid"
    assert {name: len(recordings.of(name)) for name in ("BTC", "ETH", "SOL", "DOGE")} == {
        "BTC": 49,
        "ETH": 49,
        "SOL": 49,
        "DOGE": 0,
    }
    assert recordings.of("BTC")[0] == RecordedDay(
        "BTC", date(2025, 12, 8), 1_962_128_662.0, 0.00876, 14_371_769.0
    )


def test_a_caveat_is_read_and_the_shipped_recordings_have_one() -> None:
    assert parse_recordings(TEXT, "x.yaml").caveat == ""
    assert parse_recordings(f"caveat: unsure\n{TEXT}", "x.yaml").caveat == "unsure"
    assert "does not name the venue" in bundled_recordings().caveat


def test_the_model_states_open_interest_times_the_share_within_the_fall() -> None:
    days = parse_recordings(TEXT, "x.yaml").of("BTC")
    longs = stated([0.01, 0.05, 0.5, 0.9], [1.0, 2.0, 3.0, 4.0])
    found = compare_with_recorded(days, longs, flat_margins(0.005))
    assert found.days == 2
    assert found.recorded == 100.0
    assert found.modelled == pytest.approx(1000 * 0.1 + 2000 * 0.3)
    assert found.rank_correlation == pytest.approx(1.0)
    # with MM of 0.5 %, 100× is liquidated by about 0.5 %, 50× by 1.5 %, 25× by 3.5 %, 10× by 9.5 %
    assert found.heat_map == pytest.approx(1000 * 2 / 4 + 2000 * 3 / 4)


def test_a_constant_model_has_no_rank_correlation() -> None:
    days = parse_recordings(TEXT.replace("2000", "1000"), "x.yaml").of("BTC")
    found = compare_with_recorded(days, stated([0.9], [1.0]), flat_margins(0.005))
    assert found.modelled == 0.0
    assert found.rank_correlation is None


def test_one_day_is_not_enough() -> None:
    (day, _) = parse_recordings(TEXT, "x.yaml").of("BTC")
    with pytest.raises(StressInputError, match="expected two days and positions, found 1 days"):
        compare_with_recorded([replace(day)], stated([0.5], [1.0]), flat_margins(0.005))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fall: 0.02", "fall: 1.0", "x.yaml:4:67: fall: expected a number from 0, found 1.0"),
        ("liquidated: 10}", "liquidated: -1}", "liquidated: expected a number from 0, found -1"),
        ("liquidated: 10}", "liquidated: many}", "liquidated: expected a number from 0"),
        ("2025-12-08", "today", "day: expected a date"),
        ("liquidated: 10", "amount: 10", "x.yaml:4:5: expected exactly the keys"),
        ("source: a test\n", "", "expected exactly the keys days, source, venue"),
    ],
)
def test_an_error_names_its_place(old: str, new: str, message: str) -> None:
    with pytest.raises(YamlSourceError) as error:
        parse_recordings(TEXT.replace(old, new, 1), "x.yaml")
    assert message in str(error.value)

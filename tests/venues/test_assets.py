"""The table of assets: what codes mean and when, its form, and the schedules that it names."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from harmonize.core.date_precision import EXACT, NO_LATER_THAN, DatePrecision, date_between
from harmonize.core.instrument import Underlying
from harmonize.core.schedule import MarginSchedule
from harmonize.core.yaml_source import YamlSourceError
from tests.harmonize.checks.examples import flat_schedule
from venues import assets

TABLE = assets.bundled()


def named(code: str, venue: str, day: date, precision: DatePrecision = EXACT) -> MarginSchedule:
    schedule = flat_schedule((50_000, "0.1", "0.05"), asset=code)
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    instrument = replace(schedule.instrument, venue=venue)
    schedule = replace(schedule, instrument=instrument, observed_at=at, precision=precision)
    (own,) = assets.with_assets([schedule], TABLE)
    return own


@pytest.mark.parametrize(
    ("code", "venue", "day", "asset", "coins"),
    [
        ("BEAMX", "binance", date(2026, 7, 2), "BEAM", 1),
        ("BEAM", "bybit", date(2024, 12, 25), "BEAM", 1),
        ("BEAM", "binance", date(2022, 4, 25), "BEAM (Mimblewimble)", 1),
        ("RONIN", "binance", date(2026, 7, 2), "RON", 1),
        ("RAYSOL", "binance", date(2026, 7, 2), "RAY", 1),
        ("MATIC", "dydx", date(2024, 8, 20), "POL", 1),
        ("FTM", "bybit", date(2024, 12, 25), "S", 1),
        ("OM", "bitget", date(2025, 4, 4), "MANTRA", 4),
        ("1000OM", "bitget", date(2025, 4, 4), "MANTRA", 4000),
        ("MC", "bybit", date(2023, 10, 1), "BEAM", 100),
        ("MC", "bybit", date(2025, 10, 1), "MC", 1),
        ("LUNA", "binance", date(2022, 5, 27), "LUNC", 1),
        ("LUNA", "bitget", date(2022, 5, 28), "LUNA", 1),
        ("LUNA2", "binance", date(2026, 7, 2), "LUNA", 1),
        ("LIT", "bybit", date(2024, 12, 25), "HEI", 1),
        ("LIT", "binance", date(2025, 12, 22), "HEI", 1),
        ("LIT", "binance", date(2025, 12, 23), "LIT", 1),
        ("PUMP", "bitget", date(2025, 4, 4), "PUMPBTC", 1),
        ("PUMP", "binance", date(2026, 7, 2), "PUMP", 1),
        ("GME", "bybit", date(2024, 12, 25), "GME (coin)", 1),
        ("GME", "binance", date(2026, 7, 2), "GME", 1),
        ("GME", "okx", date(2026, 7, 2), "GME", 1),
        ("SOL", "okx", date(2026, 7, 2), "SOL", 1),
    ],
)
def test_a_code_means_an_asset_at_a_venue_on_a_day(
    code: str, venue: str, day: date, asset: str, coins: int
) -> None:
    assert named(code, venue, day).instrument.underlying == Underlying(asset, coins)


@pytest.mark.parametrize(
    ("earliest", "asset"),
    [(date(2025, 12, 23), "LIT"), (date(2025, 12, 22), "LIT"), (None, "LIT")],
)
def test_a_code_means_an_asset_only_if_it_does_so_at_any_possible_date(
    earliest: date | None, asset: str
) -> None:
    day = date(2026, 8, 1)
    precision = NO_LATER_THAN
    if earliest:
        precision = date_between(datetime(earliest.year, earliest.month, earliest.day, tzinfo=UTC))
    own = named("LIT", "pacifica", day, precision).instrument
    assert own.underlying.asset == asset
    assert bool(own.asset_source) == (earliest == date(2025, 12, 23))
    former = named("LIT", "bybit", date(2024, 12, 25), NO_LATER_THAN).instrument
    assert former.underlying.asset == "HEI"


@pytest.mark.parametrize(
    ("code", "venue", "day"),
    [
        ("POL", "okx", date(2025, 4, 4)),
        ("POL", "binance", date(2024, 9, 12)),
        ("S", "bitget", date(2025, 4, 4)),
        ("A", "binance", date(2026, 7, 2)),
        ("MANTRA", "binance", date(2026, 3, 3)),
        ("HEI", "binance", date(2026, 7, 2)),
        ("BEAM", "bitget", date(2025, 4, 4)),
        ("BEAM", "bybit", date(2024, 12, 25)),
        ("BEAM", "dydx", date(2024, 7, 27)),
        ("GME", "okx", date(2025, 4, 4)),
        ("SOL", "okx", date(2025, 4, 4)),
    ],
)
def test_a_code_without_an_entry_for_its_venue_and_date_has_no_source(
    code: str, venue: str, day: date
) -> None:
    instrument = named(code, venue, day).instrument
    assert (instrument.underlying.asset, instrument.asset_source) == (code, "")


@pytest.mark.parametrize(
    ("code", "venue", "day"),
    [
        ("POL", "binance", date(2024, 9, 13)),
        ("S", "binance", date(2026, 7, 2)),
        ("MANTRA", "binance", date(2026, 7, 2)),
        ("HEI", "bitget", date(2025, 4, 4)),
        ("PUMPBTC", "binance", date(2026, 7, 2)),
    ],
)
def test_the_code_of_an_asset_has_a_source_where_an_entry_states_it(
    code: str, venue: str, day: date
) -> None:
    instrument = named(code, venue, day).instrument
    assert instrument.underlying.asset == code
    assert instrument.asset_source.startswith("own: B")
    assert not instrument.has_former_code


def test_a_former_code_is_on_the_asset_of_today() -> None:
    former = named("MATIC", "okx", date(2025, 4, 4)).instrument
    assert former.asset_source.startswith("rename: Binance")
    assert former.has_former_code


def test_users_may_write_codes_that_mean_one_asset_at_all_times() -> None:
    names = TABLE.names()
    assert (names["MATIC"], names["FTM"], names["BEAMX"], names["LUNA2"]) == (
        *("POL", "S", "BEAM", "LUNA"),
    )
    assert not {"LIT", "PUMP", "LUNA", "GME", "BEAM"} & names.keys()


def test_users_may_write_the_code_that_an_asset_had_on_the_day_of_a_question() -> None:
    lasting = TABLE.names()
    assert TABLE.names(date(2022, 5, 27))["LUNA"] == "LUNC"
    for day in (date(2022, 5, 28), date(2026, 11, 30)):
        assert "LUNA" not in TABLE.names(day)
        assert lasting.items() <= TABLE.names(day).items()
    # A code that means another asset at one venue stays ambiguous.
    assert "BEAM" not in TABLE.names(date(2022, 5, 27))


def test_every_entry_has_a_source_and_the_aliases_of_names_agree() -> None:
    assert all(len(entry.source) > 20 for entry in TABLE.entries)
    for code in ("XBT", "XDG"):
        assert Underlying.of(code).asset == TABLE.names()[code]


ENTRY = "- {code: A, asset: B, relation: alias, source: x"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- {code: A}", "t.yaml:1:3: expected the keys asset, code, relation, source, and of"),
        (ENTRY.replace("alias", "twin") + "}", "t.yaml:1:33: relation: "),
        (ENTRY + ", coins: 0}", "t.yaml:1:58: coins: expected a whole number above 0, found 0"),
        (ENTRY + ", since: soon}", "since: expected a date such as 2025-06-01, found 'soon'"),
        (
            ENTRY + ", since: 2025-06-01, until: 2025-06-01}",
            "until: expected a date after 2025-06-01, found 2025-06-01",
        ),
        (f"{ENTRY}}}\n{ENTRY}, since: 2025-06-01}}", "t.yaml:2:3: A: has an entry for the same"),
        (
            f"{ENTRY}, venues: [okx, gate]}}\n{ENTRY}, venues: [gate]}}",
            "t.yaml:2:3: A: has an entry for the same",
        ),
    ],
)
def test_a_wrong_table_is_refused_with_place_and_reason(text: str, reason: str) -> None:
    with pytest.raises(YamlSourceError) as error:
        assets.parse(text, "t.yaml")
    assert reason in str(error.value)


def test_an_entry_for_a_venue_precedes_one_for_all() -> None:
    table = assets.parse(f"{ENTRY}}}\n{ENTRY.replace('B', 'C')}, venues: [gate]}}", "t.yaml")
    day = date(2026, 1, 1)
    found = [table.find(venue, "A", day) for venue in ("okx", "gate")]
    assert [entry.asset for entry in found if entry] == ["B", "C"]
    assert table.find("okx", "B", day) is None

"""Bundled open interest, and errors of the file with their place."""

from datetime import date

import pytest

from harmonize.core.yaml_source import YamlSourceError
from harmonize.stress.open_interest import bundled_open_interest, parse_open_interest
from venues.registry import VENUES

HEAD = "as_of: 2026-03-07\nsource: somewhere\nopen_interest:\n"
ROW = '  - {venue: a, underlying: BTC, usd: 10.5, observed_at: "2026-03-07T10:00:00Z"}\n'


def test_the_bundled_table_is_of_known_venues_and_states_its_source() -> None:
    table = bundled_open_interest()
    assert table.as_of == date(2026, 3, 7)
    assert "0xknxwledge/group-m-finm33150-final" in table.source
    known = {adapter.venue for adapter in VENUES}
    assert {row.venue for row in table.rows} <= known
    assert all(row.observed_at.startswith("2026-03-07T") for row in table.rows)
    assert table.of("BTC")["binance"] == pytest.approx(5.7336e9, rel=1e-4)
    assert table.of("NONE") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "t.yaml:1:1: expected exactly the keys as_of, open_interest, source"),
        (HEAD.replace("2026-03-07", "soon") + ROW, "t.yaml:1:8: as_of: expected a day"),
        (HEAD + "  []\n", "t.yaml:4:3: open_interest: expected a list of rows"),
        (HEAD + ROW.replace("usd", "eur"), "t.yaml:4:5: expected exactly the keys"),
        (HEAD + ROW.replace("10.5", "0"), "t.yaml:4:38: usd: expected a number above 0, found 0"),
        (HEAD + ROW + ROW, "t.yaml:5:5: a BTC is already stated above; remove one"),
    ],
)
def test_errors_state_place_problem_and_fix(text: str, message: str) -> None:
    with pytest.raises(YamlSourceError) as error:
        parse_open_interest(text, "t.yaml")
    assert str(error.value).startswith(message)

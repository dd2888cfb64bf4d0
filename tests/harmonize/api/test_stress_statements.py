"""What limits the answer of a stress, in sentences."""

from dataclasses import replace

from harmonize.api.stress_statements import limit_statements
from tests.support.sample_stress import stress


def test_other_volumes_of_underlyings_are_a_limit_of_the_answer() -> None:
    first, second = (stress(name, ["venue-a"], []) for name in ("BTC", "ETH"))
    market = replace(second.market, volume_venues=("venue-a", "venue-b"))
    lines = [
        limit_statements(None, None, rows, with_impact=False, has_funds=False)
        for rows in ([first, replace(second, market=market)], [first, second])
    ]
    found = [any("not on equal terms" in line for line in own) for own in lines]
    assert found == [True, False]
    assert all(all(own) for own in lines)  # no empty sentence

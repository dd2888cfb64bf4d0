import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.site.addresses import (
    id_slug,
    schedule_anchor,
    symbol_slug,
    underlying_path,
    underlying_slug,
)

SAFE = r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?"
HOSTILE = ("../../etc/passwd", "<script>", "CON", "nul", "", ".", "a\x00b", "ÄÖ", "🚀", "x" * 300)


def test_plain_names_are_readable() -> None:
    assert underlying_path("BTC") == "underlyings/btc.html"
    assert id_slug("krakenfutures") == "krakenfutures"
    assert id_slug("harmonized-baseline") == "harmonized-baseline"
    assert symbol_slug("BTC/USDT:USDT") == "btc-usdt-usdt"
    assert symbol_slug("BTC/USD:BTC-260925") == "btc-usd-btc-260925"
    assert schedule_anchor("okx", "BTC/USDT:USDT", "any") == "schedule-okx-btc-usdt-usdt-any"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_safe_file_name(name: str) -> None:
    slugs = (underlying_slug(name), id_slug(name), symbol_slug(name))
    assert all(__import__("re").fullmatch(SAFE, slug) for slug in slugs)
    assert not {"con", "nul", "prn", "aux"} & set(slugs)
    assert all(len(slug) <= 60 for slug in slugs)


@given(st.text(max_size=60), st.text(max_size=60))
def test_two_underlyings_never_share_a_file(one: str, other: str) -> None:
    assert (underlying_slug(one) == underlying_slug(other)) == (one == other)


def test_names_that_differ_in_case_only_have_different_files() -> None:
    assert underlying_slug("BTC") != underlying_slug("btc")
    assert underlying_slug("A-B") != underlying_slug("A.B")
    assert symbol_slug("A/B:C") != symbol_slug("A/B-C")

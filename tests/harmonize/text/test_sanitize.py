import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.text.sanitize import plain


@pytest.mark.parametrize(
    ("sent", "escaped"),
    [
        ("BTC/USDT", "BTC/USDT"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\x00b\nc\td", "a\\x00b\\nc\\td"),
        ("abc\u202edef", "abc\\u202edef"),
        ("\ud800", "\\ud800"),
        ("币安人生", "币安人生"),
        ("2.0\N{NO-BREAK SPACE}%", "2.0\N{NO-BREAK SPACE}%"),
    ],
)
def test_characters_that_do_not_print_are_shown_as_escapes(sent: str, escaped: str) -> None:
    assert plain(sent) == escaped


@given(st.text())
def test_no_control_or_direction_character_remains(text: str) -> None:
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in plain(text))
    assert not any(
        unicodedata.bidirectional(character) in {"RLO", "LRO", "RLI"} for character in plain(text)
    )
    assert plain(text).encode().decode() == plain(text)

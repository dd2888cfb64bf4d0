import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.text.sanitize import plain


@pytest.mark.parametrize(
    ("sent", "shown"),
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
def test_characters_that_do_not_print_are_shown_as_escapes(sent: str, shown: str) -> None:
    assert plain(sent) == shown


@given(st.text())
def test_no_control_or_direction_character_remains(text: str) -> None:
    assert not any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in plain(text))
    assert not any(unicodedata.bidirectional(sign) in {"RLO", "LRO", "RLI"} for sign in plain(text))
    assert plain(text).encode().decode() == plain(text)

"""YAML of users: values, places and rejected constructs."""

import json
import time
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harmonize.core.yaml_source import (
    Place,
    Plain,
    YamlSource,
    YamlSourceError,
    decode_utf8,
    one_line,
    parse_yaml,
    printable,
)


def _value(scalar: str) -> Plain:
    value = parse_yaml(f"key: {scalar}", "f").value
    assert isinstance(value, dict)
    return value["key"]


def _error_text(text: str) -> str:
    with pytest.raises(YamlSourceError) as caught:
        parse_yaml(text, "f.yaml")
    message = str(caught.value)
    assert message.isprintable(), "one line"
    return message.removeprefix("f.yaml:")


@pytest.mark.parametrize(
    ("scalar", "number"),
    [
        ("0", 0),
        ("-3", -3),
        ("+3", 3),
        ("5_000_000", 5_000_000),
        ("1_0.5", Decimal("10.5")),
        ("0.1000", Decimal("0.1000")),
        ("1.0e5", Decimal(100_000)),
        ("1e-4", Decimal("0.0001")),
        ("12.5%", Decimal("0.125")),
        ("-7%", Decimal("-0.07")),
        ("0.123456789012345678901234567890123%", Decimal("0.00123456789012345678901234567890123")),
    ],
)
def test_bare_numbers_are_exact(scalar: str, number: Decimal | int) -> None:
    value = _value(scalar)
    assert isinstance(value, type(number))
    assert value == number
    assert str(value) == str(number) or "e" in scalar


@pytest.mark.parametrize(
    "scalar",
    [
        *("no", "NO", "on", "off", "yes", "y", "True", "TRUE", "False", "Null", "NULL", "~"),
        *("007", "0x1F", "0o7", "1:30", ".5", "5.", "1__0", "_1", "1_", "1,000", "12.5 %", "1%e2"),
        *("2026-1-2", "2026-11-20T00:00:00Z", "=", "<<", "-", "1e", "inf", "nan"),
    ],
)
def test_all_other_bare_words_are_text(scalar: str) -> None:
    assert _value(scalar if scalar != "-" else "'-'") == scalar


def test_three_words_are_not_text() -> None:
    assert [_value(word) for word in ("true", "false", "null")] == [True, False, None]


def test_iso_dates_are_dates() -> None:
    assert _value("2026-02-28") == date(2026, 2, 28)


@pytest.mark.parametrize("word", ["true", "null", "5", "5%", "2026-11-20", ".nan", "1e999", ""])
def test_quoted_words_are_text(word: str) -> None:
    assert _value(f"'{word}'") == _value(f'"{word}"') == word
    if word:
        assert _value(f"|-\n  {word}") == _value(f">-\n  {word}") == word


NESTED = """\
# a comment
one: 1
two:
  - a
  - {b: c, "d e": [f]}
three: |
  text
  more
"""


def test_every_key_and_value_has_a_place() -> None:
    source = parse_yaml(NESTED, "f")
    assert source.value == {
        "one": 1,
        "two": ["a", {"b": "c", "d e": ["f"]}],
        "three": "text\nmore\n",
    }
    assert source.values == {
        (): (2, 1),
        ("one",): (2, 6),
        ("two",): (4, 3),
        ("two", 0): (4, 5),
        ("two", 1): (5, 5),
        ("two", 1, "b"): (5, 9),
        ("two", 1, "d e"): (5, 19),
        ("two", 1, "d e", 0): (5, 20),
        ("three",): (6, 8),
    }
    assert source.keys == {
        ("one",): (2, 1),
        ("two",): (3, 1),
        ("two", 1, "b"): (5, 6),
        ("two", 1, "d e"): (5, 12),
        ("three",): (6, 1),
    }


def test_an_absent_path_has_the_place_of_its_nearest_parent() -> None:
    source = parse_yaml(NESTED, "f")
    assert source.place(("two", 1, "z", "y", 3)) == Place(5, 5)
    assert source.place(("nowhere",)) == Place(2, 1)
    assert source.key_place(("two", 1, "b")) == Place(5, 6)
    assert source.key_place(("two", 0)) == Place(4, 5)
    assert source.key_place(()) == Place(2, 1)


def test_columns_count_characters_and_windows_line_ends_count_once() -> None:
    source = parse_yaml("a: 1\r\n'Ω😀': x\r\n", "f")
    assert source.place(("Ω😀",)) == Place(2, 7)


DEEP_32 = "[" * 32 + "]" * 32


def test_32_levels_are_accepted() -> None:
    assert parse_yaml(DEEP_32, "f").place((0,) * 31) == Place(1, 32)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: empty document; add content"),
        ("# nothing\n", "1:1: empty document; add content"),
        ("---\n", "2:1: empty document; add content"),
        ("a:\nb: 1", "1:3: missing value; add a value, null or ''"),
        ("- \n- 1", "1:2: missing value; add a value, null or ''"),
        ("a: 1\nb: 2\na: 3", "3:1: duplicate key 'a', first in line 1; remove one"),
        ("a: {b: 1, 'b': 2}", "1:11: duplicate key 'b', first in line 1; remove one"),
        ("a: &x 1", "1:4: anchor &x is not allowed; remove it"),
        ("a: &x [1]", "1:4: anchor &x is not allowed; remove it"),
        ("a: *x", "1:4: alias *x is not allowed; write out the value"),
        ("a: !!python/object:os.system x", "1:4: tag '!!python/object:os.system' is not allowed; remove it"),
        ("!!set {a}", "1:1: tag '!!set' is not allowed; remove it"),
        ("a: !x [1]", "1:4: tag '!x' is not allowed; remove it"),
        ("%YAML 1.1\n---\na: 1", "1:1: directive is not allowed; remove the line that begins with %"),
        ("%TAG ! x:\n---\na: 1", "1:1: directive is not allowed; remove the line that begins with %"),
        ("1: x", "1:1: expected a text key, found the number 1; put '1' in quotes"),
        ("5%: x", "1:1: expected a text key, found the number 0.05; put '5%' in quotes"),
        ("true: x", "1:1: expected a text key, found true; put 'true' in quotes"),
        ("null: x", "1:1: expected a text key, found null; put 'null' in quotes"),
        ("2026-11-20: x", "1:1: expected a text key, found the date 2026-11-20; put '2026-11-20' in quotes"),
        ("? [a]\n: x", "1:3: expected a text key, found a list; use a word"),
        ("{{a: b}: x}", "1:2: expected a text key, found a mapping; use a word"),
        ("a: 1\n---\nb: 2", "2:1: second document; use one document per file"),
        ("[" * 33 + "]" * 33, "1:33: nested deeper than 32 levels; flatten it"),
        ("[" * 200_000, "1:33: nested deeper than 32 levels; flatten it"),
        ("{a: " * 100_000, "1:129: nested deeper than 32 levels; flatten it"),
        ("- " * 100_000, "1:65: nested deeper than 32 levels; flatten it"),
        ("a: .nan", "1:4: expected a finite number, found .nan; use a number, or put it in quotes"),
        ("a: [-.INF]", "1:5: expected a finite number, found -.INF; use a number, or put it in quotes"),
        ("a: 2026-02-30", "1:4: unknown date 2026-02-30; correct it, or put it in quotes"),
        ("a: 1e999", "1:4: number 1e999 is too long; shorten it, or put it in quotes"),
        ("a: " + "9" * 5000, "1:4: number " + "9" * 39 + "… is too long; shorten it, or put it in quotes"),
        ("a:\tb", "1:3: tab is not allowed; use spaces"),
        ('a: "\t"', "1:5: tab is not allowed; use spaces"),
        ("\ufeffa: 1", "1:1: byte order mark is not allowed; save the file as UTF-8 without it"),
        ("a: 1\nb: \x07", "2:4: character U+0007 is not allowed; remove it"),
        ("a: 1\rb: 2", "1:5: character U+000D is not allowed; remove it"),
        ("a: \u202egnp.exe", "1:4: character U+202E is not allowed; remove it"),
        ("a: \ud800", "1:4: character U+D800 is not allowed; remove it"),
        ("a: \x85", "1:4: character U+0085 is not allowed; remove it"),
        (r'a: "\0"', "1:4: escaped character U+0000 is not allowed; remove it"),
        (r'a: "\t"', "1:4: escaped tab is not allowed; use spaces"),
        (r'a: "\uD800"', "1:4: escaped character U+D800 is not allowed; remove it"),
        (r'a: "\UFFFFFFFF"', "1:7: invalid YAML: number out of range; correct the escape or the directive"),
        (r'a: "\q"', "1:6: invalid YAML: found unknown escape character 'q' while scanning a double-quoted scalar; use single quotes, or write the character itself"),
        ("a: 'b\nc: d", "1:4: invalid YAML: found unexpected end of stream while scanning a quoted scalar; close the quotes"),
        ("a: [1, 2\n", "1:4: invalid YAML: expected ',' or ']', but got '<stream end>' while parsing a flow sequence; close the bracket or add a comma"),
        ("a: b: c", "1:5: invalid YAML: mapping values are not allowed here; put text that contains ': ' in quotes, or correct the indent"),
        ("a: @b", "1:4: invalid YAML: found character '@' that cannot start any token while scanning for the next token; put text that begins with this character in quotes"),
        ("a: 1\nb\n", "3:1: invalid YAML: could not find expected ':' while scanning a simple key; end the key with ': ' and its value"),
        ("a: 'x'\n - b", "2:2: invalid YAML: expected <block end>, but found '<block sequence start>' while parsing a block mapping; give entries of one list or mapping the same indent"),
        ("a: - b", "1:4: invalid YAML: sequence entries are not allowed here; check the text just before"),
    ],
)  # fmt: skip
def test_errors_are_one_line_with_their_place(text: str, message: str) -> None:
    assert _error_text(text) == message


def test_an_alias_bomb_is_rejected_quickly() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
    )
    start = time.perf_counter()
    assert _error_text(bomb) == "1:5: anchor &a0 is not allowed; remove it"
    assert time.perf_counter() - start < 0.5


def test_texts_above_a_megabyte_are_rejected() -> None:
    message = "1:1: larger than 1 MB; split it into several files"
    fits = "a: " + "x" * 999_997
    assert parse_yaml(fits, "f").place(("a",)) == Place(1, 4)
    assert _error_text(fits + "x") == message
    assert _error_text("a: " + "Ω" * 500_000) == message
    with pytest.raises(YamlSourceError, match="larger than 1 MB"):
        decode_utf8(b" " * 1_000_001, "f")


def test_bytes_that_are_not_utf8_are_rejected_at_their_place() -> None:
    assert decode_utf8("Ω: 1".encode(), "f") == "Ω: 1"
    with pytest.raises(YamlSourceError) as caught:
        decode_utf8("a: 1\nΩ: ".encode() + b"\xff", "f")
    assert str(caught.value) == "f:2:4: byte 0xff is not UTF-8; save the file as UTF-8"


def test_an_error_keeps_its_parts_and_prints_on_one_line() -> None:
    error = YamlSourceError("a\nb", 3, 4, "x\ty")
    assert (error.name, error.line, error.column, error.reason) == ("a\nb", 3, 4, "x\ty")
    assert str(error) == r"a\nb:3:4: x\ty"


def test_values_are_shown_short() -> None:
    values: list[Any] = [{}, [], True, None, Decimal("0.10"), date(2026, 1, 2), "a\n", "x" * 99]
    assert [printable(value) for value in values] == [
        *("a mapping", "a list", "true", "null", "0.10", "2026-01-02", r"'a\n'"),
        "'" + "x" * 39 + "…'",
    ]
    assert one_line("\ud800é") == r"\ud800é"


def test_yaml_may_fail_without_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """No text is known to do it; the day yaml finds one, it is still one line."""

    def fail(_: str) -> None:
        message = "strange"
        raise yaml.YAMLError(message)

    monkeypatch.setattr("harmonize.core.yaml_source._FAST", fail)
    assert _error_text("a: 1") == "1:1: invalid YAML: strange; save the file as UTF-8"


def test_what_only_the_fast_parser_refuses_is_refused() -> None:
    pytest.importorskip("yaml.cyaml")
    assert _error_text("{a:[1], b: c}") == (
        "1:3: invalid YAML: found unexpected ':' while scanning a plain scalar; "
        "check the text just before"
    )


# Laws over any text.

characters = st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"])
scalars = st.one_of(
    st.text(characters),
    st.booleans(),
    st.none(),
    st.integers(-(10**30), 10**30),
    st.dates().map(date.isoformat),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(characters), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values)
def test_json_is_read_with_correct_places(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    assume(len(text) < 1000)  # longer keys are not keys to YAML
    source = parse_yaml(text, "f")
    assert source.value == value
    lines = text.split("\n")
    for path, (line, column) in source.values.items():
        node: Any = value
        for step in path:
            node = node[step]
        opening = json.dumps(node, ensure_ascii=False)
        opening = opening[0] if isinstance(node, dict | list) else opening
        assert lines[line - 1][column - 1 :].startswith(opening)
    for path, (line, column) in source.keys.items():
        assert lines[line - 1][column - 1 :].startswith(json.dumps(path[-1], ensure_ascii=False))


@given(st.decimals(-(10**9), 10**9, places=9), st.booleans())
def test_a_percentage_is_exactly_one_hundredth(number: Decimal, grouped: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    text = f"{number:,f}".replace(",", "_" if grouped else "")
    plain, percent = _value(text), _value(f"{text}%")
    assert isinstance(plain, Decimal)
    assert isinstance(percent, Decimal)
    assert Fraction(plain) == 100 * Fraction(percent) == Fraction(number)


def _value_or_error(text: str) -> YamlSource | str:
    """Returns the parsed source, or the error as one line; any other error fails the test."""
    try:
        return parse_yaml(text, "f")
    except YamlSourceError as error:
        rejection = error
    line = str(rejection)
    assert line.isprintable()
    assert line.startswith(f"f:{rejection.line}:{rejection.column}: ")
    assert 1 <= rejection.line <= text.count("\n") + 2
    return line


@settings(max_examples=300)
@given(st.text())
def test_any_text_gives_a_value_or_one_line(text: str) -> None:
    _value_or_error(text)


@settings(max_examples=300)
@given(st.binary())
def test_any_bytes_give_a_value_or_one_line(data: bytes) -> None:
    try:
        text = decode_utf8(data, "f")
    except YamlSourceError as error:
        line = str(error)
    else:
        line = str(_value_or_error(text))
    assert line.isprintable()


SIGNS = st.text(st.sampled_from("\n\n  :-,?[]{}#&*!|>'\"%@`~ab01.\\/<=Ω\t\r\x85"), max_size=4)


@settings(max_examples=500)
@given(st.sampled_from([NESTED, DEEP_32]), st.integers(0, 90), st.integers(0, 3), SIGNS)
def test_both_parsers_agree_on_a_mutated_text(
    text: str, start: int, cut: int, insertion: str
) -> None:
    mutated = text[:start] + insertion + text[start + cut :]
    fast = _value_or_error(mutated)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harmonize.core.yaml_source._FAST", yaml.SafeLoader)
        slow = _value_or_error(mutated)
    assume(isinstance(fast, str) == isinstance(slow, str))  # they differ on '?' and ':' in brackets
    assert fast == slow

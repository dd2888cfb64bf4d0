"""Formulas of rule sets, compared with exact fractions and with Python, and every syntax error."""

import math
from decimal import Decimal as D
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmonize.policy.expression import (
    Expression,
    ExpressionError,
    Name,
    Number,
    Operation,
    evaluate,
    input_names,
    is_non_decreasing,
    parse,
    to_text,
)

INPUTS = {"q": D("0.086"), "s": D("0.19"), "adv": D(5_000_000)}


def tree(depth: int = 4) -> st.SearchStrategy[Expression]:
    leaves = st.one_of(
        st.decimals("0.001", "1000", places=3).map(Number), st.sampled_from(list(INPUTS)).map(Name)
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(st.sampled_from("+-*/"), st.tuples(inner, inner)).map(
                lambda parts: Operation(*parts)
            ),
            st.tuples(
                st.sampled_from(["max", "min"]), st.lists(inner, min_size=2, max_size=3).map(tuple)
            ).map(lambda parts: Operation(*parts)),
        ),
        max_leaves=depth * 3,
    )


def exact(expression: Expression) -> Fraction:
    if isinstance(expression, Number):
        return Fraction(expression.value)
    if isinstance(expression, Name):
        return Fraction(INPUTS[expression.name])
    values = [exact(argument) for argument in expression.arguments]
    operations = {
        "+": lambda: sum(values, Fraction(0)),
        "-": lambda: values[0] - values[1],
        "*": lambda: values[0] * values[1],
        "/": lambda: values[0] / values[1],
        "max": lambda: max(values),
        "min": lambda: min(values),
    }
    return Fraction(operations[expression.operator]())


@given(tree())
def test_values_are_those_of_exact_fractions(expression: Expression) -> None:
    try:
        expected = exact(expression)
    except ZeroDivisionError:
        with pytest.raises(ArithmeticError):
            evaluate(expression, INPUTS)
        return
    value = Fraction(evaluate(expression, INPUTS))
    assert abs(value - expected) <= Fraction(1, 10**30) * max(abs(expected), Fraction(10**6))


@given(tree())
def test_text_parses_back_to_the_same_expression(expression: Expression) -> None:
    if len(to_text(expression)) <= 300:
        assert parse(to_text(expression)) == expression


@pytest.mark.parametrize(
    "text",
    ["1 + 2 * 3", "2 * 3 + 1", "10 - 4 - 3", "100 / 5 / 2", "2 * (3 + 4)", "(8)", "1_000 + 0.5"],
)
def test_precedence_is_that_of_arithmetic(text: str) -> None:
    assert evaluate(parse(text), {}) == D(eval(text))  # noqa: S307 - Python reads it by its own rules


def test_percentages_functions_and_roots() -> None:
    assert evaluate(parse("12.5%"), {}) == D("0.125")
    assert evaluate(parse("max(q, 0.75 * q + 25% * s)"), INPUTS) == D("0.112")
    assert evaluate(parse("min(1, q, s)"), INPUTS) == D("0.086")
    root = evaluate(parse("sqrt(2)"), {})
    with mpmath.workdps(60):
        assert mpmath.almosteq(mpmath.mpf(str(root)), mpmath.sqrt(2), rel_eps=mpmath.mpf(10) ** -48)


@given(st.integers(0, 3), st.floats(0.01, 10))
def test_an_expression_of_rising_form_rises_with_its_inputs(which: int, factor: float) -> None:
    text = ["q + s", "max(q, 2 * s) * adv", "sqrt(q) / 3", "q * 1.25 - 0.01"][which]
    expression = parse(text)
    assert is_non_decreasing(expression)
    raised_inputs = {name: value * (1 + D(str(factor))) for name, value in INPUTS.items()}
    assert evaluate(expression, raised_inputs) >= evaluate(expression, INPUTS)


def test_subtraction_and_division_by_inputs_are_not_rising() -> None:
    assert not is_non_decreasing(parse("q - s"))
    assert not is_non_decreasing(parse("1 / q"))
    assert not is_non_decreasing(parse("max(q, 1 - s)"))
    assert not is_non_decreasing(parse("0.5 + (0 - 1) * q"))
    assert not is_non_decreasing(parse("q / (0 - 2)"))
    assert not is_non_decreasing(parse("(q - 1) * (s - 1)"))
    assert not is_non_decreasing(parse("q * (1 / 0)"))
    assert is_non_decreasing(parse("(0.5 - 0.25) * q + 1"))
    assert is_non_decreasing(parse("2 * (q - 0.01)"))
    assert is_non_decreasing(parse("q * max(s, q - 1) / 2"))
    assert is_non_decreasing(parse("q * sqrt(s + 1)"))


def test_input_names_are_complete() -> None:
    assert input_names(parse("max(q, 0.75 * q + 0.25 * s) / 2")) == {"q", "s"}
    assert input_names(parse("2 * 3")) == frozenset()


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "expected a number, a name or (, found the end"),
        ("  ", 3, "expected a number, a name or (, found the end"),
        ("1 +", 4, "expected a number, a name or (, found the end"),
        ("1 2", 3, "unexpected '2'"),
        ("q q", 3, "unexpected 'q'"),
        ("* q", 1, "expected a number, a name or (, found '*'"),
        ("q ** 2", 4, "expected a number, a name or (, found '*'"),
        ("q ^ 2", 3, "unknown character '^'"),
        ("-q", 1, "expected a number, a name or (, found '-'"),
        ("(q", 3, "missing ')'"),
        ("max(q, s", 9, "missing ')'"),
        ("max(q)", 1, "max: expected 2 to 20 arguments, found 1"),
        ("sqrt(q, s)", 1, "sqrt: expected one argument, found 2"),
        ("exp(q)", 1, "unknown function exp; use max, min or sqrt"),
        ("__import__('os')", 1, "unknown character '_'"),
        ("q.real", 2, "unknown character '.'"),
        ("(" * 40 + "q" + ")" * 40, 22, "nested deeper than 20 brackets"),
        ("q + " * 100 + "q", 300, "longer than 300 characters"),
    ],
)
def test_syntax_errors_state_their_character(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert raised.value.column == column
    assert str(raised.value).startswith(message)
    assert str(raised.value).endswith(f"(at character {column})")


def test_a_missing_input_and_impossible_arithmetic_are_errors() -> None:
    with pytest.raises(KeyError):
        evaluate(parse("nobody"), INPUTS)
    for text in ("1 / 0", "sqrt(0 - 1)", "0 / 0"):
        with pytest.raises(ArithmeticError):
            evaluate(parse(text), INPUTS)


def test_precision_is_fifty_digits() -> None:
    assert len(str(evaluate(parse("1 / 3"), {})).removeprefix("0.")) == 50
    assert math.isclose(float(evaluate(parse("1 / 3"), {})), 1 / 3)

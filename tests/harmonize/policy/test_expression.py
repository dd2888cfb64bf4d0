"""Arithmetic of rule sets: against exact fractions, against Python's own reading, and every mistake."""

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
                lambda one: Operation(*one)
            ),
            st.tuples(
                st.sampled_from(["max", "min"]), st.lists(inner, min_size=2, max_size=3).map(tuple)
            ).map(lambda one: Operation(*one)),
        ),
        max_leaves=depth * 3,
    )


def exact(expression: Expression) -> Fraction:
    if isinstance(expression, Number):
        return Fraction(expression.value)
    if isinstance(expression, Name):
        return Fraction(INPUTS[expression.name])
    values = [exact(one) for one in expression.arguments]
    computed = {
        "+": lambda: sum(values, Fraction(0)),
        "-": lambda: values[0] - values[1],
        "*": lambda: values[0] * values[1],
        "/": lambda: values[0] / values[1],
        "max": lambda: max(values),
        "min": lambda: min(values),
    }
    return Fraction(computed[expression.operator]())


@given(tree())
def test_values_are_those_of_exact_fractions(expression: Expression) -> None:
    try:
        due = exact(expression)
    except ZeroDivisionError:
        with pytest.raises(ArithmeticError):
            evaluate(expression, INPUTS)
        return
    found = Fraction(evaluate(expression, INPUTS))
    assert abs(found - due) <= Fraction(1, 10**30) * max(abs(due), Fraction(10**6))


@given(tree())
def test_what_is_written_out_reads_back_as_the_same_expression(expression: Expression) -> None:
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
    found = evaluate(parse("sqrt(2)"), {})
    with mpmath.workdps(60):
        assert mpmath.almosteq(
            mpmath.mpf(str(found)), mpmath.sqrt(2), rel_eps=mpmath.mpf(10) ** -48
        )


@given(st.integers(0, 3), st.floats(0.01, 10))
def test_what_rises_by_its_form_rises_in_fact(which: int, factor: float) -> None:
    text = ["q + s", "max(q, 2 * s) * adv", "sqrt(q) / 3", "q * 1.25 - 0.01"][which]
    expression = parse(text)
    assert is_non_decreasing(expression)
    more = {name: value * (1 + D(str(factor))) for name, value in INPUTS.items()}
    assert evaluate(expression, more) >= evaluate(expression, INPUTS)


def test_an_input_subtracted_or_divided_by_does_not_rise() -> None:
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


def test_names_are_all_inputs_and_nothing_else() -> None:
    assert input_names(parse("max(q, 0.75 * q + 0.25 * s) / 2")) == {"q", "s"}
    assert input_names(parse("2 * 3")) == frozenset()


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "ends too early"),
        ("  ", 3, "ends too early"),
        ("1 +", 4, "ends too early"),
        ("1 2", 3, "'2' does not follow here"),
        ("q q", 3, "'q' does not follow here"),
        ("* q", 1, "'*' stands where a number"),
        ("q ** 2", 4, "'*' stands where a number"),
        ("q ^ 2", 3, "'^' cannot stand in a formula"),
        ("-q", 1, "'-' stands where a number"),
        ("(q", 3, "')' is missing"),
        ("max(q, s", 9, "')' is missing"),
        ("max(q)", 1, "max takes 2 arguments or more, was given 1"),
        ("sqrt(q, s)", 1, "sqrt takes one argument, was given 2"),
        ("exp(q)", 1, "exp is no function; there are max, min, sqrt"),
        ("__import__('os')", 1, "'_' cannot stand in a formula"),
        ("q.real", 2, "'.' cannot stand in a formula"),
        ("(" * 40 + "q" + ")" * 40, 22, "nested deeper than 20"),
        ("q + " * 100 + "q", 300, "longer than 300 characters"),
    ],
)
def test_a_mistake_is_named_at_its_character(text: str, column: int, said: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert raised.value.column == column
    assert str(raised.value).startswith(said)
    assert str(raised.value).endswith(f"(at character {column})")


def test_a_missing_input_and_impossible_arithmetic_are_errors() -> None:
    with pytest.raises(KeyError):
        evaluate(parse("nobody"), INPUTS)
    for text in ("1 / 0", "sqrt(0 - 1)", "0 / 0"):
        with pytest.raises(ArithmeticError):
            evaluate(parse(text), INPUTS)


def test_digits_are_fifty() -> None:
    assert len(str(evaluate(parse("1 / 3"), {})).removeprefix("0.")) == 50
    assert math.isclose(float(evaluate(parse("1 / 3"), {})), 1 / 3)

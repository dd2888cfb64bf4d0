"""Formulas of rule sets: arithmetic over named inputs, parsed once and evaluated to 50 digits.

Example: ``1.25 * max(q, 0.75 * q + 25% * s)``. The syntax has numbers, percentages, names,
``+ - * /``, brackets, ``max``, ``min`` and ``sqrt``. No other code can run from a rule set.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, DivisionByZero, InvalidOperation, localcontext
from types import MappingProxyType
from typing import TypeAlias

DIGITS = 50  # precision of each step
MAX_LENGTH = 300  # characters
MAX_DEPTH = 20  # nested brackets

_FUNCTIONS = {"max": (2, 20), "min": (2, 20), "sqrt": (1, 1)}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9][0-9_]*(?:\.[0-9]+)?)(?P<percent>%)?"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<sign>[-+*/(),]))"
)
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}


class ExpressionError(ValueError):
    """Error in an expression: the problem, the fix, and the character, counted from 1."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"{reason} (at character {column})")
        self.column = column


@dataclass(frozen=True, slots=True)
class Number:
    """Number."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Name:
    """Input, by the name that the rule set gives it."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Operation: ``+ - * /`` with two arguments, ``max`` and ``min`` with several, ``sqrt``."""

    operator: str
    arguments: tuple["Expression", ...]


Expression: TypeAlias = Number | Name | Operation


def parse(text: str) -> Expression:
    """Returns the parsed expression. Raises ExpressionError: the text is not an expression."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(MAX_LENGTH, f"longer than {MAX_LENGTH} characters; shorten it")
    parser = _Parser(list(_tokens(text)), len(text) + 1)
    parsed = parser.operations(1, 0)
    if parser.position < len(parser.tokens):
        word, column = parser.tokens[parser.position]
        raise ExpressionError(column, f"unexpected '{word}'; join terms with + - * /")
    return parsed


def input_names(expression: Expression) -> frozenset[str]:
    """Returns the name of every input that an expression uses."""
    if isinstance(expression, Name):
        return frozenset({expression.name})
    if isinstance(expression, Number):
        return frozenset()
    return frozenset().union(*map(input_names, expression.arguments))


def is_non_decreasing(expression: Expression) -> bool:
    """True if an expression never falls when one of its inputs, all positive, rises.

    False is the safe answer: for any expression that subtracts an input or divides by one, has a
    factor that may be negative, or has a constant that cannot be computed.
    """
    if not isinstance(expression, Operation) or not input_names(expression):
        return True
    arguments, operator = expression.arguments, expression.operator
    if not all(map(is_non_decreasing, arguments)):
        return False
    if operator in {"-", "/"} and input_names(arguments[1]):
        return False
    if operator == "/":
        return _is_non_negative(arguments[1])
    if operator == "*" and all(map(input_names, arguments)):
        return all(map(_is_non_negative, arguments))
    constants = [argument for argument in arguments if not input_names(argument)]
    return operator != "*" or all(map(_is_non_negative, constants))


def _is_non_negative(expression: Expression) -> bool:
    """True if the form of an expression shows that it is never below 0."""
    if isinstance(expression, Name):
        return True
    if not input_names(expression):
        try:
            return evaluate(expression, {}) >= 0
        except ArithmeticError:
            return False
    if not isinstance(expression, Operation) or expression.operator == "-":
        return False
    non_negative = map(_is_non_negative, expression.arguments)
    return any(non_negative) if expression.operator == "max" else all(non_negative)


def to_text(expression: Expression) -> str:
    """Returns an expression as text; parsing it gives the same operations in the same order."""
    if isinstance(expression, Number):
        return f"{expression.value.normalize():f}"
    if isinstance(expression, Name):
        return expression.name
    if expression.operator in _PRECEDENCE:
        operands = [
            f"({to_text(argument)})"
            if isinstance(argument, Operation) and _needs_brackets(argument, expression)
            else to_text(argument)
            for argument in expression.arguments
        ]
        return f" {expression.operator} ".join(operands)
    return f"{expression.operator}({', '.join(map(to_text, expression.arguments))})"


def _needs_brackets(inner: Operation, outer: Operation) -> bool:
    """True if an operation needs brackets inside another."""
    own, surrounding = _PRECEDENCE.get(inner.operator), _PRECEDENCE[outer.operator]
    if own is None:
        return False
    is_last = inner is outer.arguments[-1]
    return own < surrounding or (is_last and own == surrounding)


def evaluate(expression: Expression, inputs: Mapping[str, Decimal]) -> Decimal:
    """Returns the value of an expression, to 50 digits.

    Raises KeyError: an input is missing. Raises ArithmeticError: a division by 0, or the square
    root of a negative number.
    """
    with localcontext(prec=DIGITS) as context:
        context.traps[DivisionByZero] = context.traps[InvalidOperation] = True
        return _value(expression, inputs)


def _value(expression: Expression, inputs: Mapping[str, Decimal]) -> Decimal:
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Name):
        return inputs[expression.name]
    arguments = [_value(argument, inputs) for argument in expression.arguments]
    return _OPERATIONS[expression.operator](arguments)


_OPERATIONS: Mapping[str, Callable[[Sequence[Decimal]], Decimal]] = MappingProxyType(
    {
        "+": lambda values: values[0] + values[1],
        "-": lambda values: values[0] - values[1],
        "*": lambda values: values[0] * values[1],
        "/": lambda values: values[0] / values[1],
        "sqrt": lambda values: values[0].sqrt(),
        "max": max,
        "min": min,
    }
)


def _tokens(text: str) -> Iterator[tuple[str | Decimal, int]]:
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            column = position + len(text[position:]) - len(text[position:].lstrip()) + 1
            reason = f"unknown character {text[column - 1]!r}; use + - * / ( ) , names and numbers"
            raise ExpressionError(column, reason)
        column = match.end() - len(match[0].lstrip()) + 1
        if match["number"]:
            number = Decimal(match["number"].replace("_", ""))
            yield (number.scaleb(-2) if match["percent"] else number), column
        else:
            yield match["name"] or match["sign"], column
        position = match.end()


@dataclass(slots=True)
class _Parser:
    """Precedence-climbing parser over the tokens of one expression."""

    tokens: list[tuple[str | Decimal, int]]
    end: int
    position: int = field(default=0)

    def peek(self) -> str | Decimal | None:
        return self.tokens[self.position][0] if self.position < len(self.tokens) else None

    def take(self) -> tuple[str | Decimal, int]:
        if self.position == len(self.tokens):
            raise ExpressionError(self.end, "expected a number, a name or (, found the end")
        self.position += 1
        return self.tokens[self.position - 1]

    def operations(self, precedence: int, depth: int) -> Expression:
        """Parses operations of this precedence and above; equal ones group to the left."""
        parsed = self.operand(depth)
        while _PRECEDENCE.get(sign := str(self.peek()), 0) >= precedence:
            self.position += 1
            parsed = Operation(sign, (parsed, self.operations(_PRECEDENCE[sign] + 1, depth)))
        return parsed

    def operand(self, depth: int) -> Expression:
        word, column = self.take()
        if depth > MAX_DEPTH:
            raise ExpressionError(column, f"nested deeper than {MAX_DEPTH} brackets; simplify it")
        if isinstance(word, Decimal):
            return Number(word)
        if word == "(":
            parsed = self.operations(1, depth + 1)
            self.expect(")")
            return parsed
        if word in _FUNCTIONS and self.peek() == "(":
            return self.call(word, column, depth)
        if word[0].isalpha():
            if self.peek() == "(":
                raise ExpressionError(column, f"unknown function {word}; use max, min or sqrt")
            return Name(word)
        raise ExpressionError(column, f"expected a number, a name or (, found {word!r}")

    def call(self, word: str, column: int, depth: int) -> Expression:
        self.expect("(")
        arguments = [self.operations(1, depth + 1)]
        while self.peek() == ",":
            self.position += 1
            arguments.append(self.operations(1, depth + 1))
        self.expect(")")
        fewest, most = _FUNCTIONS[word]
        if not fewest <= len(arguments) <= most:
            expected = "one argument" if most == 1 else f"{fewest} to {most} arguments"
            raise ExpressionError(column, f"{word}: expected {expected}, found {len(arguments)}")
        return Operation(word, tuple(arguments))

    def expect(self, sign: str) -> None:
        if self.peek() != sign:
            column = self.tokens[self.position][1] if self.peek() is not None else self.end
            raise ExpressionError(column, f"missing {sign!r}; close the bracket")
        self.position += 1

"""Arithmetic over named inputs, as rule sets write it: read once, evaluated exactly.

``1.25 * max(q, 0.75 * q + 25% * s)``: numbers, percentages, names, ``+ - * /``, brackets, ``max``,
``min`` and ``sqrt``. Nothing else can be written, so nothing else can run.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, DivisionByZero, InvalidOperation, localcontext
from types import MappingProxyType
from typing import TypeAlias

DIGITS = 50  # of every step
LONGEST = 300  # characters
DEEPEST = 20  # brackets within one another

_FUNCTIONS = {"max": (2, 20), "min": (2, 20), "sqrt": (1, 1)}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9][0-9_]*(?:\.[0-9]+)?)(?P<percent>%)?"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<sign>[-+*/(),]))"
)
_RANK = {"+": 1, "-": 1, "*": 2, "/": 2}


class ExpressionError(ValueError):
    """What is wrong in an expression, the character (from 1) where, and the mend."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"{reason} (at character {column})")
        self.column = column


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Name:
    """An input, by the name that the rule set gives it."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """``+ - * /`` with two arguments, ``max`` and ``min`` with several, ``sqrt`` with one."""

    operator: str
    arguments: tuple["Expression", ...]


Expression: TypeAlias = Number | Name | Operation


def parse(text: str) -> Expression:
    """Read an expression. Raises ExpressionError."""
    if len(text) > LONGEST:
        raise ExpressionError(LONGEST, f"longer than {LONGEST} characters; shorten it")
    reader = _Reader(list(_tokens(text)), len(text) + 1)
    found = reader.sum_of(1, 0)
    if reader.place < len(reader.tokens):
        word, column = reader.tokens[reader.place]
        raise ExpressionError(column, f"'{word}' does not follow here; join terms with + - * /")
    return found


def names(expression: Expression) -> frozenset[str]:
    """Name every input that an expression needs."""
    if isinstance(expression, Name):
        return frozenset({expression.name})
    if isinstance(expression, Number):
        return frozenset()
    return frozenset().union(*map(names, expression.arguments))


def rises(expression: Expression) -> bool:
    """Tell whether an expression can only rise with each of its inputs, all of them positive.

    Subtracting an input or dividing by one is taken as a no, without looking further; so are factors
    that may be negative, and constants that cannot be computed.
    """
    if not isinstance(expression, Operation) or not names(expression):
        return True
    arguments, operator = expression.arguments, expression.operator
    if not all(map(rises, arguments)):
        return False
    if operator in {"-", "/"} and names(arguments[1]):
        return False
    if operator == "/":
        return _positive(arguments[1])
    if operator == "*" and all(map(names, arguments)):
        return all(map(_positive, arguments))
    return operator != "*" or all(_positive(one) for one in arguments if not names(one))


def _positive(expression: Expression) -> bool:
    """Tell whether an expression is never below 0, as far as its form shows."""
    if isinstance(expression, Name):
        return True
    if not names(expression):
        try:
            return evaluate(expression, {}) >= 0
        except ArithmeticError:
            return False
    if not isinstance(expression, Operation) or expression.operator == "-":
        return False
    every = map(_positive, expression.arguments)
    return any(every) if expression.operator == "max" else all(every)


def written(expression: Expression) -> str:
    """Write an expression out; it reads back as the same operations in the same order."""
    if isinstance(expression, Number):
        return f"{expression.value.normalize():f}"
    if isinstance(expression, Name):
        return expression.name
    if expression.operator in _RANK:
        parts = [
            f"({written(one)})"
            if isinstance(one, Operation) and _looser(one, expression)
            else written(one)
            for one in expression.arguments
        ]
        return f" {expression.operator} ".join(parts)
    return f"{expression.operator}({', '.join(map(written, expression.arguments))})"


def _looser(inner: Operation, outer: Operation) -> bool:
    """Tell whether an operation needs brackets inside another."""
    rank = _RANK.get(inner.operator)
    if rank is None:
        return False
    last = inner is outer.arguments[-1]
    return rank < _RANK[outer.operator] or (last and rank == _RANK[outer.operator])


def evaluate(expression: Expression, inputs: Mapping[str, Decimal]) -> Decimal:
    """Compute an expression to 50 digits.

    Raises KeyError: an input is missing; ArithmeticError: a division by 0 or a root below 0.
    """
    with localcontext(prec=DIGITS) as context:
        context.traps[DivisionByZero] = context.traps[InvalidOperation] = True
        return _value(expression, inputs)


def _value(expression: Expression, inputs: Mapping[str, Decimal]) -> Decimal:
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Name):
        return inputs[expression.name]
    return _COMPUTED[expression.operator]([_value(one, inputs) for one in expression.arguments])


_COMPUTED: Mapping[str, Callable[[Sequence[Decimal]], Decimal]] = MappingProxyType(
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
    place = 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if found is None:
            column = place + len(text[place:]) - len(text[place:].lstrip()) + 1
            reason = f"{text[column - 1]!r} cannot stand in a formula; use + - * / ( ) , names and numbers"
            raise ExpressionError(column, reason)
        column = found.end() - len(found[0].lstrip()) + 1
        if found["number"]:
            number = Decimal(found["number"].replace("_", ""))
            yield (number.scaleb(-2) if found["percent"] else number), column
        else:
            yield found["name"] or found["sign"], column
        place = found.end()


@dataclass(slots=True)
class _Reader:
    """Reads tokens from left to right: terms of a rank, and what stands between brackets."""

    tokens: list[tuple[str | Decimal, int]]
    end: int
    place: int = field(default=0)

    def peek(self) -> str | Decimal | None:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else None

    def take(self) -> tuple[str | Decimal, int]:
        if self.place == len(self.tokens):
            raise ExpressionError(self.end, "ends too early; a number, a name or ( was due")
        self.place += 1
        return self.tokens[self.place - 1]

    def sum_of(self, rank: int, depth: int) -> Expression:
        """Read operations of this rank and above; those of one rank group to the left."""
        found = self.one(depth)
        while _RANK.get(sign := str(self.peek()), 0) >= rank:
            self.place += 1
            found = Operation(sign, (found, self.sum_of(_RANK[sign] + 1, depth)))
        return found

    def one(self, depth: int) -> Expression:
        word, column = self.take()
        if depth > DEEPEST:
            raise ExpressionError(column, f"nested deeper than {DEEPEST}; simplify it")
        if isinstance(word, Decimal):
            return Number(word)
        if word == "(":
            found = self.sum_of(1, depth + 1)
            self.expect(")")
            return found
        if word in _FUNCTIONS and self.peek() == "(":
            return self.call(word, column, depth)
        if word[0].isalpha():
            if self.peek() == "(":
                raise ExpressionError(column, f"{word} is no function; there are max, min, sqrt")
            return Name(word)
        raise ExpressionError(column, f"{word!r} stands where a number, a name or ( was due")

    def call(self, word: str, column: int, depth: int) -> Expression:
        self.expect("(")
        arguments = [self.sum_of(1, depth + 1)]
        while self.peek() == ",":
            self.place += 1
            arguments.append(self.sum_of(1, depth + 1))
        self.expect(")")
        least, most = _FUNCTIONS[word]
        if not least <= len(arguments) <= most:
            due = "one argument" if most == 1 else f"{least} arguments or more"
            raise ExpressionError(column, f"{word} takes {due}, was given {len(arguments)}")
        return Operation(word, tuple(arguments))

    def expect(self, sign: str) -> None:
        if self.peek() != sign:
            column = self.tokens[self.place][1] if self.peek() is not None else self.end
            raise ExpressionError(column, f"{sign!r} is missing; close the bracket")
        self.place += 1

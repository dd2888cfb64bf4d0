"""Changes of rules in words: ``reference``, ``leverage=10``, ``maintenance=1.5``, ``adopt=VENUE``.

A change applies before the fall. With ``@5%`` it starts on the day, at that fall.
"""

from collections.abc import Collection
from dataclasses import dataclass

from harmonize.api.audit import RequestError
from harmonize.core.schedule import Unknown
from harmonize.stress import counterfactuals
from harmonize.stress.counterfactuals import WhatIf
from harmonize.stress.tiers import Tiers
from harmonize.text.suggest import did_you_mean

_REFERENCES = {"": ("initial", "maintenance"), "im": ("initial",), "mm": ("maintenance",)}
_FORMS = (
    "reference, reference=im, reference=mm, leverage=10, maintenance=1.5, buffer=5% or adopt=VENUE"
)
_PERCENT = 100.0
_LEAST_LEVERAGE = 1.0
_MOST_LEVERAGE = 1000.0
_MOST_TIMES = 100.0

REFERENCE = "reference"
"""Kind of change to the margins of a rule set."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of rules as specified: its kind, its argument, and the fall at which it starts.

    ``from_fall`` is None if it applies before the fall. ``number`` is that of the argument, 0 without.
    """

    specification: str
    kind: str
    argument: str
    number: float
    from_fall: float | None

    @property
    def margin_types(self) -> tuple[str, ...]:
        """Margin types of a reference that the change needs."""
        return _REFERENCES[self.argument] if self.kind == REFERENCE else ()

    @property
    def is_idle(self) -> bool:
        """Whether the change is of IM alone, and starts when every position is already open."""
        is_initial = self.kind == "leverage" or self.margin_types == ("initial",)
        return is_initial and self.from_fall is not None

    def what_if(self, initial: Tiers | Unknown, maintenance: Tiers | Unknown) -> WhatIf | Unknown:
        """Returns the change with the reference margins of an underlying, or why it is unknown."""
        needed = {"initial": initial, "maintenance": maintenance}
        for margin_type in self.margin_types:
            tiers = needed[margin_type]
            if isinstance(tiers, Unknown):
                return tiers
        rules = self._rules(initial, maintenance)
        if self.from_fall is not None and self.kind != "buffer":
            return rules.starting_at(self.from_fall)
        return rules

    def _rules(self, initial: Tiers | Unknown, maintenance: Tiers | Unknown) -> WhatIf:
        numbered = {
            "leverage": counterfactuals.leverage_cap,
            "maintenance": counterfactuals.maintenance_multiple,
            "buffer": counterfactuals.buffer,
        }
        if self.kind in numbered:
            return numbered[self.kind](self.number)
        if self.margin_types == ("initial",) and isinstance(initial, Tiers):
            return counterfactuals.reference_initial(initial)
        if self.margin_types == ("maintenance",) and isinstance(maintenance, Tiers):
            return counterfactuals.reference_maintenance(maintenance)
        if isinstance(initial, Tiers) and isinstance(maintenance, Tiers) and self.margin_types:
            return counterfactuals.reference(initial, maintenance)
        return counterfactuals.adopt(self.argument)


def parse_change(specification: str, venues: Collection[str]) -> Change:
    """Parses a change; ``venues`` are those that can be adopted.

    Raises RequestError: an unknown change, venue, or a number out of range.
    """
    text, at, start = specification.partition("@")
    from_fall = _fall(start, specification, "a fall such as @5%") if at else None
    kind, equals, argument = text.partition("=")
    argument = argument.strip()
    number = 0.0
    if kind == REFERENCE and argument.lower() in _REFERENCES and bool(argument) == bool(equals):
        argument = argument.lower()
    elif kind == "leverage":
        number = _leverage(argument, specification)
    elif kind == "maintenance":
        number = _factor(argument, specification)
    elif kind == "buffer":
        number = _fall(argument, specification, "a fall such as 5%")
        if from_fall is not None:
            message = f"what-if {specification}: a buffer states its own fall; remove @{start}"
            raise RequestError(message)
    elif kind == "adopt":
        _check_venue(argument, specification, venues)
    else:
        message = f"what-if: expected {_FORMS}, found {specification!r}"
        raise RequestError(message)
    change = Change(specification, kind, argument, number, from_fall)
    if change.is_idle:
        message = (
            f"what-if {specification}: IM on the day caps nobody, so that nothing can change; "
            f"remove @{start}"
        )
        raise RequestError(message)
    return change


def _check_venue(argument: str, specification: str, venues: Collection[str]) -> None:
    if argument not in venues:
        fix = did_you_mean(argument, venues, "use a venue with open interest and margins")
        message = f"what-if {specification}: unknown venue {argument!r}{fix}"
        raise RequestError(message)


def _leverage(text: str, specification: str) -> float:
    number = _number(text)
    if not _LEAST_LEVERAGE <= number <= _MOST_LEVERAGE:
        expected = f"a leverage such as 10, from {_LEAST_LEVERAGE:g} to {_MOST_LEVERAGE:g}"
        raise _error(specification, expected, text)
    return number


def _factor(text: str, specification: str) -> float:
    number = _number_or_percentage(text.removeprefix("×").removeprefix("x"))
    if not 0.0 < number <= _MOST_TIMES:
        expected = f"a factor such as 1.5, above 0, at most {_MOST_TIMES:g}"
        raise _error(specification, expected, text)
    return number


def _fall(text: str, specification: str, expected: str) -> float:
    number = _number_or_percentage(text)
    if not 0.0 <= number < 1.0:
        raise _error(specification, f"{expected}, from 0 to below 1", text)
    return number


def _error(specification: str, expected: str, found: str) -> RequestError:
    return RequestError(f"what-if {specification}: expected {expected}, found {found!r}")


def _number_or_percentage(text: str) -> float:
    return _number(text.removesuffix("%")) / _PERCENT if text.endswith("%") else _number(text)


def _number(text: str) -> float:
    """Returns the number of a text, NaN if it is none; digits are not grouped."""
    try:
        return float("nan") if "_" in text or not text.isascii() else float(text)
    except ValueError:
        return float("nan")

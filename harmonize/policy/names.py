"""Matches asset names in rule sets, waivers and inputs with the observed underlyings.

Files name an underlying as the program prints it. A name in another case, an alias or a multiple is
read as the one observed asset that it can mean. Except for small letters, a note states it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from harmonize.core.instrument import AssetNames, is_evident
from harmonize.policy.inputs import Input
from harmonize.policy.rule_set import Model, ReferenceSchedule, RuleSet
from harmonize.policy.waiver import Waiver

V = TypeVar("V")


@dataclass(slots=True)
class NameReader:
    """Reads names from files, and collects a note on each that is not written as observed."""

    observed: AssetNames
    notes: list[str] = field(default_factory=list)

    def rule_sets(self, rule_sets: Iterable[RuleSet]) -> tuple[RuleSet, ...]:
        """Returns the rule sets with the names of observed underlyings."""
        return tuple(map(self._rule_set, rule_sets))

    def waivers(self, waivers: Iterable[Waiver]) -> tuple[Waiver, ...]:
        """Returns the waivers with the names of observed underlyings."""
        return tuple(
            replace(waiver, underlyings=self._names(waiver.underlyings, waiver.where))
            for waiver in waivers
        )

    def inputs(self, inputs: Iterable[Input]) -> tuple[Input, ...]:
        """Returns the inputs with the names of observed underlyings."""
        measured = tuple(inputs)
        listed: dict[tuple[str, str], list[str]] = {}
        for input_ in measured:
            listed.setdefault((input_.name, input_.source), []).append(input_.underlying)
        meanings = {
            key: self._meanings(list(dict.fromkeys(names)), f"input {key[0]}")
            for key, names in listed.items()
        }
        return tuple(
            replace(input_, underlying=meanings[input_.name, input_.source][input_.underlying])
            for input_ in measured
        )

    def _rule_set(self, rule_set: RuleSet) -> RuleSet:
        where = f"rule set {rule_set.id}"
        scope, requirement = rule_set.scope, rule_set.requirement
        scope = replace(
            scope,
            underlyings=self._names(scope.underlyings, where),
            except_underlyings=self._names(scope.except_underlyings, where),
            undetermined=tuple(
                replace(entry, underlyings=self._names(entry.underlyings, where))
                for entry in scope.undetermined
            ),
        )
        if isinstance(requirement, ReferenceSchedule):
            listed = [asset for class_ in requirement.classes for asset in class_.assets]
            meanings = self._meanings(listed, where)
            classes = tuple(
                replace(class_, assets=tuple(meanings[asset] for asset in class_.assets))
                for class_ in requirement.classes
            )
            requirement = replace(requirement, classes=classes)
        elif isinstance(requirement, Model):
            published = tuple(
                replace(rates, rates=self._by_asset(rates.rates, where))
                for rates in requirement.published
            )
            requirement = replace(requirement, published=published)
        return replace(rule_set, scope=scope, requirement=requirement)

    def _by_asset(self, values: Mapping[str, V], where: str) -> Mapping[str, V]:
        meanings = self._meanings(tuple(values), where)
        return {meanings[name]: value for name, value in values.items()}

    def _names(self, names: Sequence[str], where: str) -> tuple[str, ...]:
        meanings = self._meanings(names, where)
        return tuple(meanings[name] for name in names)

    def _meanings(self, names: Sequence[str], where: str) -> Mapping[str, str]:
        """Returns the asset that each name means; a name that none or several match means itself.

        No two names of one list mean the same asset: the first that is written so has precedence.
        """
        taken = {name for name in names if name in self.observed.names}
        meanings: dict[str, str] = {}
        for name in names:
            match = self.observed.match(name) if name not in taken else (name,)
            if len(match) == 1 and (match[0] == name or match[0] not in taken):
                meanings[name] = match[0]
                taken.add(match[0])
            else:
                meanings[name] = name
            if not is_evident(name, meanings[name]):
                self.notes.append(f"{where}: underlying {name} read as {meanings[name]}")
        return meanings

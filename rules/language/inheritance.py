"""Rule sets that vary another: mappings merge field by field, anything else is replaced.

``null`` takes a field of the parent away. Every value remembers the file and place it stands in, so
that an error in what was inherited names the file where it is to be mended.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harmonize.core.yaml_source import Path, Place, Plain, WrittenError, YamlSource, shown

DEEPEST = 8  # rule sets, each extending the next
NOT_INHERITED = frozenset({"id", "version", "title", "extends", "examples", "about"})
"""Fields that are not inherited: they speak of one rule set alone."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One file of a chain, with its place in the text for what it says."""

    name: str
    written: YamlSource


@dataclass(frozen=True, slots=True)
class Merged:
    """A rule set with what it inherits. ``layers`` are its files, the one that was named first.

    ``taken`` are the fields that a ``null`` takes away: ``value`` shows them, ``effective`` has them not.
    """

    value: Plain
    layers: tuple[Layer, ...]
    origin: dict[Path, int]
    taken: frozenset[Path] = frozenset()

    @property
    def effective(self) -> Plain:
        """The rule set without what was taken away."""
        return _kept(self.value, (), self.taken)

    def layer(self, path: Path) -> int:
        """The number of the file in which a field, or its nearest parent, stands."""
        while path not in self.origin:
            path = path[:-1]
        return self.origin[path]

    def place(self, path: Path) -> tuple[str, Place]:
        """Where a value stands; one that is absent, in the file that was named."""
        if path not in self.origin:
            path = self._nearest(path)
        one = self.layers[self.layer(path)]
        return one.name, one.written.place(path)

    def key_place(self, path: Path) -> tuple[str, Place]:
        """Where a key stands."""
        one = self.layers[self.layer(path)]
        return one.name, one.written.key_place(path)

    def _nearest(self, path: Path) -> Path:
        while path not in self.origin:
            path = path[:-1]
        return path if path in self.layers[0].written.values else ()


Find = Callable[[str, str], YamlSource]
"""Reads what a rule set extends, by the name written and the file that names it."""


def merged(written: YamlSource, find: Find) -> Merged:
    """Put a rule set on top of those that it extends. Raises WrittenError: none such, or a circle."""
    chain = [Layer(written.name, written)]
    while (parent := _extends(chain[-1].written)) is not None:
        place = chain[-1].written.place(("extends",))
        following = _found(find, parent, chain[-1].name, place)
        if following.name in [one.name for one in chain]:
            circle = " -> ".join([*(one.name for one in chain), following.name])
            raise WrittenError(
                chain[-1].name, *place, f"extends: goes in a circle: {circle}; mend one"
            )
        chain.append(Layer(following.name, following))
        if len(chain) > DEEPEST:
            reason = (
                f"extends: more than {DEEPEST} rule sets stand on one another; shorten the chain"
            )
            raise WrittenError(chain[0].name, *chain[0].written.place(("extends",)), reason)
    value: Plain = chain[-1].written.value
    origin = dict.fromkeys(chain[-1].written.values, len(chain) - 1)
    taken: set[Path] = set()
    for number in range(len(chain) - 2, -1, -1):
        above = chain[number].written
        if isinstance(value, dict):
            value = {key: one for key, one in value.items() if key not in NOT_INHERITED}
            origin = {
                path: at for path, at in origin.items() if not path or path[0] not in NOT_INHERITED
            }
        taken = {path for path in taken if path not in above.values}
        taken |= set(_nulls(value, above.value, ()))
        value = _over(value, above.value, (), origin, number, above)
    return Merged(value, tuple(chain), origin, frozenset(taken))


def _nulls(below: Plain, above: Plain, path: Path) -> Iterator[Path]:
    """The fields of the one value that a null of the other takes away."""
    if isinstance(below, dict) and isinstance(above, dict):
        for key, value in above.items():
            if value is None and key in below:
                yield (*path, key)
            elif key in below:
                yield from _nulls(below[key], value, (*path, key))


def _kept(value: Plain, path: Path, taken: frozenset[Path]) -> Plain:
    if not isinstance(value, dict):
        return value
    return {
        key: _kept(one, (*path, key), taken)
        for key, one in value.items()
        if (*path, key) not in taken
    }


def _extends(written: YamlSource) -> str | None:
    value = written.value.get("extends") if isinstance(written.value, dict) else None
    return value if isinstance(value, str) and value.strip() else None


def _found(find: Find, parent: str, name: str, place: Place) -> YamlSource:
    try:
        return find(parent, name)
    except WrittenError:
        raise
    except LookupError as error:
        reason = f"extends: {shown(parent)} cannot be had: {error.args[0]}"
        raise WrittenError(name, *place, reason) from None


def _over(  # noqa: PLR0913, PLR0917 - a walk over two values and where they stand
    below: Plain, above: Plain, path: Path, origin: dict[Path, int], number: int, text: YamlSource
) -> Plain:
    """Lay one value over another, and note where each part of the result stands."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        for old in [one for one in origin if one[: len(path)] == path]:
            del origin[old]
        origin |= {one: number for one in text.values if one[: len(path)] == path}
        return above
    origin[path] = number
    result = dict(below)
    for key, value in above.items():
        result[key] = _over(below.get(key), value, (*path, key), origin, number, text)
    return result


def alone(written: YamlSource) -> Merged:
    """Take a text that stands on no other."""
    return Merged(written.value, (Layer(written.name, written),), dict.fromkeys(written.values, 0))

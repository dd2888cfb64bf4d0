"""Inheritance of rule sets: mappings merge field by field, any other value is replaced.

``null`` removes a field of the parent. Every value keeps its file and place, so that an error in an
inherited value names the file to edit.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from harmonize.core.yaml_source import Path, Place, Plain, YamlSource, YamlSourceError, printable

MAX_CHAIN = 8  # rule sets, each extending the next
NOT_INHERITED = frozenset({"id", "version", "title", "extends", "examples", "about"})
"""Fields that are not inherited: they describe one rule set only."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One file of an inheritance chain."""

    name: str
    source: YamlSource


@dataclass(frozen=True, slots=True)
class Merged:
    """Rule set with its inherited fields.

    - ``layers``: its files, child first.
    - ``origin``: by path, the index of the layer that defines the value.
    - ``removed``: fields that a ``null`` removes; ``value`` includes them, ``effective`` does not.
    """

    value: Plain
    layers: tuple[Layer, ...]
    origin: dict[Path, int]
    removed: frozenset[Path] = frozenset()

    @property
    def effective(self) -> Plain:
        """Rule set without the removed fields."""
        return _without_removed(self.value, (), self.removed)

    def layer(self, path: Path) -> int:
        """Returns the index of the file that defines a field, or its nearest parent."""
        while path not in self.origin:
            path = path[:-1]
        return self.origin[path]

    def place(self, path: Path) -> tuple[str, Place]:
        """Returns the place of a value; an absent value is placed in the child's file."""
        if path not in self.origin:
            path = self._nearest(path)
        layer = self.layers[self.layer(path)]
        return layer.name, layer.source.place(path)

    def key_place(self, path: Path) -> tuple[str, Place]:
        """Returns the place of a key."""
        layer = self.layers[self.layer(path)]
        return layer.name, layer.source.key_place(path)

    def _nearest(self, path: Path) -> Path:
        while path not in self.origin:
            path = path[:-1]
        return path if path in self.layers[0].source.values else ()


Find = Callable[[str, str], YamlSource]
"""Returns the parent of a rule set, by the parent's name and the file that names it."""


def merge(source: YamlSource, find: Find) -> Merged:
    """Returns a rule set with its inherited fields. Raises YamlSourceError: see ``_chain``."""
    chain = _chain(source, find)
    value: Plain = chain[-1].source.value
    origin = dict.fromkeys(chain[-1].source.values, len(chain) - 1)
    removed: set[Path] = set()
    for index in range(len(chain) - 2, -1, -1):
        child = chain[index].source
        if isinstance(value, dict):
            value = {key: field for key, field in value.items() if key not in NOT_INHERITED}
            origin = {
                path: layer
                for path, layer in origin.items()
                if not path or path[0] not in NOT_INHERITED
            }
        removed = {path for path in removed if path not in child.values}
        removed |= set(_removed_fields(value, child.value, ()))
        value = _overlay(value, child.value, (), origin, index, child)
    return Merged(value, tuple(chain), origin, frozenset(removed))


def _chain(source: YamlSource, find: Find) -> list[Layer]:
    """Returns a rule set and its parents, child first.

    Raises YamlSourceError: a parent is missing, the chain is circular, or it is too long.
    """
    chain = [Layer(source.name, source)]
    while (parent_name := _parent_name(chain[-1].source)) is not None:
        place = chain[-1].source.place(("extends",))
        parent = _find_parent(find, parent_name, chain[-1].name, place)
        if parent.name in [layer.name for layer in chain]:
            circle = " -> ".join([*(layer.name for layer in chain), parent.name])
            raise YamlSourceError(
                chain[-1].name, *place, f"extends: circular chain: {circle}; change one"
            )
        chain.append(Layer(parent.name, parent))
        if len(chain) > MAX_CHAIN:
            reason = f"extends: chain of more than {MAX_CHAIN} rule sets; shorten it"
            raise YamlSourceError(chain[0].name, *chain[0].source.place(("extends",)), reason)
    return chain


def _removed_fields(parent: Plain, child: Plain, path: Path) -> Iterator[Path]:
    """Yields the fields of the parent that a null of the child removes."""
    if isinstance(parent, dict) and isinstance(child, dict):
        for key, value in child.items():
            if value is None and key in parent:
                yield (*path, key)
            elif key in parent:
                yield from _removed_fields(parent[key], value, (*path, key))


def _without_removed(value: Plain, path: Path, removed: frozenset[Path]) -> Plain:
    if not isinstance(value, dict):
        return value
    return {
        key: _without_removed(field, (*path, key), removed)
        for key, field in value.items()
        if (*path, key) not in removed
    }


def _parent_name(source: YamlSource) -> str | None:
    value = source.value.get("extends") if isinstance(source.value, dict) else None
    return value if isinstance(value, str) and value.strip() else None


def _find_parent(find: Find, parent: str, name: str, place: Place) -> YamlSource:
    try:
        return find(parent, name)
    except YamlSourceError:
        raise
    except LookupError as error:
        reason = f"extends: cannot load {printable(parent)}: {error.args[0]}"
        raise YamlSourceError(name, *place, reason) from None


def _overlay(  # noqa: PLR0913, PLR0917 - a walk over two values and their places
    parent: Plain, child: Plain, path: Path, origin: dict[Path, int], index: int, source: YamlSource
) -> Plain:
    """Returns the child merged over the parent; ``origin`` receives the layer of each part."""
    if not (isinstance(parent, dict) and isinstance(child, dict)):
        for replaced in _paths_of(parent, path):
            origin.pop(replaced, None)
        origin |= dict.fromkeys(_paths_of(child, path), index)
        return child
    origin[path] = index
    result = dict(parent)
    for key, value in child.items():
        result[key] = _overlay(parent.get(key), value, (*path, key), origin, index, source)
    return result


def _paths_of(value: Plain, path: Path) -> Iterator[Path]:
    """Yields the path of a value and of everything in it."""
    yield path
    items: Iterable[tuple[str | int, Plain]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, part in items:
        yield from _paths_of(part, (*path, key))


def standalone(source: YamlSource) -> Merged:
    """Returns a text without inheritance as a merged one."""
    return Merged(source.value, (Layer(source.name, source),), dict.fromkeys(source.values, 0))

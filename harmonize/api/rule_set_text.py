"""Edits of the text of a rule set that leave everything else as it was written, comments included."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import yaml

from harmonize.calibration.baseline import CalibratedClass
from harmonize.policy.rule_set import Flag

_PLAIN_NAME = re.compile(r"(?!(?:true|false|null)$)[A-Za-z][A-Za-z0-9]*")

_PLAIN_TEXT = re.compile(r"[A-Z](?:[A-Za-z0-9%().-]|, | )*[A-Za-z0-9%]")
"""Text that YAML reads as such without quotes."""

_STEP = "  "


@dataclass(frozen=True, slots=True)
class Edit:
    """Replacement of the characters from ``start`` to ``end``."""

    start: int
    end: int
    text: str


class RuleSetText:
    """Text of a rule set with the places of its fields, and the edits to apply.

    The text must be valid YAML, as ``rules.loader`` reads it.
    """

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._root = yaml.compose(self._text, Loader=yaml.SafeLoader)
        self._edits: list[Edit] = []

    def edited(self) -> str:
        """Returns the text with all edits."""
        text = self._text
        for edit in sorted(self._edits, key=lambda edit: (-edit.start, -edit.end)):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    def has(self, *path: str) -> bool:
        """Returns whether the text itself states a field, rather than inheriting it."""
        return self._pair(path) is not None

    def set_version(self, version: str) -> None:
        """Replaces the version."""
        self._replace(self._value(("version",)), json.dumps(version))

    def set_classes(self, classes: Sequence[CalibratedClass], rules: Mapping[str, str]) -> None:
        """Replaces the classes of a schedule; ``rules`` are their criteria in words.

        A class whose v1 stays keeps its text, except for its assets. Raises KeyError: the text has no classes.
        """
        pair = self._pair(("requirement", "classes"))
        if pair is None:
            raise KeyError(("requirement", "classes"))
        key, value = pair
        indent = " " * key.start_mark.column
        texts = {
            class_.before.name: _class_text(class_, rules[class_.before.name], indent + _STEP)
            for class_ in classes
        }
        if self._is_in_brackets(value):
            block = "\n".join(texts.values())
            start = key.start_mark.index
            self._edits.append(Edit(start, self._end(value), f"classes:\n{block}"))
            return
        own = {name.value: (name, content) for name, content in value.value}
        for class_ in classes:
            if class_.before.name in own and not self._keep_text(class_):
                name, content = own[class_.before.name]
                text = texts[class_.before.name]
                self._edits.append(Edit(self._line_start(name), self._end(content), text))
        self.set_members({name: () for name in own if name not in texts})
        if added := [text for name, text in texts.items() if name not in own]:
            end = self._end(value)
            self._edits.append(Edit(end, end, "".join(f"\n{text}" for text in added)))

    def _keep_text(self, class_: CalibratedClass) -> bool:
        """Keeps the text of a class but for its assets; returns whether its v1 allows that."""
        path = ("requirement", "classes", class_.before.name)
        if class_.v1 != class_.before.v1 or self._pair((*path, "tiers")) is None:
            return False
        self.set_members({class_.before.name: class_.assets})
        return True

    def set_members(self, members: Mapping[str, Sequence[str]]) -> None:
        """Replaces the assets of classes by name; a class without any is removed."""
        for name, assets in members.items():
            path = ("requirement", "classes", name)
            pair, own = self._pair(path), self._pair((*path, "assets"))
            if pair is None or (own is None and assets):
                raise KeyError(path)
            if own is None or not assets:
                start = self._line_start(pair[0])
                self._edits.append(Edit(start, self._end(pair[1]) + 1, ""))
            elif [item.value for item in own[1].value] != list(assets):
                self._replace(own[1], f"[{', '.join(map(_name, assets))}]")

    def set_sources(self, citations: Mapping[int, str]) -> None:
        """Replaces the copy that was read, or the computation, of citations by their numbers."""
        for number, via in citations.items():
            item = self._items(("citations",))[number]
            found = _pair_of(item, "via")
            if found is not None:
                self._replace(found[1], _quoted(via))

    def set_flags(self, flags: Sequence[Flag], current: Sequence[Flag]) -> None:
        """Replaces flags of the same field and status, and adds the others.

        ``current`` are all flags of the rule set. They are written as well if the text has none, since a
        list is inherited as a whole, or has them in brackets.
        """
        pair = self._pair(("flags",))
        if pair is None or self._is_in_brackets(pair[1]):
            self._write_flags(flags, current)
            return
        items = {_flag_key(item): item for item in pair[1].value}
        indent = " " * pair[1].start_mark.column
        added = ""
        for flag in flags:
            item = items.get(_key_of(flag))
            text = _flag_text(flag, indent)
            if item is None:
                added += f"\n{text}"
            else:
                self._edits.append(Edit(self._line_start(item), self._end(item), text))
        if added:
            end = self._end(pair[1])
            self._edits.append(Edit(end, end, added))

    def _write_flags(self, flags: Sequence[Flag], current: Sequence[Flag]) -> None:
        replaced = {_key_of(flag): flag for flag in (*current, *flags)}
        lines = "\n".join(_flag_text(flag, _STEP) for flag in replaced.values())
        pair = self._pair(("flags",))
        if pair is not None:
            end = self._end(pair[1])
            self._edits.append(Edit(pair[0].start_mark.index, end, f"flags:\n{lines}"))
            return
        end, separator = len(self._text), "" if self._text.endswith("\n") else "\n"
        self._edits.append(Edit(end, end, f"{separator}flags:\n{lines}\n"))

    def remove_examples(self, numbers: Iterable[int]) -> None:
        """Removes examples by their numbers; the field itself if none is left."""
        removed = set(numbers)
        pair = self._pair(("examples",))
        if not removed or pair is None:
            return
        items = list(pair[1].value)
        if len(removed) == len(items):
            self._edits.append(Edit(pair[0].start_mark.index, self._end(pair[1]) + 1, ""))
        elif self._is_in_brackets(pair[1]):
            kept = (item for number, item in enumerate(items) if number not in removed)
            parts = (self._text[item.start_mark.index : self._end(item)] for item in kept)
            self._replace(pair[1], f"[{', '.join(parts)}]")
        else:
            for number in removed:
                item = items[number]
                self._edits.append(Edit(self._line_start(item), self._end(item) + 1, ""))

    @staticmethod
    def _is_in_brackets(node: yaml.Node) -> bool:
        return bool(getattr(node, "flow_style", False))

    def _replace(self, node: yaml.Node, text: str) -> None:
        self._edits.append(Edit(node.start_mark.index, self._end(node), text))

    def _pair(self, path: Sequence[str]) -> tuple[yaml.Node, yaml.Node] | None:
        node, pair = self._root, None
        for name in path:
            pair = _pair_of(node, name)
            if pair is None:
                return None
            node = pair[1]
        return pair

    def _value(self, path: Sequence[str]) -> yaml.Node:
        pair = self._pair(path)
        if pair is None:
            raise KeyError(path)
        return pair[1]

    def _items(self, path: Sequence[str]) -> list[yaml.Node]:
        pair = self._pair(path)
        return list(pair[1].value) if pair is not None else []

    def _line_start(self, node: yaml.Node) -> int:
        return self._text.rfind("\n", 0, node.start_mark.index) + 1

    def _end(self, node: yaml.Node) -> int:
        """Returns the end of a value, without the blank lines and comments that follow it."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        return len(self._text[: node.end_mark.index].rstrip())


def _pair_of(node: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((pair for pair in pairs if pair[0].value == name), None)


def _flag_key(item: yaml.Node) -> tuple[str, str]:
    field, status = (_pair_of(item, name) for name in ("field", "status"))
    return (field[1].value if field else "", status[1].value if status else "")


def _key_of(flag: Flag) -> tuple[str, str]:
    return (flag.field, flag.status.value)


def _flag_text(flag: Flag, indent: str) -> str:
    return (
        f"{indent}- field: {_name(flag.field)}\n"
        f"{indent}  status: {flag.status}\n"
        f"{indent}  note: {_quoted(flag.note)}"
    )


def _class_text(class_: CalibratedClass, rule: str, indent: str) -> str:
    assets = ", ".join(map(_name, class_.assets))
    lines = [
        f"{indent}{class_.before.name}:",
        f"{indent}  rule: {rule if _PLAIN_TEXT.fullmatch(rule) else _quoted(rule)}",
        f"{indent}  assets: [{assets}]",
        f"{indent}  v1: {number_text(class_.v1)}",
        f"{indent}  adv_ref: {number_text(class_.before.adv)}",
        f"{indent}  tiers:",
    ]
    width = max(len(number_text(tier.upper)) for tier in class_.tiers)
    for tier in class_.tiers:
        upper = f"{number_text(tier.upper)},"
        lines.append(
            f"{indent}    - {{upper: {upper:<{width + 1}} initial_rate: {tier.initial_rate:f}, "
            f"maintenance_rate: {tier.maintenance_rate:f}}}"
        )
    return "\n".join(lines)


def _name(asset: str) -> str:
    return asset if _PLAIN_NAME.fullmatch(asset) else _quoted(asset)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def number_text(value: Decimal) -> str:
    """Returns a number as rule sets write it: digits in groups of three, no exponent."""
    return f"{int(value):_}" if value == value.to_integral_value() else f"{value.normalize():f}"

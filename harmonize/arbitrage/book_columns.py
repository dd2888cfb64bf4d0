"""Finds the columns of a book: by their usual heads, or by the mapping that a user gives."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harmonize.arbitrage.book_numbers import is_usd

KEYS = ("underlying", "side", "notional", "quantity", "price")
_ALIASES = {"symbol": "underlying"}
_MAX_LISTED = 400  # characters of a list of heads in a message

_HEADS = {
    "underlying": (
        "underlying symbol asset coin instrument contract market pair ticker instid instrumentid "
        "instrumentname contractname product baseasset basecurrency futures"
    ),
    "side": "side direction positionside posside longshort buysell",
    "notional": (
        "notional notionalusd notionalvalue positionvalue positionnotional value usdvalue marketvalue"
    ),
    "quantity": (
        "quantity qty size positionsize positionamt positionamount positionqty amount position szi "
        "netqty netsize netquantity netposition"
    ),
}
_PRICES = (
    "markprice mark markpx",
    "price lastprice last lastpx indexprice",
    "entryprice entrypx averageentryprice avgentryprice avgprice avgpx averageprice openprice",
)
"""Heads of prices, preferred ones first; the last group are prices at entry."""

_CONTRACT_SIZES = frozenset(
    [
        "contractsize",
        "contractmultiplier",
        "contractvalue",
        "multiplier",
        "ctval",
        "ctmult",
        "quantomultiplier",
        "lotsize",
    ]
)
"""Heads that show that quantities are in contracts, not in coins."""

_RESULTS = (
    "pnl",
    "profit",
    "loss",
    "roe",
    "roi",
    "return",
    "funding",
    "fee",
    "change",
    "upl",
    "gain",
)
"""Words in heads of results, whose sign says nothing about the side of a position."""

_PAIR = re.compile(r"""\s*(?P<key>\w+)\s*=\s*(?P<head>"[^"]*"|'[^']*'|[^,]*)\s*(?:,|$)""")


class ColumnsError(ValueError):
    """Heads that do not state the columns, or a mapping that does not fit them: one line."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its index, its head, and the unit that its head states in brackets."""

    index: int
    head: str
    unit: str = ""


Columns = Mapping[str, Column]
"""Columns by key."""


def parse_mapping(texts: Sequence[str]) -> Mapping[str, str]:
    """Returns heads by key from texts such as ``symbol=Symbol,price="Mark Price"``.

    Raises ColumnsError: not of this form, an unknown key, or one key twice.
    """
    mapping: dict[str, str] = {}
    for text in texts:
        position = 0
        while position < len(text):
            match = _PAIR.match(text, position)
            if match is None:
                message = f"expected KEY=HEAD,KEY=HEAD, found {text!r}"
                raise ColumnsError(message)
            key = match["key"].lower()
            key = _ALIASES.get(key, key)
            head = match["head"].strip().strip("\"'").strip()
            if key not in KEYS or not head:
                message = f"expected keys {', '.join(KEYS)} (or symbol) with a head, found {match.group().strip(', ')!r}"
                raise ColumnsError(message)
            if key in mapping:
                message = f"{key} is mapped twice, to {mapping[key]} and {head}; remove one"
                raise ColumnsError(message)
            mapping[key] = head
            position = match.end()
    return mapping


def find_columns(heads: Sequence[str], mapping: Mapping[str, str]) -> Columns:
    """Returns the columns of a book. Raises ColumnsError: one line with the heads and the fix."""
    if not any(heads):
        message = f"found no column heads; add a first line: {','.join(KEYS[:3])}"
        raise ColumnsError(message)
    repeated = next((head for head in heads if head and list(heads).count(head) > 1), "")
    columns: dict[str, Column] = {key: _mapped(key, head, heads) for key, head in mapping.items()}
    if repeated and not mapping:
        message = f"column {repeated} appears twice; remove or rename one"
        raise ColumnsError(message)
    amounts = {"notional", "quantity", "price"} & set(mapping)
    used = {column.index for column in columns.values()}
    for key in ("underlying", "side", "notional", "quantity"):
        if key not in columns and not (key == "notional" and amounts):
            columns |= _recognized(key, heads, used)
    if "price" not in columns and (price := _price(heads, used)):
        columns["price"] = price
    if "underlying" not in columns or not ({"notional", "quantity"} & set(columns)):
        raise ColumnsError(_not_understood(heads, columns))
    in_contracts = next((head for head in heads if _plain(head) in _CONTRACT_SIZES), "")
    if in_contracts and "notional" not in columns:
        message = (
            f"column {in_contracts} shows that {columns['quantity'].head} is in contracts; add a "
            "column notional in USD"
        )
        raise ColumnsError(message)
    return columns


def recognized_count(heads: Sequence[str], mapping: Mapping[str, str]) -> int:
    """Returns how many heads are columns of a book, to tell the separator of a file."""
    named = {head.casefold() for head in mapping.values()}
    return sum(
        head.casefold() in named
        or any(_plain(head) in names.split() for names in (*_HEADS.values(), *_PRICES))
        for head in heads
    )


def is_entry_price(column: Column) -> bool:
    """Returns whether a price column holds prices at entry, not current ones."""
    return _plain(column.head) in _PRICES[-1].split()


def unused_heads(heads: Sequence[str], columns: Columns) -> tuple[str, ...]:
    """Returns the heads of the columns that are not read."""
    used = {column.index for column in columns.values()}
    return tuple(head for index, head in enumerate(heads) if head and index not in used)


def columns_with_a_side(heads: Sequence[str], columns: Columns) -> tuple[Column, ...]:
    """Returns the unread columns whose content can state a side: all but those of results."""
    used = {column.index for column in columns.values()}
    return tuple(
        Column(index, head)
        for index, head in enumerate(heads)
        if index not in used and not any(word in _plain(head) for word in _RESULTS)
    )


def heads_text(heads: Sequence[str]) -> str:
    """Returns heads as a list; a very long list is cut at a head and counted."""
    named = [head for head in heads if head]
    text = ""
    for number, head in enumerate(named):
        addition = f", {head}" if text else head[:_MAX_LISTED]
        if len(text) + len(addition) > _MAX_LISTED:
            return f"{text} and {len(named) - number} more"
        text += addition
    return text


def _plain(head: str) -> str:
    """Returns the letters and digits of a head in lower case, without parts in brackets."""
    bare = re.sub(r"[(\[{].*?[)\]}]", "", head)
    return "".join(character for character in bare.casefold() if character.isalnum())


def _unit(head: str) -> str:
    bracket = re.search(r"[(\[]\s*([^)\]]{1,20}?)\s*[)\]]", head)
    return bracket[1] if bracket else ""


def _mapped(key: str, head: str, heads: Sequence[str]) -> Column:
    matches = [i for i, other in enumerate(heads) if other == head] or [
        i for i, other in enumerate(heads) if other.casefold() == head.casefold()
    ]
    if len(matches) != 1:
        problem = "no column" if not matches else f"{len(matches)} columns"
        message = f"{problem} {head!r} for {key}; found: {heads_text(heads)}"
        raise ColumnsError(message)
    return Column(matches[0], heads[matches[0]], _unit(heads[matches[0]]))


def _recognized(key: str, heads: Sequence[str], used: set[int]) -> dict[str, Column]:
    """Returns the column of a key under its usual heads, or none. Raises ColumnsError: several."""
    names = _HEADS[key].split()
    found = [
        Column(index, head, _unit(head))
        for index, head in enumerate(heads)
        if index not in used and key == _key_of(head)
    ]
    if len(found) > 1:
        best = [column for column in found if _plain(column.head) == names[0]]
        best = best or [column for column in found if _plain(column.head) == "symbol"]
        if not best:
            listed = " and ".join(column.head for column in found)
            message = f"columns {listed} can both be the {key}; add --columns {key}={_quoted(found[0].head)}"
            raise ColumnsError(message)
        found = best[:1]
    return {key: found[0]} if found else {}


def _key_of(head: str) -> str:
    """Returns the key of a usual head; empty if it is none.

    The unit in its brackets decides: 'Size (USDT)' is a notional, 'Value (BTC)' is not.
    """
    key = next((key for key, names in _HEADS.items() if _plain(head) in names.split()), "")
    unit = _unit(head)
    if key == "quantity" and is_usd(unit):
        return "notional"
    return "" if key == "notional" and unit and not is_usd(unit) else key


def _price(heads: Sequence[str], used: set[int]) -> Column | None:
    for names in _PRICES:
        for index, head in enumerate(heads):
            unit = _unit(head)
            if index not in used and _plain(head) in names.split() and (not unit or is_usd(unit)):
                return Column(index, head, unit)
    return None


def _not_understood(heads: Sequence[str], columns: Columns) -> str:
    missing = [] if "underlying" in columns else ["underlying"]
    if not {"notional", "quantity"} & set(columns):
        missing.append("notional (or quantity and price)")
    parts = [
        f"{'symbol' if key == 'underlying' else key}={_quoted(columns[key].head) if key in columns else 'HEAD'}"
        for key in ("underlying", "side", "notional")
    ]
    named = sum(bool(head) for head in heads)
    return (
        f"no column for {' and '.join(missing)}; found {named}: {heads_text(heads)}; "
        f"add --columns {','.join(parts)}"
    )


def _quoted(head: str) -> str:
    return f'"{head}"' if re.search(r"[\s,]", head) else head

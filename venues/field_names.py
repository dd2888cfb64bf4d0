"""What an unknown field may concern, judged by its name, its value and the kind of its row.

Words in the name decide. *Strong* words concern margin, *status* words whether a contract trades.
*Size* words concern a position unless another word says what the size is of, as in the size of a
tick. *Plain* words describe times, texts and formats.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from enum import Enum


class Concern(Enum):
    """What an unknown field may concern."""

    MARGIN = "margin, size, unit or status"
    UNCLEAR = "unclear"
    NEUTRAL = "neither margin, nor size, unit or status"


def _vocabulary(words: str) -> frozenset[str]:
    return frozenset(words.split())


_STRONG_PARTS = (
    "margin",
    "lever",
    "risk",
    "maint",
    "bracket",
    "liquidat",
    "collateral",
    "coef",
    "haircut",
    "deduct",
    "multiplier",
    "exposure",
    "position",
    "contractsize",
    "contractval",
    "initialrate",
)
"""Parts of names that concern margin, matched regardless of separators and case."""

_ENDING_PARTS = (
    "delist",
    "expir",
    "deliverytime",
    "deliverydate",
    "suspend",
    "halt",
    "reduceonly",
    "closeonly",
    "closedonly",
    "paused",
    "frozen",
    "freeze",
    "isclosed",
    "cantrade",
    "offline",
    "isonline",
)
"""Parts of names that concern the end of trading; a time or a text counts here too."""

_STRONG_WORDS = _vocabulary(
    "im mm imr mmr imf mmf lev mult mgn denomination quanto inverse ladder ladders"
)

_SIZE_WORDS = _vocabulary(
    "size sizes sz qty quantity quantities amount amt value val unit units scale scaling "
    "factor notional notionals nominal limit limits lmt cap caps capacity floor bound bounds "
    "lower upper tier tiers currency ccy settle settl settlement"
)

_STATUS_WORDS = _vocabulary("status state active inactive tradable tradeable enabled disabled mode")

_PLAIN_WORDS = _vocabulary(
    "time times timestamp ts date dates datetime day days hour hours minute minutes second "
    "seconds created updated launch launched listed onboard precision precisions digit digits "
    "decimal decimals url urls uri link links icon icons logo logos image images img color "
    "colors colour colours tag tags label labels description descriptions desc title titles "
    "display displayed name names alias aliases remark remarks note notes comment locale "
    "language sort ranking version website whitepaper introduction filter filters hash uuid"
)

_PRICE_WORDS = _vocabulary(
    "tick ticks price prices px fee fees commission commissions maker taker funding rebate "
    "rebates discount discounts spread slippage id ids"
)
"""Words that say in any row that a size is no size of a position."""

_MARKET_WORDS = _vocabulary(
    "order orders volume volumes vol turnover trade trades daily 24h interest oi index min "
    "minimum step steps increment high low open close last change"
)
"""Words that say so in the row of an instrument only: a tier may be bounded by volume."""

_INSTRUMENT_WORDS = _vocabulary("tick precision decimals digits fee commission funding")
"""Words in the names of every venue's rows of instruments, and of no row of a tier."""

_WORD = re.compile(r"24[hH]|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def concern_in_row(name: str, value: object) -> Concern:
    """What a field in the row of an instrument may concern, by its name and the names inside it."""
    words = _words(name)
    described = words & (_PLAIN_WORDS | _PRICE_WORDS | _MARKET_WORDS)
    if _concerns_margin(name, words) or (words & _SIZE_WORDS and not described):
        return Concern.MARGIN
    if described:
        return Concern.NEUTRAL
    if any(concern_in_row(inner, None) is Concern.MARGIN for inner in _inner_names(value)):
        return Concern.MARGIN
    return Concern.UNCLEAR


def concern_in_tier(name: str, value: object) -> Concern:
    """What a field in the row of a tier may concern.

    A number or a flag may change the meaning of the tier, unless its name says otherwise.
    """
    words = _words(name)
    described = words & (_PLAIN_WORDS | _PRICE_WORDS)
    if _concerns_margin(name, words) or (words & _SIZE_WORDS and not described):
        return Concern.MARGIN
    if described:
        return Concern.NEUTRAL
    return Concern.UNCLEAR if _is_plain_text(value) else Concern.MARGIN


def describe_instrument(names: Iterable[str]) -> bool:
    """Whether names of fields belong to the row of an instrument: it states how orders are priced."""
    return any(_words(name) & _INSTRUMENT_WORDS for name in names)


def is_absent(value: object) -> bool:
    """Whether a value says nothing: null, an empty text, an empty list or object."""
    return value is None or value in ("", [], {})


def _concerns_margin(name: str, words: frozenset[str]) -> bool:
    """Whether a name concerns margin or the trading status, whatever else it says."""
    joined = re.sub(r"[\W_]+", "", name).lower()
    if any(part in joined for part in _ENDING_PARTS):
        return True
    if words & _PLAIN_WORDS:
        return False
    is_status = words & _STATUS_WORDS and not words & (_PRICE_WORDS | {"order", "orders"})
    return bool(is_status or words & _STRONG_WORDS or any(part in joined for part in _STRONG_PARTS))


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(name))


def _inner_names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _inner_names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _inner_names(inner)


def _is_plain_text(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        Decimal(value)
    except InvalidOperation:
        return value.lower() not in {"true", "false"}
    return False

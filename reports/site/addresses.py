"""Addresses within the site: file names and anchors made of what they denote."""

import hashlib
import re
from functools import lru_cache

_PLAIN_CODE = re.compile(r"[A-Z0-9]{1,40}")
_PLAIN_ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_SYMBOL = re.compile(r"[A-Z0-9]+/[A-Z0-9]+(?::[A-Z0-9]+(?:-\d+)?)?")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d")
_LONGEST = 40
_HASH_DIGITS = 12  # as many as are shown
_FINGERPRINT_DIGITS = 10  # a page holds some thousand findings: two alike are not to be expected
_MARGIN_CODES = {"initial": "im", "maintenance": "mm"}


@lru_cache(maxsize=16384)
def underlying_slug(underlying: str) -> str:
    """Returns the file name of an underlying: its code in lower case.

    Any other name, and a name that a file system reserves, gets a part of its hash, so that no two
    names share a file, also where file names ignore case.
    """
    return _slug(underlying, is_plain=bool(_PLAIN_CODE.fullmatch(underlying)))


@lru_cache(maxsize=4096)
def id_slug(name: str) -> str:
    """Returns the file name of a venue or rule set: its id, or as for underlyings with a hash."""
    is_plain = len(name) <= _LONGEST and bool(_PLAIN_ID.fullmatch(name))
    return _slug(name, is_plain=is_plain)


@lru_cache(maxsize=16384)
def symbol_slug(symbol: str) -> str:
    """Returns a symbol as a part of an anchor: ``btc-usdt-usdt``; with a hash if it is unusual."""
    return _slug(symbol, is_plain=bool(_SYMBOL.fullmatch(symbol)))


def _slug(name: str, *, is_plain: bool) -> str:
    readable = _NOT_WORD.sub("-", name.lower()).strip("-")[:_LONGEST] or "x"
    if is_plain and not _RESERVED.fullmatch(readable):
        return readable.replace("_", "-") if "_" not in name else name.lower()
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{readable}-{digest[:8]}"


def venue_path(venue: str) -> str:
    """Returns the path of a venue's page from the folder of the site."""
    return f"venues/{id_slug(venue)}.html"


def underlying_path(underlying: str) -> str:
    """Returns the path of an underlying's page from the folder of the site."""
    return f"underlyings/{underlying_slug(underlying)}.html"


def rule_set_path(rule_set: str) -> str:
    """Returns the path of a rule set's page from the folder of the site."""
    return f"rules/{id_slug(rule_set)}.html"


def schedule_anchor(venue: str, symbol: str, profile: str) -> str:
    """Returns the anchor of a schedule on the page of its underlying."""
    return f"schedule-{id_slug(venue)}-{symbol_slug(symbol)}-{id_slug(profile)}"


def cell_anchor(venue: str, underlying: str, margin_type: str) -> str:
    """Returns the anchor of one margin of a venue on an underlying: ``cell-binance-btc-im``."""
    code = _MARGIN_CODES.get(margin_type, "x")
    return f"cell-{id_slug(venue)}-{underlying_slug(underlying)}-{code}"


def finding_anchor(fingerprint: str) -> str:
    """Returns the anchor of a finding: the end of its fingerprint, the same in every audit."""
    return f"finding-{_NOT_WORD.sub('-', fingerprint.lower())[-_FINGERPRINT_DIGITS:]}"


def payload_anchor(sha256: str) -> str:
    """Returns the anchor of a payload on the page of its venue: the start of its hash."""
    return f"payload-{_NOT_WORD.sub('', sha256.lower())[:_HASH_DIGITS]}"

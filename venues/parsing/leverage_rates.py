"""IM rates of tiers for which a venue prints both a rate and a maximum leverage."""

from collections.abc import Iterable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from harmonize.core.payload import Column
from venues.fields import JsonObject, number
from venues.parsing.tier_tables import leverage_to_rate

_QUARTER_PERCENT = Decimal("0.0025")


def initial_rate(printed: Decimal, row: JsonObject, key: str, pointer: str) -> Decimal:
    """IM rate of a tier: 1 / leverage where the printed rate is a rounding of it.

    ``key`` is the field of the maximum leverage of the same tier; without it, the printed rate
    stands. Raises UnreadablePayloadError with the pointer: the leverage is no number.
    """
    return exact_rate(printed, number(row, key, pointer)) if has_leverage(row, key) else printed


def has_leverage(row: JsonObject, key: str) -> bool:
    """Whether a tier states its maximum leverage, other than as 0."""
    return row.get(key) not in {None, "", 0, "0"}


def exact_rate(printed: Decimal, leverage: Decimal) -> Decimal:
    """1 / leverage if the printed rate is that number, rounded or cut off; otherwise the rate.

    One of the two numbers is a rounding of the other: 0.0133 of 1 / 75, but 5.56 of 1 / 0.18. The one
    with fewer significant digits is the exact one. A rate in whole quarters of a percent beside a
    leverage with decimals is exact as well: 7.4 is a rounding of 1 / 0.135. Rates that disagree
    beyond the printed digits stand as printed.
    """
    if not leverage or _significant_digits(leverage) >= _significant_digits(printed):
        return printed
    if leverage % 1 and not printed % _QUARTER_PERCENT:
        return printed
    exact = leverage_to_rate(leverage)
    last_place = Decimal(1).scaleb(int(printed.as_tuple().exponent))
    roundings = (exact.quantize(last_place, mode) for mode in (ROUND_HALF_UP, ROUND_DOWN))
    return exact if printed in roundings else printed


def _significant_digits(number_: Decimal) -> int:
    """Number of digits without zeros at either end."""
    return len(number_.normalize().as_tuple().digits)


def leverage_columns(rows: Iterable[JsonObject], key: str) -> tuple[Column, ...]:
    """Location of the maximum leverage in the rows of tiers, as evidence; empty if a row has none."""
    return (Column("leverage", f"/{key}", "leverage"),) * all(has_leverage(r, key) for r in rows)

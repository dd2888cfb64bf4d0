"""Selection and order of changes."""

from dataclasses import replace
from math import inf, log

import pytest

from harmonize.document.change import Change, ChangeKind, MarginChange
from harmonize.history import queries
from harmonize.history.change_order import ChangeOrder, in_order, of_kinds, relative_size


def change(
    symbol: str, rise: float | None, fall: float | None, after: str = "2026-01-02"
) -> Change:
    margin = MarginChange("initial", (), (), rise, 1e6, fall, 1e6)
    kind = ChangeKind.TIGHTER if rise else ChangeKind.LOOSER
    own = Change("okx", symbol, "any", "BTC", kind, "2026-01-01", after, (margin,))
    return own if rise is not None or fall is not None else replace(own, moved=())


DOUBLED, HALVED = change("A", 1.0, None), change("B", None, -0.5)
TENFOLD, LISTED = change("C", 9.0, None, "2026-01-05"), change("D", None, None)
TO_ZERO = change("E", None, -1.0)


@pytest.mark.parametrize(
    ("own", "size"),
    [(DOUBLED, log(2)), (HALVED, log(2)), (TENFOLD, log(10)), (LISTED, 0.0), (TO_ZERO, inf)],
)
def test_a_doubled_and_a_halved_margin_are_equally_large(own: Change, size: float) -> None:
    assert relative_size(own) == pytest.approx(size)


def test_the_order_is_by_size_by_time_or_by_name() -> None:
    changes = (LISTED, TENFOLD, HALVED, DOUBLED)
    largest = in_order(changes, ChangeOrder.LARGEST)
    assert [x.symbol for x in largest] == ["C", "A", "B", "D"]
    assert [x.symbol for x in in_order(changes, ChangeOrder.TIME)] == ["A", "B", "D", "C"]
    assert [x.symbol for x in in_order(changes, ChangeOrder.VENUE)] == ["A", "B", "C", "D"]


def test_kinds_select_and_none_selects_all() -> None:
    changes = (DOUBLED, HALVED)
    assert of_kinds(changes, ()) == changes
    assert of_kinds(changes, [ChangeKind.TIGHTER]) == (DOUBLED,)


def test_a_schedule_in_coins_is_read_at_the_later_price() -> None:
    """10 coins at 1 % and above at 5 %: at $100 the bound is $1,000, at $200 it is $2,000."""
    pieces = ((0.0, 1_000.0, 0.0, 0.01, 0.0, 2.0), (1_000.0, 5_000.0, 0.0, 0.05, 0.0, 2.0))
    assert queries.margin_at_price(pieces, 1_500.0) == pytest.approx(75.0)
    assert queries.margin_at_price(pieces, 1_500.0, 2.0) == pytest.approx(15.0)
    assert queries.margin_at_price(pieces, 10_001.0, 2.0) is None
    assert queries.margin_at_price(None, 1_500.0) is None

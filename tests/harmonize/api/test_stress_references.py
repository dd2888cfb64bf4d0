"""References of a stress: parts that can be applied, and margins in force beside them."""

from harmonize.api.stress_changes import parse_change
from harmonize.api.stress_references import Reference, threshold_rows
from harmonize.api.stress_requested import requested_changes
from harmonize.core.schedule import Unknown
from harmonize.stress.book import Book
from harmonize.stress.positions import build_positions
from harmonize.stress.tiers import Tiers
from tests.harmonize.stress.markets import flat_margins

CALL = Unknown("MM of capped is a margin call, at which nothing is liquidated")


def rate(value: float) -> Tiers:
    return flat_margins(value).maintenance


WHOLE = Reference("baseline", rate(0.1), rate(0.05))
CAPPED = Reference("capped", rate(0.5), CALL)
EMPTY = Reference("empty", Unknown("empty sets no IM"), Unknown("empty sets no MM"))


def made(reference: Reference, *specifications: str) -> list[tuple[str, str]]:
    changes = [parse_change(text, ()) for text in specifications]
    own = requested_changes(changes, (reference,), "BTC", (), ())
    return [(change.specification, change.what_if.name) for change in own.made]


def test_a_reference_is_applied_as_a_whole_and_in_parts() -> None:
    assert made(WHOLE) == [
        ("reference", "reference"),
        ("reference=im", "reference IM"),
        ("reference=mm", "reference MM"),
    ]
    assert made(WHOLE, "reference=mm") == [("reference=mm", "reference MM")]


def test_a_margin_call_leaves_the_initial_margin_alone() -> None:
    assert made(CAPPED) == [("reference=im", "reference IM")]
    requested = [parse_change("reference", ())]
    own = requested_changes(requested, (CAPPED,), "BTC", (), ())
    assert own.missing == (f"underlying BTC: what-if reference: {CALL.reason}; use reference=im",)


def test_a_rule_set_without_margins_is_missing_with_its_reasons() -> None:
    own = requested_changes((), (EMPTY,), "BTC", (), ())
    assert own.made == ()
    assert own.missing == ("underlying BTC: what-if reference: empty sets no IM; empty sets no MM",)


def test_a_venue_to_adopt_that_is_not_in_the_book_has_its_reason() -> None:
    changes = [parse_change(f"adopt={name}", ("okx", "mexc")) for name in ("okx", "mexc")]
    absent = (("mexc", "open interest is not observed"),)
    own = requested_changes(changes, (), "BTC", absent, ("binance",))
    assert own.missing == (
        "underlying BTC: what-if adopt=okx: okx is not in the book: no margins were observed",
        "underlying BTC: what-if adopt=mexc: mexc is not in the book: open interest is not observed",
    )


def test_thresholds_are_those_of_venues_and_rule_sets_at_the_median_long() -> None:
    positions = build_positions(
        ("a", "b"), [0, 0, 1, 0], [1.0, 1.0, 1.0, -1.0], [1e3, 5.2e4, 6e4, 9e9], 1e3
    )
    margins = (flat_margins(0.01, 0.02, "a"), flat_margins(0.01, 0.02, "b", largest=4e4))
    own = list(threshold_rows(Book("BTC", positions, margins), (WHOLE, CAPPED)))
    assert {row.notional for row in own} == {6e4}
    rates = [(row.venue, row.rule_set, row.initial_rate, row.maintenance_rate) for row in own]
    assert rates == [
        ("a", "", 0.02, 0.01),
        ("b", "", None, None),
        ("", "baseline", 0.1, 0.05),
        ("", "capped", 0.5, None),
    ]
    assert own[1].reason == "margins are observed only up to $40,000"
    assert own[3].reason == CALL.reason


def test_without_longs_there_is_no_typical_size() -> None:
    shorts = build_positions(("a",), 0, -1.0, 1e3, 1e2)
    assert not list(threshold_rows(Book("BTC", shorts, (flat_margins(0.01),)), (WHOLE,)))

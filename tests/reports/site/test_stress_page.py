"""Pages on what a fall liquidates: every number equals that of its row, and unknown is a value."""

import csv
import html
import io
import math
import re
from dataclasses import replace
from functools import cache

import pytest

from harmonize.document import (
    AuditDocument,
    StressEffectRow,
    StressRow,
    StressSensitivityRow,
)
from harmonize.text import numbers
from reports.charts.density_bars import CliffMark, DensityBin, FirstMark, density_bars
from reports.charts.svg import Frame
from reports.registry import report_files
from reports.site.folder import site_files
from reports.site.marks import NOT_OBSERVABLE
from reports.site.report_context import ReportContext
from reports.site.stress_changes import harmonized_key, rules_name, sign_text, signed_usd
from reports.site.stress_effects import threshold_sentence, threshold_table
from reports.site.stress_result import result_statements
from reports.site.stress_standfirst import standfirst
from reports.site.stress_words import HARMONIZED, book_text, dates_line, fall_text, leverage_range
from tests.support import recorded
from tests.support.sample_documents import FORMULA, SCRIPT, sample
from tests.support.sample_stress import (
    SHOCKS,
    point,
    replayed,
    stress,
    stressed_sample,
    without_curve,
)
from tests.support.site_pages import broken_links

NBSP = "\N{NO-BREAK SPACE}"
TAGS = re.compile(r"<[^>]+>")
MOST_BYTES = 300_000
BAND_ENDS = [(point(10.0, shock).move, point(1.0, shock).move) for shock in SHOCKS]
"""Largest and least move of each shock."""


@cache
def files() -> dict[str, bytes]:
    return dict(report_files(stressed_sample()))


def pages(document: AuditDocument) -> dict[str, str]:
    return {
        path: content.decode()
        for path, content in site_files(document)
        if path.startswith("stress") and path.endswith(".html")
    }


def plain(markup: str) -> str:
    return html.unescape(TAGS.sub(" ", markup)).replace(NBSP, " ")


def cells(content: str, label: str, name: str) -> list[str]:
    """Returns the cells of the row that starts with a name, of the table with a label."""
    region = re.search(rf'aria-label="{label}, table".*?</table>', content, re.DOTALL)
    assert region is not None, label
    for row in re.findall(r"<tr>(.*?)</tr>", region[0], re.DOTALL):
        found = re.findall(r"<(?:th|td)[^>]*>(.*?)</(?:th|td)>", row, re.DOTALL)
        if plain(found[0]).strip() == name:
            return [" ".join(plain(cell).split()) for cell in found]
    pytest.fail(f"{label}: no row {name}")


def section(content: str, anchor: str) -> str:
    found = re.search(rf'<section id="{anchor}">.*?</section>', content, re.DOTALL)
    return found[0] if found else ""


def example() -> StressRow:
    return stressed_sample().stress[1]


def page() -> str:
    return files()["stress.html"].decode()


def test_a_document_without_stress_says_how_to_have_one() -> None:
    (content,) = pages(sample()).values()
    assert "harmonize report --stress" in content
    assert "<section" not in content


def test_the_largest_underlying_is_shown_in_full_and_each_other_has_a_page() -> None:
    found = pages(stressed_sample())
    assert set(found) == {"stress.html", "stress/eth.html"}
    assert 'id="counterfactuals"' in found["stress.html"]
    assert all(len(content) <= MOST_BYTES for content in found.values())


def test_an_underlying_without_a_simulation_is_listed_with_its_reason() -> None:
    sentence = "Not simulated: HYPE, with an open interest of $933m: no rule set of "
    assert sentence in plain(section(page(), "underlyings"))
    (content,) = pages(replace(stressed_sample(), stress=())).values()
    assert sentence in plain(content)


def test_the_falls_under_other_rules_name_the_reactions_in_order() -> None:
    moves = {"notional kept": 0.05527, "margin kept": 0.05172}
    changed = tuple(replace(own, move=moves[own.behaviour]) for own in example().changed)
    document = replace(sample(), stress=(replace(example(), changed=changed),))
    found = dict(site_files(document))
    shown = plain(found["stress.html"].decode())
    assert "5.53 % / 5.17 %" in shown
    assert "notional kept / margin kept" in shown
    (first, *_) = csv.DictReader(io.StringIO(found["stress-btc-curve.csv"].decode()))
    kept, cut = first["move_other_rules_notional_kept"], first["move_other_rules_margin_kept"]
    assert (kept, cut, first["other_rules"]) == ("0.05527", "0.05172", changed[0].rule_set)


def test_every_link_of_the_pages_leads_somewhere() -> None:
    assert not [line for line in broken_links(files()) if "stress" in str(line)]


def test_links_lead_somewhere_where_no_underlying_has_a_curve() -> None:
    document = replace(sample(), stress=(without_curve("BTC"), without_curve("ETH")))
    assert not [
        line for line in broken_links(dict(report_files(document))) if "stress" in str(line)
    ]


def statements(row: StressRow, why: str = "") -> dict[str, str]:
    return {name: own.replace(NBSP, " ") for name, own in result_statements(row, why)}


def test_the_first_statement_has_amount_venues_leverage_range_and_validation() -> None:
    words = statements(example())["Liquidated"]
    assert words == (
        "If BTC fell by 10 % at once, $130m to $185m of longs would be liquidated, 11 % to 15 % of those"
        " simulated. The range is that of market liquidity (1× to 10×), which is assumed. At 1×, most is at"
        f" venue-a ($100m), venue-b ($50m) and {plain_script()} ($33.3m); the total is $45.6m to $789m if"
        " one assumption on leverage is halved or doubled. On 49 recorded days at venue-a the model states 0.26"
        " times what was liquidated."
    )
    same = tuple(replace(own, liquidated=1.3e8, share=0.11) for own in example().points)
    alike = statements(replace(example(), points=same))["Liquidated"]
    assert "$130m of longs would be liquidated, 11 % of those simulated. At 1×, most" in alike


def test_a_page_starts_with_amounts_and_how_far_they_are_validated() -> None:
    shown = plain(page())
    assert (
        "A sudden fall of 10 % would liquidate, in longs, $130m of BTC (modelled at liquidity 1×, up to"
        " 1.4 times as much at 10×). If one assumption on leverage is halved or doubled: $46m to $789m. Most"
        " leverage is assumed; on recorded days the model states 0.26 times what was liquidated: it states"
        " far too little. Differences between rules are steadier than amounts. Uneven"
    ) in shown
    for ratio, words in (
        (0.5, "liquidated. Differences"),
        (2.1, "liquidated: it states far too much. "),
    ):
        validation = tuple(replace(own, ratio=ratio) for own in example().validation)
        assert words in standfirst([replace(example(), validation=validation)])
    bare = standfirst([replace(example(), validation=())])
    assert "no recorded liquidation validates the amounts. Uneven" in bare
    given = standfirst([replace(example(), is_synthetic=False)])
    assert "assumed" not in given
    assert standfirst([without_curve("ETH")]).startswith("Uneven thresholds")


def plain_script() -> str:
    return example().venues[2].venue


def test_the_price_statement_has_the_range_of_liquidity_and_cliffs_only_if_there_are_some() -> None:
    words = statements(example())["Price"]
    assert "from 10 % to between 10.5 % and 15 %;" in words
    assert "lose $32.1m to $321m more than their margin" in words
    assert "than 5.5 % (at 10×) deepens the fall by at least 1 % more (a cliff)" in words
    without = replace(example(), cliffs=(), changed_cliffs=())
    assert statements(without)["Price"].endswith(
        " No cliff: no slightly larger shock deepens the fall by a further 1 % of the price at once."
    )


def test_a_cliff_under_the_harmonized_rules_has_its_place_and_its_largest_jump() -> None:
    words = statements(example())["Price"]
    assert (
        "the fall jumps at a shock of 4.7 %, at 10× from 4.7 % to 12.7 % (a cliff): there," in words
    )
    (first, second, *_) = example().changed_cliffs
    apart = replace(example(), changed_cliffs=(first, replace(second, shock=0.05)))
    assert "jumps at a shock of 4.7 % to 5 %, at 10×" in statements(apart)["Price"]


def test_the_statement_on_rules_has_signs_sizes_and_reasons() -> None:
    words = statements(example(), "Reason: as stated.")["Harmonized rules"]
    assert (
        "fewer longs would be liquidated (by $456m, against $912m today, at 1×). Reason: as stated."
        " The price would fall less. Whether losses"
    ) in words
    assert (
        ". Whether losses beyond margin would be larger or smaller depends on the sample of positions and"
        " the reaction of traders: smaller by $456m against $912m today at 1×; smaller by"
    ) in words


def test_the_two_reactions_of_traders_are_named_where_they_differ() -> None:
    first, *others = example().effects
    cells = tuple(
        replace(own, change=2e8 if own.behaviour == "notional kept" else 1e8) for own in first.cells
    )
    row = replace(example(), effects=(replace(first, cells=cells), *others))
    words = statements(row)["Harmonized rules"]
    assert (
        "by $200m if traders add margin and $100m if they close a part, against $912m today, at 1×"
    ) in words
    document = replace(sample(), stress=(row,))
    shown = cells_of_counterfactual(document)
    assert shown[2:5] == ["+$200m / +$100m"] * 3


def cells_of_counterfactual(document: AuditDocument) -> list[str]:
    rule_set = document.stress[0].effects[0].rule_set
    return cells(pages(document)["stress.html"], "Counterfactuals on BTC", title(rule_set))


def title(rule_set: str) -> str:
    """Returns the name of a rule set of the sample, which has no region."""
    return next(own.title for own in sample().rule_sets if own.id == rule_set)


def test_what_im_and_mm_alone_change_is_stated_if_both_are_known() -> None:
    (own,) = {effect.rule_set for effect in example().effects if effect.metric == "move"} & {
        example().effects[0].rule_set
    }
    parts = [
        replace(example().effects[0], what_if=f"reference={part}", rule_set=own, sign=sign)
        for part, sign in (("im", "less"), ("mm", "more"))
    ]
    both = replace(example(), effects=(*example().effects, *parts))
    assert (
        ". With its IM alone, fewer longs would be liquidated; with its MM alone, more longs would be"
        " liquidated."
    ) in statements(both)["Harmonized rules"]
    unclear = [replace(parts[0], sign="depends on", depends_on=("behaviour",)), parts[1]]
    both = replace(example(), effects=(*example().effects, *unclear))
    assert (
        "With its IM alone, whether more or fewer longs would be liquidated depends on the reaction of"
        " traders;"
        " with its MM alone, more"
    ) in statements(both)["Harmonized rules"]
    one = replace(example(), effects=(*example().effects, parts[0]))
    assert "alone" not in statements(one)["Harmonized rules"]


def with_parts(row: StressRow, im: str, mm: str) -> StressRow:
    """Returns the row with the effects of IM alone and MM alone on the liquidated notional."""
    first = row.effects[0]
    parts = [
        replace(first, what_if=f"reference={name}", sign=sign, depends_on=())
        for name, sign in (("im", im), ("mm", mm))
    ]
    return replace(row, effects=(*row.effects, *parts))


def with_cells(effect: StressEffectRow, **changes: tuple[float, str]) -> StressEffectRow:
    """Returns an effect whose cells have a change and sign, by reaction and liquidity: ``kept_10``."""
    made = []
    for own in effect.cells:
        name = f"{'kept' if own.behaviour == 'notional kept' else 'cut'}_{own.liquidity:g}"
        change, sign = changes.get(name, (own.change, own.sign))
        made.append(replace(own, change=change, sign=sign))
    return replace(effect, cells=tuple(made))


def test_rules_that_raise_nothing_are_not_said_to_raise_or_lower() -> None:
    """A cap of leverage is no question of more or fewer: none of its cells is more."""
    zero = {f"kept_{own}": (0.0, "no change") for own in (1, 4, 10)}
    row = with_parts(example(), "not more", "more")
    *others, im, mm = row.effects
    words = statements(replace(row, effects=(*others, with_cells(im, **zero), mm)))
    assert (
        "With its IM alone, no more longs would be liquidated than today (as many if traders add margin"
        " and fewer by $456m if they close a part, against $912m today at 1×); with its MM alone, more"
    ) in words["Harmonized rules"]
    assert "more or fewer" not in words["Harmonized rules"]
    last = with_cells(im, kept_10=(0.0, "no change"))
    words = statements(replace(row, effects=(*others, last, mm)))
    assert (
        "than today (fewer by $456m against $912m today at 1×; as many if traders add margin and fewer by"
        " $456m if they close a part, against $912m today at 10×); with its MM"
    ) in words["Harmonized rules"]
    assert sign_text(last) == "less or unchanged"
    assert sign_text(replace(last, sign="not less")) == "more or unchanged"


def test_the_reason_is_mm_only_if_its_parts_show_it() -> None:
    more = replace(example().effects[0], sign="more")
    row = replace(example(), effects=(more, *example().effects[1:]))
    reason = "The reason is the maintenance margin (MM), which is higher"
    shown = statements(with_parts(row, "not more", "more"))["Harmonized rules"]
    assert f"{reason} and is reached after a smaller fall. They are closed earlier, with" in shown
    for im, mm in (("more", "more"), ("less", "less")):
        assert reason not in statements(with_parts(row, im, mm))["Harmonized rules"]
    assert reason not in statements(with_parts(example(), "less", "more"))["Harmonized rules"]
    loss = with_cells(row.effects[2], kept_1=(1e6, "more"))
    worse = replace(row, effects=(*row.effects[:2], loss, *row.effects[3:]))
    shown = statements(with_parts(worse, "not more", "more"))["Harmonized rules"]
    assert reason in shown
    assert "more margin left" not in shown


def test_losses_are_stated_at_every_liquidity_where_their_sign_depends_on_it() -> None:
    loss = with_cells(
        example().effects[2],
        kept_1=(-4e8, "less"),
        kept_4=(2e5, "depends on"),
        kept_10=(4e6, "more"),
    )
    row = replace(example(), effects=(*example().effects[:2], loss))
    assert statements(row)["Harmonized rules"].endswith(
        "the reaction of traders: smaller by $400m to $456m against $912m today at 1×; decided by the"
        " sample of positions if traders add margin and smaller by $456m if they close a part, against"
        " $912m today at 4×; larger by $4m if traders add margin and smaller by $456m if they close a"
        " part, against $912m today at 10×."
    )


def test_a_single_exception_is_named_in_place_of_what_a_sign_depends_on() -> None:
    loss = example().effects[2]
    unsure = with_cells(loss, kept_10=(2e5, "depends on"))
    assert sign_text(unsure) == "less, except at 10× with notional kept: the sample decides"
    assert sign_text(with_cells(loss, kept_10=(2e5, "more"))).endswith("notional kept: more")
    two = with_cells(loss, kept_10=(2e5, "more"), cut_10=(2e5, "more"))
    assert sign_text(two) == "depends on sample and behaviour"


def test_the_range_of_leverage_is_that_of_every_assumption_on_it() -> None:
    wide = StressSensitivityRow("leverage, log-sd", 1.36e8, 2.6e5, 1e9, "assumed")
    row = replace(example(), sensitivity=(wide, *example().sensitivity))
    assert leverage_range(row) == ("$260k", "$1bn")
    assert leverage_range(replace(row, sensitivity=row.sensitivity[1:])) == ("$45.6m", "$789m")
    assert leverage_range(replace(row, sensitivity=())) == ()


def test_underlyings_beyond_the_first_four_are_counted() -> None:
    rows = [replace(example(), underlying=name) for name in "ABCDEF"]
    assert "$130m of C and $130m of D (modelled" in standfirst(rows).replace(NBSP, " ")
    assert "The table has 2 more. If one" in standfirst(rows)
    assert "more. If one" not in standfirst(rows[:4])
    bare = replace(rows[1], validation=())
    assert "0.26 (A) times" in standfirst([rows[0], bare])
    assert "too little; B is unvalidated. Differences" in standfirst([rows[0], bare])


def test_small_falls_of_a_reverse_stress_have_the_loss_at_them() -> None:
    words = plain(section(page(), "contributions"))
    assert "Loss at 10 %, 1×" in words
    assert "Such falls can be small" in words
    assert "at 5 % and liquidity 1×, all venues together lose $32.1m beyond margin" in words
    far = [replace(own, reverse=(replace(own.reverse[1], shock=0.1),)) for own in example().venues]
    document = replace(sample(), stress=(replace(example(), venues=tuple(far)),))
    assert "Such falls" not in pages(document)["stress.html"]


def test_what_follows_from_assumed_leverage_is_stated_with_overlaps() -> None:
    words = "overlaps near 100 % and ratios near 1 follow from this assumption"
    assert words in plain(page())
    known = tuple(replace(own, leverage_mark="measured") for own in example().venues)
    document = replace(sample(), stress=(replace(example(), venues=known),))
    assert words not in plain(pages(document)["stress.html"])


def test_other_volumes_of_underlyings_are_stated_with_the_table_of_all() -> None:
    venues = tuple(f"venue-{number}" for number in range(3))
    market = replace(example().market, volume_venues=venues)
    other = replace(example(), underlying="ETH", market=market)
    document = replace(sample(), stress=(example(), other))
    words = plain(section(pages(document)["stress.html"], "underlyings"))
    assert (
        "Volume is not on equal terms: that of BTC is of 1 venue (venue-a) and that of ETH" in words
    )
    assert "not on equal terms" not in plain(page())


def test_other_rules_have_readable_names_and_where_to_have_further_ones() -> None:
    document = sample()
    own = replace(document.rule_sets[0], title="A cap (XYZ)", scope="Here: retail clients")
    row = replace(example(), effects=example().effects[:3])
    part = replace(row.effects[0], what_if="reference=im", rule_set=own.id)
    row = replace(row, effects=(replace(row.effects[0], rule_set=own.id), part))
    document = replace(document, rule_sets=(own, *document.rule_sets[1:]), stress=(row,))
    content = pages(document)["stress.html"]
    assert cells(content, "Signs of changes on BTC", "Here (XYZ)")[1] == "less (−$456m)"
    assert cells(content, "Signs of changes on BTC", "Here (XYZ), IM alone")
    assert "harmonize stress BTC --what-if leverage=10 --scenario 2020-03-12" in content


def test_what_decides_and_how_far_it_is_validated_are_stated() -> None:
    found = statements(example())
    assert "leverage, median (halved $45.6m, doubled $789m)" in found["What decides it"]
    assert "assumed on 45 % of the open interest" in found["What decides it"]
    assert "time to sell" not in found["What decides it"]
    assert "rank correlation of days 0.64" in found["How far validated"]
    assert "$116m to $147m (5–95 %): sampling only" in found["How far validated"]
    bare = replace(example(), validation=())
    assert statements(bare)["How far validated"].startswith("Unvalidated")
    assert statements(bare)["Liquidated"].endswith(" No recorded liquidation validates it.")


def test_every_measured_input_has_its_date_and_mark() -> None:
    words = dates_line(example()).replace(NBSP, " ")
    assert words == (
        "margins 1–19 Nov 2025; open interest 19 Nov 2025 (measured); volatility to 19 Nov 2025"
        " (measured); volume to 3 Nov 2025 (measured); leverage Venue A, May 2025 (measured at venue-a, assumed elsewhere)"
    )
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page(), re.DOTALL)
    assert len(captions) == 2
    for caption in captions:
        assert words.partition(";")[2] in plain(caption)


STALE = "measured (stale)"


def aged(as_of: str) -> StressRow:
    """The example with volatility to 19 November, volume to 3 November, and open interest that is stale."""
    row = example()
    market = replace(row.market, as_of=as_of, is_stale=True)
    defaults = [
        replace(own, mark=STALE) if own.name == "open interest" else own for own in row.defaults
    ]
    return replace(row, market=market, defaults=tuple(defaults))


@pytest.mark.parametrize(
    ("as_of", "volatility", "volume"),
    [
        ("2025-12-03T00:00:00Z", "measured", "measured"),
        ("2025-12-10T00:00:00Z", "measured", "measured, stale"),
        ("2025-12-31T00:00:00Z", "measured, stale", "measured, stale"),
        ("", "measured, stale", "measured, stale"),
    ],
)
def test_every_input_has_its_own_date_and_its_own_age(
    as_of: str, volatility: str, volume: str
) -> None:
    words = dates_line(aged(as_of)).replace(NBSP, " ")
    assert "; open interest 19 Nov 2025 (measured, stale); " in words
    assert f"; volatility to 19 Nov 2025 ({volatility}); volume to 3 Nov 2025 ({volume}); " in words


def test_every_page_has_the_mark_of_stale_inputs() -> None:
    document = replace(sample(), stress=(aged("2025-12-31T00:00:00Z"),))
    found = {path: own.decode() for path, own in report_files(document) if path.endswith(".html")}
    for path in ("stress.html", "underlyings/btc.html", "venues/venue-a.html", "index.html"):
        shown = plain(found[path])
        assert re.search(r"open interest (of )?19.Nov.2025 \(measured, stale\)", shown), path
    drawn = dict(report_files(document))["stress-btc-density.svg"]
    assert "0 % = $80k: venue-a perp 1d, 19 Nov 2025 (measured, stale)" in plain(drawn.decode())


def test_an_input_that_is_not_observed_has_no_date() -> None:
    market = replace(example().market, daily_volume=None)
    assert "volume" not in dates_line(replace(example(), market=market))


def test_given_positions_have_no_range_of_leverage_and_no_sampling() -> None:
    found = statements(replace(example(), is_synthetic=False))
    assert "median leverage" not in found["Liquidated"]
    assert "How far validated" not in found
    assert "The positions were given." in found["What decides it"]


def test_venues_with_open_interest_but_no_margins_are_counted_apart() -> None:
    assert book_text(example()).replace(NBSP, " ") == (
        "3 venues with open interest and margins; without margins: venue-y"
    )


def test_an_amount_of_the_document_changes_the_result() -> None:
    points = tuple(replace(own, liquidated=7.77e8) for own in example().points)
    assert "$777m" in statements(replace(example(), points=points))["Liquidated"]


def test_contributions_and_reverse_stress_are_those_of_the_rows() -> None:
    row = cells(page(), "Contributions to BTC", "venue-b")
    assert row == [
        *("venue-b", "$500m", "$50m", "$55.6m", "$45.5m", "0.988", "94.3 %", "assumed"),
        *("19 Nov 2025", "19 Nov 2025"),
    ]
    reverse = cells(page(), "Reverse stress of BTC", "venue-a")
    assert reverse == ["venue-a", "$1.5m", "$0", "–", "6.54 %", "3.21 %"]


def test_figures_of_venues_have_their_intervals_or_none() -> None:
    first, *others = example().venues
    limits = (
        replace(first.reverse[0], shock=0.05, low=0.04, high=0.06),
        replace(first.reverse[1], shock=0.05, low=0.04),
        replace(first.reverse[2], shock=None, reason="too little"),
    )
    sampled = replace(first, shapley_ratio_low=0.8, shapley_ratio_high=1.2, reverse=limits)
    row = replace(example(), venues=(sampled, *others))
    content = pages(replace(stressed_sample(), stress=(row,)))["stress.html"]
    assert "0.988 (0.8 – 1.2)" in cells(content, "Contributions to BTC", "venue-a")
    reverse = cells(content, "Reverse stress of BTC", "venue-a")
    assert reverse[3:] == ["5 % (4 % – 6 %)", "5 % (4 % – )", NOT_OBSERVABLE.sign]
    assert "n/o: fewer than one sampled position of the venue is so leveraged" in plain(content)
    assert "fewer than one sampled position" not in plain(page())
    assert "5–95 % interval over 40 samples of positions" in plain(content)


def test_a_counterfactual_has_its_sign_or_what_it_depends_on() -> None:
    table = section(page(), "counterfactuals")
    assert "depends on sample and behaviour" in table
    first = example().effects[0].rule_set
    row = cells(page(), "Counterfactuals on BTC", title(first))
    assert row[1:] == ["liquidated", "−$456m", "−$456m", "−$456m", "−$684m to −$228m"]
    signs = cells(page(), "Signs of changes on BTC", title(first))
    assert signs[1:] == [
        *("less (−$456m)", "less (−1.23)"),
        "depends on sample and behaviour (−$456m)",
    ]
    assert cells(page(), "Reactions on BTC", title(first))[1:] == ["$11.1m", "$222m", "$0"]


def test_a_rounding_error_is_no_change() -> None:
    """The floating difference of two equal moves has no digits to print."""
    move = next(own for own in example().effects if own.metric == "move")
    cells_ = tuple(
        replace(own, change=-5.55e-17, low=-0.00812, high=5.55e-17) for own in move.cells
    )
    row = replace(example(), effects=(replace(move, cells=cells_),))
    shown = cells_of_counterfactual(replace(sample(), stress=(row,)))
    assert shown[2:] == ["0 points"] * 3 + ["−0.812 points to 0 points"]
    assert [fall_text(own).replace(NBSP, " ") for own in (5.55e-17, 3e-8, 0.00002, 0.31592)] == [
        "0 %",
        "<0.001 %",
        "0.002 %",
        "31.6 %",
    ]
    assert [signed_usd(own) for own in (1e-9, -1e-9, 2e8)] == ["$0", "$0", "+$200m"]


def test_sensitivity_keeps_the_rank_and_the_mark() -> None:
    row = cells(page(), "Sensitivity of BTC", "leverage, median")
    assert row == ["leverage, median", "1", "assumed", "$45.6m", "$136m", "$789m", "$743m"]
    assert cells(page(), "Sensitivity of BTC", "time to sell")[-1] == "$0"
    assert "its least and largest multiplier (1× and 10×) instead" in plain(page())


def test_every_assumption_has_its_mark_and_what_is_not_observable_its_reason() -> None:
    for own in example().defaults:
        assert cells(page(), "Assumptions on BTC", own.name)[2] == own.mark
    absent = section(page(), "absent")
    assert cells(page(), "Not observable on BTC", "open interest is not observed")[1] == "2"
    assert "Amplification is not identified." in plain(absent)


def test_the_overview_has_the_range_of_leverage_and_the_ratio_of_the_validation() -> None:
    row = cells(page(), "Underlyings", "BTC")
    assert row[3:5] == ["$45.6m – $789m", "0.26"]
    assert cells(page(), "Underlyings", "ETH")[4] == "unvalidated"


def test_an_interval_is_labelled_as_sampling_only() -> None:
    heads = re.findall(r"<th[^>]*>([^<]*5–95[^<]*)</th>", page())
    assert heads
    assert all(own.startswith("Sampling only") for own in heads)


def test_validation_is_in_words_and_numbers_and_the_rest_is_unvalidated() -> None:
    words = plain(section(page(), "validation"))
    assert "are attributed to venue-a (the source names no venue); every other" in words
    assert "0.26 (BTC)" in words
    assert "(10, 25, 50 and 100×)" in words
    assert "Unvalidated, without recorded liquidations: ETH." in words
    row = cells(page(), "Validation", "BTC")
    assert row == ["BTC", "venue-a", "49", "$1bn", "$260m", "0.26", "0.64", "44.3", ""]


def test_a_validation_that_is_unknown_states_its_reason() -> None:
    (known,) = example().validation
    unknown = replace(known, ratio=None, overstatement=None, reason="no margins of venue-a")
    document = replace(sample(), stress=(replace(example(), validation=(unknown,)),))
    words = plain(section(pages(document)["stress.html"], "validation"))
    assert "no margins of venue-a" in words
    assert "Nothing was compared" in words


def test_without_volume_there_is_no_curve_and_no_zero_for_what_is_unknown() -> None:
    content = pages(stressed_sample())["stress/eth.html"]
    assert "There is no curve of ETH: no candles of" in plain(content)
    assert cells(content, "Contributions to ETH", "venue-a")[2:6] == [NOT_OBSERVABLE.sign] * 4
    assert "Total fall of ETH" not in content
    assert "Liquidations of ETH by price" in content


def test_the_curve_has_a_band_of_liquidities_now_and_harmonized() -> None:
    svg = files()["stress-btc-curve.svg"].decode()
    assert svg.count('<path class="area b0 paler"') == svg.count('<path class="area b1 paler"') == 1
    assert "rules in force, liquidity multipliers 1× to 10×" in svg
    rows = list(csv.reader(io.StringIO(files()["stress-btc-curve.csv"].decode())))
    assert len(rows) == 1 + len(example().points)


def test_the_band_reaches_from_the_least_to_the_largest_move() -> None:
    even = replace(example(), cliffs=(), changed_cliffs=())
    svg = dict(report_files(replace(sample(), stress=(even,))))["stress-btc-curve.svg"].decode()
    found = re.search(r'<path class="area b0 paler" d="M([^"]*)Z"', svg)
    assert found is not None
    places = [tuple(map(float, own.split())) for own in found[1].split("L")]
    count = len(places) // 2
    upper, lower = places[:count], places[count:][::-1]
    assert [x for x, _ in upper] == [x for x, _ in lower]
    logs = [math.log(largest / least) for largest, least in BAND_ENDS]
    heights = [low - high for (_, high), (_, low) in zip(upper, lower, strict=True)]
    scale = (lower[0][1] - lower[1][1]) / math.log(BAND_ENDS[1][1] / BAND_ENDS[0][1])
    assert heights == pytest.approx([scale * own for own in logs], abs=0.3)


def test_a_cliff_stands_at_the_price_from_which_it_begins() -> None:
    bins = {"a": [DensityBin(0.0, 0.1, 2e6)]}
    places = []
    for fall in (0.0, 0.025, 0.1):
        svg = density_bars(Frame("k", "t", ""), bins, [CliffMark(fall, "cliff")], {})
        pole = re.search(r'stroke-dasharray="4 2" d="M([\d.]+)', svg)
        assert pole is not None
        places.append(float(pole[1]))
    first, quarter, last = places
    assert quarter == pytest.approx(first + 0.25 * (last - first), abs=0.1)


def test_harmonized_rules_are_the_baseline_or_else_the_first() -> None:
    keys = [("reference", "a"), ("reference", HARMONIZED)]
    assert harmonized_key(keys) == keys[1]
    assert harmonized_key([("reference=im", HARMONIZED), *keys]) == keys[1]
    assert harmonized_key([("reference=im", HARMONIZED)]) == ("reference=im", HARMONIZED)
    assert harmonized_key(keys[:1]) == keys[0]
    assert harmonized_key([]) is None
    assert rules_name("reference=im", "mas") == "mas (IM)"
    assert rules_name("leverage=10", "") == "leverage=10"


def test_the_map_marks_a_cliff_and_names_every_venue() -> None:
    svg = files()["stress-btc-density.svg"].decode()
    assert "cliff at a shock of" in svg
    assert "venue-b" in svg
    assert "<script>" not in svg


def test_bars_stand_on_one_another_and_no_bin_is_no_chart() -> None:
    bins = {"a": [DensityBin(0.0, 0.1, 2e6)], "b": [DensityBin(0.0, 0.1, 1e6)]}
    svg = density_bars(Frame("k", "t", ""), bins, [CliffMark(0.05, "cliff")], {})
    (lower, upper) = [
        [float(own) for own in re.findall(r"-?[\d.]+", data)]
        for data in re.findall(r'class="area[^"]*" d="([^"]*)"', svg)
    ]
    assert upper[1] + upper[3] == pytest.approx(lower[1], abs=0.11)
    assert lower[3] == pytest.approx(2 * upper[3], abs=0.2)
    assert "path" not in density_bars(Frame("k", "t", ""), {}, [], {})


def test_paths_and_given_positions_are_stated() -> None:
    given = replace(example(), paths=(replayed(),), is_synthetic=False)
    content = pages(replace(sample(), stress=(given,)))["stress.html"]
    row = cells(content, "Paths of BTC", "2025-10-10")
    assert row[1:4] == ["no impact", "14.7 %", "14.7 %"]
    assert "for information" not in content
    assert "The positions were given." in plain(content)


def test_volume_and_volatility_of_a_path_are_stated_as_not_used() -> None:
    path = replace(replayed(), volume=27.42, implied_volatility=0.5884)
    content = pages(replace(sample(), stress=(replace(example(), paths=(path,)),)))["stress.html"]
    assert (
        "for information, as no figure uses them: volume 27.4 times that of the 30 days before and"
        " implied volatility 58.8 % per year"
    ) in plain(content)


def test_venues_of_a_map_differ_in_colour_and_small_ones_are_one() -> None:
    bins = {name: [DensityBin(0.0, 0.1, 1e6)] for name in "abcdefgh"}
    bins |= {"x": [DensityBin(0.0, 0.1, 1e3)], "y": [DensityBin(0.0, 0.1, 1e3)]}
    svg = density_bars(Frame("k", "t", ""), bins, [], dict.fromkeys(bins, 3))
    classes = re.findall(r'<path class="area ([^"]*)"', svg)
    assert classes[0] == "b3"
    assert len(set(classes)) == len(classes) == 8
    assert "pale" not in svg
    assert "3 small venues" in svg
    assert "<title>h, x, y, $1m</title>" in svg
    few = {name: bins[name] for name in "abxy"}
    drawn = density_bars(Frame("k", "t", ""), few, [], {})
    assert re.findall(r'<path class="area ([^"]*)"', drawn) == ["b0", "b1", "small"]
    assert "2 small venues" in drawn


def test_a_map_has_prices_in_usd_if_the_first_one_is_known() -> None:
    bins = {"a": [DensityBin(0.0, 0.5, 2e6)]}
    svg = density_bars(Frame("k", "t", ""), bins, [], {}, FirstMark(80_000.0, "0 % = $80k"))
    assert ">$80k<" in svg
    assert ">$40k<" in svg
    assert "$80k" not in density_bars(Frame("k", "t", ""), bins, [], {})
    assert "0 % = $80k: venue-a perp 1d, 19 Nov 2025 (measured)" in plain(
        files()["stress-btc-density.svg"].decode()
    )


def test_the_line_of_a_map_adds_the_bins_up() -> None:
    bins = {"a": [DensityBin(0.0, 0.1, 2e6), DensityBin(0.1, 0.2, 3e6)]}
    svg = density_bars(Frame("k", "t", ""), bins, [], {})
    found = re.search(r'<path class="axis line" d="M([^"]*)"', svg)
    assert found is not None
    heights = [float(own.split()[1]) for own in found[1].split("L")]
    assert heights[0] - heights[1] == pytest.approx(2 / 5 * (heights[0] - heights[2]), abs=0.2)


def test_the_table_of_a_map_has_wide_bins_and_its_file_every_bin() -> None:
    region = re.search(r'aria-label="Stress: Liquidations of BTC.*?</table>', page(), re.DOTALL)
    assert region is not None
    assert region[0].count("<tr>") == 1 + 10
    assert cells_text(region[0], "45 %")[-1] == "$1.18bn"
    rows = list(csv.DictReader(io.StringIO(files()["stress-btc-density.csv"].decode())))
    assert len(rows) == len(example().density)
    assert sum(float(own["notional_usd"]) for own in rows) == pytest.approx(
        sum(own.notional for own in example().density)
    )
    assert float(rows[0]["price_from_usd"]) == pytest.approx(80_000 * (1 - 0.005))


def cells_text(region: str, name: str) -> list[str]:
    for row in re.findall(r"<tr>(.*?)</tr>", region, re.DOTALL):
        found = [plain(own) for own in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        if found[0].strip() == name:
            return found
    pytest.fail(f"no row {name}")


def test_margins_in_force_stand_beside_those_of_the_rules() -> None:
    document = recorded.stressed()
    size = document.heat_map_notional
    compared = {
        (own.venue, own.symbol, own.profile, own.margin_type): point
        for own in document.divergences
        if own.rule_set == HARMONIZED and own.symbol.startswith("BTC/")
        for point in own.points
        if point.notional == size and point.margin is not None
    }
    *key, _ = next(own for own in compared if own[3] == "maintenance")
    known = replace(example().venues[0], venue=key[0], symbol=key[1], profile=key[2])
    unknown = replace(known, venue="nowhere")
    effects = tuple(replace(own, rule_set=HARMONIZED) for own in example().effects[:3])
    row = replace(example(), venues=(known, unknown), effects=effects)
    context = ReportContext(document)
    (shown,) = threshold_table(context, row, "").rows
    points = [compared[key[0], key[1], key[2], name] for name in ("initial", "maintenance")]
    assert [float(cell.key) for cell in shown.cells[1:5]] == pytest.approx(
        [value / size for own in points for value in (own.margin or 0.0, own.required or 0.0)]
    )
    rates = [fall_text((own.required or 0.0) / size) for own in points]
    sentence = threshold_sentence(context, row)
    assert f"would need {rates[0]} initial margin (" in sentence
    assert f"in force) and {rates[1]} maintenance margin (" in sentence
    assert not threshold_sentence(context, replace(row, venues=(unknown,)))


def test_pages_of_venues_and_underlyings_state_what_a_fall_liquidates() -> None:
    found = files()
    venue = plain(section(found["venues/venue-a.html"].decode(), "stress"))
    assert "$100m of BTC (10 % of $1bn)" in venue
    assert "would liquidate here, in longs (modelled at liquidity 1×): " in venue
    assert (
        "On days recorded at venue-a the model states 0.26 times (BTC) what was liquidated. It"
        in venue
    )
    assert "open interest of 19 Nov 2025 (measured); leverage (measured)" in venue
    underlying = plain(section(found["underlyings/btc.html"].decode(), "stress"))
    assert (
        "would liquidate $130m of longs (modelled, $185m at liquidity 10×) at 3 venues, 11 %"
    ) in underlying
    assert "leverage measured at venue-a, assumed elsewhere." in underlying
    assert "volatility" not in underlying
    assert (
        "; $45.6m to $789m if one assumption on leverage is halved or doubled. Margins 1–19"
        in underlying
    )
    assert not section(found["underlyings/eth.html"].decode(), "stress")


def test_the_first_page_leads_to_the_result_if_a_stress_was_requested() -> None:
    content = files()["index.html"].decode()
    message = re.search(r'<li id="message-stress">.*?</li>', content, re.DOTALL)
    assert message is not None
    assert (
        "A sudden 10 % fall of BTC would liquidate $130m to $185m of longs (modelled); if one assumption"
        " on leverage is halved or doubled, $46m to $789m."
    ) in plain(message[0])
    assert (
        "Margins 1–19 Nov 2025; open interest 19 Nov 2025 (measured); on 49 recorded days"
        in plain(message[0])
    )
    assert 'href="stress.html#result"' in message[0]
    without = dict(report_files(sample()))["index.html"].decode()
    assert "message-stress" not in without


def test_the_page_of_a_further_underlying_links_to_every_page() -> None:
    entries = [
        re.findall(
            r'<li><a href="(?:\.\./)?([^"]*)"', files()[name].decode().partition("</nav>")[0]
        )
        for name in ("stress.html", "stress/eth.html", "underlyings/eth.html")
    ]
    assert entries[0] == entries[1]
    assert len(entries[2]) < len(entries[0])


def test_names_of_venues_are_inert_and_formulas_too() -> None:
    assert all(SCRIPT not in content for content in pages(stressed_sample()).values())
    rows = list(csv.reader(io.StringIO(files()["stress-assumptions.csv"].decode())))
    assert rows[0][0] == "underlying"
    assert any(row[-1] == f"'{FORMULA}" for row in rows)


def test_a_csv_has_every_underlying_and_numbers_unrounded() -> None:
    rows = list(csv.DictReader(io.StringIO(files()["stress-venues.csv"].decode())))
    assert {row["underlying"] for row in rows} == {"BTC", "ETH"}
    amounts = {row["venue"]: row["leave_one_out_usd"] for row in rows if row["underlying"] == "BTC"}
    assert float(amounts["venue-b"]) == pytest.approx(5e8 / 9, rel=1e-8)


def test_the_curve_and_the_cells_of_effects_are_in_files_unrounded() -> None:
    curve = list(csv.DictReader(io.StringIO(files()["stress.csv"].decode())))
    assert len(curve) == len(example().points) + len(example().changed)
    today = [row for row in curve if not row["what_if"]]
    points = example().points
    assert [float(row["move"]) for row in today] == pytest.approx([own.move for own in points])
    effects = list(csv.DictReader(io.StringIO(files()["stress-effects.csv"].decode())))
    cells_of = [cell for own in example().effects for cell in own.cells]
    assert [float(row["change"]) for row in effects] == [cell.change for cell in cells_of]
    assert {row["depends_on"] for row in effects} == {"", "sample, behaviour"}


def test_a_rounding_error_is_zero_in_files() -> None:
    effect = replace(
        example().effects[0],
        cells=tuple(
            replace(own, before=9e8, change=3.6e-7, low=-2.0, high=1e6)
            for own in example().effects[0].cells[:1]
        ),
    )
    reaction = replace(example().reactions[0], top_up=2.5e-26, closed=12.5)
    row = replace(example(), effects=(effect,), reactions=(reaction,))
    found = dict(site_files(replace(sample(), stress=(row,))))
    (cell,) = csv.DictReader(io.StringIO(found["stress-effects.csv"].decode()))
    assert (cell["change"], cell["low"], cell["high"]) == ("0", "0", "1000000")
    (added,) = csv.DictReader(io.StringIO(found["stress-reactions.csv"].decode()))
    assert (added["margin_added_usd"], added["notional_closed_usd"]) == ("0", "12.5")


def test_files_have_intervals_and_reasons_beside_raw_numbers() -> None:
    first, *others = example().venues
    limits = (
        replace(first.reverse[0], shock=0.05, low=0.04, high=0.06),
        replace(first.reverse[1], shock=None),
        replace(first.reverse[2], shock=None, reason="too little"),
    )
    sampled = replace(first, shapley_ratio_low=0.8, reverse=limits, shapley=None, reason="few")
    row = replace(example(), venues=(sampled, *others))
    found = dict(site_files(replace(sample(), stress=(row, without_curve("ETH")))))
    lines = list(csv.DictReader(io.StringIO(found["stress-reverse.csv"].decode())))
    shown = [tuple(line.values())[3:] for line in lines[:3]]
    assert shown == [
        ("0.05", "0.04", "0.06", "exceeded", ""),
        ("", "", "", "at no fall below 100 %", ""),
        ("", "", "", "not observable", "too little"),
    ]
    assert lines[-1]["underlying"] == "ETH"
    assert lines[-1]["not_observable_because"].startswith("no candles of")
    (venue, *_) = csv.DictReader(io.StringIO(found["stress-venues.csv"].decode()))
    assert (venue["shapley_usd"], venue["share_ratio_5_percent"]) == ("", "0.8")
    assert venue["not_observable_because"] == "few"
    curve = list(csv.DictReader(io.StringIO(found["stress-btc-curve.csv"].decode())))
    assert [float(line["loss_usd"]) for line in curve] == [
        own.loss for own in sorted(row.points, key=lambda own: (own.shock, own.liquidity))
    ]


def test_equal_documents_give_equal_pages() -> None:
    row = stress("BTC", ("venue-a",), ())
    first, second = (pages(replace(sample(), stress=(row, without_curve("X")))) for _ in range(2))
    assert first == second


def test_the_caption_of_the_curve_says_after_which_shocks_other_rules_differ() -> None:
    key = harmonized_key([(own.what_if, own.rule_set) for own in example().changed])
    today = {(own.shock, own.liquidity): own.move for own in example().points}
    shocks = sorted({own.shock for own in example().changed} & {shock for shock, _ in today})
    changed = tuple(
        replace(
            own,
            move=today[own.shock, own.liquidity] + (-0.002 if own.shock == shocks[0] else 0.002),
        )
        for own in example().changed
        if (own.what_if, own.rule_set) == key and own.shock in shocks
    )
    assert key is not None
    less, *more = [numbers.axis_rate(shock).replace(NBSP, " ") for shock in shocks]
    shown = plain(
        pages(replace(sample(), stress=(replace(example(), changed=changed),)))["stress.html"]
    )
    words = f"by the lines, the price falls less after {less} and further after {more[0]}"
    assert words in shown
    equal = tuple(replace(own, move=today[own.shock, own.liquidity] + 0.0009) for own in changed)
    shown = plain(
        pages(replace(sample(), stress=(replace(example(), changed=equal),)))["stress.html"]
    )
    assert "by the lines" not in shown

"""Page of thresholds: its numbers are those of the document, and what fails or is absent says so."""

import csv
import html
import io
import re
from dataclasses import replace
from functools import cache

from harmonize.document import AuditDocument, ThresholdSection
from reports.site.folder import site_files
from reports.site.thresholds_episodes import MOST_EPISODES, shown_episodes
from tests.support.sample_documents import SCRIPT, sample
from tests.support.sample_thresholds import (
    FAST,
    NORMAL,
    SLOW,
    large_section,
    row,
    threshold_section,
    with_thresholds,
)

NBSP = "\N{NO-BREAK SPACE}"
PATH = "thresholds.html"
MOST_BYTES = 300_000


@cache
def files() -> dict[str, bytes]:
    return dict(site_files(with_thresholds()))


def page(document: AuditDocument | None = None) -> str:
    content = dict(site_files(document)) if document else files()
    return content[PATH].decode()


def plain(markup: str) -> str:
    words = html.unescape(re.sub(r"<[^>]+>", " ", markup)).replace(NBSP, " ")
    return " ".join(words.split())


def part(anchor: str, document: AuditDocument | None = None) -> str:
    found = re.search(rf'<section id="{anchor}">.*?</section>', page(document), re.DOTALL)
    assert found, anchor
    return found[0]


def rows_of(name: str, document: AuditDocument | None = None) -> list[dict[str, str]]:
    content = dict(site_files(document)) if document else files()
    return list(csv.DictReader(io.StringIO(content[name].decode())))


def test_a_document_without_thresholds_says_how_to_request_them() -> None:
    shown = plain(page(sample()))
    assert "No threshold was tested" in shown
    assert "--thresholds of harmonize report" in shown
    assert "thresholds.csv" not in dict(site_files(sample()))


def test_what_was_requested_without_a_result_has_its_reason() -> None:
    section = ThresholdSection(without=threshold_section().without)
    shown = plain(part("absent", replace(sample(), thresholds=section)))
    assert "NEW 12 returns, 365 are required" in shown


def test_the_first_sentence_counts_the_statements_and_the_models() -> None:
    shown = plain(page())
    assert (
        "By daily 99 % thresholds, the median initial margin (IM) of venues should rise on 2 of 2 underlyings."
        " 2 of the 2 statements on venues are of high certainty. A threshold is the margin that covers the"
        " daily loss of a long and of a short on 99 % of days each, known on the day before: these statements"
        " hold if a position may take one day to close."
    ) in shown
    words = "At 99 %, 1 of 2 models may replace the benchmark model (the gate); none at 99.5 %."
    assert words in plain(page(replace(sample(), thresholds=with_levels())))


def with_levels() -> ThresholdSection:
    """The section with the level of every row of the gate."""
    section = threshold_section()
    return replace(
        section, gate=tuple(replace(row, level=row.level or 0.99) for row in section.gate)
    )


def with_reference(*moves: str) -> ThresholdSection:
    """Returns rows named A, B … whose venues should rise, with a statement on the reference each."""
    first = threshold_section().rows[0]
    own = first.advice[0]
    rows = tuple(
        replace(
            first,
            underlying=name,
            age_days=31,
            advice=tuple(
                replace(each, certainty="low")
                for each in (own, replace(own, subject="IM of harmonized-baseline", move=move))
            ),
        )
        for name, move in zip("ABCDEF", moves, strict=False)
    )
    return replace(threshold_section(), rows=rows)


def test_the_lead_counts_the_statements_on_the_reference_and_names_few() -> None:
    moves = ("could fall", "need not move", "need not move", "disputed", "need not move")
    section = with_reference(*moves, "need not move")
    shown = plain(page(replace(sample(), thresholds=section)))
    assert (
        "of venues should rise on 6 of 6 underlyings. The IM of harmonized-baseline need not move on 4,"
        " could fall on 1 (A) and should rise on none; on 1 it is disputed. The certainty of all of them is"
        " low: every last price is more than 30 days old."
    ) in shown
    told = plain(page(replace(sample(), thresholds=with_reference("cannot be told"))))
    assert "should rise on none; on 1 it cannot be told." in told
    assert "IM of harmonized-baseline need" not in plain(page())


def test_the_first_sentence_counts_statements_without_a_direction_apart() -> None:
    section = threshold_section()
    first, second = section.rows
    moved = replace(first, advice=(replace(first.advice[0], move="could fall"),))
    for move, words in (
        ("disputed", "On 1 it is disputed."),
        ("cannot be told", "On 1 it cannot be told."),
        ("cannot be judged", "On 1 it cannot be judged."),
    ):
        open_ = replace(second, advice=(replace(second.advice[0], move=move),))
        shown = plain(page(replace(sample(), thresholds=replace(section, rows=(moved, open_)))))
        assert f"of venues could fall on 1 of 2 underlyings. {words}" in shown
        neither = replace(section, rows=(open_,))
        shown = plain(page(replace(sample(), thresholds=neither)))
        assert f"no median margin of venues has a verdict on 1 underlying. {words}" in shown


def test_the_first_sentence_says_that_old_prices_leave_no_high_certainty() -> None:
    section = threshold_section()
    first, *others = section.rows
    old = replace(section, rows=(replace(first, age_days=31), *others))
    assert "; 1 underlying with a last price more than 30 days old has none." in plain(
        page(replace(sample(), thresholds=old))
    )
    every = replace(section, rows=(replace(first, age_days=31),))
    assert (
        "The certainty of all of them is high: every last price is more than 30 days old."
        in plain(page(replace(sample(), thresholds=every)))
    )


def test_a_row_states_threshold_reference_venues_and_what_should_move() -> None:
    shown = plain(part("moves"))
    assert "7.2 % 6.1 % to 8.2 % 20 Nov 2025; 7.1 % without size" in shown
    assert "should rise models: 2 rise" in shown
    assert "The certainty of every statement is high BTC" not in shown
    assert "The certainty of every statement is high" in shown
    assert (
        "BTC: venues should rise (5.0 %); threshold 7.2 %, 6.1 % to 8.2 %; certainty high." in shown
    )


def test_the_margins_of_venues_have_days_of_observation_and_a_link() -> None:
    own = part("moves")
    assert "5.0 % 1.0 % to 20.0 %, 3 venues, 1 unknown observed 12–20 Nov 2025" in plain(own)
    assert ">3 venues, 1 unknown</a>" in own.replace(NBSP, " ")
    rows = [row for row in rows_of("thresholds-venues.csv") if row["underlying"] == "BTC"]
    assert [row["venue"] for row in rows] == ["bybit", "htx", "kraken", "okx"]
    assert (rows[1]["initial"], rows[1]["reason"]) == ("", "IM is not observed")
    assert rows[3]["observed_at"] == "2025-11-18T00:00:00Z"
    assert [row["state"] for row in rows] == ["known", "unknown", "known", "known"]


def test_venues_that_cannot_be_compared_are_counted_with_their_reasons() -> None:
    section = threshold_section()
    own = section.rows[0]
    reasons = (
        "lower bounds",
        "documentation only",
        "lower bounds",
        "not trading",
        "one order book",
    )
    left_out = tuple(
        replace(own.venue_rates[1], venue=f"v{n}", reason=reason, is_excluded=True)
        for n, reason in enumerate(reasons)
    )
    rows = (replace(own, venue_rates=(*own.venue_rates, *left_out)), *section.rows[1:])
    document = replace(sample(), thresholds=replace(section, rows=rows))
    shown = plain(part("moves", document))
    assert "3 venues, 1 unknown, 5 left out" in shown
    assert (
        "on BTC 5 of 9: 2 (lower bounds), 1 (documentation only), 1 (not trading) and 1 for other reasons."
    ) in shown
    assert "left out" not in plain(part("moves"))
    kept = [r for r in rows_of("thresholds-venues.csv", document) if r["state"] == "left out"]
    assert [r["reason"] for r in kept] == list(reasons)


def test_venues_observed_no_later_than_a_day_are_counted() -> None:
    section = threshold_section()
    own = section.rows[0]
    undated = replace(own.venue_rates[0], observed_from="", date_kind="no later than")
    rows = (replace(own, venue_rates=(undated, *own.venue_rates[1:])), *section.rows[1:])
    shown = plain(part("moves", replace(sample(), thresholds=replace(section, rows=rows))))
    assert "observed 12–20 Nov 2025 1 of them on this day or earlier" in shown


def test_a_threshold_without_upper_end_or_statement_says_so() -> None:
    section = threshold_section()
    own = section.rows[0]
    unbounded = replace(own, advice=(replace(own.advice[0], upper=None),))
    without = replace(own, advice=(replace(own.advice[0], lower=None, upper=None),))
    for changed, words in (
        (unbounded, "6.1 % to unbounded 20 Nov 2025"),
        (without, "7.1 % 20 Nov 2025"),
    ):
        document = replace(sample(), thresholds=replace(section, rows=(changed,)))
        assert words in plain(part("moves", document))


def test_heads_of_columns_differ() -> None:
    (row,) = re.findall(r"<thead.*?</thead>", part("moves"), re.DOTALL)
    heads = [plain(head) for head in re.findall(r"<th\b.*?</th>", row, re.DOTALL)]
    assert len(heads) == 7
    assert len(set(heads)) == 7


def test_what_fails_coverage_is_hollow_and_the_default_is_large() -> None:
    circles = re.findall(r"<g role=\"img\".*?</g>", part("frontier"), re.DOTALL)
    hollow = [circle for circle in circles if 'fill="none"' in circle]
    assert len(circles) == 3
    assert len(hollow) == 1
    assert NORMAL in hollow[0]
    assert "breaches at least 1.4 %" in hollow[0]
    (large,) = [circle for circle in circles if 'r="7.2"' in circle]
    assert "tool: buffer of 25 %" in large
    assert "60 paths" not in plain(part("frontier"))
    assert "Hollow: fails coverage, 1 of 3 paths." in plain(part("frontier"))
    assert "Default, the large mark: " in plain(part("frontier"))


def test_without_a_default_the_page_shows_the_benchmark_and_says_so() -> None:
    section = replace(
        threshold_section(), has_default=False, default_model=FAST, default_reason="none is calm"
    )
    document = replace(sample(), thresholds=section)
    assert "No default: none is calm" in plain(part("frontier", document))
    assert "the benchmark, as there is no default" in plain(part("models", document))


def test_each_model_has_its_threshold_or_none() -> None:
    shown = plain(part("models"))
    assert "2025-11-20 7.1 % 6.5 % " in shown
    assert "n/o: no threshold, for the reason in the CSV file." in shown
    assert (
        f"Without a column, as no underlying has a threshold: {FAST} (the fit did not converge)"
    ) in shown
    assert "GARCH filtered" not in shown
    (unknown, *_) = [r for r in rows_of("thresholds-models.csv") if r["model"] == FAST]
    assert (unknown["margin"], unknown["reason"]) == ("", "the fit did not converge")


def test_the_report_card_names_who_passes_and_why_others_fail() -> None:
    shown = plain(part("gate"))
    assert f"The gate compares every model with the benchmark ({FAST})." in shown
    assert f"At 99 %, 1 of 2 models passes: {SLOW}. At 99.5 %, none of" in shown
    assert "the default asks which covering path is cheapest and calm" in shown
    assert "at 99 % over 1 underlying." in shown
    assert "at 99.5 % over 1 underlying." in shown
    assert "each side (at most 0 of 4 rejected)" in shown
    assert f"{SLOW} offered p 0.02" in shown
    assert f"{FAST} benchmark" in shown
    assert f"{FAST} is the benchmark (not met)" not in shown
    assert "observed on 3 of 4 (not met)" in shown
    assert f"{SCRIPT}: no path of quantile regression" in shown


def test_models_whose_names_have_commas_are_told_apart() -> None:
    section = threshold_section()
    other = "historical simulation, 1,095 days"
    rows = (*section.gate, replace(section.gate[0], model=other))
    level = [replace(row, level=0.99, is_offered=not row.is_benchmark) for row in rows]
    passing = replace(section, gate=tuple(row for row in level if row.model != NORMAL))
    shown = plain(part("gate", replace(sample(), thresholds=passing)))
    assert re.search(rf"At 99 %, \d of \d models pass: {SLOW}; .*{other}\.", shown)


def test_signals_have_a_record_evidence_and_a_proposal() -> None:
    shown = plain(part("signals"))
    assert (
        "Days on Runs, each underlying counted alone Separate runs Followed Any day p Foretold"
        in shown
    )
    assert (
        "100 of 2,000 12 10 25.0 % 5.0 % 0.013 15 % (3 of 20) 20.0 % confirms but does not" in shown
    )
    rows = list(csv.DictReader(io.StringIO(files()["thresholds-signals.csv"].decode())))
    figures = ("runs_per_underlying", "separate_runs", "confirming_p", "p_value")
    assert [rows[0][name] for name in figures] == ["12", "10", "0.013", "0.7"]
    assert [rows[-1][name] for name in figures[:3]] == ["", "", ""]
    assert "n/o of" not in shown
    assert "no asset" in shown
    assert "1.25 × 7.0 % by the formula of harmonized-baseline, recalculated daily 9.0 %" in shown
    assert "Need: the fast margin" in shown
    assert "A proposal is for the formula margin: the fast margin of the day (MH511)" in shown
    quiet = replace(
        threshold_section(),
        signals=tuple(replace(s, evidence=()) for s in threshold_section().signals),
    )
    assert "No signal is on." in plain(part("signals", replace(sample(), thresholds=quiet)))


def test_a_rise_of_a_venue_is_between_two_observations() -> None:
    shown = plain(part("episodes"))
    assert "between 20 Oct 2022 and 18 Dec 2022, to 1.0 %" in shown
    assert "Not observed: binance was first" in shown
    assert shown.count("binance was first observed") == 1
    assert "binance was first observed 2022-02-12, after the episode began" in shown
    assert "6.0 % to 12.0 %, from 10 Nov 2022" in shown
    assert "model on 2022-11-10; binance later" in shown


def test_of_each_episode_the_largest_falls_are_shown_and_the_file_has_all() -> None:
    section = large_section()
    deep = replace(section.episodes[-1], worst_return=-0.9)
    section = replace(section, episodes=(*section.episodes[:-1], deep))
    shown = shown_episodes(section)
    assert len(shown) == 6 * MOST_EPISODES
    assert deep in shown
    document = replace(sample(), thresholds=section)
    assert len(rows_of("thresholds-episodes.csv", document)) == sum(
        len(episode.models) for episode in section.episodes
    )


def test_numbers_of_the_file_are_those_of_the_document() -> None:
    (first, *_) = rows_of("thresholds.csv")
    expected = row("BTC", "2025-11-20")
    assert (first["threshold"], first["reference"]) == (
        str(expected.threshold),
        str(expected.reference),
    )
    assert (first["lowest_venue"], first["sentence"]) == ("okx", expected.advice[0].sentence)
    whole = "BTC: venues should rise (5.0 %); threshold 7.2 %, 6.1 % to 8.2 %; certainty high."
    assert first["sentence_of_underlying"] == whole


def test_a_hostile_name_is_inert() -> None:
    assert "<script>alert" not in page()
    assert SCRIPT not in page()


def test_underlyings_lead_to_their_pages_and_links_to_files() -> None:
    names = files()
    for address in re.findall(r'href="([^"#:]+)"', page()):
        assert address in names or address.startswith("data"), address


def test_a_large_page_stays_within_its_budget() -> None:
    document = replace(sample(), thresholds=large_section())
    assert len(dict(site_files(document))[PATH]) <= MOST_BYTES


def test_a_model_in_place_of_another_is_named_where_its_figures_stand() -> None:
    words = "EWMA 0.94, filtered, in place of GARCH(1,1)-t, filtered"
    section = threshold_section()
    own = section.rows[0]
    values = (*own.values[:-1], replace(own.values[-1], margin=0.1271, fallback=words))
    first, second, *others = section.episodes
    models = (replace(second.models[0], fallback=words), *second.models[1:])
    section = replace(
        section,
        rows=(replace(own, values=values), *section.rows[1:]),
        episodes=(first, replace(second, models=models), *others),
    )
    document = replace(sample(), thresholds=section)
    models_part = plain(part("models", document))
    assert "12.71 %*" in models_part
    assert f"* {words}: BTC." in models_part
    assert "*" not in plain(part("models"))
    assert f"to 12.0 %, from 10 Nov 2022 {words}" in plain(part("episodes", document))
    rows = rows_of("thresholds-models.csv", document)
    assert [r["fallback"] for r in rows if r["margin"] == "0.1271"] == [words]
    named = [r for r in rows_of("thresholds-episodes.csv", document) if r["fallback"]]
    assert [(r["model"], r["fallback"]) for r in named] == [(FAST, words)]
    evidence = rows_of("thresholds-evidence.csv", document)
    assert {r["fallback"] for r in evidence} == {""}


def test_the_report_card_of_a_level_states_over_how_many_underlyings_it_is() -> None:
    section = threshold_section()
    gate = tuple(replace(row, underlyings=18 if row.level == 0.995 else 24) for row in section.gate)
    shown = plain(part("gate", replace(sample(), thresholds=replace(section, gate=gate))))
    assert "at 99 % over 24 underlyings." in shown
    assert "at 99.5 % over 18 underlyings." in shown


def test_statements_of_unequal_certainty_state_it_each() -> None:
    section = threshold_section()
    first, *others = section.rows
    low = replace(first, advice=(replace(first.advice[0], certainty="low"),))
    shown = plain(
        part("moves", replace(sample(), thresholds=replace(section, rows=(low, *others))))
    )
    assert "should rise models: 2 rise certainty low" in shown
    assert "should rise models: 2 rise certainty high" in shown
    assert "The certainty of every statement" not in shown


def test_an_open_statement_states_what_the_interval_says_beside_the_models() -> None:
    section = threshold_section()
    first = section.rows[0]
    for required, words in ((0.05, "rise"), (0.07, "stay"), (0.09, "fall")):
        own = replace(first.advice[0], move="disputed", required=required)
        rows = (replace(first, advice=(own,)),)
        shown = plain(part("moves", replace(sample(), thresholds=replace(section, rows=rows))))
        assert f"disputed interval: {words}; models: 2 rise" in shown


def test_the_file_of_the_frontier_has_numbers_unrounded() -> None:
    section = threshold_section()
    exact = replace(section.models[0], mean_margin=0.0612345, rise_30d=1.23456)
    document = replace(sample(), thresholds=replace(section, models=(exact, *section.models[1:])))
    rows = rows_of("thresholds-frontier.csv", document)
    assert (rows[0]["mean_margin_rate"], rows[0]["rise_30d_share"]) == ("0.0612345", "1.23456")
    assert [row["default"] for row in rows] == ["no", "no", "yes"]
    assert (rows[0]["covers_both_sides"], rows[0]["fails"]) == ("no", exact.fails)


def test_the_report_card_states_where_the_benchmark_has_no_fit() -> None:
    section = threshold_section()
    rows = tuple(
        replace(row("BTC", "2025-11-20"), underlying=name, tested_days=1_000, benchmark_replaced=n)
        for name, n in (("A", 750), ("B", 570), ("C", 0), ("D", 500), (SCRIPT, 1_000))
    )
    replaced = replace(section, rows=rows, benchmark_fallback="EWMA 0.94, filtered")
    shown = plain(part("gate", replace(sample(), thresholds=replaced)))
    assert (
        "On 46 % of tested days, and on 75 % of A's and 57 % of B's, the fit of the benchmark failed and"
        " EWMA 0.94, filtered, stands in its place."
    ) in shown
    assert "stands in its place" not in plain(part("gate"))


def test_a_model_with_too_little_data_is_not_testable_and_does_not_fail() -> None:
    section = with_levels()
    words = "not testable: 4.17 breaches expected on a side, 5 are required"
    gate = tuple(
        replace(
            own,
            conditions=(
                replace(own.conditions[0], is_met=True),
                *(replace(c, is_met=False, text=words) for c in own.conditions[1:]),
            ),
        )
        if own.level == 0.995 and own.model == SLOW
        else own
        for own in section.gate
    )
    document = replace(sample(), thresholds=replace(section, gate=gate))
    shown = plain(part("gate", document))
    assert f"{SLOW} not testable p 0.02" in shown
    assert f"At 99.5 %, none of 2 models passes. Not testable: {SLOW}." in shown
    assert f"{words} (not met)" not in shown
    states = [r["gate"] for r in rows_of("thresholds-gate.csv", document) if r["level"] == "0.995"]
    assert states == ["not testable"] * 3 + ["fails"] * 3


def test_a_venue_without_a_rise_has_its_next_observation() -> None:
    section = threshold_section()
    words = "only the model, 1 day after the worst day; binance observed 2022-10-20 and 2022-11-25"
    first, *others = section.episodes[1].models
    own = replace(
        section.episodes[1],
        rose_after="",
        rose_by="",
        venue_next_at="2022-11-25T00:00:00Z",
        models=(replace(first, first_mover=words), *others),
    )
    document = replace(sample(), thresholds=replace(section, episodes=(own,)))
    shown = plain(part("episodes", document))
    assert (
        "no rise seen, next observed 25 Nov 2022 only the model, 1 day after the worst day" in shown
    )
    assert "binance observed" not in shown
    rows = rows_of("thresholds-episodes.csv", document)
    assert {r["venue_next_at"] for r in rows} == {"2022-11-25T00:00:00Z"}
    assert rows[0]["first_mover"] == words

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
        " 2 of these 2 statements are of high certainty. A threshold is the margin that covers"
    ) in shown
    assert "1 of 2 models may replace the benchmark model (the gate)" in shown


def test_the_first_sentence_counts_statements_without_a_direction_apart() -> None:
    section = threshold_section()
    first, second = section.rows
    moved = replace(first, advice=(replace(first.advice[0], move="could fall"),))
    open_ = replace(second, advice=(replace(second.advice[0], move="cannot be told"),))
    shown = plain(page(replace(sample(), thresholds=replace(section, rows=(moved, open_)))))
    assert "of venues could fall on 1 of 2 underlyings. On 1 it cannot be told." in shown
    neither = replace(section, rows=(open_,))
    shown = plain(page(replace(sample(), thresholds=neither)))
    assert "no median margin of venues can be judged on 1 underlying." in shown


def test_the_first_sentence_says_that_old_prices_leave_no_high_certainty() -> None:
    section = threshold_section()
    first, *others = section.rows
    old = replace(section, rows=(replace(first, age_days=31), *others))
    assert "; 1 underlying with a last price more than 30 days old has none." in plain(
        page(replace(sample(), thresholds=old))
    )
    every = replace(section, rows=(replace(first, age_days=31),))
    assert "None of these statements is of high certainty: every last price is more than" in plain(
        page(replace(sample(), thresholds=every))
    )


def test_a_row_states_threshold_reference_venues_and_what_should_move() -> None:
    shown = plain(part("moves"))
    assert "7.2 % 6.1 % to 8.2 % 20 Nov 2025; 7.1 % without size" in shown
    assert "should rise models: 2 rise" in shown
    assert "The certainty of every statement is high BTC" not in shown
    assert "The certainty of every statement is high" in shown
    assert with_thresholds().thresholds.rows[0].advice[0].sentence in shown


def test_the_margins_of_venues_have_days_of_observation_and_a_link() -> None:
    own = part("moves")
    assert "5.0 % 1.0 % to 20.0 %, 3 venues, 1 unknown observed 12–20 Nov 2025" in plain(own)
    assert ">3 venues, 1 unknown</a>" in own.replace(NBSP, " ")
    rows = [row for row in rows_of("thresholds-venues.csv") if row["underlying"] == "BTC"]
    assert [row["venue"] for row in rows] == ["bybit", "htx", "kraken", "okx"]
    assert (rows[1]["initial"], rows[1]["reason"]) == ("", "IM is not observed")
    assert rows[3]["observed_at"] == "2025-11-18T00:00:00Z"


def test_venues_observed_no_later_than_a_day_are_counted() -> None:
    section = threshold_section()
    own = section.rows[0]
    undated = replace(own.venue_rates[0], observed_from="", date_kind="no later than")
    rows = (replace(own, venue_rates=(undated, *own.venue_rates[1:])), *section.rows[1:])
    shown = plain(part("moves", replace(sample(), thresholds=replace(section, rows=rows))))
    assert "observed 12–20 Nov 2025 1 of these with a latest date only" in shown


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
    assert "Default, the large circle: " in plain(part("frontier"))


def test_without_a_default_the_page_shows_the_benchmark_and_says_so() -> None:
    section = replace(
        threshold_section(), has_default=False, default_model=FAST, default_reason="none is calm"
    )
    document = replace(sample(), thresholds=section)
    assert "No default: none is calm" in plain(part("frontier", document))
    assert "the benchmark, as there is no default" in plain(part("models", document))


def test_each_model_has_its_threshold_or_none() -> None:
    assert "2025-11-20 7.1 % 6.5 % n/o" in plain(part("models"))
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
    assert "Days on Runs per underlying Separate runs Followed Any day p Foretold" in shown
    assert "100 of 2,000 12 10 25.0 % 5.0 % 0.013 3 of 20 20.0 % confirms but does not" in shown
    rows = list(csv.DictReader(io.StringIO(files()["thresholds-signals.csv"].decode())))
    figures = ("runs_per_underlying", "separate_runs", "confirming_p", "p_value")
    assert [rows[0][name] for name in figures] == ["12", "10", "0.013", "0.7"]
    assert [rows[-1][name] for name in figures[:3]] == ["", "", ""]
    assert "n/o of" not in shown
    assert "no asset" in shown
    assert "1.25 × 7.0 % by the formula of harmonized-baseline, recalculated daily 9.0 %" in shown
    assert "Need: the fast margin" in shown
    assert "A proposal is for the margin in force." in shown
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
        own = replace(first.advice[0], move="cannot be told", required=required)
        rows = (replace(first, advice=(own,)),)
        shown = plain(part("moves", replace(sample(), thresholds=replace(section, rows=rows))))
        assert f"cannot be told interval: {words}; models: 2 rise" in shown

"""Page of the threshold of one underlying: its path, sentences, models, signals and episodes."""

import csv
import html
import io
import re
from dataclasses import replace
from functools import cache

import pytest

from harmonize.document import AuditDocument, NoThresholdRow, ThresholdPathRow, ThresholdSection
from reports.site.folder import site_files
from reports.site.thresholds_addresses import thresholds_path
from tests.support.sample_documents import SCRIPT, sample
from tests.support.sample_thresholds import (
    CODES,
    FAST,
    row,
    signal,
    threshold_section,
    with_thresholds,
)
from tests.support.site_pages import broken_links

NBSP = "\N{NO-BREAK SPACE}"
PATH = "thresholds/btc.html"


@cache
def files() -> dict[str, bytes]:
    return dict(site_files(with_thresholds()))


def page(document: AuditDocument | None = None, path: str = PATH) -> str:
    content = dict(site_files(document)) if document else files()
    return content[path].decode()


def with_section(section: ThresholdSection) -> AuditDocument:
    return replace(sample(), thresholds=section)


def plain(markup: str) -> str:
    words = html.unescape(re.sub(r"<[^>]+>", " ", markup)).replace(NBSP, " ")
    return " ".join(words.split())


def part(anchor: str, content: str) -> str:
    found = re.search(rf'<section id="{anchor}">.*?</section>', content, re.DOTALL)
    assert found, anchor
    return found[0]


def shown(anchor: str, document: AuditDocument | None = None) -> str:
    return plain(part(anchor, page(document)))


def test_every_underlying_with_a_threshold_has_its_page() -> None:
    assert {name for name in files() if re.fullmatch(r"thresholds/.*\.html", name)} == {
        PATH,
        thresholds_path(SCRIPT),
    }
    assert not [name for name in dict(site_files(sample())) if name.startswith("thresholds/")]


def test_the_first_table_and_the_page_of_the_underlying_lead_to_it() -> None:
    assert f'href="{PATH}"' in part("moves", page(path="thresholds.html"))
    assert f'href="../{PATH}"' in part("thresholds", page(path="underlyings/btc.html"))
    assert broken_links(files()) == []


def test_the_page_of_the_underlying_says_whether_margins_should_move() -> None:
    block = plain(part("thresholds", page(path="underlyings/btc.html")))
    assert (
        "The median IM of 3 venues (5.0 %) should rise. Certainty: high. 99 % threshold (default) on"
        " 20 Nov 2025: 7.2 % at $1m, 7.1 % without size."
    ) in block
    other = replace(
        threshold_section(), rows=(), without=(NoThresholdRow("BTC", "12 returns, 365 required"),)
    )
    block = plain(part("thresholds", page(with_section(other), "underlyings/btc.html")))
    assert "No threshold: 12 returns, 365 required." in block
    assert 'id="thresholds"' not in page(sample(), "underlyings/btc.html")


def test_the_sentence_and_its_figures_come_first() -> None:
    assert row("BTC", "2025-11-20").advice[0].sentence in shown("moves")
    assert "median IM of 3 venues 5.0 % 7.2 % 6.1 % to 8.2 % should rise 2 of 2 high" in shown(
        "moves"
    )


def test_an_open_statement_reads_as_a_sentence() -> None:
    first = threshold_section().rows[0]
    advice = replace(first.advice[0], move="cannot be told")
    section = replace(threshold_section(), rows=(replace(first, advice=(advice,)),))
    words = plain(page(with_section(section), "thresholds/btc.html"))
    assert "Whether the median IM of 3 venues (5.0 %) should move cannot be told. Cert" in words
    disputed = replace(first.advice[0], move="disputed", required=0.07, staying=1, models=3)
    section = replace(section, rows=(replace(first, advice=(disputed,)),))
    words = plain(page(with_section(section), "thresholds/btc.html"))
    assert (
        "Whether the median IM of 3 venues (7.0 %) should move is disputed: it need not move by the interval,"
        " but should rise by 2 of 3 models. Certainty: high."
    ) in words


def test_the_headline_has_the_threshold_that_the_sentences_compare() -> None:
    assert "on 20 Nov 2025: 7.2 % at $1m, 7.1 % without size. The last price is" in plain(page())
    section = threshold_section()
    own = replace(section.rows[0], size_reason="no perpetual on BTC")
    words = plain(page(with_section(replace(section, rows=(own,)))))
    assert (
        "on 20 Nov 2025: 7.1 % without size, because no perpetual on BTC. The last price" in words
    )
    assert "7.2 % at $1m" not in words
    same = replace(section.rows[0], threshold=0.072)
    words = plain(page(with_section(replace(section, rows=(same,)))))
    assert "on 20 Nov 2025: 7.2 % at $1m. The last price" in words


def test_the_chart_marks_losses_and_says_whose_values_are_of_today() -> None:
    path = shown("path")
    assert "2 losses of a long or a short above the default on 19 days" in path
    assert "at 99 % on each side, 0.4 are expected" in path
    assert (
        "Level lines are today's margins, those of the audit at $1m, not those of the past" in path
    )
    assert "IM of harmonized-baseline 10.0 %, median IM of 3 venues 5.0 %" in path
    labels = re.findall(r'<g role="img" aria-label="([^"]+)"', part("path", page()))
    assert [label.replace(NBSP, " ") for label in labels] == [
        "2025-11-10: loss of a long of 8.34 %, threshold 7.1 %",
        "2025-11-13: loss of a short of 9.51 %, threshold 7.1 %",
    ]
    corners = re.findall(
        r'<path class="b4" d="M[\d.]+ ([\d.]+)L[\d.]+ [\d.]+L[\d.]+ ([\d.]+)Z"', page()
    )
    points_up = [float(tip) < float(base) for base, tip in corners]
    assert points_up == [False, True, False, True], "a long, a short, and both in the legend"


def test_the_path_at_the_size_is_drawn_if_it_differs_visibly() -> None:
    assert "default at $1m</text>" not in part("path", page())
    assert "At $1m the default is less than 1.0 % higher on every day, so that it has no" in shown(
        "path"
    )
    first = threshold_section().rows[0]
    sized = tuple(None if rate is None else 0.0718 for rate in first.path.sized)
    drawn = replace(first, path=replace(first.path, sized=sized))
    document = with_section(replace(threshold_section(), rows=(drawn,)))
    assert "default at $1m</text>" in part("path", page(document))
    assert "At $1m: the default times √(1 + T/3), T by the volume" in shown("path", document)
    unsized = replace(first, path=replace(first.path, sized=(), volume=()), sizes=())
    document = with_section(replace(threshold_section(), rows=(unsized,)))
    assert "$1m" not in shown("path", document).replace("audit at $1m", "")
    assert "Default at" not in dict(site_files(document))["thresholds/btc-path.csv"].decode()


def test_a_sentence_and_a_table_tell_how_liquidity_moved_the_threshold() -> None:
    path = shown("path")
    assert (
        "At $1m, liquidity multiplied the threshold by 1.0005 to 1.0313 over 1,825 tested days (largest on"
        " 2022-12-27, by $105m of daily volume of bybit perp BTCUSDT 1d in the 30 days before). Peak ÷"
        " trough: 1.41 at that size, 1.4 without size. Largest 30-day rise: 23.37 % at that size, 24.45 %"
        " without size."
    ) in path
    assert "bybit perp BTCUSDT 1d on 692 days (2021-03-10 to 2023-01-30), binance" in path
    assert "Order books of the past are not archived." in path
    assert "$100m 7.2 % n/o 1.0005 the whole position 2022-12-27 1.41 1.4 23.37 % 24.45 %" in path


def test_a_margin_that_is_not_known_has_no_line_but_its_reason() -> None:
    own = replace(
        row("BTC", "2025-11-20"), reference=None, reference_reason="no class", median=None, venues=0
    )
    path = shown("path", with_section(replace(threshold_section(), rows=(own,))))
    assert "No line: IM of harmonized-baseline: no class; median IM of 0 venues" in path
    assert "today's" not in path


def test_table_and_file_have_every_day_the_newest_first() -> None:
    rows = list(csv.DictReader(io.StringIO(files()["thresholds/btc-path.csv"].decode())))
    assert [rows[0]["day"], rows[-1]["day"]] == ["2025-11-20", "2025-11-01"]
    by_day = {own["day"]: own for own in rows}
    assert (by_day["2025-11-08"]["default_rate"], rows[0]["default_rate"]) == ("", "0.071")
    assert rows[0]["fast_margin_rate"] == "0.088"
    assert by_day["2025-11-08"]["default_at_size_rate"] == ""
    assert (
        by_day["2025-11-01"]["default_at_size_rate"]
        == by_day["2025-11-01"]["volume_before_usd"]
        == ""
    )
    assert float(rows[0]["default_at_size_rate"]) == pytest.approx(0.0713, abs=5e-5)
    assert float(rows[0]["volume_before_usd"]) == pytest.approx(9.02e9, rel=1e-3)
    assert by_day["2025-11-13"]["loss_rate"] == "0.0951"
    assert by_day["2025-11-13"]["side"] == "short"
    assert by_day["2025-11-12"]["side"] == ""
    shown_day = next(line for line in shown("path").split("2025-11-") if line.startswith("13 "))
    assert shown_day.startswith("13 7.1 % 7.13 % $9.02bn 7.4 % 9.51 % short")
    assert files()["thresholds/btc-path.svg"].startswith(b"<")


def test_without_a_default_the_one_line_is_the_benchmark() -> None:
    own = row("BTC", "2025-11-20")
    same = replace(own.path, default=own.path.fast)
    section = replace(
        threshold_section(),
        has_default=False,
        default_model=FAST,
        default_tool="none",
        rows=(replace(own, path=same),),
    )
    path = part("path", page(with_section(section)))
    assert f"Benchmark: {FAST}, tool: none." in plain(path)
    assert "fast margin</text>" not in path
    assert "benchmark</text>" in path


def test_without_a_path_there_is_no_chart() -> None:
    own = replace(row("BTC", "2025-11-20"), path=ThresholdPathRow())
    content = page(with_section(replace(threshold_section(), rows=(own,))))
    assert 'id="path"' not in content
    assert 'id="models"' in content


def test_each_model_and_the_default_state_both_sides_or_why_not() -> None:
    assert f"{FAST} none n/o n/o 5.0 % the fit did not converge" in shown("models")
    assert "buffer of 25 % 7.1 % 7.1 % 7.0 %" in shown("models")


def test_a_model_in_place_of_another_is_named_wherever_its_figures_are() -> None:
    words = f"EWMA 0.94, filtered, in place of {FAST}"
    section = threshold_section()
    first = section.rows[0]
    value = replace(first.values[2], margin=0.05, long=0.05, reason="", fallback=words)
    drawn = replace(first.path, fast_fallback=f"{words} on 3 of 20 days")
    own = replace(first, values=(value,), path=drawn)
    episode = section.episodes[1]
    models = (replace(episode.models[0], fallback=words), *episode.models[1:])
    document = with_section(
        replace(section, rows=(own,), episodes=(replace(episode, models=models),))
    )
    assert f"{words} none 5.0 % 5.0 % 5.0 %" in shown("models", document)
    assert f"{words} 6.0 % 12.0 %" in shown("episodes", document)
    assert f"Fast margin: {words} on 3 of 20 days. Each was known" in shown("path", document)
    assert f"Fast margin: {FAST}. Each was known" in shown("path")


def test_a_benchmark_shown_as_the_default_names_what_is_in_its_place() -> None:
    first = threshold_section().rows[0]
    words = f"EWMA 0.94, filtered, in place of {FAST}"
    drawn = replace(first.path, default=first.path.fast, default_fallback=words)
    section = replace(
        threshold_section(),
        has_default=False,
        default_model=FAST,
        default_tool="none",
        rows=(replace(first, path=drawn),),
    )
    assert f"Benchmark: {words}, tool: none." in shown("path", with_section(section))


def test_signals_of_this_underlying_have_evidence_and_record() -> None:
    own = shown("signals")
    assert "MH511 fast margin above 1.25 × the formula margin 2025-11-20" in own
    assert (
        "on for 100 of 2,000 days, in 12 runs, each underlying counted alone (10 separate runs)"
        in own
    )
    assert (
        "followed 25.0 %, any day 5.0 % (p 0.013); first breaches foretold: 15 % (3 of 20)" in own
    )
    assert "(3 of 20), 20.0 % by chance: confirms" in own
    assert "2025-03-01" not in own
    quiet = replace(threshold_section(), signals=tuple(signal(code) for code in CODES))
    assert "No signal is on for BTC." in shown("signals", with_section(quiet))


def test_episodes_have_every_model_and_what_the_venue_required() -> None:
    own = shown("episodes")
    assert f"{FAST} 6.0 % 12.0 % 2022-11-10 model on 2022-11-10; binance later" in own
    assert "historical simulation, 365 days 9.0 % 9.0 % not within 30 days" in own
    assert (
        "last observed before on 20 Oct 2022; first rise between 20 Oct 2022 and 18 Dec 2022" in own
    )
    assert "Venue: binance was first observed 2022-02-12, after the episode began" in own


def test_a_model_in_place_of_others_has_one_row() -> None:
    section = threshold_section()
    own = section.episodes[1]
    filtered = replace(own.models[0], model="EWMA 0.94, filtered")
    instead = [
        replace(filtered, model=name, fallback=f"EWMA 0.94, filtered, in place of {name}")
        for name in (FAST, "peaks over threshold")
    ]
    changed = replace(instead[1], largest=0.5)
    for models, words in (
        (
            (filtered, *instead),
            f"EWMA 0.94, filtered; also in place of {FAST} and peaks over threshold",
        ),
        ((filtered, instead[0], changed), f"EWMA 0.94, filtered; also in place of {FAST} 6.0 %"),
    ):
        episodes = (replace(own, models=models),)
        words_shown = shown("episodes", with_section(replace(section, episodes=episodes)))
        assert words in words_shown
        assert words_shown.count("6.0 %") == (1 if models[2] is instead[1] else 2)


def test_series_of_prices_have_their_dates() -> None:
    assert "binance perp BTCUSDT 1d 2020-01-01 2025-11-20 2,200" in shown("prices")


def test_a_hostile_name_is_inert() -> None:
    assert "<script>alert" not in page(path=thresholds_path(SCRIPT))

"""Models, prohibitions, variants and examples with one error each, and the complete messages."""

from pathlib import Path

import pytest

from rules import loader
from tests.rules.language.test_errors import Broken
from tests.rules.small import CAP, DISCLOSURE, MODEL, PROHIBITION, VARIANT

PACKS = ", ".join(loader.pack_ids())

BROKEN = (
    Broken(
        "rate and published both missing",
        MODEL,
        (
            ("  rate: max(q, 0.75 * q + 25% * s)\n", ""),
            (
                "  published:\n    - {since: 2026-01-01, until: 2026-02-01, rates: {BTC: 8%}, via: a page, verified: primary}\n",
                "",
            ),
        ),
        (
            "r.yaml:7:3: requirement.rate: missing; add it, or add published rates",
            "r.yaml:8:8: requirement.inputs.q: not used by any formula; use it or remove it",
            "r.yaml:9:8: requirement.inputs.s: not used by any formula; use it or remove it",
            "r.yaml:18:52: tolerance.statistical: requires a formula with inputs, and there is no rate; remove it",
        ),
    ),
    Broken(
        "a name that is no input",
        MODEL,
        (("25% * s)", "25% * t)"),),
        (
            "r.yaml:9:8: requirement.inputs.s: not used by any formula; use it or remove it",
            "r.yaml:10:9: requirement.rate: unknown input 't'; add it under inputs (defined: q, s)",
        ),
    ),
    Broken(
        "an input that nothing names",
        MODEL,
        (("0.75 * q + 25% * s", "0.75 * q"),),
        ("r.yaml:9:8: requirement.inputs.s: not used by any formula; use it or remove it",),
    ),
    Broken(
        "a formula that ends too early",
        MODEL,
        (("25% * s)", "25% *"),),
        (
            "r.yaml:10:9: requirement.rate: expected a number, a name or (, found the end (at character 24)",
        ),
    ),
    Broken(
        "a formula with a function that is none",
        MODEL,
        (("max(q, ", "exp(q, "),),
        (
            "r.yaml:10:9: requirement.rate: unknown function exp; use max, min or sqrt (at character 1)",
        ),
    ),
    Broken(
        "a formula with a foreign sign",
        MODEL,
        (("0.75 * q", "0.75 ^ q"),),
        (
            "r.yaml:10:9: requirement.rate: unknown character '^'; use + - * / ( ) , names and numbers (at character 13)",
        ),
    ),
    Broken(
        "a formula that is a list",
        MODEL,
        (("rate: max(q, 0.75 * q + 25% * s)", "rate: [q, s]"),),
        ("r.yaml:10:9: requirement.rate: expected a formula such as 1.25 * q, found a list",),
    ),
    Broken(
        "initial margin with a name in it",
        MODEL,
        (("initial: 1.10", "initial: q"),),
        (
            "r.yaml:11:12: requirement.initial: expected a multiple of the rate of at least 1, such as 1.10, found 'q'",
        ),
    ),
    Broken(
        "initial margin below the rate",
        MODEL,
        (("initial: 1.10", "initial: 0.9"),),
        (
            "r.yaml:11:12: requirement.initial: expected a multiple of the rate of at least 1, such as 1.10, found 0.9",
        ),
    ),
    Broken(
        "maintenance in other words",
        MODEL,
        (("equal to rate", "equal_to_rate"),),
        (
            "r.yaml:12:16: requirement.maintenance: expected 'equal to rate' or 'none', found 'equal_to_rate'; did you mean equal to rate?",
        ),
    ),
    Broken(
        "published backwards",
        MODEL,
        (("until: 2026-02-01", "until: 2025-02-01"),),
        (
            "r.yaml:14:34: requirement.published[0].until: expected a date on or after 2026-01-01 (since), found 2025-02-01",
        ),
    ),
    Broken(
        "published rates that lapse before their last day",
        MODEL,
        (("until: 2026-02-01,", "until: 2026-02-01, lapses: 2026-01-31,"),),
        (
            "r.yaml:14:54: requirement.published[0].lapses: expected a date on or after 2026-02-01 (until), found 2026-01-31",
        ),
    ),
    Broken(
        "a misspelt class of accounts",
        CAP,
        (("[retail]", "[retial]"),),
        (
            "r.yaml:7:21: scope.account_classes[0]: expected 'any', 'retail', 'professional', 'corporate', 'classic', 'unified', 'portfolio', 'intraday' or 'overnight', found 'retial'; did you mean retail?",
        ),
    ),
    Broken(
        "every class of accounts in words",
        CAP,
        (("[retail]", "[any]"),),
        (
            "r.yaml:7:21: scope.account_classes[0]: any is no class of accounts; use [] for every account class",
        ),
    ),
    Broken(
        "a misspelt class of accounts in an example",
        MODEL,
        (("    underlying: BTC\n", "    underlying: BTC\n    account_class: profesional\n"),),
        (
            "r.yaml:27:20: examples[0].account_class: expected 'any', 'retail', 'professional', 'corporate', 'classic', 'unified', 'portfolio', 'intraday' or 'overnight', found 'profesional'; did you mean professional?",
        ),
    ),
    Broken(
        "an unknown status of a flag",
        CAP + "flags:\n  - {field: scope, status: unverifed, note: A note.}\n",
        (),
        (
            "r.yaml:20:28: flags[0].status: expected 'primary', 'secondary', 'unverified', 'derived', 'inference', 'approximation', 'calibrated', 'data limited', 'dated', 'design choice', 'not covered', 'not found', 'not used', 'practice', 'proposed' or 'reverse-engineered', found 'unverifed'; did you mean unverified?",
        ),
    ),
    Broken(
        "an unknown kind of contract",
        CAP,
        (("account_classes: [retail]", "account_classes: [retail]\n  contracts: [perpetuals]"),),
        (
            "r.yaml:8:15: scope.contracts[0]: expected 'perpetual' or 'dated', found 'perpetuals'; did you mean perpetual?",
        ),
    ),
    Broken(
        "undetermined contracts that are out of scope",
        CAP,
        (
            (
                "account_classes: [retail]",
                "account_classes: [retail]\n  contracts: [perpetual]\n  undetermined: [{contracts: [dated], reason: unread}]",
            ),
        ),
        (
            "r.yaml:9:31: scope.undetermined[0].contracts[0]: scope.contracts excludes 'dated'; remove it here or add it there",
        ),
    ),
    Broken(
        "a prohibition of which no text was read",
        PROHIBITION,
        (("verified: primary", "verified: secondary"),),
        (
            "r.yaml:15:15: requirement.prohibited: a prohibition requires a citation with verified: primary; read the text, or describe the contracts under scope.undetermined",
        ),
    ),
    Broken(
        "a day in quotes",
        MODEL,
        (("since: 2026-01-01", 'since: "2026-01-01"'),),
        (
            "r.yaml:14:15: requirement.published[0].since: expected a date such as 2026-11-20, without quotes, found '2026-01-01'",
        ),
    ),
    Broken(
        "a day that is none",
        MODEL,
        (("2026-02-01", "2026-02-30"),),
        ("r.yaml:14:34: unknown date 2026-02-30; correct it, or put it in quotes",),
    ),
    Broken(
        "published for no asset",
        MODEL,
        (("{BTC: 8%}", "{}"),),
        ("r.yaml:14:53: requirement.published[0].rates: empty; add an entry",),
    ),
    Broken(
        "published for an asset that is no name",
        MODEL,
        (("{BTC: 8%}", "{'BTC ': 8%}"),),
        (
            "r.yaml:14:54: requirement.published[0].rates.BTC : expected an asset such as BTC, found 'BTC '",
        ),
    ),
    Broken(
        "a published rate without percent sign",
        MODEL,
        (("{BTC: 8%}", "{BTC: 8}"),),
        (
            "r.yaml:14:59: requirement.published[0].rates.BTC: expected a number above 0 and at most 1 (0.125 or 12.5%), found 8; write 8% for 8 %",
        ),
    ),
    Broken(
        "a published rate without source",
        MODEL,
        ((", via: a page", ""),),
        ("r.yaml:14:7: requirement.published[0].via: missing; add it",),
    ),
    Broken(
        "larger of both without a rate",
        MODEL,
        (("prefer published", "larger of both"), ("  rate: max(q, 0.75 * q + 25% * s)\n", "")),
        (
            "r.yaml:8:8: requirement.inputs.q: not used by any formula; use it or remove it",
            "r.yaml:9:8: requirement.inputs.s: not used by any formula; use it or remove it",
            "r.yaml:14:12: requirement.combine: requires a rate and published rates; add the missing one or remove this field",
            "r.yaml:20:52: tolerance.statistical: requires a formula with inputs, and there is no rate; remove it",
        ),
    ),
    Broken(
        "another way to combine",
        MODEL,
        (("prefer published", "average"),),
        (
            "r.yaml:15:12: requirement.combine: expected 'prefer published' or 'larger of both', found 'average'",
        ),
    ),
    Broken(
        "grace that is half a day",
        MODEL,
        (("grace_days: 8", "grace_days: 0.5"),),
        ("r.yaml:16:15: requirement.grace_days: expected a whole number of at least 0, found 0.5",),
    ),
    Broken(
        "observations below zero",
        MODEL,
        (("least_observations: 100", "least_observations: -1"),),
        (
            "r.yaml:9:67: requirement.inputs.s.least_observations: expected a whole number of at least 0, found -1",
        ),
    ),
    Broken(
        "an input measured under no name",
        MODEL,
        (("measured: var_99_1d, ", ""),),
        ("r.yaml:8:8: requirement.inputs.q.measured: missing; add it",),
    ),
    Broken(
        "an input measured under a name with hyphens",
        MODEL,
        (("measured: var_99_1d", "measured: var-99-1d"),),
        (
            "r.yaml:8:19: requirement.inputs.q.measured: expected lower-case words joined by underscores, such as var_99_1d_365d, found 'var-99-1d'",
        ),
    ),
    Broken(
        "a statistical tolerance of one",
        MODEL,
        (("statistical: 95%", "statistical: 100%"),),
        (
            "r.yaml:21:52: tolerance.statistical: expected a number above 0 and below 1 (0.95 or 95%), found 1.00",
        ),
    ),
    Broken(
        "a statistical tolerance on a rate that can fall",
        MODEL,
        (("0.75 * q", "0.75 - q"),),
        (
            "r.yaml:21:52: tolerance.statistical: requires a rate that rises with every input, and this rate subtracts an input or divides by one; rewrite the rate, or use relative",
        ),
    ),
    Broken(
        "a statistical tolerance without inputs",
        CAP,
        (("{relative: 0, absolute: 0.0001}", "{relative: 0, absolute: 0, statistical: 95%}"),),
        (
            "r.yaml:14:52: tolerance.statistical: requires measured inputs, which only kind model has; remove it",
        ),
    ),
    Broken(
        "the own meaning scored across",
        MODEL,
        (("meaning: liquidation trigger", "meaning: margin call"),),
        (
            "r.yaml:19:15: maintenance_across[0].meaning: 'margin call' is already scored; remove this entry",
        ),
    ),
    Broken(
        "across without a reason",
        MODEL,
        ((", reason: closed out at half of it", ""),),
        ("r.yaml:19:5: maintenance_across[0].reason: missing; add it",),
    ),
    Broken(
        "a factor of nothing",
        MODEL,
        (("factor: 50%", "factor: 0"),),
        ("r.yaml:19:44: maintenance_across[0].factor: expected a number above 0, found 0",),
    ),
    Broken(
        "no source for maintenance",
        MODEL,
        (("[initial, maintenance]", "[initial]"),),
        (
            "r.yaml:23:3: citations: maintenance margin has no source; add a citation with supports: [maintenance]",
        ),
    ),
    Broken(
        "a source for what is no number",
        MODEL,
        (("[initial, maintenance]", "[initial, maintenance, tolerance]"),),
        (
            "r.yaml:23:92: citations[0].supports[2]: expected 'initial', 'maintenance' or 'scope', found 'tolerance'",
        ),
    ),
    Broken(
        "an example that expects nothing",
        MODEL,
        (("    initial: under\n    maintenance: under\n", ""),),
        ("r.yaml:25:5: examples[0]: expects no verdict; add initial or maintenance",),
    ),
    Broken(
        "an example with an input of no formula",
        MODEL,
        (("inputs: {q: 10%, s: 20%}", "inputs: {q: 10%, t: 20%}"),),
        (
            "r.yaml:27:25: examples[0].inputs.t: unknown input; use an input of the formula (defined: q, s)",
        ),
    ),
    Broken(
        "an example with another verdict",
        MODEL,
        (("initial: under", "initial: low"),),
        (
            "r.yaml:30:14: examples[0].initial: expected 'compliant', 'under', 'over', 'breach', 'prohibited', 'not applicable' or 'not observable', found 'low'",
        ),
    ),
    Broken(
        "an example whose tiers fall",
        MODEL,
        (
            (
                "[{initial_rate: 1%, maintenance_rate: 1%}]",
                "[{upper: 5, initial_rate: 1%}, {upper: 4, initial_rate: 2%}]",
            ),
        ),
        (
            "r.yaml:28:51: examples[0].tiers[1].upper: expected a bound above the previous one (5), found 4",
        ),
    ),
    Broken(
        "an example open-ended in the middle",
        MODEL,
        (
            (
                "[{initial_rate: 1%, maintenance_rate: 1%}]",
                "[{initial_rate: 1%}, {upper: 4, initial_rate: 2%}]",
            ),
        ),
        (
            "r.yaml:28:13: examples[0].tiers[0].upper: missing; add it, since only the last tier may be open-ended",
        ),
    ),
    Broken(
        "an example of no asset",
        MODEL,
        (("    underlying: BTC\n", ""),),
        ("r.yaml:25:5: examples[0].underlying: missing; add it",),
    ),
    Broken(
        "a prohibition with a rate",
        PROHIBITION,
        (("prohibited: true", "prohibited: true\n  initial_rate: 50%"),),
        ("r.yaml:15:15: requirement.prohibited: excludes rates; remove the rates or this field",),
    ),
    Broken(
        "neither a rate nor a prohibition",
        PROHIBITION,
        (("  prohibited: true", "  maintenance: {rate: 5%}"),),
        (
            "r.yaml:15:3: requirement.initial_rate: missing; add it, or 'prohibited: true' if the contract may not be offered",
        ),
    ),
    Broken(
        "a prohibition that is denied",
        PROHIBITION,
        (("prohibited: true", "prohibited: false"),),
        ("r.yaml:15:15: requirement.prohibited: expected true, found false",),
    ),
    Broken(
        "a range of notional upside down",
        PROHIBITION,
        (("up_to: 1_000_000", "up_to: 10_000"),),
        ("r.yaml:12:36: scope.notional.up_to: expected a number above 10000 (above), found 10000",),
    ),
    Broken(
        "in force until before it was",
        PROHIBITION,
        (("until: 2026-12-31", "until: 2023-12-31"),),
        (
            "r.yaml:13:40: scope.in_force.until: expected a date on or after 2024-01-01 (since), found 2023-12-31",
        ),
    ),
    Broken(
        "a venue in capitals",
        PROHIBITION,
        (("[okx]", "[OKX]"),),
        (
            "r.yaml:9:12: scope.venues[0]: expected a venue id in lower case, such as krakenfutures, found 'OKX'",
        ),
    ),
    Broken(
        "a country in three letters",
        PROHIBITION,
        (("[JP]", "[JPN]"),),
        (
            "r.yaml:10:19: scope.jurisdictions[0]: expected two capital letters, such as JP, found 'JPN'",
        ),
    ),
    Broken(
        "another payoff",
        PROHIBITION,
        (("[linear]", "[binary]"),),
        (
            "r.yaml:11:13: scope.payoffs[0]: expected 'linear', 'inverse' or 'quanto', found 'binary'",
        ),
    ),
    Broken(
        "underlyings in another word",
        PROHIBITION,
        (("[BTC, ETH]", "coins"),),
        (
            "r.yaml:8:16: scope.underlyings: expected any, crypto, or a list of assets such as [BTC, ETH], found 'coins'",
        ),
    ),
    Broken(
        "underlyings that are no names",
        PROHIBITION,
        (("[BTC, ETH]", "[BTC, '#N/A']"),),
        (
            "r.yaml:8:16: scope.underlyings: expected any, crypto, or a list of assets such as [BTC, ETH], found '#N/A'",
        ),
    ),
    Broken(
        "a selector that is none",
        PROHIBITION,
        (("venues: [okx]", "venue: [okx]"),),
        ("r.yaml:9:3: scope.venue: unknown field; move it to the mapping that has this field",),
    ),
    Broken(
        "disclosure of nothing",
        DISCLOSURE,
        (("    - {what: Maintenance margin, check: MH201}", "    []"),),
        ("r.yaml:8:5: requirement.expects: empty; add an entry",),
    ),
    Broken(
        "a check that has no code",
        DISCLOSURE,
        (("MH201", "maintenance-unknown"),),
        (
            "r.yaml:8:41: requirement.expects[0].check: expected a check code, such as MH401, found 'maintenance-unknown'",
        ),
    ),
    Broken(
        "a variant of no pack",
        VARIANT,
        (("small-cap.yaml", "esma"),),
        (
            (
                "r.yaml:4:10: extends: cannot load 'esma': unknown rule set 'esma'; "
                "did you mean esma-retail?"
            ),
        ),
    ),
    Broken(
        "a variant of no file",
        VARIANT,
        (("small-cap.yaml", "nobody.yaml"),),
        (
            "r.yaml:4:10: extends: cannot load 'nobody.yaml': nobody.yaml: no such file; available rule sets: …",
        ),
    ),
    Broken(
        "a variant of itself",
        VARIANT,
        (("small-cap.yaml", "r.yaml"),),
        ("r.yaml:4:10: extends: circular chain: r.yaml -> r.yaml; change one",),
    ),
    Broken(
        "a variant without an id",
        VARIANT,
        (("id: small-variant\n", ""),),
        ("r.yaml:1:1: id: missing; add it",),
    ),
    Broken(
        "a variant that takes away what is needed",
        VARIANT,
        (("title: Small variant", "title: Small variant\nstatutory: null"),),
        ("r.yaml:4:12: statutory: missing; add it",),
    ),
    Broken(
        "a rule set with the name of the venues' own middle",
        VARIANT,
        (("id: small-variant", "id: median"),),
        (
            "r.yaml:1:5: id: 'median' is reserved for the median over venues in an index; choose another id",
        ),
    ),
    Broken(
        "an index above a hundred",
        VARIANT,
        (
            ("extends: small-cap.yaml", "extends: harmonized-baseline\ncross_venue: {index: 200}"),
            ("requirement:\n  initial_rate: 25%\n  maintenance: null\n", ""),
        ),
        ("r.yaml:5:22: cross_venue.index: expected a number up to 100, found 200",),
    ),
    *(
        Broken(
            f"a limit on tests against prices: {limits}",
            VARIANT,
            (
                (
                    "extends: small-cap.yaml",
                    f"extends: harmonized-baseline\nadequacy: {{{limits}}}",
                ),
                ("requirement:\n  initial_rate: 25%\n  maintenance: null\n", ""),
            ),
            (f"r.yaml:5:{column}: adequacy.{problem}",),
        )
        for limits, column, problem in (
            (
                "initial_minutes: 7_201",
                29,
                (
                    "initial_minutes: expected from 15 to 7200 minutes, which moves are measured over, "
                    "found 7201"
                ),
            ),
            (
                "buffer_minutes: 5",
                28,
                (
                    "buffer_minutes: expected from 15 to 7200 minutes, which moves are measured over, "
                    "found 5"
                ),
            ),
            (
                "maintenance_minutes: 90, initial_minutes: 60, buffer_minutes: 60",
                33,
                "maintenance_minutes: expected at most initial_minutes (60), found 90",
            ),
            (
                "coverage_significance: 5%",
                35,
                (
                    "coverage_significance: requires a coverage; add coverage_1d, coverage_2d or "
                    "coverage_5d, or remove it"
                ),
            ),
            ("size_exponent: 50", 27, "size_exponent: expected a number up to 1, found 50"),
            (
                "coverage_1d: 99",
                25,
                (
                    "coverage_1d: expected a number above 0 and below 1 (0.95 or 95%), found 99; write "
                    "99% for 99 %"
                ),
            ),
            (
                "close_out_share: 150%",
                29,
                (
                    "close_out_share: expected a number from 0 to 1 (0.15 or 15%), found 1.50; "
                    "write 1.50% for 1.50 %"
                ),
            ),
            ("minutes: 60", 12, "minutes: unknown field; did you mean inputs?"),
        )
    ),
    Broken(
        "limits on tests against prices in a cap",
        VARIANT,
        (("extends: small-cap.yaml", "extends: small-cap.yaml\nadequacy: {coverage_1d: 99%}"),),
        ("r.yaml:5:1: adequacy: unknown field; move it to the mapping that has this field",),
    ),
    Broken(
        "a variant whose field is misspelt",
        VARIANT,
        (("  initial_rate: 25%", "  inital_rate: 25%"),),
        ("r.yaml:6:3: requirement.inital_rate: unknown field; did you mean initial_rate?",),
    ),
    Broken(
        "a variant of a list",
        VARIANT,
        (("extends: small-cap.yaml", "extends: [small-cap.yaml]"),),
        (
            "r.yaml:1:1: citations: missing; add it",
            "r.yaml:1:1: kind: missing; add 'kind: cap', 'kind: schedule', 'kind: model' or 'kind: disclosure'",
            "r.yaml:1:1: maintenance_meaning: missing; add it",
            "r.yaml:1:1: scope: missing; add it",
            "r.yaml:1:1: statutory: missing; add it",
            "r.yaml:1:1: tolerance: missing; add it",
            "r.yaml:4:10: extends: expected text, found a list; put text in quotes",
        ),
    ),
    Broken(
        "a key twice",
        MODEL,
        (("kind: model", "kind: model\nkind: cap"),),
        ("r.yaml:5:1: duplicate key 'kind', first in line 4; remove one",),
    ),
    Broken(
        "a colon in text",
        MODEL,
        (("means: A quantile", "means: A: quantile"),),
        (
            "r.yaml:8:38: invalid YAML: expected ',' or '}', but got ':' while parsing a flow mapping; close the bracket or add a comma",
        ),
    ),
    Broken(
        "an indent that is off",
        PROHIBITION,
        (("  account_classes: [retail]", "   account_classes: [retail]"),),
        (
            "r.yaml:7:19: invalid YAML: mapping values are not allowed here; put text that contains ': ' in quotes, or correct the indent",
        ),
    ),
    Broken(
        "a tab",
        PROHIBITION,
        (("  account_classes: [retail]", "\taccount_classes: [retail]"),),
        ("r.yaml:7:1: tab is not allowed; use spaces",),
    ),
)


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_every_error_is_reported_at_its_place(
    case: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small-cap.yaml").write_text(CAP, encoding="utf-8")
    text = case.valid
    for old, new in case.edits:
        assert old in text
        text = text.replace(old, new, 1)
    Path("r.yaml").write_text(text, encoding="utf-8")
    lines = [line.replace(PACKS, "…") for line in loader.check("r.yaml")]
    assert lines == list(case.lines)


@pytest.mark.parametrize("valid", [MODEL, PROHIBITION, DISCLOSURE, VARIANT])
def test_the_unmodified_texts_are_valid(
    valid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small-cap.yaml").write_text(CAP, encoding="utf-8")
    Path("r.yaml").write_text(valid, encoding="utf-8")
    assert loader.check("r.yaml") == []

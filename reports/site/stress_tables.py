"""Tables of a stress: underlyings, sensitivity, paths, assumptions, gaps, validation."""

from collections.abc import Iterator, Sequence

from harmonize.document import StressRow, StressValidationRow
from harmonize.document.stress_volumes import volume_sentence
from harmonize.text import numbers
from harmonize.text.words import join_words
from reports.site import marks
from reports.site.addresses import rule_set_path, underlying_path, venue_path
from reports.site.close_dates import short_name
from reports.site.markup import Html, link_to, text
from reports.site.report_context import ReportContext
from reports.site.stress_changes import harmonized_effects, rules_name, sign_text
from reports.site.stress_words import (
    at_shock,
    book_text,
    fall_text,
    interest_mark,
    leverage_range,
    multiplier,
    ratio_text,
    spread,
)
from reports.site.tables import Cell, Row, Table, number


def underlying_table(context: ReportContext, links: dict[str, str]) -> Table:
    """Returns a row per underlying at its shock; ``links`` are the addresses of their results."""
    rows = context.document.stress
    shocks = {row.shock for row in rows}
    several = len(shocks) > 1
    fall = "" if several else f" of {numbers.axis_rate(rows[0].shock)}"
    times = sorted(
        own.open_interest_at for row in rows for own in row.venues if own.open_interest_at
    )
    observed = f" of {numbers.date_range(times[0], times[-1])}" if times else ""
    return Table(
        "Underlyings",
        text(
            f"Sudden fall{fall}, longs; ranges from the least to the largest liquidity multiplier"
            f" (assumed). Open interest{observed} ({interest_mark(rows)}); leverage measured on one venue, assumed"
            " elsewhere. Modelled ÷ recorded: 1 would be right. Least and largest: with one assumption on"
            f" leverage halved or doubled{_volume_words(rows)}"
        ),
        (
            *("Underlying", *(["#Shock"] if several else []), "#Open interest", "#Liquidated"),
            *("#Least – largest by leverage", "#Modelled ÷ recorded", "#Share"),
            *("#Total fall", "#Loss beyond margin", "#Venues", "Liquidated, harmonized"),
            *("Margins observed",),
        ),
        [_underlying_row(row, links[row.underlying], has_shock=several) for row in rows],
        numeric=True,
    )


def _underlying_row(row: StressRow, address: str, *, has_shock: bool) -> Row:
    points = at_shock(row)
    ends = [points[0], points[-1]] if points else []
    effects = harmonized_effects(row)
    ratios = [own.ratio for own in row.validation if own.ratio is not None]
    return Row(
        (
            Cell(row.underlying, link_to(address, row.underlying)),
            *([number(numbers.rate(row.shock), key=row.shock)] if has_shock else []),
            number(numbers.usd(row.open_interest), key=row.open_interest),
            _span([numbers.usd(point.liquidated) for point in ends]),
            _span(leverage_range(row)),
            number(", ".join(map(ratio_text, ratios)) or "unvalidated"),
            _span([numbers.axis_rate(point.share) for point in ends]),
            _span([fall_text(point.move) for point in ends]),
            _span([numbers.usd(point.loss) for point in ends]),
            number(numbers.count(len(row.venues)), key=len(row.venues)),
            Cell(sign_text(effects[0]) if effects else marks.NOT_OBSERVABLE.sign, css="t"),
            Cell(numbers.date_range(row.oldest, row.newest), css="dates"),
        )
    )


def _volume_words(rows: Sequence[StressRow]) -> str:
    sentence = volume_sentence(rows).removesuffix(".")
    return f". {sentence}" if sentence else ""


def _span(values: Sequence[str]) -> Cell:
    return number(" – ".join(dict.fromkeys(values)) or marks.NOT_OBSERVABLE.sign)


def _liquidity_ends(row: StressRow) -> str:
    """Returns what stands for half and twice the liquidity; empty without a curve."""
    liquidities = sorted({own.liquidity for own in row.points})
    if not liquidities:
        return ""
    ends = f"{multiplier(liquidities[0])} and {multiplier(liquidities[-1])}"
    return f"; of liquidity, its least and largest multiplier ({ends}) instead"


def least_text(row: StressRow) -> str:
    """Returns the multiplier of figures at one liquidity: the least."""
    liquidities = [own.liquidity for own in row.points]
    return (
        f"liquidity {multiplier(min(liquidities))}" if liquidities else "least liquidity multiplier"
    )


def sensitivity_table(row: StressRow) -> Table:
    """Returns the assumptions, each halved and doubled, largest spread first."""
    return Table(
        f"Sensitivity of {row.underlying}",
        text(
            f"Longs liquidated at a fall of {numbers.axis_rate(row.shock)}, {least_text(row)},"
            f" with each assumption halved and doubled{_liquidity_ends(row)}. A spread of $0: neither half"
            " nor twice the assumption changes what is liquidated"
        ),
        ("Assumption", "#Rank", "Mark", "#Halved", "#As assumed", "#Doubled", "#Spread"),
        [
            Row(
                (
                    Cell(assumption.name),
                    number(str(rank), key=rank),
                    Cell(assumption.mark or marks.NOT_OBSERVABLE.sign, css="t why"),
                    *(
                        amount(v)
                        for v in (
                            assumption.halved,
                            assumption.base,
                            assumption.doubled,
                            spread(assumption),
                        )
                    ),
                )
            )
            for rank, assumption in enumerate(row.sensitivity, start=1)
        ],
        numeric=True,
    )


def path_table(row: StressRow) -> Table:
    """Returns the outcomes of the scenario's path."""
    return Table(
        f"Paths of {row.underlying}",
        text(
            f"Outcome of the scenario's path; without impact if it contains its own cascade{_shock_text(row)}"
        ),
        (
            "Scenario",
            "#Liquidity",
            "#Fall",
            "#Total fall",
            "#Liquidated",
            "#Share",
            "#Loss beyond margin",
        ),
        [
            Row(
                (
                    Cell(outcome.scenario),
                    number(
                        "no impact" if outcome.liquidity is None else multiplier(outcome.liquidity)
                    ),
                    *(rate(v) for v in (outcome.fall, outcome.move)),
                    amount(outcome.liquidated),
                    rate(outcome.share),
                    amount(outcome.loss),
                )
            )
            for outcome in row.paths
        ],
        numeric=True,
    )


def _shock_text(row: StressRow) -> str:
    """Returns the largest volume and implied volatility on the path, which no figure uses."""
    volumes = [own.volume for own in row.paths if own.volume is not None]
    implied = [own.implied_volatility for own in row.paths if own.implied_volatility is not None]
    parts = [f"volume {max(volumes):.3g} times that of the 30 days before"] if volumes else []
    parts += [f"implied volatility {fall_text(max(implied))} per year"] if implied else []
    if not parts:
        return ""
    return f". Largest on the path, for information, as no figure uses them: {join_words(parts)}"


def default_table(row: StressRow) -> Table:
    """Returns every assumption with its mark and basis."""
    return Table(
        f"Assumptions on {row.underlying}",
        text(
            "Every assumption, its mark (measured, sourced or assumed) and its basis. Simulated:"
            f" {book_text(row)}"
        ),
        ("Assumption", "Value", "Mark", "Basis"),
        [
            Row(
                (
                    Cell(default.name),
                    Cell(default.text, css="why"),
                    Cell(default.mark),
                    Cell(default.basis, css="why"),
                )
            )
            for default in row.defaults
        ],
    )


def validation_table(rows: Sequence[StressValidationRow]) -> Table:
    """Returns recorded against modelled liquidations per underlying."""
    return Table(
        "Validation",
        text(
            "Recorded liquidations of longs, against open interest times the modelled share within the"
            " largest fall of the day"
        ),
        (
            *("Underlying", "Venue", "#Days", "#Recorded", "#Modelled", "#Modelled ÷ recorded"),
            *("#Rank correlation of days", "#Heat maps ÷ recorded", "Not validated, because"),
        ),
        [
            Row(
                (
                    Cell(comparison.underlying),
                    Cell(comparison.venue, css="t"),
                    number(numbers.count(comparison.days), key=comparison.days),
                    amount(comparison.recorded),
                    amount(comparison.modelled),
                    ratio(comparison.ratio, 2),
                    ratio(comparison.rank_correlation, 2),
                    ratio(comparison.overstatement),
                    Cell(comparison.reason, css="why"),
                )
            )
            for comparison in rows
        ],
        numeric=True,
    )


def absent_table(context: ReportContext, row: StressRow, up: str) -> Table:
    """Returns the venues without positions in the book, by reason."""
    by_reason: dict[str, list[str]] = {}
    for absent in row.not_observable:
        by_reason.setdefault(absent.reason, []).append(absent.venue)
    ordered = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    return Table(
        f"Not observable on {row.underlying}",
        text("Venues that are not simulated, by reason; nothing is guessed for them"),
        ("Reason", "#Venues", "Names"),
        [
            Row(
                (
                    Cell(reason),
                    number(numbers.count(len(venues)), key=len(venues)),
                    Cell(
                        ", ".join(venues),
                        Html(", ".join(_venue_links(context, venues, up))),
                        css="why",
                    ),
                )
            )
            for reason, venues in ordered
        ],
    )


def _venue_links(context: ReportContext, venues: Sequence[str], up: str) -> Iterator[Html]:
    for venue in venues:
        yield link_to(f"{up}{venue_path(venue)}" if venue in context.venues else "", venue)


def venue_cell(context: ReportContext, venue: str, up: str) -> Cell:
    """Returns the name of a venue with a link to its page, if it has one."""
    return Cell(venue, next(_venue_links(context, [venue], up)))


def rules_cell(context: ReportContext, what_if: str, rule_set: str, up: str) -> Cell:
    """Returns the name of other rules with a link to their rule set."""
    name = rules_name(what_if, rule_set, _readable(context, rule_set))
    is_known = rule_set in context.rule_sets
    return Cell(name, link_to(f"{up}{rule_set_path(rule_set)}" if is_known else "", name))


def _readable(context: ReportContext, rule_set: str) -> str:
    """Returns region and authority of a rule set: its title without both, and its id if it is unknown.

    Rule sets of one authority on the page have their titles.
    """
    own = context.rule_sets.get(rule_set)
    if own is None:
        return rule_set
    name = short_name(own)
    used = {effect.rule_set for row in context.document.stress for effect in row.effects}
    used |= {reaction.rule_set for row in context.document.stress for reaction in row.reactions}
    others = [context.rule_sets[other] for other in used - {rule_set} if other in context.rule_sets]
    is_unique = name not in map(short_name, others)
    return name if is_unique and name.endswith(")") else own.title


def underlying_link(context: ReportContext, underlying: str, up: str) -> Html:
    """Returns a link to the margins on an underlying; its name if it has no page."""
    is_known = underlying in context.underlyings
    address = f"{up}{underlying_path(underlying)}" if is_known else ""
    return link_to(address, f"margins on {underlying}")


def amount(value: float | None) -> Cell:
    """Returns a cell with an amount in USD."""
    return number(marks.NOT_OBSERVABLE.sign if value is None else numbers.usd(value), key=value)


def rate(value: float | None) -> Cell:
    """Returns a cell with a fall, move or share."""
    return number(marks.NOT_OBSERVABLE.sign if value is None else fall_text(value), key=value)


def ratio(value: float | None, digits: int = 3) -> Cell:
    """Returns a cell with a ratio."""
    if value is None:
        return number(marks.NOT_OBSERVABLE.sign)
    return number(f"{value:.{digits}g}", key=value)

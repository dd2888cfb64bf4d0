"""Tables of a stress: underlyings, contributions, counterfactuals, sensitivity, assumptions, gaps."""

from collections.abc import Iterator, Sequence

from harmonize.document import (
    ReverseStressRow,
    StressEffectRow,
    StressRow,
    StressValidationRow,
    StressVenueRow,
)
from harmonize.text import numbers
from reports.site import marks
from reports.site.addresses import rule_set_path, underlying_path, venue_path
from reports.site.markup import Html, link_to, text
from reports.site.rankings import SHORT
from reports.site.report_context import ReportContext
from reports.site.stress_words import (
    MOVE,
    at_shock,
    harmonized_effects,
    multiplier,
    rules_name,
    sign_text,
    spread,
)
from reports.site.tables import Cell, Row, Table, number


def underlying_table(context: ReportContext, links: dict[str, str]) -> Table:
    """Returns a row per underlying at its shock; ``links`` are the addresses of their results."""
    rows = context.document.stress
    return Table(
        "Underlyings",
        text("Sudden fall, at the least and the largest liquidity multiplier"),
        (
            *("Underlying", "#Shock", "#Open interest", "#Liquidated", "#Share", "#Move"),
            *("#Loss beyond margin", "#Cliffs", "#Venues", "Harmonized: liquidated", "Margins"),
        ),
        [_underlying_row(row, links[row.underlying]) for row in rows],
        numeric=True,
    )


def _underlying_row(row: StressRow, address: str) -> Row:
    points = at_shock(row)
    ends = [points[0], points[-1]] if points else []
    effects = harmonized_effects(row)
    return Row(
        (
            Cell(row.underlying, link_to(address, row.underlying)),
            number(numbers.rate(row.shock), key=row.shock),
            number(numbers.usd(row.open_interest), key=row.open_interest),
            _span([numbers.usd(point.liquidated) for point in ends]),
            _span([numbers.rate(point.share) for point in ends]),
            _span([numbers.rate(point.move) for point in ends]),
            _span([numbers.usd(point.loss) for point in ends]),
            number(numbers.count(len(row.cliffs)) if points else marks.NOT_OBSERVABLE.sign),
            number(numbers.count(len(row.venues)), key=len(row.venues)),
            Cell(sign_text(effects[0]) if effects else marks.NOT_OBSERVABLE.sign, css="t"),
            Cell(numbers.date_range(row.oldest, row.newest), css="dates"),
        )
    )


def _span(values: Sequence[str]) -> Cell:
    return number(" – ".join(dict.fromkeys(values)) or marks.NOT_OBSERVABLE.sign)


def contribution_table(context: ReportContext, row: StressRow, up: str) -> Table:
    """Returns what each venue contributes to the liquidated notional, largest Shapley value first."""
    ordered = sorted(row.venues, key=lambda venue: (-(venue.shapley or 0.0), venue.venue))
    is_exact = all(venue.is_shapley_exact for venue in row.venues)
    basis = "exact" if is_exact else "over 2,000 seeded permutations"
    return Table(
        f"Contributions to {row.underlying}",
        text(
            f"Liquidated notional by venue at a fall of {numbers.rate(row.shock)}, first liquidity"
            f" multiplier. Shapley values: {basis}. Overlap: share of a venue's liquidations by price"
            " that those of other venues cover. In brackets: 5–95 % interval over"
            f" {numbers.count_text(row.seeds, 'sample')} of positions, not of the market"
        ),
        (
            *("Venue", "#Open interest", "#Liquidated", "#Leave-one-out", "#Shapley"),
            *("#Share ÷ share of open interest", "#Overlap", "Effective leverage", "Margins"),
        ),
        [
            Row(
                (
                    _venue_cell(context, venue.venue, up),
                    number(numbers.usd(venue.open_interest), key=venue.open_interest),
                    *(_amount(v) for v in (venue.liquidated, venue.leave_one_out, venue.shapley)),
                    _shapley_ratio(venue),
                    _rate(venue.overlap),
                    Cell(venue.leverage_mark, css="t"),
                    Cell(
                        numbers.observation_date(
                            venue.observed_at, venue.observed_from, venue.date_kind
                        ),
                        css="dates",
                    ),
                )
            )
            for venue in ordered
        ],
        numeric=True,
    )


def resilience_table(context: ReportContext, row: StressRow, up: str) -> Table:
    """Returns the losses of each venue, and the least fall that exceeds its resources."""
    liquidities = sorted({own.liquidity for venue in row.venues for own in venue.reverse})
    return Table(
        f"Reverse stress of {row.underlying}",
        text(
            "Least sudden fall at which losses beyond margin exceed what other liquidations of the venue"
            " leave, by liquidity multiplier; – if none does. In brackets: 5–95 % interval over"
            f" {numbers.count_text(row.seeds, 'sample')} of positions, open if some sample has no such"
            " fall. Immediate: margin below MM before any fall. No insurance fund is archived"
        ),
        (
            *("Venue", f"#Loss at {numbers.rate(row.shock)}", "#Immediate"),
            *(f"#Reverse, {multiplier(liquidity)}" for liquidity in liquidities),
        ),
        [
            Row(
                (
                    _venue_cell(context, own.venue, up),
                    _amount(own.loss),
                    _amount(own.immediate),
                    *(
                        _reverse(next((r for r in own.reverse if r.liquidity == liquidity), None))
                        for liquidity in liquidities
                    ),
                )
            )
            for own in row.venues
        ],
        numeric=True,
    )


def _reverse(limit: ReverseStressRow | None) -> Cell:
    if limit is None or limit.reason:
        return number(marks.NOT_OBSERVABLE.sign)
    if limit.low is None:
        return number(numbers.rate(limit.shock), key=limit.shock)
    high = "" if limit.high is None else numbers.rate(limit.high)
    interval = f" ({numbers.rate(limit.low)} – {high})"
    return number(f"{numbers.rate(limit.shock)}{interval}", key=limit.shock)


def _shapley_ratio(venue: StressVenueRow) -> Cell:
    low, high = venue.shapley_ratio_low, venue.shapley_ratio_high
    if venue.shapley_ratio is None or low is None or high is None:
        return _ratio(venue.shapley_ratio)
    return number(f"{venue.shapley_ratio:.3g} ({low:.3g} – {high:.3g})", key=venue.shapley_ratio)


def effect_table(context: ReportContext, row: StressRow, up: str) -> Table:
    """Returns what other rules change at every stated shock: central changes and the sign."""
    liquidities = sorted({cell.liquidity for effect in row.effects for cell in effect.cells})
    several = len({effect.shock for effect in row.effects}) > 1
    return Table(
        f"Counterfactuals on {row.underlying}",
        text(
            "Change against the rules in force, by liquidity multiplier; two numbers if traders below"
            " the new IM who keep their notional and those who keep their margin differ. A sign is"
            f" stated only if the 5–95 % intervals of {numbers.count_text(row.seeds, 'book')}, both"
            " reactions and all multipliers agree. Moves are in shares of the first mark"
        ),
        (
            *("Rules", *(["#Shock"] if several else []), "Change of", "Sign"),
            *(f"#{multiplier(liquidity)}" for liquidity in liquidities),
            "#5–95 % over all",
        ),
        [
            _effect_row(context, effect, liquidities, up, has_shock=several)
            for effect in sorted(
                row.effects, key=lambda effect: (effect.rule_set, effect.what_if, effect.shock)
            )
        ],
        numeric=True,
        tools=len(row.effects) > SHORT,
    )


def _effect_row(
    context: ReportContext,
    effect: StressEffectRow,
    liquidities: Sequence[float],
    up: str,
    *,
    has_shock: bool,
) -> Row:
    shown = numbers.change if effect.metric == MOVE else _signed_usd
    low = min((cell.low for cell in effect.cells), default=None)
    high = max((cell.high for cell in effect.cells), default=None)
    return Row(
        (
            _rules_cell(context, effect.what_if, effect.rule_set, up),
            *([number(numbers.rate(effect.shock), key=effect.shock)] if has_shock else []),
            Cell(effect.metric, css="t"),
            Cell(sign_text(effect), css="t"),
            *(
                _span([shown(cell.change) for cell in effect.cells if cell.liquidity == liquidity])
                for liquidity in liquidities
            ),
            number(f"{shown(low)} to {shown(high)}"),
        )
    )


def _signed_usd(amount: float | None) -> str:
    return f"{'+' if amount is not None and amount > 0 else ''}{numbers.usd(amount)}"


def reaction_table(context: ReportContext, row: StressRow, up: str) -> Table:
    """Returns what traders below the new IM add before the fall, or close instead."""
    return Table(
        f"Reactions on {row.underlying}",
        text(
            "Before the fall: margin that traders below the new IM add, or notional that they close"
            " instead. Immediate: notional whose margin is below the new MM, liquidated without a fall"
        ),
        ("Rules", "#Margin added", "#Notional closed instead", "#Immediate"),
        [
            Row(
                (
                    _rules_cell(context, reaction.what_if, reaction.rule_set, up),
                    *(_amount(v) for v in (reaction.top_up, reaction.closed, reaction.immediate)),
                )
            )
            for reaction in row.reactions
        ],
        numeric=True,
    )


def sensitivity_table(row: StressRow) -> Table:
    """Returns the assumptions, each halved and doubled, largest spread first."""
    return Table(
        f"Sensitivity of {row.underlying}",
        text(
            f"Liquidated notional at a fall of {numbers.rate(row.shock)}, first liquidity multiplier."
            " A spread of $0: neither half nor twice the assumption changes what is liquidated"
        ),
        ("Assumption", "#Rank", "Mark", "#Halved", "#As assumed", "#Doubled", "#Spread"),
        [
            Row(
                (
                    Cell(assumption.name),
                    number(str(rank), key=rank),
                    Cell(assumption.mark or marks.NOT_OBSERVABLE.sign, css="t"),
                    *(
                        _amount(v)
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
        text("Outcome of the scenario's path; without impact if it contains its own cascade"),
        (
            "Scenario",
            "#Liquidity",
            "#Fall",
            "#Move",
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
                    *(_rate(v) for v in (outcome.fall, outcome.move)),
                    _amount(outcome.liquidated),
                    _rate(outcome.share),
                    _amount(outcome.loss),
                )
            )
            for outcome in row.paths
        ],
        numeric=True,
    )


def default_table(row: StressRow) -> Table:
    """Returns every assumption with its mark and basis."""
    return Table(
        f"Assumptions on {row.underlying}",
        text("Every assumption, its mark (measured, sourced or assumed) and its basis"),
        ("Assumption", "Value", "Mark", "Basis"),
        [
            Row(
                (
                    Cell(default.name),
                    Cell(default.text, css="why"),
                    Cell(default.mark, css="why"),
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
                    _amount(comparison.recorded),
                    _amount(comparison.modelled),
                    _ratio(comparison.ratio),
                    _ratio(comparison.rank_correlation, 2),
                    _ratio(comparison.overstatement),
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
        text("Venues without positions in the book, by reason; nothing is guessed for them"),
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


def _venue_cell(context: ReportContext, venue: str, up: str) -> Cell:
    return Cell(venue, next(_venue_links(context, [venue], up)))


def _rules_cell(context: ReportContext, what_if: str, rule_set: str, up: str) -> Cell:
    name = rules_name(what_if, rule_set)
    is_known = rule_set in context.rule_sets
    return Cell(name, link_to(f"{up}{rule_set_path(rule_set)}" if is_known else "", name))


def underlying_link(context: ReportContext, underlying: str, up: str) -> Html:
    """Returns a link to the margins on an underlying; its name if it has no page."""
    is_known = underlying in context.underlyings
    address = f"{up}{underlying_path(underlying)}" if is_known else ""
    return link_to(address, f"margins on {underlying}")


def _amount(value: float | None) -> Cell:
    return number(marks.NOT_OBSERVABLE.sign if value is None else numbers.usd(value), key=value)


def _rate(value: float | None) -> Cell:
    return number(marks.NOT_OBSERVABLE.sign if value is None else numbers.rate(value), key=value)


def _ratio(value: float | None, digits: int = 3) -> Cell:
    if value is None:
        return number(marks.NOT_OBSERVABLE.sign)
    return number(f"{value:.{digits}g}", key=value)

"""MH3xx: how far is a schedule from a reference schedule or a model?"""

from collections import Counter
from collections.abc import Iterator

from harmonize.checks.base import AuditContext, Check, Draft, Option, ranges_text
from harmonize.comparison.layout import Rule, asset_of
from harmonize.document import DivergenceRow, Level, Verdict
from harmonize.policy.inputs import Input
from harmonize.policy.rule_set import Model, ReferenceSchedule
from harmonize.text.messages import counted, dollars, moment, percent

_MINUTES = 1440.0  # of a day


def initial_diverges(examined: AuditContext) -> Iterator[Draft]:
    """Initial margin is outside the tolerance of a reference schedule.

    ## What it checks
    IM(N) against the reference R(N) of the underlying's class, at every notional that both cover:
    the ranges where ``IM / R − 1`` leaves the tolerance are found on the pieces, not on a grid.

    ## Why it matters
    Below the reference the venue lends more leverage than the rule set holds prudent at that
    size; above it, it asks more than needed.

    ## Formula
    IM(N) / R(N) − 1 outside ± relative tolerance, ± absolute tolerance · N.

    ## Example
    IM of 0.8 % against a reference of 10 %: 92 % under, from the smallest position up.

    ## Citation
    The rule set's own; each finding carries the mark of the source of its number.
    """
    return _diverging(examined, "initial", model=False)


def maintenance_diverges(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is outside the tolerance of a reference schedule.

    ## What it checks
    MM(N) against the reference, as for initial margin, and only where both mean the same: a
    liquidation trigger is not scored against a margin call or a clearing requirement, unless the
    rule set says how.

    ## Why it matters
    Maintenance margin is what is left to close a position with. Below the reference, a move that
    is ordinary for the asset passes from liquidation to bankruptcy.

    ## Formula
    MM(N) / R(N) − 1 outside ± relative tolerance, ± absolute tolerance · N.

    ## Example
    MM of 0.4 % against a reference of 5 %: 92 % under.

    ## Citation
    The rule set's own; each finding carries the mark of the source of its number.
    """
    return _diverging(examined, "maintenance", model=False)


def initial_off_model(examined: AuditContext) -> Iterator[Draft]:
    """Initial margin is outside the tolerance of a risk model.

    ## What it checks
    IM(N) against the rate that a model gives for the underlying from measured inputs, or that an
    authority published. A statistical tolerance is the interval of the inputs: order statistics of
    the sample that the quantile was taken from.

    ## Why it matters
    The model says what move one must expect over its horizon at its confidence. A margin below it
    is spent by a move that the model calls ordinary.

    ## Formula
    r from the rule set's expression; IM(N) / (multiple · r) − 1 outside the tolerance.

    ## Example
    IM of 2 % against 10.7 %: a two-day move at 99 % of 8.6 %, and a quarter on top.

    ## Citation
    The rule set's own. On the interval: David and Nagaraja, Order Statistics, section 7.1.
    """
    return _diverging(examined, "initial", model=True)


def maintenance_off_model(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is outside the tolerance of a risk model.

    ## What it checks
    MM(N) against the model's rate, as for initial margin, and only where both mean the same, unless
    the rule set says how else.

    ## Why it matters
    A clearing house asks its margin anew every day; a venue's maintenance margin is all that it has
    when a position is closed. Where the two are scored against one another, the rule set says why.

    ## Formula
    MM(N) / r − 1 outside the tolerance.

    ## Example
    MM of 0.5 % against 8.1 %.

    ## Citation
    The rule set's own; each finding carries the mark of the source of its number.
    """
    return _diverging(examined, "maintenance", model=True)


def class_unknown(examined: AuditContext) -> Iterator[Draft]:
    """Underlyings have no class in a reference schedule.

    ## What it checks
    Every underlying of the audit is on a class list of the rule set, or its inputs were measured.

    ## Why it matters
    Without a class there is no reference, and nothing is said of those schedules: neither that they
    comply nor that they do not.

    ## Formula
    The number of underlyings on no list. One finding a rule set.

    ## Example
    A coin listed last month, on no list.

    ## Citation
    Design rule of this tool: what cannot be observed is never shown as compliant.
    """
    assets = {asset_of(one) for one in examined.schedules}
    for rule in examined.rules:
        if not isinstance(rule.applied.rule_set.requirement, ReferenceSchedule):
            continue
        missing = sorted(assets - set(rule.classes))
        if missing:
            yield _of_rule(
                rule,
                Verdict.NOT_OBSERVABLE,
                f"{len(missing):,} of {counted(len(assets), 'underlying')} have no class: "
                f"{_some(missing)}",
            )


def meaning_not_scored(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margins are not scored, because they mean something else.

    ## What it checks
    The meaning of a venue's maintenance margin against that of the rule set.

    ## Why it matters
    A liquidation trigger and a margin call are answers to different questions. To score one against
    the other gives a number that means nothing, unless the rule set says how they compare.

    ## Formula
    meaning(MM of the schedule) ≠ meaning(MM of the rule set), and no factor is given. One finding a
    rule set.

    ## Example
    A venue liquidates at 0.5 %; the rule set's 50 % is the deposit below which a broker calls.

    ## Citation
    Design rule of this tool; the rule set can set `maintenance_across`.
    """
    for rule in examined.rules:
        own = rule.applied.rule_set.meaning
        if not rule.asks("maintenance"):
            continue
        foreign = [
            one
            for one in examined.schedules
            if one.meaning is not own and one.meaning not in rule.applied.rule_set.across
        ]
        if foreign:
            meanings = " and ".join(sorted({f"a {one.meaning}" for one in foreign}))
            yield _of_rule(
                rule,
                Verdict.NOT_APPLICABLE,
                f"MM of {counted(len(foreign), 'schedule')} is {meanings}, not scored against a {own}",
            )


def input_unmeasured(examined: AuditContext) -> Iterator[Draft]:
    """A model's inputs were not measured.

    ## What it checks
    Every input that the rule set's formula names was measured, of every underlying of the audit,
    from enough observations and recently enough.

    ## Why it matters
    Without its inputs a model says nothing. Its rows are left out; none of them is compliant.

    ## Formula
    The number of underlyings of which an input is missing. One finding a rule set.

    ## Example
    No `var_99_2d_365d` of a coin listed last month.

    ## Citation
    Design rule of this tool: what cannot be observed is never shown as compliant.
    """
    assets = {asset_of(one) for one in examined.schedules}
    for rule in examined.rules:
        reasons = rule.applied.reasons
        if isinstance(rule.applied.rule_set.requirement, Model) and reasons:
            listed = Counter(asset_of(one) for one in examined.schedules)
            first = min(reasons, key=lambda asset: (-listed[asset], asset))
            yield _of_rule(
                rule,
                Verdict.NOT_OBSERVABLE,
                f"{len(reasons):,} of {counted(len(assets), 'underlying')} are not observable; "
                f"{reasons[first]}",
                Level.INFO if len(reasons) < len(assets) else Level.WARNING,
            )


def input_stale(examined: AuditContext) -> Iterator[Draft]:
    """A model's inputs were measured long ago.

    ## What it checks
    The age of every input that a rule set used, counted back from the date of the audit.

    ## Why it matters
    Volatility changes by half within weeks. A reference from an old quantile is compared, and
    marked.

    ## Formula
    date of the audit − date of the input > the audit's limit. One finding a rule set.

    ## Example
    Quantiles of March in an audit of September.

    ## Citation
    Delegated Regulation (EU) 153/2013, Art 25: volatility from the latest twelve months.
    """
    for rule in examined.rules:
        old = [
            one
            for one in rule.applied.used
            if (examined.as_of - one.observed_at).days > examined.stale_after_days
        ]
        if old:
            oldest: Input = min(old, key=lambda one: one.observed_at)
            age = (examined.as_of - oldest.observed_at).days
            draft = _of_rule(
                rule,
                Verdict.NOT_APPLICABLE,
                f"{counted(len(old), 'input')} measured up to {age} days before the audit "
                f"(limit {examined.stale_after_days:g}): {oldest.name} of {oldest.underlying}",
                Level.WARNING,
                observed_at=moment(oldest.observed_at),
            )
            yield draft


def horizon_short(examined: AuditContext) -> Iterator[Draft]:
    """Maintenance margin covers an ordinary move over a short time only.

    ## What it checks
    How long a position is covered by its maintenance margin, where that is least against the
    reference: the time over which the underlying's one-day 99 % move, scaled by the root of time,
    reaches it.

    ## Why it matters
    It makes venues comparable without arguing for any one rule: MM of 0.4 % on BTC is a matter of
    minutes. It is a rule of thumb: short moves have fatter tails than the root of time has.

    ## Formula
    h = (MM / v1)² days, with v1 of the rule set's class; h < `least_minutes`.

    ## Example
    0.4 % against v1 of 10 %: 2.3 minutes.

    ## Citation
    Square-root-of-time scaling, as in Delegated Regulation (EU) 153/2013, Art 26 practice; a
    heuristic.
    """
    least = examined.options["least_minutes"]
    rules = {one.applied.rule_set.id: one for one in examined.rules}
    for row in examined.divergences:
        graded = rules[row.rule_set].classes.get(row.underlying)
        if row.margin_type != "maintenance" or row.observed is None or not graded or not graded.v1:
            continue
        if row.verdict is Verdict.OVER:
            continue
        minutes = (row.observed / float(graded.v1)) ** 2 * _MINUTES
        if minutes < least:
            yield Draft(
                Verdict.UNDER,
                Level.INFO,
                row.venue,
                f"MM {percent(row.observed)} covers the one-day move of {percent(float(graded.v1))} "
                f"for {minutes:.3g} minutes at {dollars(row.lowest_notional or 0.0)}; "
                f"{least:g} are asked",
                symbol=row.symbol,
                profile=row.profile,
                underlying=row.underlying,
                rule_set=row.rule_set,
                notional=row.lowest_notional,
                observed=row.observed,
                figure=row.margin_type,
                observed_at=row.observed_at,
            )


def _diverging(examined: AuditContext, figure: str, *, model: bool) -> Iterator[Draft]:
    rules = {
        one.applied.rule_set.id: one
        for one in examined.rules
        if not one.applied.rule_set.statutory
        and isinstance(one.applied.rule_set.requirement, Model) is model
    }
    for row in examined.divergences:
        if row.margin_type != figure or row.rule_set not in rules:
            continue
        if row.verdict in {Verdict.UNDER, Verdict.OVER}:
            yield _draft(row, rules[row.rule_set])


def _draft(row: DivergenceRow, rule: Rule) -> Draft:
    under = row.verdict is Verdict.UNDER
    extreme = row.lowest if under else row.highest
    place = row.lowest_notional if under else row.highest_notional
    ranges = row.under if under else row.over
    mark = _mark(row, rule)
    return Draft(
        row.verdict,
        Level.WARNING if under else Level.INFO,
        row.venue,
        _said(row, rule, extreme or 0.0, place or 0.0, mark),
        symbol=row.symbol,
        profile=row.profile,
        underlying=row.underlying,
        rule_set=row.rule_set,
        intervals=ranges,
        notional=place,
        observed=row.observed,
        required=row.required,
        divergence=extreme,
        figure=row.margin_type,
        observed_at=row.observed_at,
        verified=mark,
        remedy=row.remedy if under else "",
    )


def _mark(row: DivergenceRow, rule: Rule) -> str:
    """How far the required number was checked: what was measured for it, else the rule set's source."""
    graded = rule.classes.get(row.underlying)
    if graded and graded.verified:
        return graded.verified
    mark = rule.applied.rule_set.verified(row.margin_type)
    return mark.value if mark else "no source"


def _said(row: DivergenceRow, rule: Rule, extreme: float, place: float, mark: str) -> str:
    under = row.verdict is Verdict.UNDER
    word = "IM" if row.margin_type == "initial" else "MM"
    graded = rule.classes.get(row.underlying)
    named = (
        f" for class {row.reference_class}"
        if graded and row.reference_class != row.underlying
        else ""
    )
    basis = f", from {graded.basis}" if graded and graded.basis else ""
    also = ", and over it elsewhere" if under and row.over else ""
    mend = f"; to comply, {row.remedy}" if under and row.remedy else ""
    ranges = ranges_text(row.under if under else row.over)
    return (
        f"{word} {percent(row.observed or 0.0)} at {dollars(place)} is {percent(abs(extreme))} "
        f"{row.verdict.value} the {percent(row.required or 0.0)} ({mark}) of {row.rule_set}{named}{basis}; "
        f"{row.verdict.value} it on {ranges}{also}{mend}"
    )


def _of_rule(
    rule: Rule,
    verdict: Verdict,
    message: str,
    level: Level = Level.INFO,
    observed_at: str = "",
) -> Draft:
    """A draft about a rule set and no venue."""
    rule_set = rule.applied.rule_set.id
    return Draft(
        verdict, level, "", f"{rule_set}: {message}", rule_set=rule_set, observed_at=observed_at
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""  # noqa: PLR2004 - a few
    return f"{', '.join(names[:5])}{more}"


CHECKS = (
    Check("MH301", "initial-diverges", initial_diverges),
    Check("MH302", "maintenance-diverges", maintenance_diverges),
    Check("MH303", "initial-off-model", initial_off_model),
    Check("MH304", "maintenance-off-model", maintenance_off_model),
    Check("MH305", "class-unknown", class_unknown),
    Check("MH306", "meaning-not-scored", meaning_not_scored),
    Check("MH307", "input-unmeasured", input_unmeasured),
    Check("MH308", "input-stale", input_stale),
    Check(
        "MH309",
        "horizon-short",
        horizon_short,
        (Option("least_minutes", 10.0, "minutes", "the least time that MM should cover"),),
        "preview",
    ),
)

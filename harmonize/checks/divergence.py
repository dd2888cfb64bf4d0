"""MH3xx: deviation of schedules from reference schedules and risk models."""

from collections import Counter
from collections.abc import Hashable, Iterator

from harmonize.checks.base import (
    ABBREVIATIONS,
    AuditContext,
    Check,
    Draft,
    Option,
    first_names,
    ranges_text,
)
from harmonize.comparison.layout import RuleSetLayout, asset_of
from harmonize.document import DivergenceRow, Level, Verdict
from harmonize.policy.rule_set import Model, ReferenceSchedule
from harmonize.text.messages import counted, dollars, iso_utc, percent

_MINUTES_PER_DAY = 1440.0


def initial_diverges(context: AuditContext) -> Iterator[Draft]:
    """Initial margin is outside the tolerance of a reference schedule.

    ## What it checks
    IM(N) against the reference R(N) of the underlying's class, at every notional that both cover.
    The ranges on which ``IM / R − 1`` is outside the tolerance are computed exactly on the pieces,
    not on a grid.

    ## Why it matters
    Below the reference, the venue allows more leverage than the rule set considers prudent at that
    size. Above the reference, the venue requires more margin than needed.

    ## Formula
    IM(N) / R(N) − 1 outside ± relative tolerance, ± absolute tolerance · N.

    ## Example
    IM of 0.8 % against a reference of 10 %: 92 % below, from the smallest position upward.

    ## Citation
    The citations of the rule set. Each finding states how far the source of its number was
    verified.
    """
    return _outside_tolerance(context, "initial", against_model=False)


def maintenance_diverges(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is outside the tolerance of a reference schedule.

    ## What it checks
    MM(N) against the reference, as for initial margin, and only if maintenance margin has the same
    meaning in both. A liquidation trigger is not scored against a margin call or a clearing
    requirement, unless the rule set states how they compare.

    ## Why it matters
    Maintenance margin is the amount that remains to close a position. Below the reference, an
    ordinary price move of the asset takes a position from liquidation to bankruptcy.

    ## Formula
    MM(N) / R(N) − 1 outside ± relative tolerance, ± absolute tolerance · N.

    ## Example
    MM of 0.4 % against a reference of 5 %: 92 % below.

    ## Citation
    The citations of the rule set. Each finding states how far the source of its number was
    verified.
    """
    return _outside_tolerance(context, "maintenance", against_model=False)


def initial_model_deviation(context: AuditContext) -> Iterator[Draft]:
    """Initial margin is outside the tolerance of a risk model.

    ## What it checks
    IM(N) against the rate that a model computes for the underlying from measured inputs, or that
    an authority published. A statistical tolerance is the confidence interval of the inputs: order
    statistics of the sample from which the quantile was estimated.

    ## Why it matters
    The model states which price move must be expected over its horizon at its confidence level. A
    margin below the rate of the model is exhausted by a move that the model considers ordinary.

    ## Formula
    r from the expression of the rule set; IM(N) / (multiple · r) − 1 outside the tolerance.

    ## Example
    IM of 2 % against 10.7 %: a two-day move of 8.6 % at 99 %, plus a quarter.

    ## Citation
    The citations of the rule set. On the confidence interval: David and Nagaraja, Order Statistics,
    section 7.1.
    """
    return _outside_tolerance(context, "initial", against_model=True)


def maintenance_model_deviation(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margin is outside the tolerance of a risk model.

    ## What it checks
    MM(N) against the rate of the model, as for initial margin. Maintenance margin must have the
    same meaning in both, unless the rule set states how they compare.

    ## Why it matters
    A clearing house collects its margin again every day. The maintenance margin of a venue is all
    that remains when a position is closed. If the two are scored against each other, the rule set
    states the reason.

    ## Formula
    MM(N) / r − 1 outside the tolerance.

    ## Example
    MM of 0.5 % against 8.1 %.

    ## Citation
    The citations of the rule set. Each finding states how far the source of its number was
    verified.
    """
    return _outside_tolerance(context, "maintenance", against_model=True)


def reference_class_missing(context: AuditContext) -> Iterator[Draft]:
    """Underlyings have no class in a reference schedule.

    ## What it checks
    Every underlying of the audit is on a class list of the rule set, or its inputs were measured.

    ## Why it matters
    Without a class there is no reference. The affected schedules are assessed neither as compliant
    nor as non-compliant.

    ## Formula
    Number of underlyings without a class. One finding per rule set.

    ## Example
    A coin listed last month that is on no class list.

    ## Citation
    Design rule of this tool: a margin that is not observable is never shown as compliant.
    """
    assets = {asset_of(schedule) for schedule in context.schedules}
    for rule in context.rules:
        if not isinstance(rule.applied.rule_set.requirement, ReferenceSchedule):
            continue
        missing = sorted(assets - set(rule.classes))
        if missing:
            yield _for_rule_set(
                rule,
                Verdict.NOT_OBSERVABLE,
                f"reference class missing for {len(missing):,} of "
                f"{counted(len(assets), 'underlying')}: {first_names(missing, 5)}",
            )


def maintenance_meaning_differs(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margins are not scored, because their meaning differs from the rule set.

    ## What it checks
    The meaning of the maintenance margin of a venue against that of the rule set.

    ## Why it matters
    A liquidation trigger and a margin call answer different questions. A score of one against the
    other has no meaning, unless the rule set states how they compare.

    ## Formula
    meaning(MM of the schedule) ≠ meaning(MM of the rule set), and the rule set has no factor
    between them. One finding per rule set.

    ## Example
    A venue liquidates at 0.5 %; the 50 % of the rule set is the deposit below which a broker
    issues a margin call.

    ## Citation
    Design rule of this tool; the rule set can set `maintenance_across`.
    """
    for rule in context.rules:
        meaning = rule.applied.rule_set.meaning
        if not rule.sets_margin("maintenance"):
            continue
        different = [
            schedule
            for schedule in context.schedules
            if schedule.meaning is not meaning
            and schedule.meaning not in rule.applied.rule_set.across
        ]
        if different:
            meanings = " and ".join(sorted({f"a {schedule.meaning}" for schedule in different}))
            yield _for_rule_set(
                rule,
                Verdict.NOT_APPLICABLE,
                f"MM of {counted(len(different), 'schedule')} is {meanings}, "
                f"not scored against a {meaning}",
            )


def model_input_missing(context: AuditContext) -> Iterator[Draft]:
    """Inputs of a model were not measured.

    ## What it checks
    Every input in the formula of the rule set was measured for every underlying of the audit, from
    enough observations and recently enough.

    ## Why it matters
    A model gives no rate without its inputs. The affected rows are excluded; none of them is
    compliant. A schedule with a formula compares with the tiers of the class instead. The margin that it
    requires can then double or halve with the age of a file of inputs, without a new version.

    ## Formula
    Number of underlyings with a missing input. One finding per rule set. A schedule counts those in a
    class while others have the formula, and those whose inputs were all measured and cannot be used.

    ## Example
    No `var_99_2d_365d` of a coin listed last month.

    ## Citation
    Design rule of this tool: a margin that is not observable is never shown as compliant.
    """
    schedule_counts = Counter(asset_of(schedule) for schedule in context.schedules)
    for rule in context.rules:
        reasons = rule.applied.reasons
        if isinstance(rule.applied.rule_set.requirement, Model) and reasons:
            first = min(reasons, key=lambda asset: (-schedule_counts[asset], asset))
            yield _for_rule_set(
                rule,
                Verdict.NOT_OBSERVABLE,
                f"model rate not observable for {len(reasons):,} of "
                f"{counted(len(schedule_counts), 'underlying')}; {reasons[first]}",
                Level.INFO if len(reasons) < len(schedule_counts) else Level.WARNING,
            )
        if by_class := rule.applied.class_reasons:
            first = min(by_class, key=lambda asset: (-schedule_counts[asset], asset))
            yield _for_rule_set(
                rule,
                Verdict.NOT_APPLICABLE,
                f"class in place of the formula for {len(by_class):,} of "
                f"{counted(len(schedule_counts), 'underlying')}; {by_class[first]}",
                Level.WARNING,
            )


def model_input_stale(context: AuditContext) -> Iterator[Draft]:
    """Inputs of a model were measured long ago.

    ## What it checks
    The age of every input that a rule set used, on the date of the audit.

    ## Why it matters
    Volatility can change by half within weeks. A reference from an old quantile is compared, and
    marked as stale.

    ## Formula
    date of the audit − date of the input > limit of the audit. One finding per rule set.

    ## Example
    Quantiles of March in an audit of September.

    ## Citation
    Delegated Regulation (EU) 153/2013, Art 25: volatility from the latest twelve months.
    """
    for rule in context.rules:
        stale = [
            measured
            for measured in rule.applied.used_inputs
            if (context.as_of - measured.observed_at).days > context.stale_after_days
        ]
        if stale:
            oldest = min(stale, key=lambda measured: measured.observed_at)
            age = (context.as_of - oldest.observed_at).days
            yield _for_rule_set(
                rule,
                Verdict.NOT_APPLICABLE,
                f"observed age of {counted(len(stale), 'input')} up to {age} days at the audit, "
                f"required at most {context.stale_after_days:g} days: "
                f"{oldest.name} of {oldest.underlying}",
                Level.WARNING,
                observed_at=iso_utc(oldest.observed_at),
            )


def close_out_horizon_short(context: AuditContext) -> Iterator[Draft]:
    """Maintenance margin covers an ordinary price move over a short time only.

    ## What it checks
    The close-out horizon of a position: the time over which a price move reaches the maintenance
    margin. The move is the underlying's one-day 99 % move, scaled by the square root of time. The
    horizon is computed at the notional at which maintenance margin is lowest against the reference.

    ## Why it matters
    The horizon makes venues comparable without preferring any one rule: an MM of 0.4 % on BTC
    corresponds to minutes. It is a heuristic. From 15 minutes to one day, the 99 % moves of the BTC
    and ETH perpetuals on Binance (2023 to 2025) grow with time to the power of 0.47 and 0.49 for
    long positions, and of 0.52 and 0.51 for short ones. Scaled down from one day, the root is 11 %
    and 5 % below the 15-minute move of long positions, and 10 % and 4 % above that of short ones.
    A class rate v1 above the measured one-day move shortens the horizon.

    ## Formula
    h = (MM / v1)² days, with v1 of the class in the rule set; h < `least_minutes`.

    ## Example
    0.4 % against a v1 of 10 %: 2.3 minutes.

    ## Citation
    Square-root-of-time scaling, as in Delegated Regulation (EU) 153/2013, Art 26 practice; a
    heuristic.
    """
    required = context.options["least_minutes"]
    rules = {rule.applied.rule_set.id: rule for rule in context.rules}
    for row in context.divergences:
        reference = rules[row.rule_set].classes.get(row.underlying)
        if row.margin_type != "maintenance" or row.verdict is Verdict.OVER:
            continue
        if row.observed is None or not reference or not reference.v1:
            continue
        minutes = (row.observed / float(reference.v1)) ** 2 * _MINUTES_PER_DAY
        if minutes < required:
            yield Draft(
                Verdict.UNDER,
                Level.INFO,
                row.venue,
                f"observed close-out horizon {minutes:.3g} minutes at "
                f"{dollars(row.lowest_notional or 0.0)}, required at least {required:g} minutes: MM "
                f"{percent(row.observed)} against a one-day move of "
                f"{percent(float(reference.v1))}",
                symbol=row.symbol,
                profile=row.profile,
                underlying=row.underlying,
                rule_set=row.rule_set,
                notional=row.lowest_notional,
                observed=row.observed,
                margin_type=row.margin_type,
                observed_at=row.observed_at,
                observed_from=row.observed_from,
                date_kind=row.date_kind,
            )


def _outside_tolerance(
    context: AuditContext, margin_type: str, *, against_model: bool
) -> Iterator[Draft]:
    rules = {
        rule.applied.rule_set.id: rule
        for rule in context.rules
        if not rule.applied.rule_set.statutory
        and isinstance(rule.applied.rule_set.requirement, Model) is against_model
    }
    messages: dict[Hashable, str] = {}
    for row in context.divergences:
        if row.margin_type != margin_type or row.rule_set not in rules:
            continue
        if row.verdict in {Verdict.UNDER, Verdict.OVER}:
            yield _draft(row, rules[row.rule_set], messages)


def _draft(row: DivergenceRow, rule: RuleSetLayout, messages: dict[Hashable, str]) -> Draft:
    """Returns the draft of a row. Rows with equal content share one text, kept in ``messages``."""
    is_below = row.verdict is Verdict.UNDER
    extreme = row.lowest if is_below else row.highest
    notional = row.lowest_notional if is_below else row.highest_notional
    verified = rule.verification(row.underlying, row.margin_type) or "no source"
    terms = (row.rule_set, row.reference_class, row.underlying, row.verdict, verified)
    figures = (row.observed, row.required, extreme, notional, row.remedy)
    content = (*terms, *figures, id(row.under), id(row.over))  # ranges are slow to hash
    if content not in messages:
        messages[content] = _message(row, rule, extreme or 0.0, notional or 0.0, verified)
    return Draft(
        row.verdict,
        Level.WARNING if is_below else Level.INFO,
        row.venue,
        messages[content],
        symbol=row.symbol,
        profile=row.profile,
        underlying=row.underlying,
        rule_set=row.rule_set,
        intervals=row.under if is_below else row.over,
        notional=notional,
        observed=row.observed,
        required=row.required,
        deviation=extreme,
        margin_type=row.margin_type,
        observed_at=row.observed_at,
        observed_from=row.observed_from,
        date_kind=row.date_kind,
        verified=verified,
        remedy=row.remedy if is_below else "",
    )


def _message(
    row: DivergenceRow, rule: RuleSetLayout, extreme: float, notional: float, verified: str
) -> str:
    is_below = row.verdict is Verdict.UNDER
    direction = "below" if is_below else "above"
    reference = rule.classes.get(row.underlying)
    has_class_name = reference and row.reference_class != row.underlying
    class_text = f" for class {row.reference_class}" if has_class_name else ""
    basis = f", from {reference.basis}" if reference and reference.basis else ""
    other_ranges = ", above it on other sizes" if is_below and row.over else ""
    remedy = f"; to comply, {row.remedy}" if is_below and row.remedy else ""
    ranges = ranges_text(row.under if is_below else row.over)
    return (
        f"observed {ABBREVIATIONS[row.margin_type]} {percent(row.observed or 0.0)} at "
        f"{dollars(notional)}, required {percent(row.required or 0.0)} ({verified}) by "
        f"{row.rule_set}{class_text}{basis}: {percent(abs(extreme))} {direction}; {direction} the "
        f"tolerance on {ranges}{other_ranges}{remedy}"
    )


def _for_rule_set(
    rule: RuleSetLayout,
    verdict: Verdict,
    message: str,
    level: Level = Level.INFO,
    observed_at: str = "",
) -> Draft:
    """Returns a draft on a rule set, without a venue."""
    rule_set = rule.applied.rule_set.id
    return Draft(
        verdict, level, "", f"{rule_set}: {message}", rule_set=rule_set, observed_at=observed_at
    )


CHECKS = (
    Check("MH301", "initial-diverges", initial_diverges),
    Check("MH302", "maintenance-diverges", maintenance_diverges),
    Check("MH303", "initial-model-deviation", initial_model_deviation),
    Check("MH304", "maintenance-model-deviation", maintenance_model_deviation),
    Check("MH305", "reference-class-missing", reference_class_missing),
    Check("MH306", "maintenance-meaning-differs", maintenance_meaning_differs),
    Check("MH307", "model-input-missing", model_input_missing),
    Check("MH308", "model-input-stale", model_input_stale),
    Check(
        "MH309",
        "close-out-horizon-short",
        close_out_horizon_short,
        (Option("least_minutes", 10.0, "minutes", "shortest close-out horizon that MM covers"),),
        "preview",
    ),
)

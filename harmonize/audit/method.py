"""Texts of the report's Method section: how each result of an audit is defined."""

from harmonize.comparison import representative
from harmonize.comparison.index import LOWER, UPPER
from harmonize.numerics.segments import HORIZON

EXPLANATIONS = {
    "instrument-choice": representative.RULE,
    "margin": (
        "IM(N) is the lowest initial margin of a position of notional N: the published margin, or N "
        "divided by the highest leverage allowed at N. MM(N) is the maintenance margin. It excludes "
        "fee add-ons, which depend on the account; each schedule names its add-on."
    ),
    "divergence": (
        "IM(N) / R(N) − 1 against the reference R; MM likewise. Extremes and ranges outside the "
        "tolerance are computed on the pieces of both functions, not on a grid of notionals. They "
        "cover notionals from $1 to the end of the function that ends first; open-ended functions "
        f"end at ${HORIZON:,.0f}."
    ),
    "index": (
        "H = 100·exp(−E|ln(margin / reference)|). E is the mean over ln N from "
        f"${LOWER:,.0f} to ${UPPER:,.0f} and over venues. Venues are weighted by open interest where "
        "every compared venue publishes it beside its margins, otherwise equally. 100 means "
        "identical margins, 50 a factor of two on average. A venue whose schedule ends earlier counts "
        "up to that end. The interval is a 95 % bootstrap over venues, or over underlyings for the "
        "index of all. It measures how much the index depends on the venues compared, not the "
        "uncertainty of the margins themselves."
    ),
    "spread": (
        "The highest minus the lowest margin that venues require for the same notional, with the "
        "venues of both. Between two cuts (tier bounds, crossings of curves) the order of the venues "
        "is constant. The annual cost is the spread times the cost of capital, 10 % unless specified."
    ),
    "gap": (
        "R(N) − A(N): the reference margin of a position in one account minus the cheapest split of "
        "the position over all included venues. Let A_R(N) be the cheapest split if every venue used "
        "the reference. Fragmentation is R − A_R and divergence is A_R − A; the two add up to the "
        "gap. Fragmentation is what remains if every venue uses the same table: margin rises faster "
        "than size, and no venue sees positions at another. Splits are exact: branch and bound "
        "between a Lagrangian bound and the best split found. Any remaining difference is reported."
    ),
    "liquidation": (
        "The adverse price move from entry at which the equity of an isolated position falls to its "
        "maintenance margin plus any fee that the venue adds. The tier follows the position's value "
        "at that price; where tiers are in contracts or coins, it stays that of the entry. Where a "
        "source states that margin follows the entry price, it stays constant. Leverage is notional "
        "over margin at entry. Fees depend on the account and are excluded unless specified. Funding "
        "and margin added later are excluded."
    ),
    "counted": (
        "Schedules of these kinds are shown and marked but excluded from cross-venue statistics: "
        "those of contracts that do not trade on the date of the audit; those based on a venue's "
        "documentation; those of which it is not observed that they are on the asset of the others; "
        "those of an order book that another venue counts for; those of a venue that has closed; "
        "those with lower bounds only, because only a maximum leverage, a first tier or lowest rates "
        "are published; and those with margins that no source verifies."
    ),
    "trading": (
        "Contracts that expired by the date of the audit, and contracts that a venue's list keeps "
        "after it gave their asset another code, are shown with the reason. They enter no comparison, "
        "cap, index or finding other than on the quality of data."
    ),
    "dates": (
        "Recordings differ in date. Every cross-venue figure names the oldest and the newest date "
        "that it compares; a conversion across dates makes a margin derived."
    ),
    "underlyings": (
        "Assets are matched across venues by a table of codes (XBT is BTC, 1000PEPE is PEPE), by "
        "prices, and by ticker. Where prices within a day differ by more than half, or no price is "
        "common and the observations may be more than 60 days apart, the identity is not observed and "
        "the schedule is excluded."
    ),
    "capacity": (
        "A venue that publishes no position limit is compared at every size at which its margin is "
        "known. The size that the venue would accept is unknown. Where published tiers end below the "
        "capacity, larger positions were not observed. Where only a maximum leverage or lowest rates "
        "are published, without a size, the margin is a lower bound at every size and is not compared."
    ),
    "models": (
        "A model gives one rate per underlying, from measured inputs or published by an authority. "
        "Where the rule set specifies it, the interval of the inputs is the tolerance: the rate is "
        "computed with every input at its lower and at its upper end. Underlyings without measured "
        "inputs have no row against a model and are not compliant with it. Caps, models and "
        "reference schedules are different measures and are never averaged."
    ),
    "smallest change": (
        "Where a margin is too low, tiers are raised from the smallest position up. Each is raised to "
        "the lowest rate that meets the requirement over the whole tier, given the raised tiers below; "
        "rates never fall from one tier to the next. Rates in texts are rounded up to four digits. "
        "The result can exceed the tolerance at other sizes. Where a tier would need more than "
        "100 %, all tiers are raised by one factor."
    ),
    "waivers": (
        "A waived finding is excluded from all counts and listed separately, with owner, reason and "
        "expiry. A waiver is itself a finding if it has expired, covers no finding, or no longer "
        "allows the value of a finding."
    ),
    "classes": (
        "The class of an underlying in a reference schedule comes from the lists in the rule set. An "
        "underlying on no list has no class, and its verdict is not observable."
    ),
}

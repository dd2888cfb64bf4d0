"""Texts of the report's Method section: how each result of an audit is defined."""

from harmonize.comparison import representative
from harmonize.comparison.index import LOWER, UPPER
from harmonize.numerics.segments import HORIZON

EXPLANATIONS = {
    "instrument-choice": representative.RULE,
    "margin": (
        "IM(N) is the least initial margin of a position of notional N: what the venue publishes, "
        "or N divided by the largest leverage allowed at N. MM(N) is the maintenance margin "
        "without fee add-ons, which depend on the account; each schedule names its add-on."
    ),
    "divergence": (
        "IM(N) / R(N) − 1 against the reference R, MM likewise. Extremes and the ranges outside "
        "the tolerance are found on the pieces of both functions, from $1 up to where the first "
        f"of them ends, open-ended ones at ${HORIZON:,.0f}; no grid of notionals is involved."
    ),
    "index": (
        "H = 100·exp(−E|ln(margin / reference)|), the mean over ln N from "
        f"${LOWER:,.0f} to ${UPPER:,.0f} and over venues, weighted by open interest where every "
        "venue that counts publishes it beside its margins, else equally. 100 is identical, 50 is on "
        "average a factor of two apart. A venue whose schedule ends earlier counts as far as it goes. "
        "The interval is a 95 % bootstrap over venues (over underlyings, for the index of all); it "
        "says how much hangs on which venues were compared, and nothing of the margins themselves."
    ),
    "spread": (
        "The most minus the least margin that venues ask for the same notional, and who asks "
        "them. Between two cuts (bounds of tiers, crossings of curves) their order is constant. Its "
        "cost in a year is the spread times the hurdle rate, 10 % unless another is given."
    ),
    "gap": (
        "R(N) − A(N): what the reference asks of a position in one account, less the cheapest split of "
        "it over all venues that count. With A_R(N) the cheapest split if every venue used the "
        "reference, fragmentation is R − A_R and divergence A_R − A; the two add up to the gap. "
        "Fragmentation is what would remain if every venue used the same table: margin rises faster "
        "than size, and no venue sees what is held at another. The split is exact: branch and bound "
        "between a Lagrangian bound and the best split found, and what is left between them is given."
    ),
    "liquidation": (
        "The move of the price from entry at which an isolated position's equity is no more than its "
        "maintenance margin and the fee that the venue counts on top, by the tier of the position's "
        "value at that price; where tiers are in contracts or coins, by the tier of the entry; where a "
        "source says that margin follows the price of entry, it stays what it was there. Fees "
        "depend on the account and are left out unless one is given. Leverage is notional over margin "
        "at entry. Funding, and margin added later, are left out."
    ),
    "counted": (
        "Schedules that rest on a venue's documentation, of which only the maximum leverage or the "
        "first tier is published, or whose margins no source verifies, are shown beside the others "
        "and marked, but enter no cross-venue figure."
    ),
    "dates": (
        "Recordings differ in date. Every cross-venue figure names the oldest and newest date it "
        "compares; a conversion across dates makes a margin derived."
    ),
    "underlyings": (
        "Assets are matched across venues by their tickers (XBT is BTC, 1000PEPE is PEPE). Two coins "
        "can share a ticker, more so across dates: mind small coins with a wide span of dates."
    ),
    "capacity": (
        "A venue that publishes no largest position is compared at every size, as its schedule "
        "stands; nobody knows how much of it the venue would take."
    ),
    "models": (
        "A model gives one rate an underlying, from measured inputs or published by an authority. "
        "Where the rule set says so, the interval of its inputs is the tolerance: the rate is "
        "computed with every input at its lower and at its upper end. Underlyings whose inputs were "
        "not measured have no row against a model, and none of them is compliant. Caps, models and "
        "schedules are different yardsticks: no figure is averaged over them."
    ),
    "smallest change": (
        "Where a margin is too low, tiers are raised from the smallest position up, each to the "
        "least rate that keeps the margin at or above what is due on the whole of it, given the "
        "tiers below as raised; rates never fall from one tier to the next. A rate in words is "
        "rounded up to four digits. What complies so can be above the tolerance at other sizes. Where "
        "a tier would have to go above 100 %, all are raised by one factor."
    ),
    "waivers": (
        "A finding that somebody answers for counts nowhere and is listed apart, with who, why and "
        "until when. A waiver that has expired, covers nothing or was outgrown is itself a finding."
    ),
    "classes": (
        "An underlying's class in a reference schedule comes from the lists in the rule set. One "
        "on no list has no class, and its verdict is not observable."
    ),
}

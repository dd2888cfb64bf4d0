"""How thresholds, the gate and signals are calculated, in words, with references."""

from collections.abc import Iterator

from harmonize.document import ThresholdSection
from harmonize.document.threshold_sentences import GATE_AND_DEFAULT, SIGNAL_TERMS
from reports.site.adequacy_words import level_text
from reports.site.markup import Html, facts, text, unordered


def method_facts(section: ThresholdSection) -> Html:
    """Returns the definitions behind the page."""
    level = level_text(section.level)
    beyond = level_text(1.0 - (section.level or 0.0))
    calm = level_text(section.calm_rise)
    meanings = {
        name: text(meaning.format(level=level, beyond=beyond, calm=calm))
        for name, meaning in _MEANINGS.items()
    }
    return facts(meanings.items())


def references() -> Html:
    """Returns the literature and the law behind the method."""
    return unordered(map(text, _REFERENCES))


def notes(section: ThresholdSection) -> Iterator[str]:
    """Yields the limits of the data, and the models that are not compared."""
    yield from section.notes
    for row in section.not_compared:
        yield f"not compared: {row.model}: {row.reason}"


_MEANINGS = {
    "Threshold": "Margin rate for the next day that covers the {level} loss of a long and of a short"
    " position: the larger of both. Every threshold was known on the day before; data of a day say"
    " nothing of the same day.",
    "Historical": "Empirical quantile of the daily returns of the last 365 or 1,095 days.",
    "EWMA": "Exponentially weighted volatility with a decay of 0.94 or 0.97; normal: times the quantile"
    " of the normal distribution; filtered: times the empirical quantile of the returns over it.",
    "GARCH, filtered": "GARCH(1,1) with t-distributed innovations, fitted every 30 days to at most 1,095"
    " returns and filtered daily, times the empirical quantile of its residuals. It is the benchmark.",
    "Peaks": "A generalised Pareto distribution of the residuals beyond a high quantile.",
    "Implied volatility": "The implied volatility of options on BTC, scaled to one day.",
    "Quantile regression": "Linear, pooled over assets: of the return over its volatility on volatility,"
    " ranges, volume and the volatility of BTC. The average is with the benchmark.",
    "Tools": "Those of Art 28 against procyclicality: a buffer of 25 %, the same buffer that is used up,"
    " a weight of 25 % on stressed observations, a floor from ten years as far as data reach, and a"
    " speed limit. A constant buffer leaves procyclicality exactly unchanged.",
    "Calm": "The largest rise of the margin within 30 days, median over assets, is at most {calm}.",
    "Covers": "The nominal share of {beyond} is not below the 95 % interval of the share of breaches,"
    " on either side, and few sides of assets have too many breaches by the test of Kupiec. The interval"
    " resamples blocks of days, because all assets breach together.",
    "Gate": "A model is offered if its tick loss is lower than that of the benchmark (Diebold and"
    " Mariano on daily means over assets, p below 5 %), if it covers the level on both sides pooled,"
    " and if Kupiec rejects at most 2 of 24 sides of assets, or as many in proportion.",
    "Default": f"The cheapest of the calm paths that cover both sides. {GATE_AND_DEFAULT}",
    "Interval": "That of the sample which gives the threshold, at 95 %: order statistics of the returns of"
    " the window; of other models, of losses divided by the threshold of their day. Stressed observations"
    " and a floor add the interval of their own sample. The upper end is the larger one of both sides."
    " Returns count as independent; where volatility clusters, the true interval is wider.",
    "Statements": "A margin below the interval should rise, above it could fall, inside it need not move."
    " Each model that covers both sides without a tool says the same of its own interval. If fewer than"
    " half agree, the statement is disputed; without such a model it cannot be told. The threshold is that of a position of the size, closed over days"
    " of volume; without volume, it is without size.",
    "Certainty": "High: all models that cover both sides agree with the interval; medium: more than half;"
    " low: otherwise, or if the last price is more than 30 days old. What lowers it is named.",
    "Signals": f"At one day. {SIGNAL_TERMS}"
    " A signal foresees if first breaches, those after ten days without one, follow it more often than"
    " by chance. Otherwise it confirms at most.",
    "Between two observations": "A venue's margin is known on the days on which it was observed. It rose"
    " at some time between two of them.",
}

_REFERENCES = (
    "Commission Delegated Regulation (EU) 153/2013, Art 24 to 28: confidence, lookback, procyclicality",
    "Murphy, Vasios and Vause, Procyclicality of risk-based initial margin models, FSP 29 (2014)",
    "J.P. Morgan and Reuters, RiskMetrics Technical Document (1996): EWMA",
    "Bollerslev, A conditionally heteroskedastic time series model for speculative prices, 1987: GARCH-t",
    "Barone-Adesi, Giannopoulos and Vosper, VaR without correlations, 1999: filtered historical simulation",
    "McNeil and Frey, Estimation of tail-related risk measures, 2000: peaks over threshold on residuals",
    "Koenker and Bassett, Regression quantiles, 1978",
    "Kupiec, Techniques for verifying the accuracy of risk measurement models, 1995",
    "Diebold and Mariano, Comparing predictive accuracy, 1995",
    "Politis and Romano, The stationary bootstrap, 1994: blocks of days",
)

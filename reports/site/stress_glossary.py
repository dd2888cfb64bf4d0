"""Words of the pages of stress, with their meanings."""

Statement = tuple[str, str]
"""Subject, and sentences on it."""

WORDS: tuple[Statement, ...] = (
    (
        "Liquidated",
        "notional of positions that a venue closes, because their margin is below its MM",
    ),
    ("Shock, total fall", "the sudden fall assumed; the same with what forced sales add to it"),
    (
        "Effective leverage",
        (
            "position ÷ margin (equity) of a trader, not the leverage setting; log-sd, the standard"
            " deviation of its logarithm, is how widely it is spread"
        ),
    ),
    (
        "Samples of positions (books)",
        "draws of leverage and size from the same assumptions; their interval has no other uncertainty",
    ),
    (
        "Liquidity multiplier",
        "factor on volatility in the impact of forced sales; at 10×, a sale moves the price 10 times as far",
    ),
    (
        "Behaviour (reaction of traders)",
        "of those whose margin is below a new IM: they add margin (notional kept) or close a part (margin kept)",
    ),
    ("Cliff", "a shock from which the fall deepens by at least 1 % of the price at once"),
    ("Loss beyond margin", "what liquidated positions lose that their own margin does not pay"),
    (
        "Less or unchanged, more or unchanged",
        "under no market liquidity and no reaction of traders more than today, or less; some are equal",
    ),
    (
        "Not identified",
        "public data is consistent with very different values, so that no single one is stated",
    ),
)
"""Words of the pages, with their meanings."""

"""Small valid rule sets of each kind, which tests invalidate one line at a time."""

CAP = """\
id: small-cap
version: "1"
title: Small cap
kind: cap
scope:
  text: Everyone
  account_classes: [retail]
requirement:
  initial_rate: 50%
  maintenance:
    fraction_of_initial: 0.5
maintenance_meaning: margin call
statutory: true
tolerance: {relative: 0, absolute: 0.0001}
citations:
  - reference: A law
    via: its text
    verified: primary
"""

# With v1 0.1 and pi * adv_ref 250_000_000: 1_000_000 * 0.1 * sqrt(1 + 1 / 750) = 100_066.64, and
# with six hours 50_133.16; 2_000_000 gives 200_266.49 and 100_531.92, so the second slices are
# 0.1001999 and 0.0503988.
SCHEDULE = """\
id: small-schedule
version: "1.2"
title: Small schedule
kind: schedule
scope: {text: Everyone, account_classes: []}
requirement:
  above_last_tier: formula
  formula: {pi: 5%, initial_days: 1, maintenance_days: 0.25}
  unlisted: not observable
  classes:
    A:
      rule: Bitcoin
      assets: [BTC, ETH]
      v1: 0.1
      adv_ref: 5_000_000_000
      tiers:
        - {upper: 1_000_000, initial_rate: 0.1001, maintenance_rate: 0.0501}
        - {upper: 2_000_000, initial_rate: 0.1002, maintenance_rate: 0.0504}
    B:
      rule: the rest
      assets: [SOL]
      v1: 0.1
      adv_ref: 5_000_000_000
      tiers:
        - {upper: 1_000_000, initial_rate: 0.1001, maintenance_rate: 0.0501}
maintenance_meaning: liquidation trigger
statutory: false
tolerance: {relative: 15%, absolute: 0}
citations:
  - reference: A computation
    via: this file
    verified: derived
"""

MODEL = """\
id: small-model
version: "1"
title: Small model
kind: model
scope: {text: Everyone, account_classes: []}
requirement:
  inputs:
    q: {measured: var_99_1d, means: A quantile}
    s: {measured: var_stress, means: Another, least_observations: 100}
  rate: max(q, 0.75 * q + 25% * s)
  initial: 1.10
  maintenance: equal to rate
  published:
    - {since: 2026-01-01, until: 2026-02-01, rates: {BTC: 8%}, via: a page, verified: primary}
  combine: prefer published
  grace_days: 8
maintenance_meaning: margin call
maintenance_across:
  - {meaning: liquidation trigger, factor: 50%, reason: closed out at half of it}
statutory: false
tolerance: {relative: 0, absolute: 0, statistical: 95%}
citations:
  - {reference: A rule, via: its text, verified: primary, supports: [initial, maintenance]}
examples:
  - text: Far below
    underlying: BTC
    inputs: {q: 10%, s: 20%}
    tiers: [{initial_rate: 1%, maintenance_rate: 1%}]
    observed_on: 2026-06-01
    initial: under
    maintenance: under
"""

PROHIBITION = """\
id: small-prohibition
version: "1"
title: Small prohibition
kind: cap
scope:
  text: Retail clients
  account_classes: [retail]
  underlyings: [BTC, ETH]
  venues: [okx]
  jurisdictions: [JP]
  payoffs: [linear]
  notional: {above: 10_000, up_to: 1_000_000}
  in_force: {since: 2024-01-01, until: 2026-12-31}
requirement:
  prohibited: true
maintenance_meaning: margin call
statutory: true
tolerance: {relative: 0, absolute: 0}
citations:
  - {reference: A law, via: its text, verified: primary}
"""

DISCLOSURE = """\
id: small-disclosure
version: "1"
title: Small disclosure
kind: disclosure
scope: {text: Everyone, account_classes: []}
requirement:
  expects:
    - {what: Maintenance margin, check: MH201}
maintenance_meaning: liquidation trigger
statutory: false
tolerance: {relative: 0, absolute: 0}
citations:
  - {reference: A report, via: its text, verified: primary}
"""

VARIANT = """\
id: small-variant
version: "1"
title: Small variant
extends: small-cap.yaml
requirement:
  initial_rate: 25%
  maintenance: null
"""

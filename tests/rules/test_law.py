"""What each bundled rule set claims of the law: whom it binds, on which text, and until when."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from harmonize.comparison.layout import build_layout
from harmonize.comparison.verdicts import evaluate
from harmonize.core.instrument import contract
from harmonize.core.payload import Origin
from harmonize.core.schedule import (
    INFINITY,
    FeeAddOn,
    Known,
    MarginMode,
    MarginSchedule,
    Profile,
    TierRule,
    Unknown,
    flat,
)
from harmonize.document import DivergenceRow, Verdict
from harmonize.policy.apply import apply_rule_sets
from harmonize.policy.inputs import Input, newest_inputs
from harmonize.policy.rule_set import AccountClass, Combine, Model, Prohibition, RuleSet, Verified
from harmonize.policy.summary import requirement_summary
from rules import loader
from rules.language.pages import rule_set_page
from tests.support import recorded
from venues import registry

NOW = datetime(2026, 3, 3, tzinfo=UTC)
EXPIRY = date(2026, 9, 25)


def schedule(
    asset: str, rate: str = "0.01", *, expiry: date | None = None, account: str = "any"
) -> MarginSchedule:
    """A schedule of one rate at every size, of a linear contract."""
    instrument = contract("venue", asset, base=asset, quote="USDT", settle="USDT", expiry=expiry)
    return MarginSchedule(
        instrument=instrument,
        profile=Profile(MarginMode.ANY, account),
        observed_at=NOW,
        dates=(NOW,),
        origin=Origin.RECORDED,
        rule=TierRule.FLAT,
        tiers=(),
        initial=Known(flat([INFINITY], [D(rate)])),
        maintenance=Known(flat([INFINITY], [D(rate) / 2])),
        capacity=Unknown("open-ended"),
        meaning=loader.load("esma-retail").meaning,
        fee=FeeAddOn("none", Unknown("not observed")),
        evidence=(),
    )


def rows(rules: RuleSet, *schedules: MarginSchedule) -> tuple[DivergenceRow, ...]:
    assets = [item.instrument.underlying.asset for item in schedules]
    applied = apply_rule_sets([rules], {}, assets, NOW.date())
    return evaluate(schedules, build_layout(schedules, applied), ())


def verdict(pack: str, subject: MarginSchedule, margin_type: str = "initial") -> Verdict:
    found = rows(loader.load(pack), subject)
    return next(row.verdict for row in found if row.margin_type == margin_type)


def test_every_prohibition_rests_on_a_text_that_was_read() -> None:
    prohibitions = [
        rules for rules in loader.load_packs() if isinstance(rules.requirement, Prohibition)
    ]
    assert [rules.id for rules in prohibitions] == ["uk-fca"]
    assert all(rules.verified("scope") is Verified.PRIMARY for rules in prohibitions)


@pytest.mark.parametrize("rate", ["0.01", "0.5", "0.75", "1"])
@pytest.mark.parametrize("expiry", [None, EXPIRY])
@pytest.mark.parametrize("account", ["any", "retail"])
def test_singapore_gives_no_verdict_on_any_contract(
    rate: str, expiry: date | None, account: str
) -> None:
    subject = schedule("BTC", rate, expiry=expiry, account=account)
    (row,) = rows(loader.load("mas"), subject)
    assert row.verdict is Verdict.NOT_OBSERVABLE
    assert "approved exchange" in row.reason
    assert "not read" in row.reason


def test_singapore_states_the_proposal_and_that_it_is_no_law() -> None:
    rules = loader.load("mas")
    assert requirement_summary(rules) == "IM 50 % (secondary)"
    assert not rules.statutory
    assert {flag.status for flag in rules.flags} >= {"proposed", "not covered"}
    page = rule_set_page(rules)
    assert "not known for perpetual and dated contracts" in page
    assert "prohibited at any margin" not in page


@pytest.mark.parametrize(
    "asset", ["USDC", "FDUSD", "TUSD", "BUSD", "PAXG", "XAUT", "EURC", "PYUSD"]
)
def test_e_money_and_asset_backed_tokens_are_not_prohibited_in_the_united_kingdom(
    asset: str,
) -> None:
    assert verdict("uk-fca", schedule(asset)) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("asset", ["BTC", "ETH", "DOGE", "PEPE"])
@pytest.mark.parametrize("expiry", [None, EXPIRY])
def test_other_crypto_derivatives_stay_prohibited_in_the_united_kingdom(
    asset: str, expiry: date | None
) -> None:
    assert verdict("uk-fca", schedule(asset, expiry=expiry)) is Verdict.PROHIBITED


@pytest.mark.parametrize("asset", ["USTC", "DAI", "FRAX"])
def test_a_token_that_may_or_may_not_be_e_money_has_no_verdict(asset: str) -> None:
    assert verdict("uk-fca", schedule(asset)) is Verdict.NOT_OBSERVABLE


@pytest.mark.parametrize("margin_type", ["initial", "maintenance"])
@pytest.mark.parametrize(
    ("pack", "rate", "dated"),
    [
        ("esma-retail", "0.01", Verdict.NOT_APPLICABLE),
        ("esma-retail", "0.9", Verdict.NOT_APPLICABLE),
        ("asic-retail", "0.01", Verdict.NOT_OBSERVABLE),
        ("asic-retail", "0.9", Verdict.NOT_OBSERVABLE),
    ],
)
def test_measures_on_contracts_for_difference_give_no_verdict_on_dated_futures(
    pack: str, rate: str, dated: Verdict, margin_type: str
) -> None:
    assert verdict(pack, schedule("BTC", rate, expiry=EXPIRY), margin_type) is dated
    perpetual = verdict(pack, schedule("BTC", rate), margin_type)
    assert perpetual is (Verdict.BREACH if rate == "0.01" else Verdict.COMPLIANT)


def test_a_share_is_out_of_scope_before_anything_is_unknown() -> None:
    assert verdict("asic-retail", schedule("TSLA", expiry=EXPIRY)) is Verdict.NOT_APPLICABLE
    assert verdict("mas", schedule("TSLA")) is Verdict.NOT_APPLICABLE
    assert verdict("mas", schedule("BTC", account="professional")) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("pack", ["vara-retail", "jfsa-retail"])
def test_rules_on_derivatives_of_every_kind_bind_dated_futures(pack: str) -> None:
    assert verdict(pack, schedule("BTC", expiry=EXPIRY)) is (
        Verdict.NOT_APPLICABLE if pack == "vara-retail" else Verdict.BREACH
    ), "VARA's rulebook is of 31 March 2026, after the observation"
    assert not loader.load(pack).scope.contracts


def test_perpetual_contracts_are_covered_by_a_statement_with_its_status() -> None:
    rules = loader.load("esma-retail")
    (statement,) = (c for c in rules.citations if "24 February 2026" in c.reference)
    assert statement.verified is Verified.SECONDARY
    assert statement.supports == ("scope",)
    assert "likely" in rules.about
    assert "contracts" in {flag.field for flag in rules.flags}


def _observed_rules() -> tuple[RuleSet, Model]:
    rules = loader.load("cftc-dco-observed")
    assert isinstance(rules.requirement, Model)
    return rules, rules.requirement


def _applied_on(day: date, *assets: str) -> tuple[dict[str, D], dict[str, str]]:
    """Returns the rate per asset on a day, and the reasons where there is none; q is 8.1 %."""
    rules, model = _observed_rules()
    (need,) = model.needs
    now = datetime(day.year, day.month, day.day, tzinfo=UTC)
    value = D("0.081")
    measured = [
        Input(need.name, asset, value, now, value, value, D("0.95"), 1095, "derived")
        for asset in assets
    ]
    (applied,) = apply_rule_sets([rules], newest_inputs(measured, now), assets, day)
    assert applied.reference_schedule is not None
    return {
        class_.name: class_.maintenance.pieces[0].rate
        for class_ in applied.reference_schedule.classes
        if class_.maintenance
    }, dict(applied.reasons)


def test_bitnomials_rates_lapse_on_19_december_2026() -> None:
    _, model = _observed_rules()
    (published,) = model.published
    assert published.last_use(model.grace_days) == date(2026, 12, 19)
    assert _applied_on(date(2026, 12, 19), "BTC", "BNB") == (
        {"BTC": D("0.15"), "BNB": D("0.081")},
        {},
    )
    rates, reasons = _applied_on(date(2026, 12, 20), "BTC", "BNB")
    assert rates == {"BNB": D("0.081")}, "an asset that was never published has the minimum"
    assert reasons == {"BTC": "the rate of BTC published for 2025-11-14 lapsed on 2026-12-19"}


def test_the_day_on_which_rates_lapse_is_said() -> None:
    rules, model = _observed_rules()
    assert model.combine is Combine.LARGER
    assert "lapse on 19 December 2026" in rules.about
    assert "used until 2026-12-19" in rule_set_page(rules)
    assert "one span" in loader.load("jvcea-corporate").about


def test_every_account_class_of_a_recorded_schedule_is_in_the_closed_list() -> None:
    accounts = {
        item.profile.account_class.partition(" ")[0]
        for adapter in registry.VENUES
        for item in recorded.schedules(adapter.venue)
    }
    assert {"retail", "professional", "any"} <= accounts <= set(AccountClass)

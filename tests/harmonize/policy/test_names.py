"""Names in rule sets, waivers and inputs: the observed underlying that each can mean."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D

from harmonize.core.instrument import AssetNames
from harmonize.policy.inputs import Input
from harmonize.policy.names import NameReader
from harmonize.policy.rule_set import Model, ReferenceSchedule
from harmonize.policy.waiver import Waiver
from rules import loader
from rules.language.consistency import inconsistencies

OBSERVED = AssetNames.of(("BTC", "rTSLA", "AAA", "AaA", "PEPE"))
NOW = datetime(2026, 3, 3, tzinfo=UTC)


def waived(*names: str) -> tuple[tuple[str, ...], list[str]]:
    reader = NameReader(OBSERVED)
    waiver = Waiver("c.yaml:1", ("MH401",), "r", "o", date(2027, 1, 1), underlyings=names)
    (read,) = reader.waivers([waiver])
    return read.underlyings, reader.notes


def test_a_name_that_can_mean_one_underlying_is_read_as_it() -> None:
    assert waived("rTSLA", "BTC") == (("rTSLA", "BTC"), [])
    assert waived("rtsla", "XBT", "btc") == (
        ("rTSLA", "BTC", "btc"),
        [
            "c.yaml:1: underlying rtsla read as rTSLA",
            "c.yaml:1: underlying XBT read as BTC",
        ],
    )


def test_a_name_is_not_read_as_one_that_its_list_writes_exactly() -> None:
    """A list of RTSLA and rTSLA means two assets, of which one was not observed."""
    assert waived("RTSLA", "rTSLA") == (("RTSLA", "rTSLA"), [])


def test_a_name_that_none_or_several_match_stays() -> None:
    assert waived("aaa", "NOSUCH") == (("aaa", "NOSUCH"), [])


def test_classes_published_rates_and_scopes_of_rule_sets_are_read() -> None:
    reader = NameReader(OBSERVED)
    baseline = loader.load("harmonized-baseline")
    schedule = baseline.requirement
    assert isinstance(schedule, ReferenceSchedule)
    class_ = replace(schedule.classes[0], assets=("rtsla", "kPEPE"))
    rule_set = replace(
        baseline,
        scope=replace(baseline.scope, underlyings=("xbt",)),
        requirement=replace(schedule, classes=(class_,)),
    )
    published = loader.load("cftc-dco-observed")
    model = published.requirement
    assert isinstance(model, Model)
    rates = replace(model.published[0], rates={"RTSLA": D("0.5")})
    model_set = replace(published, requirement=replace(model, published=(rates,)))
    read, read_model = reader.rule_sets([rule_set, model_set])
    assert read.scope.underlyings == ("BTC",)
    assert isinstance(read.requirement, ReferenceSchedule)
    assert read.requirement.classes[0].assets == ("rTSLA", "PEPE")
    assert isinstance(read_model.requirement, Model)
    assert read_model.requirement.published[0].rates == {"rTSLA": D("0.5")}
    assert "rule set harmonized-baseline: underlying kPEPE read as PEPE" in reader.notes


def test_inputs_of_two_sources_can_mean_one_underlying() -> None:
    reader = NameReader(OBSERVED)
    recorded = Input("var_1d", "BTC", D("0.08"), NOW, source="recorded")
    own = Input("var_1d", "xbt", D("0.06"), NOW, source="own")
    assert [input_.underlying for input_ in reader.inputs([recorded, own])] == ["BTC", "BTC"]
    assert reader.notes == ["input var_1d: underlying xbt read as BTC"]


def test_an_input_of_an_example_has_a_plausible_range() -> None:
    rule_set = {
        "kind": "model",
        "requirement": {"inputs": {"q": {"measured": "var_99_1d"}}, "rate": "q"},
        "examples": [{"initial": "under", "inputs": {"q": D("6.2")}}],
    }
    messages = {".".join(map(str, path)): message for path, message in inconsistencies(rule_set)}
    assert messages["examples.0.inputs.q"] == "6.2: a move of 620 %? write 0.062 or 6.2%"

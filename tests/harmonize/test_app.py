"""The interface of 0.4: every public name is there, warns, and gives what the new interface gives."""

import importlib
import sys
from dataclasses import fields, replace
from datetime import date
from types import ModuleType

import pytest

from harmonize.api import audit
from harmonize.archive.location import RECORDED_ARCHIVE_NAME, recorded_archive

NAMES = {
    "PICTURED_SIZES",
    "RECORDED",
    "Answer",
    "AskedError",
    "Chosen",
    "NotObservedError",
    "Question",
    "age_today",
    "answer",
    "configured",
    "find_schedule",
    "frame",
    "missing",
    "observed_days",
    "opened",
    "read",
    "recorded",
    "rule_sets_of",
    "sources_of",
    "tool",
}
FIELDS = (
    "archive venues underlyings profile rules as_of moment stale_after_days ladder instruments "
    "else_recorded strict inputs config waived baseline hurdle sizes history past"
)


@pytest.fixture
def app() -> ModuleType:
    sys.modules.pop("harmonize.app", None)
    with pytest.warns(DeprecationWarning, match=r"import from harmonize\.api\.audit") as warned:
        module = importlib.import_module("harmonize.app")
    assert len(warned) == 1
    return module


def test_every_public_name_of_0_4_is_there(app: ModuleType) -> None:
    assert set(app.__all__) == NAMES
    assert all(hasattr(app, name) for name in NAMES)
    assert [entry.name for entry in fields(app.Question)] == FIELDS.split()


def test_a_flat_question_warns_of_its_new_form_and_has_the_same_answer(app: ModuleType) -> None:
    with pytest.warns(DeprecationWarning, match="verification=Verification.REQUIRED for strict"):
        old = app.Question(venues=("pacifica",), rules=("esma-retail",), strict=True)
    new = audit.Question(
        venues=("pacifica",), rules=("esma-retail",), verification=audit.Verification.REQUIRED
    )
    assert app.answer(old) == audit.answer(new)
    assert list(app.frame(app.answer(old).document, "findings")["code"])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_functions_of_0_4_take_a_flat_question(app: ModuleType) -> None:
    old = app.Question(venues=("okx",), underlyings=("BTC",))
    new = audit.Question(venues=("okx",), underlyings=("BTC",))
    assert app.read(old) == audit.read(new)
    assert app.read(replace(old, history=True)) == audit.read_with_history(new)
    assert app.find_schedule(old, "BTC/USDT:USDT") == audit.find_schedule(new, "BTC/USDT:USDT")
    assert app.missing(old, app.read(old)[0]) == ()
    assert app.configured(old) == app.Chosen()
    early = replace(old, as_of=date(2021, 1, 1))
    assert app.observed_days(early) == audit.observation_days(replace(new, as_of=date(2021, 1, 1)))
    with recorded_archive() as path:
        assert [source.name for source in app.sources_of(old, path)] == [RECORDED_ARCHIVE_NAME]
    with pytest.raises(app.AskedError, match="missing archive"):
        app.opened(old)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_switch_of_0_4_becomes_its_named_value(app: ModuleType) -> None:
    moment = audit.read(audit.Question(venues=("okx",)))[1]
    old = app.Question(
        moment=moment, else_recorded=True, strict=True, waived=False, past=True, ladder=(1e6,)
    )
    asked = app.Asked.of(app._selection(old), app._options(old))  # noqa: SLF001 - as answer does
    assert asked == audit.Question(
        as_of=moment,
        fallback=audit.Fallback.RECORDED,
        verification=audit.Verification.REQUIRED,
        notional_grid=(1e6,),
        options=audit.AnswerOptions(
            waivers=audit.WaiverPolicy.IGNORE, history=audit.HistoryScope.SERIES
        ),
    )

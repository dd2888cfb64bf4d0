import pytest

from tests.support.goldens import FOLDER, GOLDENS, section


@pytest.mark.parametrize("name", GOLDENS)
def test_rendered_output_is_the_golden(name: str) -> None:
    """For an intended change, run ``make goldens`` and review the difference."""
    assert GOLDENS[name]() == (FOLDER / name).read_text(encoding="utf-8")


def test_a_section_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LookupError, match="no section weather"):
        section("weather")

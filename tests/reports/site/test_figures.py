"""Charts beside each other with their files, and numbers and rates of which some are unknown."""

from reports.site.figures import Figure, files_of, side_by_side
from reports.site.marks import NOT_OBSERVABLE, rate_or_sign
from reports.site.markup import NOTHING, Html
from reports.site.tables import csv_number

LEFT = Figure(Html("<p>left</p>"), (("left.svg", b"1"), ("left.csv", b"2")))
RIGHT = Figure(Html("<p>right</p>"), (("right.svg", b"3"),))


def test_charts_stand_side_by_side_and_keep_their_files() -> None:
    assert '"pair gap-charts"><p>left</p><p>right</p></div>' in side_by_side((LEFT, RIGHT))
    assert files_of((LEFT, RIGHT)) == (*LEFT.files, *RIGHT.files)


def test_no_chart_leaves_no_space() -> None:
    assert side_by_side(()) == NOTHING
    assert files_of(()) == ()


def test_a_number_in_a_file_has_significant_digits_and_an_unknown_one_is_empty() -> None:
    assert csv_number(1 / 3) == "0.333333333"
    assert csv_number(1 / 3, 12) == "0.333333333333"
    assert (csv_number(0.0), csv_number(None)) == ("0", "")


def test_an_unknown_rate_has_the_sign_of_what_is_not_observable() -> None:
    assert rate_or_sign(None) == NOT_OBSERVABLE.sign
    assert rate_or_sign(0.0) not in {"", NOT_OBSERVABLE.sign}

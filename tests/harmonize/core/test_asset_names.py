"""Suggestions for unknown names of assets, and the printed form of the names."""

from harmonize.core.instrument import AssetNames


def test_of_names_that_differ_in_case_alone_the_first_is_suggested() -> None:
    names = AssetNames.of(["Abcde", "ABCDE", "XYZ"])
    assert names.similar("abcdf") == "ABCDE"
    assert names.similar("qqqqq") == ""


def test_names_are_printed_without_their_index() -> None:
    assert repr(AssetNames.of(["BTC"])) == "AssetNames(names=frozenset({'BTC'}))"

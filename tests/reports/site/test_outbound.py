import re

import pytest

from reports.site.outbound import with_links


def addresses(words: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', with_links(words))


@pytest.mark.parametrize(
    ("words", "address"),
    [
        (
            "Regulation (EU) 648/2012, Art 41(1)",
            "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:32012R0648",
        ),
        (
            "Delegated Regulation (EU) 2016/2251",
            "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:32016R2251",
        ),
        ("17 CFR 39.13(g)(2)(ii)", "https://www.ecfr.gov/current/title-17/section-39.13"),
        ("12 CFR 237, Appendix A", "https://www.ecfr.gov/current/title-12/part-237"),
        ("F2020L01338", "https://www.legislation.gov.au/F2020L01338/latest"),
        ("bitnomial.com/clearinghouse", "https://bitnomial.com/clearinghouse"),
        ("read at https://www.esma.europa.eu/a?b=c.", "https://www.esma.europa.eu/a?b=c"),
        (
            "owner/name data/a_b.json at " + "0a" * 20 + "; as recorded",
            "https://github.com/owner/name/blob/" + "0a" * 20 + "/data/a_b.json",
        ),
    ],
)
def test_a_named_or_identified_page_is_a_link(words: str, address: str) -> None:
    assert addresses(words) == [address]


@pytest.mark.parametrize(
    "words",
    [
        "ESMA Decision (EU) 2018/796",  # an act of an agency has no number of this form
        "http://example.org",
        "javascript:alert(1)",
        "press of 20 November 2019",
        "owner/name ../../x at " + "0a" * 20,
        "name@example.org",
    ],
)
def test_nothing_else_is_a_link(words: str) -> None:
    assert addresses(words) == []


def test_text_around_links_is_escaped() -> None:
    shown = with_links('<b>cftc.gov</b> "x" 17 CFR 39.13')
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown
    assert shown.count("<a ") == 2

"""Underlyings that are not crypto-assets, by the tickers under which venues list them.

The list is the project's own and goes by ticker alone. It covers shares, funds, metals and energy
in the recorded data, and companies not yet listed. A ticker missing here counts as a crypto-asset,
so rule sets on crypto contracts would apply to it.
"""

_METALS_AND_ENERGY = "BZ CL COPPER NATGAS XAG XAU XPD XPT"

_FUNDS = "EWJ EWT EWY EWZ IWM KORU QQQ SOXL SPY SQQQ TQQQ UVXY XLE"

_SHARES = """
AAOI AAPL ADBE ALAB AMAT AMD AMZN ANTHROPIC ARM ASML ASTS AVGO AXTI BABA BMNR BRKB CBRS CIEN COHR
COIN COST CRCL CRDO CRM CRWD CRWV CSCO DELL DIS DKNG EBAY FLNC GLW GOOGL HIMS HOOD HPE HYUNDAI IBM
INTC IREN JPM KLAC LITE LLY LRCX META MRVL MSFT MSTR MU MVLL NBIS NFLX NOK NVDA NVO ONDS OPENAI ORCL
PLTR QCOM RIVN RKLB SAMSUNG SKHYNIX SMCI SNDK SONY SPCX TSLA TSM UBER WDC WMT ZM
"""

TRADITIONAL = frozenset(f"{_METALS_AND_ENERGY} {_FUNDS} {_SHARES}".split())

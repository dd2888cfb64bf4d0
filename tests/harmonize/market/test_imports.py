import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_an_audit_without_market_data_imports_neither_prices_nor_measures() -> None:
    code = (
        "import sys\nfrom harmonize.__main__ import app\n"
        "try:\n    app(['audit', '--venue', 'deribit', '--fail-on', 'never'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = result.stderr.split()
    assert "harmonize.audit.assemble" in loaded
    assert not [
        name for name in loaded if name.startswith(("harmonize.market", "harmonize.adequacy"))
    ]


def test_measures_load_scipy_only_where_they_need_it() -> None:
    code = (
        "import sys, pkgutil, importlib, harmonize.adequacy, harmonize.market\n"
        "for package in (harmonize.adequacy, harmonize.market):\n"
        "    for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "print(*sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in result.stdout.split()}
    assert "numpy" in loaded
    assert not loaded & {"scipy", "pandas", "pyarrow", "ccxt"}

"""Margin requirements of crypto-derivatives venues, compared with each other and with rule sets.

``import harmonize as hz`` loads nothing until a name is used:

- ``hz.audit()`` returns an audit with tables, comparisons and charts;
- ``hz.compare("ETH", "5m")`` ranks the venues by margin for a position;
- ``hz.RequestError`` and ``hz.NotObservedError`` are the errors of both.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harmonize.api.analysis import NotObservedError, RequestError, audit, compare
    from harmonize.version import VERSION as __version__  # noqa: N811 - as every package names it

__all__ = ["NotObservedError", "RequestError", "__version__", "audit", "compare"]

_MODULES = {
    "NotObservedError": "harmonize.api.analysis",
    "RequestError": "harmonize.api.analysis",
    "compare": "harmonize.api.analysis",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any name of the interface
    """Loads a name on first use (PEP 562). ``audit`` is the package of that name, which is callable."""
    if name == "audit":
        return import_module("harmonize.audit")
    if name == "__version__":
        return import_module("harmonize.version").VERSION
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    message = f"module 'harmonize' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    """Returns the names of the interface with those of the module."""
    return sorted({*globals(), *__all__})

"""One audit: checks, waivers and baselines, assembled into the document.

The package is callable: ``harmonize.audit(...)`` is ``harmonize.api.analysis.audit(...)``.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    """Package that is the function of its name, as ``harmonize.audit`` is both."""

    def __call__(self, **arguments: Any) -> Any:  # noqa: ANN401 - those of the function
        """Returns ``harmonize.api.analysis.audit`` of the arguments."""
        return import_module("harmonize.api.analysis").audit(**arguments)


sys.modules[__name__].__class__ = _CallablePackage

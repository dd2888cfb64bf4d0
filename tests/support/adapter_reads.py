"""Names of fields that each adapter reads, collected from its source code."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path

from venues import registry
from venues.parsing import flat_rates

ROOT = Path(registry.__file__).parent
_PACKAGES = ("venues.exchanges", "venues.engines")
_NOT_READERS = frozenset({"Endpoint", "Evidence", "VenueAdapter", "calls_with", "currency_to_usd"})
"""Callables whose text arguments are no names of fields, although their first is no text."""

_TABLES_OF_NAMES = frozenset({"BracketKeys"})
"""Classes whose arguments are names of fields."""

_OPTIONS = frozenset({"key", "keys", "symbol_key"})
"""Options of readers that name fields."""

_WITH_LIMIT = 5
"""Number of arguments of ``flat_rates.table_from_leverage`` with a field other than its default."""

_BINDING_PASSES = 3
"""Longest chain of names from a text to its use."""


def read_names(venue: str) -> frozenset[str]:
    """Names of fields that a venue's adapter, or an engine that it uses, reads."""
    adapter = registry.find_adapter(venue)
    assert adapter is not None
    names = frozenset().union(*map(_names_in_module, _modules(adapter.parse.__module__)))
    return names - {endpoint.method for endpoint in adapter.endpoints}


def _modules(name: str) -> set[str]:
    """The module and the modules of adapters and engines that it imports."""
    reached: set[str] = set()
    pending = [name]
    while pending:
        module = pending.pop()
        if module not in reached:
            reached.add(module)
            pending += _imports(module)
    return reached


@cache
def _tree(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(module: str) -> Iterator[str]:
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module in _PACKAGES:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGES):
            yield str(node.module)


@cache
def _names_in_module(module: str) -> frozenset[str]:
    tree = _tree(module)
    bound = _bound_texts(tree)
    names: set[str] = set()
    for node in ast.walk(tree):
        names.update(_texts(_read_expressions(node), bound))
    return frozenset(part for name in names for part in name.split("/") if part.isidentifier())


def _read_expressions(node: ast.AST) -> list[ast.expr]:
    """Expressions that name fields: arguments of readers, subscripts, tests for membership."""
    if isinstance(node, ast.Subscript):
        return [node.slice]
    if isinstance(node, ast.Dict) and all(isinstance(v, ast.Name) for v in node.values):
        return [key for key in node.keys if key is not None]  # a reader per field
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        return [node.left]
    return _read_arguments(node) if isinstance(node, ast.Call) else []


def _read_arguments(call: ast.Call) -> list[ast.expr]:
    """Arguments that name fields: those after the row, and those of a table of names."""
    called = call.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    first = call.args[:1]
    if name == "table_from_leverage" and len(call.args) < _WITH_LIMIT:
        return [ast.Constant(flat_rates.LEVERAGE.key)]
    if name == "Column":
        return call.args[1:2]
    if name in _TABLES_OF_NAMES:
        return call.args
    if name in {"get", "PublishedRate"} or (name[:1] == "_" and name[1:2].isupper()):
        return first if name in {"get", "PublishedRate"} else call.args
    if name in _NOT_READERS or not first or isinstance(first[0], ast.Constant):
        return []
    return [*call.args[1:], *(option.value for option in call.keywords if option.arg in _OPTIONS)]


def _bound_texts(tree: ast.Module) -> Mapping[str, frozenset[str]]:
    """Texts that a name may stand for: of a constant, a loop's values, or an argument."""
    parameters = {
        node.name: [parameter.arg for parameter in node.args.args]
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }
    bound: dict[str, set[str]] = {}
    for node in _BINDING_PASSES * tuple(ast.walk(tree)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            _bind(node.targets[0], node.value, bound)
        elif isinstance(node, ast.For | ast.comprehension):
            _bind(node.target, node.iter, bound)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for name, argument in zip(parameters.get(node.func.id, ()), node.args, strict=False):
                _bind(ast.Name(name), argument, bound)
    return {name: frozenset(texts) for name, texts in bound.items()}


def _bind(target: ast.expr, value: ast.expr, bound: dict[str, set[str]]) -> None:
    if isinstance(target, ast.Tuple):
        for part in target.elts:
            _bind(part, value, bound)
    elif isinstance(target, ast.Name):
        bound.setdefault(target.id, set()).update(_texts([value], bound))


def _texts(expressions: Iterable[ast.expr], bound: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Texts in literals and named constants; calls inside them are examined on their own."""
    for expression in expressions:
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            yield expression.value
        elif isinstance(expression, ast.Name):
            yield from bound.get(expression.id, ())
        elif isinstance(expression, ast.Tuple | ast.List | ast.Set):
            yield from _texts(expression.elts, bound)
        elif isinstance(expression, ast.Dict):
            yield from _texts(expression.values, bound)
        elif isinstance(expression, ast.IfExp):
            yield from _texts([expression.body, expression.orelse], bound)
        elif isinstance(expression, ast.Starred | ast.FormattedValue | ast.Subscript):
            yield from _texts([expression.value], bound)
        elif isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute):
            yield from _texts([expression.func.value], bound)
        elif isinstance(expression, ast.JoinedStr):
            parts = [tuple(_texts([part], bound)) for part in expression.values]
            yield from ("".join(texts) for texts in product(*parts))

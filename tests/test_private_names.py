"""No module reads a private name of an object that is not its own."""

import ast
from pathlib import Path

import pytest

import tsrnn

PACKAGE = Path(tsrnn.__file__).parent
# The files that read those of Numba and numba-cuda.
BORROWS = {PACKAGE / "kernels" / "jit" / f"{name}_internals.py" for name in ("numba", "cuda")}
# The public interface of named tuples.
NAMED_TUPLES = {"_replace", "_asdict", "_fields", "_make"}


def own_names(tree):
    """Names that a file defines: functions, classes, variables, attributes of self."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node):
            names.add(node.attr)
    return names


def is_self(attribute):
    """Whether an attribute is one of self, cls, super() or type(...)."""
    base = attribute.value
    if isinstance(base, ast.Call):
        return isinstance(base.func, ast.Name) and base.func.id in ("super", "type")
    return isinstance(base, ast.Name) and base.id in ("self", "cls")


def private_names(source):
    """Private names of others that a file reads, or imports from tsrnn or Numba: (line, code)."""
    tree = ast.parse(source)
    own = own_names(tree) | NAMED_TUPLES
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith(("tsrnn", "numba")):
            for name in filter(is_private, (name.name for name in node.names)):
                yield node.lineno, f"from {node.module} import {name}"
        elif isinstance(node, ast.Attribute) and is_private(node.attr):
            of_others = node.attr not in own and not is_self(node)
            yield from [(node.lineno, ast.unparse(node))] * of_others


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_private_names_are_read_by_their_owner(path):
    found = [] if path in BORROWS else list(private_names(path.read_text(encoding="utf-8")))
    assert not found, f"{path.relative_to(PACKAGE.parent)} reads private names: {found}"


def test_two_files_import_the_undocumented_modules_of_numba():
    documented = {"numba", "numba.extending", "numba.types", "numba.cuda"}
    for path in set(PACKAGE.rglob("*.py")) - BORROWS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert set(numba_modules(node)) <= documented, f"{path}: {ast.unparse(node)}"


def numba_modules(node):
    """Modules of Numba that a node imports or reads."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numba":
        yield node.module
        inner = {"core", "np", "cpython", "parfors", "typed", "experimental"}
        yield from (f"{node.module}.{name.name}" for name in node.names if name.name in inner)
    elif isinstance(node, ast.Import):
        yield from (name.name for name in node.names if name.name.split(".")[0] == "numba")
    elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "numba":
        yield from [f"numba.{node.attr}"] * (node.attr in ("core", "np", "cpython", "parfors"))


@pytest.mark.parametrize(
    ("source", "n_found"),
    [
        ("import other\nother._hidden()", 1),
        ("from tsrnn.other import _hidden", 1),
        ("from numba import _dynfunc", 1),
        ("x = other.part\nx._hidden", 1),
        ("class A:\n    def f(self, other):\n        self._x = other._x", 0),
        ("class A(B):\n    def f(self):\n        return super()._f()", 0),
        ("row._replace(a=1).__dict__", 0),
    ],
)
def test_what_is_looked_for_is_found(source, n_found):
    assert len(list(private_names(source))) == n_found

"""Public names: a page, a doctest, described parameters and "See Also" for each."""

import importlib
import inspect
import re

import pytest
from pages import DOCS

from tsrnn.data import DataError

MODULES = [
    "tsrnn",
    "tsrnn.anomaly",
    "tsrnn.anomaly.metrics",
    "tsrnn.datasets",
    "tsrnn.estimators",
    "tsrnn.forecasting",
    "tsrnn.inspection",
    "tsrnn.plotting",
    "tsrnn.sequences",
    "tsrnn.sequences.audio",
    "tsrnn.sequences.music",
]


def public():
    """Every public object by its shortest name; of ``tsrnn.data`` the errors alone."""
    names = {}
    for module in map(importlib.import_module, MODULES):
        for name in set(module.__all__) - {"__version__"}:
            value = getattr(module, name)
            if not inspect.ismodule(value) and id(value) not in {id(v) for v in names.values()}:
                names[f"{module.__name__}.{name}"] = value
    data = importlib.import_module("tsrnn.data")
    for name in data.__all__:
        value = getattr(data, name)
        if inspect.isclass(value) and issubclass(value, DataError):
            names[f"tsrnn.data.{name}"] = value
    return names


NAMES = public()
CALLABLES = sorted(name for name, value in NAMES.items() if callable(value))


def section(doc, title):
    """Entries of a section of a docstring in numpydoc's form: the type of each name."""
    lines = re.search(rf"^{title}\n-+\n(.*?)(?=^\S[^\n]*\n-{{3,}}\n|\Z)", doc, re.DOTALL | re.M)
    types = {}
    for line in re.findall(r"^\S.*$", lines[1] if lines else "", flags=re.M):
        names, _, kind = line.partition(" : ")
        types |= {name.strip().lstrip("*"): kind for name in names.split(",")}
    return types


def problems(value):
    """What a docstring lacks: parameters, their types or defaults, an example."""
    doc = inspect.getdoc(value) or ""
    given, attributes = section(doc, "Parameters"), section(doc, "Attributes")
    found = [] if ">>> " in doc else ["no example"]
    for name, parameter in inspect.signature(value).parameters.items():
        kind = given.get(name)
        if kind is None and inspect.isclass(value) and not given:
            continue  # of a result, which users do not construct; its attributes are checked below
        is_variadic = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        if kind is None or not (kind or is_variadic):
            found.append(f"no type of {name}")
        elif parameter.default is not parameter.empty:
            is_optional = parameter.default is None and "optional" in kind
            found += [] if is_optional or "default" in kind else [f"no default of {name}"]
    if inspect.isclass(value) and not given and attributes:
        found += [f"no type of {name}" for name, kind in attributes.items() if not kind]
    return found


def test_every_name_has_a_page():
    pages = sorted((DOCS / "reference" / "api").glob("*.md"))
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    listed = re.findall(r"^   (tsrnn\.[\w.]+)$", text, flags=re.M)
    assert len(listed) == len(set(listed))
    assert set(listed) == set(NAMES)


@pytest.mark.parametrize("name", CALLABLES)
def test_docstrings_are_complete(name):
    assert not problems(NAMES[name])


@pytest.mark.parametrize("name", CALLABLES)
def test_see_also_names_public_names(name):
    names = section(inspect.getdoc(NAMES[name]) or "", "See Also")
    assert names
    module = name.rpartition(".")[0]
    for other in names:
        assert other in NAMES or f"{module}.{other}" in NAMES, other
        assert other.rpartition(".")[2] != name.rpartition(".")[2]

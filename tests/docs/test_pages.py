"""Pages: links lead somewhere, each page is in a contents, tables and pictures are of this code."""

import importlib.util
import inspect
import json
import re

import pytest
from conftest import ROOT
from pages import DOCS, PAGES, name_of

import tsrnn

TEXTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")),
    *PAGES,
]
LINK = re.compile(r"\]\(([^()\s]+)\)")


def without_code(path):
    """The text of a page without its code blocks and code in lines."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"`[^`\n]+`", "", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.M))


def anchors(path):
    """The anchors of a page's headings, as web views of repositories make them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_links_lead_somewhere(path):
    for link in LINK.findall(without_code(path)):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        place = (path.parent / target).resolve() if target else path
        assert place.exists(), link
        assert place.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(place), link


def test_every_page_is_in_a_contents():
    listed = set()
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for entries in re.findall(r"^```\{toctree\}\n(.*?)^```$", text, flags=re.DOTALL | re.M):
            for entry in re.findall(r"^[^:\n].*$", entries, flags=re.M):
                place = (path.parent / entry).resolve()
                files = [place.with_name(place.name + end) for end in (".md", ".ipynb")]
                assert any(file.exists() for file in files), entry
                listed |= {file for file in files if file.exists()}
    assert {*PAGES, *(ROOT / "notebooks").glob("*.ipynb")} - listed == {DOCS / "index.md"}


def test_parameters_of_the_forecaster_are_listed_with_their_defaults():
    text = (DOCS / "reference" / "parameters.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `([^|`]+)` \|", text, flags=re.M)
    wanted = inspect.signature(tsrnn.RNNForecaster).parameters.values()
    assert sorted(rows) == sorted((each.name, each_default(each)) for each in wanted)


def each_default(parameter):
    default = parameter.default
    return f'"{default}"' if isinstance(default, str) else repr(default)


def test_costs_of_parameters_are_those_that_were_measured(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    costs = importlib.import_module("parameters")
    text = costs.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(costs, "PAGE", tmp_path / "parameters.md")
    costs.PAGE.write_text(text.replace("| `64`: ", "| `64`: 9"), encoding="utf-8")
    costs.write_page(json.loads(costs.RESULTS.read_text(encoding="utf-8")))
    assert costs.PAGE.read_text(encoding="utf-8") == text  # python benchmarks/parameters.py --page


def test_the_gallery_has_every_display_drawn_by_the_code_beside_it():
    spec = importlib.util.spec_from_file_location("draw_gallery", DOCS / "draw_gallery.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    sections = drawing.sections()
    assert sorted(name for name, _, _ in sections) == sorted(tsrnn.plotting.__all__)
    text = drawing.PAGE.read_text(encoding="utf-8")
    for name, code, digest in sections:
        assert f"{name}.from_" in code
        assert f"](gallery/{name}.png)" in text
        picture = (drawing.PICTURES / f"{name}.png").read_bytes()
        assert f"{drawing.KEY}\0{digest}".encode() in picture, "python docs/draw_gallery.py"
        assert len(picture) < 120_000
    assert len(list(drawing.PICTURES.iterdir())) == len(sections)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130

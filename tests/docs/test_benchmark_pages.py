"""Pages of benchmarks: every table of the scripts is on one, and no figure on them is typed."""

import importlib.util
import re

import pytest
from conftest import ROOT
from pages import DOCS, name_of

PAGES = [DOCS / "comparison.md", *sorted((DOCS / "benchmarks").glob("*.md"))]
SCRIPTS = sorted((ROOT / "benchmarks").rglob("*.py"))


@pytest.fixture(scope="module")
def tables():
    """The module that makes tables of blocks."""
    path = DOCS / "benchmark_tables.py"
    spec = importlib.util.spec_from_file_location("benchmark_tables", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(tables, path):
    """Names and options of a page's blocks."""
    found = tables.BLOCK.findall(path.read_text("utf-8"))
    assert len(found) == path.read_text("utf-8").count("{measured}")
    return [(name, tables.options_of(lines)) for name, lines in found]


def test_every_table_is_on_a_page(tables):
    shown = {name for path in PAGES[1:] for name, options in blocks(tables, path) if not options}
    assert {path.stem for path in tables.RESULTS.glob("*.json")} <= shown


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_script_writes_each_table(path, tables):
    texts = "".join(script.read_text("utf-8") for script in SCRIPTS)
    calls = re.findall(r"(?:Table|compile_table)\(\s*(f?)\"([^\"]+)\"", texts)
    whole = {name for is_formatted, name in calls if not is_formatted} | set(tables.ACCURACY)
    begun = tuple(name.partition("{")[0] for is_formatted, name in calls if is_formatted)
    for name, _ in blocks(tables, path):
        assert name in whole or name.startswith(begun), name


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_figure_of_a_table_is_typed(path):
    rows = re.findall(r"^\s*\|.*$", path.read_text("utf-8"), flags=re.MULTILINE)
    assert not [row for row in rows if re.search(r"\d", row)]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_are_filled(path, tables):
    text = tables.fill(path.read_text("utf-8"))
    assert "{measured}" not in text
    for name, _ in blocks(tables, path):
        if name in tables.ACCURACY:
            assert "accuracy.py --data FOLDER --results`" in text


def test_rows_and_columns_are_chosen(tables):
    content = {
        "title": "Steps",
        "columns": ["cell", "ms", "ratio"],
        "rows": [["lstm", "3", "2"], ["gru", "4", "5"]],
    }
    shown = tables.table(content, columns="ratio; cell", rows="^gru")
    assert shown == "| ratio | cell |\n|---|---|\n| 5 | gru |"
    with pytest.raises(ValueError, match="No row of 'Steps' has 'rnn'"):
        tables.table(content, rows="rnn")


def test_a_table_says_where_it_comes_from(tables, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    machine = {"processor": "Z80", "cores": 1, "vector_bits": 128, "load": 0.5, "commit": "abc"}
    machine |= {"date": "2026-11-30", "versions": {"Python": "3.11", "tsrnn": "0.1"}}
    content = {"title": "Steps", "columns": ["ms"], "rows": [["3"]], "notes": ["Alone."]}
    content |= {"command": "python benchmarks/speed.py", "machine": machine}
    (tmp_path / "speed.json").write_text(tables.json.dumps(content), "utf-8")
    block = "```{measured} speed\n```"
    missing = "```{measured} gpu\n```"
    assert tables.fill(f"Before\n\n{block}\n\n{missing}\n\n{missing}\n\nAfter\n") == (
        "Before\n\n**Steps**\n\n| ms |\n|---|\n| 3 |\n\nAlone.\n\n"
        "Z80, 1 cores, vectors of 128 bits, load average 0.5 before it began; 2026-11-30; "
        "Python 3.11, tsrnn 0.1; commit abc: `python benchmarks/speed.py`\n\n"
        f"{tables.MISSING}\n\nAfter\n"
    )

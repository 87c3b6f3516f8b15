import argparse
import datetime
import importlib.util
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ACCURACY = BENCHMARKS / "accuracy.py"
RESULTS = sorted((BENCHMARKS / "results").glob("*.json"))


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A fresh module ``results`` that keeps tables in ``tmp_path``."""
    spec = importlib.util.spec_from_file_location("benchmark_results", BENCHMARKS / "results.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    return module


def run_script(results, monkeypatch, *arguments):
    """A script that prints one table of one row."""
    monkeypatch.setattr(sys, "argv", ["/some/where/benchmarks/speed.py", *arguments])
    parser = argparse.ArgumentParser()
    parser.add_argument("--data")
    parser.add_argument("--dry-run", action="store_true")
    results.parse_arguments(parser, peers=("scipy", "no-such-package"))
    table = results.Table("speed", "Steps", ["cell", "ms", "ratio", "of peak"], "Medians.")
    table.row("lstm", 3, results.at_least(1.5, 2))
    table.note("One run.")
    return table


def test_tables_are_printed_and_kept(results, monkeypatch, tmp_path, capsys):
    options = ["--data", str(tmp_path), "--results", "--note", "Other work."]
    run_script(results, monkeypatch, *options)

    head = "\nSteps\n\nMedians.\n\n| cell | ms | ratio | of peak |\n|---|---|---|---|\n"
    assert head in capsys.readouterr().out
    (path,) = tmp_path.iterdir()
    kept = json.loads(path.read_text("utf-8"))
    assert path.name == "speed.json"
    assert kept["rows"] == [["lstm", "3", "1.5", ""]]  # without what is asked of it
    assert kept["notes"] == ["Medians.", "One run.", "Other work."]
    assert kept["command"] == "python benchmarks/speed.py --data FOLDER"
    assert set(kept["machine"]["versions"]) == {
        *("Python", "tsrnn", "numpy", "numba", "pandas", "scipy")
    }
    check_table(kept)


def test_tables_are_not_kept_unless_asked_for(results, monkeypatch, tmp_path, capsys):
    run_script(results, monkeypatch)
    assert "| lstm | 3 | 1.5 (MISSES 2.0) |  |" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_figures_of_a_dry_run_are_not_kept(results, monkeypatch, tmp_path):
    with pytest.raises(SystemExit):
        run_script(results, monkeypatch, "--results", "--dry-run")
    assert not list(tmp_path.iterdir())


def test_tables_of_wrong_shape_are_refused(results, monkeypatch):
    table = run_script(results, monkeypatch)
    with pytest.raises(ValueError, match="More cells than columns"):
        table.row(1, 2, 3, 4, 5)
    with pytest.raises(ValueError, match="same name"):
        results.Table("speed", "Steps", ["ms", "ms"])


def check_table(content):
    """A table has all that pages show, and its rows fit its columns."""
    assert content["title"]
    assert content["rows"]
    assert {len(row) for row in content["rows"]} == {len(content["columns"])}
    assert len(set(content["columns"])) == len(content["columns"])
    cells = [cell for row in [content["columns"], *content["rows"]] for cell in row]
    assert all(isinstance(text, str) and "\n" not in text for text in [*cells, *content["notes"]])
    assert not any("|" in cell for cell in cells)
    assert content["command"].startswith("python benchmarks/")
    assert "/" not in content["command"].removeprefix("python benchmarks/")
    machine = content["machine"]
    assert machine["processor"]
    assert machine["cores"] >= 1
    assert machine["vector_bits"] in (128, 256, 512)
    assert datetime.date.fromisoformat(machine["date"]) >= datetime.date(2026, 11, 30)
    assert {"Python", "tsrnn", "numpy", "numba", "pandas"} <= set(machine["versions"])
    assert {"load", "commit"} <= set(machine)


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_results_are_well_formed(path):
    content = json.loads(path.read_text("utf-8"))
    check_table(content)
    assert content["machine"]["commit"]


def run_accuracy(*arguments):
    command = [sys.executable, str(ACCURACY), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_accuracy_keeps_rows(tmp_path):
    rows = tmp_path / "rows.csv"
    kept = {"dataset": "AirPassengers, 12 months", "row": "AutoETS (statsforecast)", "mae": 35.6}
    pd.DataFrame([kept | {"versions": "", "processor": "", "date": "", "jobs": 1}]).to_csv(rows)

    only = ["--own", "--only", "naive AirPassengers, 12 months"]
    printed = run_accuracy(*only, "--results", "--rows", rows)

    found = pd.read_csv(rows).set_index("row")
    assert round(found.loc["seasonal naive", "mae"], 2) == 47.83  # as published, see benchmarks
    assert found.loc["AutoETS (statsforecast)", "mae"] == 35.6
    assert "| AutoETS (statsforecast) |" in printed
    assert "| seasonal naive |" in printed


def test_accuracy_says_how_to_get_a_library_that_is_missing():
    printed = run_accuracy("--only", "nothing has this name")
    assert find_spec("mlforecast") or "pip install mlforecast lightgbm\n" in printed
    assert find_spec("statsforecast") or "pip install statsforecast\n" in printed


@pytest.mark.slow
def test_a_prediction_on_the_gpu_needs_three_calls_of_the_driver():
    """One copy there and one back, and nothing is allocated: of three sizes, by the benchmark."""
    pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")
    command = [sys.executable, str(BENCHMARKS / "gpu_offline.py"), "--only", "host"]
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "0", "PYTHONPATH": str(BENCHMARKS.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line for line in done.stdout.splitlines() if line.startswith(("| 4096", "| 512"))]
    assert len(rows) == 3
    for row in rows:
        *_, calls, _ = row.split("|")
        assert calls.split() == ["cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync", "cuStreamSynchronize"]

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
ACCURACY = BENCHMARKS / "accuracy.py"


def run_accuracy(*arguments):
    command = [sys.executable, str(ACCURACY), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_accuracy_keeps_rows_and_replaces_the_tables(tmp_path):
    results, readme = tmp_path / "rows.csv", tmp_path / "README.md"
    kept = {"dataset": "AirPassengers, 12 months", "row": "AutoETS (statsforecast)", "mae": 35.6}
    pd.DataFrame([kept | {"versions": "", "processor": "", "date": "", "jobs": 1}]).to_csv(results)
    begin, end = "<!-- tables of accuracy.py -->", "<!-- end of tables of accuracy.py -->"
    readme.write_text(f"before\n\n{begin}\nold\n{end}\n\nafter\n")

    options = ["--results", results, "--readme", readme]
    printed = run_accuracy("--own", "--only", "naive AirPassengers, 12 months", *options)

    rows = pd.read_csv(results).set_index("row")
    assert round(rows.loc["seasonal naive", "mae"], 2) == 47.83  # as published, see benchmarks
    assert rows.loc["AutoETS (statsforecast)", "mae"] == 35.6
    text = readme.read_text()
    assert text.startswith("before\n\n<!--")
    assert text.endswith("-->\n\nafter\n")
    assert "old" not in text
    assert "| AutoETS (statsforecast) |" in text
    assert "| seasonal naive |" in text
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

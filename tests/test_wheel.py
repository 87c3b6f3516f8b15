"""A wheel with compiled kernels: built here for one level of processors, and installed afresh."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tsrnn.kernels.jit.levels import host_levels, levels

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
FITS = """
import numpy as np
from numba.core import event

import tsrnn
from tsrnn.datasets import load_airline

print(tsrnn.__file__)
rng, y = np.random.default_rng(0), load_airline()
X, small = rng.standard_normal((40, 6, 2)), {"max_iter": 2, "n_jobs": 1}
with event.install_recorder("numba:compile") as compilations:
    forecaster = tsrnn.RNNForecaster(horizon=12, **small).fit(y)
    forecast, interval = forecaster.predict(), forecaster.predict_interval()
    tsrnn.RNNRegressor(**small).fit(X, X[:, 0, 0]).predict(X)
    tsrnn.RNNClassifier(**small).fit(X, X[:, 0, 0] > 0).predict(X)
    tsrnn.RNNAnomalyDetector(cell="lstm", **small).fit(y).detect(y)
assert not compilations.buffer, compilations.buffer
assert np.isfinite(forecast).all() and np.isfinite(interval).all(axis=None)
"""
OTHER_NUMBA = """
import numba, numpy as np
numba.__version__ = "0.0.1"
from numba.core import event
from tsrnn.cli import main
from tsrnn.kernels.portable import orthonormal_rows

with event.install_recorder("numba:compile") as compilations:
    assert np.allclose(np.abs(orthonormal_rows(2 * np.eye(3))), np.eye(3))
assert compilations.buffer
main(["kernels"])
"""


def run(*command, **environment):
    """Run Python, which must succeed and sees no modules of the present folder; its output."""
    kept = {"PYTHONSAFEPATH": "1"}
    kept |= {name: os.environ[name] for name in ("HOME", "TMPDIR", "PATH") if name in os.environ}
    done = subprocess.run(
        [str(part) for part in command], env=kept | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """A folder of kernels for the lowest level of this processor."""
    if not (ROOT / "tools" / "compile_kernels.py").exists():
        pytest.skip("not a source checkout")
    if not host_levels():
        pytest.skip("no kernels are shipped for this processor")
    folder = tmp_path_factory.mktemp("wheel") / "kernels"
    options = ["--cells", "lstm", "--levels", host_levels()[-1], "--serial"]
    script = ROOT / "tools" / "compile_kernels.py"
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    run(sys.executable, script, folder, *options, PYTHONPATH=path)
    return folder


@pytest.fixture(scope="module")
def wheel(kernels, tmp_path_factory):
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    run(*build, TSRNN_KERNELS=str(kernels))
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of a fresh environment with the wheel, and what it needs from this one."""
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install"]
    run(*pip, "--no-deps", "--no-index", "--quiet", wheel)
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(packages, "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


def test_it_is_for_this_python_and_platform(wheel, kernels):
    version = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    assert re.fullmatch(
        rf"tsrnn-[\d.]+-{version}-{version}t?-(manylinux_2_17|macosx_11_0|win)_\w+\.whl", wheel.name
    )
    names = set(zipfile.ZipFile(wheel).namelist())
    files = {path.name for path in kernels.iterdir()}
    assert len(files) == 6
    assert {f"tsrnn/kernels/compiled/{name}" for name in files} <= names


def test_all_estimators_fit_without_compiling_or_a_cache(installed, tmp_path):
    """Nothing can be written even by root: a file is where the folder would be."""
    (tmp_path / "file").touch()
    output = run(
        *[installed, "-W", "error::RuntimeWarning", "-c", FITS],
        NUMBA_CACHE_DIR=str(tmp_path / "file" / "cache"),
        HOME=str(tmp_path / "file"),
        PATH="",
    )
    file = output.splitlines()[0]
    assert Path(file).is_relative_to(installed.parents[1])


def test_what_it_brings_is_listed(installed, kernels):
    output = run(installed, "-m", "tsrnn", "kernels")
    assert re.search(rf"lstm-train-serial +{host_levels()[-1]} +\d+ KB", output)
    assert "5 files" in output
    assert "not used" not in output


def test_another_numba_compiles(installed, tmp_path):
    output = run(
        installed,
        "-W",
        "error::RuntimeWarning",
        "-c",
        OTHER_NUMBA,
        NUMBA_CACHE_DIR=str(tmp_path / "cache"),
    )
    assert "not used, as they are made for Numba" in output
    assert "(here 0.0.1)" in output
    assert "gram-schmidt-serial" in output.partition("compiled here")[2]


def test_a_folder_without_kernels_is_refused(tmp_path):
    pytest.importorskip("build")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT]
    environment = os.environ | {"TSRNN_KERNELS": str(tmp_path)}
    done = subprocess.run(build, env=environment, capture_output=True, text=True)
    assert done.returncode
    assert f"TSRNN_KERNELS={tmp_path} is no folder of tools/compile_kernels.py" in (
        done.stdout + done.stderr
    )


SAME = """
import sys
from pathlib import Path
from tools.compile_kernels import compile_for
from tsrnn.warming import kernels_called

calls = kernels_called(["lstm"], ["forecaster"])
(call,) = (call for call in calls if call.name == "lstm-predict-parallel")
compile_for(sys.argv[1], call, Path(sys.argv[2]))
"""


@pytest.mark.skipif(not (ROOT / "tools").exists(), reason="not a source checkout")
@pytest.mark.skipif(not levels(), reason="no kernels are shipped for this processor")
def test_the_same_sources_give_the_same_file_in_any_folder(tmp_path):
    copy, made = tmp_path / "copy", []
    for part in ("tsrnn", "tools"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, copy / part, ignore=ignored)
    for folder in (ROOT, copy):
        path = os.pathsep.join([str(folder), *filter(None, sys.path)])
        cache = tmp_path / f"cache {folder.name}"
        run(sys.executable, "-c", SAME, levels()[-1], cache, PYTHONPATH=path)
        made += (cache / "tsrnn").iterdir()
    first, second = made
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()

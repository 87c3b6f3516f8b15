"""What an installed copy needs: quick imports, data in the wheel, one version."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import tsrnn

ROOT = Path(__file__).parents[1]


def python(code, **kwargs):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, **kwargs
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_brings_in_nothing_heavy():
    loaded = python(
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import tsrnn; print(*sorted(sys.modules))"
    ).split()
    assert "tsrnn" in loaded
    heavy = {"numpy", "pandas", "sklearn", "scipy", "numba", "llvmlite", "matplotlib"}
    assert heavy.isdisjoint(name.partition(".")[0] for name in loaded)


@pytest.mark.parametrize("name", sorted(set(tsrnn.__all__) - {"__version__"}))
def test_public_names_are_there(name):
    assert name in dir(tsrnn)
    assert getattr(tsrnn, name) is not None


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'RNNforecaster'"):
        tsrnn.RNNforecaster  # noqa: B018


def test_a_wheel_carries_the_data(tmp_path):
    pytest.importorskip("hatchling")
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("not a source checkout")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    files = {path.name for path in (ROOT / "datasets").iterdir()}
    assert {f"tsrnn/datasets/data/{name}" for name in files} <= names
    pretrained = {f"tsrnn/forecasting/pretrained/{name}" for name in ("network.npz", "card.json")}
    assert pretrained | {"tsrnn/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests", "notebooks", "benchmarks"))]
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r}); import tsrnn.datasets; "
        "print(tsrnn.__file__, tsrnn.datasets.load_airline().sum())"
    )
    file, total = python(code, cwd=tmp_path).split()
    assert file.startswith(str(tmp_path))
    assert float(total) == 40363

"""The notebooks run from top to bottom and are committed as run; the demo does what it says."""

import ast
import base64
import hashlib
import importlib
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PUBLIC = {
    "tsrnn",
    "tsrnn.anomaly",
    "tsrnn.anomaly.metrics",
    "tsrnn.datasets",
    "tsrnn.inspection",
    "tsrnn.plotting",
    "tsrnn.sequences",
    "tsrnn.sequences.audio",
    "tsrnn.sequences.music",
}
PNG = b"\x89PNG\r\n\x1a\n"

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module", autouse=True)
def _fonts():
    """Build matplotlib's font cache here: where it is slow, it says so on a notebook's stderr."""
    importlib.import_module("matplotlib.font_manager")


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell):
    """Kinds of what a cell shows: the name of a stream, or the types of a result."""
    return [output.get("name") or sorted(output.get("data", ())) for output in cell.outputs]


def images(notebook):
    """The PNG images in a notebook's outputs."""
    bundles = (o.get("data", {}) for cell in code_cells(notebook) for o in cell.outputs)
    return [base64.b64decode(bundle["image/png"]) for bundle in bundles if "image/png" in bundle]


def says_that_kernels_are_compiled(output):
    return output.get("name") == "stderr" and output.text.startswith("Compiling kernels")


def test_there_are_notebooks():
    assert "01-quickstart" in [path.stem for path in NOTEBOOKS]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the notebook's client, not of ours
@each_notebook
def test_runs_and_is_committed_as_run(path, tmp_path, monkeypatch):
    monkeypatch.setenv("TSRNN_NOTEBOOK_QUICK", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))  # no start-up files of the user's
    committed = nbformat.read(path, as_version=4)
    notebook = nbformat.read(path, as_version=4)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    place = tmp_path / "place"
    place.mkdir()
    NotebookClient(
        notebook,
        timeout=300,
        resources={"metadata": {"path": str(place)}},
        extra_arguments=["--log-level=ERROR"],
    ).execute()
    for run, kept in zip(code_cells(notebook), code_cells(committed), strict=True):
        run.outputs = [each for each in run.outputs if not says_that_kernels_are_compiled(each)]
        said = [output.text for output in run.outputs if output.get("name") == "stderr"]
        assert not said, f"{run.source}\n{said}"
        # A run joins or splits what one stream says as it likes.
        assert dict.fromkeys(map(str, shown(run))) == dict.fromkeys(map(str, shown(kept))), (
            f"{run.source}\nexecute the notebook again: python notebooks/execute.py"
        )
    assert not list(place.iterdir()), "files left behind"


@each_notebook
def test_is_committed_executed_and_clean(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < 1_500_000
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    pictures = images(notebook)
    assert pictures
    assert all(picture.startswith(PNG) for picture in pictures)
    text = re.sub(r"data:audio/wav;base64,[A-Za-z0-9+/=]+", "", text)
    assert len(text) < 500_000
    assert set(notebook.metadata) == {"kernelspec", "language_info", "executed"}
    assert notebook.metadata.kernelspec.name == "python3"
    # Base64 holds slashes too: look for paths in all that is not a picture.
    prose = re.sub(r'"image/png": "[^"]*"', "", text)
    assert not re.findall(r"/(?:work|root|tmp|home|Users)\b.{0,40}|\b[A-Z]:\\\\.{0,40}", prose)
    assert not re.findall(r" at 0x[0-9a-f]+", prose)


@each_notebook
def test_outputs_are_of_the_code(path):
    code = "\0".join(cell.source for cell in code_cells(nbformat.read(path, as_version=4)))
    executed = nbformat.read(path, as_version=4).metadata.executed
    remedy = "execute the notebook again: python notebooks/execute.py"
    assert executed == hashlib.sha256(code.encode()).hexdigest(), remedy


@each_notebook
def test_uses_public_names_alone(path):
    for cell in code_cells(nbformat.read(path, as_version=4)):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_"), f"{node.attr} in\n{cell.source}"
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [node.module]
            for module in modules:
                if module.partition(".")[0] != "tsrnn":
                    continue
                assert module in PUBLIC, f"import of {module} in\n{cell.source}"
                if isinstance(node, ast.ImportFrom):
                    names = {alias.name for alias in node.names}
                    assert names <= set(importlib.import_module(module).__all__)


def test_demo(tmp_path):
    demo = subprocess.run(
        [sys.executable, str(FOLDER / "demo.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert demo.returncode == 0, demo.stderr
    assert re.fullmatch("(Compiling kernels .*\n)?", demo.stderr)
    rows = re.findall(r"^(19\d\d-\d\d)((?: +\d+){5})$", demo.stdout, flags=re.MULTILINE)
    assert len(rows) == 24
    assert (rows[0][0], rows[-1][0]) == ("1959-01", "1960-12")
    errors = dict(re.findall(r"(RNNForecaster|seasonal naive) +([\d.]+)%", demo.stdout))
    assert float(errors["RNNForecaster"]) < float(errors["seasonal naive"])
    picture = (tmp_path / "forecast.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 10_000
    assert [path.name for path in tmp_path.iterdir()] == ["forecast.png"]

"""What fits and forecasts are made of must round alike on every processor."""

import ast
from pathlib import Path

import pytest

import tsrnn

PACKAGE = Path(tsrnn.__file__).parent
# NumPy's own of these are other code on other processors, or a BLAS; see tsrnn.kernels.portable.
DIFFER = {
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sin",
    "cos",
    "tan",
    "tanh",
    "arctan",
    "logaddexp",
    "power",
    "float_power",
    "dot",
    "matmul",
    "vdot",
    "inner",
    "einsum",
    "tensordot",
    "linalg",
    "fft",
    "convolve",
    "correlate",
    "polyfit",
}
# Scores and displays are no part of a fit, nor is what makes finished forecasts coherent; the
# product is NumPy's in a simulator alone.
LEFT_OUT = {
    "forecasting/reconciliation.py",
    "forecasting/metrics/distributions.py",
    "estimators/summary.py",
    "kernels/gemm/products.py",
}
MODULES = sorted(
    path
    for folder in (
        "kernels",
        "network",
        "training",
        "estimators",
        "forecasting",
        "data",
        "sequences/audio",
    )
    for path in (PACKAGE / folder).rglob("*.py")
    if path.relative_to(PACKAGE).as_posix() not in LEFT_OUT and "cuda" not in path.parts
)


def found_in(source: str) -> list[str]:
    """Places where such a function of NumPy, a matrix product or the C library's stands."""
    places = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in ("np", "numpy") and node.attr in DIFFER:
                places.append(f"line {node.lineno}: np.{node.attr}")
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
            places.append(f"line {node.lineno}: @")
    return places


def test_what_rounds_by_the_processor_is_found():
    found = found_in("y = np.log(x) + a @ b\nz = np.sqrt(x) * np.linalg.norm(x)")
    assert sorted(found) == ["line 1: @", "line 1: np.log", "line 2: np.linalg"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_nothing_rounds_by_the_processor(path):
    assert not found_in(path.read_text())

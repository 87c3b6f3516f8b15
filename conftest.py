"""What all tests share, the examples in docstrings too; see ``tests/conftest.py``."""

import os
import sys

import pytest

# Several test processes share the cores: threads that wait must leave them to others at once.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores: now and then one waits for a kernel that another compiles."""
    return min(4, (os.cpu_count() or 1) + 1)


@pytest.fixture(autouse=True)
def close_figures():
    """Close what a test has drawn: matplotlib warns of many open figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")

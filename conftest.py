"""What all tests share, the examples in docstrings too; see ``tests/conftest.py``."""

import sys

import pytest


@pytest.fixture(autouse=True)
def close_figures():
    """Close what a test has drawn: matplotlib warns of many open figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")

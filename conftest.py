"""What all tests share, the examples in docstrings too; see ``tests/conftest.py``."""

import logging
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


# Files that run one after another in one process, those that take longest first. Kernels share
# functions, and take half as long to compile in a process that has compiled others; engines of
# clusters start once. All other files follow, each in one process.
TOGETHER = [
    ["tests/distributed/"],
    ["tests/kernels/test_cpu.py", "tests/network/"],
    ["tests/kernels/test_tokens.py", "tests/estimators/test_tokens.py"],
    ["tests/kernels/test_translation.py", "tests/sequences/test_translator.py"],
    ["tests/test_notebooks.py"],
    ["tests/test_contributing.py"],
    ["tests/kernels/test_ptx.py"],
    ["tests/kernels/test_same_bits.py"],
    ["tests/test_wheel.py"],
    ["tests/saving/test_golden.py"],
    ["tests/saving/test_translators.py"],
]


def _unit(nodeid: str) -> int | str:
    """The number of the files of ``TOGETHER`` that a test is in, or its file."""
    for number, paths in enumerate(TOGETHER):
        if nodeid.startswith(tuple(paths)):
            return number
    return nodeid.partition("::")[0]


def _rank(item: pytest.Item) -> int:
    unit = _unit(item.nodeid)
    return unit if isinstance(unit, int) else len(TOGETHER)


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):  # a process of pytest-xdist
        items.sort(key=_rank)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Distribute tests by ``TOGETHER`` where they are by file, in their order."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return str(_unit(nodeid))

    config.option.loadscopereorder = False  # by the number of tests
    return Scheduling(config, log)


@pytest.fixture(autouse=True)
def close_figures():
    """Close what a test has drawn: matplotlib warns of many open figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(autouse=True)
def restore_log_level():
    """A test that sets the level of the log, as code of a page does, leaves it as it was."""
    logger = logging.getLogger("tsrnn")
    level = logger.level
    yield
    logger.setLevel(level)

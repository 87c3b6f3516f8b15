"""The options of ``tsrnn compile`` and ``tsrnn kernels``."""

import argparse
from functools import partial

from tsrnn.cli.arguments import adder, cell_name, count

# Those of ``tsrnn.warming``, which is slow to import
ESTIMATORS = ("forecaster", "regressor", "classifier", "detector")
_COMPILE = """\
Compile kernels before they are called, for images and CI: the first fit of a cell does it else.

What the wheel brings, or the cache holds, is not compiled again."""
_COMPILE_EXAMPLES = """\
examples:
  tsrnn compile
  tsrnn compile --cells lstm gru --estimators forecaster detector --n-jobs 2
  NUMBA_CACHE_DIR=/opt/kernels tsrnn compile --all"""
_KERNELS = """\
List the compiled kernels that the installed wheel brings, with the levels of processors that they
are for and this one has, and those that were compiled here.

Kernels of a wheel serve the versions of Python, Numba, llvmlite and NumPy that they were made with;
with others all are compiled here."""
_KERNELS_EXAMPLES = """\
examples:
  tsrnn kernels"""


def add_compile(commands) -> None:
    """Add the command that compiles to a parser's subcommands."""
    add = adder(_command(commands, "compile", "compile kernels", _COMPILE, _COMPILE_EXAMPLES))
    some: dict = {"nargs": "+", "action": "extend"}
    text = "recurrent cells, such as lstm gru, or attention (default lstm)"
    add("--cells", text, type=partial(cell_name, others=["attention"]), metavar="NAME", **some)
    text = "those of: %(choices)s (default: all)"
    add("--estimators", text, choices=ESTIMATORS, metavar="NAME", **some)
    add("--all", "all cells, and attention", action="store_true")
    add("--n-jobs", "processes (default: all cores)", old="--jobs", type=count, metavar="N")


def add_kernels(commands) -> None:
    """Add the command that lists to a parser's subcommands."""
    _command(commands, "kernels", "list compiled kernels", _KERNELS, _KERNELS_EXAMPLES)


def _command(commands, name, summary, description, examples):
    return commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

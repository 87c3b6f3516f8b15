"""The command ``tsrnn``. Slow imports wait until a command runs, so that ``--help`` is fast."""

import os
import sys
import warnings
from collections.abc import Sequence

from tsrnn.cli.options import parser
from tsrnn.cli.wording import in_options


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        0, or 2 after an error in one line on standard error, or 130 after Ctrl-C.

    Examples
    --------
    >>> from tsrnn.cli import main
    >>> main(["--version"])
    tsrnn 0...
    0
    """
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as stop:  # argparse exits, after --help as well
        return int(stop.code or 0)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            _run(arguments)
            sys.stdout.flush()
        except KeyboardInterrupt:
            print("tsrnn: interrupted", file=sys.stderr)
            return 130
        except BrokenPipeError:  # as of `tsrnn forecast ... | head`: the reader is gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (ValueError, OSError, ImportError, MemoryError, RuntimeError) as error:
            message = in_options(_flattened(error))
            print(f"tsrnn {arguments.command}: error: {message}", file=sys.stderr)
            return 2
    return 0


def _run(arguments):
    from tsrnn.cli import commands

    getattr(commands, arguments.command)(arguments)


def _show_warning(message, category, filename, lineno, file=None, line=None):
    print(f"tsrnn: warning: {in_options(_flattened(message))}", file=sys.stderr)


def _flattened(message):
    if isinstance(message, OSError) and message.strerror:
        message = f"{message.filename}: {message.strerror}"
    return " ".join(str(message).split())

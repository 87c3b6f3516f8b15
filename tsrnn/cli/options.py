"""The parser of the command line."""

import argparse

import tsrnn
from tsrnn.cli.detect_options import add_detect
from tsrnn.cli.forecast_options import add_backtest, add_forecast
from tsrnn.cli.generate_options import add_generate
from tsrnn.cli.kernels_options import add_compile, add_kernels
from tsrnn.cli.saved_options import add_predict, add_score, add_update
from tsrnn.cli.transcribe_options import add_transcribe
from tsrnn.cli.translate_options import add_translate


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = _Parser(prog="tsrnn", description=(tsrnn.__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", action="version", version=f"tsrnn {tsrnn.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    add_forecast(commands)
    add_backtest(commands)
    add_detect(commands)
    add_predict(commands)
    add_update(commands)
    add_score(commands)
    add_generate(commands)
    add_transcribe(commands)
    add_translate(commands)
    add_compile(commands)
    add_kernels(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser that reports errors in one line, without the usage."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")

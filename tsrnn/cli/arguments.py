"""Arguments of the command line: what adds them, and their types, which refuse wrong values."""

import argparse
import codecs
import contextlib
import math
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

_LARGEST_COUNT = 1_000_000  # lest a typing error take all memory
_LONGEST_SEASON = 2**31 - 1  # steps
_LARGEST_NUMBER = 1e30


def adder(group):
    """A function that adds an option to a group: flag and help, then what argparse takes.

    ``old`` is a flag that it had in earlier versions: it still works, with a note.
    """

    def add(flag, text, old=None, **settings):
        group.add_argument(flag, help=text, **settings)
        if old is not None:
            settings |= {"action": _Renamed, "dest": flag[2:].replace("-", "_")}
            settings |= {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
            group.add_argument(old, **settings)

    return add


class _Renamed(argparse.Action):
    """An option by the flag that it had in earlier versions."""

    def __call__(self, parser, namespace, values, option_string=None):
        new = self.dest.replace("_", "-")
        print(f"tsrnn: warning: {option_string} is now called --{new}", file=sys.stderr)
        setattr(namespace, self.dest, values)


def _integer(text, least, most):
    if not text.isdecimal() or len(text) > 20 or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return int(text)


count = partial(_integer, least=1, most=_LARGEST_COUNT)
beams = partial(_integer, least=1, most=1000)
lookback = partial(_integer, least=2, most=_LARGEST_COUNT)
count_or_zero = partial(_integer, least=0, most=_LARGEST_COUNT)
seed = partial(_integer, least=0, most=2**32 - 1)


def season(text: str) -> int | float:
    """Steps of a season, whole or not."""
    number = _number(text)
    if not 1 <= number <= _LONGEST_SEASON:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_LONGEST_SEASON}")
    return int(number) if number.is_integer() else number


def loss_name(text: str) -> str:
    """A loss of forecasters; they are imported here, as Numba would slow ``--help`` down."""
    from tsrnn.kernels.losses import REGRESSION_LOSSES

    return _checked_choice(text, REGRESSION_LOSSES)


def cell_name(text: str, others: Sequence[str] = ()) -> str:
    """A recurrent cell, or one of ``others``; imported here for the same reason."""
    from tsrnn.kernels.cells import NAMES

    return _checked_choice(text, [*NAMES, *others])


def baseline_name(text: str) -> str:
    """A forecaster that a backtest has a name for; imported here for the same reason."""
    from tsrnn.forecasting.backtesting import BASELINES

    return _checked_choice(text, BASELINES)


def _checked_choice(text, names):
    if text not in names:
        choices = ", ".join(map(repr, names))
        raise argparse.ArgumentTypeError(f"invalid choice: {text!r} (choose from {choices})")
    return text


def _number(text):
    with contextlib.suppress(ValueError):
        return float(text)
    return math.nan


def minibatches(text: str) -> int | str | None:
    """Minibatches of an epoch: a number, auto, or none for as many as go through all windows."""
    if text in ("auto", "none"):
        return None if text == "none" else text
    return count(text)


def bound(text: str) -> float:
    """A number of any sign."""
    number = _number(text)
    if not abs(number) <= _LARGEST_NUMBER:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number up to {_LARGEST_NUMBER:g}")
    return number


def gap(text: str) -> Any:
    """A number of points, a time, or auto; pandas, which reads times, is imported when needed."""
    if text == "auto":
        return text
    from tsrnn.anomaly.event_tables import checked_length

    try:
        return checked_length(int(text) if text.isdecimal() else text, "min_gap")
    except ValueError as error:
        problem = "is neither a number of points nor a time such as 2h, of 0 or above"
        raise argparse.ArgumentTypeError(f"{text!r} {problem}") from error


def percent(text):
    """A percentage; without a % sign a number below 1 is a share, as in Python: 0.8, 80 or 80%."""
    number = _number(text.removesuffix("%"))
    if number < 1 and not text.endswith("%"):
        number = round(100 * number, 10)
    if not 0.0001 <= number <= 99.9999:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage from 0.0001 to 99.9999")
    return number


def share(text):
    """A share, which may be written as a percentage with a % sign."""
    number = _number(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < number <= 0.5:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share above 0, up to 0.5 (or 50%)")
    return number


def fraction(text):
    """A number above 0, up to 1, which may be written as a percentage with a % sign."""
    number = _number(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, up to 1 (or 100%)")
    return number


def temperature(text):
    """A number of 0 or above."""
    number = _number(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 or above")
    return number


def seconds(text):
    """A number above 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return number


def filled(text):
    """A text that is not empty."""
    if not text:
        raise argparse.ArgumentTypeError("the text is empty")
    return text


def character(text):
    """One character that may separate columns; a tab may be typed as \\t."""
    text = text.replace("\\t", "\t")
    if len(text) != 1 or text in '"\r\n':
        raise argparse.ArgumentTypeError(f"{text!r} is not one character that separates columns")
    return text


def thousands(text):
    if len(text) != 1 or text.isalnum() or text in "+-":
        raise argparse.ArgumentTypeError(f"{text!r} is not one character that groups digits")
    return text


def encoding(text):
    """The name of an encoding; a byte order mark is no part of UTF-8 text."""
    try:
        "".encode(text)
    except (LookupError, UnicodeError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no encoding such as latin-1") from error
    name = codecs.lookup(text).name
    return "utf-8-sig" if name == "utf-8" else name

"""The options of the command line."""

from __future__ import annotations

import argparse
import contextlib
from functools import partial

import tsrnn

_MOST = 1_000_000  # of whatever is counted, lest a typing error take all memory
_FORECAST = """\
Forecast columns of a csv or parquet file by a recurrent network (LSTM), with prediction intervals.

One column and no --id is one series. A panel of series is a column of them, named by --id, or
several columns, --target A B C; one network learns from all of its series.

What is read beside a target are columns of --known and --past, --static, --calendar and --holidays.
Those of --known reach over the horizon: by rows that follow the last target, whose target is empty,
or by another file, --future.

The table of forecasts goes to standard output as csv, or to the file given by --out: of each series
and time the forecast and its intervals, forecast, lower_80, upper_80, ... The series of a panel
stand one below the other, named in the column of --id, or else in a column called series."""
_BACKTEST = """\
Forecast columns of a csv or parquet file from times in the past (origins), and print the errors
against what came, beside those of the seasonal naive forecast and of drift.

The network is trained once, on what came before the first origin; --refit trains it anew at each,
which takes as many times as long as there are --windows.

MAE, RMSE, MASE, ... are averaged over origins and steps, then over series; coverage_80 is the share
of what came that lay within the 80 % intervals."""
_DETECT = """\
Find anomalies in columns of a csv or parquet file: what a recurrent network (GRU) that has learnt
the series did not expect. Prints the events, stretches of time that are strange.

Several --target are channels of one series, which are strange together; --id names a column of
series, and one network learns from all of them.

Of each event the table has start and end, both included, the severity, which is its highest score,
and what was seen and expected at its strangest point; of several --target also of which channel.
Scores are in units of usual errors, 1 where all is as usual. Events are where they are above a
threshold: 3.5 robust deviations above the median, or as --contamination says; with --online that
of a false-alarm rate of 1 %."""
_FILES = """\
The time column holds time stamps (1949-01, 2024-03-31T18:00, ...), years (1700, 1701, ...) or
other whole numbers in equal steps. Rows may be in any order, but no time may be twice, nor
missing unless --missing mask.
{}Errors count rows of data from 1, the header not counted.
Files that end in .parquet or .pq are parquet, read and written by pyarrow; all others are csv."""
_BESIDE = """\
Of several --target a column may begin or end with empty cells: its series is shorter.
Columns beside the target are read as numbers if most of their cells are, else as categories.
"""
_CALENDAR = ("minute", "hour", "weekday", "day", "month", "day_of_year")


class _LossNames:
    """The losses of forecasters, imported once they are needed: Numba would slow ``--help``."""

    def __iter__(self):
        from tsrnn.kernels.losses import REGRESSION_LOSSES

        return iter(REGRESSION_LOSSES)


_LOSSES = _LossNames()
_FORECAST_EXAMPLES = """\
examples:
  tsrnn forecast airline.csv --time time --target passengers --horizon 12 \\
      --out forecast.csv --plot forecast.png
  tsrnn forecast sales.parquet --id shop --time day --target sold --out forecast.parquet
  tsrnn forecast weather.csv --time time --target temp_max temp_min wind
  tsrnn forecast sales.csv --id shop --time day --target sold --known price promotion \\
      --past visitors --future prices.csv --static shops.csv --calendar weekday day_of_year \\
      --holidays 2024-12-25 2024-12-26"""
_BACKTEST_EXAMPLES = """\
examples:
  tsrnn backtest airline.csv --time time --target passengers --windows 5 --plot backtest.png
  tsrnn backtest sales.parquet --id shop --time day --target sold --horizon 14 --step 7 \\
      --refit --out forecasts.parquet --metrics metrics.csv
  tsrnn backtest sales.csv --id shop --time day --target sold --known price --calendar weekday"""

_DETECT_EXAMPLES = """\
examples:
  tsrnn detect nyc_taxi.csv --time time --target passengers --n-most 5 --plot events.png
  tsrnn detect sales.parquet --id shop --time day --target sold visitors --out events.csv
  tsrnn detect engine.csv --target speed heat --online --contamination 0.01 --scores scores.csv"""


def parser() -> argparse.ArgumentParser:
    """What reads the arguments of the process."""
    parser = _Parser(prog="tsrnn", description=(tsrnn.__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", action="version", version=f"tsrnn {tsrnn.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_forecast(commands)
    _add_backtest(commands)
    _add_detect(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """Complains in one line, without the usage before it."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _add_forecast(commands):
    command = _command(
        commands, "forecast", "forecast columns of a file", _FORECAST, _FORECAST_EXAMPLES, _BESIDE
    )
    add = _add_series(command, "column to forecast; several are a panel")
    _add_reach(add)
    _add_beside(command).add_argument(
        "--future", metavar="FILE",
        help="file of the rows to come: --time, --id and --known (default: in FILE itself)",
    )  # fmt: skip
    add("--out", metavar="FILE", help="csv or parquet file to write the forecasts to")
    add("--plot", metavar="FILE", help="picture to write: png, svg, pdf; of a panel 12 series")
    add("--save", metavar="FILE", help="file for the trained forecaster, to be read by tsrnn.load")
    _add_settings(command)


def _add_backtest(commands):
    command = _command(
        commands, "backtest", "forecast from the past and measure", _BACKTEST, _BACKTEST_EXAMPLES,
        _BESIDE,
    )  # fmt: skip
    add = _add_series(command, "column to forecast; several are a panel")
    _add_reach(add)
    _add_beside(command)
    command.set_defaults(future=None)
    add("--windows", type=_count, default=5, metavar="N", help="origins (default 5)")
    add("--step", type=_count, metavar="N", help="from origin to origin (default: a horizon)")
    add("--refit", action="store_true", help="train anew at each origin")
    add(
        "--out", metavar="FILE",
        help="csv or parquet file for all forecasts: unique_id, cutoff (the origin), ds, y, ...",
    )  # fmt: skip
    add("--metrics", metavar="FILE", help="csv or parquet file for the table of errors")
    add("--plot", metavar="FILE", help="picture to write: png, svg, pdf; of a panel 12 series")
    _add_settings(command)


def _add_detect(commands):
    command = _command(
        commands, "detect", "find anomalies in a file", _DETECT, _DETECT_EXAMPLES, ""
    )
    add = _add_series(command, "column to look at; several are channels of one series")
    add(
        "--n-most", type=_count, metavar="K",
        help="events to tell, the most severe, be they above the threshold or below",
    )  # fmt: skip
    add(
        "--contamination", type=_share, metavar="SHARE",
        help="share of points, up to 0.5, whose scores are above the threshold",
    )  # fmt: skip
    add(
        "--online", action="store_true",
        help="score each point by what came before it alone, as in a stream",
    )  # fmt: skip
    add("--out", metavar="FILE", help="csv or parquet file for the events, with all columns")
    add("--scores", metavar="FILE", help="csv or parquet file for the score of each row, ...")
    add("--plot", metavar="FILE", help="picture to write: png, svg, pdf; of one series, the worst")
    add("--save", metavar="FILE", help="file for the trained detector, to be read by tsrnn.load")
    add = command.add_argument_group("network").add_argument
    add(
        "--method", choices=["forecast", "reconstruction"], default="forecast",
        help="hold forecasts of a network against the series (default), or what one that encodes "
        "and decodes windows makes of it",
    )  # fmt: skip
    add("--horizon", type=_count, metavar="N", help="steps of the farthest forecast (default 64)")
    add(
        "--stretch", type=_count, metavar="N",
        help="steps over which surprises are averaged (default 100); 1 for single points",
    )  # fmt: skip
    _add_networks(add, "forecasts are averaged")
    add("--season", type=_count, metavar="N", help="steps of a season (default: by frequency)")
    add("--lookback", type=_count, metavar="N", help="steps learnt from at once (default 64)")
    add("--hidden-size", type=_count, metavar="N", help="hidden units (default 32)")
    _add_training(add)
    _add_reading(command)


def _command(commands, name, summary, description, examples, beside):
    return commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"{_FILES.format(beside)}\n\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_series(command, target):
    """The series of a file; the way to add more options."""
    add = command.add_argument
    add("file", metavar="FILE", help="csv file with a header line, or parquet file")
    add(
        "--target", required=True, nargs="+", action="extend", metavar="COLUMN",
        help=target,
    )  # fmt: skip
    add("--time", metavar="COLUMN", help="column of times; without it rows count from 1")
    add("--id", metavar="COLUMN", help="column that says which series a row belongs to")
    return add


def _add_reach(add):
    """How far to forecast, and how uncertainty is told."""
    add("--horizon", type=_count, default=12, metavar="N", help="steps ahead (default 12)")
    add(
        "--coverage", type=_percent, nargs="+", default=[80.0, 95.0], metavar="PERCENT",
        help="how often intervals shall hold the truth (default 80 95)",
    )  # fmt: skip
    add(
        "--quantiles", type=_percent, nargs="+", default=[], metavar="PERCENT",
        help="quantiles to tell too, such as 10 50 90, in columns quantile_10, ...",
    )  # fmt: skip


def _add_beside(command):
    """What is known beside the series; the group of it."""
    group = command.add_argument_group("beside the target")
    several = partial(group.add_argument, nargs="+", action="extend", default=[])
    several("--known", metavar="COLUMN", help="columns known in the future, such as prices")
    several("--past", metavar="COLUMN", help="columns not known in the future, such as visitors")
    group.add_argument(
        "--static", metavar="FILE",
        help="file of one row a series: its name in the column of --id (or, of several --target, "
        "in a column called series), numbers and categories in all others",
    )  # fmt: skip
    several(
        "--calendar", choices=_CALENDAR, metavar="NAME",
        help=f"what is read of times: {', '.join(_CALENDAR)}",
    )  # fmt: skip
    several(
        "--holidays", metavar="DATE",
        help="holidays: dates such as 2024-12-25, or files of one a line",
    )  # fmt: skip
    return group


def _add_settings(command):
    add = command.add_argument_group("network").add_argument
    add(
        "--scope", choices=["global", "local", "fine_tuned"], default="global",
        help="one network of all series (default), one each, or one of all that then learns from "
        "each",
    )  # fmt: skip
    add(
        "--loss", choices=_LOSSES, default="absolute_error", metavar="NAME",
        help="loss to train with: %(choices)s; those of quantiles and of distributions also learn "
        "how wide intervals are (default absolute_error)",
    )  # fmt: skip
    _add_networks(add, "median is the forecast")
    add("--season", type=_count, metavar="N", help="steps of a season (default: by frequency)")
    add("--lookback", type=_count, metavar="N", help="steps read (default: three seasons)")
    add("--hidden-size", type=_count, metavar="N", help="hidden units (default 32; panels 128)")
    _add_training(add)
    _add_reading(command)


def _add_networks(add, use):
    add(
        "--networks", type=_count, default=1, metavar="N",
        help=f"networks, whose {use} (default 1)",
    )  # fmt: skip


def _add_training(add):
    add("--max-iter", type=_count, metavar="N", help="most epochs (default: by length)")
    add("--seed", type=_seed, default=0, metavar="N", help="of the random numbers (default 0)")
    add("--jobs", type=_count, metavar="N", help="threads (default: all cores)")
    add("--device", choices=["cpu", "cuda"], default="cpu", help="what to train on (default cpu)")


def _add_reading(command):
    add = command.add_argument_group("reading and reporting").add_argument
    add(
        "--sep", type=_character, default=",", metavar="CHARACTER",
        help="what separates columns of the csv file (default ,)",
    )  # fmt: skip
    add("--time-format", metavar="FORMAT", help="of time stamps, such as %%d.%%m.%%Y")
    add(
        "--missing", choices=["raise", "mask"], default="raise",
        help="refuse empty cells and times left out (default), or mask them: learn without",
    )  # fmt: skip
    add("--quiet", action="store_true", help="show no progress")


def _whole(text, least, most):
    """A whole number within bounds."""
    if not text.isdecimal() or len(text) > 20 or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return int(text)


_count = partial(_whole, least=1, most=_MOST)
_seed = partial(_whole, least=0, most=2**32 - 1)


def _percent(text):
    """A number between 0 and 100, both excluded."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) < 100:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a percentage between 0 and 100")


def _share(text):
    """A number above 0, up to a half."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 0.5:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a share above 0, up to 0.5")


def _character(text):
    """One character that may separate columns; a tab may be typed as \\t."""
    text = text.replace("\\t", "\t")
    if len(text) != 1 or text in '"\r\n':
        raise argparse.ArgumentTypeError(f"{text!r} is not one character that separates columns")
    return text

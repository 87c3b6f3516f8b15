"""The command ``tsrnn``: forecast a column of a csv file.

Whatever is slow to import is imported in the command that needs it, so that ``--help`` is instant.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import tsrnn

_LONG = 2000  # observations from which training lasts, so that its progress is shown
_DESCRIPTION = """\
Forecast one column of a csv file by a recurrent network (LSTM), with prediction intervals.

The table of forecasts goes to standard output as csv, or to the file given by --out."""
_EPILOG = """\
The time column holds time stamps (1949-01, 2024-03-31T18:00, ...), years (1700, 1701, ...) or
other whole numbers in equal steps. Rows may be in any order, but no time may be missing or twice.

example:
  tsrnn forecast airline.csv --time time --target passengers --horizon 12 \\
      --out forecast.csv --plot forecast.png"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; by default those of the process.

    Returns
    -------
    int
        0, or 2 after one line on standard error about what was wrong, or 130 after Ctrl-C.

    Examples
    --------
    >>> from tsrnn.cli import main
    >>> main(["--version"])
    tsrnn 0...
    0
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as stop:  # argparse leaves so, after --help as well
        return int(stop.code or 0)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            arguments.run(arguments)
            sys.stdout.flush()
        except KeyboardInterrupt:
            print("tsrnn: interrupted", file=sys.stderr)
            return 130
        except BrokenPipeError:  # as by `tsrnn forecast ... | head`: nobody reads on
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (ValueError, OSError, ImportError) as error:
            print(f"tsrnn {arguments.command}: error: {_one_line(error)}", file=sys.stderr)
            return 2
    return 0


class _Parser(argparse.ArgumentParser):
    """Complains in one line, without the usage before it."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _parser():
    parser = _Parser(prog="tsrnn", description=(tsrnn.__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", action="version", version=f"tsrnn {tsrnn.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_forecast(commands)
    return parser


def _add_forecast(commands):
    forecast = commands.add_parser(
        "forecast",
        help="forecast a column of a csv file",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    forecast.set_defaults(run=_forecast)
    add = forecast.add_argument
    add("file", metavar="FILE.csv", help="file with a header line")
    add("--target", required=True, metavar="COLUMN", help="column to forecast")
    add("--time", metavar="COLUMN", help="column of times; without it rows count from 1")
    add("--horizon", type=_count, default=12, metavar="N", help="steps ahead (default 12)")
    add("--out", metavar="FILE", help="csv file to write the forecast to")
    add("--plot", metavar="FILE", help="picture of it to write: png, svg or pdf")
    add(
        "--coverage", type=_percent, nargs="+", default=[80.0, 95.0], metavar="PERCENT",
        help="how often intervals shall hold the truth (default 80 95)",
    )  # fmt: skip
    network = forecast.add_argument_group("network")
    add = network.add_argument
    add("--season", type=_count, metavar="N", help="steps of a season (default: by frequency)")
    add("--lookback", type=_count, metavar="N", help="steps read (default: three seasons)")
    add("--hidden-size", type=_count, metavar="N", help="hidden units (default 32)")
    add("--max-iter", type=_count, metavar="N", help="most epochs (default: by length)")
    add("--seed", type=int, default=0, metavar="N", help="of the random numbers (default 0)")
    add("--jobs", type=_count, metavar="N", help="threads (default: all cores)")
    reading = forecast.add_argument_group("reading and reporting")
    add = reading.add_argument
    add("--sep", default=",", metavar="CHARACTER", help="what separates columns (default ,)")
    add("--time-format", metavar="FORMAT", help="of time stamps, such as %%d.%%m.%%Y")
    add("--quiet", action="store_true", help="show no progress")


def _count(text):
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _percent(text):
    """A number between 0 and 100, both excluded."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) < 100:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a percentage between 0 and 100")


def _forecast(arguments):
    """Read, fit, write: all that can be refused is refused before the network is trained."""
    figure = _new_figure(arguments.plot) if arguments.plot else None
    for path in filter(None, (arguments.out, arguments.plot)):
        _check_writable(path)
    y = _read_series(arguments)
    forecaster = _fit(arguments, y)
    coverage = [percent / 100 for percent in arguments.coverage]
    intervals = forecaster.predict_interval(coverage=coverage)
    forecast = forecaster.predict()
    table = intervals.copy()
    table.insert(0, "forecast", forecast)
    # Networks compute in float32, which holds 7 digits.
    table.to_csv(arguments.out or sys.stdout, float_format="%.7g", lineterminator="\n")
    if figure is not None:
        from tsrnn.plotting import ForecastDisplay

        ForecastDisplay.from_estimator(forecaster, coverage=coverage, ax=figure.subplots())
        figure.savefig(arguments.plot, dpi=150)


def _new_figure(path):
    """A figure that is written without a window system, once its kind of file is known."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('--plot needs matplotlib: pip install "tsrnn[plot]"') from error
    figure = Figure(figsize=(9, 4), layout="constrained")
    kinds = figure.canvas.get_supported_filetypes()
    if Path(path).suffix[1:].lower() not in kinds:
        raise ValueError(f"--plot {path}: the name must end in one of .{', .'.join(sorted(kinds))}")
    return figure


def _check_writable(path):
    file = Path(path)
    if file.is_dir():
        raise ValueError(f"cannot write {path}: it is a directory")
    if not file.parent.is_dir():
        raise ValueError(f"cannot write {path}: there is no directory {file.parent}")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ValueError(f"cannot write {path}: permission denied")


def _read_series(arguments):
    """The target column on its times."""
    import pandas as pd

    path, target, time = arguments.file, arguments.target, arguments.time
    if target == time:
        raise ValueError(f"--time and --target name the same column {target!r}")
    wanted = [target] if time is None else [time, target]
    # Without index_col=False a separator at the end of each row would shift the columns.
    how = {"sep": arguments.sep, "index_col": False}
    _refuse_ragged(path, arguments.sep)
    try:
        columns = pd.read_csv(path, nrows=0, **how).columns
        missing = [column for column in wanted if column not in columns]
        frame = None if missing else pd.read_csv(path, usecols=wanted, **how)
    except ValueError as error:
        raise ValueError(f"{path} is no csv file that can be read: {error}") from error
    if missing:
        raise ValueError(f"{path} has no column {missing[0]!r}; it has: {', '.join(columns)}")
    if frame.empty:
        raise ValueError(f"{path} has no rows below its header")
    if time is None:
        index = pd.RangeIndex(1, len(frame) + 1, name="row")
    else:
        index = _times(frame[time], arguments.time_format).rename(time)
    return pd.Series(_numbers(frame[target]).to_numpy(), index, name=target)


def _refuse_ragged(path, separator):
    """Name the first row with more cells than the header: pandas would drop them in silence."""
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.reader(file, delimiter=separator)
        width = len(next(rows, ()))
        for number, row in enumerate(rows, start=1):
            if any(cell.strip() for cell in row[width:]):
                raise ValueError(
                    f"{path} has {len(row)} cells in row {number} below a header of {width}; is "
                    f"{separator!r} (--sep) a decimal mark there?"
                )


def _numbers(column):
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    _refuse(column, numbers.isna() & column.notna(), "which is not a number")
    return numbers


def _times(column, time_format):
    """Years and quarters as periods, other whole numbers as they are, the rest as time stamps."""
    import pandas as pd

    _refuse(column, column.isna(), "not a time")
    text = column.astype(str)
    if pd.api.types.is_numeric_dtype(column) and time_format is None:
        if not pd.api.types.is_integer_dtype(column):
            _refuse(column, column % 1 != 0, "which is neither a time stamp nor a whole number")
        if column.between(1000, 3000).all():
            return pd.PeriodIndex(text, freq="Y")
        days = pd.to_datetime(text, format="%Y%m%d", errors="coerce")
        eight_digits = column.between(1000_01_01, 3000_12_31).all()
        return pd.Index(days if eight_digits and days.notna().all() else column)
    if text.str.fullmatch(r"\d{4}-?Q[1-4]").all():
        return pd.PeriodIndex(text, freq="Q")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on how the format was guessed
        try:
            return pd.DatetimeIndex(pd.to_datetime(text, format=time_format))
        except ValueError:  # a bad cell, or offsets from UTC that differ
            stamps = pd.to_datetime(text, format=time_format, errors="coerce", utc=True)
    like = f"like {time_format}" if time_format else f"as {text.iloc[0]!r} is (see --time-format)"
    _refuse(column, stamps.isna(), f"which is not a time stamp {like}")
    return pd.DatetimeIndex(stamps)


def _refuse(column, bad, why):
    """Name the first cell that is bad, if any is."""
    if bad.any():
        row, cell = int(bad.argmax()), column.iloc[int(bad.argmax())]
        holds = "is empty" if cell != cell else f"holds {str(cell)!r}"
        more = f", and so do {bad.sum() - 1} more" if bad.sum() > 1 else ""
        raise ValueError(
            f"column {column.name!r} {holds} in row {row + 1} below the header, {why}{more}"
        )


def _fit(arguments, y):
    from tsrnn.forecasting import RNNForecaster

    given = {
        "lookback": arguments.lookback,
        "season": arguments.season,
        "hidden_size": arguments.hidden_size,
        "max_iter": arguments.max_iter,
        "n_jobs": arguments.jobs,
    }
    forecaster = RNNForecaster(
        horizon=arguments.horizon,
        random_state=arguments.seed,
        verbose=int(not arguments.quiet and (sys.stderr.isatty() or len(y) >= _LONG)),
        **{name: value for name, value in given.items() if value is not None},
    )
    try:
        return forecaster.fit(y)
    except ValueError as error:
        message = str(error)
        if message.startswith("y "):
            message = f"column {y.name!r} {message[2:]}"
        raise ValueError(message) from error


def _show_warning(message, category, filename, lineno, file=None, line=None):
    print(f"tsrnn: warning: {_one_line(message)}", file=sys.stderr)


def _one_line(message):
    if isinstance(message, OSError) and message.strerror:
        message = f"{message.filename}: {message.strerror}"
    return " ".join(str(message).split())

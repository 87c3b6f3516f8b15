"""The options of the command line."""

import argparse
import re
from functools import partial

import tsrnn
from tsrnn.cli.arguments import (
    adder,
    cell_name,
    character,
    count,
    encoding,
    lookback,
    loss_name,
    percent,
    season,
    seconds,
    seed,
    share,
    thousands,
)
from tsrnn.cli.generate_options import add_generate
from tsrnn.cli.kernels_options import add_compile, add_kernels
from tsrnn.cli.saved_options import add_predict, add_score, add_update
from tsrnn.cli.transcribe_options import add_transcribe
from tsrnn.cli.translate_options import add_translate

_FORECAST = """\
Forecast columns of a csv or parquet file by a recurrent network (LSTM), with prediction intervals.

One column and no --id is one series. A panel of series is a column of them, named by --id, or
several columns, --target A B C; one network learns from all of its series.

Forecasts are means of those of that network and of one that was trained on simulated series; the
latter alone makes them where there are too few values to train on, or with --zero-shot, at once.

Covariates are columns of --known and --past, --static, --calendar and --holidays. Those of --known
reach over the horizon: by rows that follow the last target, whose target is empty, or by another
file, --future.

The table of forecasts goes to standard output as csv, or to the file given by --out: of each series
and time the forecast and its intervals, forecast, lower_80, upper_80, ... The series of a panel
stand one below the other, named in the column of --id, or else in a column called series."""
_BACKTEST = """\
Forecast columns of a csv or parquet file from times in the past (origins), and print the errors
against the actual values, next to those of the seasonal naive forecast and of drift.

The network is trained once, on the values before the first origin; --refit trains it anew at each,
which takes as many times as long as there are --n-windows.

MAE, RMSE, MASE, ... are averaged over origins and steps, then over series; coverage_80 is the share
of actual values within the 80 % intervals."""
_DETECT = """\
Find anomalies in columns of a csv or parquet file: values that a recurrent network (GRU), trained
on the series, did not expect. Prints the events, stretches of time that are anomalous.

Several --target are channels of one series, scored together; --id names a column of series, and
one network learns from all of them.

For each event the table has start and end, both included, the severity, which is its highest score,
and the observed and expected value at its peak; of several --target also the channel. Scores are in
units of usual errors, 1 where all is as usual. Events are where they are above a threshold: 3.5
robust deviations above the median, or as --contamination says; with --online that of a false-alarm
rate of 1 %."""
_FILES = """\
The time column holds time stamps (1949-01, 2024-03-31T18:00, ...), years (1700, 1701, ...) or
other whole numbers in equal steps. Ambiguous times such as 01.02.2018, Jan-18 or 201801 are read
in the format that gives regular steps; if several formats do, --time-format is required. Rows may
be in any order, but no time may be twice, nor missing unless --missing mask.
{}Errors count rows of data from 1, the header not counted.
Files that end in .parquet or .pq are parquet, read and written by pyarrow; all others are csv,
which may be compressed by gzip, bzip2 or xz."""
_COVARIATES = """\
Of several --target a column may begin or end with empty cells: its series is shorter.
Covariates are read as numbers if most of their cells are, else as categories.
"""
_FORECAST_EXAMPLES = """\
examples:
  tsrnn forecast airline.csv --time time --target passengers --horizon 12 \\
      --out forecast.csv --plot forecast.png
  tsrnn forecast sales.parquet --id shop --time day --target sold --out forecast.parquet
  tsrnn forecast airline.csv --time time --target passengers --zero-shot
  tsrnn forecast weather.csv --time time --target temp_max temp_min wind
  zcat meters.csv.gz | tsrnn forecast - --sep ";" --decimal , --time zeit --target kwh
  tsrnn forecast sales.csv --id shop --time day --target sold --known price promotion \\
      --past visitors --future prices.csv --static shops.csv --calendar weekday day_of_year \\
      --holidays 2024-12-25 2024-12-26"""
_BACKTEST_EXAMPLES = """\
examples:
  tsrnn backtest airline.csv --time time --target passengers --n-windows 5 --plot backtest.png
  tsrnn backtest sales.parquet --id shop --time day --target sold --horizon 14 --step 7 \\
      --refit --out forecasts.parquet --metrics metrics.csv
  tsrnn backtest sales.csv --id shop --time day --target sold --known price --calendar weekday"""
_DETECT_EXAMPLES = """\
examples:
  tsrnn detect nyc_taxi.csv --time time --target passengers --n-most 5 --plot events.png
  tsrnn detect sales.parquet --id shop --time day --target sold visitors --out events.csv
  tsrnn detect engine.csv --target speed heat --online --contamination 0.01 --scores scores.csv"""


# Parameters of the library that are options, of the same name with hyphens
_PARAMETERS = (
    "horizon",
    "lookback",
    "season",
    "step",
    "stretch",
    "missing",
    "scope",
    "short",
    "ended_after",
    "loss",
    "cell",
    "device",
    "method",
    "contamination",
    "n_windows",
    "n_estimators",
    "n_layers",
    "n_steps",
    "n_jobs",
    "random_state",
    "hidden_size",
    "max_iter",
    "max_seconds",
    "embedding_size",
    "beam_size",
    "length_penalty",
    "max_length",
)
# Those of ``tsrnn.forecasting``, which is slow to import
CALENDAR = ("minute", "hour", "weekday", "day", "month", "day_of_year")


def parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="tsrnn", description=(tsrnn.__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", action="version", version=f"tsrnn {tsrnn.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_forecast(commands)
    _add_backtest(commands)
    _add_detect(commands)
    add_predict(commands, _add_file_format)
    add_update(commands, _add_file_format)
    add_score(commands, _add_file_format)
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


def _add_forecast(commands):
    summary = "forecast columns of a file"
    command = _command(commands, "forecast", summary, _FORECAST, _FORECAST_EXAMPLES, _COVARIATES)
    add = _add_series(command, "column to forecast; several are a panel")
    _add_horizon(add)
    add_covariate = _add_covariates(command)
    text = "file of the rows to come: --time, --id and --known (default: in FILE itself)"
    add_covariate("--future", text, metavar="FILE")
    text = "leave out series that ended more than so many steps before the last (default: none)"
    add("--ended-after", text, type=count, metavar="N")
    text = "csv or parquet file to write the forecasts to (default: standard output)"
    add("--out", text, type=lambda path: None if path == "-" else path, metavar="FILE")
    add("--plot", "picture to write: png, svg, pdf; of a panel 12 series", metavar="FILE")
    add("--save", "file for the trained forecaster, to be read by tsrnn.load", metavar="FILE")
    _add_settings(command)


def _add_backtest(commands):
    summary = "forecast from the past and measure"
    command = _command(commands, "backtest", summary, _BACKTEST, _BACKTEST_EXAMPLES, _COVARIATES)
    add = _add_series(command, "column to forecast; several are a panel")
    _add_horizon(add)
    _add_covariates(command)
    command.set_defaults(future=None, ended_after=None)
    text = "origins (default 5)"
    add("--n-windows", text, old="--windows", type=count, default=5, metavar="N")
    add("--step", "from origin to origin (default: a horizon)", type=count, metavar="N")
    add("--refit", "train anew at each origin", action="store_true")
    text = "csv or parquet file for all forecasts: unique_id, cutoff (the origin), ds, y, ..."
    add("--out", text, metavar="FILE")
    add("--metrics", "csv or parquet file for the table of errors", metavar="FILE")
    add("--plot", "picture to write: png, svg, pdf; of a panel 12 series", metavar="FILE")
    _add_settings(command)


def _add_detect(commands):
    summary = "find anomalies in a file"
    command = _command(commands, "detect", summary, _DETECT, _DETECT_EXAMPLES, "")
    command.set_defaults(known=[], past=[])
    add = _add_series(command, "column to find anomalies in; several are channels of one series")
    text = "number of events to report, the most severe, be they above the threshold or below"
    add("--n-most", text, type=count, metavar="K")
    text = "share of points, up to 0.5, whose scores are above the threshold"
    add("--contamination", text, type=share, metavar="SHARE")
    text = "score each point by what came before it alone, as in a stream"
    add("--online", text, action="store_true")
    add("--out", "csv or parquet file for the events, with all columns", metavar="FILE")
    add("--scores", "csv or parquet file for the score of each row, ...", metavar="FILE")
    add("--plot", "picture to write: png, svg, pdf; of one series, the worst", metavar="FILE")
    add("--save", "file for the trained detector, to be read by tsrnn.load", metavar="FILE")
    add = adder(command.add_argument_group("network"))
    methods = ["forecast", "reconstruction"]
    text = (
        "compare the series with forecasts of a network (default), or with what one that encodes "
        "and decodes windows makes of it"
    )
    add("--method", text, choices=methods, default="forecast")
    add("--horizon", "steps of the farthest forecast (default 64)", type=count, metavar="N")
    text = "steps over which surprises are averaged (default 100); 1 for single points"
    add("--stretch", text, type=count, metavar="N")
    add("--cell", "recurrent cell, such as lstm (default gru)", type=cell_name, metavar="NAME")
    _add_networks(add, "forecasts are averaged")
    add("--season", "steps of a season (default: by frequency)", type=count, metavar="N")
    add("--lookback", "steps learned from at once (default 64)", type=lookback, metavar="N")
    add("--hidden-size", "hidden units (default 32)", type=count, metavar="N")
    _add_training(add)
    _add_reading(command)


def _command(commands, name, summary, description, examples, covariates):
    return commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"{_FILES.format(covariates)}\n\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_series(command, target_text):
    """Add the options of files and series; returns the function that adds more."""
    add = adder(command)
    text = "csv file with a header line, also compressed, or parquet file; - is standard input"
    add("file", text, metavar="FILE")
    several = {"nargs": "+", "action": "extend", "metavar": "COLUMN"}
    add("--target", target_text, required=True, **several)
    add("--time", "column of times; without it rows count from 1", metavar="COLUMN")
    add("--id", "column that says which series a row belongs to", metavar="COLUMN")
    return add


def _add_horizon(add):
    add("--horizon", "steps ahead (default 12)", type=count, default=12, metavar="N")
    percents = {"type": percent, "metavar": "PERCENT"}
    text = "coverage of prediction intervals, 0.8 or 80 percent (default 80 95); none: no intervals"
    add("--coverage", text, default=[80.0, 95.0], nargs="*", **percents)
    text = "quantiles to write too, such as 10 50 90, in columns quantile_10, ..."
    add("--quantiles", text, default=[], nargs="+", **percents)


def _add_covariates(command):
    """Add the options of covariates; returns the function that adds more."""
    add = adder(command.add_argument_group("covariates"))
    several = partial(add, nargs="+", action="extend", default=[])
    several("--known", "columns known in the future, such as prices", metavar="COLUMN")
    several("--past", "columns not known in the future, such as visitors", metavar="COLUMN")
    text = (
        "file of one row a series: its name in the column of --id (or, of several --target, in a "
        "column called series), numbers and categories in all others"
    )
    add("--static", text, metavar="FILE")
    text = "parts of times to use: %(choices)s"
    several("--calendar", text, choices=CALENDAR, metavar="NAME")
    text = "holidays: dates such as 2024-12-25 or files of one a line, or countries: DE, DE-BY"
    several("--holidays", text, metavar="DATE")
    return add


def _add_settings(command):
    add = adder(command.add_argument_group("network"))
    text = (
        "one network of all series (default), one each, or one of all that is then fine-tuned on "
        "each"
    )
    add("--scope", text, choices=["global", "local", "fine_tuned"], default="global")
    text = (
        "loss to train with, such as squared_error, huber, quantile, gaussian or student_t; the "
        "last three also learn how wide intervals are (default absolute_error)"
    )
    add("--loss", text, type=loss_name, default="absolute_error", metavar="NAME")
    text = (
        "train nothing: forecast by the network that comes with tsrnn, which was trained on "
        "simulated series; no covariates"
    )
    add("--zero-shot", text, action="store_true")
    text = (
        "what becomes of series of a panel with fewer values than --lookback: pad reads their "
        "first seasons twice (default), naive repeats the last season, drop leaves them out, raise "
        "refuses them"
    )
    add("--short", text, choices=["pad", "naive", "drop", "raise"], default="pad")
    text = "recurrent cell, such as gru, or attention (default lstm)"
    add("--cell", text, type=partial(cell_name, others=["attention"]), metavar="NAME")
    _add_networks(add, "median is the forecast")
    text = "steps of a season, or of several, such as 24 168 or 7 365.25 (default: by frequency)"
    add("--season", text, type=season, nargs="+", metavar="N")
    add("--lookback", "steps read (default: three seasons)", type=lookback, metavar="N")
    add("--hidden-size", "hidden units (default 32; panels 128)", type=count, metavar="N")
    _add_training(add)
    _add_reading(command)


def _add_networks(add, use):
    text = f"networks, whose {use} (default 1)"
    add("--n-estimators", text, old="--networks", type=count, default=1, metavar="N")


def _add_training(add):
    add("--max-iter", "most epochs (default: by length)", type=count, metavar="N")
    text = "seconds that training may take (default: as long as it takes)"
    add("--max-seconds", text, type=seconds, metavar="SECONDS")
    text = "seed of the random numbers (default 0)"
    add("--random-state", text, old="--seed", type=seed, default=0, metavar="N")
    add("--n-jobs", "threads (default: all cores)", old="--jobs", type=count, metavar="N")
    add("--device", "what to train on (default cpu)", choices=["cpu", "cuda"], default="cpu")


def _add_reading(command):
    add = _add_file_format(command)
    text = "refuse empty cells and missing times (default), or mask them: learn without"
    add("--missing", text, choices=["raise", "mask"], default="raise")
    add("--quiet", "show no progress", action="store_true")


def _add_file_format(command):
    """Add the options of how files are written; returns the function that adds more."""
    add = adder(command.add_argument_group("reading and reporting"))
    text = "what separates columns of the csv file (default ,)"
    add("--sep", text, type=character, default=",", metavar="CHARACTER")
    marks = {"choices": [".", ","], "default": ".", "metavar": "CHARACTER"}
    add("--decimal", "decimal mark of numbers, . (default) or ,", **marks)
    text = "thousands separator of numbers, such as , or . or a blank (default: none)"
    add("--thousands", text, type=thousands, metavar="CHARACTER")
    text = "encoding of csv files, such as latin-1 or utf-16 (default utf-8)"
    add("--encoding", text, type=encoding, default="utf-8-sig", metavar="NAME")
    add("--time-format", "of time stamps, such as %%d.%%m.%%Y", metavar="FORMAT")
    text = "frequency that time stamps are moved to, such as D, 15min, MS or SMS (twice a month)"
    add("--freq", text, metavar="FREQ")
    return add


def in_options(message: str) -> str:
    """An error of the library with options for its parameters: --n-windows 5 for n_windows=5."""
    message = message.replace("max_iter=0 trains", "--zero-shot trains")
    message = message.replace("train with max_iter='auto'", "leave out --zero-shot")
    message = re.sub(r", or early_stopping=False \(no intervals\)", "", message)
    message = message.replace(" (validation_fraction=0.1)", "")
    names = "|".join(_PARAMETERS)
    parameter = rf"^({names}) must|The '({names})' parameter of \w+ must"
    message = re.sub(parameter, lambda m: f"{_option(m[1] or m[2])} must", message)
    values = rf"\b({names})=(?:'([^']*)'|([\w.]+))"
    message = re.sub(values, lambda m: f"{_option(m[1])} {m[2] or m[3]}", message)
    return re.sub(r"\bn_windows\b", "--n-windows", message)


def _option(parameter):
    return "--" + parameter.replace("_", "-")

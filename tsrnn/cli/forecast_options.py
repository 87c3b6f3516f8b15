"""The options of ``tsrnn forecast`` and ``tsrnn backtest``."""

from functools import partial
from typing import Any

from tsrnn.cli.arguments import (
    adder,
    baseline_name,
    bound,
    cell_name,
    count,
    count_or_zero,
    lookback,
    loss_name,
    percent,
    season,
)
from tsrnn.cli.series_options import (
    add_networks,
    add_reading,
    add_series,
    add_training,
    series_command,
)

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
against the actual values, next to those of the --baselines.

The network is trained once, on the values before the first origin; --refit trains it anew at each,
which takes as many times as long as there are --n-windows, and --refit K at every K-th.

MAE, RMSE, MASE, ... are averaged over origins and steps, then over series; coverage_80 is the share
of actual values within the 80 % intervals. With --by errors are of each series, origin, step or
static value, a row each."""
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
  tsrnn forecast parts.csv --id part --time week --target sold --loss negative_binomial
  zcat meters.csv.gz | tsrnn forecast - --sep ";" --decimal , --time zeit --target kwh
  tsrnn forecast sales.csv --id shop --time day --target sold --known price promotion \\
      --past visitors --future prices.csv --static shops.csv --calendar weekday day_of_year \\
      --holidays 2024-12-25 2024-12-26"""
_BACKTEST_EXAMPLES = """\
examples:
  tsrnn backtest airline.csv --time time --target passengers --n-windows 5 --plot backtest.png
  tsrnn backtest sales.parquet --id shop --time day --target sold --horizon 14 --step 7 \\
      --refit 4 --out forecasts.parquet --by shop --metrics metrics.csv
  tsrnn backtest airline.csv --time time --target passengers --baselines naive ets theta \\
      --by horizon
  tsrnn backtest sales.csv --id shop --time day --target sold --known price --calendar weekday"""
# Those of ``tsrnn.forecasting``, which is slow to import
CALENDAR = ("minute", "hour", "weekday", "day", "month", "day_of_year")


def add_forecast(commands: Any) -> None:
    """Add ``forecast`` to a parser's subcommands."""
    texts = "forecast columns of a file", _FORECAST, _FORECAST_EXAMPLES, _COVARIATES
    command = series_command(commands, "forecast", *texts)
    add = add_series(command, "column to forecast; several are a panel")
    _add_horizon(add)
    add_covariate = _add_covariates(command)
    text = "file of the rows to come: --time, --id and --known (default: in FILE itself)"
    add_covariate("--future", text, metavar="FILE")
    text = "leave out series that ended more than so many steps before the last (default: none)"
    add("--ended-after", text, type=count_or_zero, metavar="N")
    text = "csv or parquet file to write the forecasts to (default: standard output)"
    add("--out", text, type=lambda path: None if path == "-" else path, metavar="FILE")
    add("--plot", "picture to write: png, svg, pdf; of a panel 12 series", metavar="FILE")
    add("--save", "file for the trained forecaster, to be read by tsrnn.load", metavar="FILE")
    _add_settings(command)


def add_backtest(commands: Any) -> None:
    """Add ``backtest`` to a parser's subcommands."""
    texts = "forecast from the past and measure", _BACKTEST, _BACKTEST_EXAMPLES, _COVARIATES
    command = series_command(commands, "backtest", *texts)
    add = add_series(command, "column to forecast; several are a panel")
    _add_horizon(add)
    _add_covariates(command)
    command.set_defaults(future=None, ended_after=None)
    text = "origins (default 5)"
    add("--n-windows", text, old="--windows", type=count, default=5, metavar="N")
    add("--step", "from origin to origin (default: a horizon)", type=count, metavar="N")
    text = (
        "fit anew at each origin, or at every K-th one, and in between forecast from the new "
        "values (default: fit once, before the first origin)"
    )
    add("--refit", text, nargs="?", type=count, const=True, default=False, metavar="K")
    text = (
        "forecasts to compare with (default seasonal_naive drift): naive, mean; ets, theta, arima, "
        "ces, croston of statsforecast or sktime, if installed; --baselines alone: none"
    )
    baselines = {"nargs": "*", "default": ["seasonal_naive", "drift"], "metavar": "NAME"}
    add("--baselines", text, type=baseline_name, **baselines)
    text = (
        "print errors by unique_id (series), cutoff (origin), horizon (step ahead) or columns of "
        "--static (default: of all)"
    )
    add("--by", text, nargs="+", action="extend", metavar="NAME")
    text = "csv or parquet file for all forecasts: unique_id, cutoff (the origin), ds, y, ..."
    add("--out", text, metavar="FILE")
    add("--metrics", "csv or parquet file for the table of errors, --by groups", metavar="FILE")
    add("--plot", "picture to write: png, svg, pdf; of a panel 12 series", metavar="FILE")
    _add_settings(command)


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
        "loss to train with (default absolute_error), such as squared_error or huber; quantile, "
        "gaussian and student_t also learn how wide intervals are; poisson and negative_binomial "
        "are for counts, tweedie for amounts of 0 or more"
    )
    add("--loss", text, type=loss_name, default="absolute_error", metavar="NAME")
    text = "what no forecast, interval or quantile is below, such as 0 (default: no bound)"
    add("--lower", text, type=bound, metavar="VALUE")
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
    add_networks(add, "median is the forecast")
    text = "steps of a season, or of several, such as 24 168 or 7 365.25 (default: by frequency)"
    add("--season", text, type=season, nargs="+", action="extend", metavar="N")
    add("--lookback", "steps read (default: three seasons)", type=lookback, metavar="N")
    add("--hidden-size", "hidden units (default 32; panels 128)", type=count, metavar="N")
    add_training(add, max_iter=count_or_zero)
    add_reading(command)

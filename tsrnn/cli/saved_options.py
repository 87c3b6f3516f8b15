"""The options of ``tsrnn predict``, ``tsrnn update`` and ``tsrnn score``."""

import argparse
from typing import Any

from tsrnn.cli.arguments import adder, count, gap, percent
from tsrnn.cli.detect_options import MIN_GAP
from tsrnn.cli.series_options import add_file_format

_PREDICT = """\
Forecast by a saved forecaster, which tsrnn forecast --save or tsrnn.save has written, from the end
of what it knows: the rows that it was fitted to and those that tsrnn update has added. Nothing is
trained.

The table is that of tsrnn forecast. Columns need not be named: the forecaster knows them.
Covariates that are known in the future are in --future, unless the forecaster was given them
before, in rows below the last target."""
_UPDATE = """\
Add the rows that follow what a saved forecaster or detector knows, and save it again. Rows up to
the last one known are left out: FILE may hold the whole history, and a job may run twice. With
--overwrite they correct what a forecaster knows; empty cells there, and rows that FILE lacks, keep
what was known.

A forecaster goes on from the new rows; --partial-fit trains on them too. A detector, fitted by
tsrnn detect --online, scores them one after another, each by what came before, and the rows whose
score is above the threshold are printed: of each the score, the threshold, the observed and the
expected value, of several --target also the channel that deviates."""
_SCORE = """\
Measure a saved forecaster by rows that follow what it knows, or find the events in rows by a saved
detector. The saved model stays as it is.

A forecaster forecasts the rows a horizon at a time, each time from all rows before; MAE, RMSE, MASE
and bias (forecast minus actual) are averaged over rows, then over series; coverage_80 is the share
of actual values within the 80 % intervals. A detector prints what tsrnn detect prints."""
_PREDICT_EXAMPLES = """\
examples:
  tsrnn predict --model load.tsrnn --out tomorrow.csv --plot tomorrow.png
  tsrnn predict --model load.tsrnn --future weather.csv --horizon 48 --coverage 90"""
_UPDATE_EXAMPLES = """\
examples:
  tsrnn update today.csv --model load.tsrnn
  tsrnn update corrected.csv --model load.tsrnn --overwrite
  tsrnn update today.csv --model load.tsrnn --partial-fit --save retrained.tsrnn
  tsrnn update engine.csv --model engine.tsrnn --time time --out alarms.csv"""
_SCORE_EXAMPLES = """\
examples:
  tsrnn score today.csv --model load.tsrnn --out forecasts.csv
  tsrnn score engine.csv --model engine.tsrnn --time time --plot events.png"""


def add_predict(commands: Any) -> None:
    """Add ``predict`` to a parser's subcommands."""
    summary = "forecast by a saved forecaster"
    command = _command(commands, "predict", summary, _PREDICT, _PREDICT_EXAMPLES)
    command.set_defaults(target=None)
    add = _add_model(command)
    add("--horizon", "steps ahead (default: that of the forecaster)", type=count, metavar="N")
    _add_coverage(add, default=[80.0, 95.0])
    text = "quantiles to write too, such as 10 50 90, in columns quantile_10, ..."
    add("--quantiles", text, default=[], nargs="+", type=percent, metavar="PERCENT")
    add("--future", "file of the rows to come: times, series, known covariates", metavar="FILE")
    _add_columns(add)
    text = "csv or parquet file to write the forecasts to (default: standard output)"
    add("--out", text, type=lambda path: None if path == "-" else path, metavar="FILE")
    add("--plot", "picture to write: png, svg, pdf; of a panel 12 series", metavar="FILE")
    add_file_format(command)


def add_update(commands: Any) -> None:
    """Add ``update`` to a parser's subcommands."""
    summary = "add new rows to a saved model, or correct old ones"
    command = _command(commands, "update", summary, _UPDATE, _UPDATE_EXAMPLES)
    add = _add_file(command)
    add("--partial-fit", "train a forecaster on the new rows too", action="store_true")
    text = "of a forecaster: file of static values, as of tsrnn forecast, of series that are new"
    add("--static", text, metavar="FILE")
    text = "of a forecaster: rows of times that are known correct what was known there"
    add("--overwrite", text, action="store_true")
    add("--save", "file for the updated model (default: that of --model)", metavar="FILE")
    add("--out", "csv or parquet file for the alarms of a detector", metavar="FILE")
    add("--scores", "csv or parquet file for the score of each new row, ...", metavar="FILE")
    add_file_format(command)


def add_score(commands: Any) -> None:
    """Add ``score`` to a parser's subcommands."""
    summary = "measure a saved forecaster, or find events by a saved detector"
    command = _command(commands, "score", summary, _SCORE, _SCORE_EXAMPLES)
    add = _add_file(command)
    _add_coverage(add, default=None)
    text = "of a detector: number of events, the most severe, above the threshold or below"
    add("--n-most", text, type=count, metavar="K")
    add("--min-gap", f"of a detector: {MIN_GAP}", type=gap, metavar="GAP")
    add("--out", "csv or parquet file for the forecasts, or for the events", metavar="FILE")
    text = "of a detector: csv or parquet file for the score of each row, ..."
    add("--scores", text, metavar="FILE")
    add("--plot", "of a detector: picture to write: png, svg, pdf", metavar="FILE")
    add_file_format(command)


def _command(commands, name, summary, description, examples):
    return commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_file(command):
    """Add a file of rows, its columns and the model; returns the function that adds more."""
    text = "csv file with a header line, also compressed, or parquet file; - is standard input"
    command.add_argument("file", help=text, metavar="FILE")
    add = _add_model(command)
    text = "columns of values (default: those that the model was fitted to)"
    add("--target", text, nargs="+", action="extend", metavar="COLUMN")
    _add_columns(add)
    return add


def _add_model(command):
    add = adder(command)
    text = "file of the model, written by --save or by tsrnn.save"
    add("--model", text, required=True, metavar="FILE")
    add("--n-jobs", "threads (default: those of the model)", type=count, metavar="N")
    return add


def _add_columns(add):
    add("--time", "column of times (a forecaster knows its own)", metavar="COLUMN")
    add("--id", "column of the series (a forecaster knows its own)", metavar="COLUMN")


def _add_coverage(add, default):
    text = "coverage of prediction intervals in percent (default 80 95); none: no intervals"
    add("--coverage", text, default=default, nargs="*", type=percent, metavar="PERCENT")

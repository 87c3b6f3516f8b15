"""The commands that use a saved forecaster or detector: predict, update, score."""

import argparse
import contextlib
import dataclasses
import sys

import pandas as pd

import tsrnn
from tsrnn.cli.models import SavedModel
from tsrnn.cli.reading import csv_format, read_known, read_series, read_static
from tsrnn.cli.results import check_gap, forecast_errors, forecast_table, write_events
from tsrnn.cli.tables import file_errors, shown
from tsrnn.cli.writing import as_text, check_outputs, events_as_text, write_picture, write_table
from tsrnn.data import DataError


def predict(arguments: argparse.Namespace) -> None:
    """``tsrnn predict``: write forecasts of a saved forecaster, and optionally their picture."""
    check_outputs([arguments.model, arguments.future], arguments.plot, arguments.out)
    model = SavedModel.load(arguments)
    model.refuse_detector("predict", "update and score are for detectors")
    forecaster, X = model.on_index(), None
    if arguments.future:
        model.check_known()
        X = read_known(arguments.future, model.layout(arguments))
    levels = [arguments.coverage, arguments.quantiles]
    with _errors_about_covariates(arguments.future or arguments.model):
        table = forecast_table(forecaster, arguments.horizon, X, *levels)
    write_table(table, arguments.out)
    if arguments.plot:
        coverage = [percent / 100 for percent in arguments.coverage] or None
        draw = tsrnn.plotting.ForecastDisplay.from_estimator
        display = draw(forecaster, arguments.horizon, X, coverage=coverage)
        write_picture(display, arguments.plot)


def update(arguments: argparse.Namespace) -> None:
    """``tsrnn update``: add new rows to a saved model; of a detector, print the alarms."""
    saved, outputs = arguments.save or arguments.model, (arguments.out, arguments.scores)
    check_outputs([arguments.file, arguments.static], None, *outputs, saved=saved)
    model = SavedModel.load(arguments)
    of_forecasters = ["partial_fit", "overwrite", "static"]
    model.refuse_options(arguments, detector=["out", "scores"], forecaster=of_forecasters)
    model.check_updates()
    if arguments.overwrite:
        y, X = _rows_to_correct(arguments, model)
    else:
        y, X = _new_rows(arguments, model)
    if not len(y):
        return
    static = _static_of_new(arguments, model, y)
    with file_errors(arguments.file, model.layout(arguments).targets[0], arguments.static):
        if model.is_detector:
            _write_alarms(model.estimator.update(y).to_frame(), arguments)
        elif arguments.partial_fit:
            model.estimator.partial_fit(y, X, static)
        else:
            model.estimator.update(y, X, static, overwrite=arguments.overwrite)
    tsrnn.save(model.estimator, saved)


def score(arguments: argparse.Namespace) -> None:
    """``tsrnn score``: how well a saved model knows rows of a file; the model stays as it is."""
    inputs = [arguments.file, arguments.model]
    check_outputs(inputs, arguments.plot, arguments.out, arguments.scores)
    model = SavedModel.load(arguments)
    of_detectors = ["n_most", "min_gap", "scores", "plot"]
    model.refuse_options(arguments, detector=of_detectors, forecaster=["coverage"])
    if model.is_detector:
        layout = model.layout(arguments)
        y, _ = read_series(arguments.file, layout)
        check_gap(arguments.min_gap, y.index.get_level_values(-1))
        with file_errors(arguments.file, layout.targets[0]):
            write_events(model.estimator, y, arguments)
        return
    y, X = _new_rows(arguments, model)
    if not len(y):
        return
    coverage = [80.0, 95.0] if arguments.coverage is None else arguments.coverage
    with file_errors(arguments.file, model.layout(arguments).targets[0]):
        table = _rolling_forecasts(model, y, X, coverage)
    print(as_text(forecast_errors(model.estimator, table, coverage)))
    if arguments.out:
        write_table(table, arguments.out)


@contextlib.contextmanager
def _errors_about_covariates(path):
    """Have errors about covariates name the file that should have them."""
    try:
        yield
    except DataError as error:
        if error.argument != "X":
            raise
        remedy = "Give --future FILE with a row for each step of the horizon"
        raise ValueError(f"{shown(path)} {error.problem}. {remedy}") from error


def _new_rows(arguments, model):
    """Rows of a file that follow what the model knows; says how many others there are."""
    y, X = read_series(arguments.file, model.layout(arguments))
    if arguments.time is None and model.counts_rows:
        return model.continued(y), model.continued(X)
    new = model.is_new(y.index)
    if not new.all():
        n, last = int((~new).sum()), model.last_time()
        correct = "" if model.is_detector else " (--overwrite corrects known rows)"
        rest = "" if new.any() else f": there is nothing new{correct}"
        print(f"tsrnn: {n} rows up to {last} are known, and left out{rest}", file=sys.stderr)
    return y[new], None if X is None else X[model.is_new(X.index)]


def _static_of_new(arguments, model, y):
    """Static values of the series that the model does not know; None if there are none."""
    if not arguments.static or y.index.nlevels == 1:
        return None
    labels = y.index.get_level_values(0).unique()
    new = labels[~labels.isin(model.ids)]
    if not len(new):
        return None
    return read_static(arguments.static, new.name, new, csv_format(arguments))


def _rows_to_correct(arguments, model):
    """All rows of a file, of which those that are known correct what the model knows."""
    if arguments.partial_fit:
        raise ValueError("--overwrite trains nothing: give it without --partial-fit, and before it")
    if arguments.time is None and model.counts_rows:
        raise ValueError("--overwrite needs --time: rows without times follow those known")
    layout = dataclasses.replace(model.layout(arguments), missing="mask")
    y, X = read_series(arguments.file, layout)
    n, last = int((~model.is_new(y.index)).sum()), model.last_time()
    print(f"tsrnn: {n} rows up to {last} are known, and overwritten", file=sys.stderr)
    return y, X


def _write_alarms(rows, arguments):
    alarms = rows[rows["anomaly"]]
    shown = alarms.drop(columns="anomaly")
    if len(alarms):
        print(events_as_text(shown.reset_index()))
    else:
        print("no alarms: no score is above the threshold")
    if arguments.out:
        write_table(shown, arguments.out)
    if arguments.scores:
        write_table(rows, arguments.scores)


def _rolling_forecasts(model, y, X, coverage):
    """Forecasts of the rows of ``y``, a horizon at a time, each from all rows before it."""
    model = SavedModel(model.on_index(), model.path)
    forecaster, horizon = model.estimator, model.estimator.horizon
    y = y.sort_index(level=-1, sort_remaining=False)
    series = y.groupby(level=0, sort=False) if y.index.nlevels > 1 else y.groupby(lambda _: 0)
    number = series.cumcount() // horizon
    parts = []
    for k in range(number.max() + 1):
        rows, later = y[number == k], None if X is None else X[model.is_new(X.index)]
        known = None if later is None or not model.known else later[model.known]
        n_steps = int(series.cumcount()[number == k].max() % horizon) + 1
        table = forecast_table(forecaster, n_steps, known, coverage, [])
        parts.append(table.reindex(rows.index))
        forecaster.update(rows, later)
    table = pd.concat(parts)
    table.insert(0, "actual", y.reindex(table.index))
    return table

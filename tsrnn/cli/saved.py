"""The commands that use a saved forecaster or detector: predict, update, score."""

import argparse
import contextlib
import sys

import pandas as pd

import tsrnn
from tsrnn.cli.models import SavedModel
from tsrnn.cli.reading import read_known, read_series
from tsrnn.cli.results import forecast_errors, forecast_table, write_events
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
    check_outputs([arguments.file], None, *outputs, saved=saved)
    model = SavedModel.load(arguments)
    model.refuse_options(arguments, detector=["out", "scores"], forecaster=["partial_fit"])
    model.check_updates()
    y, X = _new_rows(arguments, model)
    if not len(y):
        return
    with file_errors(arguments.file, model.layout(arguments).targets[0]):
        if model.is_detector:
            _write_alarms(model.estimator.update(y).to_frame(), arguments)
        elif arguments.partial_fit:
            model.estimator.partial_fit(y, X)
        else:
            model.estimator.update(y, X)
    tsrnn.save(model.estimator, saved)


def score(arguments: argparse.Namespace) -> None:
    """``tsrnn score``: how well a saved model knows rows of a file; the model stays as it is."""
    inputs = [arguments.file, arguments.model]
    check_outputs(inputs, arguments.plot, arguments.out, arguments.scores)
    model = SavedModel.load(arguments)
    model.refuse_options(arguments, detector=["n_most", "scores", "plot"], forecaster=["coverage"])
    if model.is_detector:
        layout = model.layout(arguments)
        y, _ = read_series(arguments.file, layout)
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
        rest = "" if new.any() else ": there is nothing new"
        print(f"tsrnn: {n} rows up to {last} are known, and left out{rest}", file=sys.stderr)
    return y[new], None if X is None else X[model.is_new(X.index)]


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

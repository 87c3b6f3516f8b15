"""The commands: read, fit, write. Bad input is refused before training."""

import argparse
import sys

import tsrnn
from tsrnn.cli.generate import generate
from tsrnn.cli.kernels import compile, kernels
from tsrnn.cli.reading import Layout, csv_format, read_holidays, read_series, read_static
from tsrnn.cli.results import check_gap, forecast_table, shares, write_events
from tsrnn.cli.saved import predict, score, update
from tsrnn.cli.tables import STANDARD_INPUT, file_errors, shown
from tsrnn.cli.transcribe import transcribe
from tsrnn.cli.translate import translate
from tsrnn.cli.writing import (
    as_text,
    check_outputs,
    groups_as_text,
    write_picture,
    write_table,
)

__all__ = [
    "backtest",
    "compile",
    "detect",
    "forecast",
    "generate",
    "kernels",
    "predict",
    "score",
    "transcribe",
    "translate",
    "update",
]

_COMMON_SETTINGS = (
    "missing",
    "lookback",
    "cell",
    "hidden_size",
    "max_iter",
    "max_seconds",
    "device",
)
_MANY_ROWS = 2000  # from which training takes long enough to show its progress


def forecast(arguments: argparse.Namespace) -> None:
    """``tsrnn forecast``: write forecasts, and optionally their picture and the forecaster."""
    check_outputs(_inputs(arguments), arguments.plot, arguments.out, saved=arguments.save)
    y, X, static = _read(arguments)
    forecaster = _forecaster(arguments, y)
    coverage, quantiles = shares(arguments.coverage), shares(arguments.quantiles)
    _check_names(y.index.names, coverage, quantiles)
    _check_horizon(arguments, y, X)
    with _file_errors(arguments):
        forecaster.fit(y, X, static)
    table = forecast_table(forecaster, None, None, arguments.coverage, arguments.quantiles)
    if arguments.save:
        tsrnn.save(forecaster, arguments.save)
    write_table(table, arguments.out)
    if arguments.plot:
        draw = tsrnn.plotting.ForecastDisplay.from_estimator
        display = draw(forecaster, coverage=coverage or None)
        write_picture(display, arguments.plot)


def backtest(arguments: argparse.Namespace) -> None:
    """``tsrnn backtest``: print errors, and optionally write all forecasts and their picture."""
    check_outputs(_inputs(arguments), arguments.plot, arguments.out, arguments.metrics)
    y, X, static = _read(arguments)
    by = _groups(arguments, y, static)
    forecaster = _forecaster(arguments, y)
    settings = {
        "n_windows": arguments.n_windows,
        "step": arguments.step,
        "refit": arguments.refit,
        "baselines": arguments.baselines,
        "coverage": shares(arguments.coverage),
        "quantiles": shares(arguments.quantiles),
    }
    with _file_errors(arguments):
        result = tsrnn.backtest(forecaster, y, X, static, **settings)
        metrics = result.metrics(by)
    print(as_text(metrics.T) if by is None else groups_as_text(metrics))
    if arguments.metrics:
        names = *metrics.index.names[:-1], "forecaster"
        write_table(metrics.rename_axis(names), arguments.metrics)
    if arguments.out:
        write_table(result.to_pandas().set_index("unique_id"), arguments.out)
    if arguments.plot:
        display = tsrnn.plotting.BacktestDisplay.from_backtest(result, y=y)
        write_picture(display, arguments.plot)


def detect(arguments: argparse.Namespace) -> None:
    """``tsrnn detect``: print events, and optionally write scores and their picture."""
    outputs = arguments.plot, arguments.out, arguments.scores
    check_outputs([arguments.file], *outputs, saved=arguments.save)
    y, _ = read_series(arguments.file, _layout(arguments, channels=True))
    _check_names_of_scores(y, arguments.target)
    check_gap(arguments.min_gap, y.index.get_level_values(-1))
    detector = _detector(arguments, y)
    with file_errors(arguments.file, arguments.target[0]):
        detector.fit(y)
    if arguments.save:
        tsrnn.save(detector, arguments.save)
    write_events(detector, y, arguments)


def _detector(arguments, y):
    names = "method", "online", "horizon", "stretch", "contamination"
    return tsrnn.RNNAnomalyDetector(**_parameters(arguments, y, names))


def _parameters(arguments, y, names):
    """Parameters of an estimator: options of the same names if they are set, and common ones."""
    options = {name: getattr(arguments, name) for name in (*names, *_COMMON_SETTINGS)}
    is_shown = not arguments.quiet and (sys.stderr.isatty() or len(y) >= _MANY_ROWS)
    if arguments.season:
        several = len(arguments.season) > 1
        options["season"] = arguments.season if several else arguments.season[0]
    return {name: value for name, value in options.items() if value is not None} | {
        "batches_per_epoch": arguments.batches_per_epoch,
        "n_estimators": arguments.n_estimators,
        "random_state": arguments.random_state,
        "n_jobs": arguments.n_jobs,
        "verbose": int(is_shown),
    }


def _layout(arguments, channels=False):
    return Layout(
        targets=arguments.target,
        time=arguments.time,
        series=arguments.id,
        known=arguments.known,
        past=arguments.past,
        csv=csv_format(arguments),
        time_format=arguments.time_format,
        freq=arguments.freq,
        missing=arguments.missing,
        channels=channels,
    )


def _check_names_of_scores(y, targets):
    """Refuse columns of the file that the tables of events or of scores have too."""
    channels = targets if len(targets) > 1 else ()
    bounds = ("expected", "lower", "upper", "share")
    events = {"start", "end", "n_points", "severity", "peak", "alarm", "channel", "seen"}
    events |= {"expected", *(f"share_{name}" for name in channels)}
    scores = {"score", "threshold", "anomaly", "expected", "lower", "upper"}
    scores |= {f"{kind}_{name}" for name in channels for kind in bounds}
    _check_free(y.index.names[:-1], events, "events")
    _check_free(y.index.names, scores, "scores")


def _check_free(names, columns, table):
    """Refuse names that are columns of a table to write."""
    for name in names:
        if name in columns:
            raise ValueError(f"the table of {table} has a column {name!r} of its own: rename it")


def _inputs(arguments):
    files = [arguments.file, arguments.future, arguments.static, *arguments.holidays]
    if files.count(STANDARD_INPUT) > 1:
        raise ValueError("standard input (-) can be read as one file only")
    return files


def _file_errors(arguments):
    return file_errors(arguments.file, arguments.target[0], arguments.static)


def _read(arguments):
    """The series, their covariates, and their static values."""
    if arguments.future and not arguments.known:
        raise ValueError("--future goes with --known, the columns that are known there")
    if arguments.static and not arguments.id and len(arguments.target) == 1:
        raise ValueError("--static goes with several series: --id COLUMN or several --target")
    y, X = read_series(arguments.file, _layout(arguments), arguments.future)
    if not arguments.static:
        return y, X, None
    labels = y.index.get_level_values(0).unique()
    return y, X, read_static(arguments.static, labels.name, labels, csv_format(arguments))


def _forecaster(arguments, y):
    # Lest a covariate that is called "ds" be taken for times
    columns = dict(zip(("time_column", "id_column"), y.index.names[::-1], strict=False))
    columns = {name: column for name, column in columns.items() if column is not None}
    if len(arguments.target) == 1:
        columns["target_column"] = arguments.target[0]
    names = "horizon", "calendar", "loss", "lower", "scope", "short", "ended_after"
    parameters = _parameters(arguments, y, names)
    if arguments.zero_shot:
        parameters["max_iter"] = 0
    return tsrnn.RNNForecaster(
        past_covariates=arguments.past,
        holidays=read_holidays(arguments.holidays, arguments.encoding),
        **parameters,
        **columns,
    )


def _groups(arguments, y, static):
    """The ``by`` of ``Backtest.metrics``, checked before training."""
    columns = [] if static is None else list(static.columns)
    groups = [*dict.fromkeys(["unique_id", *y.index.names[:-1], "cutoff", "horizon", *columns])]
    for name in arguments.by or ():
        if name not in groups:
            more = "" if arguments.static else ", and columns of --static"
            raise ValueError(f"--by {name}: groups are {', '.join(map(repr, groups))}{more}")
    return arguments.by and [*dict.fromkeys(arguments.by)]


def _check_names(names, coverage, quantiles):
    """Refuse columns of the file that the table of forecasts has too."""
    columns = {f"{side}_{100 * level:g}" for level in coverage for side in ("lower", "upper")}
    columns |= {f"quantile_{100 * level:g}" for level in quantiles}
    repeated = {name for name in names if names.count(name) > 1}
    _check_free(names, columns | repeated | {"forecast"}, "forecasts")


def _check_horizon(arguments, y, X):
    """Refuse a horizon beyond the calendar, or beyond what is known in the future."""
    from tsrnn.data import collection_from, format_time, take_series

    with _file_errors(arguments):
        series = collection_from(y, missing=arguments.missing)
        series = take_series(series, series.going_on(arguments.ended_after))
        steps = series.after(arguments.horizon, {}).index
    if not arguments.known:
        return
    keys = steps if X.index.nlevels == steps.nlevels else steps.get_level_values(-1)
    is_known = keys.isin(X.index)
    if not is_known.all():
        first = is_known.argmin()
        time = format_time(steps.get_level_values(-1)[first])
        of_series = f" (series {str(steps[first][0])!r})" if steps.nlevels > 1 else ""
        known = ", ".join(map(repr, arguments.known))
        raise ValueError(
            f"{shown(arguments.future or arguments.file)}: no row for {time}{of_series}, where "
            f"--horizon {arguments.horizon} needs {known}: give rows below the last "
            f"{arguments.target[0]!r}, that cell empty, or --future FILE"
        )

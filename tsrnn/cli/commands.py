"""What the commands do: read, fit, write. What can be refused is refused before training."""

from __future__ import annotations

import argparse
import sys

import tsrnn
from tsrnn.cli.reading import read_series, told_of
from tsrnn.cli.writing import as_text, check_files, write_picture, write_table

_LONG = 2000  # observations from which training lasts, so that its progress is shown


def forecast(arguments: argparse.Namespace) -> None:
    """``tsrnn forecast``: the table of forecasts, maybe their picture and the forecaster."""
    check_files(arguments.file, arguments.plot, arguments.out, arguments.save)
    y, forecaster = _prepared(arguments)
    coverage = _coverage(arguments)
    _check_names(y.index.names, coverage)
    with told_of(arguments.file, arguments.target):
        forecaster.fit(y)
    table = forecaster.predict_interval(coverage=coverage)
    table.insert(0, "forecast", forecaster.predict())
    if arguments.save:
        tsrnn.save(forecaster, arguments.save)
    write_table(table, arguments.out)
    if arguments.plot:
        display = tsrnn.plotting.ForecastDisplay.from_estimator(forecaster, coverage=coverage)
        write_picture(display, arguments.plot)


def backtest(arguments: argparse.Namespace) -> None:
    """``tsrnn backtest``: the errors, maybe all forecasts and their picture."""
    check_files(arguments.file, arguments.plot, arguments.out, arguments.metrics)
    y, forecaster = _prepared(arguments)
    with told_of(arguments.file, arguments.target):
        found = tsrnn.backtest(
            forecaster, y, n_windows=arguments.windows, step=arguments.step,
            refit=arguments.refit, coverage=_coverage(arguments),
        )  # fmt: skip
    metrics = found.metrics()
    print(as_text(metrics.T))
    if arguments.metrics:
        write_table(metrics.rename_axis("method"), arguments.metrics)
    if arguments.out:
        write_table(found.forecasts.set_index("unique_id"), arguments.out)
    if arguments.plot:
        display = tsrnn.plotting.BacktestDisplay.from_backtest(found, y=y)
        write_picture(display, arguments.plot)


def _prepared(arguments):
    """The series of the file, and a forecaster for them; both checked."""
    y = read_series(
        arguments.file, arguments.target, arguments.time, arguments.id, arguments.sep,
        arguments.time_format, arguments.missing,
    )  # fmt: skip
    with told_of(arguments.file, arguments.target):
        from tsrnn.windowing import collection_from

        # Is there a calendar so far?
        collection_from(y, missing=arguments.missing).after(arguments.horizon, {})
    given = {
        "lookback": arguments.lookback,
        "season": arguments.season,
        "hidden_size": arguments.hidden_size,
        "max_iter": arguments.max_iter,
        "n_jobs": arguments.jobs,
    }
    return y, tsrnn.RNNForecaster(
        horizon=arguments.horizon,
        missing=arguments.missing,
        random_state=arguments.seed,
        verbose=int(not arguments.quiet and (sys.stderr.isatty() or len(y) >= _LONG)),
        **{name: value for name, value in given.items() if value is not None},
    )


def _coverage(arguments):
    return [percent / 100 for percent in dict.fromkeys(arguments.coverage)]


def _check_names(names, coverage):
    """Refuse columns of the file that would be twice in the table of forecasts."""
    bounds = [f"{side}_{100 * level:g}" for level in coverage for side in ("lower", "upper")]
    for name in names:
        if [*names, "forecast", *bounds].count(name) > 1:
            raise ValueError(f"the table of forecasts has a column {name!r} of its own: rename it")

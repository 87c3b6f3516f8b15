"""What the commands do: read, fit, write. What can be refused is refused before training."""

from __future__ import annotations

import argparse
import sys

import tsrnn
from tsrnn.cli.reading import Layout, read_holidays, read_series, read_static
from tsrnn.cli.tables import told_of
from tsrnn.cli.writing import as_text, check_files, events_as_text, write_picture, write_table

_LONG = 2000  # observations from which training lasts, so that its progress is shown


def forecast(arguments: argparse.Namespace) -> None:
    """``tsrnn forecast``: the table of forecasts, maybe their picture and the forecaster."""
    check_files(_sources(arguments), arguments.plot, arguments.out, arguments.save)
    y, X, static = _read(arguments)
    forecaster = _forecaster(arguments, y)
    coverage, quantiles = _shares(arguments.coverage), _shares(arguments.quantiles)
    _check_names(y.index.names, coverage, quantiles)
    _check_reach(arguments, y, X)
    with _told_of(arguments):
        forecaster.fit(y, X, static)
    table = forecaster.predict_interval(coverage=coverage)
    table.insert(0, "forecast", forecaster.predict())
    if quantiles:
        table = table.join(forecaster.predict_quantiles(quantiles=quantiles))
    if arguments.save:
        tsrnn.save(forecaster, arguments.save)
    write_table(table, arguments.out)
    if arguments.plot:
        display = tsrnn.plotting.ForecastDisplay.from_estimator(forecaster, coverage=coverage)
        write_picture(display, arguments.plot)


def backtest(arguments: argparse.Namespace) -> None:
    """``tsrnn backtest``: the errors, maybe all forecasts and their picture."""
    check_files(_sources(arguments), arguments.plot, arguments.out, arguments.metrics)
    y, X, static = _read(arguments)
    forecaster = _forecaster(arguments, y)
    with _told_of(arguments):
        found = tsrnn.backtest(
            forecaster, y, X, static, n_windows=arguments.windows, step=arguments.step,
            refit=arguments.refit, coverage=_shares(arguments.coverage),
            quantiles=_shares(arguments.quantiles),
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


def detect(arguments: argparse.Namespace) -> None:
    """``tsrnn detect``: the events, maybe the scores and their picture."""
    check_files([arguments.file], arguments.plot, arguments.out, arguments.scores, arguments.save)
    layout = Layout(
        arguments.target, arguments.time, arguments.id, separator=arguments.sep,
        time_format=arguments.time_format, missing=arguments.missing, channels=True,
    )  # fmt: skip
    y, _ = read_series(arguments.file, layout)
    _check_names_of_scores(y, arguments.target)
    detector = _detector(arguments, y)
    with told_of(arguments.file, arguments.target[0]):
        detector.fit(y)
        events = detector.detect(y, arguments.n_most)
    if len(events):
        print(events_as_text(events))
    else:
        print("no events: no score is above the threshold (--n-most tells the highest)")
    if arguments.out:
        write_table(events.set_index(events.columns[0]), arguments.out)
    if arguments.scores:
        write_table(detector.explain(y), arguments.scores)
    if arguments.save:
        tsrnn.save(detector, arguments.save)
    if arguments.plot:
        display = tsrnn.plotting.AnomalyDisplay.from_estimator(detector, y, events=events)
        write_picture(display, arguments.plot)


def _detector(arguments, y):
    given = {
        "horizon": arguments.horizon,
        "lookback": arguments.lookback,
        "season": arguments.season,
        "stretch": arguments.stretch,
        "contamination": arguments.contamination,
        "hidden_size": arguments.hidden_size,
        "max_iter": arguments.max_iter,
        "n_jobs": arguments.jobs,
        "device": arguments.device,
    }
    return tsrnn.RNNAnomalyDetector(
        method=arguments.method,
        online=arguments.online,
        missing=arguments.missing,
        n_estimators=arguments.networks,
        random_state=arguments.seed,
        verbose=_shows_progress(arguments, y),
        **{name: value for name, value in given.items() if value is not None},
    )


def _shows_progress(arguments, y):
    return int(not arguments.quiet and (sys.stderr.isatty() or len(y) >= _LONG))


def _check_names_of_scores(y, targets):
    """Refuse columns of the file that would be twice in the tables of events or of scores."""
    several = targets if len(targets) > 1 else ()
    made = {
        "events": ["start", "end", "n_points", "severity", "peak", "alarm", "channel", "seen",
                   "expected", *(f"share_{name}" for name in several)],
        "scores": ["score", "threshold", "anomaly", "expected", "lower", "upper",
                   *(f"{what}_{name}" for name in several
                     for what in ("expected", "lower", "upper", "share"))],
    }  # fmt: skip
    names = {"events": y.index.names[:-1], "scores": y.index.names}
    for table, taken in names.items():
        for name in taken:
            if name in made[table]:
                raise ValueError(
                    f"the table of {table} has a column {name!r} of its own: rename it"
                )


def _sources(arguments):
    return [arguments.file, arguments.future, arguments.static, *arguments.holidays]


def _told_of(arguments):
    return told_of(arguments.file, arguments.target[0], arguments.static)


def _read(arguments):
    """The series, the columns beside them, and what does not change of each."""
    if arguments.future and not arguments.known:
        raise ValueError("--future goes with --known, the columns that are known there")
    if arguments.static and not arguments.id and len(arguments.target) == 1:
        raise ValueError("--static goes with several series: --id COLUMN or several --target")
    layout = Layout(
        arguments.target, arguments.time, arguments.id, arguments.known, arguments.past,
        arguments.sep, arguments.time_format, arguments.missing,
    )  # fmt: skip
    y, X = read_series(arguments.file, layout, arguments.future)
    if not arguments.static:
        return y, X, None
    labels = y.index.get_level_values(0).unique()
    return y, X, read_static(arguments.static, labels.name, labels, arguments.sep)


def _forecaster(arguments, y):
    given = {
        "lookback": arguments.lookback,
        "season": arguments.season,
        "hidden_size": arguments.hidden_size,
        "max_iter": arguments.max_iter,
        "n_jobs": arguments.jobs,
        "device": arguments.device,
        # Lest a column beside the target that is called "ds" be taken for times
        **dict(zip(("time_column", "id_column"), y.index.names[::-1], strict=False)),
    }
    return tsrnn.RNNForecaster(
        horizon=arguments.horizon,
        missing=arguments.missing,
        past_covariates=arguments.past,
        calendar=arguments.calendar,
        holidays=read_holidays(arguments.holidays),
        loss=arguments.loss,
        scope=arguments.scope,
        n_estimators=arguments.networks,
        random_state=arguments.seed,
        verbose=_shows_progress(arguments, y),
        **{name: value for name, value in given.items() if value is not None},
    )


def _shares(percents):
    return [percent / 100 for percent in dict.fromkeys(percents)]


def _check_names(names, coverage, quantiles):
    """Refuse columns of the file that would be twice in the table of forecasts."""
    made = [f"{side}_{100 * level:g}" for level in coverage for side in ("lower", "upper")]
    made += [f"quantile_{100 * level:g}" for level in quantiles]
    for name in names:
        if [*names, "forecast", *made].count(name) > 1:
            raise ValueError(f"the table of forecasts has a column {name!r} of its own: rename it")


def _check_reach(arguments, y, X):
    """Refuse a horizon beyond the calendar, or beyond what is known in the future."""
    from tsrnn.data import collection_from, format_time

    with _told_of(arguments):
        steps = collection_from(y, missing=arguments.missing).after(arguments.horizon, {}).index
    if not arguments.known:
        return
    keys = steps if X.index.nlevels == steps.nlevels else steps.get_level_values(-1)
    there = keys.isin(X.index)
    if not there.all():
        time = format_time(steps.get_level_values(-1)[there.argmin()])
        of = f" (series {str(steps[there.argmin()][0])!r})" if steps.nlevels > 1 else ""
        known = ", ".join(map(repr, arguments.known))
        raise ValueError(
            f"{arguments.future or arguments.file}: no row for {time}{of}, where --horizon "
            f"{arguments.horizon} needs {known}: give rows below the last {arguments.target[0]!r}, "
            "that cell empty, or --future FILE"
        )

"""Patterns of missing values x forms x scopes x losses, through all that a forecaster does.

Run as a script it takes the whole product, in several minutes; the test takes a part of it in which
every pattern meets every loss, every form and every scope.
"""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNForecaster, backtest
from tsrnn.forecasting import fitter as fitter_module

N, N_NEW, HORIZON = 170, 10, 6
PLACES = np.arange(N + N_NEW)


def at_random(share):
    return np.random.default_rng(0).random(PLACES.size) < share


def between(first, last):
    return np.isin(PLACES, range(first, last))


MISSING = {
    "the last tenth": between(153, N),
    "all but the first half": between(85, N),
    "from the held-out part on, for good": PLACES >= 153,
    "an outage in the held-out part": between(150, 165),
    "an outage up to the last value": between(130, N - 1),
    "the first steps of the held-out part": between(153, 158),
    "a long outage in the middle": between(40, 110),
    "all between the first value and the last third": between(1, 115),
    "all between the first value and the last 30": between(1, N - 30),
    "one in ten at random": at_random(0.1),
    "half at random": at_random(0.5),
    "nine in ten at random": at_random(0.9),
    "every other": PLACES % 2 == 1,
    "weekends": PLACES % 7 > 4,
    "all but one day of the week": PLACES % 7 != 3,
    "all but every tenth": PLACES % 10 != 9,
    "all but every horizon": PLACES % HORIZON != 0,
    "blocks": PLACES % 20 > 6,
    "ever more of it": at_random(0.95) & (PLACES % 3 + PLACES / 90 > 1.5),
    "one value alone, in training": PLACES == 60,
}
FORMS = "series", "wide", "long", "levels"
SCOPES = "global", "local", "fine_tuned"
LOSSES = "absolute_error", "squared_error", "quantile", "gaussian", "student_t"
COMBINATIONS = list(itertools.product(MISSING, FORMS, SCOPES, LOSSES))


def forecaster_of(scope, loss):
    return RNNForecaster(
        HORIZON,
        lookback=14,
        season=1,
        missing="mask",
        scope=scope,
        loss=loss,
        max_iter=3,
        hidden_size=4,
        segment=1,
        batch_size=16,
    )


def series_of(form, pattern, every):
    """Fitted and new values in a form; of a panel one series or all have the pattern."""
    days = pd.date_range("2024-01-01", periods=PLACES.size, name="ds")
    columns = {}
    for k, name in enumerate(["a"] if form == "series" else ["a", "b", "c"]):
        noise = np.random.default_rng(k).normal(scale=0.3, size=PLACES.size)
        values = pd.Series(20 + 3 * np.sin(PLACES / 4 + k) + noise, days, name="y")
        columns[name] = values.mask(MISSING[pattern]) if every or not k else values
    parts = [pd.DataFrame(columns)[part] for part in (slice(N), slice(N, None))]
    if form == "series":
        return [part["a"] for part in parts]
    if form == "wide":
        return [part.dropna(axis=1, how="all") for part in parts]
    parts = [part.T.stack(future_stack=True) for part in parts]  # noqa: PD013
    known = parts[1].groupby(level=0).transform(lambda values: values.notna().any())
    parts[1] = parts[1][known]  # a series of nothing is left out of an update
    parts = [part.rename_axis(["unique_id", "ds"]).rename("y") for part in parts]
    return parts if form == "levels" else [part.reset_index() for part in parts]


def numbers(frame):
    """The columns of results, without ids and times; NaN where a wide frame is padded."""
    return (
        frame.to_frame().to_numpy()
        if frame.ndim == 1
        else (frame.drop(columns=["unique_id", "ds"], errors="ignore").to_numpy(float))
    )


def check_predictions(forecaster):
    """Finite forecasts, intervals of a width, samples that differ; the forecasts."""
    forecast = numbers(forecaster.predict())
    assert np.isfinite(forecast).sum() == HORIZON * len(forecaster.fitted_.history.ids)
    bounds = numbers(forecaster.predict_interval(coverage=0.99))
    widths = bounds[:, 1::2] - bounds[:, ::2]
    assert np.isfinite(widths).sum() == np.isfinite(forecast).sum()
    assert (widths[np.isfinite(widths)] > 0).all()
    samples = numbers(forecaster.predict_samples(n_samples=20))
    samples = samples.reshape(len(samples), -1, 20)
    samples = samples[~np.isnan(samples).any(axis=2)]
    assert (samples.std(axis=1) > 0).all()
    return forecast


def check(pattern, form, scope, loss, path):
    """Fit, update, train on, save and backtest; every network is trained, on observed values."""
    number = COMBINATIONS.index((pattern, form, scope, loss))
    y, new = series_of(form, pattern, every=number % 2)
    before, forecaster = y.copy(), forecaster_of(scope, loss)
    trained, train_many = [], fitter_module.train_many

    def spy(networks, source, windows, validations, settings, *args, **kwargs):
        drawn = [network.parameters.copy() for network in networks]
        histories = train_many(networks, source, windows, validations, settings, *args, **kwargs)
        trained.extend(zip(networks, drawn, windows, validations, settings, histories, strict=True))
        return histories

    fitter_module.train_many = spy
    try:
        forecaster.fit(y)
    finally:
        fitter_module.train_many = train_many
    for network, drawn, windows, validation, settings, history in trained:
        assert len(windows)
        if settings.stop_after is None:
            assert len(history.loss_curve) == 3
            assert all(loss_value != 0 for loss_value in history.loss_curve)
            assert len(validation) == 0 or 0 not in history.validation_curve
            moved = np.abs(network.parameters - drawn).max()
            assert moved > 1e-5 or history.best_iter == 0 < len(validation)
    n_networks = {"global": 1, "local": len(forecaster.fitted_.history.ids)}.get(scope)
    n_first = sum(settings.stop_after is None for *_, settings, _ in trained)
    assert n_networks is None or n_first == n_networks
    assert y.equals(before)
    forecast = check_predictions(forecaster)
    tsrnn.save(forecaster, path)
    np.testing.assert_array_equal(numbers(tsrnn.load(path).predict()), forecast)
    if np.isfinite(numbers(new)).any() and number % 3:
        taught = tsrnn.load(path).partial_fit(new)
        check_predictions(taught)
        check_predictions(forecaster.update(new))
        tsrnn.save(forecaster, path)
        assert tsrnn.load(path).predict().equals(forecaster.predict())
    options = {"n_windows": 2, "refit": bool(number % 2), "coverage": 0.9, "quantiles": [0.3]}
    result = backtest(forecaster_of(scope, loss), y, **options)
    table = result.forecasts
    assert np.isfinite(table["RNNForecaster"]).all()
    assert (table["upper_90"] > table["lower_90"]).all()
    if table["y"].notna().any():
        scores = result.metrics().loc["RNNForecaster"]
        assert np.isfinite(scores.drop(["MASE", "RMSSE"])).all()  # a scale needs two in a row
    assert y.equals(before)


SPREAD = [
    (pattern, FORMS[(i + k) % len(FORMS)], SCOPES[(i + k) % len(SCOPES)], loss)
    for (i, pattern), (k, loss) in itertools.product(enumerate(MISSING), enumerate(LOSSES))
]


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "form", "scope", "loss"), SPREAD)
def test_masked_series(pattern, form, scope, loss, tmp_path):
    check(pattern, form, scope, loss, tmp_path / "forecaster.tsrnn")


if __name__ == "__main__":
    import sys
    import tempfile
    import traceback
    from pathlib import Path

    failed = 0
    part = slice(*map(int, sys.argv[1:3])) if len(sys.argv) > 2 else slice(None)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for combination in COMBINATIONS[part]:
            try:
                check(*combination, Path(folder) / "forecaster.tsrnn")
            except Exception:
                failed += 1
                print(combination, traceback.format_exc(limit=-3), sep="\n", flush=True)
    print(f"{len(COMBINATIONS[part])} combinations, {failed} failed")

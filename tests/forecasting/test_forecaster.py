import dataclasses
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tsrnn import RNNForecaster
from tsrnn.datasets import load_airline, load_co2, load_nile, load_sunspots
from tsrnn.forecasting import fitter, seasonal_naive
from tsrnn.kernels.jit import threads

pytestmark = pytest.mark.slow

AIRLINE = load_airline()


def quick(**kwargs):
    """A forecaster that trains in a moment."""
    return RNNForecaster(**({"max_iter": 5, "hidden_size": 8} | kwargs))


def mape(forecast, truth):
    return float((forecast / truth - 1).abs().mean() * 100)


@pytest.mark.parametrize(
    ("months", "naive", "most_in_mean"), [(12, 9.99, 5.0), (24, 15.5, 9.0)], ids=["12", "24"]
)
def test_accuracy_on_airline_passengers(months, naive, most_in_mean):
    errors = []
    for seed in range(5):
        forecaster = RNNForecaster(horizon=months, random_state=seed).fit(AIRLINE[:-months])
        errors.append(mape(forecaster.predict(), AIRLINE[-months:]))
    assert max(errors) < naive
    assert np.mean(errors) <= most_in_mean


def test_beats_the_naive_forecast_on_other_series():
    for y, horizon in ((load_co2(), 24), (load_sunspots(), 12)):
        forecast = RNNForecaster(horizon=horizon).fit(y[:-horizon]).predict()
        truth = y[-horizon:]
        naive = seasonal_naive(y[:-horizon], horizon)
        assert (forecast - truth).abs().mean() < 0.6 * (naive - truth).abs().mean()


@pytest.mark.parametrize("cell", ["gru", "rnn", "rnn_relu"])
def test_other_cells_beat_the_naive_forecast_too(cell):
    forecaster = RNNForecaster(cell=cell).fit(AIRLINE[:-12])
    assert mape(forecaster.predict(), AIRLINE[-12:]) < 5.0


def test_defaults_settle_season_lookback_and_transform():
    forecaster = quick().fit(AIRLINE)
    assert (forecaster.season_, forecaster.lookback_, forecaster.transform_) == (12, 36, "log")
    forecaster = quick().fit(load_nile())
    assert (forecaster.season_, forecaster.lookback_, forecaster.transform_) == (1, 24, None)
    forecaster = quick(season=11, transform="log", lookback=30).fit(load_nile())
    assert (forecaster.season_, forecaster.lookback_, forecaster.transform_) == (11, 30, "log")


def test_same_bits_twice_and_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(threads, "LONG", 0)
    results = []
    for n_jobs in (1, 1, 2, None, -1):
        forecaster = quick(n_jobs=n_jobs, max_iter=20, batch_size=40).fit(load_co2())
        results.append((forecaster.network_.parameters, forecaster.predict().to_numpy()))
    for parameters, forecast in results[1:]:
        np.testing.assert_array_equal(parameters, results[0][0])
        np.testing.assert_array_equal(forecast, results[0][1])


def test_seeds_matter_and_none_is_a_new_one_each_time():
    def parameters(seed):
        return quick(random_state=seed).fit(AIRLINE).network_.parameters

    assert (parameters(1) != parameters(2)).any()
    assert (parameters(None) != parameters(None)).any()
    np.testing.assert_array_equal(
        parameters(np.random.RandomState(5)), parameters(np.random.RandomState(5))
    )


INDEXES = {
    "dates": AIRLINE.index,
    "periods": AIRLINE.index.to_period(),
    "range": pd.RangeIndex(10, 154),
    "time zone": AIRLINE.index.tz_localize("America/New_York"),
}


@pytest.mark.parametrize("name", INDEXES)
def test_the_forecast_follows_the_index(name):
    y = AIRLINE.set_axis(INDEXES[name])
    forecaster = quick(horizon=12, season=12).fit(y[:-12])
    forecast = forecaster.predict()
    assert forecast.index.tolist() == y.index[-12:].tolist()
    assert type(forecast.index) is type(y.index)
    assert forecast.name == "passengers"
    assert forecast.dtype == "float64"
    pd.testing.assert_index_equal(forecaster.predict_interval().index, forecast.index)
    pd.testing.assert_series_equal(forecaster.history_, y[:-12].astype(float), check_freq=False)


def test_a_frame_of_one_column_comes_back_as_one():
    forecast = quick().fit(AIRLINE.to_frame()).predict()
    assert isinstance(forecast, pd.DataFrame)
    expected = quick().fit(AIRLINE).predict()
    pd.testing.assert_series_equal(forecast["passengers"], expected)


def test_unsorted_rows_give_the_same_forecast_and_stay_unsorted():
    shuffled = AIRLINE.sample(frac=1, random_state=0)
    before = shuffled.copy()
    pd.testing.assert_series_equal(quick().fit(shuffled).predict(), quick().fit(AIRLINE).predict())
    pd.testing.assert_series_equal(shuffled, before)


def test_a_shorter_horizon_is_the_beginning_of_the_whole():
    forecaster = quick().fit(AIRLINE)
    pd.testing.assert_series_equal(
        forecaster.predict(5), forecaster.predict().iloc[:5], check_freq=False
    )
    pd.testing.assert_frame_equal(
        forecaster.predict_interval(5), forecaster.predict_interval().iloc[:5], check_freq=False
    )


def test_fit_and_predict_change_neither_input_nor_parameters():
    y = AIRLINE.copy()
    forecaster = quick()
    parameters = forecaster.get_params()
    assert forecaster.fit(y) is forecaster
    attributes = dict(vars(forecaster))
    forecaster.predict()
    forecaster.predict_interval()
    assert vars(forecaster) == attributes
    assert forecaster.get_params() == parameters
    pd.testing.assert_series_equal(y, AIRLINE)
    assert clone(forecaster).get_params() == parameters


def test_changing_the_series_after_fit_changes_nothing():
    y = AIRLINE.copy()
    forecaster = quick().fit(y)
    before = forecaster.predict()
    y.iloc[:] = 0
    pd.testing.assert_series_equal(forecaster.predict(), before)


def test_a_pickle_forecasts_the_same():
    forecaster = quick().fit(AIRLINE)
    loaded = pickle.loads(pickle.dumps(forecaster))
    pd.testing.assert_series_equal(loaded.predict(), forecaster.predict())
    pd.testing.assert_frame_equal(loaded.predict_interval(), forecaster.predict_interval())


def test_a_memory_mapped_model_forecasts_the_same_without_a_new_compilation(tmp_path):
    forecaster = quick().fit(AIRLINE)
    expected = forecaster.predict()
    joblib.dump(forecaster, tmp_path / "model")
    loaded = joblib.load(tmp_path / "model", mmap_mode="r")
    assert not loaded.network_.parameters.flags.writeable
    dispatcher = forecaster.network_.drivers.predict.dispatcher(False)
    n_compiled = len(dispatcher.signatures)
    pd.testing.assert_series_equal(loaded.predict(), expected)
    assert len(dispatcher.signatures) == n_compiled


def test_changing_the_history_attribute_changes_no_forecast():
    forecaster = quick(transform=None).fit(AIRLINE)
    before = forecaster.predict()
    history = forecaster.history_
    history.iloc[:] = 0
    pd.testing.assert_series_equal(forecaster.predict(), before)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_scales_do_not_matter(scale):
    plain = quick(transform=None).fit(AIRLINE).predict()
    scaled = quick(transform=None).fit(AIRLINE * scale).predict()
    np.testing.assert_allclose(scaled / scale, plain, rtol=1e-4)


@pytest.mark.parametrize("level", [0.0, 7.25, -1e9])
def test_a_constant_series_goes_on(level):
    y = pd.Series(level, pd.date_range("2020-01-01", periods=90))
    forecaster = quick().fit(y)
    np.testing.assert_allclose(forecaster.predict(), level, rtol=1e-9)
    assert np.isfinite(forecaster.predict_interval()).all(axis=None)


def test_float64_computes_in_float64():
    single, double = quick().fit(AIRLINE), quick(dtype="float64").fit(AIRLINE)
    assert double.network_.parameters.dtype == np.float64
    np.testing.assert_allclose(double.predict(), single.predict(), rtol=1e-3)


def test_history_of_training():
    forecaster = quick(max_iter=9).fit(AIRLINE)
    assert forecaster.n_iter_ == len(forecaster.loss_curve_) == 9
    assert len(forecaster.validation_scores_) == 9
    best = int(np.argmax(forecaster.validation_scores_)) + 1
    assert forecaster.best_iter_ == best
    without = quick(max_iter=4, early_stopping=False).fit(AIRLINE)
    assert (without.best_iter_, without.validation_scores_) == (4, None)


def test_the_held_out_end_is_not_trained_on_until_the_refit():
    """Whatever the last year holds, the training losses with validation are the same."""
    other = AIRLINE.copy()
    other.iloc[-12:] = other.iloc[-12:].to_numpy()[::-1]
    kwargs = {"horizon": 6, "transform": "log", "season": 12}
    one, two = quick(**kwargs).fit(AIRLINE), quick(**kwargs).fit(other)
    assert one.loss_curve_ == two.loss_curve_
    assert one.validation_scores_ != two.validation_scores_


def test_refit_learns_from_the_whole_series():
    kwargs = {"max_iter": 40, "horizon": 6}
    refitted, validated = quick(**kwargs).fit(AIRLINE), quick(**kwargs, refit=False).fit(AIRLINE)
    assert refitted.best_iter_ == validated.best_iter_ > 0
    assert (refitted.network_.parameters != validated.network_.parameters).any()
    # Intervals are measured where the network has not been: by the validated one in both.
    width = [
        f.predict_interval().diff(axis=1).iloc[:, 1] / f.predict() for f in (refitted, validated)
    ]
    np.testing.assert_allclose(width[0], width[1], rtol=1e-6)


def test_refit_follows_the_learning_rates_of_the_validated_network(monkeypatch):
    """More windows must not make "auto" epochs fewer than the best one was."""
    y = load_co2("weekly").interpolate()[:1200]
    train, seen = fitter.train_many, []

    def spy(*args, **kwargs):
        histories = train(*args, **kwargs)
        seen.append((args[4][0], len(histories[0].loss_curve)))
        return histories

    monkeypatch.setattr(fitter, "train_many", spy)
    RNNForecaster(season=1, hidden_size=4, validation_fraction=0.5).fit(y)
    (first, _), (second, n_epochs) = seen
    assert second == dataclasses.replace(first, stop_after=n_epochs)


def test_intervals():
    forecaster = RNNForecaster(horizon=24).fit(AIRLINE[:-24])
    intervals = forecaster.predict_interval(coverage=[0.5, 0.8, 0.95])
    names = "lower_50 upper_50 lower_80 upper_80 lower_95 upper_95"
    assert intervals.columns.tolist() == names.split()
    forecast, truth = forecaster.predict(), AIRLINE[-24:]
    outward = ["lower_95", "lower_80", "lower_50"], ["upper_50", "upper_80", "upper_95"]
    nested = pd.concat([intervals[outward[0]], forecast, intervals[outward[1]]], axis=1)
    assert (nested.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    assert (intervals > 0).all(axis=None)  # logarithms keep them positive
    assert truth.between(intervals["lower_95"], intervals["upper_95"]).mean() > 0.8
    assert forecaster.predict_interval(coverage=0.975).columns[0] == "lower_97.5"


def test_verbose_shows_progress(capsys):
    quick(verbose=1).fit(AIRLINE)
    out, err = capsys.readouterr()
    assert out == ""
    assert "RNNForecaster" in err
    assert "validation" in err


SHORT = pd.Series(np.arange(20.0), pd.date_range("2020-01-01", periods=20, freq="MS"))

BAD_FITS = {
    "NaN": ({}, AIRLINE.where(AIRLINE != 118), "missing .NaN. at 1949-02-01"),
    "infinite": ({}, AIRLINE.replace(118, np.inf), "infinite at 1949-02-01"),
    "gap": ({}, AIRLINE.drop(AIRLINE.index[50]), "1953-03-01 is missing after 1953-02-01"),
    "repeat": ({}, pd.concat([AIRLINE, AIRLINE[:1]]), "1949-01-01 more than once"),
    "wrong type": ({}, AIRLINE.to_list(), "must be a pandas Series.*got list"),
    "short": ({}, SHORT, "y has 20 observations.*needs at least 3[0-9]"),
    "short for its season": ({"season": 12}, SHORT, "season=12.*needs at least"),
    "short lookback": ({"season": 12, "lookback": 6}, AIRLINE, "lookback=6 is shorter than season"),
    "log of zero": ({"transform": "log"}, AIRLINE - 104, "needs positive values.*0 at 1949-11-01"),
    "horizon 0": ({"horizon": 0}, AIRLINE, "'horizon' parameter of RNNForecaster"),
    "horizon 1.5": ({"horizon": 1.5}, AIRLINE, "'horizon' parameter of RNNForecaster"),
    "cell": ({"cell": "gru2"}, AIRLINE, "'cell' parameter of RNNForecaster"),
    "hidden_size": ({"hidden_size": -1}, AIRLINE, "'hidden_size' parameter"),
    "max_iter": ({"max_iter": "many"}, AIRLINE, "'max_iter' parameter"),
    "batch_size": ({"batch_size": 0}, AIRLINE, "'batch_size' parameter"),
    "rate": ({"learning_rate_init": 0.0}, AIRLINE, "'learning_rate_init' parameter"),
    "n_jobs": ({"n_jobs": 0}, AIRLINE, "'n_jobs' parameter"),
    "dtype": ({"dtype": "float16"}, AIRLINE, "'dtype' parameter"),
    "fraction": ({"validation_fraction": 1.5}, AIRLINE, "'validation_fraction' parameter"),
    "loss": ({"loss": "mse"}, AIRLINE, "'loss' parameter"),
}


@pytest.mark.parametrize("name", BAD_FITS)
def test_bad_input_to_fit(name):
    parameters, y, message = BAD_FITS[name]
    before = y.copy()
    with pytest.raises(ValueError, match=message):
        quick(pretrained=None, **parameters).fit(y)
    assert before.equals(y) if hasattr(y, "equals") else before == y


def test_a_series_that_is_long_enough_stays_so_when_it_grows():
    """A season that does not fit in yet is left out with a warning."""
    seasons = []
    for n in range(34, 70):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            forecaster = quick(max_iter=1).fit(AIRLINE[:n])
        seasons.append(forecaster.season_)
        if n >= 36 and forecaster.season_ == 1:
            assert "too few to learn its season of 12" in str(caught[0].message)
            assert "55 observations would do" in str(caught[0].message)
        else:
            assert not caught
        assert len(forecaster.predict()) == 12
    assert seasons == [1] * (55 - 34) + [12] * (70 - 55)


def test_a_season_on_a_steep_trend_is_found():
    t = np.arange(192)
    noise = np.random.default_rng(1).normal(scale=0.5, size=192)
    months = AIRLINE.index.union(pd.date_range("1961-01-01", periods=48, freq="MS"))
    y = pd.Series(100 + 5 * t + 10 * np.sin(2 * np.pi * t / 12) + noise, months)
    forecaster = RNNForecaster(horizon=12).fit(y[:-12])
    assert forecaster.season_ == 12
    assert (forecaster.predict() - y[-12:]).abs().mean() < 2


def test_flat_stretches_mean_the_same_in_any_unit():
    values = 10 + np.random.default_rng(0).normal(size=400)
    values[100:140] = values[100]
    values[-40:-5] = values[-40]
    y = pd.Series(values, pd.date_range("2020-01-01", periods=400))
    widths = []
    for scale in (1.0, 1e-6, 1e6):
        forecaster = RNNForecaster(horizon=5).fit(y * scale)
        bounds = forecaster.predict_interval(coverage=0.97) / scale
        widths.append(bounds["upper_97"] - bounds["lower_97"])
        assert forecaster.loss_curve_[-1] < 20
    assert widths[0].between(1, 100).all()  # deviations; a scale of their own gave millions
    np.testing.assert_allclose(widths[1], widths[0], rtol=0.02)
    np.testing.assert_allclose(widths[2], widths[0], rtol=0.02)


def test_a_fit_that_fails_leaves_what_was_fitted_before():
    forecaster = quick(horizon=5).fit(load_nile())
    before = forecaster.predict()
    for bad, parameters in ((AIRLINE, {"lookback": 200}), (AIRLINE, {"learning_rate_init": 1e300})):
        parameters = forecaster.get_params() | parameters
        with pytest.raises(ValueError, match=r"needs at least|diverged"):
            forecaster.set_params(**parameters).fit(bad)
        pd.testing.assert_series_equal(forecaster.predict(), before)
        forecaster.set_params(lookback=None, learning_rate_init=3e-3)


def test_the_shortest_series_that_the_message_names_is_enough():
    own = quick(season=1, pretrained=None)
    with pytest.raises(ValueError, match="needs at least 34") as caught:
        own.fit(SHORT)
    assert "needs at least 34" in str(caught.value)
    enough = pd.Series(np.arange(34.0), pd.date_range("2020-01-01", periods=34, freq="MS"))
    own.fit(enough)
    with pytest.raises(ValueError, match="needs at least 34"):
        own.fit(enough[1:])


@pytest.mark.parametrize("horizon", [0, -1, True, 2.0, "3"])
def test_bad_horizon_at_predict(horizon):
    forecaster = quick().fit(AIRLINE)
    for method in (forecaster.predict, forecaster.predict_interval):
        with pytest.raises(ValueError, match="whole number from 1"):
            method(horizon)


@pytest.mark.parametrize("coverage", [0, 1, 80, [0.5, 1.2], [], np.nan])
def test_bad_coverage(coverage):
    with pytest.raises(ValueError, match=r"coverage must be .* between 0 and 1"):
        quick().fit(AIRLINE).predict_interval(coverage=coverage)


def test_no_intervals_without_a_held_out_part():
    with pytest.raises(ValueError, match="early_stopping=True"):
        quick(early_stopping=False, pretrained=None).fit(AIRLINE).predict_interval()


def test_not_fitted():
    for method in (RNNForecaster().predict, RNNForecaster().predict_interval):
        with pytest.raises(NotFittedError):
            method()


def test_an_interrupt_of_the_refit_keeps_the_validated_network(monkeypatch):
    validated = quick(refit=False).fit(AIRLINE)
    train = fitter.train_many

    def interrupted(*args, **kwargs):
        histories = train(*args, **kwargs)
        histories[0].interrupted = args[4][0].stop_after is not None
        return histories

    monkeypatch.setattr(fitter, "train_many", interrupted)
    forecaster = quick()
    with pytest.warns(UserWarning, match=f"weights of epoch {validated.best_iter_} are kept"):
        forecaster.fit(AIRLINE)
    np.testing.assert_array_equal(forecaster.network_.parameters, validated.network_.parameters)


INTERRUPTED = """
import sys, threading, warnings
import numpy as np, pandas as pd
from tsrnn import RNNForecaster
from tsrnn.kernels.jit import threads
threads.LONG = 0
rng = np.random.default_rng(0)
y = pd.Series(rng.normal(size=20000).cumsum(), pd.date_range("2000-01-01", periods=20000, freq="h"))
RNNForecaster(max_iter=1, hidden_size=64).fit(y[:300])  # compiled before
forecaster = RNNForecaster(max_iter=1000, n_iter_no_change=1000, hidden_size=64)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print("fitting", flush=True)
    forecaster.fit(y)
print("back", flush=True)
assert [w for w in caught if "interrupted" in str(w.message)], caught
forecast = forecaster.predict()
assert np.isfinite(forecast).all() and len(forecast) == 12
assert np.isfinite(forecaster.predict_interval()).all(axis=None)
print("usable", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_ctrl_c_during_a_long_fit():
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "fitting\n", process.stderr.read()
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        word = process.stdout.readline().strip()
        _, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert word == "back"  # how soon: benchmarks/interrupt.py

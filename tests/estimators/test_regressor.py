"""RNNRegressor, alone and in scikit-learn's hands."""

import pickle
import threading
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy import stats
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tsrnn import RNNRegressor
from tsrnn.datasets import (
    load_airline,
    load_co2,
    load_nyc_taxi,
    load_sunspots,
    make_adding_problem,
)
from tsrnn.estimators.sequences import read_sequences
from tsrnn.kernels import targets
from tsrnn.kernels.jit import threads
from tsrnn.kernels.jit.threads import available_threads, claim_threads

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=(500, 12))
SUM = NOISE[:, -1] + np.sign(NOISE[:, -4]) + 0.5 * NOISE[:, -6]


def windows(series, lookback):
    """Rows of so many values, and the value after each."""
    rows = sliding_window_view(np.asarray(series, float), lookback + 1)
    return rows[:, :-1], rows[:, -1]


X, Y = windows(load_sunspots(), 22)


def quick(**kwargs):
    """A regressor that trains in a moment."""
    return RNNRegressor(**({"max_iter": 5, "hidden_size": 8} | kwargs))


def learns(**kwargs):
    """A regressor that learns small tasks."""
    options = {"cell": "gru", "hidden_size": 8, "max_iter": 20, "learning_rate_init": 1e-2}
    return RNNRegressor(**(options | kwargs))


def assert_same_network(one, other):
    np.testing.assert_array_equal(one.network_.parameters, other.network_.parameters)
    assert one.loss_curve_ == other.loss_curve_


# What it learns


def from_the_last(X, y):
    """Windows as differences from their last value, as one looks at a series with a trend."""
    return X - X[:, -1:], y - X[:, -1]


SERIES = {
    "airline": (from_the_last(*windows(np.log(load_airline()), 24)), 24, 0.75),
    "sunspots": (windows(load_sunspots(), 22), 80, 0.65),
    "co2": (from_the_last(*windows(load_co2(), 24)), 120, 0.35),
    "taxi": (windows(load_nyc_taxi()[:1500], 48), 300, 0.6),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", SERIES)
def test_beats_persistence_on_real_series(name, seed):
    (X, y), n_test, most = SERIES[name]
    regressor = learns(hidden_size=16, max_iter=40, random_state=seed)
    errors = regressor.fit(X[:-n_test], y[:-n_test]).predict(X[-n_test:]) - y[-n_test:]
    persistence = X[-n_test:, -1] - y[-n_test:]
    assert np.abs(errors).mean() < most * np.abs(persistence).mean()


def test_the_adding_problem_of_100_steps():
    X, y = make_adding_problem(6000, 100, random_state=0)
    regressor = RNNRegressor(
        cell="gru", n_channels=2, memory=100, max_iter=10, learning_rate_init=1e-2
    ).fit(X[:5000], y[:5000])
    assert mean_squared_error(y[5000:], regressor.predict(X[5000:])) < 0.01


OPTIONS = {
    "cell": {"cell": "gru"},
    "vanilla cell": {"cell": "rnn"},
    "rectifier": {"cell": "rnn_relu"},
    "attention": {"cell": "attention", "n_layers": 2, "n_heads": 2},
    "hidden_size": {"hidden_size": 12},
    "layers": {"n_layers": 2},
    "residual": {"n_layers": 2, "residual": True},
    "bidirectional": {"bidirectional": True},
    "head_size": {"head_size": 6},
    "segment": {"segment": 3},
    "memory": {"memory": 12},
    "averaging": {"averaging": 0.9},
    "dropout": {"n_layers": 2, "dropout": 0.1},
    "recurrent_dropout": {"recurrent_dropout": 0.1},
    "alpha": {"alpha": 1e-2},
    "adamw": {"solver": "adamw", "alpha": 0.1},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1},
    "rmsprop": {"solver": "rmsprop", "learning_rate_init": 3e-3},
    "cosine": {"learning_rate": "cosine"},
    "batch_size": {"batch_size": 8},
    "max_grad_norm": {"max_grad_norm": 0.1},
    "no scaling": {"standardize": False},
    "huber": {"loss": "huber"},
    "absolute_error": {"loss": "absolute_error"},
    "gaussian": {"loss": "gaussian"},
    "student_t": {"loss": "student_t"},
    "quantile": {"loss": "quantile"},
    "seed": {"random_state": 1},
}


def test_every_option_changes_something_and_still_learns():
    seen = {}
    for name in ("default", *OPTIONS):
        options = {"cell": "lstm", "max_iter": 30} | OPTIONS.get(name, {})
        regressor = learns(**options).fit(NOISE, SUM)
        result = regressor.predict(NOISE)
        assert regressor.score(NOISE, SUM) > 0.5, name
        for other, predictions in seen.items():
            assert (result != predictions).any(), f"{name} is no other than {other}"
        seen[name] = result


def test_float64_computes_in_float64():
    one, other = learns().fit(NOISE, SUM), learns(dtype="float64").fit(NOISE, SUM)
    assert (one.network_.parameters.dtype, other.network_.parameters.dtype) == ("f4", "f8")
    result = other.predict(NOISE)
    assert (result.dtype, one.predict(NOISE).dtype) == ("f8", "f8")
    assert (result != result.astype("float32")).any()
    np.testing.assert_allclose(result, one.predict(NOISE), atol=1e-3)


def test_parameters_say_what_the_network_is():
    regressor = quick(
        cell="gru",
        hidden_size=5,
        n_layers=2,
        bidirectional=True,
        residual=True,
        head_size=3,
        n_channels=2,
        segment=2,
    ).fit(NOISE, SUM)
    network = regressor.network_
    assert (network.cell, network.n_hidden, network.n_layers, network.n_head) == ("gru", 5, 2, 3)
    assert (network.bidirectional, network.residual) == (True, True)
    assert (network.n_in, network.n_out) == (4, 1)


def test_memory_is_where_gates_begin():
    rate = {"learning_rate_init": 1e-30, "max_iter": 1}
    biases = [
        quick(**rate, memory=memory).fit(NOISE, SUM).network_.views()["bias_l0"]
        for memory in (None, 1000)
    ]
    assert np.abs(biases[0]).max() == 1
    assert np.abs(biases[1]).max() > np.log(100)


def test_training_starts_at_the_mean():
    regressor = quick(learning_rate_init=1e-30, max_iter=1).fit(X, Y)
    np.testing.assert_allclose(regressor.predict(X), Y.mean(), rtol=1e-6)
    weights = np.arange(len(Y))
    regressor.fit(X, Y, sample_weight=weights)
    np.testing.assert_allclose(regressor.predict(X), np.average(Y, weights=weights), rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_units_do_not_matter(scale):
    """But for the order of rows, which goes by their content: all are in one minibatch."""
    options = {"batch_size": 1000, "max_iter": 40, "dtype": "float64"}
    plain = learns(**options).fit(X, Y).predict(X)
    scaled = learns(**options).fit(X * scale, Y * scale).predict(X * scale)
    assert plain.std() > 0.3 * Y.std()
    np.testing.assert_allclose(scaled / scale, plain, rtol=1e-6)


def test_what_does_not_vary_is_predicted():
    regressor = quick().fit(np.full((40, 6), 1e9), np.full(40, -7.25))
    np.testing.assert_allclose(regressor.predict(np.full((3, 6), 1e9)), -7.25, rtol=1e-9)


# The same bits


def test_same_bits_twice_and_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(threads, "LONG", 0)
    options = {"n_layers": 2, "dropout": 0.1, "recurrent_dropout": 0.1, "batch_size": 200}
    regressors = [quick(n_jobs=n, **options).fit(NOISE, SUM) for n in (1, 1, 2, None, -1)]
    expected = regressors[0].predict(NOISE)
    for regressor in regressors[1:]:
        assert_same_network(regressor, regressors[0])
        np.testing.assert_array_equal(regressor.predict(NOISE), expected)


def test_seeds_matter_and_none_is_a_new_seed_each_time():
    def parameters(seed):
        return quick(random_state=seed, max_iter=1).fit(X, Y).network_.parameters

    assert (parameters(1) != parameters(2)).any()
    assert (parameters(None) != parameters(None)).any()
    np.testing.assert_array_equal(
        parameters(np.random.RandomState(5)), parameters(np.random.RandomState(5))
    )


@pytest.mark.parametrize("options", [{}, {"cell": "gru", "bidirectional": True, "n_layers": 2}])
def test_a_prediction_does_not_depend_on_other_rows(options):
    ragged = [NOISE[k, k % 11 :] for k in range(150)]
    regressor = quick(**options, learning_rate_init=0.1).fit(ragged, SUM[:150])
    expected = regressor.predict(ragged)
    assert expected.std() > 0
    order = np.random.default_rng(0).permutation(150)
    shuffled = regressor.predict([ragged[k] for k in order])
    np.testing.assert_array_equal(shuffled, expected[order])
    for first, last in ((0, 1), (149, 150), (3, 20), (10, 75), (64, 150)):
        np.testing.assert_array_equal(regressor.predict(ragged[first:last]), expected[first:last])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_fitted_in_a_worker_it_is_the_same_to_the_bit(backend):
    options = [{"random_state": seed} for seed in range(4)]
    jobs = [joblib.delayed(learns(max_iter=3, **each).fit)(X, Y) for each in options]
    result = joblib.Parallel(n_jobs=2, backend=backend)(jobs)
    for regressor, each in zip(result, options, strict=True):
        assert_same_network(regressor, learns(max_iter=3, **each).fit(X, Y))


def test_a_pickle_predicts_the_same(tmp_path):
    regressor = learns(loss="gaussian").fit(X, Y)
    expected = regressor.predict(X, return_std=True)
    joblib.dump(regressor, tmp_path / "model")
    copies = (
        pickle.loads(pickle.dumps(regressor)),
        joblib.load(tmp_path / "model", mmap_mode="r"),
    )
    for loaded in copies:
        np.testing.assert_array_equal(loaded.predict(X, return_std=True), expected)
        assert loaded.get_params() == regressor.get_params()


def test_a_pickle_goes_on_learning_as_the_original():
    regressor = quick().partial_fit(X, Y)
    copy = pickle.loads(pickle.dumps(regressor))
    assert_same_network(copy.partial_fit(X, Y), regressor.partial_fit(X, Y))


# In scikit-learn's hands


def test_parameters_are_got_set_and_cloned():
    regressor = quick(loss="quantile", quantiles=(0.2, 0.8))
    parameters = regressor.get_params()
    assert regressor.fit(X, Y) is regressor
    assert regressor.get_params() == parameters
    twin = clone(regressor)
    assert twin.get_params() == parameters
    with pytest.raises(NotFittedError):
        twin.predict(X)
    assert twin.set_params(cell="gru", hidden_size=3).fit(X, Y).network_.n_hidden == 3
    assert "cell='gru'" in repr(twin)


def test_predicting_changes_nothing():
    regressor = quick(loss="gaussian").fit(X, Y)
    before = {name: pickle.dumps(value) for name, value in vars(regressor).items()}
    regressor.predict(X, return_std=True)
    regressor.predict_quantiles(X)
    assert {name: pickle.dumps(value) for name, value in vars(regressor).items()} == before


def test_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), quick())
    score = pipeline.fit(X, Y).score(X, Y)
    expected = quick().fit(StandardScaler().fit_transform(X), Y)
    assert score == expected.score(StandardScaler().fit_transform(X), Y)
    pipeline.set_params(rnnregressor__hidden_size=3).fit(X, Y)
    assert pipeline[-1].network_.n_hidden == 3


def test_behind_a_column_transformer():
    """Two channels from columns of a frame that hold other things too."""
    cube, y = make_adding_problem(300, 5, random_state=0)
    names = [f"{kind} {k}" for k in range(5) for kind in ("value", "mark")]
    frame = pd.DataFrame(cube.reshape(300, 10), columns=names).assign(name="abc")
    columns = ColumnTransformer([("steps", "passthrough", names)])
    pipeline = make_pipeline(columns, quick(n_channels=2)).fit(frame, y)
    expected = quick(n_channels=2).fit(cube, y)
    np.testing.assert_array_equal(pipeline.predict(frame), expected.predict(cube))


def test_a_grid_search_finds_the_better_cell_size():
    splits = TimeSeriesSplit(3)
    grid = {"hidden_size": [1, 16], "cell": ["gru"]}
    search = GridSearchCV(learns(), grid, cv=splits).fit(NOISE, SUM)
    assert search.best_params_["hidden_size"] == 16
    # A search's network is the one that would have been fitted alone.
    assert_same_network(search.best_estimator_, learns(hidden_size=16).fit(NOISE, SUM))
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"][1],
        cross_val_score(learns(hidden_size=16), NOISE, SUM, cv=splits).mean(),
    )


@pytest.mark.parametrize("resource", ["n_samples", "max_iter"])
def test_a_halving_search_gives_more_to_the_better(resource):
    search = HalvingGridSearchCV(
        learns(),
        {"learning_rate_init": [1e-9, 1e-6, 1e-2]},
        cv=2,
        factor=3,
        resource=resource,
        max_resources=NOISE.shape[0] if resource == "n_samples" else 18,
        min_resources="exhaust",
        random_state=0,
    ).fit(NOISE, SUM)
    assert search.n_iterations_ == 2
    assert search.best_params_["learning_rate_init"] == 1e-2


def test_a_target_may_be_transformed():
    rows, y = windows(load_airline(), 12)
    regressor = TransformedTargetRegressor(quick(), func=np.log, inverse_func=np.exp).fit(rows, y)
    expected = np.exp(quick().fit(rows, np.log(y)).predict(rows))
    np.testing.assert_allclose(regressor.predict(rows), expected)


def test_permutation_importance_finds_the_steps_that_matter():
    regressor = learns(max_iter=40).fit(NOISE, SUM)
    importance = permutation_importance(regressor, NOISE, SUM, n_repeats=2, random_state=0)
    assert set(np.argsort(importance.importances_mean)[-3:]) == {11, 8, 6}


def test_in_ensembles():
    pair = [("one", quick()), ("other", quick(cell="gru"))]
    voting = VotingRegressor(pair).fit(X, Y)
    alone = [each.fit(X, Y).predict(X) for _, each in pair]
    np.testing.assert_allclose(voting.predict(X), np.mean(alone, axis=0))
    stacking = StackingRegressor(
        [("network", learns()), ("linear", LinearRegression())], LinearRegression(), cv=3
    ).fit(X, Y)
    assert stacking.score(X, Y) > 0.8
    bagging = BaggingRegressor(learns(), n_estimators=3, random_state=0).fit(X, Y)
    assert len({each.loss_curve_[0] for each in bagging.estimators_}) == 3
    assert bagging.score(X, Y) > 0.6


def test_bagging_weighs_rows_as_it_copies_them():
    """scikit-learn gives samples by weights to who takes them: here that is the same."""
    bagging = BaggingRegressor(quick(), n_estimators=1, random_state=0).fit(X, Y)
    (rows,) = bagging.estimators_samples_
    assert_same_network(bagging.estimators_[0], clone(bagging.estimators_[0]).fit(X[rows], Y[rows]))


def test_a_parallel_search_does_not_fight_over_cores():
    """A worker process of two has half of the cores, and its network no more threads."""

    def n_threads(estimator, X, y):  # not of this module, which a worker could not import
        from tsrnn.kernels.jit.threads import available_threads, claim_threads

        with claim_threads(None) as workers:
            return 100 * available_threads() + workers

    search = GridSearchCV(
        quick(max_iter=1), {"alpha": [0.0, 0.1]}, scoring=n_threads, cv=2, n_jobs=2, refit=False
    )
    with joblib.parallel_config("loky"):
        search.fit(X, Y)
    n = max(1, joblib.cpu_count() // 2)
    for split in range(2):
        assert search.cv_results_[f"split{split}_test_score"].tolist() == [101 * n] * 2


def test_of_concurrent_fits_one_has_all_cores_and_the_others_one_each(monkeypatch):
    monkeypatch.setattr(threads, "LONG", 0)
    train, claimed, seen = RNNRegressor._train, [], []
    barrier = threading.Barrier(3)

    def spy(self, *args, on_progress, **kwargs):
        waiting = iter([True])

        def report(progress, history):
            if next(waiting, False):
                barrier.wait(timeout=60)
                seen.append(sorted(claimed))
                barrier.wait(timeout=60)
            on_progress(progress, history)

        return train(self, *args, on_progress=report, **kwargs)

    monkeypatch.setattr(
        targets, "claim_threads", lambda *args: Claim(claim_threads(*args), claimed)
    )
    monkeypatch.setattr(RNNRegressor, "_train", spy)
    regressors = [learns(max_iter=3, n_jobs=n_jobs) for n_jobs in (None, -1, available_threads())]
    result = joblib.Parallel(n_jobs=3, backend="threading")(
        joblib.delayed(regressor.fit)(X, Y) for regressor in regressors
    )
    assert seen == [[1, 1, available_threads()]] * 3
    for regressor in result[1:]:
        assert_same_network(regressor, result[0])


class Claim:
    """A claim of threads that is listed while it is held."""

    def __init__(self, claim, claimed):
        self.claim, self.claimed = claim, claimed

    def __enter__(self):
        self.workers = self.claim.__enter__()
        self.claimed.append(self.workers)
        return self.workers

    def __exit__(self, *args):
        self.claimed.remove(self.workers)
        return self.claim.__exit__(*args)


# Targets


def test_many_targets_are_learned_at_once():
    targets = np.c_[SUM, -100 * NOISE[:, -2], np.full(500, 3.0)]
    regressor = learns(hidden_size=16, max_iter=40).fit(NOISE, targets)
    result = regressor.predict(NOISE)
    assert (regressor.n_outputs_, result.shape) == (3, (500, 3))
    errors = ((result - targets) ** 2).mean(axis=0)[:2]
    assert (errors < 0.3 * targets.var(axis=0)[:2]).all()
    np.testing.assert_allclose(result[:, 2], 3, rtol=1e-6)
    np.testing.assert_allclose(regressor.y_mean_, targets.mean(axis=0))
    np.testing.assert_allclose(regressor.y_scale_, [*targets.std(axis=0)[:2], 1.0])


def test_targets_come_back_in_their_shape():
    for y, shape in ((SUM, (500,)), (SUM[:, None], (500, 1)), (SUM.tolist(), (500,))):
        assert quick().fit(NOISE, y).predict(NOISE).shape == shape
    frame = pd.DataFrame({"a": SUM, "b": SUM.astype("float32")})
    assert quick().fit(NOISE, frame).predict(NOISE).shape == (500, 2)
    flat, column = (quick().fit(NOISE, y) for y in (SUM, SUM[:, None]))
    assert_same_network(flat, column)


@pytest.mark.parametrize("loss", ["gaussian", "student_t", "quantile"])
def test_losses_of_many_outputs_take_many_targets(loss):
    targets = np.c_[SUM, 50 + 10 * np.random.default_rng(1).normal(size=500)]
    regressor = learns(loss=loss).fit(NOISE, targets)
    result = regressor.predict_quantiles(NOISE)
    assert result.shape == (500, 2, 3)
    assert (np.diff(result, axis=2) >= 0).all()
    below = (targets[:, :, None] < result).mean(axis=0)
    np.testing.assert_allclose(below, [[0.1, 0.5, 0.9]] * 2, atol=0.1)
    centre = result[:, :, 1]
    np.testing.assert_allclose(regressor.predict(NOISE), centre)
    if loss != "quantile":
        mean, spread = regressor.predict(NOISE, return_std=True)
        assert mean.shape == spread.shape == (500, 2)
        np.testing.assert_allclose(np.median(spread, axis=0), [SUM.std() / 2, 10], rtol=0.4)


# Losses


def heteroscedastic(n=6000, freedom=None, seed=0):
    """A mean in the last step and a spread in the first one: X, y, mean and scale."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 6))
    mean, scale = 2 * X[:, -1], np.exp(X[:, 0])
    noise = rng.normal(size=n) if freedom is None else rng.standard_t(freedom, size=n)
    return X, mean + scale * noise, mean, scale


NOISES = {"gaussian": None, "student_t": 5, "quantile": None}
LEARNT, KEPT = slice(4000), slice(4000, None)


@pytest.mark.parametrize("loss", ["gaussian", "student_t"])
def test_the_standard_deviation_is_that_of_the_data(loss):
    X, y, mean, scale = heteroscedastic(freedom=NOISES[loss])
    regressor = learns(loss=loss).fit(X[LEARNT], y[LEARNT])
    result, spread = regressor.predict(X[KEPT], return_std=True)
    true = scale[KEPT] * (1 if NOISES[loss] is None else np.sqrt(5 / 3))
    np.testing.assert_array_equal(regressor.predict(X[KEPT]), result)
    assert np.abs(result - mean[KEPT]).mean() < 0.15
    assert np.corrcoef(spread, true)[0, 1] > 0.95
    assert np.median(spread / true) == pytest.approx(1, abs=0.07)
    assert np.std((y[KEPT] - result) / spread) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("loss", NOISES)
def test_quantiles_are_those_of_the_data_and_never_cross(loss):
    X, y, mean, scale = heteroscedastic(freedom=NOISES[loss])
    levels = (0.05, 0.25, 0.5, 0.9)
    regressor = learns(loss=loss, quantiles=levels).fit(X[LEARNT], y[LEARNT])
    result = regressor.predict_quantiles(X[KEPT])
    assert result.shape == (2000, 4)
    assert (np.diff(result, axis=1) >= 0).all()
    np.testing.assert_allclose((y[KEPT, None] < result).mean(axis=0), levels, atol=0.035)
    law = stats.norm if NOISES[loss] is None else stats.t(NOISES[loss])
    true = mean[KEPT, None] + scale[KEPT, None] * law.ppf(levels)
    assert (np.abs(result - true).mean(axis=0) < 0.25).all()
    # Those of a subset are the same ones, in the order asked for.
    np.testing.assert_array_equal(
        regressor.predict_quantiles(X[KEPT], [0.9, 0.05]), result[:, [3, 0]]
    )
    np.testing.assert_array_equal(regressor.predict_quantiles(X[KEPT], 0.5), result[:, 2:3])
    np.testing.assert_allclose(regressor.predict(X[KEPT]), result[:, 2], rtol=1e-12)


def test_quantiles_of_a_likelihood_are_its_own():
    for loss in ("gaussian", "student_t"):
        regressor = learns(loss=loss).fit(X, Y)
        mean, spread = regressor.predict(X, return_std=True)
        levels = [0.001, 0.3, 0.5, 0.999]
        result = regressor.predict_quantiles(X, levels)
        np.testing.assert_allclose(result[:, 0] + result[:, 3], 2 * mean, rtol=1e-9)
        if loss == "gaussian":
            law = stats.norm(mean[:, None], spread[:, None])
            np.testing.assert_allclose(result, law.ppf(levels), rtol=1e-9)
        else:  # fatter far out than a normal distribution of the same deviation
            assert (result[:, 3] > stats.norm(mean, spread).ppf(0.999)).mean() > 0.9
    np.testing.assert_array_equal(
        regressor.predict_quantiles(X), regressor.predict_quantiles(X, [0.1, 0.5, 0.9])
    )


def test_quantiles_do_not_cross_where_the_outputs_do():
    levels = (0.5, 0.45, 0.4, 0.55)
    regressor = quick(loss="quantile", quantiles=levels, learning_rate_init=0.1).fit(X, Y)
    sequences = read_sequences(regressor, X, 1, reset=False)
    raw = regressor.network_.predict(regressor.fitted_.source(sequences), np.arange(len(X)))
    assert (np.diff(raw[:, [2, 1, 0, 3]], axis=1) < 0).any()
    result = regressor.predict_quantiles(X)
    assert (np.diff(result[:, [2, 1, 0, 3]], axis=1) >= 0).all()


def test_predict_gives_the_quantile_nearest_to_the_median():
    regressor = learns(loss="quantile", quantiles=(0.05, 0.6, 0.95)).fit(X, Y)
    result = regressor.predict_quantiles(X, [0.6])[:, 0]
    assert (result > Y).mean() == pytest.approx(0.6, abs=0.1)
    assert np.median(np.abs(regressor.predict(X) - result)) == 0


def test_quantiles_that_are_not_known_are_refused():
    regressor = quick(loss="quantile", quantiles=(0.1, 0.9)).fit(X, Y)
    with pytest.raises(ValueError, match=r"quantiles \[0.5\] were not fitted, only \[0.1, 0.9\]"):
        regressor.predict_quantiles(X, [0.1, 0.5])
    regressor.predict_quantiles(X, [0.3 - 0.2])  # 0.1, but for rounding
    with pytest.raises(ValueError, match="return_std=True needs a loss that learns the spread"):
        regressor.predict(X, return_std=True)
    for loss in ("squared_error", "absolute_error", "huber"):
        regressor = quick(loss=loss, max_iter=1).fit(X, Y)
        with pytest.raises(
            ValueError, match=f"predict_quantiles needs .*'student_t'.*, not '{loss}"
        ):
            regressor.predict_quantiles(X)
        with pytest.raises(ValueError, match="return_std=True needs"):
            regressor.predict(X, return_std=True)
    regressor = quick(loss="gaussian", max_iter=1).fit(X, Y)
    for bad in (0, 1, [0.5, 1.2], [np.nan]):
        with pytest.raises(ValueError, match=r"quantiles must be .* between 0 and 1"):
            regressor.predict_quantiles(X, bad)


@pytest.mark.parametrize("quantiles", [(), (0.0, 0.5), (0.5, 1.0), [[0.5]]])
def test_bad_quantiles(quantiles):
    with pytest.raises(ValueError, match=r"'quantiles' parameter .* between 0 and 1"):
        quick(loss="quantile", quantiles=quantiles).fit(X, Y)


def test_absolute_and_huber_losses_bear_outliers():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1500, 6))
    truth = rows[:, -1] + rows[:, -3]
    y = truth + 0.1 * rng.normal(size=1500)
    y[::20] += 50
    errors = {}
    for loss in ("squared_error", "huber", "absolute_error"):
        regressor = learns(loss=loss).fit(rows[:1000], y[:1000])
        errors[loss] = mean_squared_error(truth[1000:], regressor.predict(rows[1000:]))
    assert errors["absolute_error"] < 0.05
    assert errors["huber"] < 0.3 * errors["squared_error"]


# Going on


def test_calls_of_partial_fit_are_epochs_of_a_constant_rate():
    """To the last bit: weights, Adam's memory and the order of rows go on."""
    regressor = quick()
    for call in range(1, 6):
        assert regressor.partial_fit(X, Y) is regressor
        assert regressor.n_iter_ == regressor.best_iter_ == call
    with pytest.warns(ConvergenceWarning):
        expected = quick(learning_rate="constant", max_iter=5).fit(X, Y)
    assert_same_network(regressor, expected)
    assert regressor.loss_curve_ == sorted(regressor.loss_curve_, reverse=True)


def test_partial_fit_goes_on_with_the_memory_of_the_optimiser():
    warm, cold = (quick().partial_fit(X, Y) for _ in range(2))
    cold._partial_fit_state = None
    assert warm._partial_fit_state.moments.steps == -(-len(X) // 32)
    for regressor in (warm, cold):
        regressor.partial_fit(X, Y)
    assert (warm.network_.parameters != cold.network_.parameters).any()
    assert warm._partial_fit_state.moments.steps == 2 * -(-len(X) // 32)


def test_partial_fit_learns_from_a_stream_of_batches():
    regressor = learns()
    for _ in range(20):
        for first in range(0, 400, 50):
            regressor.partial_fit(NOISE[first : first + 50], SUM[first : first + 50])
    assert regressor.n_iter_ == len(regressor.loss_curve_) == 160
    assert regressor.score(NOISE[400:], SUM[400:]) > 0.5


def test_partial_fit_keeps_the_scales_of_the_first_call():
    regressor = quick().partial_fit(X, Y)
    before = [regressor.X_mean_, regressor.X_scale_, regressor.y_mean_, regressor.y_scale_]
    regressor.partial_fit(X * 9 + 100, Y * 9 + 100)
    after = [regressor.X_mean_, regressor.X_scale_, regressor.y_mean_, regressor.y_scale_]
    np.testing.assert_array_equal(np.ravel(before), np.ravel(after))
    assert regressor.y_mean_ == pytest.approx(Y.mean())


def test_partial_fit_after_fit_goes_on_from_its_weights():
    regressor = learns().fit(X, Y)
    before = regressor.loss_curve_.copy()
    regressor.partial_fit(X, Y)
    assert regressor.loss_curve_[:-1] == before
    assert regressor.loss_curve_[-1] < 0.5 * before[0]
    assert regressor.n_iter_ == regressor.best_iter_ == 21


def test_fit_starts_anew():
    regressor = quick().fit(NOISE, SUM).partial_fit(NOISE, SUM)
    fresh = quick().fit(X, Y)
    assert_same_network(regressor.fit(X, Y), fresh)
    assert_same_network(regressor.partial_fit(X, Y), fresh.partial_fit(X, Y))


def test_a_warm_start_goes_on_from_weights_and_scales():
    regressor = learns(warm_start=True).fit(X, Y)
    assert_same_network(regressor, learns().fit(X, Y))
    mean, first, weights = regressor.y_mean_, regressor.loss_curve_, regressor.network_.parameters
    weights = weights.copy()
    regressor.fit(X[:200] + 1, Y[:200] + 1)
    np.testing.assert_array_equal(regressor.y_mean_, mean)
    assert (regressor.network_.parameters != weights).any()
    assert regressor.loss_curve_[0] < 0.5 * first[0]
    assert len(regressor.loss_curve_) == 20


CHANGES = {
    "cell": "gru",
    "hidden_size": 9,
    "n_layers": 2,
    "bidirectional": True,
    "residual": True,
    "head_size": 3,
    "n_channels": 2,
    "segment": 2,
    "dtype": "float64",
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_fit_does_not_continue_with_another_network(name):
    regressor = quick(warm_start=True, max_iter=1).fit(X, Y)
    expected = regressor.predict(X)
    regressor.set_params(**{name: CHANGES[name]})
    for go_on in (regressor.fit, regressor.partial_fit):
        with pytest.raises(ValueError, match=f"{name} was .* in the fit .* Set it back, or fit"):
            go_on(X, Y)
    np.testing.assert_array_equal(regressor.predict(X), expected)
    regressor.set_params(warm_start=False).fit(X, Y)


@pytest.mark.parametrize("change", [{"loss": "gaussian"}, {"loss": "quantile"}])
def test_a_fit_does_not_continue_with_a_loss_of_other_outputs(change):
    regressor = quick(warm_start=True, max_iter=1).fit(X, Y)
    with pytest.raises(ValueError, match=r"reads . outputs, and the network that was fitted has 1"):
        regressor.set_params(**change).fit(X, Y)
    regressor.set_params(loss="absolute_error").fit(X, Y)  # reads what is there
    with pytest.raises(ValueError, match="y has 2 outputs, and 1 were fitted before"):
        regressor.fit(X, np.c_[Y, Y])


def test_a_fit_that_fails_leaves_what_was_fitted_before():
    regressor = learns().fit(X, Y)
    expected, attributes = regressor.predict(X), set(vars(regressor))
    failures = {
        "NaN": lambda: regressor.fit(X, Y * np.nan),
        "inconsistent": lambda: regressor.fit(X[:, :5], Y[1:]),
        "diverged": lambda: regressor.set_params(learning_rate_init=1e300).fit(X * 5, Y * 7),
        "diverged in epoch 1": lambda: regressor.partial_fit(X * 5, Y * 7),
    }
    for message, fail in failures.items():
        with pytest.raises(ValueError, match=message):
            fail()
        np.testing.assert_array_equal(regressor.predict(X), expected)
        assert set(vars(regressor)) == attributes
    fresh = quick(learning_rate_init=1e300)
    with pytest.raises(ValueError, match="Lower learning_rate_init"):
        fresh.fit(X, Y)
    with pytest.raises(NotFittedError):
        fresh.predict(X)


# Held-out rows, and the end of training


def test_early_stopping_holds_the_last_rows_out_and_nothing_else():
    """Whatever they say, what is learnt is the same; and they alone are judged by."""
    options = {"early_stopping": True, "validation_fraction": 0.1}
    n = len(Y)
    n_held_out = -(-n // 10)
    regressor = quick(**options).fit(X, Y)
    rows, y = X.copy(), Y.copy()
    rows[-n_held_out:], y[-n_held_out:] = 1e4 * X[-n_held_out:, ::-1], -1e4
    other = quick(**options).fit(rows, y)
    assert other.loss_curve_ == regressor.loss_curve_
    assert other.validation_scores_ != regressor.validation_scores_
    np.testing.assert_array_equal(other.X_mean_, regressor.X_mean_)
    np.testing.assert_array_equal(other.y_scale_, regressor.y_scale_)
    y = Y.copy()
    y[-n_held_out - 1] += 100  # the last row of those that are learnt
    third = quick(**options).fit(X, y)
    assert third.loss_curve_ != regressor.loss_curve_
    alone = quick().fit(X[:-n_held_out], Y[:-n_held_out])
    assert alone.loss_curve_ == regressor.loss_curve_


def test_the_weights_of_the_best_epoch_are_kept():
    options = {"early_stopping": True, "learning_rate_init": 0.05, "validation_fraction": 0.3}
    regressor = learns(n_iter_no_change=5, max_iter=60, **options).fit(X, Y)
    scores = regressor.validation_scores_
    assert len(scores) == len(regressor.loss_curve_) == regressor.n_iter_ < 60
    assert regressor.best_iter_ == int(np.argmax(scores)) + 1
    assert regressor.n_iter_ == regressor.best_iter_ + 5
    held_out = slice(-int(np.ceil(0.3 * len(Y))), None)
    errors = (regressor.predict(X[held_out]) - Y[held_out]) / regressor.y_scale_
    assert -max(scores) == pytest.approx((errors**2).mean(), rel=1e-5)


def test_weights_of_rows_that_are_held_out_count_in_judging():
    weights = np.ones(len(Y))
    weights[-1] = 50
    options = {"early_stopping": True}
    one, other = quick(**options).fit(X, Y), quick(**options).fit(X, Y, sample_weight=weights)
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ != other.validation_scores_


def test_without_training_or_validation_weight_fit_is_refused():
    weights = np.ones(len(Y))
    weights[-60:] = 0
    with pytest.raises(ValueError, match="All training rows, or all validation rows"):
        quick(early_stopping=True).fit(X, Y, sample_weight=weights)
    with pytest.raises(ValueError, match="there are only 1"):
        quick(early_stopping=True).fit(X[:1], Y[:1])
    with pytest.raises(ValueError, match=r"zero for all rows|at least one non-zero"):
        quick().fit(X, Y, sample_weight=np.zeros(len(Y)))


def test_without_validation_rows_the_last_weights_are_kept():
    regressor = quick(max_iter=7).fit(X, Y)
    assert (regressor.n_iter_, regressor.best_iter_, len(regressor.loss_curve_)) == (7, 7, 7)
    assert regressor.validation_scores_ is None


@pytest.mark.parametrize(
    ("n", "batch_size", "expected"), [(500, 32, 125), (500, 500, 200), (200, 1, 10), (500, 4, 16)]
)
def test_auto_makes_about_two_thousand_minibatches(n, batch_size, expected):
    options = {"max_iter": "auto", "hidden_size": 1, "segment": 12}
    regressor = quick(**options, batch_size=batch_size).fit(NOISE[:n], SUM[:n])
    assert regressor.n_iter_ == expected


@pytest.mark.parametrize("schedule", ["constant", "adaptive"])
def test_an_open_end_warns_where_the_loss_still_fell(schedule):
    options = {"learning_rate": schedule, "max_iter": 6}
    with pytest.warns(ConvergenceWarning, match=r"max_iter=6 epochs.*'one_cycle'"):
        quick(**options, n_iter_no_change=6).fit(X, Y)
    # Nothing improves by so much: over after the first epoch that does not.
    done = quick(**options, n_iter_no_change=2, tol=100.0).fit(X, Y)
    assert done.n_iter_ == 3
    one = quick(**options, n_iter_no_change=2, tol=100.0, early_stopping=True).fit(X, Y)
    assert one.n_iter_ == 2  # the initial weights were judged before


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
def test_a_schedule_with_an_end_runs_to_it(schedule):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regressor = quick(learning_rate=schedule, tol=100.0, n_iter_no_change=1).fit(X, Y)
    assert regressor.n_iter_ == 5


def test_an_interrupt_keeps_the_best_weights(monkeypatch):
    train = RNNRegressor._train

    def interrupted(self, *args, **kwargs):
        history = train(self, *args, **kwargs)
        history.interrupted = True
        return history

    monkeypatch.setattr(RNNRegressor, "_train", interrupted)
    with pytest.warns(UserWarning, match="interrupted; the weights of epoch 5 are kept"):
        regressor = quick(learning_rate="constant").fit(X, Y)
    assert np.isfinite(regressor.predict(X)).all()


def test_verbose_shows_progress(capsys):
    quick().fit(X, Y)
    assert capsys.readouterr() == ("", "")
    quick(verbose=1, early_stopping=True).fit(X, Y)
    out, err = capsys.readouterr()
    assert out == ""
    assert "RNNRegressor" in err
    assert "validation" in err


BAD = {
    "cell": "gru2",
    "hidden_size": 0,
    "n_layers": 0,
    "bidirectional": "yes",
    "head_size": -1,
    "n_heads": 0,
    "embedding_size": 0,
    "n_tokens": 0,
    "pooling": "sum",
    "n_channels": 0,
    "id_column": [],
    "time_column": "",
    "segment": 0,
    "memory": 1,
    "standardize": 2,
    "dropout": 1.0,
    "recurrent_dropout": -0.1,
    "loss": "mse",
    "quantiles": 0.5,
    "solver": "lbfgs",
    "learning_rate": "fast",
    "learning_rate_init": 0.0,
    "alpha": -1.0,
    "averaging": 1.0,
    "max_iter": 0,
    "max_seconds": 0.0,
    "batch_size": 0,
    "max_grad_norm": 0.0,
    "tol": -1.0,
    "early_stopping": None,
    "validation_fraction": 1.0,
    "n_iter_no_change": 0,
    "warm_start": "no",
    "dtype": "float16",
    "device": "gpu",
    "n_jobs": 0,
    "random_state": "a",
    "verbose": -1,
}


@pytest.mark.parametrize("name", BAD)
def test_bad_parameters(name):
    assert BAD.keys() | {"residual"} == RNNRegressor().get_params().keys()
    with pytest.raises(ValueError, match=f"The '{name}' parameter of RNNRegressor must be"):
        RNNRegressor(**{name: BAD[name]}).fit(X, Y)
    with pytest.raises(ValueError, match=f"The '{name}' parameter of RNNRegressor must be"):
        RNNRegressor(**{name: BAD[name]}).partial_fit(X, Y)


BAD_TARGETS = {
    "NaN": (np.where(Y > 100, np.nan, Y), "Input y contains NaN"),
    "infinite": (np.where(Y > 100, np.inf, Y), "Input y contains infinity"),
    "words": (["a"] * len(Y), "could not convert"),
    "none": (None, "requires y to be passed, but the target y is None"),
    "short": (Y[1:], f"inconsistent numbers of samples: X has {len(X)} and y has {len(X) - 1}"),
    "3-D": (Y[:, None, None], "dim 3"),
}


@pytest.mark.parametrize("name", BAD_TARGETS)
def test_bad_targets(name):
    y, message = BAD_TARGETS[name]
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [(-np.ones(len(Y)), "Negative"), (np.full(len(Y), np.nan), "NaN"), (np.ones(3), "shape")],
)
def test_bad_weights(weights, message):
    with pytest.raises(ValueError, match=message):
        quick().fit(X, Y, sample_weight=weights)


def test_weights_pull_where_they_are_heavy():
    y = np.where(np.arange(500) % 2, 1.0, -1.0)
    rows = np.random.default_rng(0).normal(size=(500, 3))
    for weights, most in ((np.where(y > 0, 9.0, 1.0), 0.8), (np.where(y > 0, 1.0, 9.0), -0.8)):
        regressor = quick().fit(rows, y, sample_weight=weights)
        assert regressor.predict(rows).mean() == pytest.approx(most, abs=0.1)


def test_not_fitted():
    for method in ("predict", "predict_quantiles"):
        with pytest.raises(NotFittedError):
            getattr(RNNRegressor(), method)(X)


def test_parameters_that_change_after_a_fit_change_no_prediction():
    regressor = learns(loss="gaussian", max_iter=3).fit(X, Y)
    before = regressor.predict(X), regressor.predict_quantiles(X, [0.2])
    regressor.set_params(loss="quantile", quantiles=(0.3, 0.7))
    np.testing.assert_array_equal(regressor.predict(X), before[0])
    np.testing.assert_array_equal(regressor.predict_quantiles(X, [0.2]), before[1])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("bidirectional", True, "bidirectional=True is for recurrent cells.*leave it at False"),
        ("residual", True, "residual=True is for recurrent cells"),
        ("recurrent_dropout", 0.1, "recurrent_dropout=0.1 is for recurrent cells"),
        ("memory", 10, "memory=10 is for recurrent cells.*leave it at None"),
        ("device", "cuda", "device='cuda' is for recurrent cells.*leave it at 'cpu'"),
        ("n_heads", 5, "hidden_size=32 is no multiple of n_heads=5"),
    ],
)
def test_parameters_that_attention_refuses(name, value, words):
    regressor = RNNRegressor(cell="attention", **{name: value})
    with pytest.raises(ValueError, match=words):
        regressor.fit(np.zeros((8, 4)), np.arange(8))
    assert not hasattr(regressor, "network_")

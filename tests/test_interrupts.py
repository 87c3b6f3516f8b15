"""Ctrl-C at every call of a kernel: what is raised or kept, and that all can be used after it."""

import signal
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import BaggingRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.multioutput import RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tsrnn import (
    RNNAnomalyDetector,
    RNNClassifier,
    RNNForecaster,
    RNNLanguageModel,
    RNNRegressor,
    RNNTagger,
    RNNTranscriber,
    RNNTranslator,
    backtest,
)
from tsrnn.anomaly.streaming import Stream
from tsrnn.anomaly.thresholds import (
    ConformalThreshold,
    DynamicThreshold,
    ReturnPeriodThreshold,
    TailThreshold,
)
from tsrnn.kernels.jit.compile import Kernel
from tsrnn.network import Memory
from tsrnn.training import epochs

RNG = np.random.default_rng(0)
N = 120
HOURS = pd.date_range("2024-01-01", periods=N, freq="h")
SERIES = pd.Series(np.sin(np.arange(N) / 3) + 0.1 * RNG.normal(size=N), HOURS, name="y")
PANEL = pd.DataFrame({"a": SERIES, "b": SERIES * 2 + 1, "c": SERIES[::-1].to_numpy()})
X = RNG.normal(size=(40, 6))
Y = X.sum(axis=1)
CODES = ["ab", "b", "", "a"] * 10


@pytest.fixture(autouse=True)
def blocks_of_one_minibatch(monkeypatch):
    """As many calls of kernels on every machine."""
    monkeypatch.setattr(epochs, "BLOCK_SECONDS", 1e-9)


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """Where tests run in the background, signals may have been ignored from the start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def interrupted(monkeypatch):
    """A function that runs a call with Ctrl-C in its k-th run of a kernel.

    Returns the call's result or the KeyboardInterrupt, its warnings, and whether it came so far.
    """
    count, at = 0, None

    def counted(run):
        def counted_run(*args):
            nonlocal count
            count += 1
            result = run(*args)
            if count == at:
                raise KeyboardInterrupt
            return result

        return counted_run

    monkeypatch.setattr(Kernel, "__call__", counted(Kernel.__call__))
    monkeypatch.setattr(Memory, "step", counted(Memory.step))

    def run(call, k):
        nonlocal count, at
        count, at = 0, k
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = call()
            except KeyboardInterrupt as interrupt:
                result = interrupt
        reached, at = count >= k, None
        texts = [str(w.message) for w in caught if "interrupted" in str(w.message)]
        return result, texts, reached

    return run


def forecaster(**options):
    sizes = {"hidden_size": 4, "lookback": 12, "batch_size": 32, "max_iter": 2}
    return RNNForecaster(horizon=3, season=1, n_jobs=1, **sizes | options)


def regressor(**options):
    return RNNRegressor(hidden_size=4, max_iter=3, n_jobs=1, **options)


def detector(**options):
    sizes = {"hidden_size": 4, "horizon": 2, "lookback": 12, "stretch": 5, "max_iter": 2}
    return RNNAnomalyDetector(season=1, n_jobs=1, random_state=0, **sizes | options)


FORECASTERS = {
    "one series": (forecaster(), SERIES),
    "no refit": (forecaster(refit=False), SERIES),
    "no validation": (forecaster(early_stopping=False), SERIES),
    "ensemble": (forecaster(n_estimators=3), SERIES),
    "global": (forecaster(), PANEL),
    "local": (forecaster(scope="local"), PANEL),
    "fine_tuned": (forecaster(scope="fine_tuned"), PANEL),
    "quantile": (forecaster(loss="quantile"), SERIES),
}


def assert_fit_keeps_the_weights(model, arrays, interrupted, check):
    """Ctrl-C in training keeps the best weights with a warning; else it is a KeyboardInterrupt."""
    expected, n_kept, k, reached = clone(model).fit(*arrays), 0, 1, True
    while reached:
        fitted = clone(model)
        result, texts, reached = interrupted(lambda fitted=fitted: fitted.fit(*arrays), k)
        if isinstance(result, KeyboardInterrupt):
            assert texts == []
            assert not hasattr(fitted, "network_")
            assert not hasattr(fitted, "fitted_")
        else:
            assert result is fitted
            assert len(texts) == reached
            n_kept += reached
            assert np.isfinite(check(fitted)).all()
        if k % 5 == 1:
            np.testing.assert_array_equal(check(fitted.fit(*arrays)), check(expected))
        k += 1
    assert n_kept >= 5


@pytest.mark.parametrize("name", FORECASTERS)
def test_fit_of_a_forecaster(name, interrupted):
    def check(fitted):
        if fitted.early_stopping:
            widths = np.diff(np.asarray(fitted.predict_interval()), axis=1)
            assert (widths[:, ::2] > 0).all()
        return np.asarray(fitted.predict())

    model, y = FORECASTERS[name]
    assert_fit_keeps_the_weights(model, [y], interrupted, check)


def test_after_an_interrupt_of_all_series_none_is_fine_tuned(interrupted, monkeypatch):
    """The networks of the series are then the one of all."""
    fitted = clone(FORECASTERS["fine_tuned"][0])
    first = next(k for k in range(1, 99) if interrupted(lambda: fitted.fit(PANEL), k)[1])
    interrupted(lambda: fitted.fit(PANEL), first + 2)
    weights = fitted.fitted_.weights
    assert weights.shape[0] == 4
    np.testing.assert_array_equal(weights, np.broadcast_to(weights[3:], weights.shape))


ROWS = {
    "regressor": (regressor(), Y),
    "early stopping": (regressor(early_stopping=True), Y),
    "constant": (regressor(learning_rate="constant"), Y),
    "classifier": (RNNClassifier(hidden_size=4, max_iter=3, n_jobs=1), Y > 0),
    "tagger": (RNNTagger(hidden_size=4, max_iter=3, n_steps=8, batch_size=2, n_jobs=1), Y > 0),
    "transcriber": (RNNTranscriber(hidden_size=4, max_iter=3, n_jobs=1), CODES),
    "pipeline": (make_pipeline(StandardScaler(), regressor()), Y),
}


def test_fit_of_a_translator(interrupted):
    texts = ["ab", "b", "aba", "a"] * 5
    sizes = {"hidden_size": 4, "embedding_size": 3, "max_iter": 3, "batch_size": 8, "n_jobs": 1}
    translator = RNNTranslator("character", "character", early_stopping=True, **sizes)

    def check(fitted):
        return fitted.log_likelihood(texts[:4], texts[:4])

    assert_fit_keeps_the_weights(translator, [texts, texts], interrupted, check)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ROWS)
def test_fit_of_rows(name, interrupted):
    model, y = ROWS[name]

    def check(fitted):
        if name == "transcriber":
            return np.concatenate(fitted.predict_proba(X))
        return fitted.predict(X)

    assert_fit_keeps_the_weights(model, [X, y], interrupted, check)


TEXT = "so it is, it is so. " * 20
MUSIC = [RNG.random((20, 3)) < 0.5 for _ in range(6)]
LANGUAGE_MODELS = {
    "text": ({"n_steps": 20}, TEXT),
    "early stopping": ({"n_steps": 20, "early_stopping": True}, TEXT),
    "attention": ({"n_steps": 20, "cell": "attention", "batch_size": 4}, TEXT),
    "frames": ({"unit": None, "batch_size": 2}, MUSIC),
}


def language_model(name):
    options, sequences = LANGUAGE_MODELS[name]
    sizes = {"hidden_size": 4, "embedding_size": 2, "max_iter": 3, "n_jobs": 1}
    return RNNLanguageModel(**(sizes | options)), sequences


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_fit_of_a_language_model(name, interrupted):
    model, sequences = language_model(name)
    assert_fit_keeps_the_weights(
        model, [sequences], interrupted, lambda fitted: fitted.log_likelihood(sequences)
    )


def assert_all_raise(interrupted, call, is_as_before, least=3):
    """Every interrupt of a call is a KeyboardInterrupt that leaves all as it was."""
    k = 1
    while True:
        result, texts, reached = interrupted(call, k)
        if not reached:
            break
        assert isinstance(result, KeyboardInterrupt), k
        assert texts == []
        assert is_as_before(), k
        k += 1
    assert k > least
    return result


@pytest.mark.parametrize("name", ["one series", "ensemble", "local", "fine_tuned"])
def test_partial_fit_of_a_forecaster(name, interrupted):
    model, y = FORECASTERS[name]
    fitted = clone(model).fit(y[:-8])
    expected = clone(model).fit(y[:-8]).partial_fit(y[-8:]).predict()
    state, before = fitted.fitted_, np.asarray(fitted.predict())

    def is_as_before():
        same = np.array_equal(np.asarray(fitted.predict()), before)
        return same and fitted.fitted_ is state

    assert_all_raise(interrupted, lambda: fitted.partial_fit(y[-8:]), is_as_before, 1)
    np.testing.assert_array_equal(fitted.predict(), expected)


@pytest.mark.parametrize("name", ["regressor", "classifier", "tagger", "transcriber"])
def test_partial_fit_of_rows(name, interrupted):
    model, y = ROWS[name]
    classes = {} if name == "regressor" else {"classes": [False, True]}
    if name == "transcriber":
        classes = {"classes": ["a", "b"]}
    fitted, whole = (clone(model).partial_fit(X, y, **classes) for _ in range(2))
    expected = whole.partial_fit(X, y).partial_fit(X[:20], y[:20]).predict(X)
    network, before = fitted.network_, fitted.network_.parameters.copy()

    def is_as_before():
        same = np.array_equal(fitted.network_.parameters, before)
        return same and fitted.network_ is network and fitted.n_iter_ == 1

    assert_all_raise(interrupted, lambda: fitted.partial_fit(X, y), is_as_before, 1)
    np.testing.assert_array_equal(fitted.partial_fit(X[:20], y[:20]).predict(X), expected)


@pytest.mark.parametrize("name", ["text", "frames"])
def test_partial_fit_of_a_language_model(name, interrupted):
    model, sequences = language_model(name)
    fitted, whole = (clone(model).partial_fit(sequences) for _ in range(2))
    expected = whole.partial_fit(sequences).partial_fit(sequences).score(sequences)
    network, before = fitted.network_, fitted.score(sequences)

    def is_as_before():
        return fitted.network_ is network and fitted.score(sequences) == before

    assert_all_raise(interrupted, lambda: fitted.partial_fit(sequences), is_as_before, 1)
    assert fitted.partial_fit(sequences).score(sequences) == expected


def test_the_first_partial_fit_of_rows(interrupted):
    new = regressor()
    assert isinstance(interrupted(lambda: new.partial_fit(X, Y), 1)[0], KeyboardInterrupt)
    assert not hasattr(new, "network_")


@pytest.mark.parametrize("options", [{}, {"online": True}, {"method": "reconstruction"}], ids=str)
def test_fit_of_a_detector(options, interrupted):
    fitted = detector(**options).fit(SERIES[:110])
    attributes, before = dict(vars(fitted)), fitted.score_samples(SERIES)

    def is_as_before():
        return vars(fitted) == attributes and fitted.score_samples(SERIES).equals(before)

    assert_all_raise(interrupted, lambda: fitted.fit(SERIES), is_as_before)
    expected = detector(**options).fit(SERIES).score_samples(SERIES)
    pd.testing.assert_series_equal(fitted.score_samples(SERIES), expected)


@pytest.mark.parametrize(
    "options", [{}, {"n_estimators": 2}, {"method": "reconstruction"}], ids=str
)
def test_update_of_a_detector(options, interrupted, monkeypatch):
    """Of many rows all are taken in or none."""
    monkeypatch.setattr("tsrnn.anomaly.whole_updates._FEW", 3)
    options = options | {"online": True}
    fitted, other = (detector(**options).fit(SERIES[:110]) for _ in range(2))
    expected = other.update(SERIES[110:]).to_frame()
    threshold = fitted.threshold_.threshold_

    def is_as_before():
        same = fitted.threshold_.threshold_ == threshold
        return same and fitted.cutoff_ == SERIES.index[109]

    result = assert_all_raise(interrupted, lambda: fitted.update(SERIES[110:]), is_as_before)
    pd.testing.assert_frame_equal(result.to_frame(), expected)


@pytest.mark.parametrize(
    ("threshold", "step"),
    [
        (ConformalThreshold(0.1, window=50), "_p_value"),
        (TailThreshold(0.01, depth=20), "_update_score"),
        (DynamicThreshold(window=20), "_update_score"),
        (ReturnPeriodThreshold(span=5), "_update_score"),
    ],
    ids=str,
)
@pytest.mark.parametrize("few", [3, 1000])
def test_update_of_a_threshold(threshold, step, few, monkeypatch):
    """Ctrl-C undoes the update by many scores, and waits for few."""
    monkeypatch.setattr("tsrnn.anomaly.whole_updates._FEW", few)
    scores = np.random.default_rng(0).exponential(size=240)
    fitted, other = (clone(threshold).fit(scores[:200]) for _ in range(2))
    expected = other.update(scores[200:230])
    run, count = getattr(type(threshold), step), 0

    def press_at_seventh(*args):
        nonlocal count
        count += 1
        result = run(*args)
        if count == 7:
            signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(type(threshold), step, press_at_seventh)
    with pytest.raises(KeyboardInterrupt):
        fitted.update(scores[200:230])
    if few == 3:
        np.testing.assert_array_equal(fitted.update(scores[200:230]), expected)
    assert fitted.threshold_ == other.threshold_
    np.testing.assert_array_equal(fitted.update(scores[230:]), other.update(scores[230:]))


HANDLERS = {"ignored": signal.SIG_IGN, "default": signal.SIG_DFL, "own": lambda *press: None}


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS)
def test_an_update_leaves_the_handler_of_ctrl_c(handler):
    signal.signal(signal.SIGINT, handler)
    ConformalThreshold(0.1).fit(np.arange(50.0)).update([1.0, 2.0])
    assert signal.getsignal(signal.SIGINT) == handler


@pytest.mark.parametrize("where", [Memory, Stream])
def test_an_update_of_few_rows_ends_before_ctrl_c(where, monkeypatch):
    name = "step" if where is Memory else "update"
    run = getattr(where, name)

    def press(*args):
        signal.raise_signal(signal.SIGINT)
        return run(*args)

    fitted, other = (detector(online=True).fit(SERIES[:110]) for _ in range(2))
    other.update(SERIES[110:112])
    monkeypatch.setattr(where, name, press)
    for row in (SERIES[110:111], SERIES.iloc[111]):
        with pytest.raises(KeyboardInterrupt):
            fitted.update(row)
    monkeypatch.undo()
    assert fitted.cutoff_ == SERIES.index[111]
    expected = other.update(SERIES[112:]).to_frame()
    pd.testing.assert_frame_equal(fitted.update(SERIES[112:]).to_frame(), expected)


def test_predictions(interrupted, monkeypatch):
    """In pieces, of some windows of some networks each, which change nothing."""
    fitted = forecaster(scope="local").fit(PANEL)
    state = fitted.fitted_
    calls = [
        lambda: fitted.predict(horizon=8),
        lambda: fitted.predict_interval(horizon=8),
        lambda: fitted.predict_quantiles(),
        lambda: fitted.predict_samples(n_samples=40),
    ]
    whole = [call() for call in calls]
    monkeypatch.setattr("tsrnn.kernels.cpu.trainer.MAX_UNIT_STEPS", 1)
    for call, expected in zip(calls, whole, strict=True):
        result = assert_all_raise(interrupted, call, lambda: fitted.fitted_ is state)
        pd.testing.assert_frame_equal(result, expected, check_exact=True)


def test_blocks_of_some_networks_train_as_all_at_once(monkeypatch):
    few = forecaster(scope="local", n_estimators=2).fit(PANEL).fitted_.weights
    monkeypatch.setattr(epochs, "BLOCK_SECONDS", 10.0)
    whole = forecaster(scope="local", n_estimators=2).fit(PANEL).fitted_.weights
    np.testing.assert_array_equal(few, whole)


LOOPS = {
    "backtest": lambda: backtest(forecaster(), SERIES, n_windows=2),
    "backtest of fine-tuned": lambda: backtest(
        forecaster(scope="fine_tuned", max_iter=1), PANEL, n_windows=2
    ),
    "backtest without refit": lambda: backtest(forecaster(), SERIES, n_windows=2, refit=False),
    "grid search": lambda: GridSearchCV(regressor(), {"alpha": [0, 1]}, cv=2).fit(X, Y),
    "grid search of forecasters": lambda: GridSearchCV(
        forecaster(), {"alpha": [0, 1]}, cv=TimeSeriesSplit(2, test_size=10)
    ).fit(SERIES),
    "grid search of pipelines": lambda: GridSearchCV(
        ROWS["pipeline"][0], {"rnnregressor__alpha": [0, 1]}, cv=2
    ).fit(X, Y),
    "cross-validation": lambda: cross_val_score(regressor(), X, Y, cv=2),
    "bagging": lambda: BaggingRegressor(regressor(), 2).fit(X, Y),
    "chain": lambda: RegressorChain(regressor()).fit(X, np.column_stack([Y, -Y])),
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_over_fits_end(name, interrupted):
    assert_all_raise(interrupted, LOOPS[name], lambda: True)

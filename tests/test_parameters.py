"""Every parameter of the public classes and functions, against wrong values."""

import decimal
import enum
import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest

import tsrnn
import tsrnn.anomaly
import tsrnn.anomaly.metrics
import tsrnn.anomaly.thresholds
import tsrnn.datasets
import tsrnn.forecasting.metrics
import tsrnn.inspection
import tsrnn.network
import tsrnn.plotting
import tsrnn.saving
import tsrnn.sequences.audio
import tsrnn.sequences.music
from tsrnn.parameters import (
    BOOLEAN,
    POSITIVE_INTEGER,
    RANDOM_STATE,
    SEASON,
    SHARE,
    Integer,
    Label,
    ListOf,
    Number,
    ParameterError,
    Probabilities,
    StrOptions,
    check_parameter,
    plain,
    validated,
)


class Colour(enum.Enum):
    RED = 1


class Raises:
    """An object that nothing can be done with."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError("repr")

    def __eq__(self, other):
        raise RuntimeError("==")

    __hash__ = object.__hash__


# What no parameter takes that has a meaning for it at all.
NEVER = {
    "-inf": -np.inf,
    "NaN": np.nan,
    "NaN of NumPy": np.float32("nan"),
    "NA": pd.NA,
    "NaT": pd.NaT,
    "not implemented": NotImplemented,
    "empty text": "",
    "bytes": b"lstm",
    "bytearray": bytearray(b"a"),
    "complex": 1 + 2j,
    "complex of NumPy": np.complex64(1),
    "decimal": decimal.Decimal("0.5"),
    "enum": Colour.RED,
    "object": object(),
    "raises": Raises(),
    "class": int,
    "function": len,
    "module": np,
    "ellipsis": ...,
    "generator": (k for k in [1, 2]),
    "iterator": iter([1, 2]),
    "slice": slice(3),
    "dtype": np.dtype("float32"),
    "array of no axis": np.array(5),
    "array of two axes": np.ones((2, 2)),
    "masked": np.ma.masked,
    "frame": pd.DataFrame({"a": [1.0]}),
    "duration": np.timedelta64(5, "s"),
    "duration of pandas": pd.Timedelta("1h"),
    "date of NumPy": np.datetime64("2024-01-01"),
}
# What some parameters take.
SOMETIMES = {
    "true": True,
    "true of NumPy": np.True_,
    "none": None,
    "zero": 0,
    "minus three": -3,
    "half": 0.5,
    "minus half": -0.5,
    "two and a half": np.float32(2.5),
    "inf": np.inf,
    "2**31": 2**31,
    "2**32": np.uint64(2**32),
    "2**63": 2**63,
    "10**400": 10**400,
    "1e300": 1e300,
    "text": "abc",
    "digits": "12",
    "dict": {"a": 1},
    "set": {0.5},
    "range": range(3),
    "empty list": [],
    "list of None": [None],
    "list of lists": [[0.5]],
    "list of text": ["a"],
    "tuple of truth values": (True, False),
    "array": np.array([1, -2]),
    "array of text": np.array(["a"]),
    "series": pd.Series([0.5, 2.0]),
    "time": pd.Timestamp("2024-01-01"),
}
WRONG = NEVER | SOMETIMES

# Thresholds that nothing, or everything, exceeds, and functions as metrics.
TAKES = {
    ("Backtest.metrics", "metrics"): {"function"},
    ("Backtest.worst", "metric"): {"function"},
    ("nab_points", "threshold"): {"-inf"},
    ("nab_score", "threshold"): {"-inf"},
    ("prune_events", "min_severity"): {"-inf"},
    ("search", "metric"): {"function"},
    ("tune_threshold", "metric"): {"function"},
    **{
        (f"{name}.tune_threshold", "metric"): {"function"}
        for name in tsrnn.anomaly.__all__
        if name.endswith("Detector")
    },
}


class Unread:
    """Data that nobody may look at before parameters are checked."""

    def __getattribute__(self, name):
        raise AssertionError(f"{name} was read before the parameters were checked")


ESTIMATORS = [
    tsrnn.RNNForecaster(),
    tsrnn.RNNRegressor(),
    tsrnn.RNNClassifier(),
    tsrnn.RNNTagger(),
    tsrnn.RNNTranscriber(),
    tsrnn.RNNTranslator(),
    tsrnn.RNNAnomalyDetector(),
    tsrnn.SlidingWindows(),
    tsrnn.RNNLanguageModel(),
    tsrnn.Tokenizer(),
    tsrnn.sequences.audio.LogMel(),
    tsrnn.sequences.audio.MFCC(),
    tsrnn.anomaly.GaussianDetector(),
    tsrnn.anomaly.PCADetector(),
    tsrnn.anomaly.PolynomialDetector(),
    tsrnn.anomaly.WindowDetector(IsolationForest()),
    tsrnn.anomaly.ConformalThreshold(),
    tsrnn.anomaly.DynamicThreshold(),
    tsrnn.anomaly.FixedThreshold(1.0),
    tsrnn.anomaly.QuantileThreshold(),
    tsrnn.anomaly.ReturnPeriodThreshold(),
    tsrnn.anomaly.RobustZThreshold(),
    tsrnn.anomaly.TailThreshold(),
]


def is_allowed(value, allowed):
    try:
        check_parameter("parameter", value, allowed)
    except ParameterError:
        return False
    return True


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_parameters_of_estimators(estimator):
    """Each has a constraint, and is refused by its name before data are read."""
    name_of_class, constraints = type(estimator).__name__, type(estimator)._parameter_constraints
    parameters = estimator.get_params(deep=False)
    assert set(parameters) <= set(constraints)
    needs_y = "y" in inspect.signature(estimator.fit).parameters and name_of_class.startswith("RNN")
    data = (Unread(), Unread()) if needs_y else (Unread(),)
    for name in parameters:
        for label, value in WRONG.items():
            if is_allowed(value, constraints[name]):
                assert label not in NEVER, (name, label)
                continue
            other = type(estimator)(**(parameters | {name: value}))
            with pytest.raises(ValueError, match=f"The '{name}' parameter of {name_of_class} must"):
                other.fit(*data)


def public_functions():
    """Public functions, and methods of public classes, by their names."""
    modules = [
        tsrnn,
        tsrnn.anomaly,
        tsrnn.anomaly.metrics,
        tsrnn.anomaly.thresholds,
        tsrnn.datasets,
        tsrnn.forecasting,
        tsrnn.forecasting.metrics,
        tsrnn.inspection,
        tsrnn.plotting,
        tsrnn.saving,
        tsrnn.sequences.audio,
        tsrnn.sequences.music,
    ]
    functions = {}
    for module in modules:
        for name in set(module.__all__) - {"__version__"}:
            public = getattr(module, name)
            if inspect.isfunction(public):
                functions[name] = public
            elif inspect.isclass(public):
                functions |= methods(public)
    return functions | methods(tsrnn.network.Memory)


def methods(cls):
    is_estimator = hasattr(cls, "get_params") or issubclass(cls, tuple)
    names = [name for name in dir(cls) if not name.startswith("_")]
    names += [] if is_estimator else ["__init__"]
    found = {}
    for name in names:
        function = inspect.getattr_static(cls, name)
        function = getattr(function, "__func__", function)
        if inspect.isfunction(function) and function.__module__.startswith("tsrnn"):
            found[f"{cls.__name__}.{name}"] = function
    return found


FUNCTIONS = public_functions()
OPTIONS = (bool, int, float, str)  # types of defaults that are no data
# Times or numbers of points, which event tables check
LENGTHS = {"merge_events": {"gap"}, "detect": {"min_gap"}}


def constraints_of(function):
    return getattr(function, "parameter_constraints", {})


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_parameters_of_functions(name):
    """Options have a constraint, and are refused by their name before data are read."""
    function = FUNCTIONS[name]
    parameters, constraints = inspect.signature(function).parameters, constraints_of(function)
    options = {key for key, p in parameters.items() if isinstance(p.default, OPTIONS)}
    assert options - LENGTHS.get(name.rpartition(".")[2], set()) <= set(constraints)
    arguments = {
        key: valid(constraints[key]) if key in constraints else Unread()
        for key, p in parameters.items()
        if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    }
    for parameter, allowed in constraints.items():
        for label, value in WRONG.items():
            if is_allowed(value, allowed):
                assert label in {*SOMETIMES, *TAKES.get((name, parameter), ())}, (parameter, label)
                continue
            with pytest.raises(ValueError, match=rf"^{parameter} must be"):
                function(**(arguments | {parameter: value}))


def valid(allowed):
    """A value that constraints allow."""
    network = tsrnn.network.RecurrentNetwork("gru", 1, 2, 1)
    estimators = tsrnn.RNNForecaster(), tsrnn.RNNTranslator()
    values = (1, 2, 0.5, 8000, "MAE", {"cell": ["gru"]}, *estimators, network)
    return next(value for value in values if is_allowed(value, allowed))


def all_parameters():
    """Owner, name, default and constraint of each parameter."""
    for estimator in ESTIMATORS:
        for name, default in estimator.get_params(deep=False).items():
            yield type(estimator).__name__, name, default, estimator._parameter_constraints[name]
    for owner, function in FUNCTIONS.items():
        for name, allowed in constraints_of(function).items():
            yield owner, name, inspect.signature(function).parameters[name].default, allowed


def test_true_is_no_number():
    """Only where the default is one, or for ``verbose``, is a truth value allowed."""
    for owner, name, default, allowed in all_parameters():
        takes_truth = isinstance(default, bool) or name == "verbose"
        assert is_allowed(True, allowed) == takes_truth, (owner, name)
        assert is_allowed(np.True_, allowed) == takes_truth, (owner, name)


def test_enormous_integers_are_no_sizes():
    """Only where a float of that size is allowed, or as a label."""
    for owner, name, _, allowed in all_parameters():
        if not is_allowed(2.0**63, allowed):
            assert not is_allowed(2**63, allowed), (owner, name)
            assert not is_allowed(2**31, allowed) or name == "random_state", (owner, name)


def test_defaults_are_allowed():
    for owner, name, default, allowed in all_parameters():
        if default is not inspect.Parameter.empty:
            assert is_allowed(default, allowed), (owner, name)


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        (np.int8(100), 100),
        (np.uint64(2**63), 2**63),
        (np.float32(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.longdouble(0.25), 0.25),
        (np.True_, True),
        (np.str_("lstm"), "lstm"),
    ],
    ids=repr,
)
def test_scalars_of_numpy_become_those_of_python(scalar, expected):
    value = plain(scalar)
    assert value == expected
    assert type(value) is type(expected)


def test_other_values_stay_as_they_are():
    values = (5, True, "a", None, np.timedelta64(5), np.array(5), [np.int8(1)], pd.NA, 1j, 1e400)
    for value in values:
        assert plain(value) is value


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_estimators_hold_numbers_of_python(estimator):
    """Narrow integers would overflow in ``10 * window``, and a deque takes none of NumPy."""
    kinds = {int: np.int16, float: np.float64, bool: np.bool_, str: np.str_}
    parameters = estimator.get_params(deep=False)
    narrow = {
        k: kinds[type(v)](v) for k, v in parameters.items() if type(v) in kinds and v != 20_000
    }
    changed = type(estimator)(**(parameters | narrow))
    changed.set_params(**narrow)
    changed._validate_params()
    assert changed.get_params(deep=False) == parameters
    assert {type(changed.get_params()[name]) for name in narrow} <= set(kinds)


@pytest.mark.parametrize(
    ("threshold", "parameters"),
    [
        ("ConformalThreshold", {"window": np.int64(100), "false_alarm_rate": np.float32(0.1)}),
        ("ConformalThreshold", {"smoothed": np.True_, "random_state": np.uint32(3)}),
        ("DynamicThreshold", {"window": np.uint8(200), "every": np.int8(10)}),
        ("DynamicThreshold", {"span": np.uint8(255), "z_range": np.array([2, 4])}),
        ("TailThreshold", {"depth": np.int8(20), "level": np.float64(0.9)}),
        ("FixedThreshold", {"value": np.float32(0.5)}),
        ("RobustZThreshold", {"z": np.uint8(3)}),
        ("QuantileThreshold", {"contamination": np.float32(0.05)}),
    ],
    ids=str,
)
def test_thresholds_take_numbers_of_numpy(threshold, parameters):
    scores = np.abs(np.random.default_rng(0).normal(size=600))
    cls = getattr(tsrnn.anomaly, threshold)
    one = cls(**parameters)
    other = cls(**{name: np.asarray(value).tolist() for name, value in parameters.items()})
    np.testing.assert_array_equal(one.fit_predict(scores), other.fit_predict(scores))
    if hasattr(one, "update"):
        np.testing.assert_array_equal(one.update(scores), other.update(scores))
    assert one.threshold_ == other.threshold_


Y = pd.Series(
    10 + np.sin(np.arange(400) * np.pi / 6), pd.date_range("2024-01-01", periods=400), name="y"
)


@pytest.mark.parametrize(
    ("detector", "parameters"),
    [
        ("PCADetector", {"window": np.uint8(100), "n_components": np.int8(3)}),
        ("PolynomialDetector", {"window": np.uint8(30), "degree": np.int8(2)}),
        ("PolynomialDetector", {"window": np.uint8(30), "neighborhood": np.uint8(200)}),
        ("GaussianDetector", {"window": np.uint8(200), "online": np.True_}),
    ],
    ids=str,
)
def test_detectors_take_numbers_of_numpy(detector, parameters):
    cls = getattr(tsrnn.anomaly, detector)
    one, other = cls(**parameters), cls(**{name: v.item() for name, v in parameters.items()})
    pd.testing.assert_series_equal(one.fit(Y).score_samples(Y), other.fit(Y).score_samples(Y))
    pd.testing.assert_frame_equal(one.detect(Y, n_most=np.uint8(2)), other.detect(Y, n_most=2))


SMALL = {"max_iter": np.uint8(2), "hidden_size": np.uint8(8), "n_jobs": np.int8(1)}


def test_a_forecaster_takes_numbers_of_numpy():
    numbers = SMALL | {
        **{"horizon": np.uint8(6), "lookback": np.uint8(200), "season": np.uint8(12)},
        **{"batch_size": np.uint8(200), "dropout": np.float32(0), "conformal": np.True_},
    }
    one = tsrnn.RNNForecaster(**numbers).fit(Y)
    other = tsrnn.RNNForecaster(**{name: value.item() for name, value in numbers.items()}).fit(Y)
    horizon, coverage = np.uint8(7), np.float64(0.5)
    pd.testing.assert_series_equal(one.predict(horizon), other.predict(7))
    pd.testing.assert_frame_equal(
        one.predict_interval(np.int64(7), coverage=coverage),
        other.predict_interval(7, coverage=0.5),
    )
    assert one.predict_samples(n_samples=np.uint8(3)).shape == (6, 3)
    result = tsrnn.backtest(one, Y, n_windows=np.int8(2), step=np.uint8(3), refit=np.False_)
    assert len(result.forecasts) == 12


def test_other_networks_take_numbers_of_numpy():
    X, y = np.random.default_rng(0).normal(size=(40, 12)), np.arange(40) % 2
    channels = {"n_channels": np.uint8(2), "batch_size": np.uint8(200)}
    for cls in (tsrnn.RNNRegressor, tsrnn.RNNClassifier):
        numbers = SMALL | channels
        one, other = cls(**numbers), cls(**{name: v.item() for name, v in numbers.items()})
        np.testing.assert_array_equal(one.fit(X, y).predict(X), other.fit(X, y).predict(X))
    numbers = SMALL | {"horizon": np.uint8(16), "lookback": np.uint8(200), "stretch": np.uint8(30)}
    numbers |= {"random_state": np.int64(0), "season": np.array([12], np.uint8)}
    same = {name: np.asarray(value).tolist() for name, value in numbers.items()}
    one, other = tsrnn.RNNAnomalyDetector(**numbers), tsrnn.RNNAnomalyDetector(**same)
    pd.testing.assert_series_equal(one.fit(Y).score_samples(Y), other.fit(Y).score_samples(Y))


@pytest.mark.parametrize(
    ("estimator", "method", "parameters"),
    [
        (
            tsrnn.RNNForecaster(**SMALL),
            "predict",
            ["horizon", "n_jobs", "missing"],
        ),
        (tsrnn.RNNForecaster(**SMALL), "predict_interval", ["conformal"]),
        (tsrnn.RNNForecaster(**SMALL), "update", ["id_column", "missing"]),
        (tsrnn.anomaly.PCADetector(window=5), "predict", ["window", "online", "time_column"]),
        (tsrnn.SlidingWindows(3), "transform", ["lookback", "id_column", "groups"]),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else str(value),
)
def test_parameters_that_are_set_after_fit_are_checked_too(estimator, method, parameters):
    estimator.fit(Y.to_frame() if method == "transform" else Y)
    required = inspect.signature(getattr(estimator, method)).parameters.values()
    data = [Unread() for p in required if p.default is p.empty]
    for name in parameters:
        before = getattr(estimator, name)
        for value in (pd.NA, [1, 2], object(), pd.Series([1.0])):
            estimator.set_params(**{name: value})
            with pytest.raises(ValueError, match=f"The '{name}' parameter of"):
                getattr(estimator, method)(*data)
        estimator.set_params(**{name: before})


def test_functions_take_numbers_of_numpy():
    X, after = tsrnn.make_windows(Y, np.uint8(200), np.uint8(100), np.int8(100))
    assert (X.shape, after.shape) == ((2, 200, 1), (2, 100, 1))
    assert len(tsrnn.seasonal_naive(Y, np.uint8(200), season=np.uint8(100))) == 200
    series = tsrnn.datasets.make_mackey_glass(np.uint8(200), washout=np.uint8(100), random_state=0)
    assert series.shape == (200,)
    assert tsrnn.forecasting.mae([[1, 2]], [[1, 3]], axis=np.int8(1)).tolist() == [0.5]


@pytest.mark.parametrize(
    "forecaster",
    [tsrnn.RNNRegressor(), tsrnn.RNNForecaster, "RNNForecaster", None, tsrnn.RNNAnomalyDetector()],
    ids=str,
)
def test_a_backtest_is_of_a_forecaster(forecaster):
    with pytest.raises(ValueError, match=r"forecaster must be an RNNForecaster, or a .*\), got"):
        tsrnn.backtest(forecaster, Y)


def test_a_backtest_checks_the_parameters_of_the_forecaster():
    with pytest.raises(ValueError, match="'horizon' parameter of RNNForecaster"):
        tsrnn.backtest(tsrnn.RNNForecaster(horizon="12"), Unread())


@pytest.mark.parametrize("refit", ["monthly", 0, -1, 1.5, None, [True]])
def test_refit_is_a_truth_value_or_how_many_origins_a_fit_serves(refit):
    with pytest.raises(ValueError, match="refit must be True or False or a whole number from 1"):
        tsrnn.backtest(tsrnn.RNNForecaster(), Unread(), refit=refit)


LABELLED = Probabilities(scalar=True, labelled=True)


@pytest.mark.parametrize(
    "levels",
    [0.9999999, 1e-7, [0.5, 0.9999999], [0.9, 0.90000001], 1 - 1e-12, [0.5, True], ["0.5"], "0.5"],
)
def test_levels_without_a_label_of_their_own_are_refused(levels):
    with pytest.raises(ValueError, match=r"levels must be .*distinct in six digits, got"):
        check_parameter("levels", levels, [LABELLED])


@pytest.mark.parametrize(
    "levels",
    [0.999999, 1e-6, np.float32(0.9), [0.9, 0.9], [0.3, 0.1 + 0.2], (0.5, 0.500001), np.array(0.5)],
)
def test_levels_with_a_label_of_their_own(levels):
    check_parameter("levels", levels, [LABELLED])


def test_messages():
    with pytest.raises(TypeError, match="n must be a whole number from 1 to 2147483647 or None"):
        check_parameter("n", "3", [POSITIVE_INTEGER, None])
    with pytest.raises(ValueError, match=r"^n must be .* got a DataFrame"):
        check_parameter("n", pd.DataFrame({"a": [1]}), [POSITIVE_INTEGER])
    with pytest.raises(ValueError, match=r"^n must be .* got a Raises"):
        check_parameter("n", Raises(), [BOOLEAN, Label(), *RANDOM_STATE])
    with pytest.raises(ValueError, match=r"^n must be .*\.\.\.\.$") as caught:
        check_parameter("n", "x" * 10**6, [Number(0, 1), ListOf(Integer(1)), StrOptions(["a"])])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("constraint", "value", "hint"),
    [
        (StrOptions(["negative_binomial", "auto"]), "neg_binomial", "Is it 'negative_binomial'?"),
        (ListOf(StrOptions(["weekday", "month"])), ["month", "weekdays"], "Is it 'weekday'?"),
        (StrOptions(["mse"]), "quantile", ""),
        (SEASON, "monthly", "12 for monthly data"),
        (Probabilities(scalar=True), 95, "95 % is 0.95."),
        (Probabilities(), [0.5, 97.5], "97.5 % is 0.975."),
        (Probabilities(scalar=True), 950, ""),
        (SHARE, 20, "20 % is 0.2."),
    ],
)
def test_hints(constraint, value, hint):
    with pytest.raises(ParameterError, match=r"^p must be") as error:
        check_parameter("p", value, [constraint])
    _, _, told = str(error.value).partition(f", got {value!r}.")
    assert hint in told
    assert bool(hint) == bool(told)


def test_a_word_near_an_option_is_meant_as_that():
    with pytest.raises(ParameterError, match=r"got 'Auto'. Is it 'auto'\?$"):
        check_parameter("season", "Auto", [SEASON, StrOptions(["auto"])])


def test_a_call_that_fits_no_signature_fails_as_without_the_decorator():
    @validated(n=[POSITIVE_INTEGER])
    def double(n):
        return 2 * n

    with pytest.raises(TypeError, match=r"double\(\) missing 1 required positional argument: 'n'"):
        double()
    assert double(np.int8(100)) == double(n=np.int8(100)) == 200


def test_arguments_by_keyword_alone_are_checked_by_keyword():
    @validated(n=[POSITIVE_INTEGER], twice=[BOOLEAN])
    def double(n, *, twice=False):
        return 4 * n if twice else 2 * n

    assert double(np.int8(100), twice=np.True_) == 400
    with pytest.raises(ValueError, match="twice must be True or False, got 1"):
        double(1, twice=1)
    with pytest.raises(ValueError, match="n must be"):  # in the order of the constraints
        double(twice=1, n=0)
    with pytest.raises(TypeError, match="takes 1 positional argument but 2"):
        double(1, 2)


CLASSES = {"an empty list": [], "a number": 3, "a text": "ab", "two axes": np.ones((2, 2))}


@pytest.mark.parametrize("classes", CLASSES.values(), ids=CLASSES)
def test_classes_are_several_labels(classes):
    with pytest.raises(ValueError, match=r"^classes"):
        tsrnn.RNNClassifier().partial_fit(Unread(), Unread(), classes)


WEIGHTS = [np.inf, -1.0, 1j, "1", [1.0], [[1.0]] * 4, np.timedelta64(1), [np.inf] + [1.0] * 3]


@pytest.mark.parametrize("estimator", [tsrnn.RNNRegressor(), tsrnn.RNNClassifier()], ids=str)
@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_wrong_weights_are_named(estimator, weights):
    X = np.arange(12.0).reshape(4, 3)
    with pytest.raises(ValueError, match=r"(?i)sample.weight"):
        estimator.fit(X, [0, 1, 0, 1], sample_weight=weights)


@pytest.mark.parametrize("scores", ["12", "a", 1j, [1j], ["a"], 10**400, [10**400], object()])
def test_wrong_scores_are_named(scores):
    for call in (tsrnn.anomaly.RobustZThreshold().fit, tsrnn.anomaly.TailThreshold().fit_predict):
        with pytest.raises(ValueError, match=r"\bscores\b"):
            call(scores)
    with pytest.raises(ValueError, match=r"\bscores\b"):
        tsrnn.anomaly.events_from_labels([0, 1], scores=scores)

"""The door: what rows may look like, what is refused, and how equal rows are learnt as one."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.pipeline import make_pipeline

from tsrnn import RNNClassifier, RNNRegressor, SlidingWindows
from tsrnn.datasets import load_sunspots
from tsrnn.estimators import sequences as door
from tsrnn.estimators import training_set
from tsrnn.estimators.sequences import read_sequences
from tsrnn.estimators.training_set import merge_duplicates
from tsrnn.inspection import states

RNG = np.random.default_rng(0)
CUBE = RNG.normal(size=(20, 5, 2))  # samples, steps, channels
Y = RNG.normal(size=20)
DAYS = pd.date_range("2024", periods=5)
WINDOWS = sliding_window_view(load_sunspots().to_numpy(), 23)
X, NEXT = WINDOWS[:, :22], WINDOWS[:, 22]


def quick(**kwargs):
    """A regressor that trains in a moment."""
    return RNNRegressor(**({"max_iter": 3, "hidden_size": 4} | kwargs))


def read_table(X, n_channels=1):
    return read_sequences(RNNRegressor(), X, n_channels, reset=True)


def rows(X, n_channels=1):
    """Each sequence of X as the network will be given it."""
    result = read_table(X, n_channels)
    return [result.values[result.rows_of(np.array([k]))] for k in range(len(result))]


def assert_same_rows(result, expected):
    assert len(result) == len(expected)
    for one, other in zip(result, expected, strict=True):
        assert one.dtype == np.float64
        np.testing.assert_array_equal(one, other)


def objects(sequences):
    """A one-dimensional array of arrays."""
    array = np.empty(len(sequences), object)
    array[:] = sequences
    return array


def ragged(n=20, n_channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(rng.integers(2, 9), n_channels)) for _ in range(n)]


FORMS = {
    "3-D": CUBE,
    "2-D": CUBE.reshape(20, 10),
    "Fortran order": np.asfortranarray(CUBE.reshape(20, 10)),
    "3-D turned around": np.ascontiguousarray(CUBE.transpose(2, 1, 0)).transpose(2, 1, 0),
    "every other": np.repeat(CUBE, 2, axis=0)[::2],
    "list of arrays": list(CUBE),
    "tuple of arrays": tuple(CUBE),
    "nested lists": CUBE.tolist(),
    "flat lists": CUBE.reshape(20, 10).tolist(),
    "array of arrays": objects(list(CUBE)),
    "objects": CUBE.reshape(20, 10).astype(object),
    "frames": [pd.DataFrame(row, columns=["a", "b"]) for row in CUBE],
    "frame": pd.DataFrame(CUBE.reshape(20, 10)),
    "nullable frame": pd.DataFrame(CUBE.reshape(20, 10)).astype("Float64"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_sequences(form):
    assert_same_rows(rows(FORMS[form], 2), list(CUBE))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_fitted_and_predicted_to_the_same_bits(form):
    expected = quick(n_channels=2).fit(CUBE, Y)
    result = quick(n_channels=2).fit(FORMS[form], Y)
    np.testing.assert_array_equal(result.network_.parameters, expected.network_.parameters)
    np.testing.assert_array_equal(result.predict(FORMS[form]), expected.predict(CUBE))
    np.testing.assert_array_equal(result.predict(CUBE), expected.predict(CUBE))


DTYPES = {
    "float32": CUBE[:, :, 0].astype("float32"),
    "float16": CUBE[:, :, 0].astype("float16"),
    "int8": (10 * CUBE[:, :, 0]).astype("int8"),
    "bool": CUBE[:, :, 0] > 0,
    "big-endian": CUBE[:, :, 0].astype(">f8"),
    "Int64": pd.DataFrame((10 * CUBE[:, :, 0]).astype(int)).astype("Int64"),
    "boolean": pd.DataFrame(CUBE[:, :, 0] > 0).astype("boolean"),
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_becomes_float64(dtype):
    given = DTYPES[dtype]
    expected = np.asarray(given, dtype=float)[:, :, None]
    assert_same_rows(rows(given), list(expected))
    assert_same_rows(rows([np.asarray(row) for row in np.asarray(given)] + [[1.0]])[:-1], expected)


def test_nullable_columns_may_miss_values():
    frame = pd.DataFrame({"a": [None, 1, 2], "b": [3, None, 4], "c": [5, 6, 7]}, dtype="Int64")
    result = read_table(frame)
    assert result.missing
    assert_same_rows(
        rows(frame), [np.array([row]).T for row in ([3, 5], [1, np.nan, 6], [2.0, 4, 7])]
    )
    nothing = [pd.Series([pd.NA, 1.5], dtype="Float64"), [None, None, 2], [3.0, 4.0]]
    assert_same_rows(rows(nothing), [[[1.5]], [[2.0]], [[3.0], [4.0]]])


def test_ragged_sequences_have_their_own_lengths():
    given = ragged()
    result = read_table(given, 2)
    assert result.lengths.tolist() == [len(row) for row in given]
    assert result.firsts.tolist() == [0, *np.cumsum(result.lengths)[:-1]]
    assert not result.missing
    assert_same_rows(rows(given, 2), given)


def test_sequences_of_one_channel_may_be_flat_or_columns():
    given = [[1.0, 2.0, 3.0], np.array([[4.0], [5.0]]), pd.Series([6.0]), (7, 8, 9, 10)]
    expected = [[[1.0], [2.0], [3.0]], [[4.0], [5.0]], [[6.0]], [[7.0], [8.0], [9.0], [10.0]]]
    assert_same_rows(rows(given), expected)
    assert_same_rows(rows(objects(given)), expected)


def test_a_list_of_flat_arrays_of_one_length_is_a_table():
    flat = [row.ravel() for row in CUBE]
    assert_same_rows(rows(flat, 2), list(CUBE))
    regressor = quick(n_channels=2).fit(flat, Y)
    assert regressor.n_features_in_ == 10


# Channels that X shows


@pytest.mark.parametrize("cls", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("form", ["3-D", "3-D turned around", "list of arrays", "frames"])
def test_channels_need_no_number_where_the_last_axis_tells_it(cls, form):
    y = Y if cls is RNNRegressor else Y > 0
    options = {"max_iter": 3, "hidden_size": 4}
    expected = cls(n_channels=2, **options).fit(CUBE, y)
    result = cls(**options).fit(FORMS[form], y)
    assert result.n_channels_in_ == 2
    assert result.get_params()["n_channels"] is None
    np.testing.assert_array_equal(result.network_.parameters, expected.network_.parameters)
    for given in (CUBE, list(CUBE), CUBE.reshape(20, 10)):
        np.testing.assert_array_equal(result.predict(given), expected.predict(CUBE))
        assert result.score(given, y) == expected.score(CUBE, y)
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.predict(CUBE), expected.predict(CUBE))


def test_a_fit_continues_with_the_channels_it_found():
    regressor = quick(warm_start=True).fit(CUBE, Y)
    regressor.fit(CUBE, Y)
    regressor.partial_fit(CUBE, Y)
    with pytest.raises(ValueError, match=r"X has 1 channels .its last axis., and n_channels is 2"):
        regressor.fit(CUBE[:, :, :1], Y)
    assert quick().fit(CUBE[:, :, :1], Y).n_channels_in_ == 1
    regressor = quick()
    for n_channels in (2, 1):  # a new fit is free
        assert regressor.fit(CUBE[:, :, :n_channels], Y).n_channels_in_ == n_channels


@pytest.mark.parametrize("cls", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
@pytest.mark.parametrize("groups", [None, "site"])
def test_channels_of_windows_are_those_of_the_frame(cls, container, groups):
    pytest.importorskip("polars")
    frame = pd.DataFrame(CUBE[:, 0], columns=["a", "b"])
    if groups:
        frame["site"] = np.arange(20) % 2
    y = Y if cls is RNNRegressor else Y > 0
    windows = SlidingWindows(4, id_column=groups).set_output(transform=container)
    options = {"max_iter": 3, "hidden_size": 4}
    result = make_pipeline(windows, cls(**options)).fit(frame, y)
    expected = make_pipeline(windows, cls(n_channels=2, **options)).fit(frame, y)
    assert result[-1].n_channels_in_ == 2
    np.testing.assert_array_equal(result.predict(frame), expected.predict(frame))
    assert result.score(frame, y) == expected.score(frame, y)


def test_windows_know_their_channels_as_long_as_they_are_windows():
    windows = SlidingWindows(3).fit_transform(CUBE[:, 0])
    assert type(windows[5:].sum()) is type(np.float64(1))
    for same in (windows[5:], windows * 2, windows.copy(), pickle.loads(pickle.dumps(windows))):
        assert quick().fit(same, np.zeros(len(same))).n_channels_in_ == 2
    for other in (np.asarray(windows), windows[:, 2:], windows.astype(object)[:, :5]):
        assert quick().fit(other[2:], np.zeros(18)).n_channels_in_ == 1
    frame = pd.DataFrame(np.ones((2, 3)), columns=["a[t-1]", "a[t]", "b"])
    assert quick().fit(frame, [0, 1]).n_channels_in_ == 1


# One sequence is no table


@pytest.mark.parametrize("cls", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("fitted_on", ["3-D", "ragged"])
def test_one_sequence_never_becomes_many(cls, n_channels, fitted_on):
    given = CUBE[:, :, :n_channels]
    y = Y if cls is RNNRegressor else Y > 0
    options = {"loss": "gaussian"} if cls is RNNRegressor else {}
    estimator = cls(max_iter=1, hidden_size=4, **options)
    estimator.fit(given if fitted_on == "3-D" else [*given[:-1], given[-1, 1:]], y)
    one = given[0]
    forms = [one, one.tolist(), list(one), pd.DataFrame(one), pd.DataFrame(one, DAYS)]
    methods = [
        estimator.predict,
        lambda X: estimator.score(X, y[:1]),
        lambda X: states(estimator, X),
    ]
    methods.append(lambda X: estimator.partial_fit(X, y[:1]))
    if cls is RNNRegressor:
        methods += [estimator.predict_quantiles, lambda X: estimator.predict(X, return_std=True)]
    else:
        methods += [estimator.predict_proba, estimator.predict_log_proba]
    for form in forms:
        for method in methods:
            with pytest.raises(ValueError, match=r"X has shape \(5, .\).* one sequence as X.None"):
                method(form)
    for right in (one[None], [one], [one.tolist()], [pd.DataFrame(one)]):
        assert estimator.predict(right).tolist() == estimator.predict(given)[:1].tolist()
    steps = given[:, :1]
    assert len(estimator.predict(steps)) == 20  # sequences of one step


def test_one_sequence_is_no_table_for_fit_either():
    with pytest.raises(ValueError, match=r"X has 5 and y has 1.* one sequence alone as X.None"):
        quick(n_channels=2).fit(CUBE[0], [1.0])


def test_rows_of_one_step_are_read_as_they_were_fitted():
    regressor = quick(n_channels=2).fit(CUBE[:, 0], Y)
    assert len(regressor.predict(CUBE[1])) == 5


# Missing values


def short(X, seed=1):
    """X with NaN before the beginning of rows, and the same rows cut short."""
    padded = np.array(X, copy=True)
    first_steps = np.random.default_rng(seed).integers(0, X.shape[1] - 1, len(X))
    for row, begin in zip(padded, first_steps, strict=True):
        row[:begin] = np.nan
    return padded, [row[begin:] for row, begin in zip(X, first_steps, strict=True)]


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("options", [{}, {"cell": "gru", "bidirectional": True}])
def test_missing_values_before_the_beginning_make_a_sequence_shorter(n_channels, options):
    """The same bits as the sequence cut short, learnt and predicted, beside any others."""
    cube = CUBE[:, :, :n_channels]
    padded, cut = short(cube)
    assert_same_rows(rows(padded, n_channels), cut)
    one, other = (quick(n_channels=n_channels, **options).fit(x, Y) for x in (padded, cut))
    assert one.missing_ is None
    np.testing.assert_array_equal(one.network_.parameters, other.network_.parameters)
    flat = padded.reshape(20, -1)
    for regressor in (one, other):
        expected = regressor.predict(cut)
        np.testing.assert_array_equal(regressor.predict(padded), expected)
        np.testing.assert_array_equal(regressor.predict(flat), expected)
        alone = [regressor.predict([row])[0] for row in cut]
        np.testing.assert_array_equal(alone, expected)
    assert (one.predict(cube) != expected).any()


def test_missing_values_before_the_beginning_are_no_matter_of_fit():
    """A network that was told of no missing values may still be given shorter sequences."""
    regressor = quick().fit(X, NEXT)
    padded, cut = short(X)
    np.testing.assert_array_equal(regressor.predict(padded), regressor.predict(cut))


@pytest.mark.parametrize("given", ["table", "cube", "ragged"])
def test_missing_values_inside_are_marked_for_the_network(given):
    """Which step is missing is all there is to know: values are noise."""
    rng = np.random.default_rng(0)
    gaps = rng.normal(size=(600, 6))
    places = rng.integers(1, 6, 600)
    gaps[np.arange(600), places] = np.nan
    if given == "cube":
        gaps = gaps[:, :, None]
    elif given == "ragged":
        gaps = [*gaps[:-1], gaps[-1, 1:]]
        places[-1] -= 1
    regressor = quick(hidden_size=8, max_iter=25, learning_rate_init=1e-2).fit(gaps, places)
    assert regressor.missing_ == "tell"
    assert regressor.network_.n_in == 3
    assert regressor.score(gaps, places) > 0.95


@pytest.mark.parametrize("place", [(3, 2, 0), (3, 0, 0), (3, 4, 1)], ids=["mid", "begin", "end"])
def test_a_channel_that_is_missing_is_inside_of_its_sequence(place):
    cube = CUBE.copy()
    cube[place] = np.nan
    assert read_table(cube, 2).missing
    assert_same_rows(rows(cube, 2), list(cube))
    assert quick(n_channels=2).fit(cube, Y).network_.n_in == 6


def test_missing_values_inside_are_refused_where_fit_saw_none():
    regressor = quick().fit(X, NEXT)
    gap = X.copy()
    gap[7, 5] = np.nan
    message = "Row 7 of X has missing values .NaN. inside, and the network has seen none"
    with pytest.raises(ValueError, match=message):
        regressor.predict(gap)
    with pytest.raises(ValueError, match=message):
        regressor.partial_fit(gap, NEXT)
    marked = quick().fit(gap, NEXT)
    assert np.isfinite(marked.predict(gap)).all()
    assert np.isfinite(marked.predict(X)).all()  # none missing is fine


def test_scales_are_those_of_known_values():
    cube = CUBE.copy()
    cube[2:9, 3, 1] = np.nan
    regressor = quick(n_channels=2).fit(cube, Y)
    flat = cube.reshape(-1, 2)
    np.testing.assert_allclose(regressor.X_mean_, np.nanmean(flat, axis=0), rtol=1e-12)
    np.testing.assert_allclose(regressor.X_scale_, np.nanstd(flat, axis=0), rtol=1e-12)


@pytest.mark.parametrize("given", ["table", "ragged"])
def test_scales_are_weighted_as_the_rows_are(given):
    rows = CUBE if given == "table" else ragged()
    weights = np.arange(20.0)
    regressor = quick(n_channels=2).fit(rows, Y, sample_weight=weights)
    flat, each = np.concatenate(list(rows)), np.repeat(weights, [len(row) for row in rows])
    mean = np.average(flat, axis=0, weights=each)
    deviation = np.sqrt(np.average((flat - mean) ** 2, axis=0, weights=each))
    np.testing.assert_allclose(regressor.X_mean_, mean, rtol=1e-12)
    np.testing.assert_allclose(regressor.X_scale_, deviation, rtol=1e-12)
    plain = quick(n_channels=2, standardize=False).fit(rows, Y)
    assert (plain.X_mean_.tolist(), plain.X_scale_.tolist()) == ([0, 0], [1, 1])
    assert (plain.y_mean_.tolist(), plain.y_scale_.tolist()) == ([0], [1])


# What is refused

NAN = np.full((2, 5), [[1.0], [np.nan]])
INFINITE = [[1.0, 2.0], [1.0, np.inf, 3.0]]
BAD = {
    "all missing": (NAN, 1, "Row 1 of X holds no value: all of it is missing"),
    "all missing, 3-D": (NAN[:, :, None], 1, "Row 1 of X holds no value"),
    "all missing, ragged": ([[1.0], [np.nan] * 3], 1, "Row 1 of X holds no value"),
    "nothing": ([[1.0], []], 1, "Row 1 of X is empty"),
    "infinite": (np.array(INFINITE[1:]), 1, "infinity"),
    "infinite, 3-D": (np.array(INFINITE[1:])[:, :, None], 1, "infinity"),
    "infinite, ragged": (INFINITE, 1, "Sequence 1 of X is infinite at step 1"),
    "minus infinite": ([[1.0], [1.0, 2.0, -np.inf]], 1, "Sequence 1 of X is infinite at step 2"),
    "columns": (CUBE[:, :, 0], 2, "5 columns, which is no multiple of n_channels=2"),
    "channels": (CUBE, 3, "X has 2 channels .its last axis., and n_channels is 3. Set n_ch"),
    "4-D": (CUBE[None], 2, "dim 4"),
    "1-D": (CUBE[0, :, 0], 1, "Expected 2D array"),
    "shape": ([CUBE[0], CUBE[1, :, :1]], 2, r"Sequence 1 of X has shape \(5, 1\).*n_channels is 2"),
    "flat": ([CUBE[0], CUBE[1, :, 0]], 2, r"Sequence 1 of X has shape \(5, 1\).*n_channels is 2"),
    "3-D rows": ([CUBE[:2], CUBE[:3]], 2, r"Sequence 0 of X has shape \(2, 5, 2\)"),
    "ragged rows": ([[[1.0], [2.0]], [[1.0], [2.0, 3.0]]], 1, "Sequence 1 of X does not hold num"),
    "words": ([[1.0], ["a", "b"]], 1, "Sequence 1 of X holds texts, and a network reads numbers"),
    "a word": ([[1.0], ["a", 2.0]], 1, "Sequence 1 of X does not hold numbers.*'a'"),
    "words in a table": ([["a", "b"]], 1, "Sequence 0 of X holds texts"),
    "words in a frame": (
        pd.DataFrame({"a": [1.0], "b": ["x"]}),
        1,
        "Column 'b' of X does not hold numbers.*id_column and time_column",
    ),
    "times in a frame": (
        pd.DataFrame({"a": DAYS, "b": DAYS}),
        1,
        "Column 'a' of X does not hold numbers: dtype datetime64",
    ),
    "complex": ([[1.0], [1.0, 2j]], 1, "Sequence 1 of X does not hold numbers: Complex data"),
    "complex, 3-D": (CUBE * 1j, 2, "Complex data not supported"),
    "no rows": (np.empty((0, 3)), 1, "0 sample"),
    "no rows, 3-D": (np.empty((0, 3, 1)), 1, "0 sample"),
    "no rows, list": ([], 1, "Expected 2D array"),
    "no steps": (np.empty((3, 0, 1)), 1, "0 feature"),
    "numbers": ([1.0, 2.0], 1, "Expected 2D array"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_sequences_are_refused_by_a_message_that_says_where(name):
    given, n_channels, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        quick(n_channels=n_channels).fit(given, np.zeros(len(given)))


def test_bad_sequences_are_refused_at_predict_too():
    regressor = quick(n_channels=2).fit(CUBE, Y)
    shapes = CUBE[:, :, :1], [CUBE[0], CUBE[1, :, :1]]
    for given in (*shapes, np.abs(CUBE) * np.inf, CUBE * np.nan):
        with pytest.raises(ValueError, match=r"channels|shape|infin|no value"):
            regressor.predict(given)


def test_another_number_of_columns_is_refused_and_another_length_is_not():
    regressor = quick(n_channels=2).fit(CUBE.reshape(20, 10), Y)
    with pytest.raises(ValueError, match="X has 8 features, but RNNRegressor is expecting 10"):
        regressor.predict(CUBE.reshape(20, 10)[:, :8])
    np.testing.assert_array_equal(
        regressor.predict(CUBE[:, :4]), regressor.predict([row[:4] for row in CUBE])
    )


def test_columns_have_the_names_of_fit():
    frame = pd.DataFrame(X[:40], columns=[f"lag {k}" for k in range(22)])
    regressor = quick().fit(frame, NEXT[:40])
    assert regressor.feature_names_in_.tolist() == frame.columns.tolist()
    with pytest.raises(ValueError, match="feature names"):
        regressor.predict(frame.iloc[:, ::-1])
    regressor.fit(X[:40, :, None], NEXT[:40])  # a cube has no columns
    assert not hasattr(regressor, "feature_names_in_")
    assert not hasattr(regressor, "n_features_in_")


@pytest.mark.parametrize("segment", [3, 6])
def test_a_sequence_shorter_than_a_segment_is_named(segment):
    given = [row[: 2 if k == 11 else 5] for k, row in enumerate(CUBE)]
    row = 11 if segment == 3 else 0
    with pytest.raises(ValueError, match=f"Row {row} of X has .* fewer than segment={segment}"):
        quick(n_channels=2, segment=segment).fit(given, Y)


def test_a_sequence_shorter_than_a_segment_is_named_at_predict():
    regressor = quick(n_channels=2, segment=3).fit(CUBE, Y)
    with pytest.raises(ValueError, match="Row 1 of X has 2 steps, fewer than segment=3"):
        regressor.predict([CUBE[0], CUBE[1, :2]])


# Input stays as it is


@pytest.mark.parametrize("form", FORMS)
def test_input_is_never_changed(form):
    given = FORMS[form]
    before = copy.deepcopy(given)
    y, weights = Y.copy(), np.arange(20.0)
    quick(n_channels=2).fit(given, y, weights).predict(given)
    assert type(given) is type(before)
    if hasattr(given, "equals"):
        pd.testing.assert_frame_equal(given, before)
    for one, other in zip(np.asarray(given, object), np.asarray(before, object), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    np.testing.assert_array_equal(y, Y)
    np.testing.assert_array_equal(weights, np.arange(20.0))


def test_read_only_input_is_enough():
    cube = CUBE.copy()
    expected = quick(n_channels=2).fit(cube, Y).predict(cube)
    y = Y.copy()
    for array in (cube, y):
        array.flags.writeable = False
    np.testing.assert_array_equal(quick(n_channels=2).fit(cube, y).predict(cube), expected)


@pytest.mark.parametrize("n_channels", [1, 2])
def test_windows_that_share_their_rows_give_the_same_bits_as_copies(n_channels):
    table = np.random.default_rng(0).normal(size=(60, n_channels))
    table[:3] = table[20] = np.nan
    windows = sliding_window_view(table.ravel(), 8 * n_channels)[::n_channels]
    copies = windows.copy()
    result = read_table(windows, n_channels)
    assert np.shares_memory(result.values, table)
    assert result.missing
    assert_same_rows(rows(windows, n_channels), rows(copies, n_channels))
    y = np.arange(len(windows))
    one, other = (quick(n_channels=n_channels).fit(x, y) for x in (windows, copies))
    np.testing.assert_array_equal(one.X_mean_, other.X_mean_)
    np.testing.assert_array_equal(one.network_.parameters, other.network_.parameters)
    np.testing.assert_array_equal(one.predict(windows), one.predict(copies))
    assert not read_table(windows[21:], n_channels).missing  # what no window holds is no matter


# Equal rows are learnt as one


def assert_same_network(one, other):
    np.testing.assert_array_equal(one.network_.parameters, other.network_.parameters)
    assert one.loss_curve_ == other.loss_curve_


def test_a_weight_is_as_good_as_copies():
    weights = np.random.default_rng(0).integers(0, 4, len(X))
    places = np.repeat(np.arange(len(X)), weights)
    weighted = quick().fit(X, NEXT, sample_weight=weights)
    assert_same_network(quick().fit(X[places], NEXT[places]), weighted)
    shuffled = np.random.default_rng(1).permutation(places)
    assert_same_network(quick().fit(X[shuffled], NEXT[shuffled]), weighted)
    assert (quick().fit(X, NEXT).network_.parameters != weighted.network_.parameters).any()


def test_a_weight_is_as_good_as_copies_of_ragged_sequences_with_gaps():
    given = ragged(60, 2)
    given[7][1] = given[9][0, 1] = np.nan
    y = np.arange(60) % 7
    weights = np.random.default_rng(0).integers(1, 4, 60)
    places = np.random.default_rng(1).permutation(np.repeat(np.arange(60), weights))
    weighted = quick(n_channels=2).fit(given, y, sample_weight=weights)
    copies = quick(n_channels=2).fit([given[k] for k in places], y[places])
    assert_same_network(copies, weighted)


def test_the_order_of_rows_is_of_no_account():
    order = np.random.default_rng(0).permutation(len(X))
    assert_same_network(quick().fit(X[order], NEXT[order]), quick().fit(X, NEXT))


def test_all_weights_together_may_be_anything():
    """A loss is a weighted mean."""
    one, other = quick().fit(X, NEXT), quick().fit(X, NEXT, sample_weight=np.full(len(X), 4.0))
    assert_same_network(one, other)


def merge(X, y, weights=None, n_channels=1):
    """What `merge_duplicates` makes of rows: of each kind a row, its target, its weight."""
    sequences = read_table(X, n_channels)
    targets = np.asarray(y, float).reshape(len(sequences), -1)
    weights = np.ones(len(sequences)) if weights is None else np.asarray(weights, float)
    windows, weights = merge_duplicates(sequences, targets, weights, np.arange(len(sequences)))
    result = [sequences.values[sequences.rows_of(np.array([k]))].tolist() for k in windows]
    return list(zip(result, targets[windows].tolist(), weights.tolist(), strict=True))


def test_rows_of_equal_sequence_and_target_become_one():
    X = [[1, 2], [1, 2], [1, 3], [1, 2], [1, 2]]
    result = merge(X, [5, 5, 5, 6, 5], [1, 2, 4, 8, 16])
    assert sorted(result) == [
        ([[1.0], [2.0]], [5.0], 19.0),
        ([[1.0], [2.0]], [6.0], 8.0),
        ([[1.0], [3.0]], [5.0], 4.0),
    ]


def test_rows_without_weight_are_left_out():
    assert merge([[1, 2], [3, 4], [1, 2]], [0, 0, 0], [0, 1, 0]) == [([[3.0], [4.0]], [0.0], 1.0)]


def test_minus_zero_and_every_nan_are_the_same():
    odd = np.array([0x7FF8000000000001], np.uint64).view(float)[0]
    result = merge([[1, np.nan, 0.0], [1, odd, -0.0], [1, -np.nan, 0.0]], [0.0, -0.0, 0.0])
    assert [weight for *_, weight in result] == [3.0]


def test_sequences_of_zeros_differ_by_their_length():
    """Demand that is rare is zeros for long; copies are found wherever they stand."""
    lengths = [3, 2, 3, 2, 1, 3]
    result = merge([[0.0] * n for n in lengths], np.zeros(6))
    assert sorted((len(row), weight) for row, _, weight in result) == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_equal_steps_of_other_channels_or_order_differ():
    result = merge([CUBE[0], CUBE[0, ::-1], CUBE[0, :, ::-1]], [0, 0, 0], n_channels=2)
    assert len(result) == 3
    targets = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert len(merge(np.ones((2, 3)), targets)) == 2


def test_the_order_of_what_is_merged_is_that_of_its_content():
    given = ragged(50)
    y = np.arange(50) % 3
    expected = merge(given, y, n_channels=2)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(50)
        more = np.concatenate([order, order[:9]])
        result = merge([given[k] for k in order], y[order], n_channels=2)
        assert result == expected
        result = merge([given[k] for k in more], y[more], n_channels=2)
        assert [row for row, *_ in result] == [row for row, *_ in expected]
        assert sum(weight for *_, weight in result) == 59


def test_rows_whose_numbers_collide_are_compared(monkeypatch):
    """As if the numbers of all rows were the same: none is taken for another."""
    monkeypatch.setattr(
        training_set, "_hashes", lambda sequences, targets: np.zeros(len(sequences), np.uint64)
    )
    given = [[1.0, 2.0], [1.0, 2.0], [2.0], [1.0, 3.0], [1.0, 3.0], [1.0, 3.0]]
    y = [0, 0, 0, 0, 0, 1]
    assert sorted(merge(given, y)) == [
        ([[1.0], [2.0]], [0.0], 2.0),
        ([[1.0], [3.0]], [0.0], 2.0),
        ([[1.0], [3.0]], [1.0], 1.0),
        ([[2.0]], [0.0], 1.0),
    ]


def test_the_numbers_of_rows_hardly_collide():
    """Of rows that resemble each other most: whole numbers, and ones and zeros."""
    rng = np.random.default_rng(0)
    for X in (rng.integers(0, 2, (20_000, 40)), np.arange(40_000).reshape(-1, 2)):
        X = np.unique(X, axis=0)
        keys = training_set._hashes(read_table(X), np.zeros((len(X), 1)))
        assert len(np.unique(keys)) == len(X)
        halves = keys.view(np.uint32).reshape(-1, 2)  # 2e8 pairs among 4e9 numbers: 0.05 collide
        assert all(len(np.unique(half)) > len(X) - 10 for half in halves.T)


@pytest.mark.parametrize("piece", [1, 7, 100])
def test_the_size_of_parts_has_no_effect(monkeypatch, piece):
    given = ragged(40)
    expected = merge(given, np.zeros(40), n_channels=2)
    sequences = read_table(given, 2)
    monkeypatch.setattr(door, "_PART_STEPS", piece)
    numbers = np.arange(3, 40)
    np.testing.assert_array_equal(np.concatenate(list(sequences.parts(numbers))), numbers)
    assert merge(given, np.zeros(40), n_channels=2) == expected
    regressor = quick(n_channels=2).fit(given, np.zeros(40))
    np.testing.assert_allclose(regressor.X_mean_, np.concatenate(given).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(regressor.X_scale_, np.concatenate(given).std(axis=0), rtol=1e-12)


def test_one_row_of_one_step_is_learned():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert quick().fit([[3.0]], [7.0]).predict([[3.0]]) == pytest.approx(7.0)


def test_values_whose_squares_overflow_are_refused():
    large = X.copy()
    large[7, 3] = -1e200
    with pytest.raises(ValueError, match=r"Row 7 of X holds a value beyond 1e\+150"):
        quick().fit(large, NEXT)
    with pytest.raises(ValueError, match=r"y holds a value beyond 1e\+150"):
        quick().fit(X, np.where(np.arange(len(X)) == 3, 1e200, NEXT))

"""SlidingWindows against slow loops, in all that scikit-learn does with a transformer."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsrnn import RNNRegressor, SlidingWindows

BY_NATURE = "a window is of the rows before, so order and choice of rows are its matter"


def expected_failed_checks(estimator):
    if estimator.id_column is not None:  # random numbers: each row of X is a group of its own
        return {"check_estimators_pickle": "puts NaN into the column of groups"}
    return {
        "check_methods_sample_order_invariance": BY_NATURE,
        "check_methods_subset_invariance": BY_NATURE,
    }


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [SlidingWindows(), SlidingWindows(3), SlidingWindows(3, id_column=-1)],
    expected_failed_checks=expected_failed_checks,
    xfail_strict=True,
)
def test_estimator_checks(estimator, check):
    check(estimator)


def naive(values, lookback, groups=None):
    """Each row's window, gone back for row by row."""
    groups = [0] * len(values) if groups is None else list(groups)
    rows = []
    for t in range(len(values)):
        steps, s = [], t
        while s >= 0 and len(steps) < lookback:
            if groups[s] == groups[t]:
                steps.insert(0, list(values[s]))
            s -= 1
        missing = [[np.nan] * values.shape[1]] * (lookback - len(steps))
        rows.append(np.concatenate(missing + steps))
    return np.array(rows)


@given(st.integers(1, 12), st.integers(1, 3), st.integers(1, 15))
def test_windows_are_those_of_a_slow_loop(n_rows, n_channels, lookback):
    values = np.arange(n_rows * n_channels, dtype=float).reshape(n_rows, n_channels)
    result = SlidingWindows(lookback).fit_transform(values)
    np.testing.assert_array_equal(result, naive(values, lookback))


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=15), st.integers(1, 6))
def test_windows_never_cross_from_group_to_group(groups, lookback):
    frame = pd.DataFrame({"a": np.arange(len(groups)), "id": groups, "b": 0.5})
    frame["b"] += frame["a"]
    result = SlidingWindows(lookback, id_column="id").fit_transform(frame)
    np.testing.assert_array_equal(result, naive(frame[["a", "b"]].to_numpy(), lookback, groups))
    as_array = SlidingWindows(lookback, id_column=1).fit_transform(frame.to_numpy())
    np.testing.assert_array_equal(as_array, result)
    as_list = SlidingWindows(lookback, id_column=-2).fit_transform(frame.to_numpy().tolist())
    np.testing.assert_array_equal(as_list, result)


@pytest.mark.parametrize("groups", [None, 0])
@pytest.mark.parametrize("t", [0, 7, 18])
def test_a_changed_future_changes_no_earlier_row(groups, t):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 3, 20), rng.normal(size=(20, 2))])
    changed = X.copy()
    changed[t + 1 :, 1:] = np.nan
    windows = SlidingWindows(5, id_column=groups)
    before, after = windows.fit_transform(X), windows.fit_transform(changed)
    np.testing.assert_array_equal(before[: t + 1], after[: t + 1])
    assert not np.array_equal(before, after, equal_nan=True)
    assert X[t, 1] in before[t]  # while its own row is there


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("groups", [None, "id"])
def test_dtype_of_windows(dtype, groups):
    frame = pd.DataFrame({"a": np.array([0, 1, 1], dtype)})
    if groups:
        frame["id"] = ["x", "y", "x"]
    result = SlidingWindows(2, id_column=groups).fit_transform(frame)
    assert result.dtype == ("float32" if dtype == "float32" else "float64")
    np.testing.assert_array_equal(result, naive(frame[["a"]].to_numpy(), 2, frame.get("id")))


def test_missing_values_are_kept():
    X = np.array([[1.0, np.nan], [np.nan, 2.0], [3.0, 4.0]])
    np.testing.assert_array_equal(SlidingWindows(2).fit_transform(X), naive(X, 2))


def test_nullable_dtypes():
    frame = pd.DataFrame(
        {
            "id": pd.array(["x", "x", "y"], dtype="string"),
            "a": pd.array([1, None, 3], dtype="Int64"),
            "b": pd.array([True, False, None], dtype="boolean"),
        }
    )
    values = np.array([[1, 1], [np.nan, 0], [3, np.nan]])
    result = SlidingWindows(2, id_column="id").fit_transform(frame)
    np.testing.assert_array_equal(result, naive(values, 2, "xxy"))


def test_groups_of_any_type():
    X = pd.DataFrame({"a": [1.0, 2, 3, 4]})
    expected = naive(X.to_numpy(), 2, "xyxy")
    stamps = pd.to_datetime(["2020-01-02", "2020-01-01"] * 2).tz_localize("Europe/Paris")
    for ids in [["x", "y"] * 2, [2, 1] * 2, [True, False] * 2, pd.Categorical([*"xyxy"]), stamps]:
        result = SlidingWindows(2, id_column="id").fit_transform(X.assign(id=ids))
        np.testing.assert_array_equal(result, expected)


def test_one_padded_copy_and_a_view_that_none_can_write_into():
    X = np.arange(10_000.0)[:, None]
    windows = SlidingWindows(168).fit_transform(X)
    assert not np.shares_memory(windows, X)
    assert np.shares_memory(windows[0], windows[167])
    assert windows.strides == (8, 8)
    with pytest.raises(ValueError, match="read-only"):
        windows[0, 0] = 1
    X[:] = 0  # what the caller does later is of no account
    assert windows[9_999, -1] == 9_999


def test_scikit_learn_takes_the_view():
    X = np.random.default_rng(0).normal(size=(300, 1))
    y = X[:, 0] + np.r_[0, X[:-1, 0]]
    for model in [
        make_pipeline(SlidingWindows(2), SimpleImputer(), StandardScaler(), Ridge(alpha=1e-6)),
        make_pipeline(SlidingWindows(2), HistGradientBoostingRegressor()),
    ]:
        assert model.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.8


def test_regressor_reads_windows_as_steps_of_channels():
    X = np.random.default_rng(0).normal(size=(60, 2))
    windows = SlidingWindows(4).fit_transform(X)
    three_d = np.stack([np.roll(X, 3 - k, axis=0) for k in range(4)], axis=1)
    for t in range(3):
        three_d[t, : 3 - t] = np.nan
    regressor = RNNRegressor(n_channels=2, hidden_size=3, max_iter=1)
    flat = regressor.fit(windows, X[:, 0]).predict(windows)
    np.testing.assert_array_equal(flat, regressor.fit(three_d, X[:, 0]).predict(three_d))


def test_names_and_frames():
    index = pd.date_range("2020", periods=3)
    frame = pd.DataFrame({"a": [1.0, 2, 3], "id": [0, 0, 0], "b": [4.0, 5, 6]}, index=index)
    windows = SlidingWindows(3, id_column="id").fit(frame)
    names = ["a[t-2]", "b[t-2]", "a[t-1]", "b[t-1]", "a[t]", "b[t]"]
    assert windows.get_feature_names_out().tolist() == names
    result = windows.set_output(transform="pandas").transform(frame)
    assert result.columns.tolist() == names
    assert result.index.equals(index)
    np.testing.assert_array_equal(result["b[t-1]"], frame["b"].shift(1))
    assert SlidingWindows(1).fit(frame).get_feature_names_out().tolist() == [
        "a[t]",
        "id[t]",
        "b[t]",
    ]
    unnamed = SlidingWindows(2, id_column=1).fit(frame.to_numpy())
    assert unnamed.get_feature_names_out().tolist() == ["x0[t-1]", "x2[t-1]", "x0[t]", "x2[t]"]
    assert unnamed.get_feature_names_out(["p", "q", "r"])[-1] == "r[t]"


def test_a_frame_of_windows_can_be_written_into():
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4]})
    result = SlidingWindows(2).set_output(transform="pandas").fit_transform(frame)
    result.iloc[1, 1] = 9
    assert result.to_numpy()[1:].tolist() == [[1, 9], [2, 3], [3, 4]]


def test_polars():
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"id": ["x", "y", "x"], "a": [1, None, 3], "b": [4.0, 5.0, 6.0]})
    windows = SlidingWindows(2, id_column="id").set_output(transform="polars")
    result = windows.fit_transform(frame)
    assert isinstance(result, pl.DataFrame)
    assert result.columns == ["a[t-1]", "b[t-1]", "a[t]", "b[t]"]
    values = np.array([[1, 4], [np.nan, 5], [3, 6]])
    np.testing.assert_array_equal(result.to_numpy(), naive(values, 2, "xyx"))


def test_in_a_column_transformer():
    frame = pd.DataFrame({"id": ["x", "y"] * 3, "a": np.arange(6.0), "c": np.arange(6) % 2})
    columns = ColumnTransformer(
        [("now", "passthrough", ["c"]), ("past", SlidingWindows(2, id_column="id"), ["id", "a"])],
        verbose_feature_names_out=False,
    )
    result = columns.fit_transform(frame)
    assert columns.get_feature_names_out().tolist() == ["c", "a[t-1]", "a[t]"]
    np.testing.assert_array_equal(result[:, 0], frame["c"])
    np.testing.assert_array_equal(result[:, 1:], naive(frame[["a"]].to_numpy(), 2, frame["id"]))


def test_a_search_finds_the_lookback():
    x = np.random.default_rng(0).normal(size=400)
    y = x + np.roll(x, 3)
    model = make_pipeline(SlidingWindows(), SimpleImputer(), Ridge())
    search = GridSearchCV(model, {"slidingwindows__lookback": [1, 2, 4]}, cv=TimeSeriesSplit(3))
    search.fit(x[4:, None], y[4:])
    assert search.best_params_ == {"slidingwindows__lookback": 4}
    assert search.best_score_ > 0.9


def test_clones_and_pickles():
    frame = pd.DataFrame({"id": [0, 1, 0], "a": [1.0, 2, 3]})
    windows = SlidingWindows(2, id_column="id")
    expected = windows.fit_transform(frame)
    assert clone(windows).get_params() == {"lookback": 2, "id_column": "id", "groups": None}
    again = pickle.loads(pickle.dumps(windows))
    np.testing.assert_array_equal(again.transform(frame), expected)


FRAME = pd.DataFrame({"id": ["x", "y", "x"], "a": [1.0, 2.0, 3.0]})
TIMES = pd.to_datetime(["2020-01-02", "2020-01-01", "2020-01-03"])
PANEL_TIMES = pd.date_range("2024", periods=5)


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        ({"lookback": 0}, FRAME[["a"]], "'lookback' parameter .* must be a whole number"),
        ({"lookback": 2.0}, FRAME[["a"]], "'lookback' parameter .* must be a whole number"),
        ({"id_column": 1.5}, FRAME, "'id_column' parameter"),
        ({"id_column": "site"}, FRAME, "'site' must name one column .* names 0.*'id', 'a'"),
        ({"id_column": "id"}, FRAME.to_numpy(), "X has no column names"),
        ({"id_column": 2}, FRAME, "id_column=2 is to be the position .* has 2. Give 0 to 1"),
        ({"id_column": -3}, FRAME, "id_column=-3 is to be the position"),
        ({"id_column": "id"}, FRAME[["id"]], "id_column='id' takes one column of X"),
        (
            {"id_column": "id"},
            FRAME.assign(id=["x", None, "y"]),
            "id_column='id'.* missing .* row 1",
        ),
        ({}, FRAME, "Column 'id' of X does not hold numbers.*set id_column='id'"),
        ({"id_column": "id"}, FRAME.assign(b=TIMES), "Column 'b' of X does not hold numbers"),
        ({}, FRAME[["a"]].assign(b=[1, 2, np.inf]), "Column 'b' of X is infinite in row 2"),
        ({"id_column": "id"}, FRAME.replace(2.0, -np.inf), "Column 'a' of X is infinite in row 1"),
        ({}, np.array([[1.0], [np.inf]]), "Column 'x0' of X is infinite in row 1"),
        ({}, FRAME[["a"]].set_index(TIMES), "back in time in row 1: 2020-01-01.*after 2020-01-02"),
        (
            {"id_column": "id"},
            FRAME.assign(id=["y", "x", "x"]).set_index(TIMES[[0, 2, 1]]),
            "back in time in row 2: 2020-01-01.*after 2020-01-03",
        ),
    ],
)
def test_bad_input_is_refused(params, X, message):
    with pytest.raises(ValueError, match=message):
        SlidingWindows(**params).fit(X)


def test_transform_is_as_strict_as_fit():
    windows = SlidingWindows(2, id_column="id").fit(FRAME)
    with pytest.raises(ValueError, match="infinite in row 0"):
        windows.transform(FRAME.replace(1.0, np.inf))
    with pytest.raises(ValueError, match="feature names"):
        windows.transform(FRAME.rename(columns={"a": "b"}))


def test_each_series_has_a_time_of_its_own():
    frame = FRAME.set_index(TIMES)
    result = SlidingWindows(2, id_column="id").fit_transform(frame)
    np.testing.assert_array_equal(result, naive(frame[["a"]].to_numpy(), 2, frame["id"]))


# Panels: the index tells series apart


def panel(times=PANEL_TIMES, ids="ba"):
    """Two series end to end on the same times."""
    index = pd.MultiIndex.from_product([list(ids), times], names=["id", "time"])
    return pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10.0) ** 2}, index)


@pytest.mark.parametrize("alternate", [False, True])
@pytest.mark.parametrize(
    "times",
    [
        PANEL_TIMES,
        PANEL_TIMES.to_period("D"),
        PANEL_TIMES.tz_localize("UTC"),
        PANEL_TIMES.astype("timestamp[ns][pyarrow]"),
        pd.RangeIndex(5),
    ],
    ids=["dates", "periods", "zone", "Arrow", "numbers"],
)
@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_windows_of_a_panel_have_rows_of_one_series(times, alternate, container):
    pytest.importorskip("polars")
    frame = panel(times)
    if alternate:
        frame = frame.iloc[np.arange(10).reshape(2, 5).T.ravel()]
    result = SlidingWindows(3).set_output(transform=container).fit_transform(frame)
    expected = naive(frame.to_numpy(), 3, frame.index.get_level_values(0))
    np.testing.assert_array_equal(np.asarray(result), expected)
    assert not np.array_equal(np.asarray(result), naive(frame.to_numpy(), 3), equal_nan=True)


def test_groups_divide_the_series_of_the_index():
    """A group has rows of one series, and a series rows of one group."""
    frame = panel().assign(group=[0, 1, 0, 1, 0] * 2)
    ids = frame.index.get_level_values(0) + frame["group"].astype(str)
    result = SlidingWindows(3, id_column="group").fit_transform(frame)
    np.testing.assert_array_equal(result, naive(frame[["a", "b"]].to_numpy(), 3, ids))


def test_a_pipeline_predicts_a_panel_as_each_series_alone():
    frame = panel()
    y = frame["a"].groupby(level=0).shift(-1).ffill()
    model = make_pipeline(SlidingWindows(3), RNNRegressor(n_channels=2, hidden_size=3, max_iter=1))
    both = model.fit(frame, y).predict(frame)
    alone = [model.predict(frame.loc[[label]]) for label in "ba"]
    np.testing.assert_array_equal(both, np.concatenate(alone))


BACK = pd.DataFrame({"a": np.arange(4.0)})


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (BACK.set_index(pd.Index([0, 1, 0, 1])), "X goes back in time in row 2: 0 comes after 1"),
        (BACK.set_index(pd.Index([0, 1, 0, 1], dtype="Int64")), "goes back in time in row 2"),
        (BACK.set_index(pd.Index([0, 1, 0, 1], dtype="int64[pyarrow]")), "back in time in row 2"),
        (
            BACK.set_index(TIMES[[1, 0, 1, 0]].astype("timestamp[ns][pyarrow]")),
            "back in time in row 2: 2020-01-01 comes after 2020-01-02",
        ),
        (BACK.set_index(TIMES[[1, 0, 1, 0]].astype("date32[pyarrow]")), "back in time in row 2"),
        (BACK.set_index(TIMES[[1, 1, 0, 0]]), "more than once"),
        (BACK.set_index(pd.Index([0, 0, 1, 1])), "more than once"),
        (BACK.set_index(pd.Index(["a", "a", "b", "b"])), "has 'a' in its index more than once"),
        (BACK.set_index(pd.DatetimeIndex([*TIMES, None])), r"no time stamp \(NaT\) in row 3"),
        (panel().swaplevel(), "Level 1 .*swaplevel"),
        (panel(ids=[1, 2]).swaplevel(), "dates in level 0 .*swaplevel"),
        (pd.concat({"north": panel()}), "3 levels in its index"),
        (panel(PANEL_TIMES[::-1]), "goes back in time in row 1"),
        (panel().reset_index(level=1), r"Column 'time' of X .* X.set_index\('time'\)"),
    ],
)
def test_rows_that_go_back_are_refused(X, message):
    for lookback in (2, 1):
        with pytest.raises(ValueError, match=message):
            SlidingWindows(lookback).fit(X)
    if "time" not in X.columns:
        windows = SlidingWindows(2).fit(X.reset_index(drop=True))
        with pytest.raises(ValueError, match=message):
            windows.transform(X)


def test_groups_is_taken_with_a_warning():
    with pytest.warns(FutureWarning, match="use id_column='id'"):
        windows = SlidingWindows(2, groups="id").fit(FRAME)
    expected = SlidingWindows(2, id_column="id").fit_transform(FRAME)
    np.testing.assert_array_equal(windows.transform(FRAME), expected)

"""Forecasts of hierarchies made coherent, against the published formulas."""

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster, aggregate, reconcile
from tsrnn.data import DataError

RNG = np.random.default_rng(5)
BOTTOM = list("abcde")
TREE = {"total": ["north", "south"], "north": ["a", "b"], "south": ["c", "d", "e"]}
CROSSED = TREE | {"small": ["a", "c"]}  # a series that is a part of two sums
SUMS = {"total": "abcde", "north": "ab", "south": "cde", "small": "ac"}
LABELS = [*SUMS, *BOTTOM]
S = np.array([[part in parts for part in BOTTOM] for parts in SUMS.values()], float)
S = np.vstack([S, np.eye(5)])
DAYS = pd.date_range("2024-01-01", periods=3, name="ds")
FORECASTS = pd.DataFrame(RNG.normal(20, 5, (3, 9)), DAYS, LABELS)
PAST = pd.date_range("2023-01-01", periods=30, name="ds")
RESIDUALS = pd.DataFrame(RNG.normal(size=(30, 9)) @ RNG.normal(size=(9, 9)), PAST, LABELS)
METHODS = ["bottom_up", "ols", "wls_struct", "wls_var", "mint_cov", "mint_shrink"]


def long(wide, value="y"):
    frame = wide.reset_index().melt("ds", var_name="unique_id", value_name=value)
    return frame[["unique_id", "ds", value]].dropna(ignore_index=True)


def shrunk(residuals):
    """Schäfer & Strimmer (2005), correlation by correlation."""
    n, n_series = residuals.shape
    covariance = residuals.T @ residuals / n
    deviation = np.sqrt(np.diag(covariance))
    scaled = residuals / deviation
    variances = squares = 0.0
    for i in range(n_series):
        for j in range(n_series):
            if i != j:
                products = scaled[:, i] * scaled[:, j]
                variances += n / (n - 1) * ((products - products.mean()) ** 2).sum() / n**2
                squares += products.mean() ** 2
    share = min(1.0, variances / squares)
    return share * np.diag(np.diag(covariance)) + (1 - share) * covariance


def covariance_of(method):
    residuals = RESIDUALS.to_numpy()
    if method == "wls_struct":
        return np.diag(S.sum(axis=1))
    if method == "mint_shrink":
        return shrunk(residuals)
    covariance = residuals.T @ residuals / len(residuals)
    return {
        "ols": np.eye(9),
        "wls_var": np.diag(np.diag(covariance)),
        "mint_cov": covariance,
    }[method]


@pytest.mark.parametrize("method", METHODS[1:])
def test_published_formula(method):
    """S (S' W^-1 S)^-1 S' W^-1 y, equation 10 of Wickramasuriya et al. (2019)."""
    inverse = np.linalg.inv(covariance_of(method))
    project = S @ np.linalg.inv(S.T @ inverse @ S) @ S.T @ inverse
    assert np.trace(project) == pytest.approx(5)  # so that the test is one of a projection
    result = reconcile(FORECASTS, CROSSED, method=method, residuals=RESIDUALS)
    np.testing.assert_allclose(result, FORECASTS @ project.T, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_coherent_and_unbiased(method):
    before = FORECASTS.copy()
    result = reconcile(FORECASTS, CROSSED, method=method, residuals=RESIDUALS)
    pd.testing.assert_frame_equal(FORECASTS, before)
    assert result.index.equals(DAYS)
    assert result.columns.tolist() == LABELS
    np.testing.assert_allclose(result, result[BOTTOM] @ S.T, rtol=0, atol=1e-9)
    # What is coherent stays: a projection onto coherent forecasts keeps their mean.
    np.testing.assert_allclose(
        reconcile(result, CROSSED, method=method, residuals=RESIDUALS), result, atol=1e-9
    )


def test_bottom_up_sums_the_bottom_series():
    result = reconcile(FORECASTS, CROSSED, method="bottom_up")
    np.testing.assert_allclose(result, FORECASTS[BOTTOM] @ S.T)


def test_auto_takes_residuals_if_there_are_any():
    pd.testing.assert_frame_equal(
        reconcile(FORECASTS, CROSSED), reconcile(FORECASTS, CROSSED, method="wls_struct")
    )
    pd.testing.assert_frame_equal(
        reconcile(FORECASTS, CROSSED, residuals=RESIDUALS),
        reconcile(FORECASTS, CROSSED, method="mint_shrink", residuals=RESIDUALS),
    )


def test_top_down_divides_the_total_by_the_shares_of_forecasts():
    labels = [label for label in LABELS if label != "small"]
    values = dict(zip(labels, [100.0, 20.0, 60.0, 3.0, 1.0, 10.0, 30.0, 0.0], strict=True))
    result = reconcile(pd.DataFrame(values, DAYS[:1]), TREE, method="top_down").iloc[0]
    expected = {"total": 100, "north": 25, "south": 75, "a": 18.75, "b": 6.25}
    expected |= {"c": 18.75, "d": 56.25, "e": 0}
    assert result.to_dict() == pytest.approx(expected)
    halved = pd.DataFrame(values | {"a": 0.0, "b": 0.0}, DAYS[:1])
    halved = reconcile(halved, TREE, method="top_down").iloc[0]
    assert halved["a"] == halved["b"] == 12.5  # nothing tells their shares
    with pytest.raises(ValueError, match="needs a tree"):
        reconcile(FORECASTS, CROSSED, method="top_down")


def test_a_sum_of_one_part_in_a_tree():
    tree = {"total": ["north", "south"], "north": ["a"], "south": ["b", "c"]}
    values = {"total": [60.0], "north": [10.0], "south": [20.0], "a": [7.0], "b": [1.0], "c": [3.0]}
    result = reconcile(pd.DataFrame(values), tree, method="top_down")
    assert result.iloc[0].tolist() == [60, 20, 40, 20, 10, 30]


def test_nonnegative():
    low = FORECASTS.assign(a=-30.0)
    assert (reconcile(low, CROSSED)["a"] < 0).all()
    result = reconcile(low, CROSSED, nonnegative=True)
    assert (result["a"] == 0).all()
    np.testing.assert_allclose(result, result[BOTTOM] @ S.T, atol=1e-9)


@pytest.mark.parametrize("form", ["long", "shuffled", "levels", "frame on levels", "polars"])
def test_forms(form):
    expected = long(reconcile(FORECASTS, CROSSED, residuals=RESIDUALS))
    frame, residuals = long(FORECASTS), long(RESIDUALS, "error")
    if form == "shuffled":
        frame = frame.sample(frac=1, random_state=0)
        result = reconcile(frame, CROSSED, residuals=residuals)
        assert result.index.equals(frame.index)
        pd.testing.assert_frame_equal(result.sort_index(), expected)
        return
    if form in ("levels", "frame on levels"):
        frame, expected = (
            frame.set_index(["unique_id", "ds"]),
            expected.set_index(["unique_id", "ds"]),
        )
        if form == "levels":
            frame, expected = frame["y"], expected["y"]
    if form == "polars":
        polars = pytest.importorskip("polars")
        frame = polars.DataFrame(frame.to_dict("list"))
        result = reconcile(frame, CROSSED, residuals=residuals)
        assert result.columns == frame.columns
        assert result["ds"].dtype == frame["ds"].dtype
        np.testing.assert_allclose(result["y"], expected["y"])
        return
    result = reconcile(frame, CROSSED, residuals=residuals)
    compare = pd.testing.assert_series_equal if form == "levels" else pd.testing.assert_frame_equal
    compare(result, expected)


def test_summing_matrix_is_the_same_as_parts():
    matrix = pd.DataFrame(S, LABELS, BOTTOM)
    pd.testing.assert_frame_equal(reconcile(FORECASTS, matrix), reconcile(FORECASTS, CROSSED))
    matrix = matrix.rename_axis("unique_id").reset_index()  # as hierarchicalforecast has it
    pd.testing.assert_frame_equal(reconcile(FORECASTS, matrix), reconcile(FORECASTS, CROSSED))


def test_columns_of_a_backtest():
    """Each forecast on its own, by cutoff and time; actual values stay."""
    frame = long(FORECASTS, "RNNForecaster")
    frames = [frame.assign(cutoff=cutoff, y=1.0) for cutoff in (1, 2)]
    frame = pd.concat(frames, ignore_index=True)
    frame["naive"] = frame["RNNForecaster"] * frame["cutoff"]
    errors = pd.concat(
        [long(RESIDUALS, "RNNForecaster").assign(cutoff=0, y=2.0, naive=RNG.normal(size=270))]
    )
    result = reconcile(frame, CROSSED, residuals=errors)
    assert (result["y"] == 1).all()
    assert result.columns.tolist() == frame.columns.tolist()
    expected = long(reconcile(FORECASTS, CROSSED, residuals=RESIDUALS))["y"]
    for cutoff in (1, 2):
        part = result[result["cutoff"] == cutoff]
        np.testing.assert_allclose(part["RNNForecaster"], expected)
    other = errors[["unique_id", "ds", "naive"]]
    expected = reconcile(long(FORECASTS), CROSSED, residuals=other)["y"]
    np.testing.assert_allclose(result["naive"], np.append(expected, 2 * expected))


def test_unequal_residuals_and_series_without_errors():
    errors = RESIDUALS.copy()
    errors.iloc[:10, 3] = np.nan
    result = reconcile(FORECASTS, CROSSED, residuals=long(errors.iloc[::-1]))
    expected = reconcile(FORECASTS, CROSSED, residuals=errors.iloc[10:])
    pd.testing.assert_frame_equal(result, expected)
    errors["a"] = 0.0  # a forecast that was always right is believed
    for method in ("wls_var", "mint_shrink"):
        result = reconcile(FORECASTS, CROSSED, method=method, residuals=errors)
        np.testing.assert_allclose(result["a"], FORECASTS["a"], rtol=1e-6)


def test_forecasts_and_samples_of_a_forecaster():
    t = np.arange(48)
    wave = np.sin(2 * np.pi * t / 12)
    y = pd.DataFrame(
        {"a": 30 + 5 * wave, "b": 20 + RNG.normal(size=48)},
        pd.date_range("2020-01-01", periods=48, freq="MS"),
    )
    tree = {"total": ["a", "b"]}
    forecaster = RNNForecaster(horizon=3, max_iter=0).fit(aggregate(y, tree))
    for frame in (forecaster.predict(), forecaster.predict_samples(n_samples=5)):
        result = reconcile(frame, tree)
        assert result.columns.equals(frame.columns)
        assert result.index.equals(frame.index)
        np.testing.assert_allclose(result["total"], result["a"] + result["b"], atol=1e-9)
    with pytest.raises(ValueError, match="'lower_90' of forecasts is a quantile or a bound"):
        reconcile(forecaster.predict_interval(), tree)


@pytest.mark.parametrize("form", ["wide", "long", "levels", "polars"])
def test_aggregate(form):
    days = pd.date_range("2024-01-01", periods=5, name="ds")
    wide = pd.DataFrame(S[4:] * np.arange(1, 6), days, BOTTOM)
    wide.loc[wide.index[0], "b"] = np.nan
    y = {"wide": wide, "long": long(wide), "levels": long(wide).set_index(["unique_id", "ds"])["y"]}
    if form == "polars":
        polars = pytest.importorskip("polars")
        y["polars"] = polars.DataFrame(long(wide).to_dict("list"))
    result = aggregate(y[form], CROSSED)
    if form == "polars":
        assert result.columns == ["unique_id", "ds", "y"]
        result = pd.DataFrame(result.to_dict(as_series=False))
    if form == "levels":
        result = result.reset_index()
    if form != "wide":
        assert len(result) == 4 + 4 + 5 + 5 + 24
        result = result.pivot_table(index="ds", columns="unique_id", values="y")
    assert result["total"].isna().tolist() == [True] + [False] * 4
    assert result["total"].iloc[1:].tolist() == [2, 3, 4, 5]
    assert result["small"].tolist() == [1, 0, 3, 0, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="a"), "has no series 'a', which is in the hierarchy"),
        (lambda f: f.assign(z=1.0), "has the series 'z', which is not in the hierarchy"),
        (lambda f: f.assign(a=np.nan), "Series 'a' of forecasts is missing or infinite at 2024-01"),
        (lambda f: long(f).iloc[1:], "Series 'total' of forecasts is missing .* at 2024-01-01"),
        (lambda f: pd.concat([long(f)] * 2), "Series 'total' .* two rows at 2024-01-01"),
        (lambda f: long(f).assign(note="x"), "Column 'note' of forecasts must hold numbers"),
        (lambda f: long(f).rename(columns={"ds": "day"}), "without 'ds'"),
        (
            lambda f: long(f).set_axis(["node", "m", "qty"], axis=1),
            "forecasts has text in 'node'.* no column 'unique_id'. Give id_column='node', and time",
        ),
        (
            lambda f: long(f).set_axis(["node", "m", "qty"], axis=1).astype({"node": "category"}),
            "no column 'unique_id'. Give id_column='node'",
        ),
    ],
)
def test_bad_forecasts(change, message):
    with pytest.raises(DataError, match=message):
        reconcile(change(FORECASTS), CROSSED)


@pytest.mark.parametrize(
    ("hierarchy", "message"),
    [
        ({}, "hierarchy is empty"),
        ({"total": []}, "'total' of hierarchy has no parts"),
        ({"total": ["a", "a"]}, "has a part twice"),
        ({"total": ["north"], "north": ["total"]}, "is a part of itself"),
        ([("total", "a")], "got list"),
        (pd.DataFrame(S * 2, LABELS, BOTTOM), "no summing matrix"),
        (pd.DataFrame(S[:5], LABELS[:5], BOTTOM), "has a column 'b', and no row"),
    ],
)
def test_bad_hierarchies(hierarchy, message):
    with pytest.raises(DataError, match=message):
        reconcile(FORECASTS, hierarchy)


def test_bad_residuals():
    with pytest.raises(ValueError, match="method='wls_var' needs residuals"):
        reconcile(FORECASTS, CROSSED, method="wls_var")
    with pytest.raises(DataError, match=r"has 9 times .* too few for method='mint_cov'"):
        reconcile(FORECASTS, CROSSED, method="mint_cov", residuals=RESIDUALS[:9])
    with pytest.raises(DataError, match="has 0 times at which all series have a residual"):
        reconcile(FORECASTS, CROSSED, residuals=RESIDUALS * np.nan)
    several = long(RESIDUALS, "net").assign(cutoff=0, naive=1.0)
    message = r"has the columns \['net', 'naive'\] of values, and forecasts one"
    with pytest.raises(DataError, match=message) as error:
        reconcile(FORECASTS, CROSSED, residuals=several)
    kept = ["unique_id", "cutoff", "ds", "net"]
    assert f"for instance residuals[{kept}]" in str(error.value)
    found = reconcile(FORECASTS, CROSSED, residuals=several[kept])
    pd.testing.assert_frame_equal(found, reconcile(FORECASTS, CROSSED, residuals=RESIDUALS))
    coherent = RESIDUALS[BOTTOM] @ S.T
    coherent.columns = LABELS
    with pytest.raises(ValueError, match="singular"):
        reconcile(FORECASTS, CROSSED, method="mint_cov", residuals=coherent)
    with pytest.raises(DataError, match="'total', which is a sum"):
        aggregate(FORECASTS, CROSSED)

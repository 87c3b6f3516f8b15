"""A forecaster among scikit-learn's tools: what works, and what says why it does not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from tsrnn import RNNForecaster
from tsrnn.forecasting import (
    RollingOriginSplit,
    forecast_scorer,
    mae,
    rmse,
    rmsse,
    seasonal_scale,
    smape,
)

DAYS = pd.date_range("2024", periods=80)
Y = pd.Series(20 + np.sin(np.arange(80.0)), DAYS, name="sold")
X = pd.DataFrame({"price": np.cos(np.arange(80.0)), "sale": np.arange(80) % 3 == 0}, DAYS)


def quick(**kwargs):
    return RNNForecaster(**{"horizon": 4, "max_iter": 2, "hidden_size": 4, "season": 1} | kwargs)


@pytest.mark.parametrize("scoring", ["neg_mean_absolute_error", "r2"])
def test_scorers_of_scikit_learn_are_refused_by_what_to_do(scoring):
    search = GridSearchCV(
        quick(), {"max_iter": [1]}, scoring=scoring, cv=TimeSeriesSplit(2), error_score="raise"
    )
    with pytest.raises(
        ValueError, match=r"horizon must be .* a Series.* leave scoring out.*forecast_scorer"
    ):
        search.fit(Y, X)


def test_a_function_is_a_scorer():
    def score(forecaster, y):
        return -mae(y, forecaster.predict(len(y)))

    search = GridSearchCV(quick(), {"max_iter": [1, 2]}, scoring=score, cv=TimeSeriesSplit(2))
    assert np.isfinite(search.fit(Y).best_score_)


LONG = pd.concat(
    {name: (k + 1) * Y[k:].rename("y") for k, name in enumerate(["b", "a"])},
    names=["unique_id", "ds"],
).reset_index()


@pytest.mark.parametrize(
    ("metric", "error"),
    [
        ("mae", mae),
        ("rmse", rmse),
        ("smape", smape),
        ("rmsse", lambda y, forecast: rmsse(y, forecast, seasonal_scale(Y[:70], 1, squared=True))),
    ],
)
def test_named_scorers_are_minus_the_error_of_each_series(metric, error):
    forecaster = quick(pretrained=None).fit(Y[:70])
    expected = -error(Y[70:74], forecaster.predict())
    assert forecast_scorer(metric)(forecaster, Y[70:74]) == pytest.approx(expected)
    panel = pd.DataFrame({"a": Y, "b": 2 * Y + X["price"]})
    forecaster.fit(panel[:70])
    if metric != "rmsse":
        errors = [error(panel[70:74][k], forecaster.predict()[k]) for k in panel]
        assert forecaster.score(panel[70:74], metric=metric) == pytest.approx(-np.mean(errors))


@pytest.mark.parametrize("form", ["long", "shuffled", "two levels", "wide"])
def test_rolling_origins_are_of_each_series(form):
    frame = LONG
    if form == "shuffled":
        frame = LONG.sample(frac=1, random_state=0)
    if form == "two levels":
        frame = LONG.set_index(["unique_id", "ds"])["y"]
    if form == "wide":
        frame = pd.DataFrame({"a": Y, "b": Y})
    cv = RollingOriginSplit(5, n_windows=3, step=2)
    parts = list(cv.split(frame))
    assert len(parts) == cv.get_n_splits() == 3
    times = frame.reset_index()["ds"] if form != "wide" else pd.Series(frame.index)
    ids = frame.reset_index()["unique_id"] if form != "wide" else pd.Series(0, times.index)
    for window, (train, test) in enumerate(parts):
        assert not {*train} & {*test}
        for label in ids.unique():
            known, scored = (
                times.iloc[rows][(ids == label).to_numpy()[rows]].sort_values()
                for rows in (train, test)
            )
            assert known.iloc[-1] == DAYS[-1 - 5 - 2 * (2 - window)]
            assert scored.tolist() == [known.iloc[-1] + pd.Timedelta(days=k) for k in range(1, 6)]
            first = times[(ids == label).to_numpy()].min()
            assert known.tolist() == pd.date_range(first, known.iloc[-1]).tolist()


def test_a_grid_search_of_a_long_frame():
    scoring = {name: forecast_scorer(name) for name in ("mae", "mase")}
    cv = RollingOriginSplit(4, n_windows=2)
    forecaster = quick(pretrained=None, refit=False)
    found = GridSearchCV(forecaster, {"max_iter": [1, 3]}, scoring=scoring, cv=cv, refit="mae")
    found.fit(LONG)
    best = found.cv_results_["params"][int(np.argmax(found.cv_results_["mean_test_mae"]))]
    train, test = next(cv.split(LONG))
    fitted = quick(pretrained=None, refit=False, **best).fit(LONG.iloc[train])
    first = found.cv_results_["split0_test_mae"].max()
    if found.cv_results_["split0_test_mae"].argmax() == found.best_index_:
        assert fitted.score(LONG.iloc[test], metric="mae") == pytest.approx(first)
    assert found.best_params_ == best


def test_too_many_origins_are_refused():
    with pytest.raises(ValueError, match="has a series of 79 rows, too few for n_windows=20"):
        list(RollingOriginSplit(4, n_windows=20).split(LONG))


@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error", "r2"])
@pytest.mark.parametrize("past", [(), ("price",), ("price", "sale")])
def test_permutation_importance_is_refused_by_what_to_do(scoring, past):
    forecaster = quick(past_covariates=past).fit(Y[:60], X[:60])
    with pytest.raises(ValueError, match="permutation_importance"):
        permutation_importance(forecaster, X[60:], Y[60:], scoring=scoring, n_repeats=1)
    assert np.isfinite(forecaster.score(Y[60:], X[60:]))


@pytest.mark.parametrize("method", ["predict", "predict_interval", "predict_samples"])
@pytest.mark.parametrize("given", [X[60:], Y[60:], X[60:].to_numpy()])
def test_data_in_place_of_the_horizon_is_named(method, given):
    forecaster = quick().fit(Y[:60])
    with pytest.raises(ValueError, match=f"horizon must be .* {type(given).__name__}.*X=.*y="):
        getattr(forecaster, method)(given)

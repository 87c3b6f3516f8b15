"""A forecaster among scikit-learn's tools: what works, and what says why it does not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from tsrnn import RNNForecaster
from tsrnn.forecasting import mae

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
    with pytest.raises(ValueError, match=r"horizon must be .* a Series.* leave scoring out"):
        search.fit(Y, X)


def test_a_function_is_a_scorer():
    def score(forecaster, y):
        return -mae(y, forecaster.predict(len(y)))

    search = GridSearchCV(quick(), {"max_iter": [1, 2]}, scoring=score, cv=TimeSeriesSplit(2))
    assert np.isfinite(search.fit(Y).best_score_)


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

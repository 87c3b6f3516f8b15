"""scikit-learn's own checks: rows are whole sequences, so that none need fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsrnn import RNNClassifier, RNNRegressor


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([RNNRegressor(), RNNClassifier()])
def test_estimator_checks(estimator, check):
    check(estimator)

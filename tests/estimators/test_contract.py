"""scikit-learn's own checks: rows are whole sequences, so that none need fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsrnn import RNNClassifier, RNNRegressor

pytestmark = pytest.mark.slow

ATTENDING = {"cell": "attention", "hidden_size": 8, "n_heads": 2}
ESTIMATORS = [
    RNNRegressor(),
    RNNClassifier(),
    RNNRegressor(**ATTENDING),
    RNNClassifier(**ATTENDING),
]


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ESTIMATORS)
def test_estimator_checks(estimator, check):
    check(estimator)

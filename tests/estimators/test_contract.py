"""scikit-learn's own checks: where rows are whole sequences, none need fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsrnn import RNNClassifier, RNNRegressor, RNNTagger

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


ROWS_ARE_STEPS = "the rows of a table are the steps of one sequence, and their order matters"
ONE_WEIGHT = "the rows of a table are the steps of one sequence, which has one weight"
NOT_FOR_TAGGERS = {
    "check_methods_sample_order_invariance": ROWS_ARE_STEPS,
    "check_methods_subset_invariance": ROWS_ARE_STEPS,
    "check_n_features_in_after_fitting": "calls partial_fit without the classes",
    "check_sample_weights_pandas_series": ONE_WEIGHT,
    "check_sample_weights_not_an_array": ONE_WEIGHT,
    "check_sample_weights_list": ONE_WEIGHT,
    "check_all_zero_sample_weights_error": ONE_WEIGHT,
    "check_sample_weights_shape": ONE_WEIGHT,
    "check_sample_weights_not_overwritten": ONE_WEIGHT,
    "check_sample_weight_equivalence_on_dense_data": ONE_WEIGHT,
}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([RNNTagger()], expected_failed_checks=lambda estimator: NOT_FOR_TAGGERS)
def test_checks_of_the_tagger(estimator, check):
    check(estimator)

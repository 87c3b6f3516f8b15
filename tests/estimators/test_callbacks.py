"""scikit-learn's callbacks hear of each epoch."""

import pytest

from tsrnn import RNNClassifier, RNNRegressor
from tsrnn.datasets import make_adding_problem

pytestmark = pytest.mark.slow

pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")
X, Y = make_adding_problem(100, 6, random_state=0)


class Recorder:
    def __init__(self):
        self.heard = []

    def setup(self, estimator, context):
        self.heard.append("setup")

    def on_fit_task_begin(self, estimator, context, **kwargs):
        self.heard.append(f"{context.task_name} begins")

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.heard.append(f"{context.task_name} ends")

    def teardown(self, estimator, context):
        self.heard.append("teardown")


@pytest.mark.parametrize(
    ("estimator", "y"), [(RNNRegressor, Y), (RNNClassifier, Y > 1)], ids=["numbers", "classes"]
)
def test_each_epoch_is_a_task_of_the_fit(estimator, y):
    recorder = Recorder()
    estimator(n_channels=2, max_iter=2).set_callbacks(recorder).fit(X, y)
    epoch = ["epoch begins", "epoch ends"]
    assert recorder.heard == ["setup", "fit begins", *epoch, *epoch, "fit ends", "teardown"]


def test_a_failing_fit_tears_down():
    recorder = Recorder()
    with pytest.raises(ValueError, match="n_channels"):
        RNNRegressor(n_channels=5).set_callbacks(recorder).fit(X, Y)
    assert recorder.heard == []  # nothing was set up before the data were refused

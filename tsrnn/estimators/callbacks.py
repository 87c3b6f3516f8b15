"""scikit-learn's callbacks, where it has them (1.9, experimental): a task for each epoch."""

from __future__ import annotations

from typing import Any

from tsrnn.training import History

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # an older scikit-learn

    class CallbackSupportMixin:
        """Nothing to support."""

    def with_callbacks(method):
        """Leave a method as it is."""
        return method


class EpochTasks:
    """Tells the callbacks of an estimator of each epoch that is done.

    Parameters
    ----------
    estimator : estimator
        With or without callbacks.
    n_epochs : int
        Most epochs that are to come.
    """

    def __init__(self, estimator: Any, n_epochs: int):
        self._estimator, self._done, self._fit = estimator, 0, None
        if hasattr(estimator, "_init_callback_context"):
            self._fit = estimator._init_callback_context(max_subtasks=n_epochs)
            self._fit.call_on_fit_task_begin(estimator=estimator)

    def __call__(self, progress: float, history: History) -> None:
        """Hear how far training is."""
        while self._fit is not None and self._done < len(history.loss_curve):
            epoch = self._fit.subcontext(task_name="epoch")
            epoch.call_on_fit_task_begin(estimator=self._estimator)
            epoch.call_on_fit_task_end(estimator=self._estimator)
            self._done += 1

    def end(self, history: History) -> None:
        """Training is over."""
        self(1.0, history)
        if self._fit is not None:
            self._fit.call_on_fit_task_end(estimator=self._estimator)

"""scikit-learn's callbacks (experimental, from 1.9 on): each epoch of a fit is a task."""

from typing import Any

from tsrnn.training import History

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's mixin."""

    def with_callbacks(method):
        """Return the method unchanged."""
        return method


class EpochCallbacks:
    """Reports each finished epoch to an estimator's callbacks; nothing without a context."""

    def __init__(self, estimator: Any, context: Any):
        self._estimator, self._context, self._n_reported = estimator, context, 0
        if context is not None:
            context.call_on_fit_task_begin(estimator=estimator)

    def __call__(self, progress: float, history: History) -> None:
        """Report the epochs finished since the last call."""
        while self._context is not None and self._n_reported < len(history.loss_curve):
            epoch = self._context.subcontext(task_name="epoch")
            epoch.call_on_fit_task_begin(estimator=self._estimator)
            epoch.call_on_fit_task_end(estimator=self._estimator)
            self._n_reported += 1

    def end(self, history: History) -> None:
        """Report the remaining epochs and the end of the fit."""
        self(1.0, history)
        if self._context is not None:
            self._context.call_on_fit_task_end(estimator=self._estimator)


class EpochCallbackMixin(CallbackSupportMixin):
    """Mixin of estimators whose fit reports its epochs to scikit-learn's callbacks."""

    def _start_callbacks(self, n_epochs: int) -> EpochCallbacks:
        """Start reporting a fit of at most ``n_epochs`` epochs."""
        if not hasattr(self, "_init_callback_context"):
            return EpochCallbacks(self, None)
        return EpochCallbacks(self, self._init_callback_context(max_subtasks=n_epochs))

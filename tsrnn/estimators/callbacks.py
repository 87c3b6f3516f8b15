"""scikit-learn's callbacks (experimental, from 1.9 on): each epoch of a fit is a task."""

from collections.abc import Callable
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
    """Reports each finished epoch to an estimator's callbacks, once it has started.

    ``context_of`` makes the context of a fit of at most so many epochs, None for none.
    """

    def __init__(self, estimator: Any, context_of: Callable[[int], Any]):
        self._estimator, self._context_of = estimator, context_of
        self._context: Any = None
        self._n_reported, self._has_started = 0, False

    def start(self, n_epochs: int) -> "EpochCallbacks":
        """Begin a fit of at most ``n_epochs`` epochs."""
        self._context, self._has_started = self._context_of(n_epochs), True
        if self._context is not None:
            self._context.call_on_fit_task_begin(estimator=self._estimator)
        return self

    def __call__(self, progress: float, history: History) -> None:
        """Report the epochs finished since the last call."""
        while self._context is not None and self._n_reported < len(history.loss_curve):
            epoch = self._context.subcontext(task_name="epoch")
            epoch.call_on_fit_task_begin(estimator=self._estimator)
            epoch.call_on_fit_task_end(estimator=self._estimator)
            self._n_reported += 1

    def end(self, history: History) -> None:
        """Report the remaining epochs and the end of the fit."""
        if not self._has_started:
            self.start(len(history.loss_curve))
        self(1.0, history)
        if self._context is not None:
            self._context.call_on_fit_task_end(estimator=self._estimator)


class EpochCallbackMixin(CallbackSupportMixin):
    """Mixin of estimators whose fit reports its epochs to scikit-learn's callbacks."""

    def _new_callbacks(self) -> EpochCallbacks:
        """What reports a fit, once its number of epochs is known."""
        return EpochCallbacks(self, self._callback_context)

    def _callback_context(self, n_epochs):
        if not hasattr(self, "_init_callback_context"):
            return None
        return self._init_callback_context(max_subtasks=n_epochs)

"""TrainingEstimator: base of the estimators that train one network, all at once or by calls."""

import contextlib
import copy
import dataclasses
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from tsrnn.estimators.base import RecurrentEstimator
from tsrnn.estimators.callbacks import EpochCallbackMixin
from tsrnn.estimators.progress import progress_bar
from tsrnn.estimators.sequence_model import PartialFitState
from tsrnn.network import Network
from tsrnn.parameters import BOOLEAN, NON_NEGATIVE, user_level
from tsrnn.training import History, Moments, Settings, train

_OPEN_ENDED = ("constant", "adaptive")  # schedules without an end


class TrainingEstimator(EpochCallbackMixin, RecurrentEstimator):
    """Base of the estimators whose ``fit`` and ``partial_fit`` train ``network_``."""

    _parameter_constraints = RecurrentEstimator._parameter_constraints | {
        "tol": [NON_NEGATIVE],
        "warm_start": [BOOLEAN],
    }
    network_: Network
    _partial_fit_state: PartialFitState | None = None

    def _settings_for(self, windows: np.ndarray, n_drawn: int | None = None) -> Settings:
        """Settings of a training on windows, of which an epoch draws all or ``n_drawn``."""
        if n_drawn is None:
            return self._settings(windows.size)
        settings = self._settings(n_drawn)
        return dataclasses.replace(settings, n_batches=-(-n_drawn // settings.batch_size))

    def _check_same(self, fitted: Mapping[str, Any]) -> None:
        """Raise ValueError for a parameter that is not what the weights so far were fitted with."""
        for name, value in fitted.items():
            now = getattr(self, name, value)
            if now != value:
                raise ValueError(
                    f"{name} was {value!r} in the fit to continue, and is now {now!r}. Set it "
                    "back, or fit anew with warm_start=False."
                )

    @contextlib.contextmanager
    def _restored_on_error(self):
        """Restore the state before a fit that fails; of others record the seconds."""
        before, start = dict(vars(self)), time.perf_counter()
        try:
            yield
        except BaseException:
            for name in [name for name in vars(self) if "callback" not in name]:
                delattr(self, name)  # scikit-learn still tears its callbacks down
            vars(self).update(before)
            raise
        self.fit_time_ = time.perf_counter() - start

    def _train_fully(self, source, rows, validation, rng, budget, n_drawn=None) -> None:
        """Train to the end of the schedule or the budget, or until the loss no longer falls."""
        settings = self._settings_for(rows, n_drawn)
        if self.learning_rate in _OPEN_ENDED:
            settings = dataclasses.replace(settings, tol=self.tol)
        callbacks = self._new_callbacks().start(settings.max_iter)
        parts = source, rows, validation, settings, rng
        history = self._train(*parts, budget=budget, on_progress=callbacks)
        callbacks.end(history)
        self._record(history)
        if self._partial_fit_state is not None:
            del self._partial_fit_state  # back to the None of the class
        ended = history.stopped or history.interrupted or history.was_cut
        if self.learning_rate in _OPEN_ENDED and not ended:
            warnings.warn(
                f"{type(self).__name__} had not converged after max_iter={settings.max_iter} "
                "epochs: its loss still fell. Raise max_iter, or use "
                "learning_rate='one_cycle', which comes to an end by itself.",
                ConvergenceWarning,
                stacklevel=user_level(),
            )

    def _train_epoch(self, source, rows, rng, is_new, n_drawn=None) -> None:
        """Train one epoch with a constant rate, from the optimiser's state of the last call.

        KeyboardInterrupt after Ctrl-C, as not all rows were trained on.
        """
        settings = self._settings_for(rows, n_drawn)
        settings = dataclasses.replace(settings, max_iter=1, learning_rate="constant")
        # Copies, so that after an error or Ctrl-C everything is as before.
        self.network_ = self.network_.like(self.network_.parameters.copy())
        state = None if is_new else copy.deepcopy(self._partial_fit_state)
        state = state or PartialFitState(Moments(self.network_), rng)
        validation = np.arange(0)
        history = self._train(source, rows, validation, settings, state.rng, moments=state.moments)
        if history.interrupted:
            raise KeyboardInterrupt("The rows were not learnt: give them again.")
        self._partial_fit_state = state
        if not is_new:
            history.best_iter += len(self.loss_curve_)
            history.loss_curve = [*self.loss_curve_, *history.loss_curve]
        self._record(history)

    def _train(
        self,
        source,
        rows,
        validation,
        settings,
        rng,
        *,
        moments=None,
        budget=None,
        on_progress=None,
    ) -> History:
        """Train the network, and show the progress."""
        with progress_bar(type(self).__name__, self.verbose) as show:

            def report(progress, history):
                show(progress, history)
                if on_progress is not None:
                    on_progress(progress, history)

            parts = self.network_, source, rows, validation, settings, rng
            return train(*parts, moments=moments, budget=budget, on_progress=report)

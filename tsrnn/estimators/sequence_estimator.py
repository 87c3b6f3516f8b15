"""What regressor and classifier share: a row is one sequence, in training and in use."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from tsrnn.estimators.base import ATTENTION, RecurrentEstimator
from tsrnn.estimators.callbacks import CallbackSupportMixin, EpochTasks
from tsrnn.estimators.sequences import Sequences, merged, sequences_of
from tsrnn.kernels.losses import find_loss
from tsrnn.kernels.windows import SKIP, TELL, Source, sequence_source
from tsrnn.training import Moments

_OPEN_ENDED = ("constant", "adaptive")  # schedules that do not come to an end by themselves


class SequenceEstimator(CallbackSupportMixin, RecurrentEstimator):
    """Base of the estimators whose rows are whole sequences."""

    _parameter_constraints = RecurrentEstimator._parameter_constraints | {
        **ATTENTION,
        "n_channels": [Interval(Integral, 1, None, closed="left")],
        "standardize": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags

    @contextlib.contextmanager
    def _all_or_nothing(self):
        """Leave what was fitted before as it was where a fit fails."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            for name in [name for name in vars(self) if "callback" not in name]:
                delattr(self, name)  # scikit-learn still tears its callbacks down
            vars(self).update(before)
            raise

    def _check_unchanged(self) -> None:
        """Refuse to go on with parameters that the weights so far do not fit."""
        network = self.network_
        before = {
            "cell": network.cell, "hidden_size": network.n_hidden, "n_layers": network.n_layers,
            "bidirectional": network.bidirectional, "residual": network.residual,
            "head_size": network.n_head, "n_channels": self.n_channels_in_,
            "n_heads": network.n_heads or self.n_heads, "segment": self._segment(),
            "dtype": network.parameters.dtype.name,
        }  # fmt: skip
        for name, value in before.items():
            if getattr(self, name) != value:
                raise ValueError(
                    f"{name} was {value!r} in the fit that is to be gone on from, and is now "
                    f"{getattr(self, name)!r}. Set it back, or fit anew with warm_start=False."
                )

    def _segment(self) -> int:
        """Steps that a recurrent step takes, as fitted."""
        return self.network_.n_in // (self.n_channels_in_ * (3 if self.missing_ == "tell" else 1))

    def _fit(self, X, y, sample_weight, *, again: bool) -> None:
        """Train on sequences; ``again`` goes on by an epoch from where the last call ended."""
        first = not (hasattr(self, "network_") and (again or self.warm_start))
        if not first:
            self._check_unchanged()
        sequences = sequences_of(self, X, self.n_channels, reset=first)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        targets = self._targets(y, first)
        if len(sequences) != len(targets):
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: X has "
                f"{len(sequences)} and y has {len(targets)}."
            )
        weights = self._weights(targets, sample_weight)
        if not (weights > 0).any():
            raise ValueError("sample_weight is zero for all rows: there is nothing to learn from.")
        learnt, judged = self._split(targets) if self.early_stopping and not again else (None, None)
        if learnt is None:
            learnt, judged = np.arange(len(targets)), np.arange(0)
        elif not (weights[learnt] > 0).any() or not (weights[judged] > 0).any():
            raise ValueError(
                "All rows to learn from, or all that are held out to judge by, have a weight of "
                "zero. Change validation_fraction or sample_weight."
            )
        learnt, merged_weights = merged(sequences, targets, weights, learnt)
        weights[learnt] = merged_weights
        n_out = self._n_out(targets.shape[1])
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        if first:
            self._learn_scales(sequences, targets, weights, learnt)
            factor = 3 if self.missing_ == "tell" else 1
            n_in = self.segment * self.n_channels * factor
            self.network_ = self._network(n_in, n_out, rng)
        elif n_out != self.network_.n_out:
            raise ValueError(
                f"loss={self.loss!r} reads {n_out} outputs, and the network that was fitted has "
                f"{self.network_.n_out}. Set loss and quantiles back, or fit anew with "
                "warm_start=False."
            )
        source = self._source(sequences, targets, weights)
        settings = self._settings(learnt.size)
        if again:
            settings = dataclasses.replace(settings, max_iter=1, learning_rate="constant")
        elif self.learning_rate in _OPEN_ENDED:
            settings = dataclasses.replace(settings, tol=self.tol)
        if again:
            if first or not hasattr(self, "_moments"):
                self._moments, self._rng = Moments(self.network_), rng
            rng = self._rng
        moments = self._moments if again else None
        tasks = None if again else EpochTasks(self, settings.max_iter)
        history = self._train(
            self.network_, source, learnt, judged, settings, rng, moments=moments,
            hears=tasks or (lambda progress, history: None),
        )  # fmt: skip
        if tasks:
            tasks.end(history)
        if again and not first:
            history.best_iter += len(self.loss_curve_)
            history.loss_curve = [*self.loss_curve_, *history.loss_curve]
        self._record(history)
        if not again:
            vars(self).pop("_moments", None)
            if self.learning_rate in _OPEN_ENDED and not (history.stopped or history.interrupted):
                warnings.warn(
                    f"{type(self).__name__} had not converged after max_iter={settings.max_iter} "
                    "epochs: its loss still fell. Raise max_iter, or use "
                    "learning_rate='one_cycle', which comes to an end by itself.",
                    ConvergenceWarning,
                    stacklevel=3,
                )

    def _split(self, targets) -> tuple[np.ndarray, np.ndarray]:
        """Rows to learn from, and the last ones, held out to judge by."""
        n_held_out = int(np.ceil(self.validation_fraction * len(targets)))
        if n_held_out >= len(targets):
            raise ValueError(
                f"early_stopping=True holds rows out, and there are only {len(targets)}. Use "
                "early_stopping=False, or give more rows."
            )
        rows = np.arange(len(targets))
        return rows[:-n_held_out], rows[-n_held_out:]

    def _targets(self, y: Any, first: bool) -> np.ndarray:
        """What the network learns of y, (n_samples, n_targets) float64; how y looks is kept."""
        raise NotImplementedError

    def _weights(self, targets: np.ndarray, sample_weight: Any) -> np.ndarray:
        """Weights of rows, (n_samples,) float64, a copy."""
        return _check_sample_weight(
            sample_weight, targets, dtype=np.float64, copy=True, ensure_non_negative=True
        )

    def _n_out(self, n_targets: int) -> int:
        return find_loss(self.loss).n_outputs(n_targets, self._loss_params())

    def _learn_scales(self, sequences: Sequences, targets, weights, learnt) -> None:
        """Mean and deviation of channels, and whether steps are missing, of the rows learnt."""
        self.missing_ = "tell" if sequences.missing else None
        self.n_channels_in_ = self.n_channels
        if not self.standardize:
            self.X_mean_, self.X_scale_ = np.zeros(self.n_channels), np.ones(self.n_channels)
            return

        def parts():
            for some in sequences.pieces(learnt):
                each = np.repeat(weights[some], sequences.lengths[some])
                yield sequences.values[sequences.rows_of(some)], each

        self.X_mean_, self.X_scale_ = mean_and_scale(parts)

    def _source(self, sequences: Sequences, targets=None, weights=()) -> Source:
        """Sequences on the network's scale."""
        if sequences.missing and self.missing_ is None:
            raise ValueError(
                "X has missing values (NaN) inside of sequences, and the network has seen none in "
                "fit. Fit on data that has some, or fill them; missing values at the beginning of "
                "a sequence only make it shorter."
            )
        segment = self._segment()
        if (sequences.lengths < segment).any():
            row = int(np.argmax(sequences.lengths < segment))
            raise ValueError(
                f"Row {row} of X has {sequences.lengths[row]} steps, fewer than segment={segment}: "
                "none of it would be read. Drop it, or fit with a smaller segment."
            )
        dtype = self.network_.parameters.dtype
        values = ((sequences.values - self.X_mean_) / self.X_scale_).astype(dtype)
        return sequence_source(
            values, sequences.firsts, sequences.lengths,
            None if targets is None else self._scaled(targets).astype(dtype), weights,
            missing=TELL if self.missing_ else SKIP,
        )  # fmt: skip

    def _scaled(self, targets):
        return targets

    def _outputs(self, X: Any) -> np.ndarray:
        """What the network says of each sequence, (n_samples, n_out) in its own units."""
        check_is_fitted(self)
        sequences = sequences_of(self, X, self.n_channels_in_, reset=False)
        windows = np.arange(len(sequences))
        return self._run_network(self.network_, self._source(sequences), windows)


def mean_and_scale(
    parts: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]],
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and deviation of columns; 1 where a column does not vary, or is missing.

    Parameters
    ----------
    parts : callable
        Gives, twice, the pieces of a table, each with the weights of its rows.
    """
    total, mean = _weighted_sums(parts, lambda values: values)
    mean = mean / np.maximum(total, np.finfo(float).tiny)
    _, squares = _weighted_sums(parts, lambda values: (values - mean) ** 2)
    scale = np.sqrt(squares / np.maximum(total, np.finfo(float).tiny))
    # What rounding leaves of a constant is no variation.
    return mean, np.where(scale > 10 * np.finfo(float).eps * np.abs(mean), scale, 1.0)


def _weighted_sums(parts, function):
    """Of columns: the weights of what is not missing, and the weighted sum of a function of it."""
    total, result = 0.0, 0.0
    for values, weights in parts():
        there = ~np.isnan(values)
        total = total + (there * weights[:, None]).sum(axis=0)
        result = result + (np.where(there, function(values), 0.0) * weights[:, None]).sum(axis=0)
    return total, result

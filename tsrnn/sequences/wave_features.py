"""WaveFeaturesMixin: estimators that read waves and wav files by a transformer of their own."""

import copy
import dataclasses
import os
from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.estimators.sequences import Sequences, read_whole_sequences
from tsrnn.sequences.audio import MFCC, LogMel
from tsrnn.sequences.reading import read_entries


class WaveFeaturesMixin(SequenceEstimator):
    """Estimators of whole sequences whose parameter ``features`` makes these of waves."""

    features: LogMel | MFCC | None
    features_: LogMel | MFCC | None = None  # fitted, where features is given

    def _read(self, X: Any, n_channels: int | None, *, reset: bool, y: Any = None) -> Sequences:
        if reset:
            self._fit_features(X)
        if self.features_ is not None:
            features = self._current_features().transform(X)
            sequences = read_whole_sequences(self, features, n_channels, reset=reset, y=y)
            return dataclasses.replace(sequences, names=_names_of_waves(X, self.features_.hop))
        _check_collection(X)
        if _are_wav_files(X):
            raise ValueError(
                "X holds names of wav files, which features read: fit with features=MFCC(), or "
                "give what MFCC().fit_transform(X) returns."
            )
        return read_whole_sequences(self, X, n_channels, reset=reset, y=y)

    def _fit_features(self, X):
        """Set the transformer of waves, or that there is none."""
        vars(self).pop("features_", None)
        if self.features is None:
            return
        for name in ("embedding_size", "n_channels", "id_column", "time_column"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} and features={self.features!r} contradict one "
                    f"another: X is a list of waves or wav files. Leave {name} out, or features."
                )
        self.features_ = clone(self.features).fit(X)

    def _current_features(self):
        """The fitted transformer; whether it resamples is what ``features`` says now."""
        if type(self.features) is not type(self.features_):
            return self.features_
        return copy.copy(self.features_).set_params(resample=self.features.resample)

    def _check_unchanged(self) -> None:
        super()._check_unchanged()
        now, fitted = self.features, self.features_
        settings = [
            each and (type(each), each.get_params() | {"resample": None}) for each in (now, fitted)
        ]
        if settings[0] != settings[1]:
            raise ValueError(
                f"features was {fitted!r} in the fit to continue, and is now {now!r}. Set it back, "
                "or fit anew with warm_start=False."
            )

    @property
    def _hop(self) -> float | None:
        """Seconds of a step, where waves are read."""
        return None if self.features_ is None else self.features_.hop


def _names_of_waves(X, hop):
    """Waves and their files, for messages about the sequences that they became."""
    entries = X if isinstance(X, np.ndarray) else read_entries(X, "wave")
    return [
        f"Wave {number} of X{_of_file(entry)}, in steps of {hop:g} seconds,"
        for number, entry in enumerate(entries)
    ]


def _of_file(entry):
    return f", {os.fspath(entry)!r}" if isinstance(entry, (str, os.PathLike)) else ""


def _check_collection(X):
    """Raise ValueError unless X may hold sequences."""
    if hasattr(X, "__array__") and not hasattr(X, "shape"):
        X = np.asarray(X)
    is_array = getattr(X, "shape", ()) != ()
    if not (is_array or isinstance(X, Sequence)):
        raise ValueError(f"X must be a list of sequences, got {type(X).__name__}.")
    if not (X.shape[0] if is_array else len(X)):
        raise ValueError("X is empty: it has 0 samples. Give at least one sequence.")
    is_flat = getattr(X, "ndim", 2) == 1 and getattr(X.dtype, "kind", "O") in "iufb"
    if is_flat or (not is_array and all(isinstance(each, Number) for each in X)):
        raise ValueError("X is one sequence. Give a list of sequences: [X].")


def _are_wav_files(X):
    """Whether X is a list or Series of names of wav files, judged by the first."""
    if not isinstance(X, (list, tuple, pd.Series)) or not len(X):
        return False
    first = next(iter(X))
    return isinstance(first, (str, os.PathLike)) and os.fspath(first).lower().endswith(".wav")

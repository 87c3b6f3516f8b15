"""Estimators in files: arrays in an npz, the rest in JSON, and nothing that is ever executed.

A file is one line, ``tsrnn 1 sha256 <digest>``, and an npz without compression; the digest is of
``tsrnn 1`` and the npz. The npz's member ``json`` tells the estimator's class, parameters and
fitted attributes, and the versions of the libraries. What JSON has no word for stands there as
``{kind: parts}``, an array as ``{"array": its member}``.

A file may come from anyone. So kinds and classes are those listed here, every part has a type, and
what kernels would follow out of an array is held against the arrays.
"""

from __future__ import annotations

import os
from typing import Any

from tsrnn import __version__
from tsrnn.saving.estimators import ESTIMATORS, estimator_apart, estimator_joined
from tsrnn.saving.file import content_of, payload_of, read, write

__all__ = ["load", "save"]


def save(estimator: Any, path: str | os.PathLike) -> None:
    """Write an estimator, fitted or not, to a file that ``tsrnn.load`` reads.

    Parameters
    ----------
    estimator : RNNForecaster, RNNRegressor, RNNClassifier, RNNAnomalyDetector or Threshold
        What to write, with the series it was fitted on if it is a forecaster, and where its streams
        stand if it is a detector. What scikit-learn has hung on it, callbacks and metadata
        requests, is left out.
    path : str or Path
        Where to. A file that is there is replaced once the new one is complete.

    Raises
    ------
    ValueError
        If a parameter or fitted attribute is something that a file cannot hold; it is named.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import tsrnn
    >>> from tsrnn.datasets import load_airline
    >>> forecaster = tsrnn.RNNForecaster(max_iter=2, hidden_size=4).fit(load_airline())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tsrnn.save(forecaster, Path(folder) / "airline.tsrnn")
    ...     loaded = tsrnn.load(Path(folder) / "airline.tsrnn")
    >>> loaded.predict().equals(forecaster.predict())
    True
    """
    name = type(estimator).__name__
    if name not in ESTIMATORS or type(estimator) is not ESTIMATORS[name].of:
        raise ValueError(f"Cannot save a {name}, only {', '.join(ESTIMATORS)} themselves.")
    try:
        payload = payload_of(*estimator_apart(estimator))
        # What load refuses is refused while the estimator is there.
        estimator_joined(*content_of(payload))
    except Exception as error:
        raise ValueError(f"Cannot save this {name}: {error}") from error
    write(path, payload)


def load(path: str | os.PathLike) -> Any:
    """Read an estimator that ``tsrnn.save`` has written; it predicts the same, to the bit.

    A detector's ``update`` goes on where it was. Nothing in the file is executed, whoever wrote it.
    The checksum tells damage, not who wrote it.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    RNNForecaster, RNNRegressor, RNNClassifier, RNNAnomalyDetector or Threshold

    Raises
    ------
    ValueError
        If the file is none of ``tsrnn.save``, is damaged, or is of a newer format.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import tsrnn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tsrnn.save(tsrnn.RNNRegressor(cell="gru"), Path(folder) / "regressor.tsrnn")
    ...     tsrnn.load(Path(folder) / "regressor.tsrnn")
    RNNRegressor(cell='gru')
    """
    payload, writer = read(path), "version"
    try:
        content, arrays = content_of(payload)
        writer = f"tsrnn {content['versions']['tsrnn']:.20}"
        return estimator_joined(content, arrays)
    except Exception as error:  # whatever strange content makes zipfile, json, NumPy, pandas raise
        raise ValueError(
            f"{os.fspath(path)!r} cannot be loaded by tsrnn {__version__}, though its checksum is "
            f"right: {type(error).__name__}: {str(error)[:300]}. Load it with the {writer} that "
            "wrote it, or save the estimator again."
        ) from error

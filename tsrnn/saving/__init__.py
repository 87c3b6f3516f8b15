"""Saving of estimators to files: arrays in an npz, the rest as JSON; no code is ever executed.

A file is one line, ``tsrnn 1 sha256 <digest>``, and an uncompressed npz; the digest is of
``tsrnn 1`` and the npz. Its member ``json`` holds the class of the estimator, its parameters and
fitted attributes, and the versions of the libraries. Values that JSON cannot express are written as
``{codec: parts}``, arrays as ``{"array": number of the member}``.

Files are not trusted. Only the classes and codecs registered here are used, every part is checked
for its type, and numbers that kernels use as indices are checked against the arrays.
"""

import os
from typing import Any

from sklearn.pipeline import Pipeline

from tsrnn import __version__
from tsrnn.saving.estimators import ESTIMATORS, decode_estimator, encode_estimator
from tsrnn.saving.file import pack, read, unpack, write

__all__ = ["load", "save"]


def save(estimator: Any, path: str | os.PathLike) -> None:
    """Write an estimator, fitted or not, to a file that ``tsrnn.load`` reads.

    Parameters
    ----------
    estimator : estimator of tsrnn, Tokenizer, LogMel, MFCC or Threshold
        A forecaster is saved with its series, a detector with the state of its streams, none with
        callbacks and metadata requests of scikit-learn. The tokens of a Tokenizer are texts,
        numbers or tuples of these.
    path : str or Path
        Destination. An existing file is replaced once the new one is complete, and keeps its
        permissions; a symbolic link is followed, and a file with other hard links is overwritten.

    Raises
    ------
    ValueError
        If a parameter or fitted attribute cannot be saved, which the message names; or ``path`` is
        a FIFO, device or socket.
    OSError
        If the file cannot be written, as on a full disk. What stood there is left as it was.

    See Also
    --------
    load : Read the file.
    RNNForecaster : Its ``update`` adds new values to a loaded forecaster.

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
    if name not in ESTIMATORS or type(estimator) is not ESTIMATORS[name].cls:
        remedy = ""
        if isinstance(estimator, Pipeline):
            remedy = " Save each of its steps, and put what load returns in a pipeline again."
        known = ", ".join(ESTIMATORS)
        raise ValueError(f"Cannot save a {name}, only {known} themselves.{remedy}")
    try:
        payload = pack(*encode_estimator(estimator))
        decode_estimator(*unpack(payload))  # what cannot be loaded must not be saved
    except Exception as error:
        raise ValueError(f"Cannot save this {name}: {error}") from error
    write(path, payload)


def load(path: str | os.PathLike) -> Any:
    """Load an estimator from a file of ``tsrnn.save``; its predictions are the same to the bit.

    A detector's ``update`` continues where it was. Nothing in the file is executed. The checksum
    detects damage; it does not authenticate the author.

    Parameters
    ----------
    path : str or Path
        A file of ``tsrnn.save``.

    Returns
    -------
    estimator
        Of the class that was saved.

    Raises
    ------
    ValueError
        If ``path`` is no file of ``tsrnn.save``, is damaged, or has a newer format.

    See Also
    --------
    save : Write such a file.

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
        content, arrays = unpack(payload)
        writer = f"tsrnn {content['versions']['tsrnn']:.20}"
        return decode_estimator(content, arrays)
    except Exception as error:  # of zipfile, json, NumPy or pandas
        raise ValueError(
            f"{os.fspath(path)!r} cannot be loaded by tsrnn {__version__}, though its checksum is "
            f"right: {type(error).__name__}: {str(error)[:300]}. Load it with the {writer} that "
            "wrote it, or save the estimator again."
        ) from error

"""Waves of wav files and of arrays, in all forms that the transformers take."""

import math
import os
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from tsrnn.parameters import Integer, ParameterError
from tsrnn.sequences.reading import read_entries

RATE = Integer(1000, 768_000)
_LARGEST = 1e10  # of a sample, whose square is finite in float32
_STREAMED = 2**32 + 7  # bytes that the header of a file has which was written to a pipe
_CONVERT = "ffmpeg -i FILE -ac 1 converted.wav"


def read_wav(file: Any) -> tuple[np.ndarray, int]:
    """Read a wav file: samples from -1 to 1, and how many there are a second.

    Integers of 8 to 64 bits are divided by the largest magnitude of their type, floating-point
    numbers are taken as they are. Of several channels, as in stereo, the mean is returned.

    Parameters
    ----------
    file : str, Path or binary file
        The file, of integers (PCM) or floating-point numbers.

    Returns
    -------
    wave : float32 array of shape (n_samples,)
    rate : int
        Samples a second.

    Raises
    ------
    ValueError
        If it is no wav file, is compressed, cut off or empty, has a sample that is not finite, or
        a rate below 1000 or above 768000.
    OSError
        If the file cannot be read.

    See Also
    --------
    join_waves : One wave of several.
    tsrnn.sequences.music.write_wav : Write a wave.

    Examples
    --------
    >>> import io
    >>> from tsrnn.sequences.audio import read_wav
    >>> from tsrnn.sequences.music import write_wav
    >>> file = io.BytesIO()
    >>> write_wav(file, [[0.5, -0.5], [1.0, 0.0]], rate=8000)  # stereo
    >>> read_wav(file)
    (array([0. , 0.499...], dtype=float32), 8000)
    """
    from scipy.io import wavfile

    name = repr(os.fspath(file)) if isinstance(file, (str, os.PathLike)) else "The file"
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", wavfile.WavFileWarning)
            rate, samples = wavfile.read(file)
    except OSError:
        raise
    except Exception as error:  # of a damaged header it may be any
        problem = str(error).rstrip(".") if isinstance(error, ValueError) else "it is damaged"
        raise ValueError(
            f"{name} cannot be read as a wav file: {problem}. Convert other files: {_CONVERT}"
        ) from error
    for warning in caught:
        _check_end(name, str(warning.message))
    if not RATE.accepts(rate):
        raise ValueError(f"{name} has {rate} samples a second, which must be {RATE}.")
    if not samples.size:
        raise ValueError(f"{name} is empty: it has no samples.")
    wave = _scaled(samples)
    return _checked(name, wave if wave.ndim == 1 else wave.mean(axis=1)), rate


def read_wave(wave: Any, name: str = "wave") -> np.ndarray:
    """Samples of an array as float32, which errors call by a name.

    Integers of the types of wav files (8, 16 and 32 bits) are scaled as those of files.

    Raises
    ------
    ValueError
        If it is no 1-d array of numbers, is empty, or a sample is not finite or out of range.
    """
    try:
        samples = np.asarray(wave)
        if samples.dtype == object:
            samples = samples.astype(float)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name} cannot be read as numbers: {error}.") from error
    if samples.dtype.kind == "c":
        raise ValueError(f"{name} is complex. Complex data not supported.")
    if samples.dtype.kind not in "iuf" or samples.ndim != 1:
        hint = " Take one channel or their mean: wave.mean(axis=1)." if samples.ndim == 2 else ""
        kind = "" if samples.dtype.kind in "iuf" else f" and type {samples.dtype}"
        raise ValueError(
            f"{name} must be a 1-d array of samples, got shape {samples.shape}{kind}.{hint}"
        )
    if not samples.size:
        raise ValueError(f"{name} is empty: it has no samples.")
    is_stored = samples.dtype.kind in "iu" and samples.dtype.name in ("uint8", "int16", "int32")
    return _checked(name, _scaled(samples) if is_stored else samples)


def read_waves(
    X: Any, rate: int | None, resample: bool = False
) -> Iterator[tuple[np.ndarray, int]]:
    """Waves and their rate, of arrays and of wav files; all have the first one's rate.

    Parameters
    ----------
    X : list, Series or array
        Waves as 1-d arrays, the rows of an array, or paths of wav files.
    rate : int or None
        Samples a second; None for that of the first wav file.
    resample : bool, default=False
        Whether files of another rate are resampled.

    Raises
    ------
    ValueError
        If X is no collection of waves or one of them cannot be read, a file has another rate, or
        none is known for an array.
    """
    if _is_pair(X):
        raise ValueError("X is a tuple of a wave and its rate. Give the wave, as [wave].")
    are_rows = isinstance(X, np.ndarray) and X.ndim == 2 and len(X)
    for number, entry in enumerate(X if are_rows else read_entries(X, "wave")):
        if isinstance(entry, (str, os.PathLike)) or hasattr(entry, "read"):
            wave, own_rate = read_wav(entry)
            rate = own_rate if rate is None else rate
            if own_rate != rate:
                if not resample:
                    raise ValueError(_other_rate(number, entry, own_rate, rate))
                wave = resampled(wave, own_rate, rate)
        else:
            _refuse_no_array(number, entry)
            if rate is None:
                raise ValueError(
                    f"The rate of wave {number} of X, an array, is not known. Set rate to its "
                    "samples a second."
                )
            if not hasattr(entry, "__len__"):
                raise ValueError(
                    f"Wave {number} of X is of type {type(entry).__name__}, and each is a 1-d "
                    "array of samples or the path of a wav file. Give a single wave as [X]."
                )
            wave = read_wave(entry, f"Wave {number} of X")
        yield wave, rate


def _is_pair(entry):
    """Whether an entry is a rate and a wave, as SciPy's and this package's readers return them."""
    return (
        isinstance(entry, tuple)
        and len(entry) == 2
        and sorted(map(np.ndim, entry)) in ([0, 1], [0, 2])
        and not any(isinstance(each, (str, os.PathLike)) for each in entry)
    )


def _refuse_no_array(number, entry):
    """Raise ValueError for what is no wave, but may hold one."""
    if _is_pair(entry):
        raise ValueError(
            f"Wave {number} of X is a tuple of a wave and its rate. Give the wave alone."
        )
    if isinstance(entry, (bytes, bytearray)):
        raise ValueError(
            f"Wave {number} of X is of type {type(entry).__name__}. Give the content of a file as "
            "io.BytesIO(content)."
        )


def _scaled(samples):
    """Samples as float32; integers are divided by the largest magnitude of their type."""
    kind, n_bits = samples.dtype.kind, 8 * samples.dtype.itemsize
    if kind == "f":
        return samples
    if kind == "u":
        samples = samples.astype(np.int16) - 128
    return samples.astype(np.float32) / np.float32(2.0 ** (n_bits - 1))


def _checked(name, samples):
    """Samples as float32, none of which is missing, infinite or enormous."""
    with np.errstate(over="ignore"):
        wave = samples.astype(np.float32, copy=False)
    if not np.abs(wave).max() <= _LARGEST:
        place = int(np.argmin(np.abs(wave) <= _LARGEST))
        value = "NaN" if np.isnan(wave[place]) else f"{samples[place]:g}"
        raise ValueError(
            f"{name} has {value} at sample {place}. Samples are from -1 to 1, never NaN or inf."
        )
    return wave


def _check_end(name, warning):
    """Refuse a file that ends before its header says it does."""
    sizes = [int(size) for size in re.findall(r"(\d+) bytes", warning)]
    if warning.startswith("Reached EOF") and len(sizes) == 2:
        size, expected = sizes
        if size + 8 < expected and expected < _STREAMED:
            raise ValueError(
                f"{name} is cut off: it has {size} bytes, and its header says {expected}."
            )


def _other_rate(number, file, own_rate, rate):
    name = repr(os.fspath(file)) if isinstance(file, (str, os.PathLike)) else "a file"
    divisor = math.gcd(own_rate, rate)
    return (
        f"Wave {number} of X, {name}, has {own_rate} samples a second, and {rate} are expected. "
        "Set resample=True, or give scipy.signal.resample_poly(wave, "
        f"{rate // divisor}, {own_rate // divisor})."
    )


def resampled(wave: np.ndarray, own_rate: int, rate: int) -> np.ndarray:
    """A wave with another rate."""
    from scipy.signal import resample_poly

    divisor = math.gcd(own_rate, rate)
    return resample_poly(wave, rate // divisor, own_rate // divisor)

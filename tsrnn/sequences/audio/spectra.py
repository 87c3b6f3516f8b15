"""Short-time spectra of waves: mel filters, log energies, cepstral coefficients, deltas.

Frame k of a wave is centred on (k + 0.5) * hop seconds, so that it stands for the time from
k * hop to (k + 1) * hop, and the frames cover the whole wave. Where a frame reaches beyond an end,
it reads the wave reflected there.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from tsrnn.kernels import portable
from tsrnn.parameters import NON_NEGATIVE, POSITIVE, Allowed, Integer, Number, validated
from tsrnn.sequences.audio.waves import RATE, read_wave

_FLOOR = 1e-12  # of energies, about the noise of samples of 16 bits
_RANGE = 1e-8  # of energies below the largest: 80 dB
_MOST_SAMPLES = 2**16  # of a window
_LEAST_WEIGHT = 0.1  # that each mel filter has of some frequency of the transform
_BLOCK = 64  # frames that are transformed at once, in the cache
_DURATION = Number(1e-4, 10)

SETTINGS: dict[str, Allowed] = {
    "n_mels": [Integer(1, 512)],
    "window": [_DURATION],
    "hop": [_DURATION],
    "f_min": [NON_NEGATIVE],
    "f_max": [POSITIVE, None],
    "n_coefficients": [Integer(1, 512)],
}


class MelSettings(NamedTuple):
    """How log mel energies are computed."""

    rate: int
    n_mels: int = 40
    window: float = 0.025
    hop: float = 0.010
    f_min: float = 20.0
    f_max: float | None = None


@validated(SETTINGS, rate=[RATE])
def log_mel(
    wave: Any,
    rate: int,
    *,
    n_mels: int = 40,
    window: float = 0.025,
    hop: float = 0.010,
    f_min: float = 20.0,
    f_max: float | None = None,
) -> np.ndarray:
    """Natural logarithms of the energies in mel bands, of each frame of a wave.

    The energy of a band is its part of the mean square of the wave: the power spectrum of the Hann
    window, weighted by triangles that are equally spaced and straight on the mel scale, ``1127 *
    log(1 + f / 700)``. The mean of the wave is subtracted before. Energies that are more than 80 dB
    below the largest of the wave, or below 1e-12, about the noise of 16-bit samples, are raised to
    that: silence is finite.

    Parameters
    ----------
    wave : array-like of shape (n_samples,)
        Samples from -1 to 1; integers of 8, 16 or 32 bits are scaled as ``read_wav`` does.
    rate : int
        Samples a second.
    n_mels : int, default=40
        Number of bands.
    window, hop : float, default=0.025, 0.010
        Seconds of a frame, and from one frame to the next. Frame k is centred on (k + 0.5) * hop;
        beyond the ends the wave is reflected.
    f_min, f_max : float, default=20, None
        Lowest and highest frequency of the bands in hertz; None for half of ``rate``.

    Returns
    -------
    float32 array of shape (n_frames, n_mels)
        The number of frames is that of the hops that the wave has, the last maybe in part.

    Raises
    ------
    ValueError
        If ``wave`` is empty, of another shape or has a sample that is not finite, ``window`` or
        ``hop`` is shorter than a sample, or the frequencies do not fit ``rate``.

    See Also
    --------
    LogMel : The same of many waves, as a transformer.
    mel_frequencies : Frequencies of the bands.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.sequences.audio import log_mel, mel_frequencies
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(4000) / 8000)
    >>> energies = log_mel(tone, 8000)
    >>> energies.shape
    (50, 40)
    >>> mel_frequencies(8000).round()[energies.mean(axis=0).argmax()]
    np.float64(1018.0)
    """
    settings = MelSettings(rate, n_mels, window, hop, f_min, f_max)
    return log_energies(read_wave(wave), settings).astype(np.float32)


@validated(SETTINGS, rate=[RATE])
def mfcc(
    wave: Any,
    rate: int,
    *,
    n_coefficients: int = 13,
    n_mels: int = 40,
    window: float = 0.025,
    hop: float = 0.010,
    f_min: float = 20.0,
    f_max: float | None = None,
) -> np.ndarray:
    """Mel-frequency cepstral coefficients: the orthonormal cosine transform of ``log_mel``.

    The first is the mean log energy, but for a factor. There is no liftering.

    Parameters
    ----------
    n_coefficients : int, default=13
        Number of coefficients, at most ``n_mels``.
    wave : (n_samples,) array
    rate : int
    n_mels : int, default=40
    window, hop, f_min : float, default=0.025, 0.01, 20.0
    f_max : float, optional
        As in :func:`log_mel`.

    Returns
    -------
    float32 array of shape (n_frames, n_coefficients)

    Raises
    ------
    ValueError
        As :func:`log_mel`, or if ``n_coefficients`` is larger than ``n_mels``.

    See Also
    --------
    MFCC : The same of many waves, as a transformer.
    log_mel : The energies that it starts from.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.sequences.audio import mfcc
    >>> mfcc(np.random.default_rng(0).normal(size=4000), 8000).shape
    (50, 13)
    """
    settings = MelSettings(rate, n_mels, window, hop, f_min, f_max)
    return cepstrum(log_energies(read_wave(wave), settings), n_coefficients).astype(np.float32)


@validated(SETTINGS, rate=[RATE])
def mel_frequencies(
    rate: int, *, n_mels: int = 40, f_min: float = 20.0, f_max: float | None = None
) -> np.ndarray:
    """Frequencies in hertz that the bands of ``log_mel`` are centred on.

    Parameters
    ----------
    rate : int
    n_mels : int, default=40
    f_min : float, default=20.0
    f_max : float, optional
        As in :func:`log_mel`.

    Returns
    -------
    (n_mels,) float64 array

    See Also
    --------
    log_mel : Energies in these bands.

    Examples
    --------
    >>> from tsrnn.sequences.audio import mel_frequencies
    >>> mel_frequencies(8000, n_mels=4).round()
    array([ 348.,  825., 1519., 2530.])
    """
    edges = _mel_edges(MelSettings(rate, n_mels, f_min=f_min, f_max=f_max))
    return 700 * (portable.exp(edges[1:-1] / 1127) - 1)


def log_energies(wave: np.ndarray, settings: MelSettings) -> np.ndarray:
    """Log energies (n_frames, n_mels) of a wave, float64."""
    filters, n_fft = _mel_filters(settings)
    taper = _hann(_window_samples(settings))
    frames = _frames(wave, settings, len(taper))
    mean = wave.mean(dtype=np.float64)
    energies = np.empty((len(frames.starts), settings.n_mels))
    blocks = [slice(first, first + _BLOCK) for first in range(0, len(energies), _BLOCK)]
    for rows in blocks:
        power = _power(frames.views[frames.starts[rows]], mean, taper, n_fft)
        energies[rows] = filters.dot(power.T).T  # loops of SciPy, no BLAS
    floor = max(_FLOOR, _RANGE * energies.max())
    for rows in blocks:
        energies[rows] = portable.log(np.maximum(energies[rows], floor))
    return energies


def cepstrum(log_energies: np.ndarray, n_coefficients: int) -> np.ndarray:
    """First coefficients of the orthonormal cosine transform (DCT-II) of each frame."""
    from scipy.fft import dct

    n_mels = log_energies.shape[1]
    if n_coefficients > n_mels:
        raise ValueError(
            f"n_coefficients is {n_coefficients}, and there are {n_mels} mel bands. Set n_mels "
            "higher."
        )
    return dct(log_energies, axis=1, norm="ortho")[:, :n_coefficients]


def with_deltas(features: np.ndarray, order: int) -> np.ndarray:
    """Features with their slopes, and for ``order`` 2 the slopes of these, as further columns.

    The slope is that of the straight line through five frames, the end frames repeated:
    ``sum(k * (x[t + k] - x[t - k]) for k in (1, 2)) / 10``.
    """
    parts = [features]
    for _ in range(order):
        padded = np.pad(parts[-1], ((2, 2), (0, 0)), mode="edge")
        parts.append((padded[3:-1] - padded[1:-3] + 2 * (padded[4:] - padded[:-4])) / 10)
    return np.concatenate(parts, axis=1)


def normalized(features: np.ndarray) -> np.ndarray:
    """Features of mean 0 and variance 1 over the frames; those that hardly vary become about 0."""
    centred = features - features.mean(axis=0)
    return centred / np.maximum(np.sqrt((centred**2).mean(axis=0)), 1e-3)


class _Frames(NamedTuple):
    views: np.ndarray  # all windows of the padded wave
    starts: np.ndarray  # those that are frames


def _frames(wave, settings, n_window):
    """Frames around (k + 0.5) * hop seconds; a fraction of a sample does not add up."""
    n_hop = settings.hop * settings.rate
    if n_hop < 1:
        raise ValueError(
            f"hop={settings.hop:g} must be at least a sample, {1 / settings.rate:g} seconds."
        )
    n_frames = max(math.ceil(len(wave) / n_hop - 1e-6), 1)
    middles = (np.arange(n_frames) + 0.5) * n_hop
    starts = np.floor(middles - n_window / 2 + 0.5).astype(np.int64)
    before = max(int(-starts[0]), 0)
    after = max(int(starts[-1]) + n_window - len(wave), 0)
    padded = np.pad(wave, (before, after), mode="symmetric")
    return _Frames(np.lib.stride_tricks.sliding_window_view(padded, n_window), starts + before)


def _power(frames, mean, taper, n_fft):
    """Power spectra of frames, the sum of which is their mean square."""
    from scipy.fft import rfft

    spectrum = rfft(np.subtract(frames, mean, dtype=np.float64) * taper, n_fft, overwrite_x=True)
    return (spectrum.real**2 + spectrum.imag**2) * (2 / n_fft / (taper**2).sum())


def _window_samples(settings):
    n, rate = round(settings.window * settings.rate), settings.rate
    if not 2 <= n <= _MOST_SAMPLES:
        raise ValueError(
            f"window={settings.window:g} seconds must be 2 to {_MOST_SAMPLES} samples, "
            f"{2 / rate:g} to {_MOST_SAMPLES / rate:g} seconds."
        )
    return n


def _hann(n):
    return 0.5 - 0.5 * portable.cosine(2 * math.pi * (np.arange(n) + 0.5) / n)


def _mel(frequencies):
    return 1127 * portable.log(1 + np.asarray(frequencies) / 700)


def _mel_edges(settings):
    """Where bands begin, culminate and end on the mel scale: band k has edges k to k + 2."""
    highest = settings.rate / 2
    f_max = highest if settings.f_max is None else settings.f_max
    if f_max > highest or settings.f_min >= f_max:
        problem = (
            f"f_max={f_max:g} Hz is more than half of the rate, {highest:g} Hz"
            if f_max > highest
            else f"f_min={settings.f_min:g} Hz is not below f_max={f_max:g} Hz"
        )
        raise ValueError(f"{problem}. Frequencies are from 0 to {highest:g} Hz.")
    return np.linspace(_mel(settings.f_min), _mel(f_max), settings.n_mels + 2)


@functools.lru_cache(maxsize=16)
def _mel_filters(settings):
    """Weights (n_mels, n_frequencies) of a sparse matrix, and the length of the transform.

    The length is the least power of two that a frame fits in and each band has a frequency of.
    """
    from scipy.sparse import csr_array

    edges = _mel_edges(settings)
    n_fft = 2 ** (_window_samples(settings) - 1).bit_length()
    while n_fft <= _MOST_SAMPLES:
        mel = _mel(np.arange(n_fft // 2 + 1) * (settings.rate / n_fft))[:, None]
        rising = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
        weights = np.maximum(np.minimum(rising, falling), 0)
        if weights.max(axis=0).min() >= _LEAST_WEIGHT:
            return csr_array(weights.T), n_fft
        n_fft *= 2
    raise ValueError(
        f"{settings.n_mels} mel bands from {settings.f_min:g} Hz on are too narrow. Set n_mels "
        "lower."
    )

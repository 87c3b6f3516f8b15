"""LogMel and MFCC: transformers from waves or wav files to sequences of features."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from tsrnn.parameters import BOOLEAN, Integer, ParametersMixin
from tsrnn.sequences.audio.spectra import (
    SETTINGS,
    MelSettings,
    cepstrum,
    log_energies,
    normalized,
    with_deltas,
)
from tsrnn.sequences.audio.waves import RATE, read_waves


class _WaveFeatures(ParametersMixin, TransformerMixin, BaseEstimator):
    """Base of transformers from waves to a sequence of features each."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the waves and store their rate.

        Parameters
        ----------
        X : list, Series or array
            Waves as 1-d arrays of any lengths, the rows of an array, or paths of wav files (also
            binary files), as :func:`read_wav` reads them. Samples are from -1 to 1; integers of
            8, 16 or 32 bits are scaled as those of files.
        y : None
            Ignored.

        Returns
        -------
        self : LogMel or MFCC

        Raises
        ------
        ValueError
            If a parameter is out of range or does not fit the rate, a wave is empty or has a sample
            that is not finite, a file cannot be read or has another rate, or the rate of arrays is
            not known.
        OSError
            If a file cannot be read.
        """
        self._validate_params()
        for wave, rate in read_waves(X, self.rate, self.resample):
            self._features(wave[:1], rate)
        self.rate_ = rate
        return self

    def transform(self, X: Any) -> list[np.ndarray]:
        """Features of each wave.

        Parameters
        ----------
        X : list, Series or array
            As in ``fit``. Files must have the fitted rate unless ``resample`` is set.

        Returns
        -------
        list of float32 arrays of shape (n_frames, n_features)
            One for each wave; n_frames is the number of hops that it lasts, the last maybe in part.

        Raises
        ------
        ValueError
            As in ``fit``.
        """
        check_is_fitted(self, "rate_")
        self._validate_params()
        return list(self._transformed(X))

    @property
    def n_features_(self) -> int:
        """Features of a frame."""
        return self._n_values() * (1 + self.deltas)

    def _n_values(self):
        """Features of a frame without deltas."""
        return self.n_mels

    def _transformed(self, X) -> Iterator[np.ndarray]:
        for wave, rate in read_waves(X, self.rate_, self.resample):
            features = with_deltas(self._features(wave, rate), self.deltas)
            yield (normalized(features) if self.normalize else features).astype(np.float32)

    def _features(self, wave, rate):
        """Features without deltas, not normalised."""
        return log_energies(
            wave,
            MelSettings(rate, self.n_mels, self.window, self.hop, self.f_min, self.f_max),
        )


class LogMel(_WaveFeatures):
    """Turn waves or wav files into sequences of log mel energies, which networks read.

    A frame every ``hop`` seconds has the log energies of ``n_mels`` bands, see :func:`log_mel`.

    Parameters
    ----------
    rate : int, optional
        Samples a second of the waves. By default the first wav file of ``fit`` decides; arrays
        need it.
    n_mels : int, default=40
        Number of bands.
    window, hop : float, default=0.025, 0.010
        Seconds of a frame, and from one frame to the next. Step k of a sequence stands for the time
        from k * hop to (k + 1) * hop.
    f_min, f_max : float, default=20, None
        Lowest and highest frequency of the bands in hertz; None for half of the rate.
    deltas : {0, 1, 2}, default=0
        1 adds slopes over five frames to the features, 2 also the slopes of these.
    normalize : bool, default=True
        Whether each feature has mean 0 and variance 1 over the frames of each wave, which takes out
        the loudness and the frequency response of the microphone. Silence is then 0.
    resample : bool, default=False
        Whether wav files of another rate are resampled; otherwise they are an error.

    Attributes
    ----------
    rate_ : int
        Samples a second.
    n_features_ : int
        Features of a frame.

    See Also
    --------
    MFCC : Fewer, less correlated features.
    log_mel : The energies of one wave.

    Notes
    -----
    ``fit`` learns the rate and nothing else. ``transform`` returns a list of arrays of different
    lengths, so there are no names of output features and no ``set_output``. There is no
    pre-emphasis: it would add a constant to each feature, which ``normalize`` takes out.

    Examples
    --------
    >>> from tsrnn.datasets import load_spoken_digits
    >>> from tsrnn.sequences.audio import LogMel
    >>> waves, takes = load_spoken_digits()
    >>> features = LogMel(rate=8000).fit_transform(waves)
    >>> len(features), features[0].shape
    (180, (65, 40))

    Which digit was said:

    >>> from sklearn.pipeline import make_pipeline
    >>> from tsrnn import RNNClassifier
    >>> network = RNNClassifier(cell="gru", bidirectional=True, pooling="max", max_iter=3)
    >>> model = make_pipeline(LogMel(rate=8000), network).fit(waves, takes["digit"])
    >>> model.predict(waves[:2]).shape
    (2,)
    """

    _parameter_constraints = {
        "rate": [RATE, None],
        **{name: SETTINGS[name] for name in ("n_mels", "window", "hop", "f_min", "f_max")},
        "deltas": [Integer(0, 2)],
        "normalize": [BOOLEAN],
        "resample": [BOOLEAN],
    }

    def __init__(
        self,
        rate: int | None = None,
        *,
        n_mels: int = 40,
        window: float = 0.025,
        hop: float = 0.010,
        f_min: float = 20.0,
        f_max: float | None = None,
        deltas: int = 0,
        normalize: bool = True,
        resample: bool = False,
    ):
        self.rate = rate
        self.n_mels = n_mels
        self.window = window
        self.hop = hop
        self.f_min = f_min
        self.f_max = f_max
        self.deltas = deltas
        self.normalize = normalize
        self.resample = resample


class MFCC(_WaveFeatures):
    """Turn waves or wav files into sequences of mel-frequency cepstral coefficients.

    A frame every ``hop`` seconds has the first coefficients of the cosine transform of its log mel
    energies, see :func:`mfcc`, by default with their slopes (deltas) and the slopes of these: 39
    features.

    Parameters
    ----------
    rate : int, optional
        Samples a second of the waves. By default the first wav file of ``fit`` decides; arrays
        need it.
    n_coefficients : int, default=13
        Number of coefficients, at most ``n_mels``; the first is the mean log energy but for a
        factor.
    n_mels : int, default=40
    window, hop, f_min : float, default=0.025, 0.01, 20.0
    f_max : float, optional
        As in :class:`LogMel`.
    deltas : {0, 1, 2}, default=2
        1 adds slopes over five frames to the coefficients, 2 also the slopes of these.
    normalize, resample : bool, default=True, False
        As in :class:`LogMel`.

    Attributes
    ----------
    rate_ : int
        Samples a second.
    n_features_ : int
        Features of a frame.

    See Also
    --------
    LogMel : The log mel energies themselves.
    mfcc : The coefficients of one wave.

    References
    ----------
    .. [1] Davis, S. and Mermelstein, P. (1980). Comparison of parametric representations for
       monosyllabic word recognition in continuously spoken sentences. IEEE Transactions on
       Acoustics, Speech, and Signal Processing 28.

    Examples
    --------
    >>> from tsrnn.datasets import load_spoken_digits
    >>> from tsrnn.sequences.audio import MFCC
    >>> waves, _ = load_spoken_digits("test")
    >>> features = MFCC(rate=8000).fit_transform(waves)
    >>> features[0].shape, bool(abs(features[0].mean()) < 1e-6)
    ((30, 39), True)
    """

    _parameter_constraints = LogMel._parameter_constraints | {
        "n_coefficients": SETTINGS["n_coefficients"]
    }

    def __init__(
        self,
        rate: int | None = None,
        n_coefficients: int = 13,
        *,
        n_mels: int = 40,
        window: float = 0.025,
        hop: float = 0.010,
        f_min: float = 20.0,
        f_max: float | None = None,
        deltas: int = 2,
        normalize: bool = True,
        resample: bool = False,
    ):
        self.rate = rate
        self.n_coefficients = n_coefficients
        self.n_mels = n_mels
        self.window = window
        self.hop = hop
        self.f_min = f_min
        self.f_max = f_max
        self.deltas = deltas
        self.normalize = normalize
        self.resample = resample

    def _n_values(self):
        return self.n_coefficients

    def _features(self, wave, rate):
        return cepstrum(super()._features(wave, rate), self.n_coefficients)

"""RNNAnomalyDetector: what recurrent networks did not expect."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from tsrnn.anomaly.detector import AnomalyDetector
from tsrnn.anomaly.forecast_errors import DETECTOR_LOSSES, ForecastErrors
from tsrnn.anomaly.found import Scored
from tsrnn.anomaly.phases import phases, seasons_of
from tsrnn.anomaly.reconstruction import Reconstruction
from tsrnn.anomaly.streaming import Stream, Update
from tsrnn.anomaly.surprise import (
    last_mean,
    mean_of_channels,
    strangeness,
    stretch_mean,
    surprise_of,
    usual_spread,
)
from tsrnn.estimators.base import RecurrentEstimator
from tsrnn.estimators.progress import progress_bar
from tsrnn.forecasting.fitter import mean_history
from tsrnn.kernels.losses import find_loss
from tsrnn.network import RecurrentNetwork
from tsrnn.training import Settings, train_many

_FEWEST = 16  # values to learn from
_MINIBATCHES = 300  # of a series; more make networks that adapt to what is strange
_MOST_MINIBATCHES = 3000  # of a panel
_MOST_BATCHES = 100  # of an epoch


class RNNAnomalyDetector(AnomalyDetector, RecurrentEstimator):
    """Find what recurrent networks did not expect: points, and the events that they make.

    Networks read a series as it goes on, their state carried from step to step, and at each step
    forecast 1, 2, 4, ... up to ``horizon`` steps ahead (``method="forecast"``). How far each point
    is from all that was forecast of it, and from the mean, in units of the usual errors, is its
    surprise; and its score is the root mean square of surprises over a ``stretch``, as most of what
    is strange lasts. With ``method="reconstruction"`` networks encode windows into their last state
    and decode it again (Malhotra et al. 2016, arXiv 1607.00148), and what they cannot repeat is
    strange. One network is for all series of a panel, each in deviations from its mean.

    Parameters
    ----------
    method : {"forecast", "reconstruction"}, default="forecast"
        What is held against the series.
    horizon : int, default=64
        Steps ahead of the farthest forecast. Near ones see spikes; a network adapts to whatever
        lasts, and then only far ones are surprised.
    lookback : int, default=64
        Steps that are learnt from at once, and of a window that is reconstructed.
    season : int, sequence of int or "auto", default="auto"
        Season in steps, of which networks see where in it they stand, and the value a season
        before; of further ones only the first. "auto" is by the frequency, with the week where that
        is a day, if the series has two of them; 1 for none.
    stretch : int, default=100
        Steps of the mean: a point weighs ``(1 - 2 / (stretch + 1)) ** distance``. About as long as
        the events that are looked for, and a tenth of the history at most: a long one misses what
        is short and slight, a short one is alarmed by noise. 1 for each point by itself.
    online : bool, default=False
        Score each point by what came before it alone, as in a stream, which ``update`` goes on
        with. Otherwise also by what follows. (What the networks learn from is what ``fit`` is
        given either way.)
    threshold : Threshold, optional
        What scores are held against: one of ``tsrnn.anomaly.thresholds``.
    contamination : float or "auto", default="auto"
        Without a threshold, the share of the fitted points that are anomalies; "auto" is 3.5 robust
        deviations above the median (``RobustZThreshold``), and with ``online=True`` a false-alarm
        rate of 1 % that moves along (``ConformalThreshold``).
    missing : {"raise", "mask"}, default="raise"
        Refuse missing values and rows, or leave them out: networks then keep their state.
    id_column, time_column : str, optional
        Columns of a long frame; all others are channels.
    cell : {"lstm", "gru", "rnn", "rnn_relu"}, default="gru"
        Recurrent cell.
    hidden_size : int, default=32
        Hidden units.
    n_layers : int, default=1
        Recurrent layers, each reading the one below.
    n_estimators : int, default=1
        Networks of other random weights, whose forecasts are averaged.
    dropout, recurrent_dropout : float, default=0.0
        Share of values dropped in training between layers, and of units from step to step.
    loss : {"absolute_error", "squared_error", "huber", "gaussian"}, default="absolute_error"
        What training makes small. With "gaussian" networks also say how far off they will be, and
        errors are in units of that: for series that are wilder at some times than at others.
    solver : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
        Optimiser.
    learning_rate : str, default="one_cycle"
        Its schedule, as in ``RNNForecaster``.
    learning_rate_init : float, default=0.003
        Its highest rate.
    alpha : float, default=0.0
        L2 penalty.
    max_iter : int or "auto", default="auto"
        Epochs, each of at most 100 minibatches. "auto" makes 300 minibatches, for a panel more:
        with many more networks learn to repeat what is strange.
    batch_size : int, default=32
        Windows of a minibatch.
    max_grad_norm : float, default=1.0
        Gradients longer than this are cut to it.
    dtype : {"float32", "float64"}, default="float32"
        Type that networks compute in.
    device : {"cpu", "cuda"}, default="cpu"
        What networks are trained on. "cuda", an NVIDIA GPU, needs ``tsrnn[cuda12]`` or
        ``tsrnn[cuda13]``. Series are scored, one step after another, on the CPU.
    n_jobs : int, optional
        Threads of training; None and -1 for all cores. The result is the same.
    random_state : int, RandomState or None, default=None
        Of weights and of the order of windows.
    verbose : bool or int, default=0
        Whether to show progress.

    Attributes
    ----------
    network_ : RecurrentNetwork
        The first network.
    threshold_ : Threshold
        Fitted to the scores of what was learnt.
    offset_ : float
        Minus its value then: ``decision_function`` is ``score_samples`` less this.
    seasons_ : tuple of int
        In steps.
    loss_curve_ : list of float
        Training loss of each epoch, mean over the networks.
    n_iter_ : int
        Epochs.
    n_features_in_ : int
        Channels.

    See Also
    --------
    tsrnn.anomaly.thresholds : Where an alarm begins.
    tsrnn.anomaly.metrics : How well anomalies are found.

    Notes
    -----
    Scores are in units of usual errors, 1 or a little less where all is as usual. A series begins
    with a state of zeros, and its mean at a score that is usual.

    References
    ----------
    P. Malhotra, L. Vig, G. Shroff and P. Agarwal, "Long short term memory networks for anomaly
    detection in time series", ESANN 2015.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrnn import RNNAnomalyDetector
    >>> hours = pd.date_range("2024-01-01", periods=1000, freq="h")
    >>> rng = np.random.default_rng(0)
    >>> y = pd.Series(np.sin(np.arange(1000) * np.pi / 12) + 0.1 * rng.normal(size=1000), hours)
    >>> y.iloc[700:710] += 2
    >>> detector = RNNAnomalyDetector(stretch=10, random_state=0)
    >>> detector.fit(y).detect(y, n_most=1)[["start", "end"]]
                    start                 end
    0 2024-01-30 04:00:00 2024-01-30 13:00:00
    """

    _parameter_constraints = RecurrentEstimator._parameter_constraints | {
        **AnomalyDetector._parameter_constraints,
        "method": [StrOptions({"forecast", "reconstruction"})],
        "horizon": [Interval(Integral, 1, None, closed="left")],
        "lookback": [Interval(Integral, 2, None, closed="left")],
        "season": ["array-like", Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "stretch": [Interval(Integral, 1, None, closed="left")],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions(set(DETECTOR_LOSSES))],
    }

    def __init__(
        self, *, method="forecast", horizon=64, lookback=64, season="auto", stretch=100,
        online=False, threshold=None, contamination="auto", missing="raise", id_column=None,
        time_column=None, cell="gru", hidden_size=32, n_layers=1, n_estimators=1, dropout=0.0,
        recurrent_dropout=0.0, loss="absolute_error", solver="adam", learning_rate="one_cycle",
        learning_rate_init=3e-3, alpha=0.0, max_iter="auto", batch_size=32, max_grad_norm=1.0,
        dtype="float32", device="cpu", n_jobs=None, random_state=None, verbose=0,
    ):  # fmt: skip
        self._take(locals())

    @property
    def networks_(self) -> list[RecurrentNetwork]:
        """All networks, ``n_estimators`` of them."""
        check_is_fitted(self)
        return list(self._networks)

    def _learn(self, tracks):
        shortest = min(tracks, key=lambda track: len(track.values))
        if len(shortest.values) < _FEWEST:
            of = "" if shortest.label is None else f" of series {shortest.label!r}"
            raise ValueError(
                f"y{of} has {len(shortest.values)} observations, too few to learn from: give at "
                f"least {_FEWEST}, better some thousand."
            )
        self.seasons_ = self._settled_seasons(tracks)
        self._reading = self._new_reading(len(tracks.channels), len(shortest.values))
        read = [self._read(track) for track in tracks]
        self._networks = self._taught(read)
        self.network_ = self._networks[0]
        judged = [self._reading.judge(self._networks, *own, self.online) for own in read]
        self._usual = np.array([usual_spread(errors) for errors, _, _ in judged])
        strange = [
            strangeness(errors, usual)
            for (errors, _, _), usual in zip(judged, self._usual, strict=True)
        ]
        # Of a median: what is strange must not make the series' ends strange.
        self._usual_levels = np.array([np.nanmedian(mean_of_channels(own)) for own in strange])
        longest = max(len(track.values) for track in tracks)
        if longest < 10 * self.stretch:
            warnings.warn(
                f"y has {longest} observations, and scores are means over stretch={self.stretch}: "
                "too few stretches to tell what is usual. Give more history, or a shorter stretch.",
                stacklevel=5,
            )
        scored = [self._scored(track, *own) for track, own in zip(tracks, judged, strict=True)]
        self._streams = None
        if self.online:
            self._streams = [
                self._stream(track, own, errors)
                for track, own, (_, _, errors) in zip(tracks, scored, judged, strict=True)
            ]
        return scored

    def _stream(self, track, scored, errors):
        k = self._labels[track.label]
        x = mean_of_channels(scored.parts)
        level = last_mean(x, self.stretch, self._usual_levels[k])
        return Stream(
            errors, self._usual[k], self._means[k], self._deviations[k], self.stretch, level,
            track.axis, self.seasons_,
        )  # fmt: skip

    def _settled_seasons(self, tracks):
        longest = max(len(track.values) for track in tracks)
        if isinstance(self.season, str):
            return seasons_of(tracks.all_series[0].axis, longest)
        seasons = tuple(int(each) for each in np.atleast_1d(self.season))
        if not all(each >= 1 for each in seasons):
            raise ValueError(f"season must be 1 or more steps, got {self.season!r}.")
        if 2 * max(seasons) > longest:
            raise ValueError(
                f"season={max(seasons)} needs {2 * max(seasons)} observations to be learnt, and y "
                f"has {longest}. Give more history, or a shorter season."
            )
        return tuple(each for each in seasons if each > 1)

    def _new_reading(self, n_channels, shortest):
        lookback = min(self.lookback, shortest // 2)
        if self.method == "reconstruction":
            if find_loss(self.loss).learns_spread:
                raise ValueError(f"loss={self.loss!r} is for method='forecast'.")
            return Reconstruction(n_channels, lookback)
        leads = [2**k for k in range(self.horizon.bit_length()) if 2**k < self.horizon]
        return ForecastErrors(
            n_channels, (*leads, self.horizon), self.seasons_, lookback, self.loss
        )

    def _read(self, track):
        """Scaled values, and where in its seasons each step stands."""
        return self._scaled(track), phases(track.axis.index, track.axis.step, self.seasons_)

    def _taught(self, read):
        """Networks that have learnt the series."""
        source, windows = self._reading.source(*zip(*read, strict=True), self.dtype)
        n_batches = min(-(-windows.size // self.batch_size), _MOST_BATCHES)
        max_iter = self.max_iter
        if max_iter == "auto":
            n_minibatches = min(_MINIBATCHES * len(read) ** 0.5, _MOST_MINIBATCHES)
            max_iter = max(1, round(n_minibatches / n_batches))
        settings = Settings(
            loss=self.loss, loss_params=self._loss_params(), max_iter=max_iter,
            batch_size=self.batch_size, n_batches=n_batches, solver=self.solver,
            learning_rate=self.learning_rate, learning_rate_init=self.learning_rate_init,
            alpha=self.alpha if self.solver == "adamw" else self.alpha / self.batch_size,
            dropout=self.dropout, recurrent_dropout=self.recurrent_dropout,
            max_grad_norm=self.max_grad_norm, device=self.device, n_jobs=self.n_jobs,
        )  # fmt: skip
        n, seed = self.n_estimators, check_random_state(self.random_state).randint(2**31)
        rngs = [np.random.default_rng([seed, member]) for member in range(n)]
        networks = [
            RecurrentNetwork(
                self.cell, n_hidden=self.hidden_size, n_layers=self.n_layers, dtype=self.dtype,
                **self._reading.shape(),
            ).initialise(rng)
            for rng in rngs
        ]  # fmt: skip
        with progress_bar(type(self).__name__, self.verbose) as show:
            histories = train_many(
                networks, source, [windows] * n, [windows[:0]] * n, [settings] * n, rngs,
                on_progress=show,
            )  # fmt: skip
        self._record(mean_history(histories))
        return networks

    def _score(self, tracks):
        judged = (
            self._reading.judge(self._networks, *self._read(track), self.online) for track in tracks
        )
        return [self._scored(track, *one) for track, one in zip(tracks, judged, strict=True)]

    def _scored(self, track, errors, expected, _):
        k = self._labels[track.label]
        parts = strangeness(errors, self._usual[k])
        x = mean_of_channels(parts)
        score = np.sqrt(stretch_mean(x, self.stretch, self._usual_levels[k], self.online))
        spread = np.broadcast_to(self._usual[k, 0] * self._deviations[k], parts.shape)
        surprise = surprise_of(errors, self._usual[k])
        return Scored(score, surprise, parts, self._unscaled(track, expected), spread)

    def update(self, y: Any) -> Update:
        """Score observations that follow what is known, and take them in.

        The state of the networks and of the mean is carried on, so the time goes with what is new,
        and scores are those of ``score_samples`` (but for its sign) of all that was fitted and
        taken in, to rounding. ``threshold_`` moves along, where it is one that does, as the
        default: it judges each score by what came before, in a panel by that of all series, which
        are taken one after the other.

        Parameters
        ----------
        y : number, array, Series or DataFrame
            What comes next: a row or more in the form that ``fit`` was given; for a lone series
            also a number, or an array (n,) or (n, n_channels) for the next time stamps.

        Returns
        -------
        Update
            ``score``, ``threshold`` and ``anomaly``, an array each; ``to_frame()`` makes them one.

        Raises
        ------
        ValueError
            If the detector was not fitted with ``online=True``, the rows are not what comes next,
            or values are missing, unless ``missing="mask"``, infinite or no numbers. Nothing is
            taken in then.
        """
        if getattr(self, "_streams", None) is None:
            check_is_fitted(self)
            raise ValueError(
                "update is for a detector that looks at the past alone: fit with online=True."
            )
        rows, index = self._rows(y)
        if rows is not None:
            return self._judged(self._streams[0].take(rows, index), index)
        tracks, gaps, parts = self._asked(y), [], []
        for track in tracks:
            called = "y" if track.label is None else f"Series {track.label!r} of y"
            stream, may = self._streams[self._labels[track.label]], self.missing == "mask"
            gaps.append(stream.left_out(track.axis.index, called, may))
        for track, gap in zip(tracks, gaps, strict=True):
            k = self._labels[track.label]
            if gap:
                self._streams[k].take(np.full((gap, len(tracks.channels)), np.nan))
            parts.append(self._judged(self._streams[k].take(track.values, track.axis.index)))
        names = ("score", "threshold", "anomaly")
        columns = (tracks.row_series([getattr(own, name) for own in parts], name) for name in names)
        return Update(*(np.asarray(column) for column in columns), tracks.index)

    def _rows(self, y):
        """The next rows of a lone series that need no index looked at, and theirs; or nothing."""
        if isinstance(y, (Real, np.ndarray, list, tuple)):
            if None not in self._labels:
                raise ValueError("y must be a frame: which of the series goes on is not told.")
            rows = np.reshape(y, (1, 1)) if isinstance(y, Real) else np.asarray(y)
            rows = rows.reshape(-1, 1) if rows.ndim == 1 else rows
            is_good = rows.dtype == np.float64 and rows.ndim == 2 and rows.size > 0
            is_good = is_good and bool(np.isfinite(rows).all())
            if not is_good or rows.shape[1] != self.n_features_in_:
                rows = self._asked(rows).all_series[0].values  # which says what is wrong
            return rows, None
        is_row = isinstance(y, pd.Series) and len(y) == 1 and y.dtype == np.float64
        if is_row and None in self._labels and self.n_features_in_ == 1:
            value = y.to_numpy().reshape(1, 1)
            if np.isfinite(value[0, 0]) and self._streams[0].is_next(y.index[0]):
                return value, y.index
        return None, None

    def _judged(self, scores, index=None):
        threshold = self.threshold_
        moves, lines, flags = hasattr(threshold, "update"), np.empty(scores.size), []
        for j in range(scores.size):
            lines[j] = threshold.threshold_
            own = scores[j : j + 1]
            flags.append(threshold.update(own)[0] if moves else own[0] > lines[j])
        return Update(scores, lines, np.array(flags, bool), index)

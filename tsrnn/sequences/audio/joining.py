"""Recordings joined to longer ones, with the time of each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from tsrnn.parameters import RANDOM_STATE, ListOf, Number, validated
from tsrnn.sequences.audio.waves import RATE, read_waves

_SECONDS = Number(0, 3600)


@validated(
    rate=[RATE],
    pause=[_SECONDS, ListOf(_SECONDS, least=2, most=2)],
    snr=[Number(-100, 200), None],
    random_state=RANDOM_STATE,
)
def join_waves(
    waves: Any,
    rate: int,
    *,
    labels: Sequence | None = None,
    pause: float | Sequence[float] = (0.05, 0.3),
    snr: float | None = None,
    random_state: Any = None,
) -> tuple[np.ndarray, pd.DataFrame]:
    """Join recordings, as of words, to one wave with pauses, and say when each begins and ends.

    Parameters
    ----------
    waves : list, Series or array
        Recordings as 1-d arrays or paths of wav files, in their order.
    rate : int
        Samples a second, of all of them.
    labels : sequence, optional
        A label for each recording; by default they are numbered from 0.
    pause : float or (float, float), default=(0.05, 0.3)
        Seconds of silence before the first recording, between any two and after the last, or the
        least and the most of them, between which each is drawn.
    snr : float, optional
        Signal-to-noise ratio in decibels of white noise that is added to the whole wave: of the
        recordings' mean power to that of the noise. By default there is none.
    random_state : int, RandomState instance or None, optional
        For pauses and noise; None for other ones each time.

    Returns
    -------
    wave : float32 array of shape (n_samples,)
    alignment : DataFrame
        A row for each recording: ``label``, and ``start`` and ``end`` in seconds.

    Raises
    ------
    ValueError
        If a recording cannot be read or has another rate, or there are not as many labels.

    See Also
    --------
    read_wav : Waves from files.
    tsrnn.plotting.SpectrogramDisplay : Draw a wave and its alignment.

    Examples
    --------
    >>> from tsrnn.datasets import load_spoken_digits
    >>> from tsrnn.sequences.audio import join_waves
    >>> waves, takes = load_spoken_digits()
    >>> wave, alignment = join_waves(waves[7:10], 8000, labels=takes["digit"][7:10], pause=0.1)
    >>> wave.shape
    (16236,)
    >>> alignment.round(2)
       label  start   end
    0      7   0.10  0.72
    1      8   0.82  1.29
    2      9   1.39  1.93
    """
    recordings = [wave for wave, _ in read_waves(waves, rate)]
    names = list(range(len(recordings)) if labels is None else labels)
    if len(names) != len(recordings):
        raise ValueError(f"labels has {len(names)} entries, and there are {len(recordings)} waves.")
    least, most = pause if isinstance(pause, Sequence) else (pause, pause)
    if least > most:
        raise ValueError(f"pause is from {least:g} to {most:g} seconds. Give the least first.")
    rng = np.random.default_rng(check_random_state(random_state).randint(2**31))
    pauses = np.rint(rng.uniform(least, most, len(recordings) + 1) * rate).astype(int)
    lengths = np.array(list(map(len, recordings)))
    starts = np.cumsum(pauses[:-1]) + np.cumsum(lengths) - lengths
    joined = np.zeros(pauses.sum() + lengths.sum())
    for start, wave in zip(starts, recordings, strict=True):
        joined[start : start + len(wave)] = wave
    if snr is not None:
        power = (joined**2).sum() / lengths.sum()
        joined += np.sqrt(power) * 10 ** (-snr / 20) * rng.standard_normal(len(joined))
    times = {"start": starts / rate, "end": (starts + lengths) / rate}
    return joined.astype(np.float32), pd.DataFrame({"label": names, **times})

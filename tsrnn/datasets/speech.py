"""Loader of the spoken digits that ship with the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tsrnn.datasets.files import find_file
from tsrnn.parameters import StrOptions, validated

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@validated(split=[StrOptions(["train", "test"])])
def load_spoken_digits(
    split: Literal["train", "test"] = "train",
) -> tuple[list[np.ndarray], pd.DataFrame]:
    """Load recordings of English digits, zero to nine, by six speakers.

    A part of the Free Spoken Digit Dataset of Z. Jackson, C. Souza, J. Flaks, Y. Pan, H. Nicolas
    and A. Thite, doi:10.5281/zenodo.1342401: of the 50 takes of each digit and speaker the first
    three of the published training part, and the first two of its test part. Licence: CC BY-SA 4.0,
    https://creativecommons.org/licenses/by-sa/4.0/, see ``LICENSE-FSDD.txt``.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        ``"train"``: 180 recordings, takes 5, 6 and 7; ``"test"``: 120, takes 0 and 1. The speakers
        are the same: for others, leave one out.

    Returns
    -------
    waves : list of numpy.ndarray of shape (n_samples,), float32
        Recordings of 0.14 to 1.32 seconds with little silence at the ends, 8000 samples a second
        from -1 to 1.
    takes : pandas.DataFrame
        A row for each: ``digit``, 0 to 9, ``speaker``, a name, and ``take``, its number.

    Raises
    ------
    ValueError
        If ``split`` is invalid.
    FileNotFoundError
        If the data files were not installed.

    See Also
    --------
    tsrnn.sequences.audio.MFCC : Features of the waves.
    tsrnn.sequences.audio.join_waves : Strings of digits.
    tsrnn.RNNTranscriber : Transcribes them.

    Examples
    --------
    >>> from tsrnn.datasets import load_spoken_digits
    >>> waves, takes = load_spoken_digits()
    >>> len(waves), waves[3].shape
    (180, (3034,))
    >>> takes.loc[3].to_dict()
    {'digit': 3, 'speaker': 'george', 'take': 5}
    """
    import gzip

    import numpy as np
    import pandas as pd

    takes = pd.read_csv(find_file("spoken_digits.csv"))
    # Differences of 16-bit samples: the low bytes of all of them, then the high bytes.
    data = gzip.decompress(find_file("spoken_digits.pcm.gz").read_bytes())
    low, high = np.frombuffer(data, np.uint8).reshape(2, -1).astype(np.uint16)
    samples = np.cumsum(low | high << 8, dtype=np.uint16).view(np.int16)
    ends = takes["n_samples"].cumsum()
    is_chosen = takes["split"] == split
    waves = [
        (samples[end - n : end] / np.float32(2**15)).astype(np.float32)
        for end, n in zip(ends[is_chosen], takes["n_samples"][is_chosen], strict=True)
    ]
    return waves, takes.loc[is_chosen, ["digit", "speaker", "take"]].reset_index(drop=True)

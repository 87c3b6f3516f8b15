"""Audio: wav files, and waves as log mel spectra or cepstral coefficients that networks read.

Examples
--------
>>> from tsrnn.datasets import load_spoken_digits
>>> from tsrnn.sequences.audio import MFCC
>>> waves, takes = load_spoken_digits()
>>> MFCC(rate=8000).fit_transform(waves[:2])[0].shape
(65, 39)
"""

from tsrnn.sequences.audio.features import MFCC, LogMel
from tsrnn.sequences.audio.joining import join_waves
from tsrnn.sequences.audio.spectra import log_mel, mel_frequencies, mfcc
from tsrnn.sequences.audio.waves import read_wav

__all__ = ["MFCC", "LogMel", "join_waves", "log_mel", "mel_frequencies", "mfcc", "read_wav"]

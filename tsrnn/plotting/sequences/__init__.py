"""Displays of music, speech and networks that read text: surprise, activity, attention, ..."""

from tsrnn.plotting.sequences.activity import ActivityDisplay
from tsrnn.plotting.sequences.attention import AttentionDisplay
from tsrnn.plotting.sequences.next_token import NextTokenDisplay
from tsrnn.plotting.sequences.piano_roll import PianoRollDisplay
from tsrnn.plotting.sequences.spectrogram import SpectrogramDisplay
from tsrnn.plotting.sequences.surprise import SurpriseDisplay

__all__ = [
    "ActivityDisplay",
    "AttentionDisplay",
    "NextTokenDisplay",
    "PianoRollDisplay",
    "SpectrogramDisplay",
    "SurpriseDisplay",
]

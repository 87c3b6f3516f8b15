"""Music: notes, piano rolls, melodies, MIDI files and sound.

A network reads and writes piano rolls, (n_frames, n_notes) arrays of 0 and 1, or melodies, lists of
(pitch, duration). In between are notes with times in beats.

Examples
--------
>>> from tsrnn.datasets import load_chorales
>>> from tsrnn.sequences.music import render, roll_to_notes
>>> roll = load_chorales()[0]
>>> roll_to_notes(roll, step=1)[0]
Note(pitch=48, start=0.0, end=1.0, track=0)
>>> render(roll[:4], step=1, tempo=72).shape
(75264,)
"""

from tsrnn.sequences.music.midi import read_midi, write_midi
from tsrnn.sequences.music.notes import (
    Note,
    melody_to_notes,
    notes_to_melody,
    notes_to_roll,
    roll_to_notes,
)
from tsrnn.sequences.music.sound import render, write_wav

__all__ = [
    "Note",
    "melody_to_notes",
    "notes_to_melody",
    "notes_to_roll",
    "read_midi",
    "render",
    "roll_to_notes",
    "write_midi",
    "write_wav",
]

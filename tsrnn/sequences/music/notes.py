"""Notes, piano rolls and melodies, and how each is turned into the others.

Times are in beats, that is quarter notes. A step is the beats of a frame of a roll.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tsrnn.parameters import (
    BOOLEAN,
    POSITIVE,
    POSITIVE_INTEGER,
    Allowed,
    Integer,
    StrOptions,
    is_integer,
    validated,
)

LOWEST = {128: 0, 88: 21}  # pitch of a roll's first column, by its number of columns
_MOST_FRAMES = 10_000_000
ARGUMENTS: dict[str, Allowed] = {
    "n_frames": [POSITIVE_INTEGER, None],
    "n_notes": [Integer(88, 88), Integer(128, 128)],
    "repeat": [BOOLEAN],
    "separate": [BOOLEAN],
    "step": [POSITIVE],
    "track": [Integer(0)],
    "voice": [StrOptions(["highest", "lowest"]), None],
}


class Note(NamedTuple):
    """A note that sounds from ``start`` to ``end``, in beats (quarter notes).

    Parameters
    ----------
    pitch : int
        MIDI's, from 0 to 127: 60 is the middle C, 69 the A of 440 Hz.
    start, end : float
        In beats.
    track : int, default=0
        Number of the track of a MIDI file.

    See Also
    --------
    read_midi : Notes of a MIDI file.
    notes_to_roll : A piano roll of notes.

    Examples
    --------
    >>> from tsrnn.sequences.music import Note
    >>> Note(60, start=0, end=1.5).duration
    1.5
    """

    pitch: int
    start: float
    end: float
    track: int = 0

    @property
    def duration(self) -> float:
        """Length in beats."""
        return self.end - self.start


@validated(ARGUMENTS)
def roll_to_notes(
    roll: Any, *, step: float = 0.25, repeat: bool = False, track: int = 0
) -> list[Note]:
    """Notes of a piano roll.

    Parameters
    ----------
    roll : array-like of shape (n_frames, 128) or (n_frames, 88)
        1 where a note sounds, else 0. 128 columns are the pitches from 0, 88 those of a piano, from
        21 (A0) to 108 (C8).
    step : float, default=0.25
        Beats of a frame; a quarter is a sixteenth note.
    repeat : bool, default=False
        What a note is that sounds in consecutive frames, which a roll does not tell: a single note
        that is held, or with True one that is struck anew in each frame.
    track : int, default=0
        Track of the notes.

    Returns
    -------
    list of Note
        By start, then pitch.

    Raises
    ------
    ValueError
        If ``roll`` is empty, of another shape, or has other values than 0 and 1.

    See Also
    --------
    notes_to_roll : The reverse.
    write_midi : Write notes to a MIDI file.

    Examples
    --------
    >>> import numpy as np
    >>> from tsrnn.sequences.music import roll_to_notes
    >>> roll = np.zeros((4, 128), int)
    >>> roll[:3, 60] = roll[3, 64] = 1
    >>> roll_to_notes(roll, step=1)
    [Note(pitch=60, start=0.0, end=3.0, track=0), Note(pitch=64, start=3.0, end=4.0, track=0)]
    """
    roll, step = read_roll(roll), float(step)
    lowest = LOWEST[roll.shape[1]]
    if repeat:
        pitches, first = np.nonzero(roll.T)
        after = first + 1
    else:
        edges = np.diff(roll.astype(np.int8), axis=0, prepend=0, append=0).T
        pitches, first = np.nonzero(edges > 0)
        after = np.nonzero(edges < 0)[1]
    order = np.lexsort((pitches, first))
    return [
        Note(lowest + pitch, begin * step, end * step, track)
        for pitch, begin, end in zip(
            *(values[order].tolist() for values in (pitches, first, after)), strict=True
        )
    ]


@validated(ARGUMENTS)
def notes_to_roll(
    notes: Sequence[Note],
    *,
    step: float = 0.25,
    n_notes: int = 88,
    n_frames: int | None = None,
    separate: bool = False,
) -> np.ndarray:
    """Piano roll of notes, those of all tracks together.

    Starts and ends are rounded to the nearest frame; a note lasts one frame at least.

    Parameters
    ----------
    notes : sequence of Note
        Notes, or tuples (pitch, start, end), in any order.
    step : float, default=0.25
        Beats of a frame; a quarter is a sixteenth note.
    n_notes : {88, 128}, default=88
        Columns: the keys of a piano, pitches 21 to 108, or all pitches.
    n_frames : int, optional
        Length of the roll; what sounds later is left out. By default up to the last end.
    separate : bool, default=False
        If a pitch is struck again as it ends, the two notes look like one. With True the last frame
        of the first is left out, where it has more than one.

    Returns
    -------
    uint8 array of shape (n_frames, n_notes)
        1 where a note sounds, else 0.

    Raises
    ------
    ValueError
        If a pitch has no column, a note ends before it starts, or there are no notes and no
        ``n_frames``.

    See Also
    --------
    roll_to_notes : The reverse.
    tsrnn.plotting.PianoRollDisplay : Draw a roll.

    Examples
    --------
    >>> from tsrnn.sequences.music import Note, notes_to_roll
    >>> roll = notes_to_roll([Note(60, 0, 1), Note(60, 1, 2), Note(64, 0, 1.5)])
    >>> roll.shape, roll[:, 60 - 21].tolist(), roll[:, 64 - 21].tolist()
    ((8, 88), [1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 0, 0])
    >>> notes_to_roll([Note(60, 0, 1), Note(60, 1, 2)], separate=True)[:, 60 - 21].tolist()
    [1, 1, 1, 0, 1, 1, 1, 1]
    """
    notes, lowest = read_notes(notes), LOWEST[n_notes]
    for number, note in enumerate(notes):
        if not lowest <= note.pitch < lowest + n_notes:
            raise ValueError(
                f"notes[{number}] has pitch {note.pitch}, outside of {lowest} to "
                f"{lowest + n_notes - 1}, the keys of a piano: n_notes=128 has all pitches."
            )
    frames = _frames(notes, step)
    if n_frames is None:
        n_frames = _n_frames(frames)
    roll = np.zeros((n_frames, n_notes), np.uint8)
    struck: dict[int, int] = {}  # first frame of the last note of each column
    for note, (first, after) in sorted(zip(notes, frames, strict=True), key=lambda item: item[1]):
        column = note.pitch - lowest
        if separate and 0 < first <= n_frames and struck.get(column, first) < first - 1:
            roll[first - 1, column] = 0
        roll[first:after, column] = 1
        struck[column] = first
    return roll


@validated(ARGUMENTS)
def notes_to_melody(
    notes: Sequence[Note], *, step: float = 0.25, voice: str | None = None
) -> list[tuple[int | None, int]]:
    """Notes, one at a time, as tokens of pitch and duration.

    Parameters
    ----------
    notes : sequence of Note
        Notes, or tuples (pitch, start, end), in any order.
    step : float, default=0.25
        Beats of a unit of duration; starts and ends are rounded to it.
    voice : {"highest", "lowest"}, optional
        Which note counts where several sound. By default that is an error.

    Returns
    -------
    list of (pitch, duration)
        Durations are whole numbers of steps; a rest has the pitch None. Tokens for a
        :class:`~tsrnn.Tokenizer` or :class:`~tsrnn.RNNLanguageModel` with ``unit=None``.

    Raises
    ------
    ValueError
        If there are no notes, one is not valid, or several sound at once.

    See Also
    --------
    melody_to_notes : The reverse.
    tsrnn.RNNLanguageModel : Learns melodies with ``unit=None``.

    Examples
    --------
    >>> from tsrnn.sequences.music import Note, notes_to_melody
    >>> notes_to_melody([Note(60, 0, 1), Note(62, 1.5, 2), Note(62, 2, 4)], step=0.5)
    [(60, 2), (None, 1), (62, 1), (62, 4)]
    """
    notes = read_notes(notes)
    frames = _frames(notes, step)
    sounding = np.full(_n_frames(frames), -1)  # number of the note of each frame
    sign = -1 if voice == "lowest" else 1
    order = sorted(range(len(notes)), key=lambda k: (sign * notes[k].pitch, frames[k]))
    for k in order:  # later ones cover earlier ones
        first, after = frames[k]
        covered = sounding[first:after]
        if voice is None and (covered >= 0).any():
            other = int(covered.max())
            raise ValueError(
                f"notes[{min(k, other)}] and notes[{max(k, other)}] sound at once, from beat "
                f"{(first + int(np.argmax(covered >= 0))) * step:g}: a melody has one note at a "
                "time. voice='highest' takes the highest."
            )
        sounding[first:after] = k
    starts = np.flatnonzero(np.diff(sounding, prepend=-2))
    durations = np.diff(starts, append=sounding.size)
    return [
        (notes[k].pitch if k >= 0 else None, duration)
        for k, duration in zip(sounding[starts].tolist(), durations.tolist(), strict=True)
    ]


@validated(ARGUMENTS)
def melody_to_notes(
    melody: Sequence[tuple[int | None, int]], *, step: float = 0.25, track: int = 0
) -> list[Note]:
    """Notes of tokens of pitch and duration, one after the other.

    Parameters
    ----------
    melody : sequence of (pitch, duration)
        Durations are whole numbers of steps; a rest has the pitch None.
    step : float, default=0.25
        Beats of a unit of duration.
    track : int, default=0
        Track of the notes.

    Returns
    -------
    list of Note
        Rests at the end are lost.

    Raises
    ------
    ValueError
        If ``melody`` is empty, a pitch is outside of 0 to 127, or a duration is not a whole number
        from 1.

    See Also
    --------
    notes_to_melody : The reverse.
    write_midi : Write notes to a MIDI file.

    Examples
    --------
    >>> from tsrnn.sequences.music import melody_to_notes
    >>> melody_to_notes([(60, 2), (None, 1), (62, 1)], step=0.5)
    [Note(pitch=60, start=0.0, end=1.0, track=0), Note(pitch=62, start=1.5, end=2.0, track=0)]
    """
    melody = _sequence(melody, "melody", "pairs of pitch and duration")
    if not melody:
        raise ValueError("melody is empty: give at least one (pitch, duration).")
    notes, time, step = [], 0, float(step)
    for number, token in enumerate(melody):
        if not isinstance(token, (tuple, list)) or len(token) != 2:
            raise ValueError(f"melody[{number}] must be (pitch, duration), got {token!r}.")
        pitch, duration = token
        if not is_integer(duration) or duration < 1:
            raise ValueError(
                f"melody[{number}] has duration {duration!r}: give a whole number of steps from 1."
            )
        if pitch is not None:
            _check_pitch(pitch, f"melody[{number}]")
            notes.append(Note(int(pitch), time * step, (time + int(duration)) * step, track))
        time += int(duration)
    return notes


def read_roll(roll: Any, name: str = "roll") -> np.ndarray:
    """A valid piano roll as a boolean array; ValueError, which says what is wrong, for others."""
    try:
        values = np.asarray(roll)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} cannot be read: {error}") from error
    if values.ndim != 2 or values.shape[1] not in LOWEST:
        raise ValueError(
            f"{name} must be an array of shape (n_frames, 88) or (n_frames, 128), got "
            f"{'no array' if values.ndim == 0 else f'shape {values.shape}'}."
        )
    if not len(values):
        raise ValueError(f"{name} is empty: it has no frame.")
    is_on = values == 1
    wrong = ~(is_on | (values == 0))
    if values.dtype.kind not in "biufO" or wrong.any():
        frame, column = np.argwhere(wrong)[0] if wrong.any() else (0, 0)
        raise ValueError(
            f"{name} must have the values 0 and 1 only; frame {frame} has "
            f"{values[frame, column]} at pitch {column + LOWEST[values.shape[1]]}."
        )
    return is_on


def read_music(music: Any, step: float, repeat: bool) -> tuple[list[Note], float]:
    """Notes, given as such or as a roll, and their length in beats."""
    if isinstance(music, (list, tuple)) and all(isinstance(note, tuple) for note in music):
        if not music:
            raise ValueError("music is empty: give a roll, or at least one note.")
        notes = read_notes(music, "music")
        return notes, max(note.end for note in notes)
    roll = read_roll(music, "music")
    return roll_to_notes(roll, step=step, repeat=repeat), len(roll) * step


def read_notes(notes: Any, name: str = "notes") -> list[Note]:
    """Valid notes; ValueError, which names the first one that is not, for others."""
    checked = []
    for number, note in enumerate(_sequence(notes, name, "Note")):
        place = f"{name}[{number}]"
        if not isinstance(note, (tuple, list)) or len(note) not in (3, 4):
            raise ValueError(f"{place} must be Note(pitch, start, end), got {note!r}.")
        pitch, start, end, track = (*note, 0)[:4]
        _check_pitch(pitch, place)
        for value, what in ((start, "start"), (end, "end")):
            if not _is_time(value):
                raise ValueError(f"{place} has {what} {value!r}: give beats, from 0.")
        if not end > start:
            raise ValueError(
                f"{place} starts at {start:g} and ends at {end:g}: it must end after its start."
            )
        if not is_integer(track) or track < 0:
            raise ValueError(f"{place} has track {track!r}: give a whole number from 0.")
        checked.append(Note(int(pitch), start, end, int(track)))
    return checked


def _sequence(values, name, kind) -> list:
    if isinstance(values, (str, bytes, Note)) or not isinstance(values, Sequence):
        raise ValueError(f"{name} must be a list of {kind}, got {type(values).__name__}.")
    return list(values)


def _check_pitch(pitch, place):
    if not is_integer(pitch) or not 0 <= pitch <= 127:
        raise ValueError(f"{place} has pitch {pitch!r}: give a whole number from 0 to 127.")


def _is_time(value) -> bool:
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    return is_number and not isinstance(value, bool) and 0 <= value < np.inf


def _frames(notes, step) -> list[tuple[int, int]]:
    """First frame of each note, and the frame after its last."""
    frames = []
    for number, note in enumerate(notes):
        if note.end / step > _MOST_FRAMES:
            raise ValueError(
                f"notes[{number}] ends at beat {note.end:g}, {note.end / step:.3g} frames of "
                f"step={step:g}: the most is {_MOST_FRAMES:,}."
            )
        first, after = (int(np.floor(time / step + 0.5)) for time in (note.start, note.end))
        frames.append((first, max(after, first + 1)))
    return frames


def _n_frames(frames) -> int:
    if not frames:
        raise ValueError("notes is empty: give at least one.")
    return max(after for _, after in frames)

"""Reading and writing of MIDI files, by mido."""

import io
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tsrnn.parameters import (
    BOOLEAN,
    Allowed,
    HasMethods,
    Integer,
    ListOf,
    Number,
    StrOptions,
    Text,
    validated,
)
from tsrnn.sequences.music.notes import ARGUMENTS, Note, read_music

TEMPO = Number(4, 1000)  # MIDI stores microseconds of a beat in three bytes
DESTINATION: Allowed = [Text(), os.PathLike, HasMethods(["write"])]
_PROGRAM = Integer(0, 127)
_PER_BEAT = 480  # ticks of the files written
_VELOCITY = 80
_DRUMS = 9  # the channel that General MIDI reserves for percussion


def _mido() -> ModuleType:
    try:
        import mido
    except ImportError as error:
        raise ImportError(
            'MIDI files are read by mido, which is not installed: pip install "tsrnn[music]"'
        ) from error
    return mido


@validated(
    file=[Text(), os.PathLike, HasMethods(["read"])],
    unit=[StrOptions(["beat", "second"])],
    drums=[BOOLEAN],
    return_tempo=[BOOLEAN],
)
def read_midi(
    file: Any, *, unit: str = "beat", drums: bool = False, return_tempo: bool = False
) -> Any:
    """Read the notes of a MIDI file.

    Loudness, the pedal, instruments and all else but notes and tempo is left out.

    Parameters
    ----------
    file : str, Path or binary file
        A MIDI file (.mid).
    unit : {"beat", "second"}, default="beat"
        Unit of start and end: quarter notes as they are written, or seconds, by all changes of the
        tempo. A recorded performance often has no meaningful beats.
    drums : bool, default=False
        Whether the notes of channel 10, which are percussion, are read too.
    return_tempo : bool, default=False
        Whether the tempo at the beginning, in beats a minute, is returned as well.

    Returns
    -------
    notes : list of Note
        By start, then pitch. Tracks of the file that have notes are numbered from 0; several
        channels in one are tracks of their own.
    tempo : float
        Only if ``return_tempo``.

    Raises
    ------
    ImportError
        If mido is not installed (extra ``music``).
    FileNotFoundError, ValueError
        If there is no such file, or it is no MIDI file that can be read.

    See Also
    --------
    write_midi : Write a MIDI file.
    notes_to_roll : A piano roll of the notes.

    Examples
    --------
    >>> import io
    >>> from tsrnn.sequences.music import Note, read_midi, write_midi
    >>> file = io.BytesIO()
    >>> write_midi(file, [Note(60, 0, 1), Note(64, 1, 2)], tempo=90)
    >>> _ = file.seek(0)
    >>> notes, tempo = read_midi(file, return_tempo=True)
    >>> notes[1], tempo
    (Note(pitch=64, start=1.0, end=2.0, track=0), 90.0)
    """
    mido = _mido()
    name = getattr(file, "name", "file") if hasattr(file, "read") else repr(os.fspath(file))
    content = file.read() if hasattr(file, "read") else Path(file).read_bytes()
    try:
        midi = mido.MidiFile(file=io.BytesIO(content), clip=True)
    except Exception as error:  # of many types, for bytes that are no MIDI
        reason = str(error).strip() or "it ends too early"  # EOFError says nothing
        raise ValueError(f"{name} is not a MIDI file that can be read: {reason}") from error
    if midi.ticks_per_beat <= 0:
        raise ValueError(f"{name} counts time in SMPTE frames, not in beats, which is not read.")
    changes = _tempo_changes(midi)
    struck = list(_struck(midi, drums))
    tracks = {key: number for number, key in enumerate(sorted({key for key, *_ in struck}))}
    times = np.array([times for _, _, *times in struck], float).reshape(-1, 2)
    times /= midi.ticks_per_beat
    if unit == "second":
        times = _seconds(times, changes)
    notes = [
        Note(pitch, start, end, tracks[key])
        for (key, pitch, *_), (start, end) in zip(struck, times.tolist(), strict=True)
    ]
    notes.sort(key=lambda note: (note.start, note.pitch, note.track))
    return (notes, round(60 / changes[0][1], 3)) if return_tempo else notes


@validated(
    ARGUMENTS, file=DESTINATION, tempo=[TEMPO], program=[_PROGRAM, ListOf(_PROGRAM, least=1)]
)
def write_midi(
    file: Any,
    music: Any,
    *,
    tempo: float = 120,
    step: float = 0.25,
    repeat: bool = False,
    program: int | Sequence[int] = 0,
) -> None:
    """Write notes or a piano roll to a MIDI file.

    Parameters
    ----------
    file : str, Path or binary file
        Where to write; a file of that name is replaced.
    music : list of Note, or array-like of shape (n_frames, 128) or (n_frames, 88)
        Notes in beats, which of each track become a track of the file, or a roll. Notes in seconds
        are written with ``tempo=60``.
    tempo : float, default=120
        Beats (quarter notes) a minute.
    step : float, default=0.25
    repeat : bool, default=False
        For a roll, as in :func:`roll_to_notes`: beats of a frame, and whether notes are struck anew
        in each.
    program : int or list of int, default=0
        Instrument of General MIDI, counted from 0: 0 is the piano, 19 the church organ, 52 a choir.
        A list has one for each track, and begins anew where there are more tracks.

    Raises
    ------
    ImportError
        If mido is not installed (extra ``music``).
    ValueError
        If the roll or a note is not valid, or there are no notes.

    See Also
    --------
    read_midi : Read a MIDI file.
    render : Sound instead of notes.

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> from tsrnn.sequences.music import read_midi, write_midi
    >>> roll = np.zeros((8, 88))
    >>> roll[:4, 39] = 1  # the middle C for a quarter note
    >>> file = io.BytesIO()
    >>> write_midi(file, roll)
    >>> _ = file.seek(0)
    >>> read_midi(file)
    [Note(pitch=60, start=0.0, end=1.0, track=0)]
    """
    mido, (notes, _) = _mido(), read_music(music, step, repeat)
    if not notes:
        raise ValueError("music has no notes: there is nothing to write.")
    programs = [program] if isinstance(program, int) else list(program)
    midi = mido.MidiFile(type=1, ticks_per_beat=_PER_BEAT)
    midi.add_track().append(mido.MetaMessage("set_tempo", tempo=round(60e6 / tempo)))
    for number, label in enumerate(sorted({note.track for note in notes})):
        channel = number % 15
        channel += channel >= _DRUMS
        track = midi.add_track()
        instrument = programs[number % len(programs)]
        track.append(mido.Message("program_change", channel=channel, program=instrument))
        time = 0
        for tick, kind, pitch in _events([note for note in notes if note.track == label]):
            velocity = _VELOCITY if kind == "note_on" else 0
            message = {"channel": channel, "note": pitch, "velocity": velocity}
            track.append(mido.Message(kind, time=tick - time, **message))
            time = tick
    content = io.BytesIO()
    midi.save(file=content)
    if hasattr(file, "write"):
        file.write(content.getvalue())
    else:
        Path(file).write_bytes(content.getvalue())


def _events(notes):
    """(tick, kind, pitch) of the ends and starts of notes; at the same time ends come first."""
    events = []
    for note in notes:
        start, end = round(note.start * _PER_BEAT), round(note.end * _PER_BEAT)
        events.append((start, "note_on", note.pitch))
        events.append((max(end, start + 1), "note_off", note.pitch))
    return sorted(events)


def _struck(midi, drums):
    """(track and channel, pitch, first tick, tick after the last) of all notes.

    The end of a pitch ends all of its notes that sound, and so does the end of the track.
    """
    for number, track in enumerate(midi.tracks):
        sounding: dict[tuple[int, int], list[int]] = defaultdict(list)
        tick = 0
        for message in track:
            tick += message.time
            if message.type not in ("note_on", "note_off"):
                continue
            key = message.channel, message.note
            if message.channel == _DRUMS and not drums:
                continue
            if message.type == "note_on" and message.velocity:
                sounding[key].append(tick)
                continue
            for first in sounding.pop(key, ()):
                if first < tick:
                    yield (number, key[0]), key[1], first, tick
        for (channel, pitch), starts in sounding.items():
            for first in starts:
                if first < tick:
                    yield (number, channel), pitch, first, tick


def _tempo_changes(midi) -> list[tuple[float, float]]:
    """Beats at which the tempo changes, from 0, and the seconds of a beat from there on."""
    changes = {0.0: 0.5}
    for track in midi.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                changes[tick / midi.ticks_per_beat] = message.tempo / 1e6
    return sorted(changes.items())


def _seconds(beats: np.ndarray, changes) -> np.ndarray:
    """Seconds from the beginning to beats."""
    starts, lengths = np.array(changes).T
    at_starts = np.cumsum(np.concatenate([[0.0], np.diff(starts) * lengths[:-1]]))
    last = np.searchsorted(starts, beats, side="right") - 1
    return at_starts[last] + (beats - starts[last]) * lengths[last]

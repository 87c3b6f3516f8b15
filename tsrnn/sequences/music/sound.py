"""Notes as sound: waves of decaying harmonics, and wav files."""

from typing import Any

import numpy as np

from tsrnn.parameters import BOOLEAN, POSITIVE, Integer, Number, validated
from tsrnn.sequences.music.midi import DESTINATION, TEMPO
from tsrnn.sequences.music.notes import Note, read_music

_RATE = Integer(1000, 768_000)
_MOST_SAMPLES = 500_000_000
_PEAK = 0.9  # of the loudest moment
_ATTACK, _RELEASE = 0.005, 0.08  # seconds of a note's rise and of its fade after the end


@validated(
    rate=[_RATE],
    tempo=[TEMPO],
    step=[POSITIVE],
    repeat=[BOOLEAN],
    n_harmonics=[Integer(1, 64)],
    half_life=[Number(0.01, 100)],
)
def render(
    music: Any,
    *,
    rate: int = 22_050,
    tempo: float = 120,
    step: float = 0.25,
    repeat: bool = False,
    n_harmonics: int = 8,
    half_life: float = 0.5,
) -> np.ndarray:
    """Render notes or a piano roll as sound, each note a sum of decaying harmonics.

    In a notebook ``IPython.display.Audio(render(roll), rate=22050)`` plays it.

    Parameters
    ----------
    music : list of Note, or array-like of shape (n_frames, 128) or (n_frames, 88)
        Notes in beats, or a roll; notes in seconds are rendered with ``tempo=60``.
    rate : int, default=22050
        Samples a second.
    tempo : float, default=120
        Beats (quarter notes) a minute.
    step : float, default=0.25
    repeat : bool, default=False
        For a roll, as in :func:`roll_to_notes`: beats of a frame, and whether notes are struck anew
        in each.
    n_harmonics : int, default=8
        Partials of a note, as far as ``rate`` holds them; more sound brighter.
    half_life : float, default=0.5
        Seconds after which half of a note's fundamental is left; higher partials fade sooner.

    Returns
    -------
    float32 array of shape (n_samples,)
        Scaled so that the largest magnitude is 0.9: nothing is clipped. Silence is zeros.

    Raises
    ------
    ValueError
        If the roll or a note is not valid, or there are no notes.

    See Also
    --------
    write_wav : Write the wave to a file.
    write_midi : Write notes instead of sound.

    Examples
    --------
    >>> from tsrnn.sequences.music import Note, render
    >>> wave = render([Note(69, 0, 2)], rate=8000)  # a second, and the fade
    >>> wave.dtype, wave.shape, round(float(abs(wave).max()), 3)
    (dtype('float32'), (8640,), 0.9)
    """
    notes, beats = read_music(music, step, repeat)
    n_samples = (beats * 60 / tempo + _RELEASE) * rate
    if n_samples > _MOST_SAMPLES:
        raise ValueError(
            f"music lasts {beats * 60 / tempo:,.0f} seconds, {n_samples:,.0f} samples: the most is "
            f"{_MOST_SAMPLES:,}. Render a part of it, or set rate lower."
        )
    wave = np.zeros(round(n_samples))
    for note in notes:
        first = round(note.start * 60 / tempo * rate)
        tone = _tone(note, note.duration * 60 / tempo, rate, n_harmonics, half_life)
        tone = tone[: len(wave) - first]
        wave[first : first + len(tone)] += tone
    peak = np.abs(wave).max()
    return (wave * (_PEAK / peak if peak else 0.0)).astype(np.float32)


@validated(file=DESTINATION, rate=[_RATE])
def write_wav(file: Any, wave: Any, *, rate: int = 22_050) -> None:
    """Write a wave to a wav file of 16-bit samples.

    Parameters
    ----------
    file : str, Path or binary file
        Where to write; a file of that name is replaced.
    wave : array-like of shape (n_samples,) or (n_samples, n_channels)
        Samples from -1 to 1, such as :func:`render` returns.
    rate : int, default=22050
        Samples a second, those of ``render``.

    Raises
    ------
    ValueError
        If ``wave`` is empty, of another shape, or has samples that are not numbers from -1 to 1.

    See Also
    --------
    render : Sound of notes.
    tsrnn.sequences.audio.read_wav : Read a wave.

    Examples
    --------
    >>> import io
    >>> from scipy.io import wavfile
    >>> from tsrnn.sequences.music import write_wav
    >>> file = io.BytesIO()
    >>> write_wav(file, [0.0, 0.5, -1.0], rate=8000)
    >>> rate, samples = wavfile.read(file)
    >>> rate, samples.tolist()
    (8000, [0, 16384, -32767])
    """
    from scipy.io import wavfile

    try:
        samples = np.asarray(wave, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"wave cannot be read as numbers: {error}") from error
    if samples.ndim not in (1, 2) or not samples.size:
        raise ValueError(
            "wave must be an array of shape (n_samples,) or (n_samples, n_channels) that is not "
            f"empty, got shape {samples.shape}."
        )
    wrong = ~(np.abs(samples) <= 1)
    if wrong.any():
        place = np.argwhere(wrong)[0]
        raise ValueError(
            f"wave must have samples from -1 to 1; sample {place[0]} is {samples[*place]:g}."
        )
    wavfile.write(file, rate, np.round(samples * 32767).astype(np.int16))


def _tone(note: Note, seconds: float, rate: int, n_harmonics: int, half_life: float) -> np.ndarray:
    """Samples of a note and of its fade after the end."""
    time = np.arange(max(round((seconds + _RELEASE) * rate), 1)) / rate
    pitch = 440 * 2 ** ((note.pitch - 69) / 12)
    tone = np.zeros(len(time))
    for k in range(1, n_harmonics + 1):
        if k * pitch < rate / 2:  # higher ones would sound as lower ones
            fade = np.exp2(-time * np.sqrt(k) / half_life)
            tone += np.sin(2 * np.pi * k * pitch * time) * fade / k**1.5
    fall = np.clip((seconds + _RELEASE - time) / _RELEASE, 0, 1)
    return tone * np.clip(time / _ATTACK, 0, 1) * fall

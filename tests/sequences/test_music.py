"""Notes, rolls, melodies, MIDI files and sound: round trips, known files and bad input."""

import io
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from tsrnn.datasets import load_chorales
from tsrnn.sequences.music import (
    Note,
    melody_to_notes,
    notes_to_melody,
    notes_to_roll,
    read_midi,
    render,
    roll_to_notes,
    write_midi,
    write_wav,
)

mido = pytest.importorskip("mido")


def roll_of(*columns, n_frames=8, n_notes=88):
    """A roll from (pitch, frames) pairs."""
    roll = np.zeros((n_frames, n_notes), int)
    for pitch, frames in columns:
        roll[list(frames), pitch - (21 if n_notes == 88 else 0)] = 1
    return roll


def written(*args, **kwargs):
    file = io.BytesIO()
    write_midi(file, *args, **kwargs)
    file.seek(0)
    return file


def midi_file(*tracks, ticks_per_beat=96):
    """A file of mido's messages, with a time each since the one before."""
    midi = mido.MidiFile(ticks_per_beat=ticks_per_beat)
    for messages in tracks:
        midi.add_track().extend(messages)
    file = io.BytesIO()
    midi.save(file=file)
    file.seek(0)
    return file


def on(pitch, time=0, velocity=64, channel=0):
    return mido.Message("note_on", note=pitch, time=time, velocity=velocity, channel=channel)


def off(pitch, time=0, channel=0):
    return mido.Message("note_off", note=pitch, time=time, channel=channel)


# Rolls


@pytest.mark.parametrize("n_notes", [88, 128])
def test_a_roll_is_held_notes_or_repeated_ones(n_notes):
    roll = roll_of((60, [0, 1, 2, 5]), (64, [7]), n_notes=n_notes)
    held = roll_to_notes(roll, step=0.5)
    assert held == [(60, 0.0, 1.5, 0), (60, 2.5, 3.0, 0), (64, 3.5, 4.0, 0)]
    struck = roll_to_notes(roll, step=0.5, repeat=True, track=3)
    assert [note.start for note in struck] == [0, 0.5, 1, 2.5, 3.5]
    assert {note.duration for note in struck} == {0.5}
    assert {note.track for note in struck} == {3}
    for notes in (held, struck):
        np.testing.assert_array_equal(notes_to_roll(notes, step=0.5, n_notes=n_notes), roll)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32, object])
def test_rolls_of_any_numbers(kind):
    roll = roll_of((21, [0]), (108, [7]))
    assert roll_to_notes(roll.astype(kind)) == roll_to_notes(roll)
    assert roll_to_notes(roll.tolist()) == roll_to_notes(roll)


@given(
    st.integers(0, 2**32 - 1), st.sampled_from([88, 128]), st.sampled_from([0.25, 1 / 3, 1.0, 7])
)
@settings(max_examples=30, deadline=None)
def test_random_rolls_come_back(seed, n_notes, step):
    generator = np.random.default_rng(seed)
    roll = (generator.random((generator.integers(1, 30), n_notes)) < generator.random()).astype(int)
    for repeat in (False, True):
        notes = roll_to_notes(roll, step=step, repeat=repeat)
        assert notes == sorted(notes, key=lambda note: (note.start, note.pitch))
        back = notes_to_roll(notes, step=step, n_notes=n_notes, n_frames=len(roll))
        np.testing.assert_array_equal(back, roll)


def test_times_are_rounded_to_frames_and_no_note_is_lost():
    notes = [Note(60, 0.1, 0.9), Note(62, 0.99, 1.01), Note(64, 1.6, 1.7), Note(65, 2, 2.45)]
    roll = notes_to_roll(notes, step=0.5, n_notes=128)
    assert {pitch: np.flatnonzero(roll[:, pitch]).tolist() for pitch in (60, 62, 64, 65)} == {
        60: [0, 1],
        62: [2],
        64: [3],
        65: [4],
    }


def test_a_note_struck_again_is_separated_where_it_has_a_frame_to_lose():
    notes = [Note(60, 0, 4), Note(60, 4, 5), Note(60, 5, 7), Note(60, 2.5, 6)]
    column = notes_to_roll(notes, step=1, separate=True, n_frames=8)[:, 39]
    np.testing.assert_array_equal(column, [1, 1, 0, 1, 1, 1, 1, 0])
    column = notes_to_roll(notes[:3], step=1, separate=True)[:, 39]
    np.testing.assert_array_equal(column, [1, 1, 1, 0, 1, 1, 1])
    assert notes_to_roll(notes[:3], step=1)[:, 39].all()


def test_a_roll_is_padded_and_cut():
    notes = [Note(60, 0, 1), Note(62, 2, 4)]
    assert notes_to_roll(notes, step=1, n_frames=6)[:, [39, 41]].T.tolist() == [
        [1, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 0, 0],
    ]
    assert notes_to_roll(notes, step=1, n_frames=3).sum() == 2
    assert notes_to_roll(notes, step=1, n_frames=1).sum() == 1
    assert notes_to_roll([], n_frames=3).shape == (3, 88)


BAD_ROLLS = {
    "empty": (np.zeros((0, 88)), "roll is empty"),
    "one axis": (np.zeros(88), r"shape \(n_frames, 88\) or \(n_frames, 128\), got shape \(88,\)"),
    "width": (np.zeros((4, 87)), r"got shape \(4, 87\)"),
    "number": (3, "got no array"),
    "None": (None, "got no array"),
    "ragged": ([[0] * 88, [0] * 87], "roll cannot be read"),
    "half": (roll_of() + 0.5, "values 0 and 1 only; frame 0 has 0.5 at pitch 21"),
    "velocity": (roll_of((60, [3])) * 80, "frame 3 has 80 at pitch 60"),
    "minus": (-roll_of((60, [3]), n_notes=128), "frame 3 has -1 at pitch 60"),
    "NaN": (np.where(roll_of((60, [3])), np.nan, 0), "frame 3 has nan at pitch 60"),
    "text": (np.full((2, 88), "1"), "values 0 and 1 only"),
}


@pytest.mark.parametrize("name", BAD_ROLLS)
def test_bad_rolls(name):
    roll, message = BAD_ROLLS[name]
    with pytest.raises(ValueError, match=message):
        roll_to_notes(roll)
    for call in (render, lambda music: write_midi(io.BytesIO(), music)):
        with pytest.raises(ValueError, match=r"^music "):
            call(roll)


BAD_NOTES = {
    "pitch": ([Note(60, 0, 1), Note(128, 0, 1)], r"notes\[1\] has pitch 128: .* 0 to 127"),
    "minus": ([Note(-1, 0, 1)], r"notes\[0\] has pitch -1"),
    "half": ([Note(60.5, 0, 1)], r"notes\[0\] has pitch 60.5"),
    "negative": ([Note(60, 2, 1)], r"notes\[0\] starts at 2 and ends at 1"),
    "no length": ([Note(60, 1, 1)], r"notes\[0\] starts at 1 and ends at 1"),
    "before": ([Note(60, -1, 1)], r"notes\[0\] has start -1"),
    "NaN": ([Note(60, 0, np.nan)], r"notes\[0\] has end nan"),
    "endless": ([Note(60, 0, np.inf)], r"notes\[0\] has end inf"),
    "text": ([Note(60, "0", 1)], r"notes\[0\] has start '0'"),
    "track": ([Note(60, 0, 1, -1)], r"notes\[0\] has track -1"),
    "pair": ([(60, 1)], r"notes\[0\] must be Note\(pitch, start, end\), got \(60, 1\)"),
    "far": ([Note(60, 0, 1e9)], "4e\\+09 frames of step=0.25"),
    "none": ([], "notes is empty"),
    "note": (Note(60, 0, 1), "notes must be a list of Note, got Note"),
    "number": (60, "notes must be a list of Note, got int"),
}


@pytest.mark.parametrize("name", BAD_NOTES)
def test_bad_notes(name):
    notes, message = BAD_NOTES[name]
    for call in (notes_to_roll, notes_to_melody):
        with pytest.raises(ValueError, match=message):
            call(notes)
    if name not in ("none", "note", "number", "far"):
        with pytest.raises(ValueError, match=message.replace("notes", "music")):
            render(notes)


def test_notes_that_no_piano_has():
    notes = [Note(20, 0, 1)]
    with pytest.raises(ValueError, match=r"notes\[0\] has pitch 20, outside of 21 to 108, .*=128"):
        notes_to_roll(notes)
    assert notes_to_roll(notes, n_notes=128)[:, 20].all()
    with pytest.raises(ValueError, match="n_notes must be 88 or 128, got 100"):
        notes_to_roll(notes, n_notes=100)


# Melodies


def test_a_melody_and_back():
    melody = [(None, 2), (60, 1), (60, 3), (None, 1), (67, 4)]
    notes = melody_to_notes(melody, step=0.5, track=1)
    assert notes == [(60, 1.0, 1.5, 1), (60, 1.5, 3.0, 1), (67, 3.5, 5.5, 1)]
    assert notes_to_melody(notes, step=0.5) == melody
    assert all(type(part) is int for token in melody[1:2] for part in token)


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 127), st.integers(1, 9)), max_size=20),
    st.sampled_from([0.25, 1 / 3, 0.1, 2]),
)
@settings(max_examples=50, deadline=None)
def test_random_melodies_come_back(tokens, step):
    melody = []
    for pitch, duration in tokens:  # rests in a row are one
        if pitch is None and melody and melody[-1][0] is None:
            melody[-1] = (None, melody[-1][1] + duration)
        else:
            melody.append((pitch, duration))
    melody.append((60, 1))
    assert notes_to_melody(melody_to_notes(melody, step=step), step=step) == melody


def test_the_highest_and_the_lowest_voice():
    notes = [Note(48, 0, 4), Note(60, 0, 1), Note(64, 1, 3), Note(62, 2, 4)]
    with pytest.raises(ValueError, match=r"notes\[0\] and notes\[1\] sound at once, from beat 0: "):
        notes_to_melody(notes)
    with pytest.raises(ValueError, match=r"notes\[1\] and notes\[2\] sound at once, from beat 2: "):
        notes_to_melody(notes[1:])
    highest = notes_to_melody(notes, step=1, voice="highest")
    assert highest == [(60, 1), (64, 2), (62, 1)]
    assert notes_to_melody(notes, step=1, voice="lowest") == [(48, 4)]


def test_the_soprano_of_a_chorale():
    roll = load_chorales()[1]
    melody = notes_to_melody(roll_to_notes(roll, step=1), step=1, voice="highest")
    assert sum(duration for _, duration in melody) == len(roll)
    pitches = np.repeat([pitch for pitch, _ in melody], [duration for _, duration in melody])
    expected = [21 + frame.nonzero()[0][-1] for frame in roll]
    np.testing.assert_array_equal(pitches, expected)


@pytest.mark.parametrize(
    ("melody", "message"),
    [
        ([], "melody is empty"),
        ([(60, 1), (61, 0)], r"melody\[1\] has duration 0"),
        ([(60, -2)], r"melody\[0\] has duration -2"),
        ([(60, 1.5)], r"melody\[0\] has duration 1.5"),
        ([(None, None)], r"melody\[0\] has duration None"),
        ([(128, 1)], r"melody\[0\] has pitch 128"),
        ([60, 61], r"melody\[0\] must be \(pitch, duration\), got 60"),
        ("abc", "melody must be a list of pairs"),
    ],
)
def test_bad_melodies(melody, message):
    with pytest.raises(ValueError, match=message):
        melody_to_notes(melody)


# MIDI files


def test_files_come_back_with_tracks_and_tempo():
    notes = [Note(60, 0, 1, 0), Note(36, 0.5, 4, 1), Note(60, 1, 2, 0), Note(127, 1 / 3, 2 / 3, 5)]
    back, tempo = read_midi(written(notes, tempo=97.5, program=[19, 52]), return_tempo=True)
    expected = sorted([*notes[:3], Note(127, 1 / 3, 2 / 3, 2)], key=lambda n: (n.start, n.pitch))
    assert [(note.pitch, note.track) for note in back] == [(n.pitch, n.track) for n in expected]
    for got, note in zip(back, expected, strict=True):
        np.testing.assert_allclose(got[1:3], note[1:3], atol=1e-12)
    assert tempo == 97.5
    midi = mido.MidiFile(file=written(notes, program=[19, 52]))
    programs = [m.program for track in midi.tracks for m in track if m.type == "program_change"]
    assert programs == [19, 52, 19]
    assert midi.ticks_per_beat == 480


def test_a_chorale_comes_back():
    roll = load_chorales()[0]
    for repeat in (False, True):
        notes = read_midi(written(roll, step=1, repeat=repeat, tempo=72))
        assert notes == roll_to_notes(roll, step=1, repeat=repeat)
        np.testing.assert_array_equal(notes_to_roll(notes, step=1), roll)


def test_the_shortest_notes_are_not_lost():
    notes = read_midi(written([Note(60, 1, 1.0001), Note(60, 2, 3)]))
    assert [(note.pitch, note.start) for note in notes] == [(60, 1), (60, 2)]
    assert 0 < notes[0].duration < 0.01


def test_files_by_path(tmp_path):
    for path in (tmp_path / "a.mid", str(tmp_path / "b.mid")):
        write_midi(path, [Note(60, 0, 1)])
        assert read_midi(path) == [Note(60, 0, 1)]
        with open(path, "rb") as file:
            assert read_midi(file) == [Note(60, 0, 1)]


def test_more_tracks_than_channels_leave_out_that_of_drums():
    notes = [Note(60, 0, 1, k) for k in range(20)]
    back = read_midi(written(notes))
    assert sorted(note.track for note in back) == list(range(20))


def test_seconds_follow_all_changes_of_the_tempo():
    tempo = [
        mido.MetaMessage("set_tempo", tempo=1_000_000),
        mido.MetaMessage("set_tempo", tempo=250_000, time=96 * 2),
        mido.MetaMessage("set_tempo", tempo=500_000, time=96 * 4),
    ]
    notes = [on(60), off(60, 96), on(62, 0), off(62, 96 * 3), on(64, 0), off(64, 96 * 4)]
    beats = [(60, 0, 1, 0), (62, 1, 4, 0), (64, 4, 8, 0)]
    assert read_midi(midi_file(tempo, notes)) == beats
    seconds, first = read_midi(midi_file(tempo, notes), unit="second", return_tempo=True)
    assert seconds == [(60, 0, 1, 0), (62, 1, 2.5, 0), (64, 2.5, 4, 0)]
    assert first == 60
    assert read_midi(midi_file(notes), return_tempo=True)[1] == 120
    assert read_midi(midi_file(notes), unit="second")[0] == (60, 0, 0.5, 0)
    late = [mido.MetaMessage("set_tempo", tempo=1_000_000, time=96)]
    assert read_midi(midi_file(late, notes), unit="second")[1] == (62, 0.5, 3.5, 0)


def test_messages_of_all_kinds():
    track = [
        mido.MetaMessage("track_name", name="right hand"),
        mido.Message("control_change", control=64, value=127),
        on(60),
        on(60, 48, velocity=0),  # an end
        off(61, 0),  # of no note
        on(62, 0, channel=3),
        on(36, 0, channel=9),  # a drum
        off(36, 48, channel=9),
        off(62, 0, channel=3),
        on(64),
        on(64, 48),  # struck again before its end, which ends both
        off(64, 48),
        on(65),  # never ended
        mido.MetaMessage("end_of_track", time=96),
    ]
    expected = [(60, 0, 0.5, 0), (62, 0.5, 1, 1), (64, 1, 2, 0), (64, 1.5, 2, 0), (65, 2, 3, 0)]
    assert read_midi(midi_file(track)) == expected
    with_drums = read_midi(midi_file(track), drums=True)
    assert [note for note in with_drums if note.pitch == 36] == [(36, 0.5, 1, 2)]
    assert len(with_drums) == 6
    assert read_midi(midi_file([on(60), off(60)])) == []


@pytest.mark.parametrize("content", [b"", b"no midi", b"MThd\0\0\0\6\0\1\0\2", b"\0" * 99])
def test_what_is_no_midi_is_named(content, tmp_path):
    path = tmp_path / "song.mid"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"song\.mid' is not a MIDI file that can be read"):
        read_midi(path)
    with pytest.raises(ValueError, match=r"file is not a MIDI file that can be read: \w"):
        read_midi(io.BytesIO(content))


def test_a_damaged_file_is_read_or_named():
    content = bytearray(written(load_chorales()[0][:20], step=1).getvalue())
    generator = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(content)
        damaged[generator.integers(len(damaged))] = generator.integers(256)
        try:
            notes = read_midi(io.BytesIO(damaged))
        except ValueError as error:
            assert str(error).startswith("file ")  # noqa: PT017
            continue
        assert all(0 <= note.pitch <= 127 and note.end > note.start for note in notes)


def test_files_that_are_not_there_and_time_in_smpte_frames():
    with pytest.raises(FileNotFoundError):
        read_midi("no.mid")
    content = bytearray(midi_file([on(60), off(60, 96)]).getvalue())
    content[12] = 0xE7  # 25 frames a second
    with pytest.raises(ValueError, match="SMPTE"):
        read_midi(io.BytesIO(content))


def test_nothing_to_write():
    with pytest.raises(ValueError, match="music is empty"):
        write_midi(io.BytesIO(), [])
    with pytest.raises(ValueError, match="music has no notes"):
        write_midi(io.BytesIO(), np.zeros((4, 88)))


def test_without_mido_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    for call in (lambda: read_midi("a.mid"), lambda: write_midi("a.mid", [Note(60, 0, 1)])):
        with pytest.raises(ImportError, match=r'pip install "tsrnn\[music\]"'):
            call()


# Sound


def spectrum_peak(wave, rate):
    return np.argmax(np.abs(np.fft.rfft(wave))) * rate / len(wave)


@pytest.mark.parametrize(("pitch", "frequency"), [(69, 440), (60, 261.63), (21, 27.5), (108, 4186)])
def test_a_note_sounds_at_its_pitch(pitch, frequency):
    wave = render([Note(pitch, 0, 4)], rate=22_050, half_life=5)
    assert spectrum_peak(wave, 22_050) == pytest.approx(frequency, abs=0.6)
    assert wave.dtype == np.float32


def test_timing_and_length():
    wave = render(roll_of((69, [4, 5]), n_frames=8), rate=8000, step=0.5, tempo=60)
    assert len(wave) == round((4 + 0.08) * 8000)
    sounding = np.flatnonzero(wave)
    assert 2 * 8000 <= sounding[0] < 2.01 * 8000
    assert 2.99 * 8000 < sounding[-1] <= 3.08 * 8000
    notes = render([Note(69, 2, 3)], rate=8000, tempo=60)
    np.testing.assert_array_equal(notes, wave[: len(notes)])


def test_repeated_notes_are_struck_anew():
    roll = roll_of((69, range(8)))
    held, struck = (render(roll, rate=8000, step=1, repeat=repeat) for repeat in (False, True))
    last = slice(-5000, -2000)
    assert np.abs(struck[last]).max() > 10 * np.abs(held[last]).max()


def test_sound_is_not_clipped_and_silence_is_silent():
    loud = render(np.ones((4, 88), int), rate=8000)
    assert np.abs(loud).max() == pytest.approx(0.9)
    assert not render(np.zeros((4, 88)), rate=8000).any()
    dark = render([Note(127, 0, 1)], rate=8000)  # above what the rate holds
    assert dark.shape == (round(0.58 * 8000),)
    assert not dark.any()


def test_a_wave_begins_and_ends_without_a_click():
    wave = render([Note(33, 0, 1)], rate=8000)
    assert abs(wave[0]) < 1e-3
    assert np.abs(wave[-4:]).max() < 1e-2
    high = np.abs(render([Note(96, 0, 1)], rate=22_050))
    assert high[:22].max() < 0.4 * high.max()  # the first millisecond


def test_more_sound_than_memory_holds():
    with pytest.raises(ValueError, match=r"music lasts 5e\+07 seconds|music lasts 50,000,000 sec"):
        render([Note(60, 0, 1e8)])


def test_wav_files(tmp_path):
    wave = render(load_chorales()[0][:4], rate=8000, step=1)
    path = tmp_path / "chorale.wav"
    write_wav(path, wave, rate=8000)
    rate, samples = wavfile.read(path)
    assert rate == 8000
    np.testing.assert_allclose(samples / 32767, wave, atol=1 / 65000)
    write_wav(path, np.stack([wave, -wave], axis=1), rate=8000)
    assert wavfile.read(path)[1].shape == (len(wave), 2)


@pytest.mark.parametrize(
    ("wave", "message"),
    [
        ([], r"not empty, got shape \(0,\)"),
        (3.0, r"got shape \(\)"),
        (np.zeros((2, 2, 2)), r"got shape \(2, 2, 2\)"),
        ([0, 0.5, 1.5], "sample 2 is 1.5"),
        ([[0, 0], [0, np.nan]], "sample 1 is nan"),
        (["a"], "wave cannot be read as numbers"),
        (None, "wave must"),
    ],
)
def test_bad_waves(wave, message):
    with pytest.raises(ValueError, match=message):
        write_wav(io.BytesIO(), wave)

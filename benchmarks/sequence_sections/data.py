"""Data that the sections read."""

import gzip

import numpy as np

from tsrnn.datasets import load_chorales
from tsrnn.sequences.audio import join_waves
from tsrnn.sequences.audio.spectra import normalized, with_deltas

DIGITS_RATE = 8000  # samples a second of the spoken digits
N_DRY = 200  # sequences of a dry run


def read_shakespeare(folder, dry=False):
    """The text of tinyshakespeare: the first nine tenths, and the last."""
    path = folder / "seq-tinyshakespeare/input.txt.gz"
    text = gzip.decompress(path.read_bytes()).decode("ascii")
    text = text[:3_000] if dry else text
    n = len(text) * 9 // 10
    return text[:n], text[n:]


def read_sentences(folder, split, dry=False):
    """Sentences of SST-2 and their labels, 0 or 1; ``split`` is "train", "dev" or "test"."""
    path = folder / f"seq-sentiment/stsa.binary.{split}.gz"
    with gzip.open(path, "rt", encoding="latin1") as file:
        pairs = [line.rstrip("\n").split(" ", 1) for line in file]
    pairs = pairs[:N_DRY] if dry else pairs
    return [text for _, text in pairs], np.array([int(label) for label, _ in pairs])


def read_chorales(dry=False):
    """Chorales to train on, to validate on and to test by, which ship with the library."""
    parts = [load_chorales(split) for split in ("train", "validation", "test")]
    return [part[:10] for part in parts] if dry else parts


def machine(n, seed, mean_duration=60):
    """Two sensors (n, 2) and the state (n,) of a machine, a name.

    Noise hides the level, which parts running from warming and cooling by less than its deviation,
    and the vibration, which is slow where the machine runs and fast where it cools.
    """
    rng = np.random.default_rng(seed)
    parts, state = [], 0
    while sum(map(len, parts)) < n:
        parts.append(np.full(5 + int(rng.gamma(4, mean_duration / 4)), state))
        state = (state + rng.integers(1, 4)) % 4
    state, t = np.concatenate(parts)[:n], np.arange(n)
    level = np.array([0, 0.6, 1, 0.8])[state] + rng.normal(0, 0.6, n)
    vibration = np.where(state == 2, np.sin(t / 3), 0) + np.where(state == 3, np.sin(t / 1.5), 0)
    names = np.array(["off", "warming", "running", "cooling"])
    return np.column_stack([level, vibration + rng.normal(0, 0.8, n)]), names[state]


def read_pairs(folder, split, dry=False):
    """Sentences of Multi30k in German and in English; ``split`` is the name of its files."""
    sides = []
    for language in ("de", "en"):
        path = folder / f"seq-multi30k/{split}.{language}.gz"
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = file.read().splitlines()
        sides.append(lines[: N_DRY if split == "train" else 40] if dry else lines)
    return sides


def read_digits(folder):
    """Waves of spoken digits, and of each the digit, its speaker's number and the take."""
    with np.load(folder / "seq-fsdd/fsdd_takes0-14_int16_8khz.npz") as file:
        waves = np.split(file["audio"].astype(np.float32) / 2**15, file["offsets"][1:-1])
        speakers = np.unique(file["speaker"], return_inverse=True)[1]
        return waves, file["label"], speakers, file["take"]


def digit_strings(digits, takes, n, seed):
    """Strings of 3 to 7 digits of one speaker each, joined with pauses and noise.

    Returns waves, texts, and frames of when each digit begins and ends. Pauses take up to 0.3
    seconds, noise has 10 to 30 decibels less than the speech.
    """
    waves, labels, speakers, take = digits
    rng, is_chosen = np.random.default_rng(seed), np.isin(take, takes)
    strings = []
    for _ in range(n):
        speaker = rng.choice(np.unique(speakers))
        own = np.flatnonzero(is_chosen & (speakers == speaker))
        chosen = rng.choice(own, rng.integers(3, 8))
        wave, alignment = join_waves(
            [waves[k] for k in chosen],
            DIGITS_RATE,
            labels=[str(labels[k]) for k in chosen],
            pause=(0.0, 0.3),
            snr=float(rng.uniform(10, 30)),
            random_state=int(rng.integers(2**31)),
        )
        strings.append((wave, "".join(alignment["label"]), alignment))
    return tuple(map(list, zip(*strings, strict=True)))


def read_an4(folder, dry=False):
    """Utterances of AN4 as cepstra with slopes, and their texts: to train on, and to test by."""
    with np.load(folder / "seq-an4/an4_mfcc13_f16.npz") as file:
        cepstra = np.split(file["feat"].astype(float), file["offsets"][1:-1])
        texts, is_train = file["text"].tolist(), file["split"] == "train"
    parts = []
    for chosen in (is_train, ~is_train):
        numbers = np.flatnonzero(chosen)[: 20 if dry else None]
        X = [normalized(with_deltas(cepstra[k], 2)).astype(np.float32) for k in numbers]
        parts.append((X, [texts[k] for k in numbers]))
    return parts

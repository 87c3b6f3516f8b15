"""Data that the sections read."""

import gzip

import numpy as np

from tsrnn.datasets import load_chorales

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

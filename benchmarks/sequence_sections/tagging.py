"""A label for every step: RNNTagger beside a random forest over windows."""

import importlib.util
import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from results import Table
from sklearn.ensemble import RandomForestClassifier

from sequence_sections.data import machine
from tsrnn import RNNTagger
from tsrnn.datasets import load_seattle_weather

SIZES = (21, 41, 61)  # windows of the forest


def tagging(run):
    """Print accuracies on a generated machine and on what is real."""
    seeds = range(run.seeds)
    n = 600 if run.dry else 6000
    sets = {
        ("machine", "A machine of four states, generated"): (
            [(machine(n, 100 + 2 * seed), machine(n, 101 + 2 * seed)) for seed in seeds],
            SIZES,
        ),
        ("watch", "Four activities by a smart watch, joined"): (read_activities(seeds), SIZES),
        ("weather", "Weather of Seattle's days, the last year"): (
            [read_weather()] * run.seeds,
            (1, 3, 7),
        ),
    }
    for (key, name), (pairs, sizes) in sets.items():
        if pairs is None:
            print(f"\n{name}: left out, as aeon, which has it, is not installed.")
            continue
        title = f"{name}, accuracy in %, mean of {run.seeds} seeds"
        columns = ["model", "past alone", "s a fit", "past and future", "s a fit of both"]
        table = Table(f"sequences-tagging-{key}", title, columns)
        for row, evaluate in models(sizes, run.dry).items():
            cells = []
            for centred in (False, True):
                results = [evaluate(*pair, seed, centred) for seed, pair in enumerate(pairs)]
                accuracy, seconds = np.mean(results, axis=0)
                cells += [f"{100 * accuracy:.1f}", f"{seconds:.1f}"]
            table.row(row, *cells)


def models(sizes, dry):
    """Functions from the data, a seed and whether the future is seen to accuracy and seconds."""

    def tagger(train, test, seed, centred):
        small = {"max_iter": 1} if dry else {}
        model = RNNTagger(bidirectional=centred, random_state=seed, **small)
        started = time.perf_counter()
        model.fit(*train)
        return model.score(*test), time.perf_counter() - started

    def forest(size):
        def evaluate(train, test, seed, centred):
            started = time.perf_counter()
            model = RandomForestClassifier(10 if dry else 300, random_state=seed, n_jobs=-1)
            model.fit(window_features(train[0], size, centred=centred), train[1])
            seconds = time.perf_counter() - started
            return model.score(window_features(test[0], size, centred=centred), test[1]), seconds

        return evaluate

    return {"RNNTagger, defaults": tagger} | {
        f"random forest, windows of {size}": forest(size) for size in sizes
    }


def window_features(X, size, *, centred):
    """Values of a window of each row, and their means, deviations and mean absolute differences."""
    if size == 1:
        return X
    before = size // 2 if centred else size - 1
    padded = np.pad(X, ((before, size - 1 - before), (0, 0)), mode="edge")
    windows = sliding_window_view(padded, size, axis=0)
    steps = np.abs(np.diff(windows, axis=2)).mean(axis=2)
    statistics = windows.mean(axis=2), windows.std(axis=2), steps
    return np.hstack([windows.reshape(len(X), -1), *statistics])


def read_weather():
    """Measurements and kind of weather of each day: three years to train on, one to test by."""
    frame = load_seattle_weather()
    X, y = frame.drop(columns="weather").to_numpy(float), frame["weather"].to_numpy(str)
    n = int(np.count_nonzero(frame.index < pd.Timestamp("2015")))
    return (X[:n], y[:n]), (X[n:], y[n:])


def read_activities(seeds):
    """Six sensors at a wrist, at rest, walking, running or playing badminton; None without aeon.

    Of BasicMotions' 40 recordings to train on and 40 to test by, 3 to 10 seconds of each, drawn and
    joined in an order that the seed says: what is measured is real, when it changes is not.
    """
    spec = importlib.util.find_spec("aeon")
    if spec is None:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "datasets/data/BasicMotions"
    parts = [_read_ts(folder / f"BasicMotions_{part}.ts") for part in ("TRAIN", "TEST")]
    return [
        [_join(*part, np.random.default_rng([seed, k])) for k, part in enumerate(parts)]
        for seed in seeds
    ]


def _read_ts(path):
    """Recordings (n, n_steps, n_channels) and their labels, of a file of the UEA archive."""
    lines = path.read_text().lower().split("@data")[1].split()
    cases = [line.split(":") for line in lines]
    values = [[np.fromstring(channel, sep=",") for channel in case[:-1]] for case in cases]
    return np.swapaxes(np.array(values), 1, 2), np.array([case[-1] for case in cases])


def _join(recordings, labels, rng):
    """Pieces of the recordings end to end, two of each, and the label of each step."""
    steps, names = [], []
    for number in np.concatenate([rng.permutation(len(labels)) for _ in range(2)]):
        n = rng.integers(30, 101)
        first = rng.integers(0, 101 - n)
        steps.append(recordings[number, first : first + n])
        names.append(np.repeat(labels[number], n))
    return np.concatenate(steps), np.concatenate(names)

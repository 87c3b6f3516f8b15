"""Detectors on the Numenta Anomaly Benchmark (NAB): 58 series, one setting for all.

Run it with ``python benchmarks/anomaly.py --data FOLDER``, where FOLDER holds NAB's ``nab/data``
and ``nab/labels``. Labels are seen by the metrics alone. Of each series only the values are read,
and from its time stamps how many steps a day has, which networks are told as their season.

* With hindsight: fitted to the whole series, which is then scored. Mean VUS-PR with a buffer of 100
  steps, over the series that have anomalies.
* Online: fitted to the first 15 %, at most 750 steps, NAB's probation; all else is scored by what
  came before it. Mean VUS-PR of the same series; and NAB's score in its three profiles, of alarms:
  how long the return period is of the score of a point by itself (``stretch=1``), or of the mean of
  the last 40, in all before it (``ReturnPeriodThreshold``). One is silent where any in the 200
  steps before it was as strong.

Two figures are also given by halves of the files, those of even and of odd position by name.

``--speed`` measures points a minute and the time of an update instead, ``--false-alarms`` the share
of alarms on series with nothing strange in them.
"""

import argparse
import json
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from results import Table, parse_arguments
from sklearn.ensemble import IsolationForest

from tsrnn import RNNAnomalyDetector
from tsrnn.anomaly import (
    ConformalThreshold,
    GaussianDetector,
    PCADetector,
    PolynomialDetector,
    ReturnPeriodThreshold,
    WindowDetector,
)
from tsrnn.anomaly.metrics import NAB_PROFILES, nab_score, vus_pr

BUFFER, PROBATION, SILENCE = 100, 750, 200
LONGEST = 1e12  # return period
LEAST_OF_POLYNOMIALS = 301  # more than 15 % of the shortest files
DETECTORS = {
    "RNNAnomalyDetector, defaults": lambda **own: RNNAnomalyDetector(n_jobs=1, **own),
    "RNNAnomalyDetector, lstm": lambda **own: RNNAnomalyDetector(cell="lstm", n_jobs=1, **own),
    "RNNAnomalyDetector, 3 networks": lambda **own: RNNAnomalyDetector(
        n_estimators=3, n_jobs=1, **own
    ),
    "RNNAnomalyDetector, reconstruction": lambda **own: RNNAnomalyDetector(
        method="reconstruction", n_jobs=1, **own
    ),
    "PCADetector": lambda **own: PCADetector(**own),
    "PolynomialDetector": lambda **own: PolynomialDetector(**own),
    "GaussianDetector": lambda **own: GaussianDetector(**own),
    "WindowDetector, IsolationForest": lambda random_state, **own: WindowDetector(
        IsolationForest(random_state=random_state), **own
    ),
    "random": None,
}
PUBLISHED = {  # NAB's standard profile
    "ARTime (published)": 74.9,
    "Numenta HTM (published)": 70.0,
    "KNN-CAD (published)": 58.0,
    "Relative Entropy (published)": 54.6,
    "Twitter ADVec (published)": 47.1,
    "Windowed Gaussian (published)": 39.6,
    "Bayesian change point (published)": 17.7,
    "random (published)": 11.0,
}
PUBLISHED_VUS = {  # TSB-AD's mean over 23 stretches of NAB
    "POLY": 0.484,
    "Series2Graph": 0.436,
    "Sub-PCA": 0.436,
    "CNN": 0.191,
    "LSTMAD": 0.182,
    "random": 0.106,
}


def read(folder):
    """Of each file: its values, labels 0/1, and steps of a day."""
    windows = json.loads((folder / "nab/labels/combined_windows.json").read_text())
    files = {}
    for name in sorted(windows):
        table = pd.read_csv(folder / "nab/data" / name, parse_dates=["timestamp"])
        labels = np.zeros(len(table), int)
        for start, end in windows[name]:
            labels[table["timestamp"].between(start, end)] = 1
        step = np.median(np.diff(table["timestamp"].to_numpy()).astype("m8[s]").astype(int))
        files[name] = table["value"].to_numpy(float), labels, round(86400 / step)
    return files


def run(task):
    """Scores of a file by a detector: with hindsight, online, severity of alarms; seconds."""
    name, seed, values, day = task
    warnings.simplefilter("ignore")
    n_first = min(int(0.15 * len(values)), PROBATION)
    make = DETECTORS[name]
    if make is None:
        scores = np.random.default_rng(seed).random((2, len(values)))
        return scores[0], scores[1], severity(scores[1], n_first), 0.0

    def detector(n, **own):
        if name.startswith("RNN"):
            own["season"] = tuple(each for each in (day, 7 * day) if 2 * each <= n) or 1
        if name.startswith(("RNN", "WindowDetector")):
            own["random_state"] = seed
        return make(**own)

    started = time.process_time()
    hindsight = -detector(len(values)).fit(values).score_samples(values)
    seconds = time.process_time() - started
    if name.startswith("Polynomial"):
        n_first = max(n_first, LEAST_OF_POLYNOMIALS)
    one = detector(n_first, online=True).fit(values[:n_first])
    online = -one.score_samples(values)
    if name.startswith("RNN"):  # the mean over a stretch comes late
        one = detector(n_first, online=True, stretch=1).fit(values[:n_first])
    alarms = severity(-one.score_samples(values), n_first)
    return known(hindsight), known(online), alarms, seconds


def known(scores):
    """Scores, the least of them where there are none."""
    return np.where(np.isnan(scores), np.nanmin(scores), scores)


def severity(scores, n_first):
    """Return period of each score in those before it, 0 where a longer one was near."""
    threshold = ReturnPeriodThreshold().fit(scores[:n_first])
    periods = np.zeros(scores.size)
    for k in range(n_first, scores.size):
        if scores[k] == scores[k]:
            periods[k] = min(threshold.return_periods(scores[k : k + 1])[0], LONGEST)
            threshold.update(scores[k : k + 1])
    before = pd.Series(periods).shift(1).rolling(SILENCE, min_periods=1).max().fillna(0)
    return np.where(periods > before, periods, 0.0)


def table(files, detectors, seeds, n_jobs):
    """Print results, a row a detector; then those of each half of the files."""
    categories = sorted(
        {name.partition("/")[0] for name, (_, labels, _) in files.items() if any(labels)}
    )
    names = [*categories, "mean", "online"]
    columns = ["mean VUS-PR", *names, "NAB standard", "low FP", "low FN", "CPU s"]
    note = f"Mean of {len(seeds)} seeds of RNNAnomalyDetector and random, one of the others."
    shown = Table("anomaly-nab", "Numenta Anomaly Benchmark, 58 series", columns, note)
    halves = {}
    with ProcessPoolExecutor(n_jobs) as pool:
        for detector in detectors:
            rows = []
            for seed in seeds if DETECTORS[detector] is None or "RNN" in detector else seeds[:1]:
                tasks = [(detector, seed, values, day) for values, _, day in files.values()]
                found = dict(zip(files, pool.map(run, tasks, chunksize=2), strict=True))
                rows.append(measured(files, found, categories))
            mean = np.mean(rows, axis=0)
            mean, halves[detector] = mean[:-4], mean[-4:]
            cells = [f"{value:.3f}" for value in mean[: len(names)]]
            cells += [f"{value:.1f}" for value in mean[len(names) :]]
            shown.row(detector, *cells)
    for row, value in PUBLISHED.items():
        shown.row(row, *[None] * len(names), value)
    of_others = ", ".join(f"{name} {value}" for name, value in PUBLISHED_VUS.items())
    shown.note(f"Published by TSB-AD, mean VUS-PR over its 23 stretches of NAB: {of_others}.")
    columns = ["by halves of the files", "mean VUS-PR, even", "mean VUS-PR, odd"]
    columns += ["NAB standard, even", "NAB standard, odd"]
    by_halves = Table("anomaly-halves", "Files of even and of odd position by name", columns)
    for detector, (even, odd, nab_even, nab_odd) in halves.items():
        by_halves.row(detector, f"{even:.3f}", f"{odd:.3f}", f"{nab_even:.1f}", f"{nab_odd:.1f}")


def measured(files, found, categories):
    """Figures of a run: VUS-PR by category, in the mean and online; NAB's; seconds; halves."""
    labels = {name: labels for name, (_, labels, _) in files.items()}
    marked = [name for name in files if labels[name].any()]
    vus = pd.DataFrame(
        [[vus_pr(labels[k], found[k][way], BUFFER) for way in (0, 1)] for k in marked],
        index=marked,
    )
    by = vus[0].groupby(lambda name: name.partition("/")[0]).mean()

    def nab(names, profile="standard"):
        alarms = {name: found[name][2] for name in names}
        return nab_score({k: labels[k] for k in names}, alarms, profile=profile).score

    seconds = sum(one[3] for one in found.values())
    halves = list(files)[0::2], list(files)[1::2]
    vus_of_halves = [vus[0][[k for k in half if k in vus.index]].mean() for half in halves]
    scores = [nab(list(files), profile) for profile in NAB_PROFILES]
    return [*by[categories], *vus.mean(), *scores, seconds, *vus_of_halves, *map(nab, halves)]


def speed(n=1_000_000):
    """Print points a minute of a long series, and the time of an update."""
    rng = np.random.default_rng(0)
    hours = pd.date_range("2000-01-01", periods=n, freq="h")
    y = pd.Series(np.sin(np.arange(n) * np.pi / 12) + 0.1 * rng.normal(size=n), hours)
    first = y.iloc[:8000]
    table = Table("anomaly-speed", f"Scores of {n:,} points, and of new ones", ["what", "figure"])
    for online in (False, True):
        detector = RNNAnomalyDetector(online=online, random_state=0).fit(first)
        started = time.perf_counter()
        detector.score_samples(y)
        minutes = (time.perf_counter() - started) / 60
        table.row(f"`score_samples`, `online={online}`, points a minute", f"{n / minutes:,.0f}")
    for way, pieces in {
        "a row": [y.iloc[k : k + 1] for k in range(8000, 12000)],
        "a number": [float(value) for value in y.iloc[12000:16000]],
    }.items():
        times = []
        for piece in pieces:
            started = time.perf_counter()
            detector.update(piece)
            times.append(time.perf_counter() - started)
        name = f"`update` by {way}, median in microseconds"
        table.row(name, f"{1e6 * np.median(times):.0f}")


def false_alarms(n_series=100, n=2000):
    """Print the share of alarms at a rate of 1 %, of series of noise about a day's wave."""
    title = f"Alarms at a rate of 1 %, {n_series} series with nothing strange in them"
    table = Table("anomaly-false-alarms", title, ["steps that were fitted", "alarms"])
    for n_first in (1000, 4000):
        rates = []
        for seed in range(n_series):
            rng = np.random.default_rng(seed)
            y = np.sin(np.arange(n_first + n) * np.pi / 12) + rng.normal(size=n_first + n)
            detector = RNNAnomalyDetector(
                online=True,
                stretch=1,
                season=24,
                threshold=ConformalThreshold(0.01),
                random_state=seed,
            ).fit(y[:n_first])
            rates.append(detector.update(y[n_first:]).anomaly.mean())
        table.row(n_first, f"{np.mean(rates):.2%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with nab/data and nab/labels")
    parser.add_argument("--seeds", type=int, default=3, help="seeds that networks are fitted with")
    parser.add_argument("--only", default="", help="detectors whose names contain this")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--false-alarms", action="store_true")
    options = parse_arguments(parser, peers=("scikit-learn",))
    if options.speed:
        speed()
    if options.false_alarms:
        false_alarms()
    if options.data:
        chosen = [name for name in DETECTORS if options.only in name]
        table(read(options.data), chosen, range(options.seeds), options.jobs)


if __name__ == "__main__":
    main()

"""What accuracy.py compares: this library, naive forecasts, and what users would pick instead.

A model is a function of a task, a seed and a number of threads or processes. It returns a function
that fits and forecasts, which is timed, and one that gives intervals afterwards, or None. Peers are
imported when they run, in a process of their own that has not imported this library.
"""

import importlib
import logging
import multiprocessing
import resource
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from accuracy_tasks import long_frame


def tsrnn(task, seed, jobs, **settings):
    """RNNForecaster; a panel's season is given, one series' follows from its dates."""
    library = importlib.import_module("tsrnn")
    season = {"season": task.season} if task.is_panel else {}
    common = {"horizon": task.horizon, "random_state": seed, "n_jobs": jobs, **season}
    forecaster = library.RNNForecaster(**common, **settings)

    def forecast():
        found = forecaster.fit(task.y).predict()
        return (found["y"] if task.is_panel else found).to_numpy().reshape(task.actual.shape)

    def intervals():
        found = forecaster.predict_interval(coverage=[0.8, 0.95])
        return {
            level: [
                found[f"{side}_{level}"].to_numpy().reshape(task.actual.shape)
                for side in ("lower", "upper")
            ]
            for level in (80, 95)
        }

    # Loads the kernels, or compiles them where they have never been used.
    longest = sorted(task.histories, key=len)[-2:]
    few = long_frame(longest) if task.is_panel else task.y
    warm = library.RNNForecaster(**common, **{"max_iter": 1, **settings}).fit(few)
    warm.predict()
    return forecast, intervals


def seasonal_naive(task, seed, jobs):
    """The last season again; intervals are those of a network that has hardly learnt, for panels.

    Its forecasts being the naive ones, they are made as those of the networks beside it.
    """

    def forecast():
        steps = np.arange(task.horizon) % task.season
        return np.array([history[-task.season :][steps] for history in task.histories])

    def intervals():
        untrained = {"max_iter": 1, "learning_rate_init": 1e-12, "refit": False}
        fitted, of_fitted = tsrnn(task, seed, jobs, pretrained=None, **untrained)
        fitted()
        return of_fitted()

    return forecast, intervals if task.is_panel else None


def lightgbm(task, seed, jobs):
    """Gradient boosting by mlforecast: one model for all series, 200 trees.

    Lags are those of two seasons, or of the horizon where there is no season; of the series the
    seasonal differences are taken, and each scaled by its own mean and deviation. On M3, other
    lags, differences, rates and sizes of trees were not better by more than 1 %.
    """
    library = importlib.import_module("mlforecast")
    transforms = importlib.import_module("mlforecast.target_transforms")
    booster = importlib.import_module("lightgbm").LGBMRegressor(
        n_estimators=200, learning_rate=0.05, random_state=seed, n_jobs=jobs, verbosity=-1
    )
    n_lags = 2 * task.season if task.season > 1 else task.horizon
    forecaster = library.MLForecast(
        models={"LightGBM": booster},
        freq=1,
        lags=list(range(1, n_lags + 1)),
        target_transforms=[
            transforms.Differences([task.season]),
            transforms.LocalStandardScaler(),
        ],
    )
    frame = long_frame(task.histories)

    def forecast():
        forecaster.fit(frame, static_features=[])
        return forecaster.predict(task.horizon)["LightGBM"].to_numpy().reshape(task.actual.shape)

    return forecast, None


def statsforecast(task, seed, jobs, model):
    """A model of statsforecast, given the season; AutoETS fits none above 24."""
    library = importlib.import_module("statsforecast")
    chosen = getattr(importlib.import_module("statsforecast.models"), model)
    jobs = min(jobs, len(task.histories))
    forecaster = library.StatsForecast([chosen(season_length=task.season)], freq=1, n_jobs=jobs)
    frame = long_frame(task.histories)

    def forecast():
        found = forecaster.forecast(df=frame, h=task.horizon)
        return found[model].to_numpy(float).reshape(task.actual.shape)

    return forecast, None


def neuralforecast(task, seed, jobs):
    """neuralforecast's LSTM by its defaults: inputs of three horizons, 1000 steps; on the CPU.

    It refuses series shorter than its inputs unless they are padded. What else is set keeps it from
    printing and from writing files.
    """
    library = importlib.import_module("neuralforecast")
    models = importlib.import_module("neuralforecast.models")
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    quiet = ("logger", "enable_progress_bar", "enable_checkpointing", "enable_model_summary")
    network = models.LSTM(
        h=task.horizon,
        random_seed=seed,
        start_padding_enabled=min(map(len, task.histories)) < 3 * task.horizon,
        accelerator="cpu",
        **dict.fromkeys(quiet, False),
    )
    forecaster = library.NeuralForecast([network], freq=1)
    frame = long_frame(task.histories)

    def forecast():
        forecaster.fit(frame)
        return forecaster.predict()["LSTM"].to_numpy(float).reshape(task.actual.shape)

    return forecast, None


class Model(NamedTuple):
    """A row of the tables: what makes the forecasts, by which settings, from which packages."""

    make: object
    settings: dict = {}
    packages: tuple = ("tsrnn",)
    seeded: bool = False  # whether, on one series, it is the mean of five seeds

    @property
    def is_own(self):
        """Whether it is of this library."""
        return self.packages == ("tsrnn",)

    @property
    def is_installed(self):
        """Whether its packages can be imported."""
        return all(find_spec(package) for package in self.packages)


MODELS = {
    "RNNForecaster, defaults": Model(tsrnn, seeded=True),
    "zero-shot, `max_iter=0`": Model(tsrnn, {"max_iter": 0}),
    "RNNForecaster, `pretrained=None`": Model(tsrnn, {"pretrained": None}, seeded=True),
    "seasonal naive": Model(seasonal_naive),
    "LightGBM (mlforecast)": Model(lightgbm, packages=("mlforecast", "lightgbm")),
    "AutoETS (statsforecast)": Model(
        statsforecast, {"model": "AutoETS"}, packages=("statsforecast",)
    ),
    "AutoTheta (statsforecast)": Model(
        statsforecast, {"model": "AutoTheta"}, packages=("statsforecast",)
    ),
    "LSTM (neuralforecast)": Model(neuralforecast, packages=("neuralforecast",), seeded=True),
}


class Run(NamedTuple):
    """What the fits of one model gave and took; seconds are means of a fit."""

    found: list  # one (series, horizon) a seed
    bounds: dict  # lower and upper by level, of the first seed
    seconds: float
    cpu_seconds: float
    peak_mb: float
    versions: str


def usage():
    """Processor seconds and peak MB, each of this process and of its ended workers."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return [u.ru_utime + u.ru_stime for u in found], [u.ru_maxrss / 1024 for u in found]


def measure(name, task, seeds, jobs):
    """Fits and forecasts of a model by each of the seeds.

    Its peak memory counts the largest worker as often as there are workers: an upper bound, as what
    they share counts for each.
    """
    warnings.simplefilter("ignore")
    multiprocessing.set_start_method("fork", force=True)  # so that workers count as its children
    model = MODELS[name]
    found, bounds, seconds, cpu_seconds, peak = [], {}, 0.0, 0.0, 0.0
    for seed in seeds:
        forecast, intervals = model.make(task, seed, jobs, **model.settings)
        (before, _), started = usage(), time.perf_counter()
        found.append(forecast())
        seconds += (time.perf_counter() - started) / len(seeds)
        after, (own, largest) = usage()
        cpu_seconds += (sum(after) - sum(before)) / len(seeds)
        peak = max(peak, own + jobs * largest if jobs > 1 else own)
        if intervals and not bounds:
            bounds = intervals()
    imported = {package: importlib.import_module(package) for package in model.packages}
    versions = ", ".join(f"{name} {package.__version__}" for name, package in imported.items())
    return Run(found, bounds, seconds, cpu_seconds, peak, versions)


def apart(*arguments):
    """The result of :func:`measure` in a process of its own.

    A fork server starts it, as a process started from this one would count this one's peak memory.
    """
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measure, *arguments).result()

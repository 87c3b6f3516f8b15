"""What accuracy.py forecasts: the groups of M3, M4's hourly and weekly series, the shipped series.

Errors are M4's: sMAPE in percent, MASE and OWA, each the mean over series. Nothing here imports
the library before it is called, as models run in processes without it.
"""

import gzip
import json
from typing import NamedTuple

import numpy as np
import pandas as pd

# Of M3: the season.
M3 = {"yearly": 1, "quarterly": 4, "monthly": 12}

# Of M4: the season, sMAPE and MASE of its Naive2, and what was published.
M4 = {
    "Hourly": (
        24,
        (18.383, 2.395),
        {
            "ES-RNN, the winner (published)": {"smape": 9.328, "mase": 0.893, "owa": 0.440},
            "best of any entry, each (published)": {"smape": 8.913, "mase": 0.801, "owa": 0.410},
        },
    ),
    "Weekly": (
        1,
        (9.161, 2.777),
        {
            "ES-RNN, the winner (published)": {"smape": 7.817, "mase": 2.356, "owa": 0.851},
            "best of any entry, each (published)": {"smape": 6.582, "mase": 2.107, "owa": 0.739},
        },
    ),
}


class Task(NamedTuple):
    """Series to forecast.

    ``y`` holds them as the library reads them, a long frame or a Series with dates; ``naive2`` the
    errors of M4's Naive2, where OWA is asked for.
    """

    name: str
    y: pd.DataFrame | pd.Series
    histories: list
    actual: np.ndarray  # (series, horizon)
    season: int
    naive2: tuple | None = None
    published: dict = {}

    @property
    def horizon(self):
        """Number of values to forecast."""
        return self.actual.shape[1]

    @property
    def is_panel(self):
        """Whether there are many series."""
        return len(self.histories) > 1


def long_frame(histories):
    """One row a value, times being counted from 0."""
    return pd.concat(
        pd.DataFrame({"unique_id": number, "ds": np.arange(len(values)), "y": values})
        for number, values in enumerate(histories)
    )


def m3_tasks(folder):
    """The tasks of M3's yearly, quarterly and monthly series."""
    series = json.loads(gzip.decompress((folder / "m3/m3.json.gz").read_bytes()))
    for period, season in M3.items():
        chosen = [each for each in series if each["period"].lower() == period]
        histories = [np.array(each["x"], float) for each in chosen]
        actual = np.array([each["xx"] for each in chosen], float)
        name = f"M3 {period}, {len(chosen)} series"
        yield Task(name, long_frame(histories), histories, actual, season)


def m4_tasks(folder):
    """The tasks of M4's hourly and weekly series."""
    for group, (season, naive2, published) in M4.items():
        train = pd.read_csv(folder / f"m4/{group}-train.csv", index_col=0).to_numpy(float)
        actual = pd.read_csv(folder / f"m4/{group}-test.csv", index_col=0).to_numpy(float)
        histories = [row[~np.isnan(row)] for row in train]
        name = f"M4 {group}, {len(histories)} series"
        yield Task(name, long_frame(histories), histories, actual, season, naive2, published)


def single_tasks():
    """The tasks of the shipped series, the ends unseen."""
    from tsrnn import datasets

    airline = datasets.load_airline()
    series = {
        "AirPassengers, 12 months": (airline, 12, 12),
        "AirPassengers, 24 months": (airline, 24, 12),
        "AirPassengers, 48 months": (airline, 48, 12),
        "CO2, 24 months": (datasets.load_co2(), 24, 12),
        "Melbourne, 30 days": (datasets.load_melbourne(), 30, 7),
        "sunspots, 24 years": (datasets.load_sunspots(), 24, 1),
        "taxi, 96 half-hours": (datasets.load_nyc_taxi(), 96, 48),
    }
    for name, (y, horizon, season) in series.items():
        values = y.to_numpy(float)
        yield Task(name, y[:-horizon], [values[:-horizon]], values[None, -horizon:], season)


def point_errors(task, found):
    """Errors of forecasts by name; MAE and MAPE, for one series alone."""
    from tsrnn.forecasting import metrics

    scales = np.array([metrics.seasonal_scale(y, task.season) for y in task.histories])
    errors = {
        "smape": metrics.smape(task.actual, found).mean(),
        "mase": metrics.mase(task.actual, found, scales).mean(),
    }
    if task.naive2:
        errors["owa"] = metrics.owa(errors["smape"], errors["mase"], *task.naive2)
    if not task.is_panel:
        errors["mae"] = metrics.mae(task.actual, found).mean()
        if (task.actual > 0).all():
            errors["mape"] = 100 * (np.abs(found - task.actual) / task.actual).mean()
    return errors


def interval_errors(task, bounds):
    """Percentages held by intervals, and their scores over the series' seasonal difference."""
    from tsrnn.forecasting import metrics

    scales = np.array([metrics.seasonal_scale(y, task.season) for y in task.histories])
    errors = {}
    for level, (lower, upper) in bounds.items():
        errors[f"hold_{level}"] = 100 * metrics.coverage(task.actual, lower, upper).mean()
        score = metrics.interval_score(task.actual, lower, upper, level / 100)
        errors[f"score_{level}"] = (score / scales).mean()
    return errors

"""Hourly load with seasons of a day and a week, temperature known: several seasons against one.

Run it with ``python benchmarks/seasons.py``. Loads of three seeds are generated, of 300 days; each
of the last 40 is forecast at its first hour, by models fitted once before them. Gradient boosting
is scikit-learn's, of the same calendar, temperature and past loads, the best of three targets.
"""

import argparse
import time

import numpy as np
import pandas as pd
from results import Table, parse_arguments
from scipy.signal import lfilter
from sklearn.ensemble import HistGradientBoostingRegressor

from tsrnn import RNNForecaster, backtest

N_DAYS, N_TEST, SEEDS = 300, 40, (0, 1, 2)


def hourly_load(n_days=N_DAYS, seed=0):
    """Load of a town and its temperature: profiles by weekday, heating, cooling and noise."""
    rng = np.random.default_rng(seed)
    index = pd.date_range("2023-01-01", periods=24 * n_days, freq="h")
    hour, weekday, n = index.hour.to_numpy(), index.day_of_week.to_numpy(), len(index)
    fronts = lfilter([1], [1, -0.995], rng.normal(0, 0.35, n))
    clouds = np.repeat(rng.uniform(0.4, 1.4, n_days), 24)
    year = np.cos(2 * np.pi * (index.day_of_year.to_numpy() - 20) / 365.25)
    day = np.sin(2 * np.pi * (hour - 9) / 24)
    temperature = 11 - 10 * year + 4 * clouds * day + fronts
    felt = lfilter([0.08], [1, -0.92], temperature - temperature[0]) + temperature[0]

    def bump(center, width):
        distance = (np.arange(24) - center + 12) % 24 - 12
        return np.exp(-0.5 * (distance / width) ** 2)

    work = 55 + 18 * bump(8.5, 2) + 14 * bump(12.5, 3) + 22 * bump(19, 2.5)
    saturday = 52 + 4 * bump(10, 2.5) + 10 * bump(12.5, 3) + 16 * bump(19, 2.5)
    sunday = 48 + 2 * bump(10.5, 2.5) + 12 * bump(12.5, 2.5) + 18 * bump(19.5, 2.5)
    profiles = np.stack([work] * 4 + [work - 5 * bump(18, 4), saturday, sunday])
    heating = 0.9 * np.maximum(15 - felt, 0) * (0.8 + 0.4 * bump(7.5, 3) + 0.3 * bump(19, 3))[hour]
    cooling = 1.2 * np.maximum(temperature - 21, 0) * (0.6 + 0.8 * bump(15, 4))[hour]
    level = lfilter([1], [1, -0.97], rng.normal(0, 0.5, n))
    load = profiles[weekday, hour] + heating + cooling + level + rng.normal(0, 0.6, n)
    return (
        pd.Series(10 * load, index, name="load"),
        pd.DataFrame({"temperature": temperature}, index),
    )


def boosted_error(y, X):
    """Mean absolute error of gradient boosting, of the best of three targets."""
    load, temperature = y.to_numpy(), X["temperature"].to_numpy()
    first = len(load) - 24 * N_TEST

    def rows(origins):
        steps = np.tile(np.arange(24), len(origins))
        origins = np.repeat(origins, 24)
        times = origins + steps
        columns = [steps, y.index.hour[times], y.index.day_of_week[times]]
        columns += [load[times - lag] for lag in (24, 48, 72, 168)]
        columns += [load[origins - lag] for lag in range(1, 25)]
        columns += [temperature[times - lag] for lag in (0, 1, 2, 3, 24, 168)]
        return np.column_stack(columns), times

    inputs, times = rows(np.arange(168, first - 23))
    test_inputs, test_times = rows(first + 24 * np.arange(N_TEST))
    chosen = np.random.default_rng(0).choice(len(times), 30_000, replace=False)
    errors = []
    for lag in (None, 24, 168):  # the load itself, or its change
        base = np.zeros(len(load)) if lag is None else np.roll(load, lag)
        model = HistGradientBoostingRegressor(max_iter=200, learning_rate=0.08, random_state=0)
        model.fit(inputs[chosen], (load - base)[times[chosen]])
        forecast = model.predict(test_inputs) + base[test_times]
        errors.append(np.abs(forecast - load[test_times]).mean())
    return min(errors)


CALENDARS = ["hour", "weekday"], ["hour"]  # the pattern of a week tells the weekday too
SEASONS = [24, 168], 24, 168


def mean_scores(forecaster, loads):
    """Mean absolute and squared error, coverage and seconds of a forecaster over several loads."""
    scores = []
    for y, X in loads:
        started = time.process_time()
        result = backtest(forecaster, y, X, n_windows=N_TEST, refit=False, coverage=0.9)
        row = result.metrics().loc["RNNForecaster"]
        seconds = time.process_time() - started
        scores.append([row["MAE"], row["RMSE"], 100 * row["coverage_90"], seconds])
    return np.mean(scores, axis=0)


def main():
    """Print the table, of means over loads of several seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse_arguments(parser, peers=("scikit-learn",))
    loads = [hourly_load(seed=seed) for seed in SEEDS]
    title = f"Hourly load with temperature, a day ahead, {N_TEST} days"
    columns = ["forecaster", "calendar", "MAE", "RMSE", "90 % hold", "CPU s"]
    table = Table("seasons", title, columns, f"Means of {len(loads)} generated loads.")
    for calendar in CALENDARS:
        for season in SEASONS:
            forecaster = RNNForecaster(horizon=24, season=season, calendar=calendar)
            error, root, coverage, seconds = mean_scores(forecaster, loads)
            scores = f"{error:.1f}", f"{root:.1f}", f"{coverage:.1f} %", f"{seconds:.0f}"
            table.row(f"RNNForecaster, `season={season}`", ", ".join(calendar), *scores)
    boosted = np.mean([boosted_error(*load) for load in loads])
    table.row("gradient boosting", "hour, weekday", f"{boosted:.1f}")
    for name, lag in (("the day before", 24), ("the week before", 168)):
        naive = np.mean([np.abs(y.diff(lag)[-24 * N_TEST :]).mean() for y, _ in loads])
        table.row(name, None, f"{naive:.1f}")


if __name__ == "__main__":
    main()

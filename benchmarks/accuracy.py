"""Accuracy of the defaults: M3, M4's hourly and weekly series, ETTh1, and the shipped ones.

Run it with ``python benchmarks/accuracy.py --data FOLDER``, where FOLDER holds M4's
``m4/Hourly-train.csv``, ``m4/Hourly-test.csv`` and the same for Weekly, ``m3/m3.json.gz`` and
``ett/ETTh1.csv``. "Zero-shot" is the pretrained network alone (``max_iter=0``). One
setting for all but ETTh1: only horizon and, where M4 defines it, the season are given. sMAPE, MASE
and OWA are M4's, averaged over series; published figures stand beside ours, marked so.
"""

import argparse
import gzip
import json
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tsrnn import RNNForecaster, backtest, seasonal_naive
from tsrnn.datasets import load_airline, load_co2, load_melbourne, load_nyc_taxi, load_sunspots
from tsrnn.forecasting.metrics import coverage, interval_score, mase, owa, seasonal_scale, smape

# Of M4: season, errors of Naive2, and what was published as (sMAPE, MASE, OWA).
M4 = {
    "Hourly": (
        24,
        (18.383, 2.395),
        {
            "ES-RNN, the winner (published)": (9.328, 0.893, 0.440),
            "best of any entry, each (published)": (8.913, 0.801, 0.410),
        },
    ),
    "Weekly": (
        1,
        (9.161, 2.777),
        {
            "ES-RNN, the winner (published)": (7.817, 2.356, 0.851),
            "best of any entry, each (published)": (6.582, 2.107, 0.739),
        },
    ),
}

# Of M3: season, and MASE of mlforecast with LightGBM, 200 trees, lags of up to two seasons.
M3 = {"yearly": (1, 2.658), "quarterly": (4, 1.120), "monthly": (12, 0.898)}


def long_frame(histories):
    """Series as a long frame, their steps as times."""
    return pd.concat(
        pd.DataFrame({"unique_id": number, "ds": np.arange(len(values)), "y": values})
        for number, values in enumerate(histories)
    )


def m4(folder, name):
    """Print the table of one group of M4."""
    season, naive2, published = M4[name]
    train = pd.read_csv(folder / f"m4/{name}-train.csv", index_col=0).to_numpy(float)
    actual = pd.read_csv(folder / f"m4/{name}-test.csv", index_col=0).to_numpy(float)
    horizon = actual.shape[1]
    histories = [row[~np.isnan(row)] for row in train]
    scales = np.array([seasonal_scale(history, season) for history in histories])
    long = long_frame(histories)
    started = time.perf_counter()
    forecaster = RNNForecaster(horizon=horizon, season=season).fit(long)
    fitted = time.perf_counter()
    forecasts = forecaster.predict()["y"].to_numpy().reshape(actual.shape)
    predicted = time.perf_counter()
    zero_shot = RNNForecaster(horizon=horizon, season=season, max_iter=0).fit(long)
    known = zero_shot.predict()["y"].to_numpy().reshape(actual.shape)
    at_once = time.perf_counter() - predicted
    naive = np.array([history[-season:][np.arange(horizon) % season] for history in histories])
    print(f"\n| M4 {name}, {len(histories)} series | sMAPE | MASE | OWA |\n|---|---|---|---|")
    rows = {"RNNForecaster, defaults": forecasts, "zero-shot": known, "seasonal naive": naive}
    for row, found in rows.items():
        error, scaled = smape(actual, found).mean(), mase(actual, found, scales).mean()
        print(f"| {row} | {error:.2f} | {scaled:.3f} | {owa(error, scaled, *naive2):.3f} |")
    for row, values in published.items():
        print(f"| {row} | {values[0]:.2f} | {values[1]:.3f} | {values[2]:.3f} |")
    print(f"\nfit {fitted - started:.1f} s, predict {predicted - fitted:.1f} s", end="")
    print(f", zero-shot {at_once:.1f} s")
    # A network that has hardly learnt says nothing: intervals of the naive forecast, the same way.
    untrained = {"max_iter": 1, "learning_rate_init": 1e-12, "refit": False, "pretrained": None}
    nothing = RNNForecaster(horizon=horizon, season=season, **untrained).fit(long)
    print(
        "\n| intervals | 80 % hold | 95 % hold | interval score at 80 % | at 95 % |\n"
        "|---|---|---|---|---|"
    )
    of_rows = {"RNNForecaster": forecaster, "zero-shot": zero_shot, "seasonal naive": nothing}
    for row, one in of_rows.items():
        intervals = one.predict_interval(coverage=[0.8, 0.95])
        shares, scores = [], []
        for level in (80, 95):
            bounds = [
                intervals[f"{side}_{level}"].to_numpy().reshape(actual.shape)
                for side in ("lower", "upper")
            ]
            shares.append(f"{coverage(actual, *bounds).mean():.1%}")
            score = interval_score(actual, *bounds, level / 100) / scales
            scores.append(f"{score.mean():.2f}")
        print(f"| {row} | {' | '.join(shares)} | {' | '.join(scores)} |")


def m3(folder):
    """Print errors on M3's short panels, whose defaults are the pretrained network alone."""
    series = json.loads(gzip.decompress((folder / "m3/m3.json.gz").read_bytes()))
    print(
        "\n| M3 | series | MASE | LightGBM | seasonal naive | 80 % hold | 95 % hold | s "
        "|\n|---|---|---|---|---|---|---|---|"
    )
    for period, (season, of_others) in M3.items():
        chosen = [each for each in series if each["period"].lower() == period]
        histories = [np.array(each["x"], float) for each in chosen]
        actual = np.array([each["xx"] for each in chosen], float)
        horizon = actual.shape[1]
        scales = np.array([seasonal_scale(history, season) for history in histories])
        long = long_frame(histories)
        started = time.perf_counter()
        forecaster = RNNForecaster(horizon=horizon, season=season).fit(long)
        found = forecaster.predict()["y"].to_numpy().reshape(actual.shape)
        seconds = time.perf_counter() - started
        intervals = forecaster.predict_interval(coverage=[0.8, 0.95])
        bounds = {c: intervals[c].to_numpy().reshape(actual.shape) for c in intervals.columns[2:]}
        hold = [
            f"{coverage(actual, bounds[f'lower_{level}'], bounds[f'upper_{level}']).mean():.1%}"
            for level in (80, 95)
        ]
        naive = np.array([history[-season:][np.arange(horizon) % season] for history in histories])
        errors = [mase(actual, each, scales).mean() for each in (found, naive)]
        print(
            f"| {period} | {len(chosen)} | {errors[0]:.3f} | {of_others:.3f} | {errors[1]:.3f} "
            f"| {' | '.join(hold)} | {seconds:.1f} |",
            flush=True,
        )


def etth1(folder):
    """Print errors on ETTh1: seven channels, horizon 96, lookback 720, by the usual protocol.

    Of the first 14,400 hours the last 2,880 are the test; of those before, 2,880 choose the epoch,
    and 8,640 are learnt from, by whose deviation errors are divided. Windows begin at every hour.
    """
    frame = pd.read_csv(folder / "ett/ETTh1.csv", index_col=0, parse_dates=True)[:14_400]
    frame = (frame - frame[:8640].mean()) / frame[:8640].std(ddof=0)
    protocol = {"horizon": 96, "lookback": 720, "validation_fraction": 0.25, "refit": False}
    chosen = {
        "season": 1,
        "transform": None,
        "cell": "gru",
        "segment": 24,
        "recurrent_dropout": 0.5,
        "averaging": 0.998,
        "learning_rate": "cosine",
        "pretrained": None,
    }
    print("\n| ETTh1, horizon 96, lookback 720 | MSE | MAE |\n|---|---|---|")
    for label, setting in {"defaults": {}, "own network, one setting": chosen}.items():
        started = time.perf_counter()
        forecaster = RNNForecaster(**protocol | setting)
        found = backtest(forecaster, frame, n_windows=2785, step=1, refit=False).forecasts
        label = f"{label}, {time.perf_counter() - started:.0f} s"
        _print_errors(label, found["RNNForecaster"] - found["y"])
    _print_errors("last value", found["seasonal_naive"] - found["y"])
    print("| SegRNN (published) | 0.351 | |\n| PatchTST (published) | 0.375 | |")
    print("| plain GRU (published) | 1.135 | |", flush=True)


def _print_errors(label, error):
    print(f"| {label} | {(error**2).mean():.3f} | {error.abs().mean():.3f} |", flush=True)


def single():
    """Print errors of shipped series, the ends unseen."""
    series = {
        "airline, 12 months": (load_airline(), 12),
        "airline, 24 months": (load_airline(), 24),
        "airline, 48 months": (load_airline(), 48),
        "CO2, 24 months": (load_co2(), 24),
        "sunspots, 12 years": (load_sunspots(), 12),
        "Melbourne, 30 days": (load_melbourne(), 30),
        "taxi, 96 half-hours": (load_nyc_taxi(), 96),
    }
    print(
        "\n| series | RNNForecaster MAE, mean of seeds 0 to 4 | worst | MAPE % | zero-shot MAE | "
        "MAPE % | seasonal naive MAE | s a fit |\n|---|---|---|---|---|---|---|---|"
    )
    for name, (y, horizon) in series.items():
        history, actual = y[:-horizon], y[-horizon:]
        errors, shares, started = [], [], time.perf_counter()
        for seed in range(5):
            forecast = RNNForecaster(horizon=horizon, random_state=seed).fit(history).predict()
            errors.append((forecast - actual).abs().mean())
            shares.append(((forecast - actual) / actual).abs().mean() * 100)
        seconds = (time.perf_counter() - started) / 5
        naive = (seasonal_naive(history, horizon) - actual).abs().mean()
        at_once = RNNForecaster(horizon=horizon, max_iter=0).fit(history).predict() - actual
        percents = ["", ""]
        if (actual > 0).all():
            percents = [f"{np.mean(shares):.2f}", f"{(at_once / actual).abs().mean() * 100:.2f}"]
        print(
            f"| {name} | {np.mean(errors):.4g} | {max(errors):.4g} | {percents[0]} "
            f"| {at_once.abs().mean():.4g} | {percents[1]} | {naive:.4g} | {seconds:.1f} |",
            flush=True,
        )


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of M4 and ETTh1; without it, neither")
    arguments = parser.parse_args()
    if arguments.data:
        m3(arguments.data)
        for name in M4:
            m4(arguments.data, name)
        etth1(arguments.data)
    single()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()

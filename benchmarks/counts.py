"""Intermittent demand: 300 stores of 28 days, 12 of them new with 20, promotions, many zeros.

Run it with ``python benchmarks/counts.py``. Of each row the pinball loss of five quantiles of the
week ahead, summed over stores, days and levels and divided by the demand (as M5's weighted scaled
pinball loss weighs stores by what they sell), WAPE of the mean, and the share of the truth between
the outer quantiles, 80 % of it if they are right. LightGBM with a Tweedie objective, over lags, is
left out where it is not installed; its quantiles are those of its relative errors on the last week
of the history.
"""

import argparse
import importlib.util
import time

import numpy as np
import pandas as pd
from results import Table, parse_arguments

from tsrnn import RNNForecaster

LEVELS = [0.1, 0.25, 0.5, 0.75, 0.9]
COLUMNS = [f"quantile_{100 * level:g}" for level in LEVELS]
N_DAYS, HORIZON, KEYS = 28, 7, ["unique_id", "ds"]
FORMATS = ["kiosk", "shop", "market"]  # with means of about 0.3, 1 and 4.5 a day


def stores(n_stores, n_new, seed):
    """A long frame of sales and promotions, with the week ahead, and the formats of stores."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-01-01", periods=N_DAYS + HORIZON)
    weekdays = np.array([0.8, 0.7, 0.8, 1.0, 1.3, 1.6, 0.8])[days.day_of_week]
    kinds, parts = rng.integers(3, size=n_stores), []
    for store, kind in enumerate(kinds):
        level = np.exp(rng.normal([-1.2, 0.0, 1.5][kind], 0.4))
        promotion = (rng.random(days.size) < 0.2).astype(float)
        mean = level * weekdays * np.where(promotion, [1.5, 2.0, 3.0][kind], 1.0)
        sales = rng.negative_binomial(1.5, 1.5 / (1.5 + mean)).astype(float)
        columns = {"unique_id": store, "ds": days, "y": sales, "promotion": promotion}
        parts.append(pd.DataFrame(columns)[N_DAYS - 20 if store < n_new else 0 :])
    static = pd.DataFrame({"unique_id": range(n_stores), "format": np.take(FORMATS, kinds)})
    return pd.concat(parts, ignore_index=True), static


def split(frame):
    """History and week ahead."""
    first = frame["ds"].min() + pd.Timedelta(days=N_DAYS)
    return frame[frame["ds"] < first], frame[frame["ds"] >= first].reset_index(drop=True)


def network(loss, frame, static):
    """Quantiles and means by a forecaster of that loss."""
    history, _ = split(frame)
    known = frame[[*KEYS, "promotion"]]
    forecaster = RNNForecaster(horizon=HORIZON, loss=loss)
    forecaster.fit(history[[*KEYS, "y"]], known, static)
    quantiles = forecaster.predict_quantiles(quantiles=LEVELS).sort_values(KEYS)
    means = forecaster.predict().sort_values(KEYS)
    return quantiles[COLUMNS].to_numpy(), means["y"].to_numpy()


def seasonal_naive(frame, static):
    """The value a week before, and it plus quantiles of the store's weekly changes."""
    history, _ = split(frame)
    quantiles, means = [], []
    for _, store in history.groupby("unique_id"):
        sales = store["y"].to_numpy()
        changes = np.quantile(sales[7:] - sales[:-7], LEVELS)
        changes[2] = 0
        quantiles.append(np.maximum(sales[-7:, None] + changes, 0))
        means.append(sales[-7:])
    return np.concatenate(quantiles), np.concatenate(means)


def light_gbm(frame, static):
    """A Tweedie objective over lags of 7 to 20 days, weekday, promotion and format."""
    from lightgbm import LGBMRegressor

    table = frame.merge(static, on="unique_id")
    lags = table.groupby("unique_id")["y"]
    features = {f"lag_{k}": lags.shift(k) for k in range(7, 21)}
    features["mean"] = lags.transform(lambda y: y.shift(7).rolling(7, min_periods=1).mean())
    features |= {"weekday": table["ds"].dt.day_of_week, "promotion": table["promotion"]}
    features = pd.DataFrame(features | {"format": table["format"].map(FORMATS.index)})
    start = table["ds"].min()
    day = (table["ds"] - start).dt.days
    options = {"objective": "tweedie", "n_estimators": 200, "learning_rate": 0.05, "verbose": -1}
    options["n_jobs"] = 1  # threads that wait for each other would cost more of the processor

    def means_of(first):
        known = (day >= 8) & (day < first)
        model = LGBMRegressor(num_leaves=15, random_state=0, **options)
        return model.fit(features[known], table["y"][known]).predict(
            features[(day >= first) & (day < first + HORIZON)]
        )

    held_out = (day >= N_DAYS - HORIZON) & (day < N_DAYS)
    ratios = table["y"][held_out] / means_of(N_DAYS - HORIZON)
    means = means_of(N_DAYS)
    return means[:, None] * np.quantile(ratios, LEVELS), means


def scores(truth, quantiles, means):
    """Weighted pinball loss, WAPE and coverage."""
    errors = truth[:, None] - quantiles
    losses = np.maximum(np.multiply(LEVELS, errors), np.subtract(LEVELS, 1) * errors)
    inside = (truth >= quantiles[:, 0]) & (truth <= quantiles[:, -1])
    pinball = 2 * losses.sum() / len(LEVELS) / truth.sum()
    return pinball, np.abs(truth - means).sum() / truth.sum(), inside.mean()


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="panels that are drawn (default 3)")
    parser.add_argument("--stores", type=int, default=300, help="of each (default 300)")
    arguments = parse_arguments(parser, peers=("lightgbm",))
    rows = {"seasonal naive": seasonal_naive}
    if importlib.util.find_spec("lightgbm"):
        rows["LightGBM, Tweedie over lags"] = light_gbm
    for loss in ("gaussian", "quantile", "poisson", "negative_binomial", "tweedie"):
        rows[f"RNNForecaster, {loss}"] = lambda *data, loss=loss: network(loss, *data)
    title = f"Intermittent demand of {arguments.stores} stores, a week ahead"
    columns = ["forecaster", "pinball", "WAPE", "in 80 %", "least 10 % quantile", "CPU s"]
    table = Table("counts", title, columns, f"Means of {arguments.seeds} generated panels.")
    for name, forecast in rows.items():
        forecast(*stores(20, 2, 0))  # compile
        results, started = [], time.process_time()
        for seed in range(arguments.seeds):
            frame, static = stores(arguments.stores, arguments.stores // 25, seed)
            truth = split(frame)[1].sort_values(KEYS)["y"].to_numpy()
            quantiles, means = forecast(frame, static)
            results.append([*scores(truth, quantiles, means), quantiles[:, 0].min()])
        seconds = (time.process_time() - started) / arguments.seeds
        pinball, wape, inside, _ = np.mean(results, axis=0)
        least = np.min(results, axis=0)[3]
        figures = f"{pinball:.4f}", f"{wape:.3f}", f"{100 * inside:.0f}", f"{least:.2f}"
        table.row(name, *figures, f"{seconds:.1f}")


if __name__ == "__main__":
    main()

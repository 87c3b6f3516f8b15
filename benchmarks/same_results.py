"""Record what the library computes, and tell whether two recordings are the same to the bit.

For a change that must not change results: record before it and after it, and compare.

    python benchmarks/same_results.py record FOLDER [--only NAME ...] [--skip-simulator]
    python benchmarks/same_results.py compare FOLDER_A FOLDER_B

The library is the one that Python finds, so another checkout is recorded by its path in PYTHONPATH.
Give each checkout a NUMBA_CACHE_DIR of its own, since their compiled kernels replace each other's.
A case is a function of ``CASES`` that uses public names only. Its result is kept as named arrays in
FOLDER/NAME.npz; texts of errors and warnings, which may be re-worded, in FOLDER/messages.json.
"""

import argparse
import datetime
import hashlib
import importlib
import io
import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

import tsrnn
from tsrnn import (
    RNNAnomalyDetector,
    RNNClassifier,
    RNNForecaster,
    RNNRegressor,
    SlidingWindows,
    anomaly,
    backtest,
    datasets,
    forecasting,
    inspection,
)


def found_in(name, *modules):
    """A public name of the first module that has it."""
    for module in modules:
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise ImportError(f"{name} is in none of {modules}")


anomaly_metrics = importlib.import_module("tsrnn.anomaly.metrics")
make_windows = found_in("make_windows", "tsrnn", "tsrnn.windowing", "tsrnn.data")

try:
    import polars
except ImportError:
    polars = None

ROOT = Path(tsrnn.__file__).resolve().parents[1]
BUILTINS = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, OSError, IndexError)
CELLS = ("lstm", "gru", "rnn", "rnn_relu", "attention")
LOSSES = ("absolute_error", "squared_error", "huber", "quantile", "gaussian", "student_t")
SCOPES = ("global", "local", "fine_tuned")
SPREAD = LOSSES[3:]  # losses that learn how far forecasts may be off
SOLVERS = {"adam": "one_cycle", "adamw": "cosine", "sgd": "constant", "rmsprop": "adaptive"}
SMALL = {"hidden_size": 4, "max_iter": 3, "n_jobs": 1, "random_state": 0}
FITTED = (
    "season_",
    "lookback_",
    "segment_",
    "transform_",
    "loss_",
    "quantiles_",
    "loss_curve_",
    "validation_scores_",
    "n_iter_",
    "best_iter_",
    "X_mean_",
    "X_scale_",
    "y_mean_",
    "y_scale_",
    "missing_",
    "n_outputs_",
    "classes_",
    "n_features_in_",
    "feature_names_in_",
    "seasons_",
    "offset_",
    "history_",
)


# Data


def wave(n=72, season=12, seed=0):
    """A season that grows with its level, and noise."""
    rng, t = np.random.default_rng(seed), np.arange(n)
    level = 100 + 0.8 * t
    return (level * (1 + 0.2 * np.sin(2 * np.pi * t / season)) + rng.normal(size=n)).round(3)


def series(n=72, freq="MS", season=12, seed=0, start="2015-01-01", **how):
    return pd.Series(
        wave(n, season, seed), pd.date_range(start, periods=n, freq=freq, **how), name="y"
    )


def wide():
    """Three series, of which one begins later and one ends sooner."""
    frame = pd.DataFrame({name: series(80, seed=k) * 3**k for k, name in enumerate("abc")})
    frame.loc[frame.index[:6], "b"] = np.nan
    frame.loc[frame.index[-4:], "c"] = np.nan
    return frame


def long():
    frame = wide().rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y")
    return frame.dropna()[["unique_id", "ds", "y"]].reset_index(drop=True)


def levels():
    return long().set_index(["unique_id", "ds"])["y"]


def shops(n=70, n_ahead=6):
    """Sales of a panel, covariates that reach beyond them, and what the shops are like."""
    rng, parts = np.random.default_rng(0), {}
    for k, shop in enumerate(["north", "south", "kiosk"]):
        days = pd.date_range("2024-01-01", periods=n - 3 * k + n_ahead, name="day")
        price = rng.choice([1.0, 1.5, 2.0], len(days))
        promo = rng.choice(["none", "tv", "radio"], len(days))
        sold = 20 * (k + 1) - 5 * price + 3 * (promo == "tv") + rng.normal(size=len(days))
        visitors = rng.poisson(100, len(days)).astype(float)
        columns = {"sold": sold, "price": price, "promo": promo, "visitors": visitors}
        part = pd.DataFrame(columns, days)
        part.loc[days[-n_ahead:], "sold"] = np.nan
        parts[shop] = part
    table = pd.concat(parts, names=["shop"])
    static = pd.DataFrame({"size": [1.0, 3.0, 2.0], "kind": ["b", "a", "a"]}, index=list(parts))
    return table["sold"].dropna(), table[["price", "promo", "visitors"]], static.rename_axis("shop")


def rows(n=60, n_timesteps=8, seed=0):
    """Sequences and a number of each."""
    X = np.random.default_rng(seed).normal(size=(n, n_timesteps))
    return X, X[:, 0] - 2 * X[:, -1]


def watched(n=240, n_channels=1, freq="h", seed=0):
    """A series for a detector, with an event."""
    rng, t = np.random.default_rng(seed), np.arange(n)
    values = np.sin(2 * np.pi * t / 24)[:, None] + 0.2 * rng.normal(size=(n, n_channels))
    values[n // 2 : n // 2 + 5] += 3
    columns = [f"c{k}" for k in range(n_channels)]
    index = pd.date_range("2024-03-01", periods=n, freq=freq, name="time")
    return pd.DataFrame(values, index, columns).squeeze(axis=1)


def watched_panel(n_channels=1):
    parts = {f"s{k}": watched(200 - 20 * k, n_channels, seed=k) for k in range(2)}
    return pd.concat(parts, names=["series"])


# What is recorded of estimators


def forecaster(horizon=6, **how):
    return RNNForecaster(horizon, **SMALL | {"lookback": 12} | how)


def regressor(**how):
    return RNNRegressor(**SMALL | how)


def classifier(**how):
    return RNNClassifier(**SMALL | how)


def detector(**how):
    small = {"horizon": 4, "lookback": 12, "stretch": 5}
    return RNNAnomalyDetector(**SMALL | small | how)


def fitted(estimator):
    """Public fitted attributes and weights."""
    found = {name: getattr(estimator, name) for name in FITTED if hasattr(estimator, name)}
    networks = getattr(estimator, "networks_", [estimator.network_])
    groups = [own if isinstance(own, list) else [own] for own in networks]
    return found | {"weights": [[network.parameters for network in own] for own in groups]}


def told(estimator, horizon=None, **given):
    """All that a forecaster says of what follows."""
    ask = {"horizon": horizon} | given
    return {
        "forecast": estimator.predict(**ask),
        "interval": estimator.predict_interval(**ask, coverage=[0.8, 0.95]),
        "quantiles": estimator.predict_quantiles(**ask, quantiles=[0.2, 0.5, 0.9]),
        "samples": estimator.predict_samples(**ask, n_samples=4, random_state=1),
    }


def both(estimator, **given):
    return {"fitted": fitted(estimator), "told": told(estimator, **given)}


def judged(estimator, y):
    """All that a detector says of series."""
    return {
        "score": estimator.score_samples(y),
        "decision": estimator.decision_function(y),
        "predict": estimator.predict(y),
        "explain": estimator.explain(y),
        "events": estimator.detect(y),
        "most": estimator.detect(y, n_most=2),
    }


def classified(estimator, X):
    return {
        "fitted": fitted(estimator),
        "class": estimator.predict(X),
        "proba": estimator.predict_proba(X),
        "log_proba": estimator.predict_log_proba(X),
    }


# Forecasts


def forecast_cell(cell, **how):
    dropout = {"dropout": 0.2} | ({} if cell == "attention" else {"recurrent_dropout": 0.1})
    one = forecaster(cell=cell, n_heads=2, **how).fit(series())
    two = forecaster(cell=cell, n_heads=2, n_layers=2, **dropout, **how).fit(series())
    return {"one": both(one), "two": both(two), "far": told(two, 15), "near": two.predict(2)}


def forecast_loss(loss):
    results = {}
    for conformal in (True, False) if loss in SPREAD else (True,):
        how = {"loss": loss, "quantiles": [0.98, 0.02, 0.4, 0.6], "conformal": conformal}
        one = forecaster(**how).fit(series())
        results[f"conformal={conformal}"] = both(one), told(one, 9)
        members = forecaster(n_estimators=2, **how).fit(wide())
        results[f"conformal={conformal}, members"] = told(members)
    return results


def forecast_heads():
    """All steps at once, some of them, one after another."""
    heads = {"direct": {}, "recursive": {"n_ahead": 1}, "some": {"n_ahead": 4}}
    heads |= {"hidden": {"head_size": 3}, "segment": {"segment": 2}}
    heads |= {"short series": {"horizon": 24, "lookback": None}}
    results = {}
    for name, how in heads.items():
        one = forecaster(**how).fit(series())
        results[name] = both(one), told(one, 14)
        if "lookback" not in how:
            results[name, "panel"] = told(forecaster(**how).fit(wide()))
    return results


def forecast_structure():
    shapes = {
        "both ways": {"bidirectional": True},
        "both ways, gru": {"bidirectional": True, "cell": "gru", "n_layers": 2},
        "residual": {"residual": True, "n_layers": 3},
        "memory": {"memory": 12},
        "gru memory": {"memory": 12, "cell": "gru"},
        "averaging": {"averaging": 0.5, "alpha": 0.01},
    }
    return {name: both(forecaster(**how).fit(series())) for name, how in shapes.items()}


def forecast_solvers():
    how = {"alpha": 0.01, "max_iter": 6, "max_grad_norm": 0.1}
    return {
        solver: both(forecaster(solver=solver, learning_rate=rate, **how).fit(series()))
        for solver, rate in SOLVERS.items()
    }


def forecast_scope(scope):
    members = {"n_estimators": 2, "dropout": 0.1, "n_layers": 2}
    results = {}
    for name, how in {"one": {}, "members": members}.items():
        one = forecaster(scope=scope, **how).fit(wide())
        results[name] = both(one), one.predict(10), one.predict(y=wide()[["c", "a"]][:60].dropna())
    alone = forecaster(scope=scope, early_stopping=False).fit(levels())
    results["auto"] = told(forecaster(scope=scope, max_iter="auto").fit(wide()[:50]))
    return results | {"no held-out end": (fitted(alone), alone.predict())}


def forecast_forms():
    """Each form that series come in."""
    y = series()
    forms = {
        "period": y.to_period("M"),
        "numbers": y.reset_index(drop=True),
        "from 5 by 2": y.set_axis(pd.RangeIndex(5, 5 + 2 * len(y), 2)),
        "zone": series(72, "D", 7, tz="Europe/Berlin", start="2024-02-20"),
        "integers": y.round().astype(int),
        "float32": y.astype("float32"),
        "backwards": y[::-1],
        "wide": wide(),
        "one column": wide()[["a"]],
        "long": long(),
        "long, mixed": long().sample(frac=1, random_state=0),
        "categories": long().astype({"unique_id": "category"}),
        "levels": levels(),
        "levels, frame": levels().to_frame(),
    }
    if polars is not None:
        forms["polars"] = polars.from_dict(long().to_dict("list"))
    results = {name: told(forecaster().fit(own)) for name, own in forms.items()}
    named = {"id_column": "shop", "time_column": "t", "target_column": "sold"}
    renamed = long().set_axis(list(named.values()), axis=1)
    return results | {"named": told(forecaster(**named).fit(renamed))}


def forecast_frequencies():
    """Season, lookback and segment as found by themselves."""
    freqs = {"h": 24, "D": 7, "W": 52, "QS": 4, "B": 5, "30min": 48, "YS": 1, "ME": 12}
    auto = {"lookback": None, "max_iter": 2}
    results = {"panel": both(forecaster(3, **auto | {"hidden_size": "auto"}).fit(wide()))}
    for freq, n in freqs.items():
        y = series(max(40, 4 * n), freq, n, seed=n)
        results[freq] = both(forecaster(3, **auto).fit(y))
    return results


def forecast_transforms():
    y = series()
    kinds = {"level": y, "negative": y - 150, "large": y * 1e9, "constant": y * 0 + 3}
    results = {}
    for name, own in kinds.items():
        for transform in ("auto", None, "log")[: 2 if name in ("negative", "constant") else 3]:
            one = forecaster(transform=transform).fit(own)
            results[f"{name}, {transform}"] = fitted(one), told(one)
    return results


def forecast_training():
    """What is held out, when training stops, and what is trained again."""
    ways = {
        "none held out": {"early_stopping": False},
        "no refit": {"refit": False},
        "stops": {"n_iter_no_change": 1, "max_iter": 12, "learning_rate_init": 0.05},
        "a quarter": {"validation_fraction": 0.25},
        "small batches": {"batch_size": 5},
        "other seed": {"random_state": 7},
        "state": {"random_state": np.random.RandomState(3)},
        "automatic": {"max_iter": "auto"},
    }
    results = {}
    for name, how in ways.items():
        one = forecaster(**how).fit(series())
        results[name] = fitted(one), one.predict()
    default = RNNForecaster(max_iter=4, n_jobs=1).fit(datasets.load_airline())
    parameters = sorted(map(str, RNNForecaster().get_params().items()))
    return results | {"default": both(default), "parameters": parameters}


def covariates_lone():
    y, X, _ = shops()
    y, X = y["north"], X.loc["north"]
    how = {"past_covariates": ["visitors"], "max_iter": 12, "learning_rate_init": 0.02}
    how |= {"calendar": ["weekday", "day", "day_of_year", "month"]}
    one = forecaster(**how).fit(y, X)
    later = forecaster(**how, holidays=["2024-02-14", "2024-03-12"])
    later.fit(y[:-6], X.loc[y.index[:-6]])
    results = {"kept": both(one), "given": told(later, X=X.loc[y.index[-6:]])}
    results["updated"] = later.update(y[-6:], X.loc[y.index[-6:]]).predict(X=X[-6:])
    results["past only"] = both(forecaster(**how).fit(y, X[["visitors"]]))
    for cell in ("gru", "attention"):
        results[cell] = told(forecaster(cell=cell, n_ahead=2, n_heads=2, **how).fit(y, X))
    hours = series(120, "h", 24)
    results["hours"] = told(forecaster(calendar=["hour", "minute"], lookback=24).fit(hours))
    return results


def covariates_panel():
    y, X, static = shops()
    how = {"past_covariates": ["visitors"], "calendar": ["weekday"], "holidays": ["2024-02-14"]}
    how |= {"max_iter": 12, "learning_rate_init": 0.02}
    results = {}
    for scope in ("global", "local", "fine_tuned"):
        one = forecaster(scope=scope, n_estimators=1 + (scope == "local"), **how)
        results[scope] = both(one.fit(y, X, static))
    one = forecaster(loss="gaussian", **how).fit(y.drop("kiosk"), X, static.drop("kiosk"))
    other = {"y": y.loc[["kiosk"]], "X": X.loc[["kiosk"]], "static": static.loc[["kiosk"]]}
    results["other"] = told(one, **other)
    table = X.reset_index().rename(columns={"shop": "unique_id", "day": "ds"})
    values = y.reset_index().set_axis(["unique_id", "ds", "y"], axis=1)
    about = static.rename_axis("unique_id")
    results["long"] = told(forecaster(**how).fit(values, table, about.reset_index()))
    if polars is not None:
        frames = [polars.from_dict(own.to_dict("list")) for own in (values, table)]
        results["polars"] = told(forecaster(**how).fit(*frames, about))
    sheet = y.reset_index().pivot_table("sold", "day", "shop")
    shared = X.loc["north"][["price", "promo"]]
    results["shared rows"] = told(forecaster().fit(sheet, shared))
    found = backtest(forecaster(**how), y, X, static, n_windows=2, step=3, coverage=0.8)
    return results | {"backtest": (found.forecasts, found.metrics())}


def forecast_missing():
    y, panel = series(90), levels()
    holes = y.copy()
    holes.iloc[[20, 21, 50, 85]] = np.nan
    mask = partial(forecaster, missing="mask", max_iter=12, learning_rate_init=0.02)
    one = mask().fit(holes.drop(holes.index[30:33]))
    results = {"lone": both(one)}
    results["updated"] = mask().fit(holes[:80]).update(holes[83:]).predict()
    results["panel"] = both(mask(scope="fine_tuned").fit(panel.drop(panel.index[[15, 100]])))
    sheet = wide().where(wide() != wide().iloc[30])
    results["wide"] = both(mask(cell="gru", n_layers=2).fit(sheet))
    sold, X, static = shops()
    X = X.assign(price=X["price"].where(np.arange(len(X)) % 9 > 0))
    sold = sold.where(np.arange(len(sold)) % 11 > 0)
    results["covariates"] = both(mask(past_covariates=["visitors"]).fit(sold, X, static))
    found = backtest(mask(), holes, n_windows=3, refit=False)
    results["backtest"] = found.forecasts, found.metrics()
    return results | {"score": one.score(series(96)[90:])}


def forecast_updates():
    y, frame = series(90), wide()[6:-4]
    results = {}
    for name, own, how in (
        ("lone", y, {}),
        ("gru", y, {"cell": "gru", "n_layers": 2}),
        ("panel", frame, {"n_estimators": 2}),
        ("local", frame, {"scope": "local"}),
        ("tuned", frame, {"scope": "fine_tuned"}),
    ):
        fit = forecaster(**how).fit(own[:-8])
        results[name, "score"] = fit.score(own[-8:])
        updated = pickle.loads(pickle.dumps(fit)).update(own[-8:-7]).update(own[-7:])
        learnt = fit.partial_fit(own[-8:-3]).partial_fit(own[-3:])
        results[name] = told(updated), both(learnt)
    other = forecaster().fit(frame[["a", "b"]])
    results["other"] = (told(other, y=y), told(other, 9, y=long()), other.predict(y=y[-20:]))
    return results


def backtests():
    results = {}
    for name, y in {"lone": series(90), "panel": wide()[6:-4]}.items():
        for refit in (False, True):
            how = {"n_windows": 3, "step": 4, "refit": refit, "quantiles": [0.1, 0.5, 0.9]}
            found = backtest(forecaster(4), y, coverage=[0.5, 0.9], **how)
            results[name, refit] = found.forecasts, found.metrics(), found.season, found.scales
    grid = {"hidden_size": [3, 5]}
    search = GridSearchCV(forecaster(), grid, cv=TimeSeriesSplit(2, test_size=8)).fit(series(90))
    results["search"] = search.cv_results_["mean_test_score"], search.best_estimator_.predict()
    return results


def forecast_metrics():
    rng = np.random.default_rng(0)
    actual, said = rng.normal(10, 1, (3, 8)), rng.normal(10, 1, (3, 8))
    holes = np.where(rng.random((3, 8)) < 0.2, np.nan, actual)
    lower, upper, samples = said - 1, said + 1, rng.normal(10, 1, (3, 8, 20))
    stacked, named = np.stack([lower, said, upper], axis=-1), forecasting
    scale = named.seasonal_scale(series().to_numpy(), 12)
    results = {"scale": [scale, named.seasonal_scale(series().to_numpy(), 12, squared=True)]}
    asked = {"mae": (), "rmse": (), "mape": (), "smape": (), "mase": (scale,), "rmsse": (scale,)}
    for name, more in asked.items():
        metric = getattr(named, name)
        results[name] = metric(actual, said, *more), metric(holes, said, *more, skip_missing=True)
    results["all"] = named.mae(actual, said, axis=None), named.rmse(actual, said, axis=0)
    results["spread"] = [
        named.pinball(actual, lower, 0.1),
        named.coverage(actual, lower, upper),
        named.interval_score(actual, lower, upper, 0.8),
        named.owa(10.0, 1.1, 12.0, 1.4),
        named.crps_gaussian(actual, said, said / 9),
        named.crps_from_samples(actual, samples),
        named.crps_from_quantiles(actual, stacked, [0.1, 0.5, 0.9]),
    ]
    y = series()
    naive = [named.seasonal_naive(y, 15), named.seasonal_naive(y, 5, 4), named.drift(y, 5)]
    return results | {"naive": naive}


# Sequences


def regress_cell(cell, **how):
    X, y = rows()
    dropout = {"dropout": 0.2} | ({} if cell == "attention" else {"recurrent_dropout": 0.1})
    one = regressor(cell=cell, n_heads=2, **how).fit(X, y)
    two = regressor(cell=cell, n_heads=2, n_layers=2, head_size=3, **dropout, **how).fit(X, y)
    return {"one": (fitted(one), one.predict(X)), "two": (fitted(two), two.predict(X[:20]))}


def regress_loss(loss):
    X, y = rows()
    one = regressor(loss=loss, quantiles=[0.8, 0.2, 0.5]).fit(X, y)
    two = regressor(loss=loss).fit(X, np.stack([y, y**2], axis=1))
    results = {"one": (fitted(one), one.predict(X)), "two": (fitted(two), two.predict(X))}
    if loss in SPREAD:
        results["quantiles"] = one.predict_quantiles(X), two.predict_quantiles(X, [0.1, 0.9])
    if loss in SPREAD[1:]:
        results["deviation"] = one.predict(X, return_std=True), two.predict(X, return_std=True)
    return results


def regress_inputs():
    """Each form of sequences, lengths, channels, missing values, weights."""
    X, y = rows(40)
    rng, cube = np.random.default_rng(5), np.stack([X, X**2], axis=2)
    lengths = [own[: 3 + k % 6] for k, own in enumerate(cube)]
    holes, late = np.where(rng.random(X.shape) < 0.2, np.nan, X), X.copy()
    holes[:, -1], late[::3, :4] = X[:, -1], np.nan
    frame = pd.DataFrame(X, columns=[f"t{k}" for k in range(X.shape[1])])
    weights = rng.integers(0, 3, len(y))
    asked = {
        "cube": (cube, {"n_channels": 2}),
        "flat": (cube.reshape(40, -1), {"n_channels": 2}),
        "list": (lengths, {"n_channels": 2}),
        "holes": (holes, {}),
        "late": (late, {}),
        "frame": (frame, {}),
        "segment": (X, {"segment": 3}),
        "raw": (X, {"standardize": False}),
        "float32": (X.astype("float32"), {"cell": "gru"}),
    }
    results = {}
    for name, (own, how) in asked.items():
        one = regressor(**how).fit(own, y)
        results[name] = fitted(one), one.predict(own), one.score(own, y)
    weighted = regressor().fit(X, y, sample_weight=weights)
    copied = regressor().fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    return results | {"weighted": (fitted(weighted), copied.predict(X))}


def regress_training():
    X, y = rows()
    results = {}
    for solver, rate in SOLVERS.items():
        how = {"solver": solver, "learning_rate": rate, "alpha": 0.01, "averaging": 0.3}
        results[solver] = fitted(regressor(max_iter=6, batch_size=16, **how).fit(X, y))
    stops = {"early_stopping": True, "n_iter_no_change": 2, "learning_rate_init": 0.1}
    results["stopped"] = fitted(regressor(max_iter=20, **stops).fit(X, y))
    patient = regressor(learning_rate="constant", tol=1.0, n_iter_no_change=2, max_iter=9)
    results["tolerance"] = fitted(patient.fit(X, y))
    warm = regressor(warm_start=True).fit(X, y)
    results["warm"] = fitted(warm.fit(X[:30], y[:30]))
    part = regressor(batch_size=8)
    for first in (0, 20, 40):
        part.partial_fit(X[first : first + 20], y[first : first + 20])
    results["in parts"] = fitted(part), part.predict(X)
    shape = {"memory": 8, "cell": "gru", "bidirectional": True, "n_layers": 2, "residual": True}
    results["structure"] = fitted(regressor(**shape).fit(X, y))
    return results | {"default": fitted(RNNRegressor(max_iter=2, n_jobs=1).fit(X, y))}


def sliding_windows():
    frame = pd.DataFrame({"site": list("ab") * 30, "temp": wave(60), "wind": wave(60, seed=1)})
    plain = SlidingWindows(lookback=4).fit_transform(frame[["temp", "wind"]])
    named = SlidingWindows(lookback=3, id_column="site").set_output(transform="pandas")
    X, y = frame[["temp"]], frame["temp"].shift(-1)
    pipeline = make_pipeline(SlidingWindows(lookback=6), regressor()).fit(X[:50], y[:50])
    windows = [make_windows(frame["temp"], 5, 2), make_windows(frame[["temp", "wind"]], 4, step=3)]
    results = {"plain": plain, "groups": named.fit_transform(frame), "windows": windows}
    return results | {"pipeline": pipeline.predict(X)}


def classify():
    X, number = rows(90)
    two, three = np.where(number > 0, "up", "down"), np.digitize(number, [-1, 1])
    results = {}
    for cell in CELLS:
        results[cell] = classified(classifier(cell=cell, n_heads=2).fit(X, two), X)
    results["three"] = classified(classifier(n_layers=2, dropout=0.1).fit(X, three), X)
    results["balanced"] = classified(classifier(class_weight="balanced").fit(X, three), X)
    weights = np.arange(90) % 3
    uneven = classifier(class_weight={0: 1, 1: 2, 2: 0.5}).fit(X, three, sample_weight=weights)
    results["weights"] = classified(uneven, X)
    stops = {"early_stopping": True, "n_iter_no_change": 2, "learning_rate_init": 0.1}
    results["stopped"] = classified(classifier(max_iter=9, **stops).fit(X, three), X)
    parts = classifier().partial_fit(X[:30], three[:30], classes=[0, 1, 2, 3])
    results["in parts"] = classified(parts.partial_fit(X[30:], three[30:]), X)
    warm = classifier(warm_start=True, segment=2).fit(X, two)
    results["warm"] = classified(warm.fit(X, two), X)
    sequences, speakers = datasets.load_japanese_vowels()
    vowels = classifier(n_channels=12, cell="gru", bidirectional=True)
    results["vowels"] = classified(vowels.fit(sequences[::6], speakers[::6]), sequences[:9])
    return results | {"double": classified(classifier(dtype="float64").fit(X, three), X)}


def threads():
    """Work that is long enough to be shared out, by one thread and by two."""
    X, y = rows(500, 60)
    long_y, results = series(1500, "h", 24), {}
    for n_jobs in (1, 2):
        how = {"n_jobs": n_jobs, "hidden_size": 32, "batch_size": 250}
        for cell in ("lstm", "gru", "attention"):
            one = regressor(cell=cell, **how | {"max_iter": 80}).fit(X, y)
            results[n_jobs, cell] = fitted(one), one.predict(np.tile(X, (140, 1)))[::97]
        how |= {"max_iter": 20, "lookback": 48, "season": 24, "refit": False}
        many = forecaster(n_estimators=2, **how).fit(long_y)
        results[n_jobs, "many"] = both(many)
    return results


# Anomalies


def detect_cell(cell):
    y = watched()
    one = detector(cell=cell, n_layers=2, dropout=0.1, recurrent_dropout=0.1).fit(y)
    return fitted(one), judged(one, y), detector(cell=cell).fit_predict(y)


def detect_ways():
    """Losses, methods, seasons, members, and each form of series."""
    y, channels, panel = watched(), watched(n_channels=2), watched_panel()
    ways = {
        "gaussian": (y, {"loss": "gaussian"}),
        "squared": (y, {"loss": "squared_error"}),
        "huber": (y, {"loss": "huber", "season": 1}),
        "seasons": (y, {"season": [24, 48]}),
        "members": (y, {"n_estimators": 2}),
        "share": (y, {"contamination": 0.05}),
        "double": (y, {"dtype": "float64", "cell": "lstm"}),
        "points": (y, {"stretch": 1}),
        "array": (y.to_numpy(), {}),
        "channels": (channels, {}),
        "panel": (panel, {}),
        "repeated": (y, {"method": "reconstruction"}),
        "repeated channels": (channels, {"method": "reconstruction", "n_estimators": 2}),
        "repeated panel": (panel, {"method": "reconstruction", "cell": "lstm"}),
        "panel of channels": (watched_panel(2), {"loss": "gaussian"}),
        "long": (panel.rename("v").reset_index(), {"id_column": "series", "time_column": "time"}),
    }
    results = {}
    for name, (own, how) in ways.items():
        one = detector(**how).fit(own)
        results[name] = fitted(one), judged(one, own)
    holes = y.where(np.arange(len(y)) % 17 > 0).drop(y.index[60:63])
    for method in ("forecast", "reconstruction"):
        one = detector(missing="mask", method=method).fit(holes)
        results["holes", method] = judged(one, holes)
    return results


def detect_online():
    y, channels, panel = watched(), watched(n_channels=2), watched_panel()
    results = {}
    for name, own, how in (
        ("lone", y, {}),
        ("lstm", y, {"cell": "lstm", "n_layers": 2, "loss": "gaussian"}),
        ("channels", channels, {"n_estimators": 2}),
        ("repeated", y, {"method": "reconstruction"}),
    ):
        one = detector(online=True, **how).fit(own[:200])
        more = [one.update(own[200:210]).to_frame(), one.update(own[210:211]).to_frame()]
        more += [one.update(own[211:220].to_numpy()).to_frame(), one.update(own[220:]).to_frame()]
        results[name] = fitted(one), more, judged(one, own)
    number = detector(online=True).fit(y[:200])
    results["number"] = [number.update(float(value)).score for value in y[200:204]]
    first = panel.groupby(level=0).head(150)
    several = detector(online=True).fit(first)
    results["panel"] = several.update(panel.drop(first.index)).to_frame()
    holes = detector(online=True, missing="mask").fit(y[:200].where(np.arange(200) != 50))
    results["holes"] = holes.update(y[203:].where(np.arange(37) % 5 > 0)).to_frame()
    return results


def thresholds():
    kinds = {
        "quantile": anomaly.QuantileThreshold(0.03),
        "z": anomaly.RobustZThreshold(3.0),
        "tail": anomaly.TailThreshold(0.01, 0.9),
        "drift": anomaly.TailThreshold(0.01, 0.9, depth=9),
        "dynamic": anomaly.DynamicThreshold(60, every=10, span=5),
        "conformal": anomaly.ConformalThreshold(0.05, window=80, random_state=1),
        "smoothed": anomaly.ConformalThreshold(0.05, smoothed=True, random_state=0),
    }
    rng, y, results = np.random.default_rng(0), watched(), {}
    scores = rng.exponential(size=300)
    scores[[150, 151, 290]] += 9
    for name, kind in kinds.items():
        for online in (False, True):
            one = detector(threshold=kind, online=online).fit(y[:200])
            results[name, online] = judged(one, y), one.update(y[200:]).to_frame() if online else 0
        alone = clone(kind).fit(scores[:200])
        results[name, "alone"] = alone.threshold_, alone.predict(scores)
        results[name, "hindsight"] = clone(kind).fit_predict(scores)
        if hasattr(alone, "update"):
            results[name, "update"] = alone.update(scores[200:]), alone.threshold_
        results[name, "saved"] = saved(alone, lambda own: own.predict(scores))
    return results


def detect_baselines():
    forest = IsolationForest(n_estimators=20, random_state=0)
    forms = {"lone": watched(), "channels": watched(n_channels=2), "panel": watched_panel()}
    kinds = {
        "pca": anomaly.PCADetector(window=12),
        "components": anomaly.PCADetector(window=12, n_components=3, contamination=0.05),
        "polynomial": anomaly.PolynomialDetector(window=12, degree=2, neighborhood=30),
        "gaussian": anomaly.GaussianDetector(window=48),
        "forest": anomaly.WindowDetector(forest, window=12),
    }
    results = {}
    for name, kind in kinds.items():
        for form, y in forms.items():
            one = clone(kind).fit(y)
            results[name, form] = judged(one, y), clone(kind).fit_predict(y)
        online = clone(kind).set_params(online=True, missing="mask")
        holes = watched().where(np.arange(240) % 40 > 0)
        results[name, "online"] = judged(online.fit(holes), holes)
    return results


def events_and_metrics():
    rng, days = np.random.default_rng(0), pd.date_range("2020-01-01", periods=120)
    labels = np.zeros(120, int)
    labels[20:30], labels[60:62], labels[100:101] = 1, 1, 1
    scores = rng.random(120) + 0.8 * labels
    flags, named = (scores > 1).astype(int), anomaly_metrics
    events = anomaly.events_from_labels(labels, days)
    found = anomaly.events_from_labels(flags, days, scores=scores)
    results = {"events": [events, found, anomaly.merge_events(found, 2, days)]}
    results["changed"] = [
        anomaly.pad_events(found, 2, "3D", days),
        anomaly.prune_events(found, min_length=2),
        anomaly.prune_events(found, min_severity=1.2),
        anomaly.match_events(events, found),
        anomaly.intersect_events(events, found, days),
        anomaly.labels_from_events(found, days),
    ]
    for name in ("vus_roc", "vus_pr", "range_auc_roc", "range_auc_pr"):
        metric = getattr(named, name)
        results[name] = metric(labels, scores, 6), metric(labels, scores, 3, n_thresholds=20)
    results["precision"] = named.average_precision(labels, scores)
    results["affiliation"] = named.affiliation(labels, flags)
    results["affiliated events"] = named.affiliation(events, found, index=days)
    for bias in ("flat", "front", "middle", "back"):
        how = {"alpha": 0.3, "bias": bias, "precision_bias": bias, "cardinality": "reciprocal"}
        results["ranges", bias] = named.range_precision_recall(labels, flags, **how)
    both_files = {"a": labels, "b": labels[::-1]}, {"a": scores, "b": scores[::-1]}
    for profile in sorted(named.NAB_PROFILES):
        best = named.nab_score(*both_files, profile=profile)
        results["nab", profile] = best, named.nab_points(labels, scores, 1.0, profile=profile)
    return results


# Inside, files, command line


def inspected(name, estimator, *given):
    """What is seen inside of a network, of X and y if given; what a cell has not is left out."""
    results = {}
    for one in inspection.__all__:
        if one[0].isupper() or one in ("diagnose", "gradient_flow"):
            continue
        try:
            results[one] = getattr(inspection, one)(estimator, *given[:1])
        except ValueError as error:
            note(f"{one} of {name}", error)
    results["gradient_flow"] = inspection.gradient_flow(estimator, *given)
    diagnosis = inspection.diagnose(estimator, *given)
    note(f"diagnosis of {name}", str(diagnosis))
    results["diagnosis"] = [(found.cause, found.layer, found.values) for found in diagnosis]
    return results


def inspect_cell(cell):
    X, y = rows()
    one = regressor(cell=cell, n_heads=2, n_layers=2).fit(X, y)
    ahead = forecaster(cell=cell, n_heads=2).fit(series())
    asked = {"regressor": (one, X, y), "forecaster": (ahead,)}
    return {name: inspected(name, *given) for name, given in asked.items()}


def inspect_more():
    X, y = rows(200, 40)
    sick = {
        "vanishing": {"cell": "rnn", "max_iter": 5},
        "raw": {"standardize": False},
        "wild": {"learning_rate_init": 3.0, "max_grad_norm": 1e6, "cell": "gru"},
        "slow": {"learning_rate_init": 1e-6},
        "dead": {"cell": "rnn_relu", "learning_rate_init": 1.0},
    }
    results = {}
    for name, how in sick.items():
        own = 1000 * X if name == "raw" else X
        results[name] = inspected(name, regressor(**how).fit(own, y), own[:30], y[:30])
    two = classifier(bidirectional=True).fit(X[:, :8], y > 0)
    results["classes"] = inspected("classes", two, X[:20, :8], y[:20] > 0)
    results["cell state"] = inspection.jacobian_spectrum(two, X[:5, :8], n_values=2, of="state")
    panel = forecaster(past_covariates=["visitors"]).fit(*shops())
    results["second"] = inspection.input_sensitivity(panel, output=1)
    return results | {"panel": inspected("panel", panel)}


def saved(estimator, use):
    """What is in the file of an estimator, member by member, and what the loaded one says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "estimator.tsrnn"
        tsrnn.save(estimator, path)
        loaded, members = tsrnn.load(path), {}
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                array = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
                if name.startswith("json"):
                    content = json.loads(array.tobytes())
                    content.pop("versions", None)  # of libraries
                    members[name] = json.dumps(content)
                else:
                    array = np.ascontiguousarray(array)
                    digest = hashlib.sha256(array.tobytes()).hexdigest()
                    members[name] = f"{array.dtype.str} {array.shape} {digest}"
    copied = pickle.loads(pickle.dumps(estimator))
    return {"members": members, "loaded": use(loaded), "copied": use(copied)}


def files():
    X, y = rows()
    sold, beside, static = shops()
    known = {"past_covariates": ["visitors"], "calendar": ["weekday"], "loss": "student_t"}
    quiet = detector(online=True, threshold=anomaly.TailThreshold(0.01, 0.9)).fit(watched()[:200])
    quiet.update(watched()[200:205])
    repeated = detector(method="reconstruction").fit(watched_panel(2))
    return {
        "lone": saved(forecaster().fit(series()), told),
        "updated": saved(forecaster(cell="gru").fit(series()[:60]).update(series()[60:]), told),
        "attention": saved(forecaster(cell="attention", n_heads=2).fit(series()), told),
        "panel": saved(forecaster(**known).fit(sold, beside, static), told),
        "local": saved(forecaster(scope="local", n_estimators=2).fit(levels()), told),
        "quantiles": saved(forecaster(loss="quantile", missing="mask").fit(long()), told),
        "regressor": saved(regressor().partial_fit(X, y), lambda own: own.predict(X)),
        "goes on": saved(regressor().partial_fit(X, y), lambda own: fitted(own.partial_fit(X, y))),
        "classifier": saved(classifier().fit(X, y > 0), lambda own: own.predict_proba(X)),
        "not fitted": saved(RNNRegressor(cell="gru"), str),
        "detector": saved(quiet, lambda own: judged(own, watched())),
        "stream": saved(quiet, lambda own: own.update(watched()[205:]).to_frame()),
        "reconstruction": saved(repeated, lambda own: judged(own, watched_panel(2))),
    }


def child(arguments, folder=None, **more):
    """Run Python with the same library; exit status, standard output and error."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", **more}
    how = {"capture_output": True, "text": True, "cwd": folder, "env": environment}
    return subprocess.run([sys.executable, *map(str, arguments)], check=False, **how)


def command_line():
    small = "--max-iter 12 --hidden-size 4 --jobs 1 --quiet --seed 1"
    airline = "airline.csv --time time --target passengers"
    shop = "shops.csv --time day --id shop --target sold --known price promo --past visitors"
    shop += " --static about.csv --calendar weekday --horizon 6 --loss gaussian"
    hours = "hours.csv --target y --stretch 5 --horizon 4"
    tables = "--out tested.csv --metrics errors.csv"
    seen = "--time time --n-most 3 --season 24 --out events.csv --scores scores.csv"
    commands = {
        "forecast": f"forecast {airline} --horizon 5 --quantiles 10 90 --save airline.tsrnn",
        "panel": f"forecast {shop} --scope fine_tuned --out panel.csv",
        "backtest": f"backtest {airline} --windows 3 --step 6 {tables}",
        "detect": f"detect {hours} {seen}",
        "online": f"detect {hours} --online --networks 2",
        "wrong": "forecast airline.csv --time time --target nothing",
    }
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        sold, X, static = shops()
        datasets.load_airline().rename_axis("time").to_csv(Path(folder) / "airline.csv")
        X.join(sold).to_csv(Path(folder) / "shops.csv")
        static.to_csv(Path(folder) / "about.csv")
        watched().rename("y").to_csv(Path(folder) / "hours.csv")
        for name, command in commands.items():
            run = child(["-m", "tsrnn", *command.split(), *small.split()], folder)
            results[name] = run.returncode, run.stdout
            note(f"standard error of {name}", run.stderr)
        texts = {path.name: path.read_text() for path in sorted(Path(folder).glob("*.csv"))}
        loaded = tsrnn.load(Path(folder) / "airline.tsrnn").predict()
    return results | {"files": texts, "loaded": loaded}


def simulator():
    """The GPU's kernels in Numba's simulator, in a process that has it switched on."""
    if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1":
        with tempfile.TemporaryDirectory() as folder:
            words = [Path(__file__).resolve(), "record", folder, "--only", "simulator"]
            run = child(words, NUMBA_ENABLE_CUDASIM="1")
            if run.returncode:
                raise RuntimeError(run.stdout + run.stderr)
            with np.load(Path(folder) / "simulator.npz") as found:
                return dict(found)
    X, y = rows(10, 4)
    how = {"device": "cuda", "hidden_size": 3, "max_iter": 1, "batch_size": 8}
    results = {}
    for cell in CELLS[:4]:
        one = regressor(cell=cell, n_layers=1 + (cell == "gru"), dropout=0.1, **how).fit(X, y)
        results[cell] = fitted(one), one.predict(X)
    two = classifier(early_stopping=True, **how).fit(X, np.arange(10) % 2)
    results["classifier"] = classified(two, X)
    few = {"lookback": 4, "season": 1, "n_ahead": 2, "refit": False}
    one = forecaster(2, **few, loss="gaussian", **how).fit(series(20))
    results["forecaster"] = fitted(one), one.predict_interval()
    frame = wide()[["a", "b"]][6:22]
    local = forecaster(2, scope="local", recurrent_dropout=0.1, **few, **how).fit(frame)
    return results | {"local": (fitted(local), local.predict())}


def shipped_data():
    loaders = sorted(name for name in datasets.__all__ if name.startswith("load_"))
    results = {name: getattr(datasets, name)() for name in loaders}
    results["vowels"] = results.pop("load_japanese_vowels")[0][:5]
    results["events"] = datasets.load_nyc_taxi(return_events=True)[1]
    results["made"] = [
        datasets.make_mackey_glass(200, noise=0.1, random_state=0),
        datasets.make_lorenz(100, noise=0.1, random_state=0),
        datasets.make_adding_problem(10, 20, random_state=0),
        datasets.make_copy_memory(10, 20, random_state=0),
    ]
    return results


def bad_input():
    """The kinds of exceptions; their texts are messages."""
    X, numbers = rows()
    y, table, few = series(), long(), forecaster().fit(series())
    panel, ready = forecaster().fit(wide()), regressor().fit(X, numbers)
    gone = y.drop(y.index[30])
    sold, beside, static = shops()
    stream, z = detector(online=True).fit(watched()), anomaly.RobustZThreshold()
    warm = regressor(warm_start=True).fit(X, numbers)
    wrong = {
        "gap": lambda: forecaster().fit(gone),
        "gap in a panel": lambda: forecaster().fit(table.drop(index=30)),
        "nan": lambda: forecaster().fit(y.where(y.index != y.index[9])),
        "infinite": lambda: forecaster().fit(y.replace(y.iloc[5], np.inf)),
        "repeated": lambda: forecaster().fit(pd.concat([y, y[-1:]])),
        "short": lambda: forecaster().fit(y[:5]),
        "empty": lambda: forecaster().fit(y[:0]),
        "a list": lambda: forecaster().fit([1.0, 2.0]),
        "texts": lambda: forecaster().fit(y.astype(str)),
        "wrong column": lambda: forecaster(id_column="shop").fit(table),
        "not positive": lambda: forecaster(transform="log").fit(y - 150),
        "cell": lambda: forecaster(cell="elman").fit(y),
        "horizon": lambda: forecaster(0).fit(y),
        "lookback": lambda: forecaster(lookback=1000).fit(y),
        "season": lambda: forecaster(season=24).fit(y),
        "quantiles": lambda: forecaster(loss="quantile", quantiles=[0.6, 0.9]).fit(y),
        "heads": lambda: forecaster(cell="attention", n_heads=3).fit(y),
        "attention": lambda: forecaster(cell="attention", bidirectional=True).fit(y),
        "calendar": lambda: forecaster(calendar=["eon"]).fit(y),
        "not fitted": lambda: RNNForecaster().predict(),
        "coverage": lambda: few.predict_interval(coverage=1.5),
        "steps": lambda: few.predict(-1),
        "samples": lambda: few.predict_samples(n_samples=0),
        "no widths": lambda: forecaster(early_stopping=False).fit(y).predict_interval(),
        "not next": lambda: few.update(y[:3]),
        "other series": lambda: panel.update(wide()[["a"]][-1:].set_axis(["z"], axis=1)),
        "other frequency": lambda: few.predict(y=series(freq="D")),
        "X not known": lambda: few.predict(X=beside.loc["north"]),
        "X too short": lambda: forecaster().fit(sold, beside[:50]),
        "no static": lambda: forecaster().fit(sold, None, static[:1]),
        "windows": lambda: backtest(forecaster(), y, n_windows=100),
        "metric": lambda: forecasting.mae([1.0, 2.0], [1.0]),
        "diverges": lambda: regressor(learning_rate_init=1e30, max_grad_norm=1e30).fit(X, numbers),
        "rows": lambda: regressor().fit(X, numbers[:-1]),
        "X infinite": lambda: regressor().fit(np.where(X > 2, np.inf, X), numbers),
        "channels": lambda: regressor(n_channels=3).fit(X, numbers),
        "no target": lambda: regressor().fit(X, None),
        "weights": lambda: regressor().fit(X, numbers, sample_weight=np.zeros(60)),
        "no spread": lambda: ready.predict(X, return_std=True),
        "changed": lambda: warm.set_params(cell="gru").fit(X, numbers),
        "one class": lambda: classifier().fit(X, numbers),
        "classes": lambda: classifier().partial_fit(X, numbers > 0),
        "sliding": lambda: SlidingWindows(lookback=0).fit(X),
        "detector short": lambda: detector().fit(watched(10)),
        "two thresholds": lambda: detector(threshold=z, contamination=0.1).fit(watched()),
        "not online": lambda: detector().fit(watched()).update(1.0),
        "stream": lambda: stream.update(watched()[:1]),
        "other channels": lambda: stream.score_samples(watched(n_channels=2)),
        "labels": lambda: anomaly_metrics.vus_pr([0, 2], [0.1, 0.2], 3),
        "threshold": lambda: anomaly.QuantileThreshold(2).fit([1.0]),
        "no file": lambda: tsrnn.load("nowhere.tsrnn"),
        "not a file of ours": lambda: tsrnn.load(__file__),
        "not saved": lambda: tsrnn.save(SlidingWindows(), "nowhere.tsrnn"),
        "no gates": lambda: inspection.gates(regressor(cell="rnn").fit(X, numbers), X),
        "attribute": lambda: tsrnn.nothing,
    }
    results = {}
    for name, call in wrong.items():
        try:
            call()
            results[name] = "no error"
        except Exception as error:
            results[name] = " ".join(kind.__name__ for kind in BUILTINS if isinstance(error, kind))
            note(name, error)
    return results


CASES = {
    case.__name__: case
    for case in (
        forecast_heads,
        forecast_structure,
        forecast_solvers,
        forecast_forms,
        forecast_frequencies,
        forecast_transforms,
        forecast_training,
        forecast_missing,
        forecast_updates,
        forecast_metrics,
        covariates_lone,
        covariates_panel,
        backtests,
        regress_inputs,
        regress_training,
        sliding_windows,
        classify,
        threads,
        detect_ways,
        detect_online,
        detect_baselines,
        thresholds,
        events_and_metrics,
        inspect_more,
        files,
        command_line,
        simulator,
        shipped_data,
        bad_input,
    )
}
CASES |= {f"forecast_{cell}": partial(forecast_cell, cell) for cell in CELLS}
CASES |= {f"forecast_loss_{loss}": partial(forecast_loss, loss) for loss in LOSSES}
CASES |= {f"forecast_{scope}": partial(forecast_scope, scope) for scope in SCOPES}
CASES |= {f"regress_{cell}": partial(regress_cell, cell) for cell in CELLS}
CASES |= {f"regress_loss_{loss}": partial(regress_loss, loss) for loss in LOSSES}
CASES |= {f"detect_{cell}": partial(detect_cell, cell) for cell in CELLS[:4]}
CASES |= {f"inspect_{cell}": partial(inspect_cell, cell) for cell in CELLS}
CASES["forecast_float64"] = partial(forecast_cell, "lstm", dtype="float64")
CASES["regress_float64"] = partial(regress_cell, "attention", dtype="float64")


# Recordings

_messages = {}  # of the case that runs


def note(name, text):
    """Keep a text, or an exception's type and text, that may be re-worded."""
    if isinstance(text, BaseException):
        text = f"{type(text).__name__}: {text}"
    text = str(text).replace(str(Path(__file__).parent), "HERE")
    text = re.sub(rf"{re.escape(tempfile.gettempdir())}/\w+", "TEMP", text)
    # The order of a set is by the hash seed of the process.
    _messages[name] = re.sub(r"{.*?}", lambda some: str(sorted(some[0][1:-1].split(", "))), text)


def flat(name, value):
    """Named arrays of whatever a case gives: (name, array) pairs."""
    if isinstance(value, np.ndarray):
        texts = value.dtype.kind in "OT"
        yield name, np.array([str(each) for each in value.ravel()], str) if texts else value
    elif isinstance(value, pd.DataFrame):
        yield from flat(f"{name}/columns", value.columns)
        yield from flat(f"{name}/index", value.index)
        for k in range(value.shape[1]):
            yield from column(f"{name}/{k}", value.iloc[:, k])
    elif isinstance(value, pd.Series):
        yield f"{name}/name", np.array(str(value.name))
        yield from flat(f"{name}/index", value.index)
        yield from column(f"{name}/values", value)
    elif isinstance(value, pd.Index):
        kinds = value.dtypes.tolist() if isinstance(value, pd.MultiIndex) else value.dtype
        about = type(value).__name__, kinds, list(value.names), getattr(value, "freq", None)
        yield f"{name}/about", np.array([str(each) for each in about])
        yield f"{name}/labels", np.array([str(each) for each in value], str)
    elif polars is not None and isinstance(value, polars.DataFrame):
        yield f"{name}/schema", np.array(str(value.schema))
        yield from flat(name, value.to_dict(as_series=False))
    elif hasattr(value, "_asdict"):
        yield from flat(name, value._asdict())
    elif isinstance(value, dict):
        for key, each in value.items():
            words = key if isinstance(key, tuple) else (key,)
            yield from flat(f"{name}/{' '.join(map(str, words))}", each)
    elif isinstance(value, (list, tuple)) and value and all(type(each) is float for each in value):
        yield name, np.array(value)
    elif isinstance(value, (list, tuple)):
        yield f"{name}/length", np.array(len(value))
        for k, each in enumerate(value):
            yield from flat(f"{name}/{k}", each)
    elif isinstance(value, (bool, int, float, np.generic)):
        yield name, np.asarray(value)
    elif value is None or isinstance(value, (str, datetime.date)):
        yield name, np.array(str(value))
    else:
        raise TypeError(f"{name} is a {type(value).__name__}, which is not recorded")


def column(name, values):
    """The values of a Series: numbers and times as they are, all else as texts."""
    yield f"{name}/dtype", np.array(str(values.dtype))
    plain = isinstance(values.dtype, np.dtype)
    yield from flat(name, values.to_numpy() if plain else np.array([str(v) for v in values], str))


def record(folder, only, skip_simulator):
    """Run cases and write what they give; 1 if one failed."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in CASES if not only or name in only]
    if skip_simulator and "simulator" in names:
        names.remove("simulator")
    print(f"tsrnn of {ROOT}, {len(names)} cases", flush=True)
    messages, failed, begun = {}, [], time.perf_counter()
    for name in names:
        _messages.clear()
        started = time.perf_counter()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                arrays = {}
                for key, array in flat("", CASES[name]()):
                    if key in arrays:
                        raise KeyError(f"{key} twice")
                    arrays[key] = array
            except Exception:
                failed.append(name)
                traceback.print_exc()
                arrays = {"failed": np.array(True)}
        texts = {f"{each.category.__name__}: {each.message}" for each in warned}
        messages[name] = dict(_messages) | {"warnings": sorted(texts)}
        arrays = {key.strip("/") or "value": array for key, array in arrays.items()}
        np.savez(folder / f"{name}.npz", **arrays)
        seconds = time.perf_counter() - started
        print(f"{name:28s} {len(arrays):6d} arrays {seconds:7.2f} s", flush=True)
    (folder / "messages.json").write_text(json.dumps(messages, indent=1))
    print(f"{len(names)} recordings in {time.perf_counter() - begun:.0f} s", flush=True)
    if failed:
        print(f"FAILED: {', '.join(failed)}")
    return int(bool(failed))


def difference(one, other):
    """What differs between two arrays, in words; None if they are the same to the bit."""
    if one.dtype != other.dtype and not (one.dtype.kind == other.dtype.kind == "U"):
        return f"dtype {one.dtype} and {other.dtype}"
    if one.shape != other.shape:
        return f"shape {one.shape} and {other.shape}"
    if one.dtype == other.dtype and one.tobytes() == other.tobytes():
        return None
    differs = np.atleast_1d(one != other)
    if one.dtype.kind in "fc":
        differs &= ~np.atleast_1d(np.isnan(one) & np.isnan(other))
        with np.errstate(all="ignore"):
            most = np.nanmax(np.abs(one - other), initial=0)
        return f"{differs.sum()} of {one.size} values, by {most:.3g} at most"
    k = int(differs.ravel().argmax())
    texts = [str(np.atleast_1d(each).ravel()[k]) for each in (one, other)]
    if not differs.any():
        return None
    at = next((j for j, pair in enumerate(zip(*texts, strict=False)) if pair[0] != pair[1]), 0)
    shown = " and ".join(repr(text[max(at - 40, 0) : at + 40]) for text in texts)
    return f"{differs.sum()} of {one.size} values, the first {shown}"


def compare(first, second):
    """Print what differs between two recordings; 1 if anything does."""
    names = [{path.stem for path in folder.glob("*.npz")} for folder in (first, second)]
    different = [f"{name}: only in one of the two" for name in sorted(names[0] ^ names[1])]
    for name in sorted(names[0] & names[1]):
        with np.load(first / f"{name}.npz") as one, np.load(second / f"{name}.npz") as other:
            if "failed" in one or "failed" in other:
                different.append(f"{name}: the case failed")
            for key in sorted(set(one.files) ^ set(other.files)):
                different.append(f"{name} {key}: only in {(first if key in one else second)}")
            for key in one.files:
                if key in other and (what := difference(one[key], other[key])):
                    different.append(f"{name} {key}: {what}")
    texts = [json.loads((folder / "messages.json").read_text()) for folder in (first, second)]
    for name in sorted(names[0] & names[1]):
        own, others = (each.get(name, {}) for each in texts)
        for key in sorted(own.keys() | others.keys()):
            if own.get(key) != others.get(key):
                print(f"note: {name}, {key}:\n    {own.get(key)!r}\n    {others.get(key)!r}")
    for line in different:
        print(line)
    if different or not names[0]:
        print(f"{len(different)} differences in {len(names[0] | names[1])} recordings")
        return 1
    print(f"{len(names[0])} recordings, all the same to the bit")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("record", help="run the cases and keep what they give")
    command.add_argument("folder", type=Path)
    command.add_argument("--only", nargs="+", choices=CASES, metavar="NAME", help=" ".join(CASES))
    command.add_argument("--skip-simulator", action="store_true")
    command = commands.add_parser("compare", help="tell whether two recordings are the same")
    command.add_argument("folders", type=Path, nargs=2)
    arguments = parser.parse_args()
    if arguments.command == "record":
        return record(arguments.folder, arguments.only, arguments.skip_simulator)
    return compare(*arguments.folders)


if __name__ == "__main__":
    sys.exit(main())

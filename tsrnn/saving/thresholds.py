"""Thresholds over anomaly scores: what each has learnt."""

from __future__ import annotations

import typing
from collections import deque

import numpy as np

from tsrnn.anomaly.tails import LocalMean, Tail
from tsrnn.anomaly.thresholds import (
    ConformalThreshold,
    DynamicThreshold,
    QuantileThreshold,
    RobustZThreshold,
    TailThreshold,
)
from tsrnn.anomaly.thresholds.dynamic import _ExponentialMean
from tsrnn.saving.checks import check
from tsrnn.saving.fitted import Estimator, parts_of, whole_of
from tsrnn.saving.values import kind

THRESHOLDS: dict[str, Estimator] = {}


def _threshold(of, attributes, apart=dict, mark="threshold_"):
    """Add a class by the function that makes its attributes of parts, whose types are annotated."""

    def add(joined):
        entry = THRESHOLDS[of.__name__] = Estimator(
            of, typing.get_type_hints(joined), {}, attributes=attributes, apart=apart,
            joined=lambda parts: joined(**parts), mark=mark,
        )  # fmt: skip

        @kind(of, apart=lambda threshold: dict(
            zip(("parameters", "fitted"), parts_of(entry, threshold), strict=True)
        ))  # fmt: skip
        def _(parameters: dict, fitted: dict):
            return whole_of(entry, parameters, fitted)

        return joined

    return add


@_threshold(QuantileThreshold, {"threshold_"})
def _quantile(threshold_: float):
    return {"threshold_": threshold_}


@_threshold(RobustZThreshold, {"median_", "scale_", "threshold_"})
def _robust_z(median_: float, scale_: float, threshold_: float):
    return {"median_": median_, "scale_": scale_, "threshold_": threshold_}


def _tail_apart(found):
    tail, local = found["_tail"], found["_local"] or LocalMean(0)
    return {
        "base": tail.base, "risk": tail.risk, "n": tail.n, "shape": tail.shape,
        "scale": tail.scale, "quantile": tail.quantile, "next_fit": tail._next_fit,
        "peaks": np.array(tail.peaks, float), "local": np.array(local._values, float),
        "local_sum": local._sum, "local_next": local._next,
    }  # fmt: skip


@_threshold(TailThreshold, {"_tail", "_local", "threshold_"}, _tail_apart)
def _tail(
    base: float, risk: float, n: int, shape: float, scale: float, quantile: float, next_fit: int,
    peaks: np.ndarray, local: np.ndarray, local_sum: float, local_next: int,
):  # fmt: skip
    _check_scores(peaks)
    _check_scores(local)
    check((peaks > 0).all() and peaks.size <= n and 0 < risk < 1, "a tail")
    tail, mean = Tail.__new__(Tail), None
    tail.base, tail.risk, tail.n, tail.peaks = base, risk, int(n), peaks.tolist()
    tail.shape, tail.scale, tail.quantile, tail._next_fit = shape, scale, quantile, int(next_fit)
    if local.size:  # as many as its depth: fit takes no fewer
        check(0 <= local_next < local.size, "a local mean")
        mean = LocalMean(local.size)
        mean._values, mean._sum, mean._next = local.tolist(), local_sum, int(local_next)
    level = 0.0 if mean is None else mean.mean
    return {"_tail": tail, "_local": mean, "threshold_": level + quantile}


def _dynamic_apart(found):
    recent, mean = found["_recent"], found["_mean"]
    return {
        "threshold_": found["threshold_"], "recent": np.array(recent, float),
        "window": recent.maxlen, "n_new": found["_n_new"], "keep": mean._keep, "sum": mean._sum,
        "weight": mean._weight,
    }  # fmt: skip


@_threshold(DynamicThreshold, {"_recent", "_mean", "_n_new", "threshold_"}, _dynamic_apart)
def _dynamic(
    threshold_: float, recent: np.ndarray, window: int, n_new: int, keep: float, sum: float,
    weight: float,
):  # fmt: skip
    _check_scores(recent)
    check(0 < recent.size <= window, "a window")
    check(0 <= keep < 1 and weight > 0, "an exponential mean")
    mean = _ExponentialMean(1)
    mean._keep, mean._sum, mean._weight = keep, sum, weight
    recent = deque(recent.tolist(), maxlen=int(window))
    return {"_recent": recent, "_mean": mean, "_n_new": int(n_new), "threshold_": threshold_}


def _conformal_apart(found):
    recent = found["_recent"]
    return {
        "recent": np.array(recent, float), "window": recent.maxlen or 0, "seed": found["_seed"],
        "rng": found["_stream_rng"],
    }  # fmt: skip


_CONFORMAL = {"_recent", "_ordered", "_seed", "_stream_rng"}


@_threshold(ConformalThreshold, _CONFORMAL, _conformal_apart, "_stream_rng")
def _conformal(recent: np.ndarray, window: int, seed: int, rng: np.random.Generator):
    _check_scores(recent)
    check(recent.size > 0 and seed >= 0, "a calibration")
    check(window == 0 or recent.size <= window, "a window")
    recent = deque(recent.tolist(), maxlen=int(window) or None)
    return {"_recent": recent, "_ordered": sorted(recent), "_seed": int(seed), "_stream_rng": rng}


def _check_scores(values):
    check(values.dtype == np.float64 and values.ndim == 1, "scores")
    check(np.isfinite(values).all(), "scores")

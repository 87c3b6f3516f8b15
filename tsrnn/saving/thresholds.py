"""Schemas of the thresholds on anomaly scores."""

import dataclasses
from collections import deque
from typing import NamedTuple

import numpy as np

from tsrnn.anomaly.thresholds import (
    ConformalThreshold,
    DynamicThreshold,
    FixedThreshold,
    QuantileThreshold,
    ReturnPeriodThreshold,
    RobustZThreshold,
    TailThreshold,
)
from tsrnn.anomaly.thresholds.pareto import ParetoTail
from tsrnn.anomaly.thresholds.return_period import HillTail
from tsrnn.anomaly.thresholds.running_means import ExponentialMean, LocalMean
from tsrnn.saving.checks import check
from tsrnn.saving.schema import EstimatorSchema, build_estimator, split_estimator
from tsrnn.saving.values import codec, parts_of

THRESHOLDS: dict[str, EstimatorSchema] = {}


def _threshold(cls, attributes, encode=dict, fitted_attribute="threshold_"):
    """Register a decorated function that turns the parts of a threshold into its attributes."""

    def register(decoder):
        required, optional, decode = parts_of(decoder)
        schema = EstimatorSchema(
            cls,
            required,
            optional,
            attributes=attributes,
            encode=encode,
            decode=lambda parts: decode(**parts),
            fitted_attribute=fitted_attribute,
        )
        THRESHOLDS[cls.__name__] = schema

        def encode_threshold(threshold):
            parameters, fitted = split_estimator(schema, threshold)
            return {"parameters": parameters, "fitted": fitted}

        @codec(cls, encode=encode_threshold)
        def _(parameters: dict, fitted: dict):
            return build_estimator(schema, parameters, fitted)

        return decoder

    return register


@_threshold(FixedThreshold, {"threshold_"})
def _decode_fixed(threshold_: float):
    return {"threshold_": threshold_}


@_threshold(QuantileThreshold, {"threshold_"})
def _decode_quantile(threshold_: float):
    return {"threshold_": threshold_}


@_threshold(RobustZThreshold, {"median_", "scale_", "threshold_"})
def _decode_robust_z(median_: float, scale_: float, threshold_: float):
    return {"median_": median_, "scale_": scale_, "threshold_": threshold_}


class _Tail(NamedTuple):
    base: float
    risk: float
    n: int
    shape: float
    scale: float
    quantile: float
    next_fit: int
    peaks: np.ndarray
    local: np.ndarray
    local_sum: float
    local_next: int


def _encode_tail(fitted):
    tail, local = fitted["_tail"], fitted["_local"] or LocalMean(0)
    return dataclasses.asdict(tail) | {
        "peaks": np.array(tail.peaks, float),
        "local": np.array(local.values, float),
        "local_sum": local.total,
        "local_next": local.oldest,
    }


@_threshold(TailThreshold, {"_tail", "_local", "threshold_"}, _encode_tail)
def _decode_tail(parts: _Tail):
    peaks, local = parts.peaks, parts.local
    _check_scores(peaks)
    _check_scores(local)
    check((peaks > 0).all() and peaks.size <= parts.n and 0 < parts.risk < 1, "a tail")
    tail = ParetoTail(
        base=parts.base,
        risk=parts.risk,
        n=int(parts.n),
        shape=parts.shape,
        scale=parts.scale,
        quantile=parts.quantile,
        next_fit=int(parts.next_fit),
        peaks=peaks.tolist(),
    )
    mean = None
    if local.size:  # the whole window: fit requires as many scores
        check(0 <= parts.local_next < local.size, "a local mean")
        mean = LocalMean(local.size, local.tolist(), parts.local_sum, int(parts.local_next))
    level = 0.0 if mean is None else mean.mean
    return {"_tail": tail, "_local": mean, "threshold_": level + parts.quantile}


def _encode_dynamic(fitted):
    recent, mean = fitted["_recent"], fitted["_mean"]
    return {
        "threshold_": fitted["threshold_"],
        "recent": np.array(recent, float),
        "calibration": np.array(fitted["_calibration"], float),
        "window": recent.maxlen,
        "n_new": fitted["_n_new"],
        "keep": mean.decay,
        "sum": mean.total,
        "weight": mean.weight,
    }


_DYNAMIC = {"_recent", "_calibration", "_mean", "_n_new", "threshold_"}


@_threshold(DynamicThreshold, _DYNAMIC, _encode_dynamic)
def _decode_dynamic(
    threshold_: float,
    recent: np.ndarray,
    window: int,
    n_new: int,
    keep: float,
    sum: float,
    weight: float,
    calibration: np.ndarray | None = None,
):
    calibration = recent if calibration is None else calibration
    for scores in (recent, calibration):
        _check_scores(scores)
        check(0 < scores.size <= window, "a window")
    check(0 <= keep < 1 and weight > 0, "an exponential mean")
    mean = ExponentialMean(keep, sum, weight)
    return {
        "_recent": deque(recent.tolist(), maxlen=int(window)),
        "_calibration": deque(calibration.tolist(), maxlen=int(window)),
        "_mean": mean,
        "_n_new": int(n_new),
        "threshold_": threshold_,
    }


def _encode_conformal(fitted):
    recent = fitted["_recent"]
    return {
        "recent": np.array(recent, float),
        "window": recent.maxlen or 0,
        "seed": fitted["_seed"],
        "rng": fitted["_stream_rng"],
        "floor": fitted["_floor"],
        "n_allowed": fitted["_n_allowed"],
        "highest": fitted["_highest"],
    }


@_threshold(
    ConformalThreshold,
    {"_recent", "_ordered", "_seed", "_stream_rng", "_floor", "_n_allowed", "_highest"},
    _encode_conformal,
    "_stream_rng",
)
def _decode_conformal(
    recent: np.ndarray,
    window: int,
    seed: int,
    rng: np.random.Generator,
    floor: float = -np.inf,
    n_allowed: float = 0.0,
    highest: float = -np.inf,
):
    _check_scores(recent)
    check(floor < np.inf and n_allowed >= 0 and highest < np.inf, "a calibration")
    check(recent.size > 0 and seed >= 0, "a calibration")
    check(window == 0 or recent.size <= window, "a window")
    scores = deque(recent.tolist(), maxlen=int(window) or None)
    return {
        "_recent": scores,
        "_ordered": sorted(scores),
        "_seed": int(seed),
        "_stream_rng": rng,
        "_floor": floor,
        "_n_allowed": n_allowed,
        "_highest": max(highest, *scores),
    }


def _encode_return_period(fitted):
    local, tails = fitted["_local"], fitted["_tails"]
    return {
        "points": np.array(tails[0].recent, float),
        "means": np.array(tails[1].recent if len(tails) > 1 else [], float),
        "window": tails[0].window or 0,
        "share": tails[0].share,
        "local": np.array(local.values, float),
        "local_sum": local.total,
        "local_next": local.oldest,
        "span": local.depth,
        "threshold_": fitted["threshold_"],
    }


_RETURN_PERIOD = {"_local", "_tails", "threshold_"}


@_threshold(ReturnPeriodThreshold, _RETURN_PERIOD, _encode_return_period)
def _decode_return_period(
    points: np.ndarray,
    means: np.ndarray,
    window: int,
    share: float,
    local: np.ndarray,
    local_sum: float,
    local_next: int,
    span: int,
    threshold_: float,
):
    for scores in (points, means, local):
        _check_scores(scores)
    check(points.size > 0 and means.size in (0, points.size), "a history")
    check(window == 0 or points.size <= window, "a window")
    check(0 < share < 1, "a share")
    check(0 < local.size <= span and 0 <= local_next < span, "a local mean")
    kinds = (points, means) if means.size else (points,)
    return {
        "_local": LocalMean(int(span), local.tolist(), local_sum, int(local_next)),
        "_tails": [HillTail(kind.tolist(), share, int(window) or None) for kind in kinds],
        "threshold_": threshold_,
    }


def _check_scores(values):
    check(values.dtype == np.float64 and values.ndim == 1, "scores")
    check(np.isfinite(values).all(), "scores")

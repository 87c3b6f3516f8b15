"""Content forged by somebody, whose checksum is right: refused, and nothing of it executed."""

import json
import pickle

import numpy as np
import pytest
from saving.conftest import (
    AIRLINE,
    NAMED,
    NUMBERS,
    Canary,
    Forgery,
    X,
    detector_panel,
    detector_series,
    npy_like,
    shape_of,
    with_checksum,
)
from sklearn.utils.validation import check_is_fitted

import tsrnn
from tsrnn.network import RecurrentNetwork

pytestmark = pytest.mark.slow

GIANT = 4611686018427387904


def times(**parts):
    """A node of an index of times that would fit the forecaster's, with some parts changed."""
    stamps = AIRLINE.index.as_unit("s").asi8
    whole = {"stamps": stamps, "unit": "s", "zone": None, "freq": None, "name": None} | parts
    return {"DatetimeIndex": whole}


def offset(name):
    return {"offset": {"name": name}}


def scalar(dtype="<i8", digits="00" * 7 + "40"):
    return {"scalar": {"dtype": dtype, "hex": digits}}


def category(codes):
    kind = {
        "CategoricalDtype": {
            "categories": {"RangeIndex": {"start": 0, "stop": 2, "step": 1, "name": None}},
            "ordered": False,
        }
    }
    return {"CategoricalIndex": {"codes": codes, "dtype": kind, "name": None}}


def dtype(name):
    return {"dtype": {"name": name}}


def long(**parts):
    """A node of a form of series, as are the next two, with some parts changed."""
    whole = {"id_column": "a", "time_column": "b", "target_column": "c"}
    return {"Long": whole | {"id_dtype": dtype("object"), "time_dtype": dtype("M8[s]")} | parts}


def levels(**parts):
    whole = {"names": {"tuple": ["a", None]}, "target": None, "is_frame": False}
    return {"Levels": whole | {"id_dtype": dtype("object"), "time_dtype": dtype("M8[s]")} | parts}


def foreign(**parts):
    dtypes = [["String"], ["Datetime", "us", None]]
    return {"Foreign": {"columns": ["a", "b", "c"], "dtypes": dtypes, "library": "POLARS"} | parts}


NETWORK = "fitted.network_.RecurrentNetwork"
PRETRAINED = "fitted._pretrained.RecurrentNetwork"
COLLECTION = "fitted._collection.Collection"
SCALING = "fitted._scaling_.Scaling"
NO_COUNTS = [0, -1, 2**31, 2**70, True, 3.0, "3", None, [], scalar()]
NO_ARRAYS = [
    np.array([Canary()], object),
    pickle.dumps(Canary()),
    b"",
    b"\x93NUMPY",
    shape_of("(1000000000000,)"),
    shape_of(f"({GIANT}, 4)"),
    shape_of(f"(0, {GIANT})"),
    shape_of("(-1,)"),
    shape_of("(1, 1)", order=True),
    shape_of("(1,)", "|O"),
    shape_of("(1000000000000,)", "<U0"),
    shape_of("(1,)", "<U999999999"),
    shape_of("(1,)", "<f3"),
    shape_of("(1,)", "<M8[what]"),
    shape_of("(" + "9" * 60 + ",)"),
    shape_of("(1,)", "<f4,"),
    shape_of("(" + "1, " * 17 + ")"),
    npy_like("(" * 100),
    npy_like("{}"),
    npy_like("9" * 117),
    npy_like("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"),
    npy_like("{'descr': __import__('os').mkdir('canary')}"),
    npy_like("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", version=b"\x02\x00"),
    np.zeros(71, "f4"),
    np.zeros((1, 72), "f4"),
    np.zeros(72, "f2"),
    np.zeros(72, "i4"),
]
STATE = np.random.RandomState(0).get_state(legacy=False)["state"]["key"]


def random_state(key=STATE, pos=0, name="MT19937"):
    own = {"dict": [["key", key], ["pos", pos]]}
    rest = [["bit_generator", name], ["state", own], ["has_gauss", 0], ["gauss", 0.0]]
    return {"RandomState": {"state": {"dict": rest}}}


def weights(*pairs):
    return {"dict": [list(pair) for pair in pairs]}


NO_INDEXES = [
    {"Index": {"values": np.zeros((2, 2)), "name": None, "inferred": False}},
    {"RangeIndex": {"start": 0, "stop": 1, "step": 0, "name": None}},
    {"PeriodIndex": {"ordinals": np.arange(60)[:, None], "freq": "M", "name": None}},
    {"PeriodIndex": {"ordinals": np.arange(60.0), "freq": "M", "name": None}},
    {"PeriodIndex": {"ordinals": np.arange(60), "freq": "1" * 10**6, "name": None}},
    times(stamps=np.zeros(60)),
    times(stamps=np.zeros((2, 30), int)),
    times(name=[]),
    times(unit="D", stamps=np.arange(60)),
    times(unit="ns]; mkdir canary"),
    times(zone="dateutil/UTC"),
    times(zone="dateutil//etc/passwd"),
    times(zone="../../../etc/passwd"),
    times(zone="/etc"),
    times(zone="a" * 1000),
    times(zone="No/Where"),
    times(zone=1),
    times(freq="MS"),
    times(freq=offset("D")),
    times(freq=offset("999999999999999999999D")),
    times(freq={"DateOffset": {"n": 10**12, "normalize": False, "kwds": weights(["days", 1])}}),
    times(freq={"DateOffset": {"n": 1, "normalize": False, "kwds": weights(["mkdir", 1])}}),
    {"Series": {"values": np.zeros(60), "index": times(), "name": []}},
    {"Series": {"values": np.zeros(59), "index": times(), "name": None}},
    {
        "Series": {
            "values": np.array(0.0),
            "index": {"RangeIndex": {"start": 0, "stop": 10**12, "step": 1, "name": None}},
            "name": None,
        }
    },
]
CHANGES = {
    "class": ["Pipeline", "os.system", "RecurrentEstimator", None, [], {}],
    "versions": [None, {}, []],
    "parameters": [None, [], {"loss": "quantile", "quantiles": "abc"}, {"self": 1}, {"fit": 1}],
    "parameters.hidden_size": ["32", -1, 0, None, 2.5, [], {"dict": []}],
    "parameters.cell": ["os", "..cells", 1, None, "lstm\0"],
    "parameters.random_state": [
        "a",
        -1,
        {"os.system": {"command": "mkdir canary"}},
        {"eval": {"text": "1"}},
        {"array": "0"},
        {"array": 99},
        {"array": []},
        {"array": None},
        {},
        {"tuple": [], "list": 1},
        {"tuple": 1},
        {"tuple": None},
        {"tuple": [{}]},
        {"float": {"text": "one"}},
        {"float": {"text": 1}},
        scalar("|O"),
        scalar("<U0"),
        scalar("<i8", "00"),
        scalar("<i8", "no"),
        scalar("<i8", "00" * 16),
        random_state(pos=625),
        random_state(pos=-1),
        random_state(pos=10**9),
        random_state(pos="a"),
        random_state(STATE[:600]),
        random_state(name="PCG64"),
        random_state(key=None),
        {"RandomState": {"state": weights(["state", 1])}},
        {"Generator": {"state": weights(["bit_generator", "os"])}},
        {"Generator": {"state": weights(["bit_generator", "PCG64"], ["state", 2**128])}},
    ],
    "fitted.predict": [1],
    "fitted._forecast": ["a"],
    "fitted.__class__": ["a"],
    "fitted.season_": [None, "12", 1.5, True],
    "fitted.transform_": ["exp", 1],
    "fitted.lookback_": [1, 10**9, None],
    "fitted.segment_": [0, 2, None],
    "fitted.loss_curve_": [None, ["a"], [None]],
    "fitted.validation_scores_": [1, [[]]],
    "fitted.network_": [None, {"RecurrentNetwork": {}}, {"Source": {}}, {"Moments": {}}, 1],
    **{f"{NETWORK}.{name}": NO_COUNTS for name in ("n_in", "n_hidden", "n_out", "n_layers")},
    f"{NETWORK}.n_head": [-1, 1, 2**70, None],
    f"{NETWORK}.n_horizons": [0, None, GIANT],
    f"{NETWORK}.cell": ["os", "rnn", "__init__", "", None],
    f"{NETWORK}.bidirectional": [True, 0],
    f"{NETWORK}.residual": [None, "yes"],
    f"{NETWORK}.head": ["every", "horizons", "all", None],
    f"{NETWORK}.parameters": NO_ARRAYS,
    f"{NETWORK}.predict": [1],
    f"{COLLECTION}.values": [np.zeros(59), np.zeros(60, "f4"), np.zeros((60, 1)), None],
    f"{COLLECTION}.indptr": [
        np.array([0, 59]),
        np.array([0, 60], "i4"),
        np.array([0, 60, 0]),
        np.array([1, 60]),
        np.zeros((0,), int),
        np.array([0, GIANT]),
        None,
    ],
    f"{COLLECTION}.ids": [[], [1, 2], None, {"tuple": [None]}],
    f"{COLLECTION}.ends": [
        np.array([59]),
        np.array([0, 60]),
        np.array([60, 60]),
        np.array([60.0]),
        np.array([GIANT]),
        np.array([70, 60]),
        np.zeros(0, int),
        np.array([[60]]),
        np.array([30, 60]),
        None,
    ],
    f"{COLLECTION}.have_freq": [np.array([1]), np.array([True, True]), np.zeros(0, bool), True],
    f"{COLLECTION}.places": [np.array([1]), np.array([-1]), np.array([0.0]), np.zeros(0, int)],
    f"{COLLECTION}.form": [
        None,
        {"OneSeries": {}},
        {"OneSeries": {"name": []}},
        {"Form": {}},
        {"Wide": {"columns": {"RangeIndex": {"start": 0, "stop": 2, "step": 1, "name": None}}}},
        {"Wide": {"columns": {"MultiIndex": {"levels": []}}}},
        {"Wide": {"columns": {"MultiIndex": {"levels": [1, 2]}}}},
        {"Wide": {"columns": category(np.array([2]))}},
        {"Wide": {"columns": category(None)}},
        long(names="a"),
        long(id_dtype="O"),
        long(id_dtype=dtype("no")),
        long(id_dtype=dtype("V8")),
        long(id_dtype=dtype("datetime64[ns, dateutil/UTC]")),
        long(id_dtype=dtype("O" * 10**6)),
        long(id_dtype=dtype(1)),
        long(id_dtype={"CategoricalDtype": {"categories": []}}),
        long(time_column=3),
        {"Long": {}},
        levels(names="ab"),
        levels(is_frame=1),
        levels(target=[]),
        levels(names={"tuple": []}),
        foreign(library="os"),
        foreign(library="PANDAS"),
        foreign(columns=["a"]),
        foreign(columns=[1, 2, 3]),
        foreign(dtypes=[["Int64"]]),
        foreign(dtypes=[["os"], ["Date"]]),
        foreign(dtypes=[["from_dict"], ["Date"]]),
        foreign(dtypes=[[[]], ["Date"]]),
        foreign(dtypes=1),
        foreign(dtypes=[["Int64"], ["Datetime", "us", "a", 1]]),
        foreign(dtypes=[[], ["Date"]]),
    ],
    f"{SCALING}.log": [None, 1],
    f"{SCALING}.mean": [np.zeros(2), np.zeros((1, 1)), None],
    f"{SCALING}.slope": [np.zeros(0), np.zeros(1, "f4")],
    f"{SCALING}.deviation": [np.zeros(3)],
    "fitted._widths.HeldOutErrors.errors": [
        np.zeros(0),
        np.zeros((0, 3)),
        np.full((4, 3), np.nan),
        np.zeros((4, 3), "f4"),
        np.zeros((4, 2)),
        np.array([["a"]]),
        1,
    ],
    "fitted._widths.HeldOutErrors.weights": [np.zeros(0), np.ones(4, "f4"), np.array(["a"]), 1],
    "fitted._widths.HeldOutErrors.power": [-1.0, 2.0, "a"],
    "fitted.loss_": ["gaussian", "quantile", "mse", None],
    "fitted.quantiles_": [[0.5], {"tuple": ["a"]}, None],
    "fitted._share": [-0.1, 1.1, 1.0, 1, {"float": {"text": "nan"}}, "a", None],
    "fitted._trust": [-0.1, 1.1, {"float": {"text": "nan"}}, "a", None],
    "fitted._pretrained_season": [0, -12, 2**70, 12.0, True, None],
    "fitted._n_ahead": [3],
    "fitted._pretrained": [None, 1, {"RecurrentNetwork": {}}, {"Moments": {}}],
    f"{PRETRAINED}.n_in": [1, 2**70, None],
    f"{PRETRAINED}.n_out": [1, 3, None],
    f"{PRETRAINED}.head": ["last", "ahead", None],
    f"{PRETRAINED}.parameters": [np.zeros(7, "f4"), np.zeros(7), None],
    f"{COLLECTION}.step": [1, None, offset("no"), offset("1" * 10**6), offset(1), True],
    f"{COLLECTION}.index": [
        *NO_INDEXES,
        np.zeros(60),
        times(stamps=np.zeros(59, int)),
        times(stamps=np.full(60, -GIANT * 2)),
        {"RangeIndex": {"start": 0, "stop": 60, "step": 1, "name": None}},
        {"RangeIndex": {"start": 0, "stop": 10**30, "step": 1, "name": None}},
        {"PeriodIndex": {"ordinals": np.arange(60), "freq": "D", "name": None}},
        {"Index": {"values": np.arange(60), "name": None, "inferred": False}},
    ],
}
REGRESSOR = {
    "class": ["RNNForecaster", "RNNClassifier"],
    "parameters.quantiles": [5, "ab", shape_of("(1000000, 0)", data=b"")],
    "fitted.n_channels_in_": [0, -1, 2, 2**70, None],
    "fitted.missing_": ["told", "tell", 1],
    "fitted.X_mean_": [np.zeros(3), np.zeros((1, 1)), np.zeros(1, "f4"), np.array(["a"])],
    "fitted.X_scale_": [np.zeros(3), np.zeros(0)],
    "fitted.y_mean_": [np.zeros(2), np.array(0.0)],
    "fitted.y_scale_": [np.zeros(2), np.zeros(1, "f4")],
    "fitted.loss_": ["gaussian", "quantile", "no", None],
    "fitted.quantiles_": [None, [], {"tuple": ["a"]}, {"tuple": [None]}],
    "fitted.n_outputs_": [0, -1, 2, True, None],
    "fitted._flat": [0, None],
    "fitted._moments.Moments.values": [
        np.zeros((3, 5), "f4"),
        np.zeros((3, 64)),
        np.zeros(192, "f4"),
    ],
    "fitted._moments.Moments.steps": [-1, 2**70, None],
    "fitted._rng": [None, 1, {"Moments": {"values": np.zeros((3, 64)), "steps": 1}}],
}
CLASSIFIER = {
    "fitted.classes_": [
        np.array(["a"]),
        np.array([["a", "b"]]),
        {"texts": {"shape": [2], "texts": ["a", 1]}},
        {"texts": {"shape": [3], "texts": ["a", "b"]}},
        {"texts": {"shape": [GIANT], "texts": []}},
        {"texts": {"shape": ["a"], "texts": []}},
        ["a", "b"],
        None,
    ],
    "fitted.feature_names_in_": [np.zeros((2, 3)), 1],
    "fitted.n_features_in_": ["6", None],
    "parameters.class_weight": [
        "no",
        1,
        {"dict": 1},
        {"dict": [1]},
        weights([[], 1]),
        weights(["a"]),
        weights([None, 1]),
        weights([{"tuple": []}, 1]),
        weights([{"dict": []}, 1]),
        weights(["a", scalar("<i4,<i4")]),
        *(weights(["a", index]) for index in NO_INDEXES),
        weights(*([(2**61 - 1) * k, 1] for k in range(20_000))),
    ],
}
ZERO_SHOT = {
    "fitted._share": [0.5, 0.0, 1.5, None],
    "fitted._trust": [1.5, None],
    "fitted._pretrained_season": [0, 2**70, None],
    "fitted._n_ahead": [0, -1, 2**70, 2.0, True, None],
    "fitted.lookback_": [0, 2, 61, None],
    "fitted.season_": [0, -1, 2**31, None],
    "fitted._weights": [np.zeros((1, 1, 7), "f4")],
    "fitted.transform_": ["log", "exp"],
    f"{NETWORK}.n_in": [1, 2**70, None],
    f"{NETWORK}.n_out": [1, 3, None],
    f"{NETWORK}.head": ["last", "ahead", None],
    f"{NETWORK}.parameters": [np.zeros(7, "f4"), np.zeros(7), None],
}
FEATURES, KEPT = "fitted._features.Features", "fitted._kept.Covariates"
COVARIATES = {
    "fitted._weights": [
        np.zeros((4, 2, 5), "f4"),
        np.zeros((2, 2, 663), "f4"),
        np.zeros((4, 0, 663), "f4"),
        np.zeros((4, 2, 663)),
        np.zeros((8, 663), "f4"),
        None,
    ],
    f"{FEATURES}.known": [{"tuple": []}, {"tuple": [1]}, [], None],
    f"{FEATURES}.known.tuple.0.Column.levels": [
        {
            "Index": {
                "values": {"texts": {"shape": [1], "texts": ["a"]}},
                "name": None,
                "inferred": False,
            }
        },
        1,
    ],
    f"{FEATURES}.past.tuple.0.Column.deviation": [0.0, -1.0, None],
    f"{FEATURES}.past.tuple.0.Column.mean": ["a", None],
    f"{FEATURES}.calendar": [{"tuple": ["weekday"]}, {"tuple": ["os"]}, {"tuple": [[]]}, None],
    f"{FEATURES}.holidays": [np.zeros(0, "M8[D]"), np.zeros((1, 1), "M8[D]"), np.zeros(1), None],
    f"{FEATURES}.observed": [False, None],
    f"{FEATURES}.static": [{"tuple": []}],
    "fitted._static": [np.zeros((2, 1)), np.zeros(3), np.array(["a"]), None],
    f"{KEPT}.channels": [np.zeros((5, 3)), np.zeros((6, 2)), np.zeros(6), np.array([["a"]]), None],
    f"{KEPT}.times": [*NO_INDEXES, times(), None],
    f"{KEPT}.labels": [1, times()],
    f"{COLLECTION}.observed": [np.zeros(5, bool), np.zeros(89), 1],
    f"{COLLECTION}.beside": [np.zeros((89, 2)), np.zeros((5, 15)), np.zeros(89), 1],
    f"{NETWORK}.head": ["last", "every", "horizons", 1],
    f"{NETWORK}.n_horizons": [1, 3, 0],
}
READING, STREAMS = "fitted._reading.ForecastErrors", "fitted._streams"
TAIL, DYNAMIC = (f"fitted.threshold_.{name}Threshold" for name in ("Tail", "Dynamic"))
SEASONS = "fitted.seasons_", f"{READING}.seasons"
WINDOWS = {"Reconstruction": {"n_channels": 1, "lookback": 8}}
GENERATOR = {"Generator": {"state": weights(["bit_generator", "PCG64"])}}


def tail(**changes):
    """A node of a fitted threshold, with some parts changed."""
    whole = {
        "base": 1.0,
        "risk": 0.01,
        "n": 9,
        "shape": 0.1,
        "scale": 1.0,
        "quantile": 2.0,
        "next_fit": 3,
        "peaks": np.ones(2),
        "local": np.ones(2),
        "local_sum": 2.0,
        "local_next": 0,
    } | changes
    parts = {"parameters": weights(), "fitted": weights(*whole.items())}
    return {"TailThreshold": parts}


NO_TAILS = [
    *(tail(**{name: None}) for name in ("base", "risk", "n", "peaks", "local", "local_next")),
    tail(peaks=np.array([0.0])),
    tail(peaks=np.array([np.nan])),
    tail(peaks=np.ones((1, 1))),
    tail(peaks=np.ones(2, "f4")),
    tail(n=1),
    tail(risk=0.0),
    tail(risk=1.0),
    tail(local_next=2),
    tail(local_next=-1),
    tail(local=np.array(["a"])),
    tail(_tail=1),
    {"TailThreshold": {"parameters": weights(), "fitted": weights(["_tail", 1])}},
    {"TailThreshold": {"parameters": weights(["risk", 2]), "fitted": weights()}},
    {"TailThreshold": {"parameters": weights(["fit", 2]), "fitted": weights()}},
    {"TailThreshold": {"parameters": weights([1, 2]), "fitted": weights()}},
    {"TailThreshold": {"parameters": weights()}},
    {"TailThreshold": {}},
    {"Threshold": {}},
    {"Tail": {}},
    "TailThreshold",
    1,
]
DETECTOR = {
    "class": ["RNNForecaster", "AnomalyDetector", "TailThreshold"],
    "parameters.method": ["both", None],
    "parameters.season": [-1, "a"],
    "parameters.threshold": [*NO_TAILS, {"RNNAnomalyDetector": {}}],
    "fitted.threshold_": [
        *NO_TAILS,
        {"TailThreshold": {"parameters": weights(), "fitted": weights()}},
        None,
    ],
    "fitted.loss_curve_": [["a"], [None]],
    "fitted.offset_": [None, "1"],
    "fitted.n_features_in_": [0, 2, "1", None],
    "fitted.seasons_": [
        [24],
        {"tuple": [12]},
        {"tuple": []},
        {"tuple": [24, 1]},
        {"tuple": ["a"]},
        {"tuple": [24.0]},
        {"tuple": [2**70]},
        None,
    ],
    "fitted._channels": [[], ["a", "b"], {"tuple": ["a"]}, None],
    "fitted._labels": [
        [],
        [None, "a"],
        [[]],
        [{"tuple": [[1]]}],
        [{"dict": []}],
        [k * (2**61 - 1) for k in range(20)],
        {"tuple": [None]},
        [np.array([1])],
        None,
    ],
    "fitted._means": [np.zeros((2, 1)), np.zeros(1), np.zeros((1, 1), "f4"), None],
    "fitted._deviations": [np.zeros((1, 1)), -np.ones((1, 1)), np.array([[np.nan]]), np.ones(1)],
    "fitted._usual": [np.ones((1, 3, 1)), np.zeros((1, 4, 1)), np.ones((1, 4, 1), int), 1],
    "fitted._usual_levels": [np.zeros(2), np.array([-1.0]), np.array(["a"])],
    "fitted._step": [1, 0, None, offset("no"), True],
    "fitted._reading": [WINDOWS, {"ForecastErrors": {}}, {"Reconstruction": {}}, None, 1],
    f"{READING}.n_channels": NO_COUNTS,
    f"{READING}.lookback": [0, None],
    f"{READING}.leads": [
        {"tuple": []},
        {"tuple": [2, 3, 4]},
        {"tuple": [1, 4, 2]},
        {"tuple": [1, 2]},
        {"tuple": [1, 2, 5]},
        {"tuple": [1, 2, 2**70]},
        {"tuple": [1, 2, 2**30]},
        {"tuple": [1, 2, "4"]},
        {"tuple": [1, 2, 4.0]},
        [1, 2, 4],
    ],
    f"{READING}.seasons": [
        {"tuple": []},
        {"tuple": [0]},
        {"tuple": [-24]},
        {"tuple": [25]},
        {"tuple": [2**30]},
        None,
    ],
    f"{READING}.loss": ["gaussian", "quantile", "student_t", "os", None],
    "fitted._networks": [np.zeros(119, "f4"), np.zeros(120), np.zeros((1, 120), "f4"), None],
    f"{NETWORK}.head": ["last", "ahead", "horizons", "all"],
    f"{NETWORK}.n_horizons": [2, 0],
    f"{NETWORK}.n_head": [1, 3],
    f"{NETWORK}.bidirectional": [True],
    f"{NETWORK}.parameters": [np.zeros(119, "f4"), np.zeros(120), np.zeros(120, int)],
    STREAMS: [[], weights(), weights(["index", 1]), 1],
    f"{STREAMS}.index": [
        *NO_INDEXES,
        times(stamps=np.zeros(3, int)),
        {"RangeIndex": {"start": 0, "stop": 4, "step": 1, "name": None}},
        {"PeriodIndex": {"ordinals": np.arange(4), "freq": "D", "name": None}},
    ],
    f"{STREAMS}.ends": [np.array([3]), np.array([2, 4]), np.array([[4]]), np.zeros(0, int), 4],
    f"{STREAMS}.have_freq": [np.array([1]), np.zeros(0, bool), np.zeros(2, bool), True],
    f"{STREAMS}.n_after": [np.array([-1]), np.zeros(2, int), np.zeros(1), 10, None],
    f"{STREAMS}.level": [np.zeros(2), np.array([-1.0]), np.zeros(1, "f4"), 1.0],
    f"{STREAMS}.keep": [1.0, -0.1, None, "a"],
    f"{STREAMS}.said": [np.zeros((1, 4, 2)), np.zeros((1, 3, 3)), np.zeros((2, 4, 3)), None],
    f"{STREAMS}.seen": [np.zeros((1, 25, 1)), np.zeros((1, 24, 1), "f4"), np.zeros(24)],
    f"{STREAMS}.n_seen": [np.zeros(2, int), np.zeros(1), 1],
    f"{STREAMS}.states": [
        np.zeros((1, 1, 3), "f4"),
        np.zeros((1, 2, 4), "f4"),
        np.zeros((1, 2, 3)),
        None,
    ],
}
NOT_A_NUMBER = {"float": {"text": "nan"}}
DETECTORS = {
    "fitted._labels": [["a", "a"], ["a", None], [1, True], ["a"], [1.0, NOT_A_NUMBER]],
    "fitted._reading.Reconstruction.lookback": NO_COUNTS,
    STREAMS: [weights()],
    "fitted._reading.Reconstruction.n_channels": [0, 1, 3, None],
    "fitted.seasons_": [{"tuple": [2] * 101}, {"tuple": [2**30]}, {"tuple": [0]}, None],
    f"{NETWORK}.n_horizons": [7, 9, GIANT],
    f"{NETWORK}.head": ["last", "every", "ahead"],
    f"{NETWORK}.bidirectional": [True],
    f"{STREAMS}.window": [np.zeros((2, 7, 2)), np.zeros((2, 8, 1)), np.zeros((1, 8, 2)), None],
    "fitted.threshold_": NO_TAILS,
    f"{DYNAMIC}.fitted.threshold_": [None, "a"],
    f"{DYNAMIC}.fitted.recent": [
        np.ones((40, 1)),
        np.full(40, np.nan),
        np.ones(40, int),
        np.ones(0),
        None,
    ],
    f"{DYNAMIC}.fitted.window": [1, None],
    f"{DYNAMIC}.fitted.keep": [1.0, -1.0, None],
    f"{DYNAMIC}.fitted.weight": [0.0],
    f"{DYNAMIC}.fitted.n_new": [1.5, None],
}
THRESHOLD = {
    "class": ["Threshold", "Tail", "TailThreshold", "QuantileThreshold"],
    "parameters.false_alarm_rate": [0, 2.0, "a", None],
    "parameters.window": [0, "a"],
    "fitted.recent": [np.zeros(31), np.zeros(0), np.array([np.nan]), np.zeros(30, "f4"), [1.0]],
    "fitted.window": [29, -1, 2**70, None, 30.0],
    "fitted.seed": [-1, None, 1.5],
    "fitted.rng": [None, 1, GENERATOR, random_state()],
    "fitted._ordered": [[1.0]],
    "fitted.threshold_": [1.0],
}
TAGGER = {
    "class": ["RNNClassifier", "Tagger"],
    "fitted.classes_": [np.array(["a"]), None],
    "fitted.n_channels_in_": [0, 1, 3, 2**70, None],
    "fitted.missing_": ["tell"],
    f"{NETWORK}.n_tokens": [0, -1, 4, 6, 2**70, None],
    f"{NETWORK}.n_embedding": [0, -1, 2, 4, 2**70, None],
    f"{NETWORK}.tied": [True, 0, None],
    f"{NETWORK}.n_in": [1, 3, 5],
    f"{NETWORK}.n_out": [1, 3],
    f"{NETWORK}.head": ["last", "mean", "ahead"],
}
TRANSCRIBER = {
    "class": ["RNNClassifier", "RNNTagger", "Transcriber"],
    "fitted.classes_": [np.array(["a"]), np.array(["a", "b", "c"]), np.array([1, 2]), None],
    "fitted._y_is_text": [None, 1, "yes"],
    "fitted.n_channels_in_": [0, 1, 3, 2**70, None],
    f"{NETWORK}.n_out": [1, 2, 4],
    f"{NETWORK}.head": ["last", "mean", "ahead"],
}
FEATURES = "fitted.features_.MFCC"
WAVE_TRANSCRIBER = {
    "class": ["RNNClassifier", "RNNTagger", "LogMel"],
    "parameters.features": [3, "mfcc"],
    "fitted.features_": [None, 8000, "mfcc"],
    f"{FEATURES}.fitted": [None, 3],
    f"{FEATURES}.fitted.rate_": [0, -1, 2**70, 8000.5, "8000", None],
    f"{FEATURES}.parameters.deltas": [0, 2, 3, -1, "1"],
    f"{FEATURES}.parameters.n_coefficients": [3, 5, 2**40, 0],
    f"{FEATURES}.parameters.hop": [0, -1, "a", None],
}
ALL = {
    "tagger": TAGGER,
    "transcriber": TRANSCRIBER,
    "wave-transcriber": WAVE_TRANSCRIBER,
    "forecaster": CHANGES,
    "zero-shot": ZERO_SHOT,
    "regressor": REGRESSOR,
    "classifier": CLASSIFIER,
    "covariates": COVARIATES,
    "detector": DETECTOR,
    "detectors": DETECTORS,
    "threshold": THRESHOLD,
}


@pytest.mark.parametrize("name", ALL)
def test_a_file_with_a_new_checksum_is_loaded(name, valid_files, path):
    forgery = Forgery(valid_files[name])
    path.write_bytes(with_checksum(forgery.npz()))
    loaded = tsrnn.load(path)
    assert type(loaded).__name__ == forgery.json["class"]
    check_is_fitted(loaded)


@pytest.mark.parametrize(
    ("name", "where"), [(name, where) for name, changes in ALL.items() for where in changes]
)
def test_changed_content_is_refused(name, where, valid_files, assert_refused):
    for value in ALL[name][where]:
        assert_refused(Forgery(valid_files[name]).change(where, value).npz())


@pytest.mark.parametrize(
    ("name", "where", "value"),
    [
        ("forecaster", "parameters.season", 12),
        ("forecaster", "fitted._share", 0.9),
        ("forecaster", "fitted._trust", 0.9),
        ("zero-shot", "fitted.season_", 1000),
        ("zero-shot", "fitted._pretrained_season", 7),
        ("forecaster", "parameters.random_state", random_state(pos=624)),
        ("forecaster", "fitted.season_", 3),
        ("forecaster", f"{COLLECTION}.values", np.ones(60)),
        ("forecaster", f"{COLLECTION}.form", {"OneSeries": {"name": "other"}}),
        ("forecaster", f"{COLLECTION}.form", long()),
        ("forecaster", f"{COLLECTION}.form", long(id_dtype=dtype("<U9"))),
        ("forecaster", f"{COLLECTION}.form", levels()),
        ("forecaster", f"{COLLECTION}.form", {"Wide": {"columns": category(np.array([1], "i1"))}}),
        ("forecaster", f"{SCALING}.mean", np.ones(1)),
        ("forecaster", f"{NETWORK}.parameters", np.zeros(72, "f4")),
        ("forecaster", "fitted._widths", None),
        ("forecaster", f"{COLLECTION}.index", times()),
        ("regressor", "fitted._moments.Moments.values", np.zeros((3, 64), "f4")),
        ("regressor", "fitted.y_scale_", np.zeros(1)),
        ("two outputs", "fitted.missing_", "tell"),
        ("classifier", "fitted.classes_", np.array([3, 4])),
        ("classifier", "fitted.feature_names_in_", np.array(list("abcdef"))),
        ("classifier", "parameters.class_weight", weights(["a", {"tuple": []}])),
        ("detector", "fitted.threshold_", tail()),
        ("detector", "parameters.threshold", tail(peaks=np.zeros(0))),
        ("detector", "fitted._reading.ForecastErrors.lookback", 10**9),
        ("detector", "fitted._usual", np.ones((1, 4, 1))),
        ("detector", f"{STREAMS}.index", times(stamps=np.arange(4) * 3600)),
        ("detector", f"{STREAMS}.said", np.zeros((1, 4, 3))),
        ("detector", f"{STREAMS}.n_seen", np.array([10**9])),
        ("detectors", "fitted.seasons_", {"tuple": [2] * 100}),
        ("threshold", "fitted.recent", np.zeros(1)),
        ("threshold", "fitted.window", 0),
    ],
)
def test_changed_content_that_fits_is_loaded(name, where, value, valid_files, path):
    """Else a forgery above might be refused for another reason than it should."""
    path.write_bytes(with_checksum(Forgery(valid_files[name]).change(where, value).npz()))
    loaded = tsrnn.load(path)
    given = {
        "forecaster": (),
        "zero-shot": (),
        "classifier": (NAMED,),
        "threshold": (NUMBERS,),
        "detector": (detector_series(),),
        "detectors": (detector_panel(n_channels=2),),
    }.get(name, (X,))
    assert loaded.predict(*given).size > 0
    if name == "detector":
        assert loaded.update(np.ones(3)).score.size == 3
    if name == "detectors":
        assert loaded.update(detector_panel(7, 2, 1, begin="2024-03-31 12:00")).score.size == 7


def other_network(**shape):
    """Changes of a detector, which fit together, to a network of another shape."""
    weights = RecurrentNetwork("gru", 5, 3, 3, head="every", **shape).parameters
    changes = {f"{NETWORK}.{name}": value for name, value in shape.items()}
    changes |= {"fitted._networks": weights[:0], STREAMS: None}
    return changes | {f"{NETWORK}.parameters": weights}


def scales(name, n):
    return {f"fitted.{name}_mean_": np.zeros(n), f"fitted.{name}_scale_": np.ones(n)}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("regressor", {"fitted.n_outputs_": 2} | scales("y", 2)),
        ("regressor", {"fitted.n_outputs_": 0} | scales("y", 0)),
        ("regressor", {"fitted.loss_": "quantile", "fitted.quantiles_": {"tuple": [0.5, 0.6]}}),
        ("regressor", {"fitted.n_channels_in_": 2} | scales("X", 2)),
        ("regressor", {"fitted.n_channels_in_": 0} | scales("X", 0)),
        ("two outputs", {"fitted._flat": True}),
        ("two outputs", {"fitted.missing_": "told"}),
        ("two outputs", {"fitted.n_channels_in_": 3, "fitted.missing_": "tell"} | scales("X", 3)),
        ("detectors", {STREAMS: None, "fitted._step": 0}),
        ("detector", {STREAMS: None, f"{READING}.leads": {"tuple": [1, 2, 2**30]}}),
        ("detector", {STREAMS: None} | {key: {"tuple": [2**30]} for key in SEASONS}),
        ("detector", {key: {"tuple": [-24]} for key in SEASONS}),
        ("detector", other_network(n_head=2)),
        ("detector", other_network(bidirectional=True)),
    ],
)
def test_inconsistent_parts_are_refused(name, changes, valid_files, assert_refused):
    forgery = Forgery(valid_files[name])
    for where, value in changes.items():
        forgery.change(where, value)
    assert_refused(forgery.npz())


@pytest.mark.parametrize(
    ("name", "where"),
    [("detector", STREAMS), ("detectors", STREAMS), ("detector", TAIL)],
)
def test_unknown_parts_are_refused(name, where, valid_files, assert_refused):
    where += ".fitted.more" if where == TAIL else ".more"
    for node in (1, None, np.zeros(1)):
        assert_refused(Forgery(valid_files[name]).change(where, node).npz())


def test_deep_json_is_refused_where_it_could_be_a_value(valid_files, assert_refused):
    for before, after in ((b"[", b"]"), (b'{"tuple":[', b"]}")):
        for depth in (900, 5000, 100_000):
            forgery = Forgery(valid_files["forecaster"]).change("parameters.season", "HERE")
            text = json.dumps(forgery.json).encode()
            assert_refused(forgery.npz(text.replace(b'"HERE"', before * depth + after * depth)))


def test_missing_and_left_over_content_is_refused(valid_files, assert_refused):
    sometimes_of = {
        "forecaster": {"loss_", "quantiles_", "_trust"},
        "zero-shot": {"loss_", "quantiles_", "_trust"},
        "wave-transcriber": {"features_"},  # those of vectors have none
        "covariates": {"_weights"},
        "detector": {"_constant", "_start_weights"},  # files of earlier versions have none
        "detectors": {"_constant", "_start_weights"},
        "threshold": {"floor", "n_allowed", "highest"},
    }
    for name, original in valid_files.items():
        sometimes = {"n_features_in_", "feature_names_in_", "_moments", "_classes_given"}
        sometimes |= sometimes_of.get(name, set())
        for attribute in Forgery(original).json["fitted"].keys() - sometimes:
            forgery = Forgery(original).change(f"fitted.{attribute}", None)
            del forgery.json["fitted"][attribute]
            assert_refused(forgery.npz())
        for member in Forgery(original).members:
            forgery = Forgery(original)
            data = forgery.members.pop(member)
            assert_refused(forgery.npz())
            forgery.members |= {member: data, "50.npy": data}
            assert_refused(forgery.npz())
            forgery.members = {"x" + key: each for key, each in Forgery(original).members.items()}
            assert_refused(forgery.npz()), name


def test_an_array_is_used_once(valid_files, assert_refused):
    forgery = Forgery(valid_files["forecaster"])
    node = forgery.json["fitted"]["_collection"]["Collection"]["values"]
    forgery.json["parameters"]["season"] = [node] * 1000
    assert_refused(forgery.npz())

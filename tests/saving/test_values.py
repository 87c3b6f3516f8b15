"""Values that come back from files, and such as a file cannot hold."""

import datetime

import numpy as np
import pandas as pd
import pytest
from saving.conftest import assert_same, classifier, round_trip

import tsrnn

FOLDED = pd.Timestamp("2024-10-27 01:30", tz="UTC").tz_convert("Europe/Berlin")
VALUES = [
    None,
    True,
    2**200,
    -0.0,
    1e-320,
    float("nan"),
    float("-inf"),
    "é\ud800\0",
    [],
    (1, (2.5,)),
    {"a": {7: 2.0, 2.5: [None], True: ()}, np.str_("b"): {}},
    np.float32(0.1),
    np.int8(-3),
    np.bool_(True),
    np.str_("text"),
    np.str_(""),
    np.datetime64("2020-01-02", "D"),
    np.float64("nan"),
    np.timedelta64(3, "25s"),
    np.array(3.5),
    np.array([1, 2], ">i4").astype("i4"),
    np.zeros((0, 3)),
    np.array(["a", "bcd"]),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)).copy("C"),
    np.array([1 + 2j], "c8"),
    np.array(["2020", "NaT"], "M8[ns]"),
    np.array([b"ab"]),
    np.array([["x", "yz"]], object),
    np.array([["x", 1], [None, 2.5]], object),
    pd.Index(["x", 1, None, (2, "a")], dtype=object, tupleize_cols=False),
    pd.Index([1, None], dtype="Int64"),
    pd.TimedeltaIndex([datetime.timedelta(hours=1)], name="t"),
    pd.CategoricalDtype([datetime.timedelta(hours=1)]),
    pd.interval_range(0, 2, closed="left"),
    datetime.date(2024, 2, 1),
    np.random.default_rng(4),
    np.random.RandomState(5),
    pd.RangeIndex(3, 9, 2, name="n"),
    pd.Index([1.5, 2.5], name="x"),
    pd.Index(["a", "b"]),
    pd.DatetimeIndex(["2020-01-01", "2020-05-01"], tz=datetime.timezone(datetime.timedelta(0, 60))),
    pd.DatetimeIndex(["2020-01-01", None]),
    FOLDED,
    pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=[None, "n"]),
    np.dtype("M8[25us]"),
    pd.CategoricalIndex(list("aba"), list("ba"), ordered=True),
    pd.PeriodDtype("W-WED"),
    pd.period_range("2020", periods=3, freq="Q-NOV"),
    pd.Series([1, 2], index=[0.5, 1.5], name=3),
    pd.offsets.BusinessMonthEnd(2),
    pd.offsets.Week(weekday=2),
    pd.DateOffset(years=1, day=3),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value).partition(" at 0x")[0][:40])
def test_round_trip_of_values_of_all_kinds(value, path):
    loaded = round_trip(classifier(class_weight={"here": value}), path)
    assert_same(loaded.class_weight, {"here": value})


def test_a_used_generator_continues(path):
    for random in (np.random.default_rng(1), np.random.RandomState(1)):
        random.normal(size=3)
        random.integers(9) if hasattr(random, "integers") else random.randint(9)
        loaded = round_trip(classifier(class_weight={0: random}), path).class_weight[0]
        assert loaded.normal() == random.normal()


class Text(str):
    pass


HOUR = datetime.timedelta(hours=1)
LOOP = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (len, r"class_weight\['a'\]\[1\] is a builtins.builtin_function_or_method, which"),
        (object(), r"class_weight\['a'\]\[1\] is a builtins.object"),
        (Text("a"), r"class_weight\['a'\]\[1\] is a .*Text"),
        ({(1, 2): 3}, "key of a dict"),
        (np.array([1, {2}], object), r"class_weight\['a'\]\[1\].items\[1\] is a builtins.set"),
        (np.zeros(2, "i4,f8"), "class_weight.* is a numpy.ndarray"),
        (np.ma.array([1.0]), "class_weight.* is a numpy.ma"),
        (np.random.RandomState(np.random.PCG64(0)), "class_weight.* RandomState of"),
        (np.random.Generator(np.random.Philox(0)), "class_weight.* Generator of"),
        (pd.Series([1], dtype="Int64"), "class_weight.* Int64"),
        (pd.CategoricalDtype([frozenset("a")]), "class_weight.*categories.*is a .*frozenset"),
        (np.dtype("i4,f8"), "class_weight.*dtype .* has no name"),
        (pd.date_range("2020", periods=3, tz="dateutil//usr/share/zoneinfo/UTC"), "time zone"),
        (pd.date_range("2020", periods=3, tz=datetime.timezone(HOUR, "Here")), "time zone"),
        (12 * pd.DateOffset(months=1) * 2, "24 times a DateOffset"),
        (np.zeros(2, "i4,f8")[0], "class_weight.* dtype"),
        (pd.offsets.CustomBusinessDay(holidays=["2020-01-01"]), "class_weight.* no name"),
        (pd.offsets.Easter(), "class_weight.* no name"),
        (LOOP, "recursion"),
        (10**5000, "4300 digits"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_unsupported_values_are_named(value, message, path):
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=f"Cannot save this RNNClassifier: .*{message}"):
        tsrnn.save(classifier(class_weight={"a": (1, value)}), path)
    assert path.read_bytes() == b"old"

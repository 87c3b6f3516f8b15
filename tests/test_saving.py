"""Files of estimators: what comes back, what is refused, and that nothing of a file is executed."""

import datetime
import enum
import faulthandler
import hashlib
import io
import json
import os
import pickle
import signal
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.pipeline import make_pipeline

import tsrnn
from tsrnn import RNNClassifier, RNNForecaster, RNNRegressor
from tsrnn.datasets import load_airline

GOLDEN = Path(__file__).parent / "golden"
AIRLINE = load_airline()[-60:]
X = np.random.default_rng(0).normal(size=(40, 6))
NAMED = pd.DataFrame(X, columns=list("abcdef"))
NUMBERS = X.sum(axis=1)
WORDS = np.where(X[:, 0] > 0, "up", "down")


def forecaster(**kwargs):
    return RNNForecaster(**({"horizon": 3, "hidden_size": 3, "max_iter": 2} | kwargs))


def regressor(**kwargs):
    return RNNRegressor(**({"hidden_size": 3, "max_iter": 2} | kwargs))


def classifier(**kwargs):
    return RNNClassifier(**({"hidden_size": 3, "max_iter": 2} | kwargs))


EQUAL = (enum.Enum, pd.Timestamp, pd.tseries.offsets.BaseOffset, pd.api.extensions.ExtensionDtype)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "estimator.tsrnn"


def through(estimator, path):
    """What comes back of an estimator."""
    tsrnn.save(estimator, path)
    return tsrnn.load(path)


def assert_same(one, other):
    """Equal to the bit, and of equal types, all the way down."""
    if one is other:
        return
    assert type(one) is type(other)
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for own, others in zip(one, other, strict=True):
            assert_same(own, others)
    elif isinstance(one, dict):
        assert_same(list(one.items()), list(other.items()))
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        objects = one.dtype == object
        assert one.tolist() == other.tolist() if objects else one.tobytes() == other.tobytes()
    elif isinstance(one, np.generic):
        assert_same(np.asarray(one), np.asarray(other))
    elif isinstance(one, pd.Index):
        pd.testing.assert_index_equal(one, other, exact=True)
        assert getattr(one, "freq", None) == getattr(other, "freq", None)
    elif isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, check_exact=True, check_freq=True)
        assert_same(one.index, other.index)
    elif isinstance(one, np.random.Generator):
        assert one.bit_generator.state == other.bit_generator.state
    elif isinstance(one, np.random.RandomState):
        assert_same(one.get_state(legacy=False), other.get_state(legacy=False))
    elif hasattr(one, "__dict__") and not isinstance(one, EQUAL):
        assert_same(dict(sorted(vars(one).items())), dict(sorted(vars(other).items())))
    else:
        assert repr(one) == repr(other) if isinstance(one, float) else one == other


# What comes back


@pytest.mark.parametrize(
    ("cell", "loss", "dtype", "kwargs"),
    [
        ("lstm", "absolute_error", "float32", {}),
        ("gru", "squared_error", "float64", {"segment": 2, "head_size": 2}),
        ("rnn", "huber", "float32", {"n_layers": 2, "residual": True, "early_stopping": False}),
        ("rnn_relu", "absolute_error", "float64", {"bidirectional": True, "season": np.int64(12)}),
    ],
)
def test_a_forecaster_comes_back(cell, loss, dtype, kwargs, path):
    fitted = forecaster(cell=cell, loss=loss, dtype=dtype, **kwargs).fit(AIRLINE)
    loaded = through(fitted, path)
    assert_same(loaded, fitted)
    assert_same(loaded.predict(), fitted.predict())
    if fitted.early_stopping:
        assert loaded.predict_interval(coverage=[0.5, 0.9]).equals(
            fitted.predict_interval(coverage=[0.5, 0.9])
        )
    assert_same(loaded.fit(AIRLINE).predict(), fitted.predict())


@pytest.mark.parametrize(
    "y",
    [
        AIRLINE.to_frame("passengers"),
        AIRLINE.rename(None).reset_index(drop=True),
        AIRLINE.rename(("a", 1)).to_period(),
        AIRLINE.set_axis(pd.date_range("2024-03-29", periods=60, freq="h", tz="Europe/Berlin")),
        AIRLINE.set_axis(pd.date_range("2024-03-29", periods=60, freq="B", unit="s", name="day")),
        AIRLINE.set_axis(pd.date_range("2024", periods=60, freq=pd.DateOffset(months=3))),
    ],
    ids=["frame", "range", "periods", "zone", "business days", "DateOffset"],
)
def test_time_goes_on_as_before(y, path):
    fitted = forecaster().fit(y)
    loaded = through(fitted, path)
    assert_same(loaded, fitted)
    assert loaded.predict().equals(fitted.predict())
    assert_same(loaded.predict().index, fitted.predict().index)


@pytest.mark.parametrize(
    ("cell", "loss", "dtype"),
    [
        ("lstm", "squared_error", "float32"),
        ("gru", "absolute_error", "float64"),
        ("rnn", "huber", "float32"),
        ("rnn_relu", "quantile", "float64"),
        ("lstm", "gaussian", "float64"),
        ("gru", "student_t", "float32"),
    ],
)
def test_a_regressor_comes_back_and_learns_on(cell, loss, dtype, path):
    fitted = regressor(cell=cell, loss=loss, dtype=dtype, quantiles=[0.25, 0.75]).fit(X, NUMBERS)
    assert_same(through(fitted, path), fitted)
    fitted.partial_fit(X, NUMBERS)  # which has the optimiser's memory, and numbers to draw
    loaded = through(fitted, path)
    assert_same(loaded, fitted)
    assert_same(loaded.predict(X), fitted.predict(X))
    assert_same(
        loaded.partial_fit(X[::-1], NUMBERS).predict(X),
        fitted.partial_fit(X[::-1], NUMBERS).predict(X),
    )
    assert_same(loaded.fit(X, NUMBERS), fitted.fit(X, NUMBERS))


@pytest.mark.parametrize(
    ("labels", "kwargs"),
    [
        (WORDS, {"class_weight": {"up": 1, "down": 2.5}, "random_state": np.random.RandomState(3)}),
        (WORDS.astype(object), {"cell": "gru", "class_weight": "balanced"}),
        (pd.Series(WORDS), {"cell": "rnn", "dtype": "float64"}),
        (X[:, 0] > 0, {"cell": "rnn_relu"}),
        (np.arange(40) % 3 - 1, {"early_stopping": True}),
    ],
    ids=["texts", "objects", "Series", "bools", "numbers"],
)
def test_a_classifier_comes_back_and_learns_on(labels, kwargs, path):
    gaps = np.where(np.arange(6) == 3, np.nan, X)  # the network is told what is missing
    frame = pd.DataFrame(gaps, columns=list("abcdef"))
    fitted = classifier(**kwargs).fit(frame, labels)
    loaded = through(fitted, path)
    assert_same(loaded, fitted)
    assert loaded.feature_names_in_.tolist() == list("abcdef")
    for estimator in (loaded, fitted):
        estimator.partial_fit(frame, labels)
    loaded = through(fitted, path)
    assert_same(loaded, fitted)
    assert_same(loaded.predict_proba(frame), fitted.predict_proba(frame))
    assert_same(loaded.predict(frame), fitted.predict(frame))


def long_frame(**columns):
    """Thirty observations of three series, two of which begin together."""
    values = X.ravel()[:30]
    parts = [pd.DataFrame({"id": f"s{k}", "t": DAYS[k // 2 :][:30], "v": values}) for k in range(3)]
    return pd.concat(parts, ignore_index=True).assign(**columns)


XY = ["x", "y"]
LONG = {"id_column": "id", "time_column": "t", "target_column": "v"}
DAYS = pd.date_range("2024-03-20", periods=40, tz="Europe/Berlin", name="day")
WIDE = pd.DataFrame(X[:, :4], DAYS, list("abcd")).where(np.arange(40)[:, None] >= np.arange(4) // 2)


@pytest.mark.parametrize(
    ("y", "kwargs"),
    [
        (WIDE, {}),
        (WIDE.set_axis(pd.date_range("2020", periods=4), axis=1).reset_index(drop=True), {}),
        (WIDE.set_axis(pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=XY), axis=1), {}),
        (WIDE.set_axis(pd.CategoricalIndex(list("dcba"), name="shop"), axis=1), {}),
        (WIDE.tz_localize(None).to_period(), {}),
        (long_frame(), LONG),
        (long_frame(id=lambda frame: frame["id"].astype("category")), LONG),
        (long_frame(t=lambda frame: frame["t"].dt.day_of_year.astype("int32")), LONG),
        (long_frame(id=lambda frame: frame["id"].str[1:].astype("int8")), LONG),
        (long_frame().set_index(["id", "t"])["v"], {}),
        (long_frame().set_index(["id", "t"]), {}),
    ],
    ids=[
        "wide", "wide by days", "wide by levels", "wide by categories", "wide in periods", "long",
        "categories", "counted time", "numbered", "levels", "frame in levels",
    ],
)  # fmt: skip
def test_panels_of_all_forms_come_back(y, kwargs, path):
    fitted = forecaster(lookback=5, horizon=2, validation_fraction=0.05, **kwargs).fit(y)
    loaded = through(fitted, path)
    assert_same(loaded, fitted)
    assert loaded.predict().equals(fitted.predict())
    assert loaded.predict_interval().equals(fitted.predict_interval())
    together = [axis is loaded._collection.axes[0] for axis in loaded._collection.axes]
    assert together == [axis is fitted._collection.axes[0] for axis in fitted._collection.axes]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_panels_of_polars_come_back(zone, path):
    polars = pytest.importorskip("polars")
    pytest.importorskip("narwhals")
    y = long_frame(t=lambda frame: frame["t"].dt.tz_localize(None).dt.tz_localize(zone))
    y = polars.DataFrame({"id": y["id"].tolist(), "t": y["t"].tolist(), "v": y["v"].tolist()})
    fitted = forecaster(lookback=5, horizon=2, validation_fraction=0.05, **LONG).fit(y)
    loaded = through(fitted, path)
    assert_same(loaded, fitted)
    assert loaded.predict().equals(fitted.predict())


def test_thousands_of_series_that_begin_on_days_of_their_own_come_back(path):
    days, n = pd.date_range("2000-01-01", periods=2000), 1500
    parts = [pd.DataFrame({"id": k, "t": days[k : k + 20], "v": range(20)}) for k in range(n)]
    fitted = forecaster(lookback=4, horizon=2, max_iter=1, early_stopping=False, **LONG)
    fitted.fit(pd.concat(parts))
    loaded = through(fitted, path)
    assert len({id(axis) for axis in loaded._collection.axes}) == n
    assert loaded.predict().equals(fitted.predict())


def test_shapes_of_several_targets_and_channels_come_back(path):
    rows = X.reshape(40, 3, 2)
    fitted = regressor(n_channels=2).fit(rows, X[:, :2])
    assert_same(through(fitted, path).predict(rows), fitted.predict(rows))


@pytest.mark.parametrize("estimator", [forecaster(), regressor(), classifier()], ids=repr)
def test_parameters_alone_come_back(estimator, path):
    loaded = through(estimator, path)
    assert_same(loaded, estimator)
    assert not hasattr(loaded, "network_")


def test_what_a_failed_fit_left_is_not_kept(path):
    unfit = classifier()
    with pytest.raises(ValueError, match="inconsistent"):
        unfit.partial_fit(X, WORDS[1:], classes=["up", "down"])
    unfit.n_features_in_ = 6
    assert_same(through(unfit, path), classifier())


def test_parameters_set_after_the_fit_come_back(path):
    fitted = forecaster().fit(AIRLINE).set_params(horizon=24, hidden_size=8)
    loaded = through(fitted, path)
    assert loaded.get_params() == fitted.get_params()
    assert_same(loaded.predict(), fitted.predict())


FOLDED = pd.Timestamp("2024-10-27 01:30", tz="UTC").tz_convert("Europe/Berlin")
VALUES = [
    None, True, 2**200, -0.0, 1e-320, float("nan"), float("-inf"), "é\ud800\0", [], (1, (2.5,)),
    {"a": {7: 2.0, 2.5: [None], True: ()}, np.str_("b"): {}},
    np.float32(0.1), np.int8(-3), np.bool_(True), np.str_("text"), np.str_(""),
    np.datetime64("2020-01-02", "D"), np.float64("nan"), np.timedelta64(3, "25s"),
    np.array(3.5), np.array([1, 2], ">i4").astype("i4"), np.zeros((0, 3)), np.array(["a", "bcd"]),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)).copy("C"), np.array([1 + 2j], "c8"),
    np.array(["2020", "NaT"], "M8[ns]"), np.array([b"ab"]), np.array([["x", "yz"]], object),
    np.random.default_rng(4), np.random.RandomState(5),
    pd.RangeIndex(3, 9, 2, name="n"), pd.Index([1.5, 2.5], name="x"), pd.Index(["a", "b"]),
    pd.DatetimeIndex(["2020-01-01", "2020-05-01"], tz=datetime.timezone(datetime.timedelta(0, 60))),
    pd.DatetimeIndex(["2020-01-01", None]), FOLDED,
    pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=[None, "n"]), np.dtype("M8[25us]"),
    pd.CategoricalIndex(list("aba"), list("ba"), ordered=True), pd.PeriodDtype("W-WED"),
    pd.period_range("2020", periods=3, freq="Q-NOV"),
    pd.Series([1, 2], index=[0.5, 1.5], name=3), pd.offsets.BusinessMonthEnd(2),
    pd.offsets.Week(weekday=2), pd.DateOffset(years=1, day=3),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:40])
def test_values_of_all_kinds_come_back(value, path):
    loaded = through(classifier(class_weight={"here": value}), path)
    assert_same(loaded.class_weight, {"here": value})


def test_a_generator_that_has_drawn_goes_on(path):
    for random in (np.random.default_rng(1), np.random.RandomState(1)):
        random.normal(size=3)
        random.integers(9) if hasattr(random, "integers") else random.randint(9)
        loaded = through(classifier(class_weight={0: random}), path).class_weight[0]
        assert loaded.normal() == random.normal()


def test_arrays_come_back_writable_and_memory_maps_as_arrays(path, tmp_path):
    fitted = forecaster().fit(AIRLINE)
    np.save(tmp_path / "parameters.npy", fitted.network_.parameters)
    mapped = np.load(tmp_path / "parameters.npy", mmap_mode="r")
    before, fitted.network_.parameters = fitted.predict(), mapped
    loaded = through(fitted, path)
    assert type(loaded.network_.parameters) is np.ndarray
    loaded.network_.parameters += 0
    assert_same(loaded.predict(), before)


def test_the_same_estimator_is_the_same_file(path, tmp_path):
    fitted = forecaster().fit(AIRLINE)
    tsrnn.save(through(fitted, path), tmp_path / "again.tsrnn")
    assert (tmp_path / "again.tsrnn").read_bytes() == path.read_bytes()


def test_a_fresh_process_predicts_the_same_bits(path, tmp_path):
    tsrnn.save(forecaster().fit(AIRLINE), path)
    tsrnn.save(classifier().fit(X, WORDS), tmp_path / "classifier.tsrnn")
    np.save(tmp_path / "X.npy", X)
    code = (
        "import sys, numpy, tsrnn; folder = sys.argv[1]\n"
        "f, c = (tsrnn.load(f'{folder}/{n}.tsrnn') for n in ('estimator', 'classifier'))\n"
        "print(f.predict().to_numpy().tobytes().hex(), f.predict_interval().to_numpy().sum().hex(),"
        " c.predict_proba(numpy.load(f'{folder}/X.npy')).tobytes().hex())"
    )
    root = str(Path(tsrnn.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=120,
        env=os.environ | {"PYTHONPATH": root},
    )  # fmt: skip
    loaded, other = tsrnn.load(path), tsrnn.load(tmp_path / "classifier.tsrnn")
    assert done.stdout.split() == [
        loaded.predict().to_numpy().tobytes().hex(),
        loaded.predict_interval().to_numpy().sum().hex(),
        other.predict_proba(X).tobytes().hex(),
    ], done.stderr


def test_the_file_says_what_wrote_it(path):
    tsrnn.save(forecaster(), path)
    assert path.read_bytes().startswith(b"tsrnn 1 sha256 ")
    with zipfile.ZipFile(path) as archive, archive.open("json.npy") as member:
        versions = json.loads(np.lib.format.read_array(member).tobytes())["versions"]
    assert versions["tsrnn"] == tsrnn.__version__
    assert versions["numpy"] == np.__version__
    assert set(versions) == {"tsrnn", "numpy", "numba", "scikit-learn", "pandas"}


# What save refuses


class Own(RNNForecaster):
    pass


@pytest.mark.parametrize("thing", [Own(), make_pipeline(regressor()), None, RNNForecaster])
def test_other_things_are_refused(thing, path):
    with pytest.raises(ValueError, match=r"Cannot save a .*, only RNNForecaster, RNNRegressor"):
        tsrnn.save(thing, path)


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
        (np.array([1, "a"], object), r"class_weight\['a'\]\[1\] .* not all texts"),
        (np.zeros(2, "i4,f8"), "class_weight.* is a numpy.ndarray"),
        (np.ma.array([1.0]), "class_weight.* is a numpy.ma"),
        (np.random.RandomState(np.random.PCG64(0)), "class_weight.* RandomState of"),
        (np.random.Generator(np.random.Philox(0)), "class_weight.* Generator of"),
        (pd.Series([1], dtype="Int64"), "class_weight.* Int64"),
        (pd.TimedeltaIndex([HOUR]), "class_weight.*TimedeltaIndex"),
        (pd.CategoricalDtype([HOUR]), "class_weight.*categories is a .*TimedeltaIndex"),
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
def test_what_a_file_cannot_hold_is_named(value, message, path):
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=f"Cannot save this RNNClassifier: .*{message}"):
        tsrnn.save(classifier(class_weight={"a": (1, value)}), path)
    assert path.read_bytes() == b"old"


def test_attributes_that_save_does_not_know_are_named(path):
    fitted = forecaster().fit(AIRLINE)
    fitted.note = "left out"
    assert not hasattr(through(fitted, path), "note")
    fitted._memory = 1
    with pytest.raises(ValueError, match="attribute _memory is none that"):
        tsrnn.save(fitted, path)
    del fitted._memory
    named = forecaster().fit(AIRLINE.rename(datetime.date(2020, 1, 2)))
    with pytest.raises(ValueError, match=r"attribute _collection.form.name is a datetime.date"):
        tsrnn.save(named, path)


def test_what_scikit_learn_hangs_on_an_estimator_is_left_out(path):
    fitted = regressor()
    with sklearn.config_context(enable_metadata_routing=True):
        fitted.set_fit_request(sample_weight=True)
    if hasattr(fitted, "set_callbacks"):  # from scikit-learn 1.9 on
        from sklearn.callback import ScoringMonitor

        fitted.set_callbacks(ScoringMonitor(scoring="r2"))
    fitted.fit(X, NUMBERS)
    loaded = through(fitted, path)
    assert "_metadata_request" in vars(fitted)
    assert vars(loaded).keys() == vars(fitted).keys() - {"_metadata_request", "_skl_callbacks"}


def test_what_load_would_refuse_is_not_saved(path):
    with pytest.raises(ValueError, match=r"Cannot save this RNNForecaster: .*hidden_size"):
        tsrnn.save(forecaster(hidden_size=-1), path)
    assert not path.exists()


# Files that are replaced


def test_paths_of_any_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tsrnn.save(forecaster(), "text.tsrnn")
    os.symlink("text.tsrnn", "link")
    tsrnn.save(forecaster(horizon=5), Path("link"))
    assert tsrnn.load("text.tsrnn").horizon == tsrnn.load(Path("link")).horizon == 5
    assert os.path.islink("link")
    assert sorted(os.listdir()) == ["link", "text.tsrnn"]
    with pytest.raises(FileNotFoundError):
        tsrnn.load("nothing.tsrnn")
    with pytest.raises(FileNotFoundError):
        tsrnn.save(forecaster(), "no folder/text.tsrnn")


def test_a_full_disk_leaves_the_old_file_alone(path, monkeypatch):
    tsrnn.save(forecaster(horizon=5), path)

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        tsrnn.save(forecaster(), path)
    assert os.listdir(path.parent) == [path.name]
    assert tsrnn.load(path).horizon == 5


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_kill_in_the_midst_leaves_the_old_file(path, moment):
    tsrnn.save(forecaster(horizon=5), path)
    code = (
        "import os, signal, sys, tsrnn\n"
        f"os.{moment} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "tsrnn.save(tsrnn.RNNForecaster(), sys.argv[1])"
    )
    root = str(Path(tsrnn.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, path], env=os.environ | {"PYTHONPATH": root}, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    assert tsrnn.load(path).horizon == 5


# Damaged files


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a file of a fitted forecaster."""
    path = tmp_path_factory.mktemp("good") / "forecaster.tsrnn"
    tsrnn.save(forecaster().fit(AIRLINE), path)
    return path.read_bytes()


def assert_damaged(content, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged|is of format") as caught:
        tsrnn.load(path)
    assert type(caught.value) is ValueError
    assert str(path) in str(caught.value)


def test_every_flipped_bit_at_the_beginning_is_found(good, path):
    for place in range(200):
        for bit in range(8):
            damaged = bytearray(good)
            damaged[place] ^= 1 << bit
            assert_damaged(damaged, path)


def test_flipped_bits_and_cuts_are_found_anywhere(good, path):
    for place in np.random.default_rng(0).integers(200, len(good), 200):
        damaged = bytearray(good)
        damaged[place] ^= 1 << (place % 8)
        assert_damaged(damaged, path)
        assert_damaged(good[:place], path)
        assert_damaged(good[:place] + good[place + 1 :], path)
    for place in range(200):
        assert_damaged(good[:place], path)
    assert_damaged(good + b"\0", path)


def test_a_newer_format_is_said_to_be_newer(good, path):
    path.write_bytes(good.replace(b"tsrnn 1", b"tsrnn 12", 1))
    with pytest.raises(ValueError, match=r"is of format 12, and tsrnn .* reads format 1. Update"):
        tsrnn.load(path)


def test_other_files_are_refused(path):
    pickled, npz = io.BytesIO(), io.BytesIO()
    pickle.dump(forecaster(), pickled)
    np.savez(npz, a=np.zeros(3))
    for content in (b"", b"\n", b"PK", pickled.getvalue(), npz.getvalue(), b"tsrnn" * 1000):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"is not a file of tsrnn.save"):
            tsrnn.load(path)
    if os.path.exists("/dev/zero"):
        with pytest.raises(ValueError, match=r"is not a file of tsrnn.save"):
            tsrnn.load("/dev/zero")


# Files forged by somebody, whose checksum is right

GIANT = 4611686018427387904


class Canary:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("canary",)


def npy(values):
    file = io.BytesIO()
    np.save(file, values, allow_pickle=True)
    return file.getvalue()


def npy_like(header, data=b"\0\0\0\0", version=b"\x01\x00"):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + data


def shape_of(shape, kind="<f4", order=False, data=b"\0\0\0\0"):
    header = f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}"
    return npy_like(header, data)


class Forgery:
    """The content of a good file, to be changed and sealed again."""

    def __init__(self, good):
        with zipfile.ZipFile(io.BytesIO(good)) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.json = json.loads(np.load(io.BytesIO(self.members.pop("json.npy"))).tobytes())

    def change(self, where, value):
        """Put a node in place of one. An array in it, or the bytes of a npy file, are added."""
        *keys, last = where.split(".")
        node = self.json
        for key in keys:
            node = node[int(key) if isinstance(node, list) else key]
        self._drop(node.get(last))
        node[last] = self._with_arrays(value)
        return self

    def _drop(self, node):
        """Leave arrays out that a node named, lest the file be refused for being left over."""
        if isinstance(node, dict) and "array" in node:
            del self.members[f"{node['array']}.npy"]
        elif isinstance(node, (dict, list)):
            for each in node.values() if isinstance(node, dict) else node:
                self._drop(each)

    def _with_arrays(self, value):
        if isinstance(value, np.ndarray):
            value = npy(value)
        if isinstance(value, bytes):
            number = 100 + len(self.members)
            self.members[f"{number}.npy"] = value
            return {"array": number}
        if isinstance(value, dict):
            return {key: self._with_arrays(each) for key, each in value.items()}
        return [self._with_arrays(each) for each in value] if isinstance(value, list) else value

    def npz(self, text=None, how=zipfile.ZIP_STORED):
        text = json.dumps(self.json).encode() if text is None else text
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", how) as archive:
            archive.writestr("json.npy", npy(np.frombuffer(text, np.uint8)))
            for name, data in self.members.items():
                archive.writestr(name, data)
        return file.getvalue()


def sealed(payload):
    digest = hashlib.sha256(b"tsrnn 1" + payload).hexdigest()
    return b"tsrnn 1 sha256 " + digest.encode() + b"\n" + payload


@pytest.fixture(scope="module")
def originals(good, tmp_path_factory):
    """Good files: of a forecaster, a regressor that went on, another, and a classifier."""
    path = tmp_path_factory.mktemp("originals") / "estimator.tsrnn"
    files = {"forecaster": good}
    tsrnn.save(regressor(random_state=np.random.RandomState(0)).partial_fit(X, NUMBERS), path)
    files["regressor"] = path.read_bytes()
    tsrnn.save(regressor(segment=3).fit(X, X[:, :2]), path)
    files["two outputs"] = path.read_bytes()
    tsrnn.save(classifier(class_weight={"up": 1}).fit(NAMED, WORDS), path)
    return files | {"classifier": path.read_bytes()}


@pytest.fixture
def assert_refused(path, monkeypatch):
    """Whether a payload with a right checksum is refused, fast, in little memory, not executed."""
    monkeypatch.chdir(path.parent)

    def check(payload):
        path.write_bytes(sealed(payload))
        modules = {name for name in sys.modules if name.startswith("tsrnn")}
        faulthandler.dump_traceback_later(60, exit=True)
        tracemalloc.start()
        try:
            with pytest.raises(ValueError, match="cannot be loaded by tsrnn") as caught:
                tsrnn.load(path)
            assert tracemalloc.get_traced_memory()[1] < 2**24 + 8 * len(payload)
        finally:
            tracemalloc.stop()
            faulthandler.cancel_dump_traceback_later()
        assert type(caught.value) is ValueError
        assert len(str(caught.value)) < 1000
        assert os.listdir() == [path.name]
        assert modules == {name for name in sys.modules if name.startswith("tsrnn")}

    return check


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
    kind = {"CategoricalDtype": {"categories": {"RangeIndex": {
        "start": 0, "stop": 2, "step": 1, "name": None}}, "ordered": False}}  # fmt: skip
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
COLLECTION = "fitted._collection.Collection"
SCALING = "fitted._scaling_.Scaling"
NO_COUNTS = [0, -1, 2**31, 2**70, True, 3.0, "3", None, [], scalar()]
NO_ARRAYS = [
    np.array([Canary()], object), pickle.dumps(Canary()), b"", b"\x93NUMPY",
    shape_of("(1000000000000,)"), shape_of(f"({GIANT}, 4)"), shape_of(f"(0, {GIANT})"),
    shape_of("(-1,)"), shape_of("(1, 1)", order=True), shape_of("(1,)", "|O"),
    shape_of("(1000000000000,)", "<U0"), shape_of("(1,)", "<U999999999"), shape_of("(1,)", "<f3"),
    shape_of("(1,)", "<M8[what]"), shape_of("(" + "9" * 60 + ",)"), shape_of("(1,)", "<f4,"),
    shape_of("(" + "1, " * 17 + ")"), npy_like("(" * 100), npy_like("{}"), npy_like("9" * 117),
    npy_like("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"),
    npy_like("{'descr': __import__('os').mkdir('canary')}"),
    npy_like("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", version=b"\x02\x00"),
    np.zeros(71, "f4"), np.zeros((1, 72), "f4"), np.zeros(72, "f2"), np.zeros(72, "i4"),
]  # fmt: skip
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
    times(stamps=np.zeros(60)), times(stamps=np.zeros((2, 30), int)), times(name=[]),
    times(unit="D", stamps=np.arange(60)), times(unit="ns]; mkdir canary"),
    times(zone="dateutil/UTC"),
    times(zone="dateutil//etc/passwd"), times(zone="../../../etc/passwd"), times(zone="/etc"),
    times(zone="a" * 1000), times(zone="No/Where"), times(zone=1), times(freq="MS"),
    times(freq=offset("D")), times(freq=offset("999999999999999999999D")),
    times(freq={"DateOffset": {"n": 10**12, "normalize": False, "kwds": weights(["days", 1])}}),
    times(freq={"DateOffset": {"n": 1, "normalize": False, "kwds": weights(["mkdir", 1])}}),
    {"Series": {"values": np.zeros(60), "index": times(), "name": []}},
    {"Series": {"values": np.zeros(59), "index": times(), "name": None}},
    {"Series": {"values": np.array(0.0), "index": {
        "RangeIndex": {"start": 0, "stop": 10**12, "step": 1, "name": None}}, "name": None}},
]  # fmt: skip
CHANGES = {
    "class": ["Pipeline", "os.system", "RecurrentEstimator", None, [], {}],
    "versions": [None, {}, []],
    "parameters": [None, [], {"loss": "quantile", "quantiles": "abc"}, {"self": 1}, {"fit": 1}],
    "parameters.hidden_size": ["32", -1, 0, None, 2.5, [], {"dict": []}],
    "parameters.cell": ["os", "..cells", 1, None, "lstm\0"],
    "parameters.random_state": [
        "a", -1, {"os.system": {"command": "mkdir canary"}}, {"eval": {"text": "1"}},
        {"array": "0"}, {"array": 99}, {"array": []}, {"array": None}, {}, {"tuple": [], "list": 1},
        {"tuple": 1}, {"tuple": None}, {"tuple": [{}]},
        {"float": {"text": "one"}}, {"float": {"text": 1}}, scalar("|O"), scalar("<U0"),
        scalar("<i8", "00"), scalar("<i8", "no"), scalar("<i8", "00" * 16),
        random_state(pos=625), random_state(pos=-1), random_state(pos=10**9), random_state(pos="a"),
        random_state(STATE[:600]), random_state(name="PCG64"),
        random_state(key=None), {"RandomState": {"state": weights(["state", 1])}},
        {"Generator": {"state": weights(["bit_generator", "os"])}},
        {"Generator": {"state": weights(["bit_generator", "PCG64"], ["state", 2**128])}},
    ],
    "fitted.predict": [1], "fitted._forecast": ["a"], "fitted.__class__": ["a"],
    "fitted.season_": [None, "12", 1.5, True], "fitted.transform_": ["exp", 1],
    "fitted.lookback_": [1, 10**9, None], "fitted.segment_": [0, 2, None],
    "fitted.loss_curve_": [None, ["a"], [None]], "fitted.validation_scores_": [1, [[]]],
    "fitted.network_": [None, {"RecurrentNetwork": {}}, {"Source": {}}, {"Moments": {}}, 1],
    **{f"{NETWORK}.{name}": NO_COUNTS for name in ("n_in", "n_hidden", "n_out", "n_layers")},
    f"{NETWORK}.n_head": [-1, 1, 2**70, None], f"{NETWORK}.n_horizons": [0, None, GIANT],
    f"{NETWORK}.cell": ["os", "rnn", "__init__", "", None], f"{NETWORK}.bidirectional": [True, 0],
    f"{NETWORK}.residual": [None, "yes"], f"{NETWORK}.head": ["every", "horizons", "all", None],
    f"{NETWORK}.parameters": NO_ARRAYS, f"{NETWORK}.predict": [1],
    f"{COLLECTION}.values": [np.zeros(59), np.zeros(60, "f4"), np.zeros((60, 1)), None],
    f"{COLLECTION}.indptr": [
        np.array([0, 59]), np.array([0, 60], "i4"), np.array([0, 60, 0]), np.array([1, 60]),
        np.zeros((0,), int), np.array([0, GIANT]), None,
    ],
    f"{COLLECTION}.ids": [[], [1, 2], None, {"tuple": [None]}],
    f"{COLLECTION}.ends": [
        np.array([59]), np.array([0, 60]), np.array([60, 60]), np.array([60.0]), np.array([GIANT]),
        np.array([70, 60]), np.zeros(0, int), np.array([[60]]), np.array([30, 60]), None,
    ],
    f"{COLLECTION}.have_freq": [np.array([1]), np.array([True, True]), np.zeros(0, bool), True],
    f"{COLLECTION}.places": [np.array([1]), np.array([-1]), np.array([0.0]), np.zeros(0, int)],
    f"{COLLECTION}.form": [
        None, {"OneSeries": {}}, {"OneSeries": {"name": []}}, {"Form": {}},
        {"Wide": {"columns": {"RangeIndex": {"start": 0, "stop": 2, "step": 1, "name": None}}}},
        {"Wide": {"columns": {"MultiIndex": {"levels": []}}}},
        {"Wide": {"columns": {"MultiIndex": {"levels": [1, 2]}}}},
        {"Wide": {"columns": category(np.array([2]))}}, {"Wide": {"columns": category(None)}},
        long(names="a"), long(id_dtype="O"), long(id_dtype=dtype("no")), long(id_dtype=dtype("V8")),
        long(id_dtype=dtype("datetime64[ns, dateutil/UTC]")), long(id_dtype=dtype("O" * 10**6)),
        long(id_dtype=dtype(1)), long(id_dtype={"CategoricalDtype": {"categories": []}}),
        long(time_column=3), {"Long": {}},
        levels(names="ab"), levels(is_frame=1), levels(target=[]), levels(names={"tuple": []}),
        foreign(library="os"), foreign(library="PANDAS"), foreign(columns=["a"]),
        foreign(columns=[1, 2, 3]), foreign(dtypes=[["Int64"]]), foreign(dtypes=[["os"], ["Date"]]),
        foreign(dtypes=[["from_dict"], ["Date"]]), foreign(dtypes=[[[]], ["Date"]]),
        foreign(dtypes=1),
        foreign(dtypes=[["Int64"], ["Datetime", "us", "a", 1]]), foreign(dtypes=[[], ["Date"]]),
    ],
    f"{SCALING}.log": [None, 1], f"{SCALING}.mean": [np.zeros(2), np.zeros((1, 1)), None],
    f"{SCALING}.slope": [np.zeros(0), np.zeros(1, "f4")], f"{SCALING}.deviation": [np.zeros(3)],
    "fitted._widths.ConformalWidths.n_windows": [0, -1, None],
    "fitted._widths.ConformalWidths.pool": [np.zeros(0), np.zeros((2, 2)), np.array(["a"]), 1],
    "fitted._widths.ConformalWidths.spread": [np.zeros(2), np.zeros(3, "f4"), np.array("a")],
    f"{COLLECTION}.step": [1, None, offset("no"), offset("1" * 10**6), offset(1), True],
    f"{COLLECTION}.index": [
        *NO_INDEXES, np.zeros(60), times(stamps=np.zeros(59, int)),
        times(stamps=np.full(60, -GIANT * 2)),
        {"RangeIndex": {"start": 0, "stop": 60, "step": 1, "name": None}},
        {"RangeIndex": {"start": 0, "stop": 10**30, "step": 1, "name": None}},
        {"PeriodIndex": {"ordinals": np.arange(60), "freq": "D", "name": None}},
        {"Index": {"values": np.arange(60), "name": None, "inferred": False}},
    ],
}  # fmt: skip
REGRESSOR = {
    "class": ["RNNForecaster", "RNNClassifier"],
    "parameters.quantiles": [5, "ab", shape_of("(1000000, 0)", data=b"")],
    "fitted.n_channels_in_": [0, -1, 2, 2**70, None], "fitted.missing_": ["told", "tell", 1],
    "fitted.X_mean_": [np.zeros(3), np.zeros((1, 1)), np.zeros(1, "f4"), np.array(["a"])],
    "fitted.X_scale_": [np.zeros(3), np.zeros(0)], "fitted.y_mean_": [np.zeros(2), np.array(0.0)],
    "fitted.y_scale_": [np.zeros(2), np.zeros(1, "f4")],
    "fitted.loss_": ["gaussian", "quantile", "no", None],
    "fitted.quantiles_": [None, [], {"tuple": ["a"]}, {"tuple": [None]}],
    "fitted.n_outputs_": [0, -1, 2, True, None], "fitted._flat": [0, None],
    "fitted._moments.Moments.values": [
        np.zeros((3, 5), "f4"), np.zeros((3, 64)), np.zeros(192, "f4")
    ],
    "fitted._moments.Moments.steps": [-1, 2**70, None],
    "fitted._rng": [None, 1, {"Moments": {"values": np.zeros((3, 64)), "steps": 1}}],
}  # fmt: skip
CLASSIFIER = {
    "fitted.classes_": [
        np.array(["a"]), np.array([["a", "b"]]), {"texts": {"shape": [2], "texts": ["a", 1]}},
        {"texts": {"shape": [3], "texts": ["a", "b"]}}, {"texts": {"shape": [GIANT], "texts": []}},
        {"texts": {"shape": ["a"], "texts": []}}, ["a", "b"], None,
    ],
    "fitted.feature_names_in_": [np.zeros((2, 3)), 1], "fitted.n_features_in_": ["6", None],
    "parameters.class_weight": [
        "no", 1, {"dict": 1}, {"dict": [1]}, weights([[], 1]), weights(["a"]), weights([None, 1]),
        weights([{"tuple": []}, 1]), weights([{"dict": []}, 1]),
        weights(["a", scalar("<i4,<i4")]), *(weights(["a", index]) for index in NO_INDEXES),
        weights(*([(2**61 - 1) * k, 1] for k in range(20_000))),
    ],
}  # fmt: skip
ALL = {"forecaster": CHANGES, "regressor": REGRESSOR, "classifier": CLASSIFIER}


@pytest.mark.parametrize("name", ALL)
def test_a_file_sealed_again_is_loaded(name, originals, path):
    path.write_bytes(sealed(Forgery(originals[name]).npz()))
    assert isinstance(tsrnn.load(path).network_.parameters, np.ndarray)


@pytest.mark.parametrize(
    ("name", "where"), [(name, where) for name, changes in ALL.items() for where in changes]
)
def test_changed_content_is_refused(name, where, originals, assert_refused):
    for value in ALL[name][where]:
        assert_refused(Forgery(originals[name]).change(where, value).npz())


@pytest.mark.parametrize(
    ("name", "where", "value"),
    [
        ("forecaster", "parameters.season", 12),
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
    ],
)
def test_changed_content_that_fits_is_loaded(name, where, value, originals, path):
    """Else a forgery above might be refused for another reason than it should."""
    path.write_bytes(sealed(Forgery(originals[name]).change(where, value).npz()))
    loaded = tsrnn.load(path)
    given = {"forecaster": (), "classifier": (NAMED,)}.get(name, (X,))
    assert loaded.predict(*given).size > 0


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
    ],
)
def test_what_does_not_fit_together_is_refused(name, changes, originals, assert_refused):
    forgery = Forgery(originals[name])
    for where, value in changes.items():
        forgery.change(where, value)
    assert_refused(forgery.npz())


@pytest.mark.parametrize(
    "text",
    [
        b"", b"null", b"[]", b"{}", b"{", b"\xff", b'"' + b"a" * 100, b"[" * 100_000,
        b'{"a":' * 100_000, b"[" * 900 + b"]" * 900, b"9" * 100_000, b'{"class": "RNNForecaster"}',
        b'{"versions": {"tsrnn": "' + b"9" * 10_000 + b'"}}', pickle.dumps(Canary()),
        b'{"class": "RNNForecaster", "parameters": {}, "fitted": {}, "versions": {"tsrnn": 1}}',
        b" " * 2**24 + b"{}",
    ],
    ids=lambda text: repr(text[:20]),
)  # fmt: skip
def test_other_json_is_refused(text, originals, assert_refused):
    assert_refused(Forgery(originals["forecaster"]).npz(text))


def test_deep_json_is_refused_where_it_could_be_a_value(originals, assert_refused):
    for before, after in ((b"[", b"]"), (b'{"tuple":[', b"]}")):
        for depth in (900, 5000, 100_000):
            forgery = Forgery(originals["forecaster"]).change("parameters.season", "HERE")
            text = json.dumps(forgery.json).encode()
            assert_refused(forgery.npz(text.replace(b'"HERE"', before * depth + after * depth)))


def test_missing_and_left_over_content_is_refused(originals, assert_refused):
    for name, original in originals.items():
        sometimes = {"n_features_in_", "feature_names_in_", "_moments", "_classes_given"}
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


def test_an_array_is_used_once(originals, assert_refused):
    forgery = Forgery(originals["forecaster"])
    node = forgery.json["fitted"]["_collection"]["Collection"]["values"]
    forgery.json["parameters"]["season"] = [node] * 1000
    assert_refused(forgery.npz())


def test_other_archives_are_refused(originals, assert_refused):
    forgery = Forgery(originals["forecaster"])
    good = forgery.npz()
    for payload in (b"", b"PK", good[:-30], good[50:], pickle.dumps(Canary()), bytes(10**6)):
        assert_refused(payload)
    for how in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert_refused(forgery.npz(how=how))
    forgery.members["50.npy"] = npy(np.zeros(10**8, "u1"))
    assert_refused(forgery.npz(how=zipfile.ZIP_DEFLATED))


def test_archives_of_many_members_are_refused(originals, assert_refused):
    forgery = Forgery(originals["forecaster"])
    forgery.members |= {f"{number}.npy": b"" for number in range(100, 20_000)}
    assert_refused(forgery.npz())


def test_archives_that_claim_more_than_they_hold_are_refused(assert_refused):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("0.npy", bytes(10**5))
        for number in range(1, 500):  # which all are the bytes of the first
            info = zipfile.ZipInfo(f"{number}.npy")
            own = archive.filelist[0]
            info.header_offset, info.CRC = own.header_offset, own.CRC
            info.file_size = info.compress_size = own.file_size
            archive.filelist.append(info)
    assert_refused(file.getvalue())


@pytest.mark.parametrize("place", ["central", "local"])
def test_damaged_entries_of_archives_are_refused(place, originals, path):
    good = Forgery(originals["forecaster"]).npz()
    rng = np.random.default_rng(0)
    begin = good.index(b"PK\x01\x02") if place == "central" else 0
    end = len(good) if place == "central" else 60
    for _ in range(300):
        payload = bytearray(good)
        payload[rng.integers(begin, end)] = rng.integers(256)
        path.write_bytes(sealed(bytes(payload)))
        try:
            assert tsrnn.load(path).predict().size == 3
        except ValueError as error:
            assert "cannot be loaded by tsrnn" in str(error)  # noqa: PT017


# Files of all versions so far


def make_golden_files():
    """Write the files that every later version must load, and what they predict.

    Run once for each format, and for what a format has learnt to hold, in tests/ by the version
    that the format begins with::

        python -c "import test_saving; test_saving.make_golden_files()"

    Old files are never written again: change the numbers of the new ones.
    """
    made = forecaster(horizon=6, hidden_size=4, max_iter=20).fit(AIRLINE)
    _write_golden(made, "forecaster-1", lambda: {
        "index": made.predict().index.astype(str).tolist(),
        "forecast": made.predict().tolist(),
        "interval": made.predict_interval().to_numpy().tolist(),
    })  # fmt: skip
    panel = forecaster(horizon=2, lookback=5, cell="rnn", max_iter=5, **LONG)
    panel.fit(long_frame(id=lambda frame: frame["id"].astype("category")))
    _write_golden(panel, "panel-1", lambda: {
        "columns": panel.predict().astype({"id": str, "t": str}).to_dict("list"),
    })  # fmt: skip
    told = classifier(cell="gru", dtype="float64", class_weight={"up": 1.0, "down": 2.0})
    told.fit(X, WORDS).partial_fit(X, WORDS)
    _write_golden(told, "classifier-1", lambda: {
        "classes": told.classes_.tolist(),
        "probabilities": told.predict_proba(X[:5]).tolist(),
        "then": told.partial_fit(X, WORDS).predict_proba(X[:5]).tolist(),
    })  # fmt: skip


def _write_golden(estimator, name, predictions):
    """Write an estimator, and then what it predicts, which may change it."""
    path = GOLDEN / f"{name}.tsrnn"
    if path.exists():
        raise FileExistsError(f"{path} is golden: give the new file another number.")
    tsrnn.save(estimator, path)
    path.with_suffix(".json").write_text(json.dumps(predictions(), indent=1) + "\n")


def golden(name):
    return tsrnn.load(GOLDEN / f"{name}.tsrnn"), json.loads((GOLDEN / f"{name}.json").read_text())


# Other processors and libraries round apart in the last digits.


def test_the_forecaster_of_format_1():
    loaded, told = golden("forecaster-1")
    assert loaded.predict().index.astype(str).tolist() == told["index"]
    np.testing.assert_allclose(loaded.predict(), told["forecast"], rtol=1e-6)
    np.testing.assert_allclose(loaded.predict_interval(), told["interval"], rtol=1e-6)


def test_the_panel_of_format_1():
    loaded, told = golden("panel-1")
    found = loaded.predict()
    assert isinstance(found["id"].dtype, pd.CategoricalDtype)
    columns = told["columns"]
    assert found[["id", "t"]].astype(str).to_dict("list") == {k: columns[k] for k in ("id", "t")}
    np.testing.assert_allclose(found["v"], columns["v"], rtol=1e-5)


def test_the_classifier_of_format_1():
    loaded, told = golden("classifier-1")
    assert loaded.classes_.tolist() == told["classes"]
    np.testing.assert_allclose(loaded.predict_proba(X[:5]), told["probabilities"], rtol=1e-9)
    loaded.partial_fit(X, WORDS)
    np.testing.assert_allclose(loaded.predict_proba(X[:5]), told["then"], rtol=1e-9)

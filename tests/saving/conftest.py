"""Small estimators, their data and files, and forged files."""

import enum
import faulthandler
import hashlib
import io
import json
import os
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tsrnn
from tsrnn import RNNAnomalyDetector, RNNClassifier, RNNForecaster, RNNRegressor
from tsrnn.anomaly import ConformalThreshold, DynamicThreshold, TailThreshold
from tsrnn.datasets import load_airline
from tsrnn.kernels import cells

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


def detector(**kwargs):
    small = {"horizon": 4, "lookback": 8, "stretch": 4, "hidden_size": 3, "random_state": 0}
    moving = {"max_iter": 1, "online": True, "threshold": ConformalThreshold(0.1, random_state=0)}
    return RNNAnomalyDetector(**(small | moving | kwargs))


def detector_series(n=60, n_channels=1, freq="h", begin="2024-03-29", **kwargs):
    """A series of one or more channels for a detector."""
    columns = [f"c{k}" for k in range(n_channels)]
    index = pd.date_range(begin, periods=n, freq=freq, **kwargs)
    values = np.random.default_rng(n).normal(size=(n, n_channels)).cumsum(axis=0)
    return pd.DataFrame(values, index, columns).squeeze(axis=1)


def detector_panel(n=60, n_channels=1, n_series=2, **kwargs):
    """Several of them with a MultiIndex, with different ends."""
    parts = {f"s{k}": detector_series(n - k % 3, n_channels, **kwargs) for k in range(n_series)}
    return pd.concat(parts, names=["series"])


def split_rows(y, n):
    """The first ``n`` rows of a series, or of each series of a panel, and the rest."""
    if isinstance(y, pd.Series | pd.DataFrame) and isinstance(y.index, pd.MultiIndex):
        groups = y.groupby(level=0)
        return groups.head(n), y.drop(groups.head(n).index)
    return y[:n], y[n:]


def long_frame(**columns):
    """Thirty observations of three series, two of which begin together."""
    values = X.ravel()[:30]
    parts = [pd.DataFrame({"id": f"s{k}", "t": DAYS[k // 2 :][:30], "v": values}) for k in range(3)]
    return pd.concat(parts, ignore_index=True).assign(**columns)


LONG = {"id_column": "id", "time_column": "t", "target_column": "v"}
DAYS = pd.date_range("2024-03-20", periods=40, tz="Europe/Berlin", name="day")


EQUAL = (enum.Enum, pd.Timestamp, pd.tseries.offsets.BaseOffset, pd.api.extensions.ExtensionDtype)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "estimator.tsrnn"


def round_trip(estimator, path):
    """An estimator, saved and loaded."""
    tsrnn.save(estimator, path)
    return tsrnn.load(path)


def saved_attributes(estimator):
    """Attributes by name; how many seconds a fit took is not saved."""
    return {name: value for name, value in sorted(vars(estimator).items()) if name != "fit_time_"}


def assert_same(one, other):
    """Assert recursively that values are equal to the bit and of equal types."""
    if one is other:
        return
    assert type(one) is type(other)
    if isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
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
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True, check_freq=True)
    elif isinstance(one, np.random.Generator):
        assert one.bit_generator.state == other.bit_generator.state
    elif isinstance(one, np.random.RandomState):
        assert_same(one.get_state(legacy=False), other.get_state(legacy=False))
    elif hasattr(one, "__dict__") and not isinstance(one, EQUAL):
        assert_same(saved_attributes(one), saved_attributes(other))
    else:
        assert repr(one) == repr(other) if isinstance(one, float) else one == other


@pytest.fixture(scope="module")
def valid_file(tmp_path_factory):
    """The bytes of a file of a fitted forecaster."""
    path = tmp_path_factory.mktemp("good") / "forecaster.tsrnn"
    tsrnn.save(forecaster().fit(AIRLINE), path)
    return path.read_bytes()


# Forged files with a valid checksum


class Canary:
    """Creates a folder when it is unpickled."""

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
    """The content of a valid file, to be changed and written again."""

    def __init__(self, valid_file):
        with zipfile.ZipFile(io.BytesIO(valid_file)) as archive:
            self.members = {name: archive.read(name) for name in archive.namelist()}
        self.json = json.loads(np.load(io.BytesIO(self.members.pop("json.npy"))).tobytes())

    def change(self, where, value):
        """Replace a node. Arrays in it, or the bytes of npy files, are added as members."""
        *keys, last = where.split(".")
        node = self.json
        for key in keys:
            node, place = self._locate(node, key)
            node = node[place]
        node, place = self._locate(node, last)
        self._drop(node[place] if isinstance(node, list) else node.get(place))
        node[place] = self._with_arrays(value)
        return self

    def _locate(self, node, key):
        """Container and index of the part of a node; of a dict, the value of a key, maybe new."""
        if isinstance(node, dict) and node.keys() == {"dict"}:
            if key not in [name for name, _ in node["dict"]]:
                node["dict"].append([key, None])
            return next(pair for pair in node["dict"] if pair[0] == key), 1
        return node, int(key) if isinstance(node, list) else key

    def _drop(self, node):
        """Remove the arrays of a node, as unused arrays would be refused."""
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


def with_checksum(payload):
    digest = hashlib.sha256(b"tsrnn 1" + payload).hexdigest()
    return b"tsrnn 1 sha256 " + digest.encode() + b"\n" + payload


@pytest.fixture(scope="module")
def valid_files(valid_file, tmp_path_factory):
    """Valid files of forecasters, regressors, a classifier, detectors, a tagger and others."""
    path = tmp_path_factory.mktemp("originals") / "estimator.tsrnn"
    files = {"forecaster": valid_file}
    tsrnn.save(forecaster(max_iter=0).fit(AIRLINE), path)
    files["zero-shot"] = path.read_bytes()
    tsrnn.save(regressor(random_state=np.random.RandomState(0)).partial_fit(X, NUMBERS), path)
    files["regressor"] = path.read_bytes()
    tsrnn.save(regressor(segment=3).fit(X, X[:, :2]), path)
    files["two outputs"] = path.read_bytes()
    tsrnn.save(classifier(class_weight={"up": 1}).fit(NAMED, WORDS), path)
    files["classifier"] = path.read_bytes()
    lone = detector(n_estimators=2, threshold=TailThreshold(0.01, 0.9, depth=3))
    y, new = split_rows(detector_series(), 50)
    lone.fit(y).update(new)
    tsrnn.save(lone, path)
    files["detector"] = path.read_bytes()
    several = detector(method="reconstruction", threshold=DynamicThreshold(20, span=3))
    y, new = split_rows(detector_panel(n_channels=2), 50)
    several.fit(y).update(new)
    tsrnn.save(several, path)
    files["detectors"] = path.read_bytes()
    tsrnn.save(ConformalThreshold(0.2, window=30, random_state=0).fit(NUMBERS), path)
    files["threshold"] = path.read_bytes()
    golden = Path(__file__).parents[1] / "golden"
    for name in ("tagger", "transcriber", "wave-transcriber"):
        files[name] = (golden / f"{name}-1.tsrnn").read_bytes()
    return files | {"covariates": (golden / "covariates-1.tsrnn").read_bytes()}


@pytest.fixture
def assert_refused(path, monkeypatch):
    """Assert that a payload with a valid checksum is refused, fast and with little memory."""
    monkeypatch.chdir(path.parent)
    for name in cells.NAMES:
        cells.find(name)  # their modules are loaded when first used

    def check(payload):
        path.write_bytes(with_checksum(payload))
        modules = {name for name in sys.modules if name.startswith("tsrnn")}
        faulthandler.dump_traceback_later(60, exit=True)
        tracemalloc.start()
        try:
            with pytest.raises(ValueError, match="cannot be loaded by tsrnn") as error_info:
                tsrnn.load(path)
            assert tracemalloc.get_traced_memory()[1] < 2**24 + 8 * len(payload)
        finally:
            tracemalloc.stop()
            faulthandler.cancel_dump_traceback_later()
        assert type(error_info.value) is ValueError
        assert len(str(error_info.value)) < 1000
        assert os.listdir() == [path.name]
        assert modules == {name for name in sys.modules if name.startswith("tsrnn")}

    return check

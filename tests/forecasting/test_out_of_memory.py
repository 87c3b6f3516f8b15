"""Series in Parquet or a lazy frame: the same fit wherever they lie, in the memory allowed."""

import naive
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from tsrnn import RNNForecaster
from tsrnn.data import DataError, Panel
from tsrnn.data.parquet import StoredSeries
from tsrnn.forecasting.out_of_memory import StoredWindows, bytes_of
from tsrnn.forecasting.scaling import typical_deviations
from tsrnn.kernels.sources import forecast_source
from tsrnn.parameters import ParameterError

NAMES = "unique_id", "ds", "y"
LENGTHS = np.random.default_rng(0).integers(100, 130, 40)
STARTS = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(40) % 5, "D")


def series(k):
    steps = np.arange(LENGTHS[k])
    noise = np.random.default_rng(k).normal(size=LENGTHS[k])
    values = 10 + k / 5 + np.sin(steps * 2 * np.pi / 7 + k) + 0.1 * noise
    columns = {"unique_id": f"s{k:02d}", "ds": pd.date_range(STARTS[k], periods=LENGTHS[k])}
    return pd.DataFrame(columns | {"y": values, "price": 1.0})


FRAME = pd.concat([series(k) for k in range(40)], ignore_index=True)


def write(path, frame, **options):
    path.parent.mkdir(exist_ok=True, parents=True)
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), path, **options)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The same series in one file, and in three in another order, with small row groups."""
    root = tmp_path_factory.mktemp("parquet")
    write(root / "one/all.parquet", FRAME)
    order = np.random.default_rng(1).permutation(40)
    for number in range(3):
        rows = [series(k).sample(frac=1, random_state=k) for k in order[number::3]]
        write(root / f"three/{number}.parquet", pd.concat(rows)[::-1], row_group_size=37)
    return root


def forecaster(**parameters):
    small = {
        "horizon": 4,
        "pretrained": None,
        "hidden_size": 4,
        "batch_size": 8,
        "max_iter": 3,
        "n_jobs": 1,
    }
    fixed = {"batches_per_epoch": 5, "season": 1, "max_memory": "1.2 MB", "random_state": 3}
    fixed |= {"learning_rate_init": 0.03}
    return RNNForecaster(**(small | fixed | parameters))


def test_the_fit_does_not_depend_on_files_row_groups_and_libraries(folders):
    fitted = [
        forecaster(max_memory=memory, n_estimators=2).fit(y)
        for y, memory in [
            (folders / "one", "1.2 MB"),
            (str(folders / "three"), "1.2 MB"),
            (ds.dataset(folders / "three"), "1.2 MB"),
            (pl.scan_parquet(folders / "three/*.parquet"), "1.2 MB"),
        ]
    ]
    n_sampled = fitted[0].history_.index.get_level_values(0).nunique()
    assert 2 <= n_sampled < 40
    assert fitted[0].best_iter_ > 0  # not the naive forecasts
    forecasts = [each.predict(y=FRAME[[*NAMES]]) for each in fitted]
    for forecast, each in zip(forecasts[1:], fitted[1:], strict=True):
        pd.testing.assert_frame_equal(forecast, forecasts[0], check_exact=True)
        assert each.loss_curve_ == fitted[0].loss_curve_
    assert isinstance(fitted[3].predict(), pl.DataFrame)
    assert fitted[0].predict().dtypes.to_list() == FRAME[[*NAMES]].dtypes.to_list()
    other = forecaster(random_state=4).fit(folders / "one").predict(y=FRAME[[*NAMES]])
    assert not other["y"].equals(forecasts[0]["y"])


def test_what_fits_is_fitted_as_a_frame_in_memory(folders):
    expected = forecaster().fit(FRAME[[*NAMES]]).predict()
    for memory in (None, "1GB"):
        found = forecaster(max_memory=memory).fit(folders / "one").predict()
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    lazy = forecaster(max_memory=None).fit(pl.scan_parquet(folders / "one/all.parquet"))
    np.testing.assert_array_equal(lazy.predict()["y"], expected["y"])


def test_windows_are_those_of_the_series_and_each_is_as_likely(folders):
    stored = StoredSeries.open(folders / "three", NAMES)
    assert stored.ids == sorted(FRAME["unique_id"].unique())
    assert stored.lengths.tolist() == LENGTHS.tolist()
    wanted = np.ones(40, bool)
    parts = list(stored.parts(wanted, 300))
    assert max(part.panel.values.size for _, part in parts) <= 300

    class Data:  # what StoredWindows reads of OutOfMemory
        sample, n_at_once = parts[0][1], 300

    Data.stored = stored
    n_windows, n_rows = np.maximum(LENGTHS - 105, 0), 6

    class Plain:  # what it asks of Preparation
        def source(self, collection, n_held_out):
            assert (n_held_out == n_windows[[int(name[1:]) for name in collection.ids]]).all()
            return forecast_source(collection.panel.values, 4, 1, 0.1), collection

    windows = StoredWindows(Data, n_windows, (60, n_rows), Plain(), n_windows, None, (0, 1))
    source = windows.attach(forecast_source(np.zeros(1), 4, 1, 0.1))
    expected = {
        tuple(series(k)["y"][i : i + n_rows]) for k in range(40) for i in range(n_windows[k])
    }
    assert windows.size == len(expected)
    counts = {}
    for epoch in range(40):
        places = windows.draw(epoch, 20, 40 - epoch)
        drawn = [tuple(source.values[place : place + n_rows, 0]) for place in places]
        assert len(set(drawn)) == 20
        assert set(drawn) <= expected
        for window in drawn:
            counts[window] = counts.get(window, 0) + 1
    mean = 800 / len(expected)
    found = np.array([counts.get(window, 0) for window in expected])
    assert ((found - mean) ** 2).mean() < 2 * mean  # about the variance of a binomial draw


def test_a_sample_of_series_is_that_of_a_frame(folders):
    expected = forecaster(n_sample=6).fit(FRAME[[*NAMES]]).predict()
    found = forecaster(n_sample=6).fit(folders / "three").predict()
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_deviations_of_a_series_do_not_depend_on_the_others():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=n) for n in (5, 30, 1, 30, 17, 0, 5)]
    panel = Panel.from_arrays(arrays)
    found = typical_deviations(panel, 12)
    alone = [typical_deviations(Panel.from_arrays([values]), 12)[0] for values in arrays]
    np.testing.assert_array_equal(found, alone)
    expected = [naive.typical_deviation(values, 12) for values in arrays]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_cannot_be_had_out_of_memory_is_refused_at_the_door(folders):
    y = folders / "one"
    for parameters in ({"scope": "local"}, {"missing": "mask"}):
        ((name, value),) = parameters.items()
        with pytest.raises(ValueError, match=f"larger than max_memory.*{name}='{value}'"):
            forecaster(**parameters).fit(y)
    with pytest.raises(ValueError, match=r"static, sample_weight need all of it"):
        forecaster().fit(y, static=FRAME, sample_weight={"s01": 2})
    with pytest.raises(ValueError, match=r"An epoch of \d+ windows .* max_memory=\d+"):
        forecaster(batches_per_epoch=None).fit(y)
    with pytest.raises(DataError, match=r"more than max_memory='1 kB'.*max_memory=\d+ or more"):
        forecaster(max_memory="1 kB").fit(y)
    with pytest.raises(ParameterError, match=r"max_memory must be .*'500 apples'"):
        forecaster(max_memory="500 apples").fit(y)
    with pytest.raises(FileNotFoundError, match="no file or folder 'nowhere'"):
        forecaster().fit("nowhere")
    assert bytes_of("1.5 KiB") == 1536


def changed(**columns):
    return FRAME.assign(**columns)


BAD = {
    "apart": (pd.concat([FRAME[5:], FRAME[:5]]), "'s00' of y has rows in several places.*sort"),
    "no id": (changed(unique_id=FRAME["unique_id"].where(FRAME.index != 7)), "no id in row"),
    "missing": (changed(y=FRAME["y"].where(FRAME.index != 150)), "'s01' of y has a missing value"),
    "infinite": (changed(y=FRAME["y"].where(FRAME.index != 150, np.inf)), "'s01' .* value inf"),
    "text": (changed(y="a"), "Column 'y' of y must hold real numbers"),
    "column": (FRAME.rename(columns={"ds": "time"}), "not 'unique_id', 'ds', 'y'"),
    "times": (changed(ds="2024"), "Column 'ds' of y must hold dates"),
    "gap": (FRAME[FRAME["ds"] != pd.Timestamp("2024-02-01")], "has a gap: 2024-02-01 is missing"),
    "empty": (FRAME[:0], "y is empty"),
}


@pytest.mark.parametrize("problem", BAD)
def test_bad_rows_are_named(problem, tmp_path):
    frame, message = BAD[problem]
    write(tmp_path / "bad.parquet", frame)
    with pytest.raises(DataError, match=message):
        forecaster().fit(tmp_path / "bad.parquet")


def test_files_that_change_are_noticed(tmp_path):
    path = tmp_path / "y.parquet"
    write(path, FRAME)
    stored = StoredSeries.open(path, NAMES)
    write(path, FRAME[:-1])
    with pytest.raises(DataError, match="other rows than when it was read first"):
        list(stored.parts(np.ones(40, bool), 1000))

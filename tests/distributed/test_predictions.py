"""Predictions and fits on frames of Dask, Ray and Spark, against those of one process."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tsrnn import RNNForecaster, backtest
from tsrnn.distributed import engine_of

# Engines warn of their own ways, and of pandas 3.
pytestmark = pytest.mark.filterwarnings("ignore")


def panel(n_series=12, n=40, seed=0):
    """Series of several lengths in a long frame, rows in no order."""
    rng, days = np.random.default_rng(seed), pd.date_range("2024-01-01", periods=n)
    parts = [
        pd.DataFrame({"unique_id": f"s{k}", "ds": days[k:], "y": rng.normal(k, 1, n - k).round(2)})
        for k in range(n_series)
    ]
    return pd.concat(parts).sample(frac=1, random_state=seed).reset_index(drop=True)


def by_id(frame):
    keys = [name for name in ("unique_id", "cutoff", "ds") if name in frame]
    return frame.sort_values(keys).reset_index(drop=True)


def small(**parameters):
    settings = {"horizon": 3, "season": 7, "lookback": 14, "hidden_size": 4, "max_iter": 2}
    return RNNForecaster(**settings | {"pretrained": None} | parameters)


def check_equal(cluster, result, expected):
    """The same values to the bit, and the same columns, whatever an engine's dtypes are."""
    assert engine_of(result).name.lower() == cluster.name
    result, expected = by_id(cluster.to_pandas(result)), by_id(expected)
    assert result.columns.tolist() == expected.columns.tolist()
    for name in expected:
        if pd.api.types.is_datetime64_any_dtype(expected[name]):
            stamps = (
                pd.to_datetime(result[name], utc=True),
                pd.to_datetime(expected[name], utc=True),
            )
            assert stamps[0].tolist() == stamps[1].tolist()
        else:
            assert result[name].to_numpy().tolist() == expected[name].to_numpy().tolist()


@pytest.fixture(scope="module")
def forecaster():
    return small().fit(panel())


def test_forecasts_are_those_of_one_process(cluster, forecaster):
    """Also intervals; of series that were not fitted, whose rows are in several partitions."""
    y = panel(seed=1)
    check_equal(cluster, forecaster.predict(y=cluster.frame(y, 3)), forecaster.predict(y=y))
    zoned = y.assign(
        unique_id=y["unique_id"].str[1:].astype(int), ds=y["ds"].dt.tz_localize("Europe/Berlin")
    )
    result = forecaster.predict_interval(4, y=cluster.frame(zoned, 2), coverage=[0.5, 0.9])
    check_equal(cluster, result, forecaster.predict_interval(4, y=zoned, coverage=[0.5, 0.9]))


def test_a_sample_is_the_same_in_any_partitions(cluster):
    y = panel()
    sampled = small(n_sample=5).fit(cluster.frame(y, 3))
    assert len(sampled.fitted_.history.ids) == 5
    expected = small(n_sample=5).fit(by_id(y))
    assert sampled.fitted_.history.ids == expected.fitted_.history.ids
    assert sampled.predict(y=y).equals(expected.predict(y=y))


def test_of_bad_series_a_sample_has_some():
    dd = pytest.importorskip("dask.dataframe")
    y = panel()
    y.loc[y["ds"].eq("2024-02-01") & y["unique_id"].isin(["s2", "s5"]), "y"] = np.nan
    frame = dd.from_pandas(y, npartitions=2, sort=False)
    with pytest.warns(UserWarning, match=r"1 series is left out.*Only the sampled series were"):
        forecaster = small(n_sample=5, errors="skip", random_state=1).fit(frame)
    assert len(forecaster.skipped_) == 1
    assert set(forecaster.check_series(frame).compute()["unique_id"]) == {"s2", "s5"}


def test_models_of_each_series_stay_in_their_partitions(cluster):
    """One bad series is left out and named."""
    y = panel(8).assign(y=lambda frame: frame["y"].where(frame["ds"] != "2024-02-01"))
    bad = y["unique_id"].isin(["s2", "s5"])
    y.loc[~bad] = y.loc[~bad].fillna({"y": 0.5})
    forecaster = small(scope="local", errors="skip", hidden_size=2).fit(cluster.frame(y, 2))
    expected = small(scope="local", hidden_size=2, n_ahead=3).fit(by_id(y[~bad]))
    check_equal(cluster, forecaster.predict(2), expected.predict(2))
    skipped = by_id(cluster.to_pandas(forecaster.skipped_))
    assert skipped["unique_id"].tolist() == ["s2", "s5"]
    assert skipped["row"].str[:10].tolist() == ["2024-02-01"] * 2
    assert skipped["problem"].str.startswith("is missing (NaN)").all()


def test_errors_name_series_and_partition(cluster, forecaster):
    y = panel(seed=1)
    y.loc[y["unique_id"].eq("s3") & y["ds"].eq("2024-02-01"), "y"] = np.nan
    with pytest.raises(Exception, match="Series 's3' of y is missing") as caught:
        cluster.to_pandas(forecaster.predict(y=cluster.frame(y, 2)))
    told = [str(caught.value), *getattr(caught.value, "__notes__", ())]
    assert re.search("artition.* of the series 's", "".join(told))
    bad = small(errors="skip").fit(panel())
    check_equal(
        cluster,
        bad.predict(y=cluster.frame(y, 2)),
        bad.predict(y=y[y["unique_id"] != "s3"]),
    )
    assert cluster.to_pandas(bad.check_series(cluster.frame(y, 2)))["unique_id"].tolist() == ["s3"]
    with pytest.raises(ValueError, match=r"with the columns .*, not 'unique_id', 'ds', 'z'"):
        small(target_column="z", n_sample=3).fit(cluster.frame(y, 2))


def test_no_engine_is_imported_before_a_frame_of_it_comes():
    code = "import sys, tsrnn, pandas; tsrnn.RNNForecaster; tsrnn.backtest; "
    code += "from tsrnn.distributed import engine_of; engine_of(pandas.DataFrame()); "
    code += "print(sorted({'dask', 'distributed', 'pyspark', 'ray'} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_backtests(cluster):
    """Of models of each series, and of a network fitted to a sample: here of all series."""
    y, settings = panel(6), {"n_windows": 2, "baselines": ["naive"]}
    local = small(scope="local", n_ahead=3, hidden_size=2)
    result, expected = (backtest(local, of, **settings) for of in (cluster.frame(y, 2), by_id(y)))
    check_equal(cluster, result.forecasts, expected.forecasts)
    table = result.metrics()
    pd.testing.assert_frame_equal(table, expected.metrics()[table.columns.tolist()], rtol=1e-12)
    of_all = backtest(small(n_sample=9), cluster.frame(y, 2), refit=False, **settings)
    expected = backtest(small(), by_id(y), refit=False, **settings)
    check_equal(cluster, of_all.forecasts, expected.forecasts)


@pytest.mark.parametrize("part", ["y", ["y"]])
def test_what_is_no_frame_is_named(part, forecaster):
    """A column and an array of Dask are of the library, and no frame."""
    dd = pytest.importorskip("dask.dataframe")
    frame = dd.from_pandas(panel(), npartitions=2, sort=False)
    other = frame["y"] if part == "y" else frame[part].to_dask_array()
    for call in (small().fit, lambda y: forecaster.predict(y=y)):
        with pytest.raises(TypeError, match=r"Of dask, dask\..* is not supported. Give a dask\.d"):
            call(other)


@pytest.mark.parametrize(
    ("module", "name", "library"),
    [
        ("dask.dataframe.dask_expr._collection", "DataFrame", "Dask"),
        ("pyspark.sql.classic.dataframe", "DataFrame", "Spark"),
        ("pyspark.sql.dataframe", "DataFrame", "Spark"),
        ("ray.data.dataset", "MaterializedDataset", "Ray"),
        ("pyspark.sql.connect.dataframe", "DataFrame", None),
        ("pyspark.pandas.frame", "DataFrame", None),
        ("ray.data.grouped_data", "GroupedData", None),
    ],
)
def test_frames_are_known_by_their_types(module, name, library):
    pytest.importorskip(module.partition(".")[0])
    frame = type(name, (), {"__module__": module})()
    if library is None:
        with pytest.raises(TypeError, match=name):
            engine_of(frame)
    else:
        assert engine_of(frame).name == library

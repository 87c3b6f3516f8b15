"""The loaders give the published numbers, on regular indexes, afresh on every call."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsrnn import datasets
from tsrnn.datasets import (
    files,
    load_airline,
    load_chorales,
    load_co2,
    load_japanese_vowels,
    load_machine_temperature,
    load_melbourne,
    load_nile,
    load_nyc_taxi,
    load_review_sentences,
    load_seattle_weather,
    load_shakespeare,
    load_sp500,
    load_spoken_digits,
    load_sunspots,
)

SERIES = [
    (load_airline, "passengers", "MS", 144, "1949-01-01", "1960-12-01"),
    (load_co2, "co2", "MS", 526, "1958-03-01", "2001-12-01"),
    (lambda: load_co2("weekly"), "co2", "W-SAT", 2284, "1958-03-29", "2001-12-29"),
    (load_sunspots, "sunspots", "Y-DEC", 309, "1700", "2008"),
    (load_nile, "flow", "Y-DEC", 100, "1871", "1970"),
    (load_melbourne, "temperature", "D", 3652, "1981-01-01", "1990-12-31"),
    (load_nyc_taxi, "passengers", "30min", 10320, "2014-07-01 00:00", "2015-01-31 23:30"),
    (
        load_machine_temperature,
        "temperature",
        "5min",
        22683,
        "2013-12-02 21:15",
        "2014-02-19 15:25",
    ),
    (load_sp500, "price", "MS", 1824, "1871-01-01", "2022-12-01"),
]


@pytest.mark.parametrize(("loader", "name", "freq", "length", "first", "last"), SERIES)
def test_series_is_regular_float64_and_named(loader, name, freq, length, first, last):
    series = loader()
    assert series.name == name
    assert series.dtype == np.float64
    assert series.index.name == "time"
    assert series.index.freqstr == freq
    assert len(series) == length
    make = pd.period_range if isinstance(series.index, pd.PeriodIndex) else pd.date_range
    assert series.index.equals(make(first, last, freq=freq))


@pytest.mark.parametrize("loader", [row[0] for row in SERIES])
def test_every_call_gives_a_fresh_copy(loader):
    changed = loader()
    original = changed.copy()
    changed.iloc[:] = -1.0
    pd.testing.assert_series_equal(loader(), original)


@pytest.mark.parametrize(
    ("loader", "first", "last", "total"),
    [
        (load_airline, 112.0, 432.0, 40363.0),
        (load_sunspots, 5.0, 2.9, 15373.4),
        (load_nile, 1120.0, 740.0, 91935.0),
        (load_nyc_taxi, 10844.0, 26288.0, 156219716.0),
        (lambda: load_melbourne(fill=False), 20.7, 13.0, 40798.8),
        (load_machine_temperature, 73.967, 96.904, 1948974.6469999999),
        (load_sp500, 4.44, 3912.38, 652884.45),
    ],
)
def test_known_values(loader, first, last, total):
    series = loader()
    assert series.iloc[0] == first
    assert series.iloc[-1] == last
    assert series.sum() == pytest.approx(total, rel=1e-12)


def test_airline_has_the_published_year_1955():
    expected = [242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278]
    assert load_airline().loc["1955"].tolist() == expected


@pytest.mark.parametrize("name", ["co2", "sunspots", "nile"])
def test_values_equal_the_copy_they_were_taken_from(name):
    statsmodels = pytest.importorskip("statsmodels.datasets")
    theirs = getattr(statsmodels, name).load_pandas().data.iloc[:, -1]
    ours = load_co2("weekly") if name == "co2" else getattr(datasets, f"load_{name}")()
    np.testing.assert_array_equal(ours.to_numpy(), theirs.to_numpy())


def test_co2_weekly_keeps_what_was_not_measured():
    weekly = load_co2("weekly")
    assert weekly.isna().sum() == 59
    assert weekly.loc["1958-03-29"] == 316.1
    assert weekly.loc["2001-12-29"] == 371.5


def test_co2_monthly_is_the_mean_of_weeks_with_five_months_interpolated():
    weekly, monthly = load_co2("weekly"), load_co2()
    means = weekly.groupby(weekly.index.to_period("M")).mean().to_numpy()
    missing = np.isnan(means)
    assert monthly.index[missing].strftime("%Y-%m").tolist() == [
        "1958-06",
        "1958-10",
        "1964-02",
        "1964-03",
        "1964-04",
    ]
    np.testing.assert_allclose(monthly[~missing], means[~missing], rtol=1e-12)
    days = (monthly.index - monthly.index[0]).days.to_numpy()
    filled = np.interp(days[missing], days[~missing], means[~missing])
    np.testing.assert_allclose(monthly[missing], filled, rtol=1e-12)


def test_co2_refuses_another_frequency():
    with pytest.raises(ValueError, match="frequency must be one of 'monthly', 'weekly'"):
        load_co2("daily")


def test_melbourne_fills_the_two_days_that_the_file_leaves_out():
    filled, as_published = load_melbourne(), load_melbourne(fill=False)
    assert len(as_published) == 3650
    assert as_published.index.freq is None
    missing = pd.to_datetime(["1984-12-31", "1988-12-31"])
    assert filled.index.difference(as_published.index).equals(missing)
    pd.testing.assert_series_equal(
        filled.drop(missing), as_published, check_freq=False, check_exact=True
    )
    day = pd.Timedelta(days=1)
    for when in missing:
        mean = (as_published[when - day] + as_published[when + day]) / 2
        assert filled[when] == pytest.approx(mean, rel=1e-15)


def test_sp500_has_the_published_year_1929():
    expected = [24.86, 24.99, 25.43, 25.28, 25.66, 26.15, 28.48, 30.1, 31.3, 27.99, 20.58, 21.4]
    assert load_sp500().loc["1929"].tolist() == expected


def test_sp500_repeats_july_while_the_exchange_was_closed():
    price = load_sp500()
    assert price["1914-06":"1914-12"].tolist() == [8.13, 7.68, 7.68, 7.68, 7.68, 7.68, 7.35]
    assert (price.diff() == 0).rolling(4).sum().eq(4).sum() == 1


def test_seattle_weather_is_regular_and_typed():
    weather = load_seattle_weather()
    assert weather.index.name == "time"
    assert weather.index.freqstr == "D"
    assert weather.index.equals(pd.date_range("2012-01-01", "2015-12-31"))
    measured = ["precipitation", "temp_max", "temp_min", "wind"]
    assert weather.columns.tolist() == [*measured, "weather"]
    assert (weather[measured].dtypes == np.float64).all()
    assert weather["weather"].cat.categories.tolist() == ["drizzle", "fog", "rain", "snow", "sun"]
    assert not weather["weather"].cat.ordered
    assert weather.notna().all(axis=None)


def test_seattle_weather_is_as_published():
    weather = load_seattle_weather()
    assert weather.iloc[0].tolist() == [0.0, 12.8, 5.0, 4.7, "drizzle"]
    assert weather.iloc[-1].tolist() == [0.0, 5.6, -2.1, 3.5, "sun"]
    totals = weather.drop(columns="weather").sum()
    np.testing.assert_allclose(totals, [4426.0, 24017.5, 12031.0, 4735.3], rtol=1e-12)
    yearly = weather["precipitation"].groupby(weather.index.year).sum()
    np.testing.assert_allclose(yearly, [1226.0, 828.0, 1232.8, 1139.2], rtol=1e-12)
    assert (weather["temp_min"] < weather["temp_max"]).all()
    days = weather["weather"].value_counts()
    assert days.to_dict() == {"rain": 641, "sun": 640, "fog": 101, "drizzle": 53, "snow": 26}


def test_seattle_weather_labels_are_as_the_notes_say():
    weather = load_seattle_weather()
    label = weather["weather"]
    assert label[weather["precipitation"] > 0].isin(["rain", "snow"]).all()
    dry = weather.index[(label == "rain") & (weather["precipitation"] == 0)]
    assert (len(dry), dry.max()) == (44, pd.Timestamp("2013-03-29"))
    years = label.index.year
    assert (label == "drizzle").groupby(years).sum().tolist() == [31, 15, 0, 7]
    assert (label == "fog").groupby(years).sum().tolist() == [5, 16, 28, 52]


def test_seattle_weather_may_be_changed():
    changed = load_seattle_weather()
    original = changed.copy()
    changed.iloc[:, :4] = -1.0
    pd.testing.assert_frame_equal(load_seattle_weather(), original)


@pytest.mark.parametrize(
    ("split", "counts", "n_steps", "longest", "first", "last", "total"),
    [
        ("train", [30] * 9, 4274, 26, 1.860936, 0.173642, -1057.452303),
        ("test", [31, 35, 88, 44, 29, 24, 40, 50, 29], 5687, 29, 1.635533, 0.224688, -2146.51343),
    ],
)
def test_japanese_vowels_are_as_published(split, counts, n_steps, longest, first, last, total):
    X, y = load_japanese_vowels(split)
    assert y.dtype == np.int64
    assert y.tolist() == np.repeat(np.arange(1, 10), counts).tolist()
    assert len(X) == len(y)
    assert {(x.dtype, x.ndim, x.shape[1]) for x in X} == {(np.dtype(float), 2, 12)}
    lengths = [len(x) for x in X]
    assert (sum(lengths), min(lengths), max(lengths)) == (n_steps, 7, longest)
    assert (X[0][0, 0], X[-1][-1, -1]) == (first, last)
    assert np.concatenate(X).sum() == pytest.approx(total, rel=1e-12)


def test_japanese_vowels_may_be_changed():
    X, _ = load_japanese_vowels()
    second = X[1].copy()
    X[0][:] = np.nan  # a sequence of its own, not a part of one table
    np.testing.assert_array_equal(X[1], second)
    assert all(x.base is None and x.flags.c_contiguous and x.flags.writeable for x in X)


def test_japanese_vowels_refuse_another_split():
    with pytest.raises(ValueError, match="split must be one of 'test', 'train', got 'all'"):
        load_japanese_vowels("all")


@pytest.mark.parametrize(
    ("split", "n", "n_frames", "n_notes", "shortest", "longest"),
    [
        ("train", 229, 13807, 53824, 25, 129),
        ("validation", 76, 4602, 17811, 32, 144),
        ("test", 77, 4725, 18367, 32, 160),
    ],
)
def test_chorales_are_as_published(split, n, n_frames, n_notes, shortest, longest):
    chorales = load_chorales(split)
    lengths = [len(chorale) for chorale in chorales]
    assert (len(chorales), sum(lengths), min(lengths), max(lengths)) == (
        n,
        n_frames,
        shortest,
        longest,
    )
    notes = np.concatenate(chorales)
    assert notes.shape == (n_frames, 88)
    assert notes.dtype == np.uint8
    assert set(np.unique(notes)) == {0, 1}
    assert notes.sum() == n_notes
    voices = notes.sum(axis=1)
    assert voices.max() == 4
    assert (voices == 4).mean() > 0.89


@pytest.mark.parametrize(
    ("split", "numbers", "n_samples", "shortest", "longest"),
    [("train", [5, 6, 7], 629_791, 1149, 10_504), ("test", [0, 1], 417_773, 1251, 9178)],
)
def test_spoken_digits(split, numbers, n_samples, shortest, longest):
    waves, takes = load_spoken_digits(split)
    lengths = [len(wave) for wave in waves]
    assert len(waves) == len(takes) == 60 * len(numbers)
    assert (sum(lengths), min(lengths), max(lengths)) == (n_samples, shortest, longest)
    assert takes.columns.tolist() == ["digit", "speaker", "take"]
    assert takes.index.tolist() == list(range(len(waves)))
    assert sorted(takes["take"].unique()) == numbers
    assert not takes.duplicated().any()
    assert (takes.groupby(["speaker", "digit"]).size() == len(numbers)).all()
    assert sorted(takes["speaker"].unique()) == [
        "george",
        "jackson",
        "lucas",
        "nicolas",
        "theo",
        "yweweler",
    ]
    for wave in waves:
        assert wave.dtype == np.float32
        assert wave.base is None
        assert 0.01 < np.abs(wave).max() <= 1
        np.testing.assert_array_equal(wave * 2**15, np.rint(wave * 2**15))
        assert abs(wave.mean()) < 0.02


def test_spoken_digits_are_as_published():
    """Of the file recordings/3_george_5.wav."""
    waves, _ = load_spoken_digits()
    assert (waves[3][:5] * 2**15).tolist() == [-26, -249, -189, 302, 140]
    assert np.abs(waves[3] * 2**15).sum() == 5289118


def test_chorales_sing_within_the_range_of_a_choir_and_end_on_c():
    chorales = load_chorales()
    pitches = np.concatenate(chorales).nonzero()[1] + 21
    assert (pitches.min(), pitches.max()) == (31, 84)
    lowest = [chorale[chorale.any(axis=1)][-1].nonzero()[0][0] + 21 for chorale in chorales]
    assert np.mean([pitch % 12 == 0 for pitch in lowest]) > 0.9


def test_chorales_may_be_changed():
    load_chorales()[0][:] = 7
    assert load_chorales()[0].max() == 1
    with pytest.raises(ValueError, match="split must be one of 'test', 'train', 'validation'"):
        load_chorales("valid")


def test_shakespeare_is_three_whole_plays():
    text = load_shakespeare()
    assert (len(text), len(set(text)), text.count("\n")) == (421_989, 62, 14_379)
    assert text.startswith("GLOUCESTER:\nNow is the winter of our discontent\n")
    assert text.endswith("Than this of Juliet and her Romeo.\n")
    assert "KING RICHARD II:\nOld John of Gaunt, time-honour'd Lancaster" in text


@pytest.mark.parametrize(
    ("about", "n_characters", "first"),
    [
        ("movies", 80_270, "A very, very, very slow-moving, aimless movie about a distressed"),
        ("restaurants", 58_316, "Wow... Loved this place."),
        ("products", 55_226, "So there is no way for me to plug it in here in the US unless"),
    ],
)
def test_review_sentences_are_as_published(about, n_characters, first):
    X, y = load_review_sentences(about)
    assert (len(X), y.sum(), y.dtype, set(y)) == (1000, 500, np.int64, {0, 1})
    assert sum(map(len, X)) == n_characters
    assert X[0].startswith(first)
    assert all(sentence == sentence.strip() and sentence.isprintable() for sentence in X)


def test_nyc_taxi_events_are_the_five_labelled_windows():
    series, events = load_nyc_taxi(return_events=True)
    pd.testing.assert_series_equal(series, load_nyc_taxi())
    assert events.columns.tolist() == ["start", "end", "label_time", "name"]
    for column in ["start", "end", "label_time"]:
        assert pd.api.types.is_datetime64_dtype(events[column])
        assert events[column].isin(series.index).all()
    assert events["name"].tolist() == [
        "New York marathon",
        "Thanksgiving",
        "Christmas",
        "New Year",
        "snow storm",
    ]
    assert (events["start"] < events["label_time"]).all()
    assert (events["label_time"] < events["end"]).all()
    assert (events["end"].iloc[:-1].to_numpy() < events["start"].iloc[1:].to_numpy()).all()
    holidays = pd.to_datetime(["2014-11-02", "2014-11-27", "2014-12-25", "2015-01-01"])
    assert (events["start"].iloc[:4].to_numpy() < holidays.to_numpy()).all()
    assert (holidays.to_numpy() < events["end"].iloc[:4].to_numpy()).all()


def test_machine_temperature_has_its_windows_and_the_mean_of_the_hour_that_is_twice_there():
    series, events = load_machine_temperature(return_events=True)
    pd.testing.assert_series_equal(series, load_machine_temperature())
    assert events.columns.tolist() == ["start", "end", "label_time", "name"]
    for column in ["start", "end", "label_time"]:
        assert events[column].isin(series.index).all()
    assert (events["start"] < events["label_time"]).all()
    assert (events["label_time"] < events["end"]).all()
    lowest = series[events["start"][1] : events["end"][1]].idxmin()
    assert lowest == events["label_time"][1]
    assert series["2014-01-07 02:50"] == pytest.approx((93.397 + 93.255) / 2)


def test_missing_data_file_is_reported_with_the_places_searched():
    with pytest.raises(FileNotFoundError, match=r"'no\.csv' is not in .*data or .*datasets"):
        files.find_file("no.csv")


def test_data_are_found_in_an_installed_package(tmp_path, monkeypatch):
    installed = tmp_path / "tsrnn" / "datasets"
    (installed / "data").mkdir(parents=True)
    (installed / "data" / "nile.csv").write_text("time,flow\n1871,7\n1872,8\n")
    monkeypatch.setattr(files, "__file__", str(installed / "files.py"))
    assert load_nile().tolist() == [7.0, 8.0]


def test_a_gap_in_a_data_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "airline.csv").write_text("time,x\n1949-01,1\n1949-02,2\n1949-04,3\n")
    monkeypatch.setattr(files, "__file__", str(tmp_path / "files.py"))
    with pytest.raises(ValueError, match="does not conform to passed frequency MS"):
        load_airline()


def test_importing_the_subpackage_imports_nothing_heavy():
    code = (
        "import sys, tsrnn; before = set(sys.modules); import tsrnn.datasets; "
        "print(*{'numpy', 'pandas', 'scipy'} & (set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_data_files_are_tidy():
    folder = Path(files.find_file("airline.csv")).parent
    readme = folder / "README.md"
    packed = list(folder.glob("*.gz"))
    assert packed
    for path in {*folder.glob("*.csv"), *packed} - {folder / "spoken_digits.pcm.gz"}:
        raw = path.read_bytes() if path.suffix == ".csv" else gzip.decompress(path.read_bytes())
        assert b"\r" not in raw
        assert raw.endswith(b"\n")
        if readme.is_file():
            n = raw.count(b"\n")
            rows = f"{n} lines" if ".txt" in path.name else n - 1
            assert f"| `{path.name}` | {rows} |" in readme.read_text(encoding="utf-8")

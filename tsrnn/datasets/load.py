"""Loaders of the real series and sequences that travel with the library.

Every call reads its file anew, so that a caller may change what it gets.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def load_airline() -> pd.Series:
    """Load the monthly totals of international airline passengers, 1949 to 1960.

    Returns
    -------
    pandas.Series
        144 float64 values named ``"passengers"``, in thousands of passengers; a DatetimeIndex of
        month starts with ``freq="MS"``.

    Raises
    ------
    FileNotFoundError
        If the library was installed without its data files.

    References
    ----------
    G. E. P. Box and G. M. Jenkins, *Time Series Analysis: Forecasting and Control*, 1970, series G.

    Examples
    --------
    >>> from tsrnn.datasets import load_airline
    >>> passengers = load_airline()
    >>> passengers.loc["1960-07-01"]
    np.float64(622.0)
    """
    return _read_dated("airline.csv", freq="MS")


def load_co2(frequency: Literal["monthly", "weekly"] = "monthly") -> pd.Series:
    """Load the atmospheric CO2 measured at Mauna Loa, March 1958 to December 2001.

    Parameters
    ----------
    frequency : {"monthly", "weekly"}, default="monthly"
        ``"monthly"`` gives the mean of each month's weeks, a week counting for the month of its
        Saturday; the 5 of 526 months that hold no measurement (1958-06, 1958-10, 1964-02 to
        1964-04) are interpolated linearly in time. ``"weekly"`` gives the weeks as measured, the
        59 of 2284 without a measurement as NaN.

    Returns
    -------
    pandas.Series
        float64 values named ``"co2"``, in parts per million by volume; a DatetimeIndex with
        ``freq="MS"`` (526 months, no NaN) or ``freq="W-SAT"`` (2284 weeks).

    Raises
    ------
    ValueError
        If ``frequency`` is neither of the two.
    FileNotFoundError
        If the library was installed without its data files.

    References
    ----------
    C. D. Keeling and T. P. Whorf, "Atmospheric CO2 concentrations derived from flask air samples
    at sites in the SIO network", CDIAC, Oak Ridge National Laboratory, 2004.

    Examples
    --------
    >>> from tsrnn.datasets import load_co2
    >>> load_co2().isna().sum(), load_co2("weekly").isna().sum()
    (np.int64(0), np.int64(59))
    """
    if frequency not in ("monthly", "weekly"):
        raise ValueError(f"frequency must be 'monthly' or 'weekly', got {frequency!r}.")
    weekly = _read_dated("co2.csv", freq="W-SAT")
    if frequency == "weekly":
        return weekly
    return weekly.resample("MS").mean().interpolate("time")


def load_sunspots() -> pd.Series:
    """Load the yearly mean sunspot numbers, 1700 to 2008.

    Returns
    -------
    pandas.Series
        309 float64 values named ``"sunspots"``, on the scale before its revision of 2015; a
        PeriodIndex of years.

    Raises
    ------
    FileNotFoundError
        If the library was installed without its data files.

    References
    ----------
    US National Geophysical Data Center, solar data.

    Examples
    --------
    >>> from tsrnn.datasets import load_sunspots
    >>> load_sunspots().loc["1957"]
    np.float64(190.2)
    """
    return _read_yearly("sunspots.csv")


def load_nile() -> pd.Series:
    """Load the annual flow of the Nile at Aswan, 1871 to 1970.

    Returns
    -------
    pandas.Series
        100 float64 values named ``"flow"``, in 10^8 cubic metres; a PeriodIndex of years.

    Raises
    ------
    FileNotFoundError
        If the library was installed without its data files.

    References
    ----------
    G. W. Cobb, "The problem of the Nile: conditional solution to a changepoint problem",
    *Biometrika* 65(2), 1978, 243-251.

    Examples
    --------
    >>> from tsrnn.datasets import load_nile
    >>> flow = load_nile()
    >>> bool(flow[:"1898"].mean() > flow["1899":].mean())
    True
    """
    return _read_yearly("nile.csv")


def load_melbourne(fill: bool = True) -> pd.Series:
    """Load the daily minimum temperatures in Melbourne, 1981 to 1990.

    Parameters
    ----------
    fill : bool, default=True
        The file leaves out two days, 1984-12-31 and 1988-12-31, so that each year has 365. True
        puts them in, each as the mean of the days before and after it, which makes the series a
        regular one, as forecasting asks for. False gives the 3650 values as they stand, as
        published results use them.

    Returns
    -------
    pandas.Series
        float64 values named ``"temperature"``, in degrees Celsius; a DatetimeIndex of 3652 days
        with ``freq="D"``, or, with ``fill=False``, of 3650 days with ``freq=None``.

    Raises
    ------
    FileNotFoundError
        If the library was installed without its data files.

    References
    ----------
    Australian Bureau of Meteorology, through R. J. Hyndman's Time Series Data Library.

    Examples
    --------
    >>> from tsrnn.datasets import load_melbourne
    >>> load_melbourne()["1984-12-30":"1985-01-01"].tolist()
    [16.4, 14.85, 13.3]
    >>> len(load_melbourne(fill=False))
    3650
    """
    temperature = _read_dated("melbourne.csv", freq=None)
    return temperature.asfreq("D").interpolate() if fill else temperature


def load_nyc_taxi(return_events: bool = False) -> pd.Series | tuple[pd.Series, pd.DataFrame]:
    """Load the half-hourly counts of New York taxi passengers, July 2014 to January 2015.

    Parameters
    ----------
    return_events : bool, default=False
        Whether to return the five labelled anomalies as well.

    Returns
    -------
    passengers : pandas.Series
        10320 float64 values named ``"passengers"``, in passengers per 30 minutes; a DatetimeIndex
        with ``freq="30min"``, in local time without a time zone.
    events : pandas.DataFrame
        Only with ``return_events=True``: 5 rows with the columns ``start`` and ``end`` of the
        anomaly's window (Timestamps, both included), ``label_time``, the labelled instant
        (Timestamp), and ``name`` (str).

    Raises
    ------
    FileNotFoundError
        If the library was installed without its data files.

    Notes
    -----
    The hour from 2014-11-02 01:00 occurs twice, as daylight saving time ends, and its steps hold
    about double counts: the largest value of the series is partly the clock's doing.

    References
    ----------
    Numenta Anomaly Benchmark, ``realKnownCause/nyc_taxi.csv``, from the trip records of the New
    York City Taxi and Limousine Commission. A. Lavin and S. Ahmad, "Evaluating real-time anomaly
    detection algorithms: the Numenta Anomaly Benchmark", arXiv 1510.03336, 2015.

    Examples
    --------
    >>> from tsrnn.datasets import load_nyc_taxi
    >>> passengers, events = load_nyc_taxi(return_events=True)
    >>> storm = events.iloc[4]
    >>> passengers[storm["start"] : storm["end"]].min()
    np.float64(8.0)
    """
    import pandas as pd

    passengers = _read_dated("nyc_taxi.csv", freq="30min")
    if not return_events:
        return passengers
    times = ["start", "end", "label_time"]
    return passengers, pd.read_csv(_find("nyc_taxi_events.csv"), parse_dates=times)


def load_machine_temperature(
    return_events: bool = False,
) -> pd.Series | tuple[pd.Series, pd.DataFrame]:
    """Load the temperature of a part of an industrial machine until it failed, every 5 minutes.

    Parameters
    ----------
    return_events : bool, default=False
        Whether to return the four labelled anomalies as well.

    Returns
    -------
    temperature : pandas.Series
        22683 float64 values named ``"temperature"``, 2013-12-02 to 2014-02-19, in a unit that is
        not told; a DatetimeIndex with ``freq="5min"``, without a time zone.
    events : pandas.DataFrame
        Only with ``return_events=True``: 4 rows with the columns ``start`` and ``end`` of the
        anomaly's window (Timestamps, both included), ``label_time``, the labelled instant
        (Timestamp), and ``name`` (str).

    Raises
    ------
    FileNotFoundError
        If the library was installed without its data files.

    Notes
    -----
    The hour from 2014-01-07 02:00 is there twice in the file; its steps are the means of both.

    References
    ----------
    Numenta Anomaly Benchmark, ``realKnownCause/machine_temperature_system_failure.csv``. A. Lavin
    and S. Ahmad, "Evaluating real-time anomaly detection algorithms: the Numenta Anomaly
    Benchmark", arXiv 1510.03336, 2015.

    Examples
    --------
    >>> from tsrnn.datasets import load_machine_temperature
    >>> temperature, events = load_machine_temperature(return_events=True)
    >>> events["name"].tolist()
    ['unnamed', 'planned shutdown', 'first signs', 'failure']
    >>> temperature[:"2013-12-02 21:20"].tolist()
    [73.967, 74.936]
    """
    import pandas as pd

    rows = pd.read_csv(
        _find("machine_temperature.csv.gz"), index_col="time", parse_dates=True
    ).squeeze("columns")
    temperature = rows.groupby(level=0).mean()
    temperature.index.freq = "5min"
    if not return_events:
        return temperature
    times = ["start", "end", "label_time"]
    return temperature, pd.read_csv(_find("machine_temperature_events.csv"), parse_dates=times)


def load_seattle_weather() -> pd.DataFrame:
    """Load the daily weather of Seattle, 2012 to 2015: four measurements and a label.

    Returns
    -------
    pandas.DataFrame
        1461 days without a gap; a DatetimeIndex with ``freq="D"``. The columns are

        - ``precipitation``: total of the day in millimetres (float64),
        - ``temp_max`` and ``temp_min``: its temperature extremes in degrees Celsius (float64),
        - ``wind``: its mean wind speed in metres per second (float64),
        - ``weather``: ``"drizzle"``, ``"fog"``, ``"rain"``, ``"snow"`` or ``"sun"`` (categorical).

    Raises
    ------
    FileNotFoundError
        If the library was installed without its data files.

    Notes
    -----
    ``weather`` is derived, and all of a row is known only when its day is over. Rain is any day
    with precipitation, sun any day to which no other label applies, and drizzle also stands for
    mist, smoke and haze. What was recorded changed with time: drizzle labels 31 days of 2012 and
    none of 2014, fog 5 days of 2012 and 52 of 2015, and the 44 days of rain without precipitation
    all lie before April 2013. As a target the label is not of one kind throughout.

    References
    ----------
    US National Oceanic and Atmospheric Administration, National Climatic Data Center; as
    ``seattle-weather.csv`` in vega-datasets 3.2.1.

    Examples
    --------
    >>> from tsrnn.datasets import load_seattle_weather
    >>> weather = load_seattle_weather()
    >>> weather.loc["2015-03-15", "precipitation"], weather.loc["2015-03-15", "weather"]
    (np.float64(55.9), 'rain')
    """
    import pandas as pd

    path = _find("seattle_weather.csv")
    weather = pd.read_csv(path, index_col="time", parse_dates=True, dtype={"weather": "category"})
    weather.index.freq = "D"
    return weather


def load_sp500() -> pd.Series:
    """Load the monthly level of the Standard & Poor's stock index, 1871 to 2022.

    Returns
    -------
    pandas.Series
        1824 float64 values named ``"price"``, in index points; a DatetimeIndex of month starts
        with ``freq="MS"``.

    Raises
    ------
    FileNotFoundError
        If the library was installed without its data files.

    Notes
    -----
    A value is the mean of the month's daily closes, not the last of them, so it is known when the
    month is over. Such means of a random walk have changes correlated by about 0.25 with those
    one month before: a forecast may well beat the last value and still earn nothing.

    The level grows a thousandfold, so its logarithm, or the change of that, is what to model. The
    index has had 500 companies since 1957, fewer before; before 1926 it is the Cowles Commission's.
    The exchange was closed from August to November 1914, where July's value stands.
    The value of August 2016 is the close of its last day, as published.

    References
    ----------
    R. J. Shiller, *Irrational Exuberance*, Princeton University Press, 2000; the workbook
    ``ie_data.xls`` of its data as of June 2023, column P.

    Examples
    --------
    >>> from tsrnn.datasets import load_sp500
    >>> price = load_sp500()
    >>> price["2009-03-01"]
    np.float64(757.13)
    """
    return _read_dated("sp500.csv", freq="MS")


def load_japanese_vowels(
    split: Literal["train", "test"] = "train",
) -> tuple[list[np.ndarray], np.ndarray]:
    """Load utterances of two Japanese vowels by nine men, to tell who speaks.

    Parameters
    ----------
    split : {"train", "test"}, default="train"
        ``"train"`` gives 270 sequences, 30 of each speaker; ``"test"`` 370, 24 to 88 of each,
        recorded on other occasions. It is the split of the paper, and of published results.

    Returns
    -------
    X : list of numpy.ndarray of shape (n_timesteps, 12), float64
        Sequences of 7 to 29 steps, in the order of the source: speaker after speaker. A step holds
        12 LPC cepstrum coefficients of a frame of 25.6 ms; frames are 6.4 ms apart.
    y : numpy.ndarray of shape (n_sequences,), int64
        The speaker of each, 1 to 9.

    Raises
    ------
    ValueError
        If ``split`` is neither of the two.
    FileNotFoundError
        If the library was installed without its data files.

    References
    ----------
    M. Kudo, J. Toyama and M. Shimbo, "Multidimensional curve classification using passing-through
    regions", *Pattern Recognition Letters* 20(11-13), 1999, 1103-1111. UCI Machine Learning
    Repository, doi:10.24432/C5NS47 (CC BY 4.0).

    Examples
    --------
    >>> from tsrnn.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels()
    >>> len(X), X[0].shape, X[1].shape, y[0]
    (270, (20, 12), (26, 12), np.int64(1))
    """
    import numpy as np
    import pandas as pd

    if split not in ("train", "test"):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}.")
    steps = pd.read_csv(_find("japanese_vowels.csv.gz"))
    steps = steps[steps["split"] == split]
    channels = steps.loc[:, "c1":"c12"].to_numpy()
    begins = np.flatnonzero(steps["sequence"].diff() != 0)
    sequences = [part.copy() for part in np.split(channels, begins[1:])]  # each on its own
    return sequences, steps["speaker"].to_numpy(np.int64)[begins]


def _read_dated(name: str, freq: str | None) -> pd.Series:
    """Read a series of dates; pandas refuses ``freq`` if the dates do not follow it."""
    import pandas as pd

    series = pd.read_csv(_find(name), index_col="time", parse_dates=True).squeeze("columns")
    series.index.freq = freq
    return series.astype("float64")


def _read_yearly(name: str) -> pd.Series:
    """Read a series of years."""
    import pandas as pd

    series = pd.read_csv(_find(name), index_col="time", dtype={"time": "str"}).squeeze("columns")
    series.index = pd.PeriodIndex(series.index, freq="Y")
    return series.astype("float64")


def _find(name: str) -> Path:
    """Find a data file: inside the installed package, or beside it in a source checkout."""
    package = Path(__file__).resolve().parent
    places = [package / "data", package.parents[1] / "datasets"]
    for place in places:
        if (place / name).is_file():
            return place / name
    looked = " or ".join(str(place) for place in places)
    raise FileNotFoundError(
        f"The data file {name!r} is not in {looked}. Reinstall tsrnn, or take the file from the "
        "folder 'datasets' of its source and put it in one of them."
    )

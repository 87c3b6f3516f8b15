"""Frames of polars and other libraries, read and returned through narwhals."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from tsrnn.data.errors import Location
from tsrnn.data.forms import NAMES, Entries, Form, Results, flattened


@dataclasses.dataclass(frozen=True)
class Foreign(Form):
    """A long frame of another library; ``library`` and the dtypes are those of narwhals.

    Of a single series it may lack the column of series: ``id_column`` is then None.
    """

    id_column: str | None
    time_column: str
    target_column: str
    id_dtype: Any
    time_dtype: Any
    library: Any

    @property
    def long_names(self) -> tuple:
        return self.id_column or NAMES[0], self.time_column, self.target_column

    def with_series(self, ids: list) -> "Foreign":
        import narwhals as nw

        if not isinstance(self.id_dtype, nw.Enum) or set(ids) <= set(self.id_dtype.categories):
            return self
        return dataclasses.replace(self, id_dtype=nw.String())

    def at(self, ids: list, entries: Entries, results: Results) -> Any:
        import narwhals as nw

        times = entries.times
        zone = getattr(self.time_dtype, "time_zone", None)
        if zone is not None:
            times = times.tz_convert(None)
        columns = flattened(results, self.target_column, (self.id_column, self.time_column))
        parts = {self.time_column: times.to_numpy()} | columns
        series = [nw.new_series(name, part, backend=self.library) for name, part in parts.items()]
        if self.id_column is not None:
            labels = [ids[series] for series in entries.series]
            of_series = nw.new_series(self.id_column, labels, self.id_dtype, backend=self.library)
            series.insert(0, of_series)
        frame = series[0].to_frame().with_columns(*series[1:])
        time = nw.col(self.time_column)
        if zone is not None:
            time = time.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        return frame.with_columns(time.cast(self.time_dtype)).to_native()

    def frame(self, table: pd.DataFrame) -> Any:
        """A table in the library; ids and times have the dtypes that they came in."""
        import narwhals as nw

        columns = []
        for name, column in table.items():
            is_id = name == self.id_column
            is_time = isinstance(column.dtype, pd.DatetimeTZDtype) or column.dtype.kind == "M"
            zone = getattr(column.dtype, "tz", None)
            if zone is not None:
                column = column.dt.tz_convert(None)
            values = column.tolist() if is_id or column.dtype.kind in "OT" else column.to_numpy()
            dtype = self.id_dtype if is_id else None
            series = nw.new_series(str(name), values, dtype, backend=self.library)
            if zone is not None:
                zone = getattr(self.time_dtype, "time_zone", None) or "UTC"
                series = series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
            columns.append(series.cast(self.time_dtype) if is_time else series)
        return columns[0].to_frame().with_columns(*columns[1:]).to_native()


def narwhals_frame(y: Any, argument: str) -> Any:
    """A frame of another library as a narwhals frame; all else is refused."""
    kind = f"{type(y).__module__}.{type(y).__qualname__}"
    if not kind.startswith(("builtins.", "numpy.")):
        try:
            import narwhals as nw
        except ImportError as error:
            raise ImportError(
                f"{argument} is a {kind}, and to read frames of other libraries than pandas takes "
                "narwhals: pip install narwhals, or give a pandas Series or DataFrame."
            ) from error
        try:
            return nw.from_native(y, eager_only=True)
        except TypeError:
            pass
    raise Location(argument).error(
        "must be a pandas Series or DataFrame with a time index, a long frame of pandas or "
        f"polars (after collect() where it is lazy), got {type(y).__name__}",
        "Wrap values: pd.Series(values, index=pd.date_range(...)).",
    )


def long_to_pandas(frame: Any, names: tuple, argument: str) -> pd.DataFrame:
    """Columns of ids, times and values of a narwhals frame in pandas, nulls as missing."""
    import narwhals as nw

    times, values = frame[names[1]], frame[names[2]]
    if not values.dtype.is_numeric():
        raise Location(argument, column=names[2]).error(
            f"must hold real numbers, got dtype {values.dtype}", "Cast it to floats first."
        )
    stamps = _time_stamps(times, Location(argument, column=names[1]))
    columns = {names[1]: stamps, names[2]: values.cast(nw.Float64).to_numpy()}
    if names[0] is not None:
        ids = frame[names[0]]
        is_number = ids.dtype.is_numeric()
        columns[names[0]] = ids.to_numpy() if is_number else pd.Series(ids.to_list(), dtype=object)
    return pd.DataFrame(columns)


def to_pandas(frame: Any, argument: str) -> pd.DataFrame:
    """All columns of another library's frame in pandas: numbers, times, and texts as objects."""
    import narwhals as nw

    frame = narwhals_frame(frame, argument)
    columns = {}
    for label in frame.columns:
        column = frame[label]
        if isinstance(column.dtype, (nw.Date, nw.Datetime)):
            columns[label] = _time_stamps(column, Location(argument, column=label))
        elif (column.dtype.is_integer() or column.dtype == nw.Boolean) and not (
            column.is_null().any()
        ):
            columns[label] = column.to_numpy()
        elif column.dtype.is_numeric():
            columns[label] = column.cast(nw.Float64).to_numpy()
        else:
            columns[label] = pd.Series(column.to_list(), dtype=object)
    return pd.DataFrame(columns)


def _time_stamps(column, where):
    """A narwhals column of dates or integers in pandas."""
    import narwhals as nw

    dtype, missing = column.dtype, column.is_null().to_numpy()
    if dtype.is_integer():
        return pd.Series(column.fill_null(0).to_numpy()).astype("Int64").mask(missing)
    if not isinstance(dtype, (nw.Date, nw.Datetime)):
        raise where.error(
            f"must hold dates or whole numbers, got dtype {dtype}",
            "Convert it to dates first, of polars by str.to_datetime().",
        )
    unit = getattr(dtype, "time_unit", "s")
    unit = "ms" if unit == "s" else unit  # the coarsest that narwhals counts in
    stamps = column.dt.timestamp(unit).fill_null(0).to_numpy().astype(f"M8[{unit}]")
    stamps[missing] = np.datetime64("NaT")
    index = pd.DatetimeIndex(stamps)
    zone = getattr(dtype, "time_zone", None)
    return index if zone is None else index.tz_localize("UTC").tz_convert(zone)

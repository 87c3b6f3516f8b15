"""Hierarchies of series, some of which are sums of others, and frames with a value of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from tsrnn.data import Location, affected, difference_of_types, format_time, near_names, to_pandas

_CUTOFF = "cutoff"  # of a backtest's forecasts: with the time stamp it names a row of a series
_RESULTS = "sample_", "lower_", "upper_", "quantile_"  # names below a label in a wide frame


@dataclasses.dataclass(frozen=True, eq=False)
class Hierarchy:
    """Series that are sums, and the bottom series that they are sums of.

    ``weights`` (n_sums, n_bottom) are those of the bottom series in each sum, mostly 0 and 1.
    """

    sums: list
    bottom: list
    weights: np.ndarray

    @classmethod
    def read(cls, hierarchy: Any) -> Hierarchy:
        """From the parts of each sum by its label, or a summing matrix; DataError if it is bad."""
        if isinstance(hierarchy, Mapping):
            return cls._from_parts({label: list(parts) for label, parts in hierarchy.items()})
        if isinstance(hierarchy, pd.DataFrame):
            return cls._from_matrix(hierarchy)
        raise Location("hierarchy").error(
            "must be a dict from each sum to its parts, or a summing matrix as a DataFrame, got "
            f"{type(hierarchy).__name__}",
            "For instance {'total': ['north', 'south']}.",
        )

    @classmethod
    def _from_parts(cls, parts):
        where = Location("hierarchy")
        if not parts:
            raise where.error("is empty", "Name a sum and its parts: {'total': ['a', 'b']}.")
        for label, labels in parts.items():
            if not labels or len(set(labels)) < len(labels):
                problem = "has a part twice" if labels else "has no parts"
                raise Location("hierarchy", label).error(problem, "Name each part once.")
        bottom = list(dict.fromkeys(p for labels in parts.values() for p in labels))
        bottom = [label for label in bottom if label not in parts]
        places = {label: k for k, label in enumerate(bottom)}
        rows: dict[Any, np.ndarray] = {}

        def row(label, above=()):
            if label in places:
                return np.eye(1, len(bottom), places[label])[0]
            if label in above:
                raise Location("hierarchy", label).error("is a part of itself", "Break the cycle.")
            if label not in rows:
                rows[label] = sum(row(part, (*above, label)) for part in parts[label])
            return rows[label]

        return cls(list(parts), bottom, np.array([row(label) for label in parts]))

    @classmethod
    def _from_matrix(cls, frame):
        if frame.columns[0] not in frame.index and not pd.api.types.is_numeric_dtype(
            frame.dtypes.iloc[0]
        ):
            frame = frame.set_index(frame.columns[0])  # labels in the first column
        where, bottom = Location("hierarchy"), frame.columns.tolist()
        if not frame.index.is_unique or not frame.columns.is_unique:
            raise where.error(
                "has a series twice", "Give each one row, and each bottom one column."
            )
        absent = [label for label in bottom if label not in frame.index]
        if absent:
            raise where.error(
                f"has a column {absent[0]!r}, and no row of that label{affected(absent)}",
                "Give a row for every series, and a column for every bottom series.",
            )
        matrix = frame.to_numpy(np.float64)
        identity = matrix[frame.index.get_indexer(bottom)]
        if not np.isfinite(matrix).all() or (identity != np.eye(len(bottom))).any():
            raise where.error(
                "is no summing matrix: rows of bottom series must be 1 in their own column and 0 "
                "elsewhere, and all values finite"
            )
        is_sum = ~frame.index.isin(bottom)
        if not is_sum.any() or not matrix[is_sum].any(axis=1).all():
            raise where.error("has no sum, or a sum of nothing", "Give each sum its parts.")
        return cls(frame.index[is_sum].tolist(), bottom, matrix[is_sum])

    @property
    def labels(self) -> list:
        """Labels of all series: sums, then bottom series."""
        return self.sums + self.bottom

    @property
    def summing(self) -> np.ndarray:
        """The summing matrix, (n_series, n_bottom)."""
        return np.vstack([self.weights, np.eye(len(self.bottom))])

    def places(self, labels: Sequence[Any], argument: str, bottom: bool = False) -> np.ndarray:
        """Place of each series, or bottom series, among ``labels``; DataError if these are others.

        An array (n_series,) or (n_bottom,).
        """
        wanted = self.bottom if bottom else self.labels
        known = {label: k for k, label in enumerate(labels)}
        absent = [label for label in wanted if label not in known]
        more = set(known).difference(wanted)
        if absent:
            raise Location(argument).error(
                f"has no series {absent[0]!r}, which is in the hierarchy{affected(absent)}",
                difference_of_types(list(labels), wanted)
                or near_names(absent, list(labels), argument)
                or ("Give all bottom series." if bottom else "Give all series, the sums too."),
            )
        if more:
            extra = [label for label in labels if label in more]
            raise Location(argument).error(
                f"has the series {extra[0]!r}, which "
                + ("is a sum" if extra[0] in self.sums else "is not in the hierarchy")
                + affected(extra),
                "Leave it out, or name the sum that it is a part of.",
            )
        return np.array([known[label] for label in wanted])

    def parts(self) -> list[tuple[int, list[int]]]:
        """Sums and their parts by number, from the top on; ValueError if it is no tree."""
        rows = self.summing
        order = np.argsort(-np.count_nonzero(self.weights, axis=1), kind="stable").tolist()
        order += range(len(self.sums), len(rows))
        found: dict[int, list[int]] = {number: [] for number in order[: len(self.sums)]}
        for k, number in enumerate(order[1:], 1):
            above = [other for other in order[:k] if other in found and _holds(rows, other, number)]
            if above:
                found[above[-1]].append(number)
        is_whole = all(
            parts and (rows[parts].sum(axis=0) == rows[number]).all()
            for number, parts in found.items()
        )
        if not is_whole or not rows[order[0]].all():
            raise ValueError(
                "method='top_down' needs a tree: one sum of all series, and every other series a "
                "part of one sum. Take another method."
            )
        return list(found.items())


def _holds(rows, number, other):
    """Whether a sum has all bottom series of another series among its own."""
    return bool(((rows[other] == 0) | (rows[number] == rows[other])).all())


class Names(NamedTuple):
    """Columns of a long frame."""

    id: str = "unique_id"
    time: str = "ds"
    target: str = "y"


@dataclasses.dataclass(frozen=True, eq=False)
class SeriesTable:
    """Values of series at the same times, by label and by column of the frame they came in."""

    labels: list
    rows: pd.Index  # times, or pairs of cutoff and time stamp
    columns: dict[Any, np.ndarray]  # (n_series, n_rows); NaN where there is none
    restore: Callable[[dict[Any, np.ndarray]], Any]  # a frame like the one read, of other values

    def check_complete(self, argument: str) -> None:
        """DataError if a value is missing or infinite."""
        for name, values in self.columns.items():
            bad = ~np.isfinite(values)
            if bad.any():
                series, row = np.argwhere(bad)[0]
                column = name if len(self.columns) > 1 else None
                raise Location(argument, self.labels[series], column).error(
                    f"is missing or infinite at {format_time(self.rows[row])}"
                    + affected([self.labels[k] for k in np.flatnonzero(bad.any(axis=1))]),
                    "Give all series at the same times.",
                    row=self.rows[row],
                )


def read_table(frame: Any, names: Names, argument: str) -> SeriesTable:
    """A wide or long frame, or a Series with ids in the index, as a table.

    Of a long frame all columns of numbers are read; in one with cutoffs, a backtest's, all but the
    actual values.
    """
    if isinstance(frame, (pd.Series, pd.DataFrame)) and isinstance(frame.index, pd.MultiIndex):
        ids, keys = frame.index.get_level_values(0), [frame.index.get_level_values(1)]
        if isinstance(frame, pd.Series):

            def series_of(columns):
                return pd.Series(columns[frame.name], frame.index, name=frame.name)

            return _from_rows(ids, keys, {frame.name: frame}, series_of, argument)
        return _from_rows(ids, keys, dict(frame.items()), _replacing(frame), argument)
    is_pandas = isinstance(frame, pd.DataFrame)
    if is_pandas and names.id not in frame.columns:
        _refuse_long(frame, names, argument)
        return _from_wide(frame, argument)
    whole = frame if is_pandas else to_pandas(frame, argument)
    for column in names[:2]:
        if column not in whole.columns:
            columns = whole.columns.tolist()
            raise Location(argument).error(
                f"has the columns {columns}, without {column!r}",
                near_names([column], columns, argument, not is_pandas)
                or "Name those of ids and times by id_column and time_column.",
            )
    keys = [_CUTOFF] * (_CUTOFF in whole.columns) + [names.time]
    left = {names.id, *keys} | ({names.target} if _CUTOFF in keys else set())
    values = {name: column for name, column in whole.items() if name not in left}
    restore = _replacing(frame) if is_pandas else _replacing_foreign(frame)
    return _from_rows(whole[names.id], [whole[key] for key in keys], values, restore, argument)


def _refuse_long(frame, names, argument):
    """Refuse a frame without the column of ids whose columns of text say that it is long."""
    texts = [name for name, column in frame.items() if _is_text(column)]
    if texts:
        raise Location(argument).error(
            f"has text in {', '.join(map(repr, texts))}, as a long frame has ids, and there is no "
            f"column {names.id!r}",
            f"Give id_column={texts[0]!r}, and time_column and target_column unless they are "
            f"{names.time!r} and {names.target!r}; in a wide frame, of a column for each series, "
            "drop what is no number.",
        )


def _is_text(column):
    is_categorical = isinstance(column.dtype, pd.CategoricalDtype)
    return is_categorical or pd.api.types.infer_dtype(column, skipna=True) == "string"


def _from_wide(frame, argument):
    columns, results = frame.columns, [None]
    if columns.nlevels > 1 and all(str(name).startswith(_RESULTS) for name in columns.levels[-1]):
        results = columns.get_level_values(-1).unique().tolist()
        labels = columns.droplevel(-1).unique()
        columns = pd.MultiIndex.from_product([labels, results])
        columns = columns if frame.columns.nlevels == 2 else [(*a, b) for a, b in columns]
        frame = frame[list(columns)]
    else:
        labels = columns
    if not labels.is_unique or not frame.index.is_unique:
        raise Location(argument).error("has a series or a time stamp twice", "Keep one.")
    table = np.column_stack([_numbers(frame[c], c, argument) for c in frame.columns])
    table = table.T.reshape(len(labels), len(results), len(frame))

    def restore(columns):
        values = np.stack([columns[name] for name in results], axis=1)
        return pd.DataFrame(values.reshape(-1, len(frame)).T, frame.index, frame.columns)

    by_name = {name: table[:, k] for k, name in enumerate(results)}
    return SeriesTable(labels.tolist(), frame.index, by_name, restore)


def _from_rows(ids, keys, values, restore, argument):
    """A table of rows of several series, each at a time stamp or at a cutoff and a time stamp."""
    series, labels = pd.factorize(pd.Index(ids))
    index = pd.MultiIndex.from_arrays(keys) if len(keys) > 1 else pd.Index(keys[0])
    rows, times = pd.factorize(index)
    for codes, what in ((series, "id"), (rows, "time stamp")):
        if (codes < 0).any():
            raise Location(argument).error(f"has a row without {what}", "Leave it out.")
    cells = series * len(times) + rows
    counts = np.bincount(cells, minlength=len(labels) * len(times))
    if counts.max(initial=0) > 1:
        number, row = divmod(int(counts.argmax()), len(times))
        raise Location(argument, labels[number]).error(
            f"has two rows at {format_time(times[row], times)}", "Keep one."
        )
    columns = {}
    for name, column in values.items():
        flat = np.full(len(labels) * len(times), np.nan)
        flat[cells] = _numbers(column, name, argument)
        columns[name] = flat.reshape(len(labels), len(times))
    if not columns or not len(times):
        raise Location(argument).error("has no values", "Give a column of them.")

    def restored(columns):
        return restore({name: table.ravel()[cells] for name, table in columns.items()})

    return SeriesTable(labels.tolist(), times, columns, restored)


def _numbers(column, name, argument):
    """A column as float64, missing values as NaN."""
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise Location(argument, column=name).error(
            f"must hold numbers, got dtype {column.dtype}", "Drop it, or convert it."
        )
    return column.to_numpy(np.float64, na_value=np.nan)


def _replacing(frame):
    """A function from columns to the frame with these."""

    def restore(columns):
        result = frame.copy()
        for name, values in columns.items():
            result[name] = values
        return result

    return restore


def _replacing_foreign(frame):
    """The same for a frame of another library."""

    def restore(columns):
        import narwhals as nw

        native = nw.from_native(frame, eager_only=True)
        library = native.implementation
        series = [nw.new_series(name, part, backend=library) for name, part in columns.items()]
        return native.with_columns(*series).to_native()

    return restore


def with_series(
    frame: Any, names: Names, labels: Sequence[Any], rows: pd.Index, values: np.ndarray
) -> Any:
    """A frame that ``read_table`` read, of one column of values, with more series before its own.

    ``values`` are (n_series, n_rows); a long frame gets no row where one is NaN.
    """
    is_pandas = isinstance(frame, (pd.Series, pd.DataFrame))
    is_levels = is_pandas and isinstance(frame.index, pd.MultiIndex)
    if is_pandas and not is_levels and names.id not in frame.columns:
        more = pd.DataFrame(values.T, frame.index, pd.Index(labels, name=frame.columns.name))
        return pd.concat([more, frame], axis=1)
    is_known = ~np.isnan(values)
    series, places = np.nonzero(is_known)
    ids, times, flat = pd.Index(labels)[series], rows[places], values[is_known]
    if is_levels:
        index = pd.MultiIndex.from_arrays([ids, times], names=frame.index.names)
        columns = [frame.name] if isinstance(frame, pd.Series) else frame.columns
        more = pd.DataFrame(flat, index, columns)
        return pd.concat([more[frame.name] if isinstance(frame, pd.Series) else more, frame])
    parts = {names.id: ids, names.time: times, names.target: flat}
    if is_pandas:
        return pd.concat([pd.DataFrame(parts)[list(frame.columns)], frame], ignore_index=True)
    import narwhals as nw

    native = nw.from_native(frame, eager_only=True)
    more = nw.from_dict(
        {name: parts[name].tolist() for name in native.columns}, backend=native.implementation
    )
    casts = [
        nw.col(name).cast(nw.Float64 if name == names.target else dtype)
        for name, dtype in native.schema.items()
    ]
    return nw.concat([more.with_columns(*casts), native.with_columns(*casts)]).to_native()

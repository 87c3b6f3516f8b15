"""Series of a long frame in Parquet, or of a lazy frame, read some whole series at a time."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd

from tsrnn.data.collection import Collection
from tsrnn.data.errors import DataError, Location
from tsrnn.data.forms import Form, Long
from tsrnn.data.interop import Foreign
from tsrnn.data.reading import Settings, collection_of_rows, long_columns
from tsrnn.data.rows import LabelledRows, check_known, time_stamps
from tsrnn.data.values import LARGEST

_BATCH_ROWS = 2**17  # rows that are decoded at a time
_BUFFER_BYTES = 2**18  # of a column of a file
_ID_BYTES = 200  # of a series, about: its label, its place and its length
_SORT = (
    "Sort the rows once, which takes no more memory: "
    "polars.scan_parquet(path).sort({0!r}, {1!r}).sink_parquet(path of a new file)."
)

# columns to read -> record batches of Arrow with them, in the same order at each call
Reader = Callable[[list[str]], Iterator[Any]]


def is_out_of_memory(y: Any) -> bool:
    """Whether ``y`` is a path, a Dataset of pyarrow or a LazyFrame of polars."""
    if isinstance(y, (str, os.PathLike)):
        return True
    module, _, name = f"{type(y).__module__}.{type(y).__qualname__}".partition(".")
    is_dataset = module == "pyarrow" and name.endswith("Dataset")
    return is_dataset or (module == "polars" and name.endswith("LazyFrame"))


def release_memory() -> None:
    """Give memory that is free, of Arrow and of all else, back to the system, where it can be."""
    import pyarrow as pa

    for pool in (pa.default_memory_pool(), pa.system_memory_pool()):
        pool.release_unused()


@dataclasses.dataclass(frozen=True, eq=False)
class StoredSeries:
    """Series in files, the rows of each together, by where they lie.

    Series are numbered by their labels, sorted, whatever the order of the files.
    """

    ids: list  # labels, sorted
    lengths: np.ndarray  # (n_series,) rows of each
    order: np.ndarray  # (n_series,) numbers of the series in the order of the files
    least: float  # of all values
    form: Form  # in which results are given back
    read: Reader
    names: tuple[str, str, str]  # columns of ids, times and values
    argument: str

    @classmethod
    def open(cls, y: Any, names: tuple[str, str, str], argument: str = "y") -> Self:
        """Read where series are, and whether values are finite, by one pass over ids and values.

        Raises
        ------
        DataError
            If columns or files are missing, a series has no id, rows of one series are not
            together, or a value is missing, infinite or no number.
        """
        read, schema, form = _reader_of(y, names, argument)
        columns = [name for name in schema.names if name in names]
        long_columns(columns if len(columns) == 3 else schema.names, names, argument)
        _check_numbers(schema.field(names[2]).type, Location(argument, column=names[2]))
        labels, lengths, least = _runs(read, names, argument)
        try:
            order = np.array(sorted(range(len(labels)), key=labels.__getitem__), dtype=np.int64)
        except TypeError as error:
            raise Location(argument, column=names[0]).error(
                f"has ids of several types: {error}", "Make texts of all."
            ) from error
        numbers = np.empty(len(labels), np.int64)
        numbers[order] = np.arange(len(labels))
        ids = [labels[k] for k in order]
        return cls(ids, lengths[order], numbers, least, form, read, names, argument)

    @property
    def n_values(self) -> int:
        """Values of all series."""
        return int(self.lengths.sum())

    @property
    def index_bytes(self) -> int:
        """Bytes that labels, places and lengths take, about."""
        return _ID_BYTES * len(self.ids)

    def parts(
        self, wanted: np.ndarray, n_most: int, step: Any = None
    ) -> Iterator[tuple[np.ndarray, Collection]]:
        """Numbers of series and these series, at most ``n_most`` values at a time, or one series.

        ``wanted`` (n_series,) bool says which. They come in the order of the files; what is read
        of a series does not depend on which others come with it. ``step`` is that of the time
        stamps, where it is known.
        """
        in_file = wanted[self.order]
        lengths = self.lengths[self.order]
        rows = _Rows(self, step)
        ends = np.cumsum(lengths)
        first_row = 0
        for batch in self.read(list(self.names[1:])):
            last_row = first_row + batch.num_rows
            first = int(np.searchsorted(ends, first_row, side="right"))
            last = int(np.searchsorted(ends, last_row, side="left")) + 1
            if last > len(ends) or last_row > ends[-1]:
                raise self._changed()
            bounds = np.clip(np.concatenate([[first_row], ends[first:last]]), first_row, last_row)
            n_of_series = np.diff(bounds)
            kept = in_file[first:last]
            if kept.any():
                rows.add(batch, np.repeat(kept, n_of_series))
            first_row = last_row
            complete = self.order[first:last][kept & (ends[first:last] <= last_row)]
            for number in complete.tolist():
                if rows.n_complete and rows.n_complete + self.lengths[number] > n_most:
                    yield rows.pop_complete()
                rows.complete(number)
        if first_row != ends[-1]:
            raise self._changed()
        if rows.n_complete:
            yield rows.pop_complete()
        release_memory()

    def _changed(self):
        return DataError(
            "has other rows than when it was read first",
            "Leave the files alone while they are read, and give a LazyFrame that keeps the "
            "order of its rows.",
            argument=self.argument,
        )


class _Rows:
    """Rows of series that were read, those of complete ones first."""

    def __init__(self, stored: StoredSeries, step: Any):
        self.stored, self.step = stored, step
        self.times: list[Any] = []  # arrays of Arrow; likewise values
        self.values: list[np.ndarray] = []
        self.numbers: list[int] = []  # of complete series
        self.n_complete = 0  # their rows

    def add(self, batch: Any, kept: np.ndarray) -> None:
        """Keep some rows of a batch, (n_rows,) bool."""
        times, values = (batch.column(name) for name in self.stored.names[1:])
        values = values.to_numpy(zero_copy_only=False)
        if not kept.all():
            import pyarrow as pa

            times, values = times.filter(pa.array(kept)), values[kept]
        self.times.append(times)
        self.values.append(np.array(values, np.float64))

    def complete(self, number: int) -> None:
        """Count a series all of whose rows were added."""
        self.numbers.append(number)
        self.n_complete += int(self.stored.lengths[number])

    def pop_complete(self) -> tuple[np.ndarray, Collection]:
        """The complete series, checked, which are then forgotten."""
        import pyarrow as pa

        stored, n = self.stored, self.n_complete
        times, values = pa.concat_arrays(self.times), np.concatenate(self.values)
        self.times, self.values = [times[n:]], [values[n:]]
        numbers = np.array(self.numbers)
        self.numbers, self.n_complete = [], 0
        labels = [stored.ids[number] for number in numbers]
        codes = np.repeat(np.arange(len(labels)), stored.lengths[numbers])
        name, column = stored.argument, stored.names[1]
        where = Location(name, column=column)
        stamps = time_stamps(_pandas_times(times[:n], column), where, f"{column} = to_datetime()")
        check_known(stamps, "time stamp", f"column {column!r}", name)
        rows = LabelledRows(pd.Series(codes), stamps, stamps.dtype, pd.DataFrame(index=range(n)))
        settings = Settings(name, step=self.step)
        collection = collection_of_rows(rows, values[:n], stored.form, settings, labels)
        return numbers, collection


def _runs(read, names, argument):
    """Labels of the series, their rows and the least value, in the order of the files."""
    numbers: dict[Any, int] = {}
    lengths: list[int] = []
    least, row, last = np.inf, 0, None
    for batch in read([names[0], names[2]]):
        if not batch.num_rows:
            continue
        ids, values = batch.column(names[0]), batch.column(names[2])
        if ids.null_count:
            check_known(ids.to_pandas(), "id", f"column {names[0]!r}", argument)
        encoded = ids if hasattr(ids, "indices") else ids.dictionary_encode()
        codes, labels = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
        starts = np.flatnonzero(np.diff(codes, prepend=-1))
        for start, end in pairwise([*starts.tolist(), len(codes)]):
            label = labels[codes[start]]
            if label == last and numbers:
                lengths[-1] += end - start
            elif label in numbers:
                raise Location(argument, series=label).error(
                    f"has rows in several places of the files, again from row {row + start} on, "
                    "and those of a series must be together to be read some at a time",
                    _SORT.format(*names[:2]),
                )
            else:
                numbers[label] = len(lengths)
                lengths.append(end - start)
            last = label
        least = min(least, _check_values(values, codes, labels, names, argument))
        row += batch.num_rows
    if not numbers:
        raise Location(argument).error("is empty", "Give a frame with observations.")
    return list(numbers), np.array(lengths, np.int64), least


def _check_values(values, codes, labels, names, argument):
    """The least of some values; refuses missing and infinite ones, with the series of the first."""
    array = values.to_numpy(zero_copy_only=False)
    least = float(array.min()) if not values.null_count else np.nan
    if least >= -LARGEST and array.max() <= LARGEST:
        return least
    known = np.array(array, np.float64)
    bad = int(np.argmax(~(np.abs(known) <= LARGEST)))
    is_missing = np.isnan(known[bad])
    problem = "has a missing value" if is_missing else f"has the value {known[bad]:g}"
    raise Location(argument, labels[codes[bad]], names[2]).error(
        problem,
        "Fill it, or read all into memory, max_memory=None, with missing='mask'."
        if is_missing
        else "Replace it.",
    )


def _pandas_times(times, name):
    """Time stamps of Arrow as a Series of pandas."""
    import pyarrow as pa

    if pa.types.is_date(times.type):
        times = times.cast(pa.timestamp("ms"))
    return times.to_pandas().rename(name)


def _check_numbers(kind, where):
    import pyarrow as pa

    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise where.error(f"must hold real numbers, got dtype {kind}", "Cast it to floats first.")


def _reader_of(y, names, argument):
    """What reads columns of files or of a lazy frame, their schema, and the form of results."""
    try:
        import pyarrow.dataset as ds
    except ImportError as error:
        raise ImportError(
            f"To read {argument} from Parquet takes pyarrow: pip install 'tsrnn[parquet]'."
        ) from error
    if hasattr(y, "collect_schema"):  # a LazyFrame of polars
        return _lazy_reader(y, names, argument)
    if isinstance(y, (str, os.PathLike)):
        if not os.path.exists(y):
            raise FileNotFoundError(f"{argument}: there is no file or folder {os.fspath(y)!r}.")
        encoded = ds.ParquetFileFormat(dictionary_columns=[names[0]])  # texts once for many rows
        y = ds.dataset(y, format=encoded, partitioning="hive")
    return functools.partial(_batches, y, names), y.schema, _long_form(y.schema, names)


def _batches(dataset, names, columns):
    """Record batches of a dataset: one thread, page by page, so that what is decoded is bounded."""
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    options = ds.ParquetFragmentScanOptions(use_buffered_stream=True, pre_buffer=False)
    reading = {"columns": columns, "batch_size": _BATCH_ROWS, "use_threads": False}
    if getattr(dataset, "_scan_options", None):  # of some rows only, by a filter
        yield from dataset.to_batches(fragment_scan_options=options, **reading)
        return
    for fragment in dataset.get_fragments():
        if not _is_plain(fragment, dataset.schema, columns):
            yield from fragment.to_batches(
                schema=dataset.schema, fragment_scan_options=options, **reading
            )
            continue
        source = fragment.filesystem.open_input_file(fragment.path)
        pages = {"pre_buffer": False, "buffer_size": _BUFFER_BYTES}
        with source, pq.ParquetFile(source, read_dictionary=[names[0]], **pages) as file:
            yield from file.iter_batches(
                row_groups=[group.id for group in fragment.row_groups], **reading
            )


def _is_plain(fragment, schema, columns):
    """Whether a fragment is a file of Parquet with the columns as they are in the schema."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    if not isinstance(fragment, ds.ParquetFileFragment):
        return False
    own = fragment.physical_schema

    def kind(field):
        return field.type.value_type if pa.types.is_dictionary(field.type) else field.type

    return all(
        name in own.names and kind(own.field(name)) == kind(schema.field(name)) for name in columns
    )


def _long_form(schema, names):
    """The form of results in pandas; other columns than those of the frame are refused later."""
    import pyarrow as pa

    if not {*names} <= {*schema.names}:
        return Long(*names, None, None)
    kinds = {name: schema.field(name).type for name in names}
    if pa.types.is_dictionary(kinds[names[0]]):
        kinds[names[0]] = kinds[names[0]].value_type
    empty = pa.schema(kinds).empty_table().to_pandas()
    id_dtype, time_dtype = empty[names[0]].dtype, empty[names[1]].dtype
    if pa.types.is_date(kinds[names[1]]):
        time_dtype = np.dtype("M8[ms]")
    return Long(*names, id_dtype, time_dtype)


def _lazy_reader(frame, names, argument):
    """The same of a LazyFrame of polars."""
    import narwhals as nw

    collected = nw.from_native(frame.head(0).collect(), eager_only=True)
    if not hasattr(frame, "collect_batches"):
        raise ImportError(f"To read {argument}, a LazyFrame, in parts takes polars 1.34 or newer.")

    def read(columns):
        selected = frame.select(columns)
        for part in selected.collect_batches(chunk_size=_BATCH_ROWS, maintain_order=True):
            yield from part.to_arrow().to_batches()

    if not {*names} <= {*collected.columns}:
        form = Foreign(*names, None, None, collected.implementation)
    else:
        dtypes = collected[names[0]].dtype, collected[names[1]].dtype
        form = Foreign(*names, *dtypes, collected.implementation)
    return read, collected.to_arrow().schema, form

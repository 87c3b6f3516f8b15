"""Fitting on more series than memory holds, by windows that are read from files for each epoch.

A sample of whole series stays in memory: by it what parameters leave open is chosen, epochs are
validated and the pretrained network is fine-tuned. The windows that the network is trained on are
drawn from those of all series, and gathered by a pass over the files for as many epochs as there is
room for.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tsrnn.data import Collection, Location, Panel
from tsrnn.data.parquet import StoredSeries, release_memory
from tsrnn.distributed import sampled
from tsrnn.forecasting.fitter import Split
from tsrnn.forecasting.more_series import (
    MoreSeries,
    Preparation,
    refuse_arguments,
    refuse_parameters,
)
from tsrnn.forecasting.resolve import held_out_of_lengths
from tsrnn.kernels.sources import Source
from tsrnn.parameters import ParameterError
from tsrnn.training import Settings, WindowSupply, windows_in_memory

if TYPE_CHECKING:
    from tsrnn.forecasting.base import ForecasterBase

_UNITS = {"": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_WORKING_BYTES = 128  # that reading a value and making windows of it take for a while
_ROW_BYTES = 40  # of an observation in a frame in memory, with what is made of it
_MAX_SAMPLED = 2**19  # values in memory, however much there is: results do not depend on it then
_MOST_AT_ONCE = 2**18  # values of series that are read at a time
# Shares of the memory, of which decoding the files and training take the rest.
_SAMPLE_SHARE, _PART_SHARE, _WINDOWS_SHARE = 0.3, 0.2, 0.25

_REMEDY = "Leave that out, give more memory (None for all), or fit a part of y."
# What works on the values of all series at once, with the only value that it has out of memory.
_ONLY = {"scope": "global", "missing": "raise", "errors": "raise", "device": "cpu"}


def bytes_of(memory: int | str) -> int:
    """Bytes of a number, or of a text such as "500MB" or "2 GiB"; ParameterError for others.

    Examples
    --------
    >>> from tsrnn.forecasting.out_of_memory import bytes_of
    >>> bytes_of("500MB"), bytes_of("2 GiB"), bytes_of(1e6)
    (500000000, 2147483648, 1000000)
    """
    if not isinstance(memory, str):
        return int(memory)
    match = re.fullmatch(r"\s*([\d.]+)\s*([kmg]i?b|)\s*", memory.lower())
    try:
        return int(float(match[1]) * _UNITS[match[2]])  # type: ignore[index]
    except (TypeError, ValueError) as error:
        raise ParameterError(
            f"max_memory must be a number of bytes or a text such as '500MB', got {memory!r}."
        ) from error


def read_all(y: Any, names: tuple[str, str, str]) -> Any:
    """Stored series as a frame in memory: of pandas, or of polars from a LazyFrame."""
    if hasattr(y, "collect_schema"):
        columns = [name for name in y.collect_schema().names() if name in names]
        return (y.select(columns) if len(columns) > 1 else y).collect()
    import pyarrow.dataset as ds

    dataset = y if hasattr(y, "to_table") else ds.dataset(y, format="parquet", partitioning="hive")
    columns = [name for name in dataset.schema.names if name in names]
    return dataset.to_table(columns if len(columns) > 1 else None).to_pandas()


@dataclasses.dataclass(frozen=True, eq=False)
class OutOfMemory(MoreSeries):
    """Series in files, of which a sample is in memory."""

    stored: StoredSeries
    sample: Collection
    n_bytes: int  # that may be taken
    n_at_once: int  # values of series that are read at a time
    seed: int

    @classmethod
    def open(cls, forecaster: ForecasterBase, y: Any, seed: int, **others: Any) -> Any:
        """Series of a forecaster's ``fit``: this, or where they fit into memory a frame of them.

        With ``n_sample`` a collection of so many. The sample is drawn by ``seed``; ``others`` are
        the other arguments of ``fit`` by name, which are None out of memory.

        Raises
        ------
        ValueError
            If a parameter or argument cannot be had out of memory, or there is too little.
        """
        names = forecaster.id_column, forecaster.time_column, forecaster.target_column
        max_memory = forecaster.max_memory
        if max_memory is None:
            return read_all(y, names)
        n_bytes = bytes_of(max_memory)
        stored = StoredSeries.open(y, names)
        n_sampled = int(min(_MAX_SAMPLED, _SAMPLE_SHARE * n_bytes / _WORKING_BYTES))
        if stored.n_values <= n_sampled and stored.n_values * _ROW_BYTES <= n_bytes:
            return read_all(y, names)
        where = f"larger than max_memory={max_memory!r}"
        refuse_parameters(where, _REMEDY, forecaster, **_ONLY)
        refuse_arguments(where, _REMEDY, **others)
        n_at_once = int(min(_MOST_AT_ONCE, _PART_SHARE * n_bytes / _WORKING_BYTES))
        order = np.searchsorted(stored.ids, sampled(stored.ids, len(stored.ids), seed))
        if forecaster.n_sample is not None:
            return _read(stored, order[: forecaster.n_sample], n_at_once)
        chosen = _sample(stored, order, n_sampled, max_memory)
        sample = _read(stored, chosen, n_at_once)
        return cls(stored, sample, n_bytes, n_at_once, seed)

    @property
    def least(self) -> float:  # type: ignore[override]
        """The least of all values."""
        return self.stored.least

    def split(
        self, preparation: Preparation, split: Split, settings: Callable[[int], Settings]
    ) -> Split:
        """See ``MoreSeries``; ValueError where memory has no room for the windows of an epoch."""
        spec, lengths = preparation.spec, self.stored.lengths
        n_rows = spec.lookback + spec.n_ahead
        shape = spec.lookback, spec.n_ahead
        n_held_out = held_out_of_lengths(lengths, *shape, preparation.parameters)
        n_whole = np.maximum(lengths - n_rows + 1, 0)
        n_training = np.maximum(n_whole - n_held_out, 0)
        training = settings(int(n_training.sum()))
        n_drawn = int(n_training.sum())
        if training.n_batches is not None:
            n_drawn = min(n_drawn, training.n_batches * training.batch_size)
        n_bytes = 8 * n_rows * (1 + spec.n_channels)
        n_possible = int(_WINDOWS_SHARE * self.n_bytes / n_bytes)
        if n_drawn > n_possible:
            least = int(n_drawn * n_bytes / _WINDOWS_SHARE)
            raise ValueError(
                f"An epoch of {n_drawn} windows of {n_rows} values needs max_memory={least}. Give "
                "that, or a smaller batches_per_epoch, lookback or horizon."
            )
        room = min(n_possible, n_drawn * training.max_iter), n_rows
        parts = (n_training, split.training), (n_whole, split.whole)
        trained, whole = (
            StoredWindows(
                self,
                n_windows,
                room,
                preparation,
                n_held_out,
                windows_in_memory(of_sample),
                (self.seed, number),
            )
            for number, (n_windows, of_sample) in enumerate(parts)
        )
        return Split(trained, split.validation, whole)


def _sample(stored, order, n_values, max_memory):
    """The first series of an order, of so many values together, two at least."""
    longest = int(stored.lengths.max())
    if longest > n_values:
        needed = int(longest * _WORKING_BYTES / _SAMPLE_SHARE)
        raise Location(series=stored.ids[int(stored.lengths.argmax())]).error(
            f"has {longest} values, more than max_memory={max_memory!r} has room for",
            f"Give max_memory={needed} or more."
            if longest <= _MAX_SAMPLED
            else "Give the last years of it, or read all into memory: max_memory=None.",
        )
    chosen = order[np.cumsum(stored.lengths[order]) <= n_values]
    if len(chosen) < 2:
        needed = int(2 * longest * _WORKING_BYTES / _SAMPLE_SHARE)
        raise Location().error(
            f"has series of {longest} values, of which max_memory={max_memory!r} has room for one",
            f"Give max_memory={needed} or more.",
        )
    return chosen


def _read(stored, chosen, n_at_once):
    """Some stored series as a collection, in the order of their ids."""
    wanted = np.zeros(len(stored.ids), bool)
    wanted[chosen] = True
    values, ids, axes, numbers = [], [], [], []
    for of_part, collection in stored.parts(wanted, n_at_once):
        panel = collection.panel
        values += np.split(panel.values, panel.indptr[1:-1])
        ids += collection.ids
        axes += collection.axes
        numbers += of_part.tolist()
        form = collection.form
    order = np.argsort(numbers)
    panel = Panel.from_arrays([values[k] for k in order])
    return Collection(panel, [ids[k] for k in order], _shared([axes[k] for k in order]), form)


def _shared(axes):
    """Time axes of which equal ones are one object."""
    distinct: dict[Any, Any] = {}
    return [distinct.setdefault((axis.index[0], len(axis.index)), axis) for axis in axes]


class StoredWindows(WindowSupply):
    """Windows of stored series.

    Parameters
    ----------
    data : OutOfMemory
    n_windows : (n_series,) int array
        Windows of each stored series, its first ones.
    room : tuple of int
        Windows that there is room for, and rows of each.
    preparation : Preparation
    n_held_out : (n_series,) int array
        Values at the end of each stored series that are held out.
    in_memory : (n,) int64 array
        Windows of the sample.
    seed : sequence of int
        Of the draws.
    """

    def __init__(
        self,
        data: OutOfMemory,
        n_windows: np.ndarray,
        room: tuple[int, int],
        preparation: Preparation,
        n_held_out: np.ndarray,
        in_memory: np.ndarray,
        seed: Sequence[int],
    ):
        self.data, self.n_windows, self.room = data, n_windows, room
        self.preparation = preparation
        self.n_held_out, self.in_memory, self.seed = n_held_out, in_memory, list(seed)
        self.ends = np.cumsum(n_windows)
        self.size = int(self.ends[-1])
        self.detach()

    def attach(self, source: Source) -> Source:
        self._first, n_channels = source.values.shape
        values = np.zeros((self._first + self.room[0] * self.room[1], n_channels))
        values[: self._first] = source.values
        self._rows = values[self._first :].reshape(*self.room, n_channels)
        return source._replace(values=values)

    def detach(self) -> None:
        self._rows = np.empty((0, self.room[1], 0))
        self._epochs = range(0)  # those in the source, each of ``_n`` windows
        self._first = self._n = 0
        release_memory()

    def draw(self, epoch: int, n: int, n_epochs: int) -> np.ndarray:
        n = min(n, self.size)
        if epoch not in self._epochs or n != self._n:
            n_epochs = max(1, min(n_epochs, len(self._rows) // n))
            self._epochs, self._n = range(epoch, epoch + n_epochs), n
            self._gather(np.concatenate([self._drawn(each, n) for each in self._epochs]))
        slots = (epoch - self._epochs.start) * n + np.arange(n)
        return self._first + slots * self.room[1]

    def _drawn(self, epoch, n):
        """Numbers of the windows of an epoch."""
        rng = np.random.default_rng([*self.seed, epoch])
        return rng.choice(self.size, n, replace=False, shuffle=False)

    def _gather(self, drawn):
        """Write windows to the source, by one pass over the files."""
        series = np.searchsorted(self.ends, drawn, side="right")
        starts = drawn - (self.ends - self.n_windows)[series]
        order = np.argsort(series, kind="stable")
        ordered = series[order]
        wanted = np.zeros(self.n_windows.size, bool)
        wanted[ordered] = True
        data, steps = self.data, np.arange(self.room[1])
        step = data.sample.axes[0].step
        for numbers, collection in data.stored.parts(wanted, data.n_at_once, step):
            held_out = self.n_held_out[numbers]
            values = self.preparation.source(collection, held_out)[0].values
            firsts = np.searchsorted(ordered, numbers)
            counts = np.searchsorted(ordered, numbers, side="right") - firsts
            places = np.arange(counts.sum()) + np.repeat(
                firsts - np.cumsum(counts) + counts, counts
            )
            slots = order[places]
            present = np.repeat(collection.panel.indptr[:-1], counts) + starts[slots]
            self._rows[slots] = values[present[:, None] + steps]

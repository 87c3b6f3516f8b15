"""Remedies for bad series: pandas code for the form that the series are in."""

import contextlib
import dataclasses
from collections.abc import Hashable, Iterator, Sequence

from tsrnn.data.errors import (
    DataError,
    EmptySeriesError,
    IrregularTimesError,
    MissingDataError,
    RepeatedTimesError,
)


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where a frame or Series holds series and times, to word remedies for it.

    Times are in its index unless they are in a column, or in a level of a MultiIndex.
    """

    argument: str
    id_column: Hashable = None
    time_column: Hashable = None
    levels: tuple | None = None  # names of the levels of a MultiIndex of series and time
    is_wide: bool = False  # one column a series, of any beginnings and ends
    is_foreign: bool = False  # a frame of another library than pandas
    is_array: bool = False
    maskable: bool = True  # whether missing="mask" is an answer

    @contextlib.contextmanager
    def remedies(self) -> Iterator[None]:
        """Add to errors raised inside the code that repairs the data in this form."""
        try:
            yield
        except DataError as error:
            if error.argument == self.argument:
                error.remedy = self._remedy(error)
            raise

    def _remedy(self, error):
        remedy, code = error.remedy, ""
        if isinstance(error, RepeatedTimesError):
            code = f"for instance {self._averaged()}"
            if self.time_column is not None and self.id_column is None:
                code += ", or name the column of the series by id_column"
            return f"{remedy.rstrip('.')}, {code}."
        if isinstance(error, IrregularTimesError) and error.grid is not None:
            code = self._moved(error.grid)
        elif isinstance(error, EmptySeriesError) and 0 < len(error.labels) <= 5:
            code = self._without(list(error.labels)) if error.labels[0] is not None else ""
        elif error.methods:
            code = self._mended(error.methods)
        if code:
            remedy = f"{remedy.rstrip('.')}: {code}."
        if isinstance(error, MissingDataError) and self.maskable:
            remedy += " Or fit with missing='mask'."
        return remedy

    @property
    def _frame(self):
        """Code of the same as pandas has it."""
        return f"{self.argument}.to_pandas()" if self.is_foreign else self.argument

    def _averaged(self):
        """Code that keeps one row of each series and time."""
        if self.levels is not None:
            return f"{self.argument}.groupby(level=[0, 1]).mean()"
        columns = [name for name in (self.id_column, self.time_column) if name is not None]
        if self.time_column is None:
            return f"{self.argument}.groupby(level=0).mean()"
        return f"{self._frame}.groupby({columns}, as_index=False).mean()"

    def _mended(self, methods: str) -> str:
        """Code that applies methods of pandas to each series."""
        if self.is_array:
            return f"{self.argument} = pd.DataFrame({self.argument}).interpolate().to_numpy()"
        if self.is_wide:  # nothing is put before or after a series
            methods = methods.replace(".interpolate()", ".interpolate(limit_area='inside')")
        name, ids, time = self.argument, self.id_column, self.time_column
        if self.levels is None and ids is None:
            if time is None:
                return f"{name} = {name}{methods}"
            single = f"{self._frame}.set_index({time!r}){methods}"
            return f"{name} = {single}.rename_axis({time!r}).reset_index()"
        table, names = name, list(self.levels or ())
        if self.levels is None:
            names = [ids, time]
            table = f"{self._frame}.set_index({names})"
        groups = f"{table}.groupby(level=0, observed=True)"
        each = f"{{k: s.droplevel(0){methods} for k, s in {groups}}}"
        back = ".reset_index()" if self.levels is None else ""
        return f"{name} = pd.concat({each}, names={names}){back}"

    def _moved(self, grid) -> str:
        """Code that moves time stamps to a regular grid, and leaves one row for each."""
        name, time = self.argument, self.time_column
        if self.is_foreign:
            in_pandas = dataclasses.replace(self, is_foreign=False)
            return f"{name} = {name}.to_pandas(); {in_pandas._moved(grid)}"
        if self.levels is not None:
            ids, times = (f"{name}.index.get_level_values({k})" for k in (0, 1))
            levels = f"[{ids}, {grid.code.format(times)}], names={name}.index.names"
            steps = [f"{name}.index = pd.MultiIndex.from_arrays({levels})"]
        elif time is not None:
            column = f"{name}[{time!r}]"
            steps = [f"{column} = {grid.code.format(f'pd.DatetimeIndex({column})')}"]
        else:
            steps = [f"{name}.index = {grid.code.format(f'{name}.index')}"]
        if grid.repeats:
            steps.append(f"{name} = {self._averaged()}")
        if grid.gaps:
            regular = f".asfreq({grid.frequency!r})"
            if grid.are_periods:
                regular = (
                    ".pipe(lambda s: s.reindex(pd.period_range(s.index.min(), s.index.max())))"
                )
            steps.append(self._mended(f"{regular}.interpolate()"))
        return "; ".join(steps)

    def _without(self, labels: Sequence[Hashable]) -> str:
        """Code that leaves series out."""
        name = self.argument
        if self.is_wide:
            dropped = labels[0] if len(labels) == 1 else labels
            return f"{name} = {name}.drop(columns={dropped!r})"
        if self.levels is not None:
            return f"{name} = {name}.drop(index={labels}, level=0)"
        return f"{name} = {self._frame}.loc[lambda rows: ~rows[{self.id_column!r}].isin({labels})]"

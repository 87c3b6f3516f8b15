"""Encoder of a column of covariates or static values."""

import dataclasses
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd

from tsrnn.data import LARGEST, Location, UnknownCategoryError, format_time, no_numbers
from tsrnn.estimators.constant import is_constant
from tsrnn.forecasting.scaling import MOST_DEVIATIONS

_MAX_LEVELS = 100  # of a category: each is a column of the network's input weights


@dataclasses.dataclass(frozen=True)
class ColumnEncoder:
    """Encoder of a column: numbers are standardised, categories one-hot."""

    name: Any
    mean: float = 0.0
    deviation: float = 1.0
    levels: pd.Index | None = None  # of a category, with a channel for each; None for numbers

    @classmethod
    def fit(cls, values: pd.Series, frame: str) -> Self:
        """From the values of a column, missing ones left out."""
        where, dtype = Location(frame, column=values.name), values.dtype
        if pd.api.types.is_bool_dtype(dtype) and not isinstance(dtype, pd.CategoricalDtype):
            return cls(values.name)
        if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
            numbers = values.to_numpy(np.float64, na_value=np.nan)
            numbers = numbers[np.abs(numbers) <= LARGEST]  # neither NaN nor what encode refuses
            if not numbers.size:
                raise where.error("has no number in the rows of y", "Leave it out.")
            deviation = float(numbers.std())
            if deviation == 0 or is_constant(np.ptp(numbers), np.abs(numbers).max()):
                deviation = 1.0
            return cls(values.name, float(numbers.mean()), deviation)
        if isinstance(dtype, pd.CategoricalDtype):
            levels = dtype.categories
        else:
            values_present = values.dropna()
            texts = values_present.map(lambda value: isinstance(value, str))
            if not texts.all():
                value = values_present[~texts].iloc[0]
                raise where.error(
                    f"is of dtype {dtype} and holds {value!r}, neither a number nor a text",
                    "Convert it, for instance by astype(float) or astype('category').",
                )
            levels = pd.Index(sorted(values_present.unique()), dtype=object)
        if not 0 < len(levels) <= _MAX_LEVELS:
            numbers, remedy = _numbers_as_text(pd.Series(levels), frame, values.name)
            if numbers:
                raise where.error(f"has {len(levels)} levels, and {numbers}", remedy)
            raise where.error(
                f"has {len(levels)} levels; a category may have 1 to {_MAX_LEVELS}",
                "Leave it out, or put levels together.",
            )
        return cls(values.name, levels=levels)

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return 1 if self.levels is None else len(self.levels)

    @property
    def channel_names(self) -> list:
        """Name of each channel: the column's, of a category with its level."""
        if self.levels is None:
            return [self.name]
        return [f"{self.name}={level}" for level in self.levels]

    def encode(
        self, values: pd.Series, frame: str, place: Callable[[int], tuple[Any, Any]]
    ) -> np.ndarray:
        """Channels, (n_rows, n_channels); NaN where a value is missing.

        ``place`` gives the series and time stamp of a row, for messages; None for none.
        """
        if self.levels is None:
            return self._standardised(values, frame, place)
        missing = values.isna().to_numpy()
        codes = self.levels.get_indexer(pd.Index(values.astype(object)))
        unknown = (codes < 0) & ~missing
        if unknown.any():
            row = int(unknown.argmax())
            series, time = place(row)
            category, known = values.iloc[row], self.levels[:10].tolist()
            raise UnknownCategoryError(
                f"is {category!r}{_at(time)}, a level that was not fitted: "
                f"{', '.join(map(repr, known))}",
                "If it shall be one, fit with astype(pd.CategoricalDtype([...])) of all levels.",
                category=category,
                known=known,
                argument=frame,
                series=series,
                column=self.name,
                row=time,
            )
        channels = np.eye(len(self.levels))[codes]
        channels[missing] = np.nan
        return channels

    def _standardised(self, values, frame, place):
        numbers_as_text, remedy = _numbers_as_text(values, frame, self.name)
        if numbers_as_text:
            raise Location(frame, column=self.name).error(
                f"was fitted as numbers, and {numbers_as_text}", remedy
            )
        try:
            numbers = values.to_numpy(np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise Location(frame, column=self.name).error(
                f"was fitted as numbers, and is of dtype {values.dtype}", "Convert it."
            ) from error
        too_large = np.abs(numbers) > LARGEST
        if too_large.any():
            row = int(too_large.argmax())
            series, time = place(row)
            raise Location(frame, series, self.name).error(
                f"is {numbers[row]:g}{_at(time)}",
                "Mend it, or give the column in a larger unit.",
                row=time,
            )
        deviations = (numbers - self.mean) / self.deviation
        too_far = np.abs(deviations) > MOST_DEVIATIONS
        if too_far.any():
            row = int(too_far.argmax())
            series, time = place(row)
            raise Location(frame, series, self.name).error(
                f"is {numbers[row]:g}{_at(time)}, {deviations[row]:.2g} deviations from the mean "
                "of what was fitted",
                "Correct it, or fit anew.",
                row=time,
            )
        return deviations[:, None]


def _numbers_as_text(values, frame, name):
    """What is wrong with a column of numbers as text, and the remedy; "" for others."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "", ""
    texts = values[values.map(lambda value: isinstance(value, str)).astype(bool)]
    bad = no_numbers(texts)
    if 2 * bad.sum() >= len(texts):
        return "", ""
    code, problem = f"{frame}[{name!r}]", f"holds numbers as text, such as {texts[~bad].iloc[0]!r}"
    if not bad.any():
        return problem, f"Convert it: {code} = pd.to_numeric({code})."
    return (
        f"{problem}, and {texts[bad].iloc[0]!r}, which is no number",
        f"Convert it, and what is no number to missing values: {code} = pd.to_numeric({code}, "
        "errors='coerce'). Then fill them, or fit with missing='mask'.",
    )


def _at(time):
    """A time stamp for messages, if there is one."""
    return "" if time is None else f" at {format_time(time)}"

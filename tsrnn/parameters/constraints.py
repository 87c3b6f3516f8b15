"""Constraints: what parameters may be."""

import difflib
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from datetime import date
from numbers import Integral, Real
from typing import Any

# NumPy is imported where it is needed, as datasets are imported without it.

LARGEST_INTEGER = 2**31 - 1
LARGEST_NUMBER = 1e30  # finite in float32, and so is its product with a small one


class Constraint(ABC):
    """What a parameter may be; ``str`` completes "must be ..."."""

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether a value of any type is allowed; an exception means that it is not."""

    def problem(self, value: Any) -> str:
        """What is wrong with a value that is not allowed, where more can be said; else empty.

        It completes the name of the parameter to a sentence.
        """
        return ""

    def hint(self, value: Any) -> str:
        """What a value that is not allowed may be meant as, in a sentence; else empty."""
        return ""

    @abstractmethod
    def __str__(self) -> str: ...


class Integer(Constraint):
    """An integer in a closed interval, of Python or NumPy; True and False are none.

    With ``floats`` also a float without a fraction.
    """

    def __init__(self, least: int, most: int = LARGEST_INTEGER, *, floats: bool = False):
        self.least, self.most, self.floats = least, most, floats

    def accepts(self, value: Any) -> bool:
        if self.floats and isinstance(value, float) and value.is_integer():
            value = int(value)
        return is_integer(value) and self.least <= value <= self.most

    def __str__(self) -> str:
        if self.least == self.most:
            return str(self.least)
        return f"a whole number from {self.least} to {self.most}"


class Number(Constraint):
    """A real number in an interval, of Python or NumPy; True and False are none."""

    def __init__(self, least: float, most: float = LARGEST_NUMBER, closed: str = "both"):
        self.least, self.most = least, most
        self.closed = closed  # "both", "left", "right" or "neither"

    def accepts(self, value: Any) -> bool:
        if not is_number(value):
            return False
        value = float(value)  # a float32 could not be compared with large limits
        is_above = self.least <= value if self.closed in ("both", "left") else self.least < value
        return is_above and (
            value <= self.most if self.closed in ("both", "right") else value < self.most
        )

    def __str__(self) -> str:
        opening = "[" if self.closed in ("both", "left") else "("
        closing = "]" if self.closed in ("both", "right") else ")"
        return f"a number in the range {opening}{self.least:g}, {self.most:g}{closing}"


class Boolean(Constraint):
    """True or False, of Python or NumPy."""

    def accepts(self, value: Any) -> bool:
        import numpy as np

        return type(value) is bool or isinstance(value, np.bool_)

    def __str__(self) -> str:
        return "True or False"


class StrOptions(Constraint):
    """One of several strings."""

    def __init__(self, options: Iterable[str]):
        self.options = frozenset(options)

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.options

    def hint(self, value: Any) -> str:
        near = near_text(value, sorted(self.options)) if isinstance(value, str) else None
        return "" if near is None else f"Is it {near!r}?"

    def __str__(self) -> str:
        names = ", ".join(map(repr, sorted(self.options)))
        return f"one of {names}" if len(self.options) > 1 else names


class Text(Constraint):
    """A string that is not empty."""

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and value != ""

    def __str__(self) -> str:
        return "a string that is not empty"


class CountryCode(Constraint):
    """The code of a country, "DE", or of one of its subdivisions, "DE-BY", by ISO 3166."""

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and re.fullmatch(r"[A-Z]{2}(-\w+)?", value) is not None

    def __str__(self) -> str:
        return "the code of a country such as 'DE' or 'DE-BY'"


class Label(Constraint):
    """A label of pandas: a string, a finite number, a date, or a tuple of these."""

    def accepts(self, value: Any) -> bool:
        if isinstance(value, tuple):
            return len(value) > 0 and all(map(self.accepts, value))
        if is_number(value):
            return math.isfinite(value)
        return isinstance(value, (str, date)) and value == value and value != ""  # NaT is a date

    def __str__(self) -> str:
        return "a label (a string, a number, a date or a tuple of these)"


class ListOf(Constraint):
    """A list or tuple, or with ``arrays`` also a 1-d array, of which each element is allowed."""

    def __init__(
        self, element: Constraint, *, least: int = 0, most: int | None = None, arrays: bool = False
    ):
        self.element, self.least, self.most, self.arrays = element, least, most, arrays

    def accepts(self, value: Any) -> bool:
        if self.arrays and hasattr(value, "__array__"):
            value = _elements(value)
        if not isinstance(value, (list, tuple)) or len(value) < self.least:
            return False
        is_short = self.most is None or len(value) <= self.most
        return is_short and all(map(self.element.accepts, value))

    def hint(self, value: Any) -> str:
        if not isinstance(value, (list, tuple)):
            return self.element.hint(value)
        wrong = [each for each in value if not self.element.accepts(each)]
        return self.element.hint(wrong[0]) if wrong else ""

    def __str__(self) -> str:
        size = "" if not self.least else f" of {self.least}" + (" or more" * (self.most is None))
        return f"a list or tuple{size}, each {self.element}"


class ArrayLike(Constraint):
    """A collection of one axis, which a reader checks further."""

    def accepts(self, value: Any) -> bool:
        is_text = isinstance(value, (str, bytes, bytearray))
        return isinstance(value, Collection) and getattr(value, "ndim", 1) == 1 and not is_text

    def __str__(self) -> str:
        return "array-like"


class Probabilities(Constraint):
    """Probabilities between 0 and 1: a sequence, or with ``scalar`` also a single one.

    With ``labelled`` they are labels of columns in percent, "lower_99.5", of six digits: none may
    be labelled 0 or 100, and no two alike.
    """

    def __init__(self, *, scalar: bool = False, empty: bool = False, labelled: bool = False):
        self.scalar, self.empty, self.labelled = scalar, empty, labelled

    def accepts(self, value: Any) -> bool:
        if self.scalar and (isinstance(value, Real) or getattr(value, "ndim", None) == 0):
            value = [value if isinstance(value, Real) else value.item()]
        levels = _elements(value) if hasattr(value, "__array__") else value
        if not isinstance(levels, (list, tuple)) or not (levels or self.empty):
            return False
        if not all(map(SHARE.accepts, levels)):
            return False
        return not self.labelled or self._have_labels(sorted(map(float, levels)))

    def hint(self, value: Any) -> str:
        levels = value if isinstance(value, (list, tuple)) else [value]
        return next((hint for level in levels if (hint := SHARE.hint(level))), "")

    def _have_labels(self, levels):
        """Whether sorted levels have labels of their own, none of them 0 or 100."""
        labels: dict[str, float] = {}
        for level in levels:
            if level - labels.setdefault(percent_label(level), level) > 1e-12:
                return False
        return not levels or (levels[0] >= 1e-6 and levels[-1] <= 1 - 1e-6)

    def __str__(self) -> str:
        kind = "a number or a sequence of numbers" if self.scalar else "a sequence of numbers"
        bounds = "between 0 and 1"
        if self.labelled:
            bounds += ", from 1e-06 to 0.999999 and distinct in six digits"
        return f"{kind} {bounds}"


class HasMethods(Constraint):
    """An object with some methods, not its class."""

    def __init__(self, methods: Iterable[str], example: str = ""):
        self.methods, self.example = tuple(methods), example

    def accepts(self, value: Any) -> bool:
        if isinstance(value, type):
            return False
        return all(callable(getattr(value, name, None)) for name in self.methods)

    def __str__(self) -> str:
        example = f", such as {self.example}" if self.example else ""
        return f"an object with {' and '.join(self.methods)}{example}"


class RandomState(Constraint):
    """A seed, or an instance of NumPy's RandomState."""

    def accepts(self, value: Any) -> bool:
        import numpy as np

        return isinstance(value, np.random.RandomState) or Integer(0, 2**32 - 1).accepts(value)

    def __str__(self) -> str:
        return f"a whole number from 0 to {2**32 - 1}, a numpy.random.RandomState"


class Weights(Constraint):
    """A dict of weights, of at least 0."""

    def accepts(self, value: Any) -> bool:
        return isinstance(value, dict) and all(map(NON_NEGATIVE.accepts, value.values()))

    def __str__(self) -> str:
        return "a dict with a number of at least 0 for each class"


class Season(Number):
    """A season in steps."""

    def hint(self, value: Any) -> str:
        if not isinstance(value, str):
            return ""
        return "Give the steps of a season: 12 for monthly data, 7 for daily, 24 for hourly."


class Share(Number):
    """A share of a whole, above 0 and below 1."""

    def hint(self, value: Any) -> str:
        if not (is_number(value) and 1 < value <= 100):
            return ""
        return f"{value:g} % is {value / 100:g}."


POSITIVE_INTEGER = Integer(1)
SEASON = Season(1, 2**31 - 1)  # steps
STEPS = Integer(1, 1_000_000)  # ahead; as many windows or sample paths
POSITIVE = Number(0, closed="right")
NON_NEGATIVE = Number(0)
FRACTION = Number(0, 1, closed="left")
SHARE = Share(0, 1, closed="neither")
ANY_NUMBER = Number(-math.inf, math.inf)
BOOLEAN = Boolean()
N_JOBS = (POSITIVE_INTEGER, Integer(-1, -1), None)
RANDOM_STATE = (RandomState(), None)

Allowed = Iterable[Constraint | type | None]


def is_integer(value: Any) -> bool:
    """Whether a value is an integer of Python or NumPy, not a truth value or a duration."""
    return type(value) is int or (isinstance(value, Integral) and is_number(value))


def is_number(value: Any) -> bool:
    """Whether a value is a real number of Python or NumPy, not a truth value or a duration."""
    if type(value) is float or type(value) is int:
        return True
    import numpy as np

    return isinstance(value, Real) and not isinstance(value, (bool, np.timedelta64))


def near_text(wanted: str, texts: Iterable[str]) -> str | None:
    """The text that another seems to mean, by blanks, capitals or a misspelling; None for none."""
    by_plain = {text.strip().casefold(): text for text in texts}
    plain = wanted.strip().casefold()
    near = [plain] if plain in by_plain else difflib.get_close_matches(plain, by_plain, 1, 0.8)
    return by_plain[near[0]] if near else None


def _elements(array):
    """Elements of a 1-d array of numbers or objects as a list; None for any other array."""
    import numpy as np

    array = np.asarray(array)
    return array.tolist() if array.ndim == 1 and array.dtype.kind in "biufO" else None


def percent_label(level: float) -> str:
    """A probability in percent, as names of columns have it: "90" or "99.5"."""
    return f"{100 * level:g}"

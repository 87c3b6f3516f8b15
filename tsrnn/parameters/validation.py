"""Checks of arguments and of the parameters of estimators by their constraints."""

import contextlib
import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from numbers import Integral
from typing import Any, ParamSpec, TypeVar

from tsrnn.parameters.constraints import Allowed, Constraint, StrOptions, is_integer, is_number

_OWN = "tsrnn.", "sklearn.callback"  # the latter's decorator is around methods
P = ParamSpec("P")
R = TypeVar("R")


class ParameterError(ValueError, TypeError):
    """A parameter of a wrong type or value."""


def plain(value: Any) -> Any:
    """A scalar of NumPy as Python's int, float, bool or str; other values unchanged.

    Narrow integers of NumPy overflow in products, and some functions take no scalars of NumPy.
    """
    if type(value) in (int, float, bool, str) or value is None:
        return value
    import numpy as np

    if isinstance(value, np.bool_):
        return bool(value)
    if is_integer(value):
        return int(value)
    if is_number(value):
        with contextlib.suppress(OverflowError):  # of an enormous fraction
            return float(value)
    return str(value) if isinstance(value, np.str_) else value


def check_parameter(name: str, value: Any, allowed: Allowed, owner: str = "") -> None:
    """Raise ParameterError, which names the parameter, for a value that nothing allows."""
    for constraint in allowed:
        if _accepts(constraint, value):
            return
    texts = [_text(constraint) for constraint in allowed]
    choices = " or ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
    subject = f"The {name!r} parameter of {owner}" if owner else name
    for constraint in allowed:
        if problem := _problem(constraint, value):
            raise ParameterError(f"{subject} {problem}")
    words_first = sorted(allowed, key=lambda constraint: not isinstance(constraint, StrOptions))
    hint = next((f" {hint}" for each in words_first if (hint := _hint(each, value))), "")
    raise ParameterError(f"{subject} must be {choices}, got {_shown(value)}.{hint}")


def validated(
    table: Mapping[str, Allowed] | None = None, /, **constraints: Allowed
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function or method: check arguments, and pass scalars of NumPy as Python's.

    Constraints are by name of the parameter; those of a ``table`` that several functions share are
    for parameters that the function has.

    >>> from tsrnn.parameters import Integer, validated
    >>> @validated(n=[Integer(1, 9)])
    ... def double(n):
    ...     return 2 * n
    >>> double(0)
    Traceback (most recent call last):
    ...
    tsrnn.parameters.validation.ParameterError: n must be a whole number from 1 to 9, got 0.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(function).parameters
        shared = {name: (table or {})[name] for name in (table or {}).keys() & parameters}
        declared = shared | constraints
        by_position = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        places = {name: place for place, name in enumerate(by_position)}

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            positional, keywords = list[Any](args), dict[str, Any](kwargs)
            for name, allowed in declared.items():
                if name in keywords:
                    keywords[name] = _checked(name, keywords[name], allowed)
                elif places.get(name, len(positional)) < len(positional):
                    positional[places[name]] = _checked(name, positional[places[name]], allowed)
            return function(*positional, **keywords)

        wrapper.parameter_constraints = declared  # type: ignore[attr-defined]
        return wrapper

    return decorate


@contextlib.contextmanager
def naming(argument: str) -> Iterator[None]:
    """Let errors of conversions inside name the argument; also a decorator of its reader."""
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        is_typed = isinstance(error, AttributeError) or hasattr(error, "argument")
        is_named = is_typed or re.search(rf"\b{argument}\b", str(error))
        if is_named:
            raise
        raise ParameterError(f"{argument} cannot be read: {error}") from error


def validate_parameters(estimator: Any) -> None:
    """Check the parameters of an estimator of this package, which may be set at any time."""
    estimator._validate_params()


class ParametersMixin:
    """Mixin of estimators: a class declares ``_parameter_constraints``, by parameter.

    Parameters that are set to scalars of NumPy become Python's.
    """

    _parameter_constraints: dict[str, Allowed] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._parameter_constraints:
            value = plain(value)
        super().__setattr__(name, value)

    def _validate_params(self) -> None:
        """Check the parameters; in place of scikit-learn's method."""
        owner, values = type(self).__name__, vars(self)
        for name, allowed in self._parameter_constraints.items():
            if name in values:
                check_parameter(name, values[name], allowed, owner)


def _checked(name, value, allowed):
    """An argument that is allowed, a scalar of NumPy as Python's."""
    value = plain(value)
    check_parameter(name, value, allowed)
    return value


def user_level() -> int:
    """The ``stacklevel`` of a warning that points to the line outside of tsrnn that led to it."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_OWN):
        frame, level = frame.f_back, level + 1
    return level


def sample_seed(random_state: Any) -> int:
    """The seed of a sample of series: the number itself, 0 for a generator, which is left as it is.

    >>> from tsrnn.parameters import sample_seed
    >>> sample_seed(5), sample_seed(None)
    (5, 0)
    """
    return int(random_state) if isinstance(random_state, Integral) else 0


def _accepts(constraint, value):
    if constraint is None:
        return value is None
    if isinstance(constraint, type):
        return isinstance(value, constraint)
    try:
        return constraint.accepts(value)
    except Exception:  # whatever an object raises that is looked at
        return False


def _problem(constraint, value):
    """What a constraint tells of a value that is not allowed, if anything."""
    try:
        return constraint.problem(value) if isinstance(constraint, Constraint) else ""
    except Exception:  # whatever an object raises that is looked at
        return ""


def _hint(constraint, value):
    """What a value that is not allowed may be meant as, if a constraint tells."""
    try:
        return constraint.hint(value) if isinstance(constraint, Constraint) else ""
    except Exception:  # whatever an object raises that is looked at
        return ""


def _text(constraint):
    if isinstance(constraint, type):
        return f"an instance of {constraint.__name__}"
    return str(constraint)


def _shown(value):
    """A value for a message, in one short line."""
    try:
        text = repr(value)
    except Exception:  # an object's own
        return f"a {type(value).__name__}"
    if "\n" in text:
        return f"a {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:97]}..."

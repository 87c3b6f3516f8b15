"""Device functions of generated source, where Numba has no loop over fields or over functions."""

from collections.abc import Callable, Mapping
from typing import Any

from tsrnn.kernels.jit.compile import device_function


def record_reader(record: Any, first: int = 0) -> Callable:
    """A function that reads a NamedTuple from a plain tuple or array, beginning at entry ``first``.

    Kernels take plain tuples, as telling the type of a named one costs Numba ten microseconds.
    """
    fields = ", ".join(f"row[{first + k}]" for k in range(len(record._fields)))
    source = f"def generated(row):\n    return record({fields})\n"
    return device_function(_generated(source, record=record))


def switch(
    selector: str,
    parameters: str,
    cases: Mapping[int, Callable | int],
    *,
    arguments: str | None = None,
    mark: Callable = device_function,
) -> Callable:
    """A function of ``parameters`` that calls the case numbered by the expression ``selector``.

    A case takes ``arguments``, by default the parameters, or is a constant; equal ones are compiled
    once.
    """
    numbers: dict[Any, list[int]] = {}
    for number, case in cases.items():
        numbers.setdefault(case, []).append(number)
    source, scope = f"def generated({parameters}):\n", {}
    for k, (case, case_numbers) in enumerate(numbers.items()):
        condition = " or ".join(f"{selector} == {number}" for number in case_numbers)
        prefix = "    " if k == len(numbers) - 1 else f"    if {condition}:\n        "
        call = f"({arguments or parameters})" if callable(case) else ""
        source += f"{prefix}return case_{k}{call}\n"
        scope[f"case_{k}"] = case
    return mark(_generated(source, **scope))


def _generated(source, **scope):
    exec(source, scope)
    return scope["generated"]

"""Device functions of generated source, where Numba has no loop over fields or over functions."""

from collections.abc import Callable, Mapping

from tsrnn.kernels.jit.compile import device_function


def record_reader(record: type, first: int = 0) -> Callable:
    """A function that reads a NamedTuple from a plain tuple or array, beginning at entry ``first``.

    Kernels take plain tuples, as telling the type of a named one costs Numba ten microseconds.
    """
    fields = ", ".join(f"row[{first + k}]" for k in range(len(record._fields)))
    return _generated(f"def generated(row):\n    return record({fields})\n", record=record)


def switch(selector: str, arguments: str, cases: Mapping[int, Callable | bool]) -> Callable:
    """A function of ``arguments`` that calls the case numbered by the expression ``selector``.

    A case may also be a constant. Equal cases share one branch, so they are compiled once.
    """
    numbers = {}
    for number, case in cases.items():
        numbers.setdefault(case, []).append(number)
    source, scope = f"def generated({arguments}):\n", {}
    for k, (case, of_case) in enumerate(numbers.items()):
        condition = " or ".join(f"{selector} == {number}" for number in of_case)
        prefix = "    " if k == len(numbers) - 1 else f"    if {condition}:\n        "
        source += prefix + f"return case_{k}" + (f"({arguments})\n" if callable(case) else "\n")
        scope[f"case_{k}"] = case
    return _generated(source, **scope)


def _generated(source, **scope):
    exec(source, scope)
    return device_function(scope["generated"])

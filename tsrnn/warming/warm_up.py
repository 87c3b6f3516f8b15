"""``tsrnn.warm_up``."""

from collections.abc import Sequence

from tsrnn.kernels.cells import NAMES
from tsrnn.parameters import BOOLEAN, ListOf, StrOptions, validated
from tsrnn.warming.compiling import compile_call
from tsrnn.warming.recipes import ATTENTION, ESTIMATORS, kernels_called


@validated(
    cells=[ListOf(StrOptions([*NAMES, ATTENTION]), least=1)],
    estimators=[ListOf(StrOptions([*ESTIMATORS]), least=1)],
    parallel=[BOOLEAN],
)
def warm_up(
    cells: Sequence[str] = ("lstm",),
    *,
    estimators: Sequence[str] = ("forecaster", "regressor", "classifier", "detector"),
    parallel: bool = True,
) -> None:
    """Compile the kernels that fits and predictions call first, or load them from disk.

    A service does it before its first request, an image (``tsrnn compile``) when it is built.
    A fit compiles what it needs by itself: only the time that it takes is another.

    Parameters
    ----------
    cells : list of {"lstm", "gru", "rnn", "rnn_relu", "attention"}, default=("lstm",)
        Recurrent cells, or attention, which detectors do not have.
    estimators : list of str, default=("forecaster", "regressor", "classifier", "detector")
        Those whose first fit is prepared, as their defaults have them:
        options such as ``dtype="float64"`` or tokens call kernels that their first fit compiles.
    parallel : bool, default=True
        Also what runs on several threads, which is called where there is much to do.

    See Also
    --------
    RNNForecaster : Compiles what it needs in its first fit otherwise.

    Examples
    --------
    >>> import tsrnn
    >>> tsrnn.warm_up(["rnn"], estimators=["classifier"], parallel=False)
    """
    for call in kernels_called(cells, estimators, parallel):
        compile_call(call)

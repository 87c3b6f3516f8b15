"""Who works on a chunk of rows: on a CPU one worker alone, on a GPU the threads of a block.

Kernels are written once for both. A loop over ``share(n)`` is the part of ``range(n)`` that falls
to a worker; after it, ``meet()`` waits until all are done, so that each sees what the others wrote.
Alone there is nothing to share, and nobody to wait for. A target says what these mean there.
"""

from numba.extending import overload

from tsrnn.kernels.jit.compile import LEAF_OPTIONS


def share(n):
    """The part of ``range(n)`` that falls to this worker."""
    return in_python["share"](n)


def meet():
    """Wait for the other workers, and see what they wrote."""
    in_python["meet"]()


# What these are where nothing is compiled, as in a simulator.
in_python = {"share": range, "meet": lambda: None}


@overload(share, jit_options=LEAF_OPTIONS)
def _share_alone(n):
    return lambda n: range(n)


@overload(meet, jit_options=LEAF_OPTIONS)
def _meet_alone():
    return lambda: None

"""What kernels run on: threads of this machine's CPU, or its GPU."""

import contextlib
from collections.abc import Iterator
from types import ModuleType

from tsrnn.kernels.cpu import trainer as cpu_trainer
from tsrnn.kernels.jit.threads import claim_threads

DEVICES = ("cpu", "cuda")
Workers = int | str  # tasks that run at once on the CPU, or "cuda"


def target_of(workers: Workers) -> ModuleType:
    """The target, a module with ``Trainer``, ``predict`` and ``MAX_UNIT_STEPS``."""
    if workers == "cuda":
        from tsrnn.kernels.cuda import trainer as cuda_trainer

        return cuda_trainer
    return cpu_trainer


@contextlib.contextmanager
def claim(device: str, n_jobs: int | None) -> Iterator[Workers]:
    """Claim a device, and yield its workers; a RuntimeError if it is "cuda" and can't be used."""
    if device == "cuda":
        from tsrnn.kernels.cuda.device import require

        require()
        yield "cuda"
        return
    with claim_threads(n_jobs) as n_tasks:
        yield n_tasks

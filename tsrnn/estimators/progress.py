"""Progress of training on the terminal or in a notebook."""

from __future__ import annotations

import contextlib
import sys

from tsrnn.training import History


@contextlib.contextmanager
def progress_bar(name: str, verbose: int | bool):
    """Yield ``show(progress, history)``: a tqdm bar where installed, else a line per tenth."""
    if not verbose:
        yield lambda progress, history=None: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield _Lines(name)
        return
    bar_format = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
    with tqdm(total=1.0, desc=name, bar_format=bar_format) as bar:

        def show(progress: float, history: History | None = None) -> None:
            bar.set_postfix_str(_state(history), refresh=False)
            bar.update(min(progress, 1.0) - bar.n)

        yield show


class _Lines:
    """A line on standard error for every tenth of the work."""

    def __init__(self, name):
        self.name, self.tenths = name, -1

    def __call__(self, progress, history=None):
        if int(progress * 10) > self.tenths:
            self.tenths = int(progress * 10)
            print(f"{self.name}: {progress:4.0%}  {_state(history)}", file=sys.stderr, flush=True)


def _state(history):
    if history is None:
        return ""
    epoch = f"epoch {len(history.loss_curve) + 1}"
    if history.loss_curve:
        epoch += f"  loss {history.loss_curve[-1]:.4f}"
    if history.validation_curve:
        epoch += f"  validation {history.validation_curve[-1]:.4f}"
    return epoch

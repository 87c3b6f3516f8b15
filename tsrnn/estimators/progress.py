"""Progress of training on the terminal or in a notebook."""

import contextlib
import sys

from tsrnn.training import History


@contextlib.contextmanager
def progress_bar(name: str, verbose: int | bool):
    """Yield ``show(progress, history)``, where a text may be shown in place of a history.

    It draws a tqdm bar if tqdm is installed and can redraw it, on a terminal or in a notebook; else
    it prints a line for every tenth.
    """
    if not verbose:
        yield lambda progress, history=None: None
        return
    tqdm = _bar_class() if sys.stderr.isatty() or "ipykernel" in sys.modules else None
    if tqdm is None:
        yield _ProgressLines(name)
        return
    bar_format = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
    with tqdm(total=1.0, desc=name, bar_format=bar_format) as bar:

        def show(progress: float, history: History | str | None = None) -> None:
            if bar.n == 0:
                bar.unpause()  # the time until now, maybe of compiling, is not the work's
            bar.set_postfix_str(_summary(history), refresh=False)
            bar.update(min(progress, 1.0) - bar.n)

        yield show


def _bar_class():
    """The class of tqdm for a terminal or notebook; None if it is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm


class _ProgressLines:
    """Prints a line on standard error for every tenth of the work."""

    def __init__(self, name):
        self.name, self.n_tenths = name, -1

    def __call__(self, progress, history=None):
        if int(progress * 10) > self.n_tenths:
            self.n_tenths = int(progress * 10)
            line = f"{self.name}: {progress:4.0%}  {_summary(history)}"
            print(line, file=sys.stderr, flush=True)


def _summary(history):
    """Epoch and latest losses as text, or the text given."""
    if history is None or isinstance(history, str):
        return history or ""
    text = f"epoch {len(history.loss_curve) + 1}"
    if history.loss_curve:
        text += f"  loss {history.loss_curve[-1]:.4f}"
    if history.validation_curve:
        text += f"  validation {history.validation_curve[-1]:.4f}"
    return text

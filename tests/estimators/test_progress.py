import builtins
import sys

import pytest

from tsrnn.estimators.progress import progress_bar
from tsrnn.training import History

pytestmark = pytest.mark.slow


@pytest.fixture
def no_tqdm(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("tqdm"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)


def tell(show):
    history = History()
    for k in range(1, 41):
        show(k / 40, history)
        history.loss_curve.append(1 / k)


def test_silent_by_default(capsys):
    with progress_bar("name", 0) as show:
        tell(show)
    assert capsys.readouterr() == ("", "")


def test_lines_without_tqdm(capsys, no_tqdm):
    with progress_bar("name", 1) as show:
        tell(show)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert len(lines) == 11  # a line a tenth, from nothing to all
    assert lines[-1] == "name: 100%  epoch 40  loss 0.0256"


def test_a_bar_with_tqdm(capsys):
    pytest.importorskip("tqdm")
    with progress_bar("name", True) as show:
        tell(show)
    out, err = capsys.readouterr()
    assert out == ""
    assert "name: 100%" in err
    assert "loss" in err
    assert "tqdm" in sys.modules

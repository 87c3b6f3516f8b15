import builtins
import sys

import pytest

from tsrnn.estimators import progress
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


def test_lines_without_tqdm(capsys, no_tqdm, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_bar("name", 1) as show:
        tell(show)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert len(lines) == 11  # a line a tenth, from nothing to all
    assert lines[-1] == "name: 100%  epoch 40  loss 0.0256"


def test_a_bar_with_tqdm(capsys, monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_bar("name", True) as show:
        tell(show)
    out, err = capsys.readouterr()
    assert out == ""
    assert "name: 100%" in err
    assert "loss" in err
    assert "tqdm" in sys.modules


def test_time_before_the_first_step_is_not_counted(monkeypatch):
    tqdm = pytest.importorskip("tqdm").tqdm
    bars, clock = [], [0.0]

    class Bar(tqdm):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self._time, self.start_t, self.last_print_t = lambda: clock[0], 0.0, 0.0
            bars.append(self)

    monkeypatch.setattr(progress, "_bar_class", lambda: Bar)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_bar("name", True) as show:
        for clock[0] in (30.0, 31.0, 32.0):  # half a minute of compiling before
            show((clock[0] - 29) / 4)
        assert bars[0].format_dict["elapsed"] == 2.0


@pytest.mark.parametrize("notebook", [False, True])
def test_lines_where_a_bar_cannot_be_redrawn(capsys, monkeypatch, notebook):
    pytest.importorskip("tqdm")
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    if notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", sys)
    with progress_bar("name", 1) as show:
        tell(show)
    err = capsys.readouterr().err
    assert ("\r" in err) == notebook
    assert (len(err.splitlines()) == 11) == (not notebook)

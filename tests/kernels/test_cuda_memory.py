"""What stays on the GPU between calls: never a stale value, and bounded memory."""

import functools
import os
import threading

import numba
import numpy as np
import pytest
from conftest import random_network, random_values

from tsrnn.kernels.cuda import buffers, device, pool, run
from tsrnn.kernels.problem import Problem
from tsrnn.kernels.sources import forecast_source, sequence_source
from tsrnn.kernels.targets import target_of
from tsrnn.training import Settings, train

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cuda")]


@pytest.fixture(autouse=True)
def no_luck(monkeypatch):
    """Nothing is sent only because it is near to what has changed."""
    monkeypatch.setattr(buffers, "_GAP", 0)


class Case:
    """A network and windows, all of whose arrays a test may change."""

    def __init__(self, n_hidden=2, n=30, dtype="float32"):
        self.network = random_network(n_hidden=n_hidden, n_out=3, dtype=dtype)
        self.source = forecast_source(random_values(n), 4, 4, 0.1, targets=random_values(n, 1))
        self.source = self.source._replace(weights=np.ones(n))
        self.windows, self.loss = np.arange(5), ("absolute_error", ())

    def compute(self):
        """Forecasts and a loss on the GPU."""
        said = self.network.predict(self.source, self.windows, "cuda")
        name, loss_params = self.loss
        loss = self.network.mean_loss(self.source, self.windows, name, "cuda", loss_params)
        return np.append(said.ravel(), loss)

    def compute_anew(self):
        """The same with nothing on the GPU."""
        pool.clear()
        return self.compute()


def change_values(case):
    case.source.values[3] += 1


def change_targets(case):
    case.source.targets[7] += 1


def change_weights_of_windows(case):
    case.source.weights[1] = 3


def change_least_scale(case):
    case.source = case.source._replace(least_scale=1e3)


def change_parameters(case):
    case.network.parameters[2] += 0.5


def change_the_head(case):
    case.network.parameters[-1] += 0.5


def change_windows(case):
    case.windows[2] = 11


def change_loss_params(case):
    case.loss = "huber", (0.3,)


CHANGES = [
    change_values,
    change_targets,
    change_weights_of_windows,
    change_least_scale,
    change_parameters,
    change_the_head,
    change_windows,
    change_loss_params,
]


def with_huber(case):
    case.loss = "huber", (2.0,)
    return case


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(change, monkeypatch):
    """And is not where the comparison is broken: it is what this depends on."""
    case = with_huber(Case())
    before = case.compute()
    change(case)
    found, expected = case.compute(), case.compute_anew()
    np.testing.assert_array_equal(found, expected)
    assert (found != before).any()
    pool.clear()
    case = with_huber(Case())
    case.compute()
    monkeypatch.setattr(buffers, "same_bits", lambda *args: True)
    change(case)
    assert (case.compute() != expected).any()


def test_same_bits_sees_every_bit(monkeypatch):
    monkeypatch.setattr(buffers, "_BLOCK", 8)
    held = np.zeros(21, np.float32)
    assert buffers.same_bits(held, np.zeros(21))
    for place in (0, 7, 8, 20):
        for value in (-0.0, 1e-45, np.nan):
            values = np.zeros(21)
            values[place] = value
            assert not buffers.same_bits(held, values)
    nans = np.full(3, np.nan)
    assert buffers.same_bits(nans, nans.copy())
    rows = np.arange(12.0).reshape(2, 2, 3)[:, 0]
    assert buffers.same_bits(rows, rows.copy())
    assert not buffers.same_bits(rows, rows + np.array([0, 0, 1]))


@pytest.fixture
def record(monkeypatch):
    """Ranges that are copied, either way, and bytes that are allocated."""
    copied, allocated = [], []
    make_slice, allocate, host = buffers.Buffer._slice, device.allocate, device.host_memory

    def record_slice(self, byte_range):
        copied.append(byte_range)
        return make_slice(self, byte_range)

    monkeypatch.setattr(buffers.Buffer, "_slice", record_slice)
    for name, function in (("allocate", allocate), ("host_memory", host)):
        monkeypatch.setattr(
            device,
            name,
            lambda n_bytes, function=function: allocated.append(n_bytes) or function(n_bytes),
        )
    return copied, allocated


def test_only_what_changed_is_sent_in_one_copy(record, monkeypatch):
    copied, allocated = record
    monkeypatch.setattr(buffers, "_GAP", 2**16)
    case = Case(n=20_000)  # values of 80 kB
    case.network.predict(case.source, case.windows, "cuda")
    assert len(allocated) == 2
    for changes in ([], [change_windows], [change_parameters], [change_windows, change_parameters]):
        copied.clear()
        allocated.clear()
        for change in changes:
            change(case)
            case.windows += 1
        case.network.predict(case.source, case.windows, "cuda")
        n_fetched = 1
        assert len(copied) - n_fetched == bool(changes)
        assert all(last - first < 2000 for first, last in copied)
        assert not allocated


def test_sizes_that_change_need_no_allocation_for_long(record):
    """As in updates, of which each has a row more than the one before."""
    _, allocated = record
    case = Case()
    for step in range(12):
        case.source = forecast_source(random_values(30 + step), 4, 4, 0.1)
        case.windows = np.arange(1 + step % 3)
        found = case.network.predict(case.source, case.windows, "cuda")
        np.testing.assert_allclose(
            found, case.network.predict(case.source, case.windows), rtol=1e-4, atol=1e-5
        )
        if step == 7:
            allocated.clear()
    assert not allocated


@pytest.mark.parametrize("gap", [0, 2**16])
def test_many_in_turn_and_a_training_between(gap, monkeypatch):
    """More shapes than buffers, two dtypes, and the weights of a training."""
    monkeypatch.setattr(buffers, "_GAP", gap)
    cases = [Case(), Case(), Case(n_hidden=3), Case(dtype="float64"), Case(n=33), Case(n_hidden=4)]
    for k, case in enumerate(cases[:2]):
        case.source.values[:] += k
    expected = [case.compute_anew() for case in cases]
    rng = np.random.default_rng(0)
    settings = Settings(max_iter=1, batch_size=4, device="cuda")
    for _ in range(2):
        for case, one in zip(cases, expected, strict=True):
            np.testing.assert_array_equal(case.compute(), one)
    one = cases[0]
    train(one.network, one.source, np.arange(9), np.arange(9, 12), settings, rng)
    trained = one.compute()
    assert (trained != expected[0]).any()
    np.testing.assert_array_equal(trained, one.compute_anew())
    np.testing.assert_array_equal(cases[1].compute(), expected[1])


def test_states_are_carried_and_sent_again():
    """States change on the GPU: the next call's own count, also where they are as sent before."""
    network = random_network(n_hidden=2, n_out=3)
    values = random_values(40)
    source = sequence_source(values[:, None], np.arange(10), np.full(10, 4), values[:10, None])
    initial = np.linspace(-1, 1, 3 * network.state_width).reshape(3, -1)
    results = {}
    for where in (1, "cuda"):
        states, results[where] = initial.copy(), []
        for step in range(4):
            results[where].append(network.predict(source, np.arange(3) + step, where, states))
            results[where].append(states.copy())
            if step == 1:
                states[:] = initial
    for there, here in zip(results["cuda"], results[1], strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-9, atol=1e-12)


def trainings(where, change):
    """Two calls of a trainer with a change in between; weights, moments and losses."""
    network = random_network(n_hidden=2, n_out=3)
    source = forecast_source(random_values(40), 4, 4, 0.1)
    sizes = network.sizes(network.n_time(source))
    problem = Problem.of(network.module, source, sizes, "squared_error")
    trainer = target_of(where).Trainer(problem, network.parameters.dtype, 1, 4, False, False, where)
    given = {
        "parameters": network.parameters[None].copy(),
        "moments": np.zeros((1, 3, network.parameters.size)),
        "windows": np.arange(8)[None],
        "rules": np.array([Settings().rule(0)], float),
        "first_updates": np.ones(1, np.int64),
        "rates": np.full((1, 2), 1e-2),
        "states": np.empty((network.state_width, 0)),
    }
    losses = [trainer.run(*given.values())]
    given["source"] = source
    change(given)
    del given["source"]
    losses.append(trainer.run(*given.values()))
    return [given["parameters"], given["moments"], *losses]


def change_nothing(given):
    pass


def change_weights(given):
    given["parameters"][0, :5] += 0.3


def change_moments(given):
    given["moments"][0, 1] += 0.3


def change_rates(given):
    given["rates"][:] = [[0.1, 0.2]]


def change_number(given):
    given["first_updates"][0] = 9


def change_rules(given):
    given["rules"][:] = [Settings(dropout=0.5, max_grad_norm=0.01).rule(5)]


def change_the_values(given):
    given["source"].values[:20, 0] += np.arange(20) % 3


def change_minibatches(given):
    given["windows"] = np.arange(20, 24)[None]
    given["rates"] = np.full((1, 1), 1e-2)


@pytest.mark.parametrize(
    "change",
    [
        change_nothing,
        change_weights,
        change_moments,
        change_rates,
        change_number,
        change_rules,
        change_the_values,
        change_minibatches,
    ],
)
def test_a_trainer_takes_what_it_is_given(change, monkeypatch):
    found, expected = trainings("cuda", change), trainings(1, change)
    for there, here in zip(found, expected, strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-7, atol=1e-10)
    if change is not change_nothing:
        monkeypatch.setattr(buffers, "same_bits", lambda *args: True)
        stale = trainings("cuda", change)
        assert any(
            there.shape != here.shape or not np.allclose(there, here, rtol=1e-7, atol=1e-10)
            for there, here in zip(stale, expected, strict=True)
        )


def test_weights_stay_between_blocks_of_steps(record, monkeypatch):
    monkeypatch.setattr(buffers, "_GAP", 2**16)
    copied, allocated = record
    parts = []

    def note(given):
        allocated.clear()
        parts.append(len(copied))

    trainings("cuda", note)
    assert not allocated
    assert len(copied) - parts[0] == 1  # what is fetched: nothing had changed


def test_memory_is_bounded(monkeypatch):
    cases = [Case(n_hidden=n) for n in range(1, 8)]
    for case in cases:
        case.compute()
    assert len(pool._idle) == pool.MAX_BUFFERS
    pool.clear()
    assert not pool._idle
    for name, value in (("MAX_SHARE", 0.0), ("MAX_HOST_BYTES", 100)):
        with monkeypatch.context() as patch:
            patch.setattr(pool, name, value)
            if name == "MAX_SHARE":
                patch.setattr(device, "total_bytes", lambda: 10**6)
            expected = cases[2].compute()
            assert not pool._idle
        np.testing.assert_array_equal(expected, cases[2].compute())
        pool.clear()


def test_idle_buffers_are_freed_where_memory_is_short(monkeypatch):
    """For a prediction, and for a training."""
    first, second = Case(n_hidden=2), Case(n_hidden=3)
    expected = second.compute_anew()
    pool.clear()
    needed = 60_000

    def free_bytes():
        return needed - sum(each.n_bytes for each in pool._idle)

    monkeypatch.setattr(device, "free_bytes", free_bytes)
    for case in (first, first, second, first, second):
        found = case.compute()
    np.testing.assert_array_equal(found, expected)
    # As much as is left now is too little for a training.
    needed = sum(each.n_bytes for each in pool._idle) + 5_000
    assert pool._idle
    one = Settings(max_iter=1, batch_size=4, device="cuda")
    train(first.network, first.source, np.arange(4), np.empty(0, int), one, np.random.default_rng())
    assert not pool._idle


def test_errors_of_an_allocation(monkeypatch):
    """Memory that is free, but in pieces; other errors are not taken for that."""
    case = Case()
    expected, make, lengths = case.compute_anew(), numba.cuda.device_array, []

    def fail(*args):
        raise device.cuda_error()(2, "Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY")

    def fail_if_long(size, dtype):
        lengths.append(size)
        return fail() if size > 600 else make(size, dtype)

    pool.clear()
    with monkeypatch.context() as patch:
        patch.setattr(numba.cuda, "pinned_array", fail)
        np.testing.assert_array_equal(case.compute(), expected)
        pool.clear()
        patch.setattr(numba.cuda, "device_array", fail_if_long)
        np.testing.assert_array_equal(case.compute(), expected)  # in halves
        assert max(lengths) > 600 > min(lengths)
        patch.setattr(numba.cuda, "device_array", fail)
        with pytest.raises(MemoryError, match="use fewer series or units"):
            Case(n_hidden=3).compute()
        text = "Call to cuMemAlloc results in CUDA_ERROR_ILLEGAL_ADDRESS"
        illegal = device.cuda_error()(700, text)
        patch.setattr(device, "free_bytes", lambda: 10**9)
        patch.setattr(numba.cuda, "device_array", lambda *args: (_ for _ in ()).throw(illegal))
        with pytest.raises(device.cuda_error(), match="ILLEGAL_ADDRESS"):
            Case(n_hidden=3).compute()
    np.testing.assert_array_equal(case.compute(), expected)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("when", ["read_inputs", "write_outputs", "fetch"])
def test_after_an_error_nothing_is_kept(error, when, monkeypatch):
    case = Case()
    expected = case.compute()
    change_values(case)
    launch = run.Run.launch

    def fail(*args):
        raise error

    def launch_but_one(self, name, *args):
        return fail() if name == when else launch(self, name, *args)

    with monkeypatch.context() as patch:
        if when == "fetch":
            patch.setattr(buffers.Buffer, "fetch", fail)
        else:
            patch.setattr(run.Run, "launch", launch_but_one)
        with pytest.raises(error):
            case.network.predict(case.source, case.windows, "cuda")
    case.source.values[3] -= 1
    np.testing.assert_array_equal(case.compute(), expected)


def test_a_trainer_after_an_error(monkeypatch):
    """What a failed call had sent or changed does not count in the next."""
    expected = trainings(1, change_nothing)
    fetch, failed = buffers.Buffer.fetch, []

    def fail_in_the_second_block(self, sizes):
        failed.append(True)
        if len(failed) == 2:
            raise RuntimeError
        fetch(self, sizes)

    monkeypatch.setattr(buffers.Buffer, "fetch", fail_in_the_second_block)
    trainer_run = target_of("cuda").Trainer.run

    def run_again_after_an_error(self, *args):
        try:
            return trainer_run(self, *args)
        except RuntimeError:
            return trainer_run(self, *args)

    monkeypatch.setattr(target_of("cuda").Trainer, "run", run_again_after_an_error)
    for there, here in zip(trainings("cuda", change_nothing), expected, strict=True):
        np.testing.assert_allclose(there, here, rtol=1e-7, atol=1e-10)
    assert len(failed) == 3


def test_a_buffer_is_one_calls_alone():
    """A prediction in another thread, in the middle of one, has a buffer of its own."""
    case = Case()
    expected = case.compute()
    (borrowed,) = [each for each in pool._idle if each.layout.parts["out"].size > 0][-1:]
    found = []
    with pool.borrow(borrowed.layout) as buffer:
        assert buffer is borrowed
        thread = threading.Thread(target=lambda: found.append(case.compute()))
        thread.start()
        thread.join()
        assert all(each is not buffer for each in pool._idle)
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(case.compute(), expected)


@pytest.mark.skipif(
    not hasattr(os, "fork") or not numba.config.ENABLE_CUDASIM,
    reason="needs a fork, which no process with a GPU survives",
)
def test_a_forked_process_begins_with_none():
    case = Case()
    expected = case.compute()
    kept = list(pool._idle)
    with pool._lock:  # another thread of the parent may hold it
        child = os.fork()
    if child == 0:
        empty = not pool._idle and all(map(functools.partial(_is_kept, pool._of_parent), kept))
        os._exit(0 if empty and (case.compute() == expected).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert pool._idle == kept


def _is_kept(lists, buffer):
    return any(each is buffer for group in lists for each in group)


def test_another_context_has_other_buffers(monkeypatch):
    """Memory of a context that was reset, or of another GPU, is not used."""
    case = Case()
    case.compute()
    old = list(pool._idle)
    context = object()
    monkeypatch.setattr(device, "current_context", lambda: context)
    case.compute()
    assert [each.context for each in pool._idle] == [None] * len(old) + [context] * len(old)
    assert all(each is not one for one in old for each in pool._idle[len(old) :])


def test_another_network_with_the_same_weights(monkeypatch):
    """As many weights in the same place, of which a kernel makes others by the network's shape."""
    monkeypatch.setattr(pool, "MAX_BUFFERS", 1)
    first, second = Case(), Case()
    first.network = random_network(n_in=1, n_hidden=1, n_out=3)
    second.network = random_network(n_in=2, n_hidden=1, n_out=1)
    second.network.parameters[:] = first.network.parameters
    pair = second.network.predict(second.source, second.windows)
    for _ in range(2):
        first.network.predict(first.source, first.windows, "cuda")
        found = second.network.predict(second.source, second.windows, "cuda")
        np.testing.assert_allclose(found, pair, rtol=1e-9)
        assert len(pool._idle) == 1

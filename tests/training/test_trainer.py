import contextlib
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import random_values

from tsrnn.kernels.cpu.trainer import Trainer
from tsrnn.kernels.jit import threads
from tsrnn.kernels.optimizers import SOLVERS
from tsrnn.kernels.sources import forecast_source, sequence_source
from tsrnn.network import RecurrentNetwork
from tsrnn.training import Moments, Settings, epochs, train, train_many, trainer
from tsrnn.training.schedules import SCHEDULES, learning_rates

pytestmark = pytest.mark.slow

VALUES = 10 * np.sin(np.arange(300) / 3) + random_values(300)
SOURCE = forecast_source(VALUES, 12, 4, 0.1)
STARTS = np.arange(230)
VALIDATION = np.arange(250, 285)
NONE = VALIDATION[:0]


def fresh(seed=0, dtype="float32"):
    """A network and the generator that goes on from its initial weights."""
    rng = np.random.default_rng(seed)
    return RecurrentNetwork("lstm", 1, 8, 3, dtype).initialise(rng), rng


def run(
    max_iter=12,
    validation=VALIDATION,
    seed=0,
    settings=None,
    starts=STARTS,
    dtype="float32",
    stop_after=None,
    **kwargs,
):
    network, rng = fresh(seed, dtype)
    settings = Settings(max_iter=max_iter, stop_after=stop_after, **(settings or {}))
    return network, train(network, SOURCE, starts, validation, settings, rng, **kwargs)


@pytest.fixture
def rates(monkeypatch):
    """Learning rates of all steps that are trained after this."""
    run_steps, seen = Trainer.run, []

    def record(self, parameters, moments, order, rules, first_updates, rates, states):
        seen.extend(rates[0])
        return run_steps(self, parameters, moments, order, rules, first_updates, rates, states)

    monkeypatch.setattr(Trainer, "run", record)
    return seen


def test_the_loss_falls_and_the_best_weights_are_kept():
    network, history = run(30)
    assert len(history.loss_curve) == len(history.validation_curve) == 30
    assert history.loss_curve[-1] < 0.7 * history.loss_curve[0]
    assert history.validation_curve[history.best_iter - 1] == min(history.validation_curve)
    loss = network.mean_loss(SOURCE, VALIDATION, "absolute_error")
    assert loss == history.validation_curve[history.best_iter - 1]


RATES = {"adam": 0.01, "adamw": 0.01, "sgd": 0.03, "rmsprop": 0.002}


@pytest.mark.parametrize(
    ("solver", "schedule"),
    [(solver, "constant") for solver in SOLVERS] + [("adam", name) for name in SCHEDULES],
)
def test_every_solver_and_schedule_lowers_the_loss(solver, schedule, rates):
    settings = {
        "solver": solver,
        "learning_rate": schedule,
        "learning_rate_init": RATES[solver],
        "warm_up": 0.1,
        "loss": "squared_error",
    }
    network, _ = run(15, NONE, settings=settings)
    start, _ = fresh()
    before, after = (n.mean_loss(SOURCE, STARTS, "squared_error") for n in (start, network))
    assert after < 0.6 * before
    if schedule != "adaptive":
        np.testing.assert_allclose(rates, learning_rates(schedule, 15 * 8, RATES[solver], 0.1))


def test_adaptive_rates_fall_by_five_after_two_epochs_without_improvement(monkeypatch, rates):
    set_validation_losses([9, 8, 8, 7, 7, 7, 6, 6, 6.5, 6, 6, 6, 5], monkeypatch)
    settings = {"learning_rate": "adaptive", "learning_rate_init": 0.01, "batch_size": 115}
    _, history = run(12, settings=settings)
    assert history.validation_curve == [8, 8, 7, 7, 7, 6, 6, 6.5, 6, 6, 6, 5]
    fives = np.array([0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3])
    np.testing.assert_allclose(rates, np.repeat(0.01 / 5.0**fives, 2))


def test_averaging_keeps_the_averaged_weights():
    """Batches of all windows: an epoch is a step, and the average that of the epochs' weights."""
    settings = {"batch_size": 1000, "learning_rate": "constant", "learning_rate_init": 0.01}
    average = fresh()[0].parameters.astype(float)
    for epoch in range(1, 7):
        weights = run(6, NONE, settings=settings, stop_after=epoch)[0].parameters
        average += 0.3 * (weights - average)
    network, _ = run(6, NONE, settings={**settings, "averaging": 0.7})
    np.testing.assert_allclose(network.parameters, average, rtol=1e-4, atol=1e-6)
    assert np.abs(average - weights).max() > 1e-3


def test_averaged_weights_are_validated():
    network, history = run(20, settings={"averaging": 0.9})
    loss = network.mean_loss(SOURCE, VALIDATION, "absolute_error")
    assert loss == min(history.validation_curve) == history.validation_curve[history.best_iter - 1]


def test_windows_without_weight_have_no_effect():
    weights = np.ones(300)
    weights[100:] = 0
    network, rng = fresh()
    settings = Settings(max_iter=5, batch_size=1000)
    source = SOURCE._replace(weights=weights)
    history = train(network, source, STARTS, NONE, settings, rng)
    few, same = run(5, NONE, starts=STARTS[:100], settings={"batch_size": 1000})
    np.testing.assert_allclose(history.loss_curve, same.loss_curve, rtol=1e-5)
    np.testing.assert_allclose(network.parameters, few.parameters, atol=1e-4)


def test_streams_carry_state_that_single_windows_lack():
    """A cosine from its sine: of one value alone, which sign it has; the half of its variance."""
    phase = np.arange(30) / 3 + np.arange(16)[:, None]
    values, targets = np.sin(phase).reshape(-1, 1), np.cos(phase).reshape(-1, 1)
    numbers = np.arange(values.size)
    source = sequence_source(values.astype("float32"), numbers, np.ones_like(numbers), targets)
    streams = numbers.reshape(16, 30)
    settings = Settings(loss="squared_error", max_iter=60, learning_rate_init=0.03, batch_size=16)

    def learn(windows):
        rng = np.random.default_rng(0)
        network = RecurrentNetwork("lstm", 1, 8, 1).initialise(rng)
        return network, train(network, source, windows, NONE, settings, rng).loss_curve[-1]

    network, loss = learn(streams)
    _, loss_of_windows = learn(numbers)
    variance = targets.var()
    assert loss < 0.5 * variance < 0.95 * variance < loss_of_windows
    states = np.zeros((16, network.state_width), "float32")
    outputs = [network.predict(source, column, states=states)[:, 0] for column in streams.T]
    errors = np.transpose(outputs) - np.cos(phase)
    assert (errors**2).mean() < 0.5 * variance


def test_streams_start_from_zero_states_in_each_epoch():
    rng = np.random.default_rng(0)
    network = RecurrentNetwork("lstm", 1, 8, 3).initialise(rng, scale=1.0)
    settings = Settings(max_iter=3, solver="sgd", learning_rate_init=1e-30)  # no visible update
    streams = np.arange(20 * 10).reshape(20, 10)
    curve = train(network, SOURCE, streams, NONE, settings, rng).loss_curve
    assert curve[0] == curve[1] == curve[2]
    single = train(network, SOURCE, streams.ravel(), NONE, settings, rng).loss_curve
    assert curve[0] != pytest.approx(single[0], rel=1e-3)


@pytest.mark.parametrize("seconds", [1e-9, 10.0])
@pytest.mark.parametrize("reset", [0.3, 0.999999])
def test_streams_are_reset_at_random(reset, seconds, monkeypatch):
    monkeypatch.setattr(epochs, "BLOCK_SECONDS", seconds)
    network = RecurrentNetwork("lstm", 1, 8, 3).initialise(np.random.default_rng(0), scale=1.0)
    settings = Settings(max_iter=2, solver="sgd", learning_rate_init=1e-30, reset=reset)
    values = np.random.default_rng(1).normal(size=(200, 4)).astype("float32")
    numbers = np.arange(200)
    source = sequence_source(values[:, :1], numbers, np.ones_like(numbers), values[:, 1:])
    streams = numbers.reshape(20, 10)
    curve = train(network, source, streams, NONE, settings, np.random.default_rng(5)).loss_curve
    rng = np.random.default_rng(5)
    for loss in curve:
        resets, states = rng.random((10, 20)) < reset, np.zeros((20, network.state_width), "f4")
        resets[0] = True
        losses = []
        for column, are_reset in zip(streams.T, resets, strict=True):
            states[are_reset] = 0
            outputs = network.predict(source, column, states=states)
            losses.append(np.abs(outputs - values[column, 1:]).mean())
        assert loss == pytest.approx(np.mean(losses), rel=1e-5)


def test_streams_on_many_threads_give_the_same_bits(monkeypatch):
    monkeypatch.setattr(threads, "LONG", 0)
    streams = np.arange(20 * 10).reshape(20, 10)
    one, two = (run(4, NONE, starts=streams, settings={"n_jobs": n})[0] for n in (1, 2))
    np.testing.assert_array_equal(one.parameters, two.parameters)


def test_without_validation_the_last_weights_are_kept():
    _, history = run(5, NONE)
    assert (history.best_iter, history.validation_curve) == (5, [])


def test_stops_after_epochs_without_improvement():
    _, history = run(200, settings={"n_iter_no_change": 3, "learning_rate_init": 0.1})
    assert len(history.validation_curve) == history.best_iter + 3 < 200


def set_validation_losses(curve, monkeypatch):
    """Let evaluations return these losses, the first for the initial weights."""
    losses = iter(curve)
    monkeypatch.setattr(
        epochs.EpochRunner, "evaluate", lambda self, validations: np.array([next(losses)])
    )


def set_training_losses(curve, monkeypatch):
    """Let epochs return these training losses."""
    losses = iter(curve)
    monkeypatch.setattr(
        epochs.EpochRunner, "run_epoch", lambda self, on_progress: np.array([float(next(losses))])
    )


@pytest.mark.parametrize(
    ("tol", "n_epochs"), [(None, 8), (0.0, 8), (0.3, 8), (0.45, 6), (0.6, 7), (2.0, 3)]
)
def test_less_than_tol_is_no_improvement_of_the_validation_loss(tol, n_epochs, monkeypatch):
    """Small steps add up: each is measured from the last that counted."""
    set_validation_losses([10, 9, 8.75, 8.5, 8.25, 8.21, 8.1, 8.05, 8.0], monkeypatch)
    _, history = run(8, settings={"tol": tol, "n_iter_no_change": 3})
    assert (len(history.loss_curve), history.best_iter) == (n_epochs, n_epochs)
    assert history.stopped == (n_epochs < 8)


def test_the_best_weights_are_kept_though_the_improvement_is_less_than_tol():
    network, history = run(4, settings={"tol": 100.0, "n_iter_no_change": 3})
    assert (history.stopped, len(history.loss_curve), history.best_iter) == (True, 3, 3)
    loss = network.mean_loss(SOURCE, VALIDATION, "absolute_error")
    assert loss == min(history.validation_curve)


@pytest.mark.parametrize(
    ("tol", "n_epochs"), [(None, 9), (0.0, 7), (0.15, 6), (10.0, 3), (np.inf, 2)]
)
def test_tol_ends_training_by_the_training_loss_without_validation(tol, n_epochs, monkeypatch):
    set_training_losses([9, 8, 7.9, 7.8, 7.7, 7.7, 7.7, 7.0, 6.0], monkeypatch)
    _, history = run(9, NONE, settings={"tol": tol, "n_iter_no_change": 2})
    assert (len(history.loss_curve), history.stopped) == (n_epochs, n_epochs < 9)
    assert history.best_iter == n_epochs  # the last weights are kept


def test_each_of_many_networks_has_its_own_tol():
    networks, rngs = zip(*(fresh(seed) for seed in range(3)), strict=True)
    settings = [Settings(max_iter=6, tol=tol, n_iter_no_change=2) for tol in (None, 100.0, 0.0)]
    histories = train_many(networks, SOURCE, [STARTS] * 3, [NONE] * 3, settings, rngs)
    assert [len(history.loss_curve) for history in histories] == [6, 3, 6]
    assert [history.stopped for history in histories] == [False, True, False]


def train_in_pieces(lengths, n_jobs=1, **options):
    """Train piece by piece with the same moments: network, moments and losses."""
    network, rng = fresh()
    moments, losses = Moments(network), []
    for length in lengths:
        settings = Settings(
            max_iter=length,
            learning_rate="constant",
            learning_rate_init=0.01,
            n_jobs=n_jobs,
            **options,
        )
        history = train(network, SOURCE, STARTS, NONE, settings, rng, moments=moments)
        losses += history.loss_curve
    return network, moments, losses


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("averaging", [0.0, 0.99])
def test_pieces_with_moments_are_one_training_to_the_bit(solver, averaging):
    whole, moments, losses = train_in_pieces([6], solver=solver, averaging=averaging)
    network, same_moments, same_losses = train_in_pieces(
        [1, 2, 3], solver=solver, averaging=averaging
    )
    assert same_losses == losses
    np.testing.assert_array_equal(network.parameters, whole.parameters)
    np.testing.assert_array_equal(same_moments.values, moments.values)
    assert same_moments.steps == moments.steps == 6 * 8
    alone, _ = run(
        6,
        NONE,
        settings={
            "learning_rate": "constant",
            "learning_rate_init": 0.01,
            "solver": solver,
            "averaging": averaging,
        },
    )
    np.testing.assert_array_equal(alone.parameters, whole.parameters)


def test_pieces_without_moments_are_another_training():
    network, rng = fresh()
    settings = Settings(max_iter=3, learning_rate="constant", learning_rate_init=0.01)
    for _ in range(2):
        train(network, SOURCE, STARTS, NONE, settings, rng)
    assert (network.parameters != train_in_pieces([6])[0].parameters).any()


def test_moments_do_not_change_if_training_fails():
    network, rng = fresh()
    moments = Moments(network)
    train(network, SOURCE, STARTS, NONE, Settings(max_iter=1), rng, moments=moments)
    before, weights = moments.values.copy(), network.parameters.copy()
    with pytest.raises(ValueError, match="diverged"):
        train(
            network,
            SOURCE,
            STARTS,
            NONE,
            Settings(max_iter=1, learning_rate_init=1e38),
            rng,
            moments=moments,
        )
    np.testing.assert_array_equal(moments.values, before)
    np.testing.assert_array_equal(network.parameters, weights)
    assert moments.steps == 8


def test_initial_weights_are_kept_if_nothing_beats_them():
    """The network starts at the naive forecast: training may only improve on it."""
    values = np.tile([1.0, 2.0, 3.0, 4.0], 75)  # the naive forecast is perfect
    values[:240] += np.random.default_rng(0).normal(size=240)
    network, rng = fresh()
    start = network.parameters.copy()
    settings = Settings(max_iter=60, n_iter_no_change=4)
    source = forecast_source(values, 12, 4, 0.1)
    history = train(network, source, STARTS[:200], VALIDATION, settings, rng)
    assert (history.best_iter, len(history.loss_curve)) == (0, 4)
    np.testing.assert_array_equal(network.parameters, start)


def test_stop_after_keeps_the_learning_rates_of_all_epochs():
    short, history = run(12, NONE, stop_after=5)
    assert len(history.loss_curve) == 5
    _, whole = run(12, NONE)
    assert whole.loss_curve[:5] == history.loss_curve
    other, _ = run(5, NONE)
    assert (short.parameters != other.parameters).any()


@pytest.mark.parametrize("seconds", [1e-9, 10.0])
def test_the_length_of_blocks_does_not_matter(monkeypatch, seconds):
    expected, _ = run(6)
    monkeypatch.setattr(epochs, "BLOCK_SECONDS", seconds)
    network, _ = run(6)
    np.testing.assert_array_equal(network.parameters, expected.parameters)


@pytest.mark.parametrize("noise", [{}, {"recurrent_dropout": 0.2, "averaging": 0.5}])
def test_one_or_many_threads_give_the_same_bits(monkeypatch, noise):
    monkeypatch.setattr(threads, "LONG", 0)
    one, history = run(10, settings={"n_jobs": 1, **noise})
    two, same = run(10, settings={"n_jobs": 2, **noise})
    np.testing.assert_array_equal(one.parameters, two.parameters)
    assert history == same


def test_progress_is_reported_in_order_and_ends_at_one():
    reports = []
    run(4, on_progress=lambda done, history: reports.append((done, len(history.loss_curve))))
    shares = [done for done, _ in reports]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert reports[-1][1] == 3  # finished epochs while the last one runs


@pytest.mark.parametrize("epoch", [0, 3])
def test_an_interrupt_keeps_the_best_weights(epoch):
    def interrupt(done, history):
        if len(history.loss_curve) == epoch:
            raise KeyboardInterrupt

    network, history = run(10, on_progress=interrupt)
    assert history.interrupted
    assert len(history.loss_curve) == epoch
    expected = run(10, stop_after=epoch)[0] if epoch else fresh()[0]
    np.testing.assert_array_equal(network.parameters, expected.parameters)


def test_an_interrupt_without_validation_keeps_the_latest_weights():
    def interrupt(done, history):
        if len(history.loss_curve) == 3:
            raise KeyboardInterrupt

    network, history = run(10, NONE, on_progress=interrupt)
    assert (history.interrupted, history.best_iter) == (True, 3)
    before = run(10, NONE, stop_after=3)[0]
    losses = [n.mean_loss(SOURCE, STARTS, "absolute_error") for n in (before, network)]
    assert losses[0] != losses[1]
    assert np.isfinite(losses).all()


def test_a_ctrl_c_that_a_compilation_swallows_is_noticed_after_it():
    def swallow(done, history):
        if len(history.loss_curve) == 2:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

    # Where the tests run in the background, signals may have been ignored from the start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _, history = run(50, on_progress=swallow)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert history.interrupted
    assert len(history.loss_curve) <= 3


def test_training_works_in_another_thread_where_signals_cannot_be_caught():
    with ThreadPoolExecutor(1) as pool:
        network, history = pool.submit(run, 3).result()
    np.testing.assert_array_equal(network.parameters, run(3)[0].parameters)
    assert not history.interrupted


def test_divergence_is_an_error():
    with pytest.raises(ValueError, match=r"diverged in epoch 1.*learning_rate_init"):
        run(3, settings={"learning_rate_init": 1e38})


# Models trained in one call: windows, validation windows, epochs and other settings.
MODELS = {
    "plain": (STARTS, VALIDATION, 10, {}),
    "other seed": (STARTS, VALIDATION, 10, {}),
    "little data": (STARTS[:40], VALIDATION[:5], 10, {"learning_rate_init": 0.01}),
    "less than a batch": (STARTS[100:110], NONE, 7, {}),
    "no validation": (STARTS[20:], NONE, 10, {"learning_rate": "cosine", "warm_up": 0.2}),
    "stops early": (
        STARTS[::2],
        VALIDATION,
        10,
        {"n_iter_no_change": 1, "learning_rate": "constant", "learning_rate_init": 0.3},
    ),
    "one epoch": (STARTS, VALIDATION, 1, {}),
    "adaptive": (
        STARTS[:90],
        np.arange(100, 285),
        10,
        {"learning_rate": "adaptive", "learning_rate_init": 0.05},
    ),
    "another solver": (STARTS[:70], VALIDATION, 10, {"solver": "sgd", "alpha": 0.01}),
}
COMMON = {
    "plain": {},
    "noise": {"dropout": 0.3, "recurrent_dropout": 0.2, "averaging": 0.8},
    "large batches": {"batch_size": 200},
}


def each_alone(options, **kwargs):
    return [
        run(max_iter, validation, seed, {**options, **settings}, windows, **kwargs)
        for seed, (windows, validation, max_iter, settings) in enumerate(MODELS.values())
    ]


def all_at_once(options, dtype="float32", **kwargs):
    networks, rngs = zip(*(fresh(seed, dtype) for seed in range(len(MODELS))), strict=True)
    windows, validations, epochs, options_of_each = zip(*MODELS.values(), strict=True)
    settings = [
        Settings(max_iter=max_iter, **{**options, **each})
        for max_iter, each in zip(epochs, options_of_each, strict=True)
    ]
    histories = train_many(networks, SOURCE, windows, validations, settings, rngs, **kwargs)
    return list(zip(networks, histories, strict=True))


def assert_same(trained, expected):
    for name, (network, history), (other, expected_history) in zip(
        MODELS, trained, expected, strict=True
    ):
        np.testing.assert_array_equal(network.parameters, other.parameters, err_msg=name)
        assert history.best_iter == expected_history.best_iter
        # Which losses are padded or cut how, their sum may show in its last bits.
        for curve in ("loss_curve", "validation_curve"):
            expected_curve = getattr(expected_history, curve)
            assert getattr(history, curve) == pytest.approx(expected_curve, rel=1e-12)


@pytest.mark.parametrize("options", COMMON)
@pytest.mark.parametrize(("n_jobs", "dtype"), [(1, "float32"), (2, "float32"), (1, "float64")])
def test_many_networks_train_as_each_would_alone(options, n_jobs, dtype, monkeypatch):
    """The same weights to the last bit."""
    expected = each_alone(COMMON[options], dtype=dtype)
    monkeypatch.setattr(threads, "LONG", 0)
    assert_same(all_at_once({**COMMON[options], "n_jobs": n_jobs}, dtype), expected)
    epochs = {name: len(model[1].loss_curve) for name, model in zip(MODELS, expected, strict=True)}
    assert (epochs["one epoch"], epochs["less than a batch"], epochs["plain"]) == (1, 7, 10)
    assert epochs["stops early"] < 10


@pytest.mark.parametrize("size", [1, 2, 5])
def test_many_networks_in_groups(monkeypatch, size):
    expected = all_at_once({})
    n_bytes = 6 * expected[0][0].parameters.nbytes
    monkeypatch.setattr(trainer, "GROUP_BYTES", size * n_bytes)
    learn, sizes = trainer._train, []
    monkeypatch.setattr(trainer, "_train", lambda *a: sizes.append(len(a[0])) or learn(*a))
    fractions = []
    trained = all_at_once({}, on_progress=lambda done, history: fractions.append(done))
    assert_same(trained, expected)
    assert sum(sizes) == len(MODELS)
    assert set(sizes[:-1]) == {size}
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)


def test_an_interrupt_of_many_networks(monkeypatch):
    """In groups of three: one done, one in its fourth epoch, one not reached."""
    seen = []

    def interrupt(done, history):
        if not any(history is other for other in seen):
            seen.append(history)
        if len(seen) == 2 and len(history.loss_curve) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "GROUP_BYTES", 3 * 6 * fresh()[0].parameters.nbytes)
    trained = all_at_once({}, on_progress=interrupt)
    done, stopped = each_alone({})[:3], each_alone({}, stop_after=3)[3:6]
    untouched = [(fresh(seed)[0], trainer.History()) for seed in range(6, 9)]
    expected, validated = (
        done + stopped + untouched,
        [model[1].size > 0 for model in MODELS.values()],
    )
    for number, ((network, history), (other, its_history)) in enumerate(
        zip(trained, expected, strict=True)
    ):
        assert history.interrupted == (number >= 3)
        assert history.loss_curve == its_history.loss_curve
        assert history.best_iter == its_history.best_iter
        if number in (3, 4, 5) and not validated[number]:  # the latest are the best: it has gone on
            assert (network.parameters != other.parameters).any()
            assert np.isfinite(network.parameters).all()
        else:
            np.testing.assert_array_equal(network.parameters, other.parameters)
    assert validated[3:6] == [False, False, True]


@pytest.mark.parametrize(
    "other",
    [
        RecurrentNetwork("gru", 1, 8, 3),
        RecurrentNetwork("lstm", 1, 9, 3),
        RecurrentNetwork("lstm", 1, 8, 3, "float64"),
        RecurrentNetwork("lstm", 1, 8, 3, n_layers=2),
        RecurrentNetwork("lstm", 1, 8, 3, head="every"),
    ],
)
def test_networks_of_different_shapes_are_refused(other):
    networks = [RecurrentNetwork("lstm", 1, 8, 3), other]
    settings = [Settings(max_iter=1)] * 2
    rngs = [np.random.default_rng(0)] * 2
    with pytest.raises(ValueError, match="one shape"):
        train_many(networks, SOURCE, [STARTS] * 2, [NONE] * 2, settings, rngs)


def test_divergence_of_one_of_many_is_an_error():
    networks, rngs = zip(*map(fresh, range(2)), strict=True)
    settings = [Settings(max_iter=3), Settings(max_iter=3, learning_rate_init=1e38)]
    with pytest.raises(ValueError, match=r"diverged in epoch 1.*1e\+38"):
        train_many(networks, SOURCE, [STARTS] * 2, [NONE] * 2, settings, rngs)

"""The generators solve the equations, follow the papers they name and write dates."""

import datetime
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tsrnn.datasets import (
    make_adding_problem,
    make_copy_memory,
    make_dates,
    make_lorenz,
    make_mackey_glass,
    make_sentences,
)

MAKERS = [
    lambda seed: (make_mackey_glass(50, washout=10, noise=0.1, random_state=seed),),
    lambda seed: (make_lorenz(50, washout=10, noise=0.1, random_state=seed),),
    lambda seed: make_adding_problem(20, 30, random_state=seed),
    lambda seed: make_copy_memory(20, 30, random_state=seed),
    lambda seed: make_dates(20, random_state=seed),
    lambda seed: make_sentences(20, random_state=seed),
]


@pytest.mark.parametrize("make", MAKERS)
def test_the_seed_decides(make):
    first = make(3)
    for again in (make(3), make(np.int32(3)), make(np.random.default_rng(3))):
        for one, other in zip(first, again, strict=True):
            assert_array_equal(one, other)
    assert not np.array_equal(first[0], make(4)[0])
    assert not np.array_equal(make(None)[0], make(None)[0])
    generator = np.random.default_rng(3)
    assert not np.array_equal(make(generator)[0], make(generator)[0])


def euler_mackey_glass(start, n_timesteps, tau, beta, gamma, power, per_unit):
    """Integrate by tiny Euler steps, from a constant history."""
    delay = round(tau * per_unit)
    x = [start] * (delay + 1)
    for i in range((n_timesteps - 1) * per_unit):
        x.append(x[-1] + (beta * x[i] / (1 + x[i] ** power) - gamma * x[-1]) / per_unit)
    return np.array(x[delay::per_unit])


@pytest.mark.parametrize(
    ("tau", "beta", "gamma", "power"), [(17, 0.2, 0.1, 10), (5.5, 0.3, 0.15, 7.5)]
)
def test_mackey_glass_agrees_with_a_slow_integration(tau, beta, gamma, power):
    x = make_mackey_glass(120, tau, beta=beta, gamma=gamma, power=power, washout=0, random_state=1)
    slow = euler_mackey_glass(x[0], 120, tau, beta, gamma, power, per_unit=1000)
    assert_allclose(x, slow, atol=5e-4)
    assert np.ptp(slow) > 0.3


def test_mackey_glass_solves_the_delay_equation():
    x = make_mackey_glass(600, random_state=0)
    now, delayed = x[17:], x[:-17]
    slope = (now[:-6] * -1 + now[1:-5] * 9 - now[2:-4] * 45) / 60  # sixth-order difference
    slope += (now[4:-2] * 45 - now[5:-1] * 9 + now[6:]) / 60
    expected = 0.2 * delayed / (1 + delayed**10) - 0.1 * now
    assert_allclose(slope, expected[3:-3], atol=1e-4)
    assert np.abs(slope).max() > 0.05


def test_mackey_glass_is_of_fourth_order_in_dt():
    exact = make_mackey_glass(80, dt=0.0125, washout=0, random_state=0)
    coarse, fine = (
        np.abs(make_mackey_glass(80, dt=dt, washout=0, random_state=0) - exact).max()
        for dt in (0.1, 0.05)
    )
    assert coarse < 1e-8
    assert 14 < coarse / fine < 18


def test_mackey_glass_starts_at_its_history_and_discards_the_washout():
    full = make_mackey_glass(60, washout=0, random_state=5)
    assert full.shape == (60,)
    assert full.dtype == np.float64
    assert 1.1 <= full[0] <= 1.3
    assert_array_equal(make_mackey_glass(20, washout=40, random_state=5), full[40:])


def runge_kutta_lorenz(points, dt, sigma, rho, beta, n_steps=40):
    """Advance many points at once by ``dt``."""

    def slope(p):
        x, y, z = p.T
        return np.stack([sigma * (y - x), x * (rho - z) - y, x * y - beta * z], axis=1)

    h = dt / n_steps
    for _ in range(n_steps):
        k1 = slope(points)
        k2 = slope(points + h / 2 * k1)
        k3 = slope(points + h / 2 * k2)
        k4 = slope(points + h * k3)
        points = points + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return points


@pytest.mark.parametrize(
    ("sigma", "rho", "beta", "dt"), [(10, 28, 8 / 3, 0.02), (14.0, 20.0, 2.0, 0.1)]
)
def test_lorenz_takes_each_sample_to_the_next(sigma, rho, beta, dt):
    x = make_lorenz(300, sigma=sigma, rho=rho, beta=beta, dt=dt, random_state=0)
    assert_allclose(runge_kutta_lorenz(x[:-1], dt, sigma, rho, beta), x[1:], atol=1e-7)


def test_lorenz_derivative_follows_the_equations():
    x = make_lorenz(2000, dt=0.002, random_state=0)
    slope = (x[:-4] - 8 * x[1:-3] + 8 * x[3:-1] - x[4:]) / (12 * 0.002)
    a, b, c = x[2:-2].T
    expected = np.stack([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c], axis=1)
    assert_allclose(slope, expected, atol=1e-5)
    assert np.abs(expected).max() > 30


def test_lorenz_starts_in_its_cube_and_discards_the_washout():
    full = make_lorenz(60, washout=0, random_state=5)
    assert full.shape == (60, 3)
    assert full.dtype == np.float64
    assert full.flags.c_contiguous
    assert ((full[0] >= 0.5) & (full[0] <= 1.5)).all()
    assert_allclose(make_lorenz(20, washout=40, random_state=5), full[40:], atol=1e-12)
    assert make_lorenz(1, washout=0, random_state=5).tolist() == [full[0].tolist()]


@pytest.mark.parametrize("make", [make_mackey_glass, make_lorenz])
def test_noise_is_added_to_the_samples_alone(make):
    clean = make(500, random_state=0)
    noise = make(500, noise=0.5, random_state=0) - clean
    assert 0.4 < noise.std() < 0.6
    assert abs(noise.mean()) < 0.1


@pytest.mark.parametrize("n_timesteps", [2, 7, 50])
def test_adding_problem_sums_one_marked_value_of_each_half(n_timesteps):
    X, y = make_adding_problem(500, n_timesteps, random_state=0)
    assert X.shape == (500, n_timesteps, 2)
    assert y.shape == (500,)
    assert X.dtype == y.dtype == np.float64
    values, marks = X[..., 0], X[..., 1]
    assert np.isin(marks, [0.0, 1.0]).all()
    half = n_timesteps // 2
    assert (marks[:, :half].sum(axis=1) == 1).all()
    assert (marks[:, half:].sum(axis=1) == 1).all()
    assert marks.any(axis=0).all()  # every place is marked in some sequence
    assert_allclose(y, (values * marks).sum(axis=1), rtol=1e-15)
    assert 0 <= values.min() < values.max() < 1


def test_adding_problem_scores_a_sixth_for_the_mean():
    _, y = make_adding_problem(20000, 4, random_state=0)
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, rel=0.03)


@pytest.mark.parametrize(
    ("n_timesteps", "n_symbols", "n_memory"), [(100, 8, 10), (1, 3, 1), (5, 1, 4)]
)
def test_copy_memory_has_the_papers_structure(n_timesteps, n_symbols, n_memory):
    X, y = make_copy_memory(
        300, n_timesteps, n_symbols=n_symbols, n_memory=n_memory, random_state=0
    )
    assert X.shape == y.shape == (300, n_timesteps + 2 * n_memory)
    assert X.dtype == y.dtype == np.int64
    symbols, blanks, delimiter, answer = np.split(
        X, [n_memory, n_memory + n_timesteps - 1, n_memory + n_timesteps], axis=1
    )
    assert_array_equal(np.unique(symbols), np.arange(1, n_symbols + 1))
    assert not blanks.any()
    assert delimiter.shape == (300, 1)
    assert (delimiter == n_symbols + 1).all()
    assert answer.shape == (300, n_memory)
    assert not answer.any()
    assert not y[:, :-n_memory].any()
    assert_array_equal(y[:, -n_memory:], symbols)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (make_mackey_glass, {"n_timesteps": 0}, "n_timesteps must be a whole number from 1"),
        (make_mackey_glass, {"tau": 17.05}, "tau / dt must be a whole number"),
        (make_mackey_glass, {"tau": 0}, "tau must be a number in the range"),
        (make_mackey_glass, {"beta": float("nan")}, "beta must be a number in the range"),
        (make_mackey_glass, {"gamma": -0.1}, "gamma must be a number in the range"),
        (make_mackey_glass, {"gamma": 3.0, "dt": 0.5}, "dt must be at most 1 / gamma"),
        (make_mackey_glass, {"power": "ten"}, "power must be a number in the range"),
        (make_mackey_glass, {"dt": 0.3}, "1 / dt must be a whole number"),
        (make_mackey_glass, {"washout": -1}, "washout must be a whole number from 0"),
        (make_mackey_glass, {"noise": -1.0}, "noise must be a number in the range"),
        (make_mackey_glass, {"random_state": "0"}, "random_state must be None, an integer"),
        (make_lorenz, {"n_timesteps": 2.0}, "n_timesteps must be a whole number from 1"),
        (make_lorenz, {"washout": True}, "washout must be a whole number from 0"),
        (make_lorenz, {"sigma": 0}, "sigma must be a number in the range"),
        (make_lorenz, {"rho": float("inf")}, "rho must be a number in the range"),
        (make_lorenz, {"beta": None}, "beta must be a number in the range"),
        (make_lorenz, {"dt": 0.0}, "dt must be a number in the range"),
        (make_lorenz, {"noise": float("nan")}, "noise must be a number in the range"),
        (make_lorenz, {"random_state": -1}, "random_state must be None, an integer"),
        (make_adding_problem, {"n_samples": 0}, "n_samples must be a whole number from 1"),
        (make_adding_problem, {"n_timesteps": 1}, "n_timesteps must be a whole number from 2"),
        (make_adding_problem, {"random_state": 0.5}, "random_state must be None, an integer"),
        (make_copy_memory, {"n_samples": -1}, "n_samples must be a whole number from 1"),
        (make_copy_memory, {"n_timesteps": 0}, "n_timesteps must be a whole number from 1"),
        (make_copy_memory, {"n_symbols": 0}, "n_symbols must be a whole number from 1"),
        (make_copy_memory, {"n_memory": 0}, "n_memory must be a whole number from 1"),
        (make_copy_memory, {"random_state": True}, "random_state must be None, an integer"),
    ],
)
def test_bad_parameters_are_named(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)


DATE_STYLES = [
    ("%d %B %Y", r"\d+ \w{3,} \d{4}"),
    ("%B %d, %Y", r"\w{3,} \d+, \d{4}"),
    ("the %d of %B, %Y", r"the \d+(st|nd|rd|th) of \w+, \d{4}"),
    ("%B %d %Y", r"\w{3,} \d+(st|nd|rd|th) \d{4}"),
    ("%A, %d %B %Y", r"\w+day, \d+ \w+ \d{4}"),
    ("%a %d %b %Y", r"\w{3} \d\d \w{3} \d{4}"),
    ("%d-%b-%y", r"\d+-\w{3}-\d\d"),
    ("%d.%m.%Y", r"\d+\.\d+\.\d{4}"),
    ("%m/%d/%Y", r"\d+/\d+/\d{4}"),
    ("%Y%m%d", r"\d{8}"),
]


def test_dates_are_the_same_in_all_styles():
    texts, dates = make_dates(20_000, random_state=0)
    counts = dict.fromkeys(range(len(DATE_STYLES)), 0)
    for text, date in zip(texts, dates, strict=True):
        (style,) = [k for k, (_, form) in enumerate(DATE_STYLES) if re.fullmatch(form, text)]
        counts[style] += 1
        plain = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", text)
        day = datetime.datetime.strptime(plain, DATE_STYLES[style][0]).date()
        if style == 6 and day.year > 2049:  # Python has 1969 to 2068 in two digits
            day = day.replace(year=day.year - 100)
        assert day.isoformat() == date, text
        if "day" in text:
            assert text.startswith(day.strftime("%A"))
    assert min(counts.values()) > 1800
    years = [int(date[:4]) for date in dates]
    assert (min(years), max(years)) == (1950, 2049)


def test_ordinals_of_dates():
    texts, _ = make_dates(20_000, random_state=1)
    ordinals = {text.split()[1] for text in texts if text.startswith("the ")}
    endings = {1: "st", 21: "st", 31: "st", 2: "nd", 22: "nd", 3: "rd", 23: "rd"}
    assert ordinals == {f"{k}{endings.get(k, 'th')}" for k in range(1, 32)}


def test_no_date_has_a_style_twice():
    texts, dates = make_dates(365_250, random_state=0)
    assert len(set(texts)) == len(texts) == 365_250
    assert len(set(dates)) == 36_525
    assert make_dates(1, random_state=0)[0][0] != make_dates(1, random_state=1)[0][0]
    for n in (0, 365_251):
        with pytest.raises(ValueError, match="n_samples must be a whole number from 1 to 365250"):
            make_dates(n)
    with pytest.raises(ValueError, match="random_state must be None, an integer"):
        make_dates(5, random_state=-1)

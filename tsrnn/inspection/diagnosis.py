"""What is wrong with a fitted network, in words, and what to change."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsrnn.inspection.causes import causes_of
from tsrnn.inspection.evidence import evidence_of
from tsrnn.inspection.findings import Diagnosis


def diagnose(estimator: Any, X: Any = None, y: Any = None) -> Diagnosis:
    """Say what is wrong with a fitted network, with the number behind it, and what to change.

    What a healthy network may show is no disease: a gradient is blamed for fading only where the
    steps that it does not come to tell what the network misses, by a linear probe of them (ridge
    regression, out of sample; after Alain & Bengio 2017), and gates for their ends only where the
    fit is poor. A series that nothing can forecast accuses no network. A Transformer, which has
    neither gates nor a way back through time, is judged by its loss and its input.

    Parameters
    ----------
    estimator : RNNRegressor, RNNClassifier or RNNForecaster
        Fitted.
    X : array-like, or Series or frame, optional
        Sequences, best those of ``fit``; of a forecaster series, by default those of ``fit``. At
        most 500 sequences or windows, evenly chosen, are walked through.
    y : array-like, optional
        Targets of the rows; not of a forecaster.

    Returns
    -------
    Diagnosis
        Findings, the likeliest root cause first, of these:

        ========================  =================================================================
        input unscaled            ``standardize=False``, and a channel of another scale; likewise
        target unscaled           a regressor's target
        exploding gradient        the loss rose far beyond a constant forecast's in some epoch, or
                                  gradients grow on their way back (Pascanu et al. 2013)
        dead ReLU                 units that are 0 at all steps of all sequences (Lu et al. 2020)
        saturated                 states or gates at the ends of their range, and a poor fit
        learning rate too low     the loss still fell at the end, and the head hardly moved
        vanishing gradient        gradients fade before they come to steps that tell what is missed
                                  (Bengio et al. 1994)
        input ignored             predictions hardly vary, though a linear probe finds what to say
        ========================  =================================================================

        The last three are told where none of the others explains the failure.

    Raises
    ------
    ValueError
        If the estimator is of another kind or not fitted, its sequences or targets are missing, a
        series is too short, or each series has a network of its own. A training whose loss stops
        being finite has no result: ``fit`` itself says so, in the same words.

    References
    ----------
    * Bengio, Simard & Frasconi (1994), Learning long-term dependencies with gradient descent is
      difficult. IEEE Transactions on Neural Networks 5.
    * Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent neural networks.
      ICML.
    * Alain & Bengio (2017), Understanding intermediate layers using linear classifier probes.
      ICLR workshop.
    * Lu, Shin, Su & Karniadakis (2020), Dying ReLU and initialization. Communications in
      Computational Physics 28.

    Examples
    --------
    A vanilla network cannot learn what stands a hundred steps back:

    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.datasets import make_adding_problem
    >>> from tsrnn.inspection import diagnose
    >>> X, y = make_adding_problem(400, 100, random_state=0)
    >>> vanilla = RNNRegressor(cell="rnn", n_channels=2, max_iter=10).fit(X, y)
    >>> diagnose(vanilla, X, y)
    vanishing gradient: gradients of l0 fall below ... % after ... of 100 steps, and ...
    """
    with np.errstate(all="ignore"):  # what exploded may overflow here as well
        return Diagnosis(causes_of(evidence_of(estimator, X, y)))

"""diagnose: what is wrong with a fitted network, and what to change."""

from typing import Any

import numpy as np

from tsrnn.inspection.checks import find_causes
from tsrnn.inspection.evidence import gather_evidence
from tsrnn.inspection.report import Diagnosis


def diagnose(estimator: Any, X: Any = None, y: Any = None) -> Diagnosis:
    """Find what is wrong with a fitted network, with the numbers behind it and a remedy.

    What a healthy network may show is not reported: a gradient that fades where the steps out of
    reach do not explain the residuals, by a linear probe (ridge regression, out of sample; after
    Alain & Bengio 2017), and saturated gates with a good fit. A series that cannot be forecast is
    not blamed on the network. A Transformer is checked by its loss and its input alone.

    Parameters
    ----------
    estimator : fitted RNNRegressor, RNNClassifier or RNNForecaster
    X : array-like, or Series or frame, optional
        Sequences, best those of ``fit``; for a forecaster series, by default those of ``fit``. At
        most 500 sequences or windows, evenly spaced, are examined.
    y : array-like, optional
        Targets of the rows; not for a forecaster.

    Returns
    -------
    Diagnosis
        Findings, the likeliest root cause first; the last three only where no other explains it:

        ========================  =================================================================
        input unscaled            ``standardize=False``, and a channel of another scale
        target unscaled           likewise a regressor's target
        exploding gradient        the loss rose far beyond a constant forecast's in some epoch, or
                                  gradients grow on their way back (Pascanu et al. 2013)
        dead ReLU                 units that are 0 at all steps of all sequences (Lu et al. 2020)
        saturated                 states or gates at the ends of their range, and a poor fit
        learning rate too low     the loss still fell at the end, and the head hardly moved
        vanishing gradient        gradients fade before they reach steps that explain the residuals
                                  (Bengio et al. 1994)
        input ignored             predictions hardly vary, though a linear probe explains targets
        ========================  =================================================================

    Raises
    ------
    ValueError
        If the estimator is of another kind or not fitted, X or y is missing, a series is too
        short, or each series has its own network.

    See Also
    --------
    saturation : How many units are near their limits.
    gradient_flow : The gradient at each lag.
    tsrnn.plotting.LossCurveDisplay : Draw the training.

    References
    ----------
    * Bengio, Simard & Frasconi (1994), Learning long-term dependencies with gradient descent is
      difficult. IEEE Transactions on Neural Networks 5.
    * Pascanu et al. (2013), On the difficulty of training recurrent neural networks. ICML.
    * Alain & Bengio (2017), Understanding intermediate layers using linear classifier probes. ICLR.
    * Lu, Shin, Su & Karniadakis (2020), Dying ReLU and initialization. Commun. Comput. Phys. 28.

    Examples
    --------
    A vanilla network cannot learn from values a hundred steps back:

    >>> from tsrnn import RNNRegressor
    >>> from tsrnn.datasets import make_adding_problem
    >>> from tsrnn.inspection import diagnose
    >>> X, y = make_adding_problem(400, 100, random_state=0)
    >>> vanilla = RNNRegressor(cell="rnn", n_channels=2, max_iter=10).fit(X, y)
    >>> diagnose(vanilla, X, y)
    vanishing gradient: gradients of l0 fall below ... % after ... of 100 steps, and ...
    """
    with np.errstate(all="ignore"):  # an exploded network may overflow here as well
        return Diagnosis(find_causes(gather_evidence(estimator, X, y)))

"""Causes of a network's failure, each told by numbers: from the likeliest root to its effects."""

from __future__ import annotations

import numpy as np

from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.inspection.evidence import LIKELIHOODS, Evidence
from tsrnn.inspection.findings import Finding, percent
from tsrnn.training.divergence import CLIPPED, calm, exploded

# Thresholds, with what was seen of them in seven hundred fits, healthy ones and broken ones.
_SPREAD = 10.0  # deviations of channels beyond it, or under one over it, are another scale's
_OFFSET = 3.0  # a mean of so many deviations, and so large: seen of levels, never of a signal
_JUMP = 2.0  # times a constant forecast's loss: healthy epochs reach 1.1, exploded ones 2.3
_LEAP = 10.0  # likewise of a network that fits well nevertheless: of a rectifier's it may reach 3
_GROWTH = 20.0  # of the gradient over the way back: healthy networks reach 6
_DEAD = 0.4  # of a layer's units: healthy rectifiers have none, others learn well with 0.6
_ENDS = 0.67  # of a vanilla network's states: what learns, or has nothing to learn, reaches 0.63
_GATES = 0.5  # of gates, at either end: healthy ones reach 0.45, saturated ones 0.54
_STUCK = 0.9  # of one gate, at the end that lets nothing through: healthy ones reach 0.7
_MOST = 0.75  # of states or gates: more than a network that fits fairly has
_BLOCKED = {("input", "shut"), ("forget", "shut"), ("output", "shut"), ("update", "shut"),
            ("update", "open")}  # ends that let nothing in, through or out  # fmt: skip
_SEVERE = 0.85  # of units at their ends: none is left for gradients to grow in
_LEARNT = 0.8  # share of the loss that is gone, beyond which dead units are not missed
_POOR = 0.5  # share of the loss that is gone, below which ends of ranges are a disease
_MOVED = 0.01  # of a head that begins at zero: learnt ones reach 0.025, too slow ones 0.006
_STILL = 1e-3  # nor does a loss that cannot fall leave them so near
_USUAL = 0.1  # of learnt heads' weights, 0.03 to 0.4
_BEGUN = 0.2  # share of the loss that is gone in training that has hardly begun
_HIGH = 1e-3  # a rate of Adam that is high enough, if it has the time
_FALLING = 0.65  # share of epochs whose loss fell: noise gives a half
_STEADY = 0.9  # of epochs of a loss that is on its way
_LEVELS = (0.01, 0.03, 0.1, 0.2)  # of the gradient's largest norm: what counts as gone
_GATED = 0.03  # of a gated cell: with its cell state it holds out at 0.1 and learns all the same
_MISSED = 0.1  # of the targets' variance, found in steps out of reach: healthy ones reach 0.02
_FLAT = 0.05  # variance of predictions over that of the targets
_PLAIN = 0.3  # of the targets' variance, that a linear probe finds and such predictions miss


def causes_of(evidence: Evidence) -> list[Finding]:
    """All that are found, root causes before what they bring about."""
    loss, ends = loss_exploded(evidence), [*dead(evidence), *saturated(evidence)]
    exploding = loss or gradient_grows(evidence)
    # A loss that explodes though gradients are cut shows too high a rate, and the harm is what it
    # left behind. Where all but all units are at their ends, few are left for gradients to grow in.
    if loss:
        last = evidence.estimator.max_grad_norm <= CLIPPED
    else:
        last = any(found.values["share"] > _SEVERE for found in ends)
    found = [*ends, *exploding] if last else [*exploding, *ends]
    # What comes next is blamed only where none of these explains it.
    found = [*unscaled(evidence), *found]
    return found or learning_rate_too_low(evidence) or vanishing(evidence) or ignored(evidence)


def unscaled(evidence: Evidence) -> list[Finding]:
    """Channels, and targets of a regressor, that are far from mean 0 and deviation 1."""
    estimator = evidence.estimator
    if not isinstance(estimator, SequenceEstimator) or estimator.standardize:
        return []
    network, n_channels = evidence.looked.network, estimator.n_channels_in_
    n_values = network.n_in // (3 if estimator.missing_ else 1)
    channels = evidence.inputs[:, :, :n_values].reshape(-1, n_channels)
    parts = [("input", "channel", channels)]
    if evidence.looked.loss != "cross_entropy":
        parts.append(("target", "target", evidence.truth))
    found = []
    for what, name, values in parts:
        means, deviations = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
        roots = np.sqrt(means**2 + deviations**2)
        roots = np.where(roots > 0, roots, 1.0)
        far = (deviations > _SPREAD) | ((roots < 1 / _SPREAD) & (deviations > 0))
        far |= (np.abs(means) > _OFFSET) & (np.abs(means) > _OFFSET * deviations)
        if far.any():
            place = int(np.argmax(np.where(far, np.abs(np.log(roots)), -1)))
            mean, deviation = float(means[place]), float(deviations[place])
            found.append(Finding(
                f"{what} unscaled", None,
                {name: place, "mean": mean, "deviation": deviation, "count": int(far.sum())},
                f"{name} {place} has mean {mean:.3g} and deviation {deviation:.3g}"
                + (f" ({far.sum()} of {len(far)} are as far off)" if far.sum() > 1 else ""),
                f"Use standardize=True, or bring {name}s to mean 0 and deviation 1.",
            ))  # fmt: skip
    return found


def loss_exploded(evidence: Evidence) -> list[Finding]:
    """A loss that rose far beyond that of a forecast which reads nothing."""
    curve, constant, loss = evidence.curve, evidence.constant_loss, evidence.looked.loss
    begun = max(constant, evidence.first_loss)
    if getattr(evidence.estimator, "standardize", False) and loss != "cross_entropy":
        begun = max(begun, 1.0)  # of the rows learnt, where those given here are others
    jump = _LEAP if evidence.skill >= _LEARNT else _JUMP
    # Likelihoods may be below 0: nats beyond are counted, not times.
    bound = begun + _JUMP * jump if loss in LIKELIHOODS else jump * begun
    if not np.isfinite(bound) or not curve.size or curve.max() <= bound:
        return []
    epoch = int(np.argmax(curve)) + 1
    loss, estimator = float(curve[epoch - 1]), evidence.estimator
    return [Finding(
        "exploding gradient", None, {"epoch": epoch, "loss": loss, "constant_loss": constant},
        f"training {exploded(epoch, loss)}, where a constant forecast has {constant:.3g}",
        calm(estimator.learning_rate_init, estimator.max_grad_norm),
    )]  # fmt: skip


def gradient_grows(evidence: Evidence) -> list[Finding]:
    """A gradient that is larger by orders of magnitude where it comes to than where it began."""
    found, estimator = [], evidence.estimator
    if evidence.looked.network.n_heads:  # it has no way back through time
        return found
    vanilla = evidence.looked.network.cell.startswith("rnn")
    gated = " Or use cell='lstm' or 'gru'." if vanilla else ""
    for layer, norms in evidence.flow.items():
        flow = np.sqrt((norms**2).mean(axis=0))
        n = len(flow)
        with np.errstate(all="ignore"):
            growth = float(flow[: n // 2].max(initial=0) / flow[n - max(n // 4, 1) :].max())
        if np.isfinite(growth) and (growth < _GROWTH or not evidence.skill < _POOR):
            continue
        if not np.isfinite(growth) and np.isfinite(flow).all():
            continue  # of nothing comes nothing
        found.append(Finding(
            "exploding gradient", layer, {"growth": growth, "steps": n},
            f"gradients of {layer} grow {growth:.2g}-fold on their way back over {n} steps",
            calm(estimator.learning_rate_init, estimator.max_grad_norm) + gated,
        ))  # fmt: skip
    return sorted(found, key=lambda one: -one.values["growth"])[:1]


def dead(evidence: Evidence) -> list[Finding]:
    """Rectifiers that are 0 at all steps of all sequences: no gradient comes through any more."""
    if evidence.looked.network.cell != "rnn_relu" or not evidence.skill < _LEARNT:
        return []
    rate = evidence.estimator.learning_rate_init
    return [
        Finding(
            "dead ReLU",
            layer,
            {"share": share},
            f"{percent(share)} of the units of {layer} are 0 at all steps of all sequences",
            f"Lower learning_rate_init={rate:g}, or use cell='gru' or 'lstm'.",
        )
        for layer, share in evidence.dead.items()
        if share >= _DEAD
    ]


def saturated(evidence: Evidence) -> list[Finding]:
    """States or gates at the ends of their range, where no gradient comes through."""
    network, rate = evidence.looked.network, evidence.estimator.learning_rate_init
    if network.n_heads or network.cell == "rnn_relu":
        return []
    advice = f"Lower learning_rate_init={rate:g}, or hold weights small (alpha=0.01)."
    found = []
    for layer in evidence.flow:
        shares = {gate: ends for (own, gate), ends in evidence.shares.items() if own == layer}
        hidden = shares.pop("hidden")[1]
        if not shares:
            share, bound = hidden, _ENDS
            words = f"{percent(share)} of the states of {layer} are near -1 or 1"
        else:
            ends = _ends(shares, evidence.estimator.memory)
            share, bound = sum(ends.values()) / len(shares), _GATES
            words = f"{percent(share)} of the gates of {layer} are all but shut or open"
            (gate, end), stuck = max(
                (one for one in ends.items() if one[0] in _BLOCKED), key=lambda one: one[1]
            )
            if stuck >= _STUCK:
                share, words = stuck, f"{percent(stuck)} of the {gate} gates of {layer} are {end}"
        if share >= bound and evidence.skill < (_LEARNT if share >= _MOST else _POOR):
            found.append(Finding("saturated", layer, {"share": float(share)}, words, advice))
    return found


def _ends(shares, memory):
    """Shares of gates' values by gate and end, but for where chrono initialisation puts them."""
    ends = {(gate, end): float(share[k]) for gate, share in shares.items()
            for k, end in enumerate(("shut", "open"))}  # fmt: skip
    begun = {("input", "shut"), ("forget", "open"), ("update", "open")} if memory else ()
    return {key: share for key, share in ends.items() if key not in begun}


def learning_rate_too_low(evidence: Evidence) -> list[Finding]:
    """A head that has hardly left its zeros, though nothing holds it back."""
    moved, falling, _ = _training(evidence)
    if not (0 < moved < _MOVED and evidence.skill < _BEGUN):
        return []
    # Where the loss falls by less than is rounded, no share of epochs says so.
    still = moved < _STILL and not evidence.estimator.alpha
    return [_slow(evidence)] if still or falling >= _FALLING else []


def _training(evidence):
    """How far the head's weights are from the zeros they began at, and how the loss fell."""
    curve = evidence.curve
    moved = float(np.sqrt(np.mean(evidence.looked.network.views()["head_weight"] ** 2)))
    if len(curve) < 2:
        return moved, 1.0, 0.0
    return moved, float(np.mean(np.diff(curve) < 0)), float((curve[0] - curve[-1]) / abs(curve[0]))


def _slow(evidence):
    estimator, n = evidence.estimator, len(evidence.curve)
    moved, _, fall = _training(evidence)
    factor = int(10 ** np.clip(np.floor(np.log10(_USUAL / moved)), 1, 6))
    rate = estimator.learning_rate_init
    advice = f"Raise learning_rate_init={rate:g} to {rate * factor:.1g}, or max_iter."
    if estimator.solver != "sgd" and rate >= _HIGH:
        advice = f"Raise max_iter, or learning_rate_init={rate:g}."
    return Finding(
        "learning rate too low", None,
        {"moved": moved, "fall": fall, "epochs": n, "factor": factor},
        f"the loss fell by {percent(fall, 2)} in {n} epoch{'s' * (n > 1)}, and the head's weights "
        f"moved by {moved:.1g} from 0, where {_USUAL:g} is usual",
        advice,
    )  # fmt: skip


def vanishing(evidence: Evidence) -> list[Finding]:
    """A gradient that is gone before it comes to steps which hold what the network misses."""
    # The median: in a few sequences it may grow where in most it is gone.
    flow = np.median(evidence.flow["l0"], axis=0)
    n, segment = len(flow), evidence.looked.segment
    # The last step has a way of its own, past the gates: what counts is how it goes on from there.
    largest = flow[:-1].max(initial=0)
    if evidence.looked.network.n_heads or not largest > 0:
        return []
    gated = bool(evidence.looked.network.module.GATES)
    for level in _LEVELS:
        if gated and level > _GATED:
            break
        reached = n - int(np.flatnonzero(flow >= level * largest)[0])
        if n - reached < 2:
            continue
        missed = evidence.missed(evidence.inputs[:, : n - reached], _MISSED)
        if missed:
            steps, whole = reached * segment, n * segment
            return [Finding(
                "vanishing gradient", "l0",
                {"steps": steps, "of": whole, "level": level, "missed": missed},
                f"gradients of l0 fall below {percent(level)} after {steps} of {whole} steps, and "
                f"the steps before tell {percent(missed)} of the targets' variance, and are missed",
                _remember(evidence, whole),
            )]  # fmt: skip
    return []


def _remember(evidence, whole):
    """What makes a network's memory longer, by its cell."""
    network, segment = evidence.looked.network, evidence.looked.segment
    if network.cell not in ("lstm", "gru"):
        return f"Try cell='lstm' or 'gru', with memory={whole // segment} (chrono initialisation)."
    if evidence.estimator.memory is None:
        return f"Try memory={whole // segment} (chrono initialisation), or segment={2 * segment}."
    shorter = "lookback" if not isinstance(evidence.estimator, SequenceEstimator) else "sequences"
    return f"Try segment={4 * segment}, or shorter {shorter}."


def ignored(evidence: Evidence) -> list[Finding]:
    """Predictions that hardly vary, though the input tells of the targets."""
    whole = np.nanvar(evidence.truth, axis=0).sum()
    varies = float(evidence.said.var(axis=0).sum() / whole) if whole > 0 else np.nan
    if not varies < _FLAT:
        return []
    missed = evidence.missed(evidence.inputs, _PLAIN)
    if not missed:
        return []
    moved, falling, fall = _training(evidence)
    if moved > 0 and falling >= _STEADY and fall < _POOR:
        return [_slow(evidence)]  # it was on its way
    advice = "Train longer (max_iter), or look at tsrnn.inspection.input_sensitivity."
    if evidence.estimator.alpha > 0:
        advice = f"Lower alpha={evidence.estimator.alpha:g}. {advice}"
    return [Finding(
        "input ignored", None, {"varies": varies, "missed": missed},
        f"predictions vary by {percent(varies, 1)} of the targets' variance, of which a linear "
        f"probe of the input finds {percent(missed)} more",
        advice,
    )]  # fmt: skip

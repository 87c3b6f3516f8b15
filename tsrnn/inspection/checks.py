"""Checks of a fitted network, one for each cause of failure, and the order they are reported in."""

import numpy as np

from tsrnn.estimators.sequence_estimator import SequenceEstimator
from tsrnn.inspection.evidence import Evidence
from tsrnn.inspection.report import Finding, percent
from tsrnn.kernels.losses import find_loss
from tsrnn.training.divergence import CLIP_NORM, describe_divergence, divergence_advice

# Thresholds, with what seven hundred fits of healthy and of broken networks showed.
_MAX_DEVIATION = 10.0  # of a channel, and one over it the least: beyond is another scale
_MAX_OFFSET = 3.0  # of a mean, also in deviations: only the level of a series is as far off
_LOSS_JUMP = 2.0  # over a constant forecast's loss: healthy epochs reach 1.1, exploded ones 2.3
_SKILLED_LOSS_JUMP = 10.0  # likewise for a network that fits well: rectifiers' may reach 3
_GRADIENT_GROWTH = 20.0  # back through time: healthy networks reach 6
_DEAD = 0.4  # of a layer's units: healthy rectifiers have none, others learn well with 0.6
_SATURATED_STATES = 0.67  # of a vanilla network: what learns, or has no signal, reaches 0.63
_SATURATED_GATES = 0.5  # at either end: healthy ones reach 0.45, saturated ones 0.54
_STUCK_GATE = 0.9  # of one gate, at the end that blocks: healthy ones reach 0.7
_MOSTLY_SATURATED = 0.75  # of states or gates: more than a network that fits fairly has
_BLOCKING_ENDS = {  # ends that let nothing in, through or out
    ("input", "shut"),
    ("forget", "shut"),
    ("output", "shut"),
    ("update", "shut"),
    ("update", "open"),
}
_ALL_BUT_SATURATED = 0.85  # of units: too few are left for gradients to grow in
_GOOD_SKILL = 0.8  # above which dead units do no harm
_POOR_SKILL = 0.5  # below which saturation is a fault
_MOVED_LITTLE = 0.01  # of a head that starts at zero: trained ones reach 0.025, too slow ones 0.006
_NOT_MOVED = 1e-3  # even where the loss cannot fall, heads move further
_USUAL_WEIGHT = 0.1  # of trained heads, 0.03 to 0.4
_UNTRAINED_SKILL = 0.2  # of a training that has hardly started
_HIGH_RATE = 1e-3  # of Adam, enough if it has the time
_FALLING = 0.65  # share of epochs whose loss fell: noise gives a half
_STEADILY_FALLING = 0.9
_FADED_LEVELS = (0.01, 0.03, 0.1, 0.2)  # of the gradient's largest norm, below which it is gone
_GATED_FADED = 0.03  # of a gated cell, whose cell state learns at 0.1 all the same
_MISSED_BEYOND_REACH = 0.1  # of the targets' variance, in steps out of reach: healthy reach 0.02
_CONSTANT_VARIANCE = 0.05  # variance of predictions over that of the targets
_MISSED_BY_CONSTANT = 0.3  # of the targets' variance, that a probe adds to such predictions


def find_causes(evidence: Evidence) -> list[Finding]:
    """All findings, root causes before their effects."""
    loss_findings = check_loss(evidence)
    saturation_findings = [*check_dead_units(evidence), *check_saturation(evidence)]
    exploding = loss_findings or check_gradient_growth(evidence)
    # A loss that explodes although gradients are clipped shows too high a rate, and saturation is
    # its damage. Where almost all units are saturated, few are left for gradients to grow in.
    if loss_findings:
        explosion_last = evidence.estimator.max_grad_norm <= CLIP_NORM
    else:
        shares = (finding.values["share"] for finding in saturation_findings)
        explosion_last = any(share > _ALL_BUT_SATURATED for share in shares)
    if explosion_last:
        findings = [*saturation_findings, *exploding]
    else:
        findings = [*exploding, *saturation_findings]
    findings = [*check_scales(evidence), *findings]
    if findings:
        return findings
    return (  # reported only where none of the others explains the failure
        check_learning_rate(evidence)
        or check_vanishing_gradient(evidence)
        or check_ignored_input(evidence)
    )


def check_scales(evidence: Evidence) -> list[Finding]:
    """Channels, and targets of a regressor, far from mean 0 and deviation 1."""
    estimator = evidence.estimator
    if not isinstance(estimator, SequenceEstimator) or estimator.standardize:
        return []
    network, n_channels = evidence.batch.network, estimator.n_channels_in_
    n_channels -= 1 if network.n_tokens else 0
    first = network.n_embedding
    n_values = (network.n_in - first) // (3 if estimator.missing_ else 1)
    channels = evidence.trace.inputs[:, :, first : first + n_values]
    tables = [("input", "channel", channels.reshape(-1, n_channels))] if n_channels else []
    if not find_loss(evidence.batch.loss).for_classes:
        tables.append(("target", "target", evidence.targets))
    findings = (_scale_finding(*table) for table in tables)
    return [finding for finding in findings if finding is not None]


def _scale_finding(kind, column, values):
    """The column of a table, (n, n_columns), whose scale is farthest off, or None."""
    means, deviations = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    roots = np.sqrt(means**2 + deviations**2)
    roots = np.where(roots > 0, roots, 1.0)
    far = (deviations > _MAX_DEVIATION) | ((roots < 1 / _MAX_DEVIATION) & (deviations > 0))
    far |= (np.abs(means) > _MAX_OFFSET) & (np.abs(means) > _MAX_OFFSET * deviations)
    if not far.any():
        return None
    place = int(np.argmax(np.where(far, np.abs(np.log(roots)), -1)))
    mean, deviation, n_far = float(means[place]), float(deviations[place]), int(far.sum())
    others = f" ({n_far} of {len(far)} are as far off)" if n_far > 1 else ""
    return Finding(
        cause=f"{kind} unscaled",
        layer=None,
        values={column: place, "mean": mean, "deviation": deviation, "count": n_far},
        wrong=f"{column} {place} has mean {mean:.3g} and deviation {deviation:.3g}{others}",
        advice=f"Use standardize=True, or bring {column}s to mean 0 and deviation 1.",
    )


def check_loss(evidence: Evidence) -> list[Finding]:
    """A training loss that rose far beyond the constant forecast's."""
    estimator, curve = evidence.estimator, evidence.curve
    training_loss = find_loss(evidence.batch.loss)
    constant_loss = evidence.constant_loss
    initial = max(constant_loss, evidence.initial_loss)
    if getattr(estimator, "standardize", False) and not training_loss.for_classes:
        initial = max(initial, 1.0)  # on the rows of fit, where the rows given here are others
    jump = _SKILLED_LOSS_JUMP if evidence.skill >= _GOOD_SKILL else _LOSS_JUMP
    # Likelihoods may be below 0: the bound is a number of nats above, not a factor.
    bound = initial + _LOSS_JUMP * jump if training_loss.is_likelihood else jump * initial
    if not np.isfinite(bound) or not curve.size or curve.max() <= bound:
        return []
    epoch = int(np.argmax(curve)) + 1
    loss = float(curve[epoch - 1])
    finding = Finding(
        cause="exploding gradient",
        layer=None,
        values={"epoch": epoch, "loss": loss, "constant_loss": constant_loss},
        wrong=f"training {describe_divergence(epoch, loss)}, where a constant forecast has "
        f"{constant_loss:.3g}",
        advice=divergence_advice(estimator.learning_rate_init, estimator.max_grad_norm),
    )
    return [finding]


def check_gradient_growth(evidence: Evidence) -> list[Finding]:
    """A gradient that grows by orders of magnitude back through time; the worst layer."""
    findings: list[Finding] = []
    estimator = evidence.estimator
    if evidence.batch.network.n_heads:  # no gradient goes back from step to step
        return findings
    advice = divergence_advice(estimator.learning_rate_init, estimator.max_grad_norm)
    if not evidence.batch.network.gates:
        advice += " Or use cell='lstm' or 'gru'."
    for layer, norms in evidence.trace.grad_norms.items():
        flow = np.sqrt((norms**2).mean(axis=0))
        n = len(flow)
        with np.errstate(all="ignore"):
            growth = float(flow[: n // 2].max(initial=0) / flow[n - max(n // 4, 1) :].max())
        if np.isfinite(growth) and (growth < _GRADIENT_GROWTH or not evidence.skill < _POOR_SKILL):
            continue
        if not np.isfinite(growth) and np.isfinite(flow).all():
            continue  # no gradient at all
        finding = Finding(
            cause="exploding gradient",
            layer=layer,
            values={"growth": growth, "steps": n},
            wrong=f"gradients of {layer} grow {growth:.2g}-fold on their way back over {n} steps",
            advice=advice,
        )
        findings.append(finding)
    return sorted(findings, key=lambda finding: -finding.values["growth"])[:1]


def check_dead_units(evidence: Evidence) -> list[Finding]:
    """Rectifiers that are 0 at all steps of all sequences, and so pass no gradient back."""
    if evidence.batch.network.cell != "rnn_relu" or not evidence.skill < _GOOD_SKILL:
        return []
    rate = evidence.estimator.learning_rate_init
    return [
        Finding(
            cause="dead ReLU",
            layer=layer,
            values={"share": share},
            wrong=f"{percent(share)} of the units of {layer} are 0 at all steps of all sequences",
            advice=f"Lower learning_rate_init={rate:g}, or use cell='gru' or 'lstm'.",
        )
        for layer, share in evidence.trace.dead_shares.items()
        if share >= _DEAD
    ]


def check_saturation(evidence: Evidence) -> list[Finding]:
    """States or gates at the ends of their range, where they pass no gradient back."""
    network, rate = evidence.batch.network, evidence.estimator.learning_rate_init
    if network.n_heads or network.cell == "rnn_relu":
        return []
    advice = f"Lower learning_rate_init={rate:g}, or hold weights small (alpha=0.01)."
    findings = []
    for layer in evidence.trace.grad_norms:
        shares = evidence.trace.saturated_shares
        shares = {gate: ends for (name, gate), ends in shares.items() if name == layer}
        hidden = shares.pop("hidden")[1]
        if shares:
            share, wrong = _gate_saturation(layer, shares, evidence.estimator.memory)
            bound = _SATURATED_GATES
        else:
            share, bound = hidden, _SATURATED_STATES
            wrong = f"{percent(share)} of the states of {layer} are near -1 or 1"
        skill = _GOOD_SKILL if share >= _MOSTLY_SATURATED else _POOR_SKILL
        if share >= bound and evidence.skill < skill:
            values = {"share": float(share)}
            findings.append(Finding("saturated", layer, values, wrong, advice))
    return findings


def _gate_saturation(layer, shares, memory):
    """Share of a layer's gates at an end, or of the one gate that is stuck; and in words."""
    ends = _gate_ends(shares, memory)
    blocking = [item for item in ends.items() if item[0] in _BLOCKING_ENDS]
    (gate, end), stuck = max(blocking, key=lambda item: item[1])
    if stuck >= _STUCK_GATE:
        return stuck, f"{percent(stuck)} of the {gate} gates of {layer} are {end}"
    share = sum(ends.values()) / len(shares)
    return share, f"{percent(share)} of the gates of {layer} are all but shut or open"


def _gate_ends(shares, memory):
    """Shares of values by gate and end, without the ends where chrono initialisation starts."""
    initial = {("input", "shut"), ("forget", "open"), ("update", "open")} if memory else ()
    ends = {}
    for gate, (shut, is_open) in shares.items():
        ends |= {(gate, "shut"): float(shut), (gate, "open"): float(is_open)}
    return {key: share for key, share in ends.items() if key not in initial}


def check_learning_rate(evidence: Evidence) -> list[Finding]:
    """A head that has hardly moved from its initial zeros, though nothing holds it back."""
    moved, falling, _ = _training_progress(evidence)
    if not (0 < moved < _MOVED_LITTLE and evidence.skill < _UNTRAINED_SKILL):
        return []
    # Where the loss falls by less than rounding, the share of falling epochs tells nothing.
    not_moved = moved < _NOT_MOVED and not evidence.estimator.alpha
    return [_slow_training(evidence)] if not_moved or falling >= _FALLING else []


def _training_progress(evidence):
    """RMS of the head's weights, share of falling epochs, and the loss's relative fall."""
    curve = evidence.curve
    moved = float(np.sqrt(np.mean(evidence.batch.network.views()["head_weight"] ** 2)))
    if len(curve) < 2:
        return moved, 1.0, 0.0
    return moved, float(np.mean(np.diff(curve) < 0)), float((curve[0] - curve[-1]) / abs(curve[0]))


def _slow_training(evidence):
    estimator, n = evidence.estimator, len(evidence.curve)
    moved, _, fall = _training_progress(evidence)
    factor = int(10 ** np.clip(np.floor(np.log10(_USUAL_WEIGHT / moved)), 1, 6))
    rate = estimator.learning_rate_init
    advice = f"Raise learning_rate_init={rate:g} to {rate * factor:.1g}, or max_iter."
    if estimator.solver != "sgd" and rate >= _HIGH_RATE:
        advice = f"Raise max_iter, or learning_rate_init={rate:g}."
    return Finding(
        cause="learning rate too low",
        layer=None,
        values={"moved": moved, "fall": fall, "epochs": n, "factor": factor},
        wrong=f"the loss fell by {percent(fall, 2)} in {n} epoch{'s' * (n > 1)}, and the head's "
        f"weights moved by {moved:.1g} from 0, where {_USUAL_WEIGHT:g} is usual",
        advice=advice,
    )


def check_vanishing_gradient(evidence: Evidence) -> list[Finding]:
    """A gradient that is gone before it reaches steps that explain the residuals."""
    network, segment = evidence.batch.network, evidence.batch.segment
    # The median: in a few sequences the gradient may grow where in most it is gone.
    flow = np.median(evidence.trace.grad_norms["l0"], axis=0)
    n = len(flow)
    # The last step also gets a gradient past the gates: what counts is how it goes on from there.
    largest = flow[:-1].max(initial=0)
    if network.n_heads or not largest > 0:
        return []
    has_gates = bool(network.gates)
    for level in _FADED_LEVELS:
        if has_gates and level > _GATED_FADED:
            break
        n_reached = n - int(np.flatnonzero(flow >= level * largest)[0])
        if n - n_reached < 2:
            continue
        inputs = evidence.trace.inputs[:, : n - n_reached]
        missed = evidence.missed_share(inputs, _MISSED_BEYOND_REACH)
        if missed:
            steps, n_steps = n_reached * segment, n * segment
            finding = Finding(
                cause="vanishing gradient",
                layer="l0",
                values={"steps": steps, "of": n_steps, "level": level, "missed": missed},
                wrong=f"gradients of l0 fall below {percent(level)} after {steps} of {n_steps} "
                f"steps, and the steps before tell {percent(missed)} of the targets' variance, "
                "and are missed",
                advice=_longer_memory(evidence, n_steps),
            )
            return [finding]
    return []


def _longer_memory(evidence, n_steps):
    """Advice that makes a network's memory longer, by its cell."""
    network, segment = evidence.batch.network, evidence.batch.segment
    memory = f"memory={n_steps // segment} (chrono initialisation)"
    if not network.gates:
        return f"Try cell='lstm' or 'gru', with {memory}."
    if evidence.estimator.memory is None:
        return f"Try {memory}, or segment={2 * segment}."
    shorter = "lookback" if not isinstance(evidence.estimator, SequenceEstimator) else "sequences"
    return f"Try segment={4 * segment}, or shorter {shorter}."


def check_ignored_input(evidence: Evidence) -> list[Finding]:
    """Predictions that hardly vary, though the input explains the targets."""
    variance = np.nanvar(evidence.targets, axis=0).sum()
    varies = float(evidence.predictions.var(axis=0).sum() / variance) if variance > 0 else np.nan
    if not varies < _CONSTANT_VARIANCE:
        return []
    missed = evidence.missed_share(evidence.trace.inputs, _MISSED_BY_CONSTANT)
    if not missed:
        return []
    moved, falling, fall = _training_progress(evidence)
    if moved > 0 and falling >= _STEADILY_FALLING and fall < _POOR_SKILL:
        return [_slow_training(evidence)]  # training ended too early
    advice = "Train longer (max_iter), or look at tsrnn.inspection.input_sensitivity."
    if evidence.estimator.alpha > 0:
        advice = f"Lower alpha={evidence.estimator.alpha:g}. {advice}"
    finding = Finding(
        cause="input ignored",
        layer=None,
        values={"varies": varies, "missed": missed},
        wrong=f"predictions vary by {percent(varies, 1)} of the targets' variance, of which a "
        f"linear probe of the input finds {percent(missed)} more",
        advice=advice,
    )
    return [finding]

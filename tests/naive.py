"""Slow, plain NumPy loops written from the equations: what every kernel is held against.

Imports nothing from tsrnn. All in float64, one window and one unit of time after another.
"""

import itertools
import math

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def products(weights, h, x):
    """Of each block, what the hidden state and the input give it: (W_h h, b, W_x x)."""
    return [
        (w_h @ h, b, w_x @ x)
        for w_h, b, w_x in zip(
            weights["weight_hidden"], weights["bias"], weights["weight_input"], strict=True
        )
    ]


# A cell's step: from what the products see of h (all of it, but for dropout), h itself, the cell's
# own state and the input to h and state.


def lstm(weights, seen, h, c, x):
    """Hochreiter & Schmidhuber (1997) with forget gates; gates i, f, g, o."""
    i, f, g, o = (sum(parts) for parts in products(weights, seen, x))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(weights, seen, h, c, x):
    """Cho et al. (2014), reset after the product, as in PyTorch.

    Blocks: reset, update, the hidden state's part of the new content, the input's part of it.
    """
    (r_h, r_b, r_x), (u_h, u_b, u_x), (n_h, n_hb, _), (_, n_xb, n_x) = products(weights, seen, x)
    r, u = sigmoid(r_h + r_b + r_x), sigmoid(u_h + u_b + u_x)
    n = np.tanh(n_xb + n_x + r * (n_h + n_hb))
    return (1 - u) * n + u * h, c


def rnn(weights, seen, h, c, x):
    """Elman (1990)."""
    return np.tanh(sum(products(weights, seen, x)[0])), c


def rnn_relu(weights, seen, h, c, x):
    """Le, Jaitly & Hinton (2015)."""
    return np.maximum(sum(products(weights, seen, x)[0]), 0.0), c


CELLS = {"lstm": lstm, "gru": gru, "rnn": rnn, "rnn_relu": rnn_relu}


def norm(x):
    """Ba, Kiros & Hinton (2016), without gain and bias."""
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5)


def attention(weights, x, n_heads, factors=None, nudge=None, every=False):
    """Vaswani et al. (2017), normed before (Xiong et al. 2020): the streams after each layer.

    Of one sequence x (n_time, n_in), one step, head and step that is read after another; the last
    layer's are normed. ``factors`` are those of the dropout after each layer but the last;
    ``nudge`` is (layer, step, vector), which is added to what comes into a layer. With a target at
    ``every`` step positions count from the first, else from the last.
    """
    n_layers = sum(name.startswith("query_weight") for name in weights)
    n_time, n = len(x), len(weights["embedding_bias"])
    size = n // n_heads
    streams = []
    for t in range(n_time):
        lag = t if every else n_time - 1 - t
        place = np.zeros(n)
        for unit in range(n):
            angle = lag / 10000 ** (unit // 2 * 2 / n)
            place[unit] = math.cos(angle) if unit % 2 else math.sin(angle)
        streams.append(weights["embedding_weight"] @ x[t] + weights["embedding_bias"] + place)
    found = [np.reshape(streams, (n_time, n))]
    for layer in range(n_layers):
        if nudge is not None and nudge[0] == layer:
            streams[nudge[1]] = streams[nudge[1]] + nudge[2]

        def part(name, z, layer=layer):
            return weights[f"{name}_weight_l{layer}"] @ z + weights[f"{name}_bias_l{layer}"]

        normed = [norm(e) for e in streams]
        q, k, v = ([part(name, u) for u in normed] for name in ("query", "key", "value"))
        said = []
        for t in range(n_time):
            read = np.zeros(n)
            for head in range(n_heads):
                own = slice(head * size, (head + 1) * size)
                scores = [q[t][own] @ k[s][own] / math.sqrt(size) for s in range(t + 1)]
                shares = np.exp(np.array(scores) - max(scores))
                shares /= shares.sum()
                for s in range(t + 1):
                    read[own] += shares[s] * v[s][own]
            e = streams[t] + part("read", read)
            said.append(e + part("contract", np.maximum(part("expand", norm(e)), 0)))
        streams = [norm(e) for e in said] if layer == n_layers - 1 else said
        found.append(np.reshape(streams, (n_time, n)))
        if factors is not None and layer < n_layers - 1:
            streams = list(found[-1] * factors[layer])
    return found


def scramble(x):
    """Wellons' hash "lowbias32"."""
    x = (x ^ (x >> 16)) * 0x7FEB352D % 2**32
    x = (x ^ (x >> 15)) * 0x846CA68B % 2**32
    return x ^ (x >> 16)


def kept(share, seed, place, row, n):
    """Factors (n,) of dropout: 0 or 1 / (1 - share), by a hash of where a value stands."""
    key = scramble(seed ^ scramble(place % 2**64))
    units = [scramble(scramble(key ^ unit) ^ row) for unit in range(n)]
    return (np.array(units) >= int(share * 2**32)) / (1 - share)


def embedded(weights, tokens, values, told=False):
    """Inputs (n_time, n_in) of a sequence: its tokens' rows of the embedding, then its numbers.

    A network without an embedding of its own has that of its output layer. A step without token
    (-1), or with a missing value, is left out. Or else it is ``told``: zeros stand for what is
    missing, and for each number two more say whether it is there and when one last was.
    """
    embedding = weights.get("token_embedding", weights["head_weight"])
    if told:
        gone = np.isnan(values)
        since = np.column_stack([elapsed(channel) for channel in gone.T])
        values = np.hstack([np.where(gone, 0.0, values), 1.0 - gone, since])
    rows = []
    for token, numbers in zip(tokens, values, strict=True):
        vector = embedding[token] if token >= 0 else np.zeros(embedding.shape[1])
        if told or (token >= 0 and not np.isnan(numbers).any()):
            rows.append(np.concatenate([vector, numbers]))
    return np.reshape(rows, (len(rows), embedding.shape[1] + values.shape[1]))


def network(cell, weights, x, shape=None, noise=(0.0, 0.0, 0, 0), states=None, begin=0):
    """Answers (answers, n_out), and the final states, of one sequence x (n_time, n_in).

    ``shape`` holds bidirectional, residual, head and n_horizons; weights are named as the network's
    views. ``noise`` is the dropout between layers, that of the recurrence, seed and row; ``begin``
    the step at which the sequence begins where others are longer, which the dropout knows it by.
    ``states`` are initial ones, (h, state) of each layer and direction.
    """
    shape = {"bidirectional": False, "residual": False, "head": "last"} | (shape or {})
    between, recurrent, seed, row = noise
    if cell == "attention":
        return transformer(weights, x, shape, between, seed, row, begin), []
    names = [name[len("bias_") :] for name in weights if name.startswith("bias_")]
    n_directions = 2 if shape["bidirectional"] else 1
    n_hidden = weights["bias_l0"].shape[1]
    if states is None:
        states = [(np.zeros(n_hidden), np.zeros(n_hidden)) for _ in names]
    finals, n_time = [], len(x)
    for layer in range(len(names) // n_directions):
        if layer and between:
            longest = begin + n_time
            places = [
                [
                    ((layer - 1) * n_directions + d) * longest + begin + t
                    for d in range(n_directions)
                ]
                for t in range(n_time)
            ]
            factors = [
                np.concatenate([kept(between, seed, place, row, n_hidden) for place in own])
                for own in places
            ]
            x = x * np.array(factors).reshape(x.shape)
        sides, ends = [], []
        for direction in range(n_directions):
            number = layer * n_directions + direction
            own = {
                kind: weights[f"{kind}_{names[number]}"]
                for kind in ("weight_hidden", "bias", "weight_input")
            }
            mask = kept(recurrent, seed, -1 - number, row, n_hidden) if recurrent else 1.0
            h, c = states[number]
            hidden = []
            for x_t in x[::-1] if direction else x:
                h, c = CELLS[cell](own, h * mask, h, c, x_t)
                hidden.append(h)
            finals.append((h, c))
            ends.append(h)
            sides.append(hidden[::-1] if direction else hidden)
        below = x
        x = np.hstack([np.reshape(side, (n_time, n_hidden)) for side in sides])
        ends = np.concatenate(ends)
        if shape["residual"] and layer:
            x = x + below
            if n_time:
                ends = ends + np.concatenate([below[-1][:n_hidden], below[0][n_hidden:]])
    answers = answers_of(weights, shape, x, ends, lambda e: CELLS[cell](own, h * mask, h, c, e)[0])
    return answers, finals


def transformer(weights, x, shape, between=0.0, seed=0, row=0, begin=0):
    """Answers (answers, n_out) of one sequence; as of ``network``, ``shape`` holds n_heads too."""
    factors, n_time, n = None, len(x), len(weights["embedding_bias"])
    if between:
        factors = [
            np.reshape(
                [
                    kept(between, seed, layer * (begin + n_time) + begin + t, row, n)
                    for t in range(n_time)
                ],
                (n_time, n),
            )
            for layer in range(sum(name.startswith("query_weight") for name in weights) - 1)
        ]
    every = shape.get("head") == "every"
    x = attention(weights, x, shape["n_heads"], factors, every=every)[-1]
    return answers_of(weights, shape, x, x[-1] if n_time else np.zeros(n))


# What a head reads for each output step: from the last layer's outputs x (n_time, n), those that
# end a direction, a further step of the last layer, the weights and the shape.
HEADS = {
    "last": lambda x, ends, step, weights, shape: [ends],
    "every": lambda x, ends, step, weights, shape: x,
    "ahead": lambda x, ends, step, weights, shape: x[-shape["n_horizons"] :],
    "horizons": lambda x, ends, step, weights, shape: [step(e) for e in weights["embedding"]],
    "mean": lambda x, ends, step, weights, shape: [x.mean(axis=0) if len(x) else 0 * ends],
    "max": lambda x, ends, step, weights, shape: [x.max(axis=0) if len(x) else 0 * ends],
    "attend": lambda x, ends, step, weights, shape: [attend(x, weights["query"], ends)],
}


def attend(x, query, ends):
    """The mean of the steps weighted by a softmax of their products with the query."""
    if not len(x):
        return 0 * ends
    scores = x @ query.ravel() / math.sqrt(query.size)
    shares = np.exp(scores - scores.max())
    return shares / shares.sum() @ x


def answers_of(weights, shape, x, ends, step=None):
    """The outputs (output steps, n_out) of the head."""
    answers = []
    for z in HEADS[shape["head"]](x, ends, step, weights, shape):
        if "head_hidden_weight" in weights:
            z = np.maximum(weights["head_hidden_weight"] @ z + weights["head_hidden_bias"], 0.0)
        answers.append(weights["head_weight"] @ z + weights["head_bias"])
    return np.array(answers)


DECODER_SEED = 0x5851F42D  # what dropout's seed of the decoder differs by


def last_layer(cell, weights, prefix, x, shape, noise, states, begin):
    """Outputs (n_time, n) of the last layer of an encoder or decoder, and the final states."""
    between, _, seed, row = noise
    own = {name[len(prefix) :]: view for name, view in weights.items() if name.startswith(prefix)}
    n_directions = 2 if shape["bidirectional"] else 1
    n_layers = sum(name.startswith("bias_") for name in own) // n_directions
    n_time, n = begin + len(x), n_directions * own["bias_l0"].shape[1]
    if shape["tokens"]:
        x = own.get("token_embedding", own.get("head_weight"))[np.asarray(x, int)]
        if between:
            place = n_layers * n_directions * n_time + begin
            x = x * [kept(between, seed, place + t, row, x.shape[1]) for t in range(len(x))]
    own |= {"head_weight": np.eye(n), "head_bias": np.zeros(n)}
    outputs, finals = network(cell, own, x, shape | {"head": "every"}, noise, states, begin)
    return outputs.reshape(len(x), n), finals


def bridge(weights, finals, n_directions, n_parts):
    """The decoder's initial (h, state) of each layer from the encoder's final ones."""
    states = []
    for layer in range(len(finals) // n_directions):
        ends = finals[layer * n_directions : (layer + 1) * n_directions]
        own = []
        for part in range(n_parts):
            number = layer * n_parts + part
            read = np.concatenate([end[part] for end in ends])
            own.append(weights["bridge_weight"][number] @ read + weights["bridge_bias"][number])
        states.append((np.tanh(own[0]), own[1] if n_parts == 2 else np.zeros_like(own[0])))
    return states


def scores_of(attention, weights, h, e):
    """How well each step e (n_read, n_features) suits an output h of the decoder, (n_read,)."""
    if attention == "dot":
        return np.array([e_s @ h for e_s in e])
    if attention == "general":  # Luong et al. (2015)
        return np.array([h @ weights["key_weight"] @ e_s for e_s in e])
    asked = weights["query_weight"] @ h + weights["query_bias"]  # Bahdanau et al. (2015)
    return np.array(
        [weights["score_weight"] @ np.tanh(asked + weights["key_weight"] @ e_s) for e_s in e]
    )


def encoder_decoder(cell, weights, x, y, shape, attention, noise=(0, 0, 0, 0), begins=(0, 0)):
    """Outputs (len(y), n_out) of one pair, and the attention weights (len(y), len(x)).

    ``x`` are the tokens that are read, or rows of numbers unless ``shape["tokens"]``; ``y`` tokens.
    ``shape`` holds bidirectional, residual and tokens, of the encoder.
    """
    between, recurrent, seed, row = noise
    n_directions = 2 if shape["bidirectional"] else 1
    e, finals = last_layer(cell, weights, "encoder_", x, shape, noise, None, begins[0])
    states = bridge(weights, finals, n_directions, 2 if cell == "lstm" else 1)
    of_decoder = between, recurrent, seed + DECODER_SEED, row
    one_way = shape | {"bidirectional": False, "tokens": True}
    h, _ = last_layer(cell, weights, "decoder_", y, one_way, of_decoder, states, begins[1])
    shares = np.zeros((len(h), len(e)))
    attended = []
    for t, h_t in enumerate(h):
        if attention is not None:
            context = np.zeros(e.shape[1])
            if len(e):
                scores = scores_of(attention, weights, h_t, e)
                shares[t] = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
                context = shares[t] @ e
            read = np.concatenate([context, h_t])
            h_t = np.tanh(weights["combine_weight"] @ read + weights["combine_bias"])
        if between:
            place = (len(states) + 1) * (begins[1] + len(h)) + begins[1] + t
            h_t = h_t * kept(between, of_decoder[2], place, row, len(h_t))
        attended.append(weights["decoder_head_weight"] @ h_t + weights["decoder_head_bias"])
    return np.reshape(attended, (len(h), len(weights["decoder_head_bias"]))), shares


def window(values, start, lookback, horizon, season, n_in=1):
    """Scaled inputs (n_time, n_in), scaled targets, and (naive forecast, scale) of one window."""
    past = values[start : start + lookback]
    future = values[start + lookback : start + lookback + horizon]
    scale = past.std() if past.std() > 1e-12 * abs(past[-1]) else 1.0
    naive = np.array([past[lookback - season + k % season] for k in range(horizon)])
    inputs = ((past - past[-1]) / scale).reshape(-1, n_in)
    targets = (future - naive[: future.size]) / scale
    return inputs, targets, naive, scale


def window_by_mean(values, start, lookback, horizon, n_in=1):
    """The same for values of 0 or more, by 1 + their mean (Salinas et al. 2020): no differences."""
    past = values[start : start + lookback]
    future = values[start + lookback : start + lookback + horizon]
    scale = 1 + past.mean()
    return (past / scale).reshape(-1, n_in), future / scale, scale


def window_with_covariates(values, covariates, start, lookback, horizon, season, n_known, segment):
    """Inputs (n_time, n_in) and scaled targets of a window that reaches through the horizon.

    ``covariates`` is (n, n_covariates), of which the first ``n_known`` are known in the future.
    """
    present = start + lookback
    past = values[start:present]
    scale = past.std()
    rows, targets = [], []
    for place in range(start, present + horizon):
        step = place - present
        is_future = step >= 0
        base = present - season + step % season if is_future else place - season
        value = values[base] if is_future else values[place]
        own = covariates[place].copy()
        if is_future:
            own[n_known:] = 0
            targets.append((values[place] - values[base]) / scale)
        change = covariates[place] - covariates[base] if base >= start else 0 * own
        ahead = (step + 1) / horizon if is_future else 0
        rows.append([(value - past[-1]) / scale, *own, ahead, *change[:n_known]])
    rows = rows[lookback % segment :]  # whole segments before the present
    return np.array(rows).reshape(len(rows) // segment, -1), np.array(targets)


def typical_deviation(values, lookback):
    """Root mean square of the deviations of a series' windows; 1 where it is 0."""
    size = min(lookback, len(values))
    variances = [np.var(values[k : k + size]) for k in range(len(values) - size + 1) if size]
    typical = math.sqrt(np.mean(variances)) if variances else 0.0
    return typical if typical > 1e-7 else 1.0


def elapsed(missing):
    """Time since the last value before each step, (n_time,); Che et al. (2018), equation 2."""
    time = [0.0]
    for gone in missing[:-1]:
        time.append(1.0 + (time[-1] if gone else 0.0))
    return np.array(time[: len(missing)])


def softplus(x):
    return np.log1p(np.exp(x))


def _quantile(outputs, targets, params):
    errors = targets - outputs
    levels = np.asarray(params)[:, None]
    return np.maximum(levels * errors, (levels - 1) * errors).mean(axis=0)


def _huber(outputs, targets, params):
    (delta,) = params
    error = np.abs(outputs[0] - targets)
    return np.where(error <= delta, error**2 / 2, delta * (error - delta / 2))


def _gaussian(outputs, targets, params):
    mean, scale = outputs[0], softplus(outputs[1]) + 1e-6
    return 0.5 * np.log(2 * np.pi * scale**2) + (targets - mean) ** 2 / (2 * scale**2)


def _student_t(outputs, targets, params):
    mean, scale, nu = outputs[0], softplus(outputs[1]) + 1e-6, 2 + softplus(outputs[2])
    z = (targets - mean) / scale
    gammas = [math.lgamma(n / 2) - math.lgamma((n + 1) / 2) for n in nu]
    return gammas + 0.5 * np.log(np.pi * nu) + np.log(scale) + (nu + 1) / 2 * np.log1p(z**2 / nu)


def poisson(outputs, targets, params):
    """Without the terms of the targets alone, as the next."""
    mean = np.exp(outputs[0])
    return mean - targets * np.log(mean)


def negative_binomial(outputs, targets, params, unit=1.0):
    """Salinas et al. (2020), section 3.1, of counts that are targets times the unit."""
    means, sizes = unit * np.exp(outputs[0]), 1 / (softplus(outputs[1]) / np.sqrt(unit) + 1e-4)
    losses = []
    for count, mean, size in zip(targets * unit, means, sizes, strict=True):
        gammas = math.lgamma(count + size) - math.lgamma(size)
        share = mean / (mean + size)
        losses.append(-gammas - size * np.log(1 - share) - count * np.log(share))
    return np.array(losses)


def tweedie(outputs, targets, params):
    """Extended quasi-likelihood of power p = 1.5 (Nelder & Pregibon 1987)."""
    mean, dispersion, p = np.exp(outputs[0]), softplus(outputs[1]) + 1e-4, 1.5
    deviance = targets ** (2 - p) / ((1 - p) * (2 - p)) - targets * mean ** (1 - p) / (1 - p)
    deviance = 2 * (deviance + mean ** (2 - p) / (2 - p))
    return (np.log(dispersion) + deviance / dispersion) / 2


def _cross_entropy(outputs, targets, params):
    """With the share of label smoothing of Szegedy et al. (2016) in ``params``, if any."""
    scores = outputs[:, 0] if outputs.ndim == 2 else outputs
    (smoothing,) = params or (0.0,)
    wanted = np.full(len(scores), smoothing / len(scores))
    wanted[int(targets[0])] += 1 - smoothing
    return np.array([np.log(np.exp(scores).sum()) - wanted @ scores])


# Of outputs (number that a target has, targets) and targets (targets,): losses (targets,).
LOSSES = {
    "absolute_error": lambda outputs, targets, params: np.abs(outputs[0] - targets),
    "squared_error": lambda outputs, targets, params: (outputs[0] - targets) ** 2,
    "huber": _huber,
    "quantile": _quantile,
    "gaussian": _gaussian,
    "student_t": _student_t,
    "poisson": poisson,
    "negative_binomial": negative_binomial,
    "tweedie": tweedie,
    "cross_entropy": _cross_entropy,
    "binary_cross_entropy": lambda outputs, targets, params: (
        softplus(outputs[0]) - targets * outputs[0]
    ),
}


def ctc(scores, labels):
    """Connectionist temporal classification of Graves et al. (2006): the sum over all paths.

    ``scores`` (steps, classes), of which class 0 is the blank.
    """
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(p.shape[1]), repeat=len(p)):
        merged = [label for label, _ in itertools.groupby(path)]
        if [label for label in merged if label] == list(labels):
            total += np.prod([p[t, label] for t, label in enumerate(path)])
    return -np.log(total)


def mean_loss(loss, answers, targets, weights=None, params=()):
    """Weighted mean over sequences and targets; a target that is NaN counts for nothing.

    ``answers``, (sequences, answers, n_out), ``targets``, (sequences, answers, n_targets).
    """
    total = weight = 0.0
    for number, (said, wanted) in enumerate(zip(answers, targets, strict=True)):
        own = 1.0 if weights is None else weights[number]
        for outputs, target in zip(said, wanted, strict=True):
            if np.isnan(target).all():
                continue
            n_targets = len(target)
            outputs = outputs.reshape(-1, n_targets)
            there = ~np.isnan(target)
            each = LOSSES[loss](outputs, np.where(there, target, 0.0), params)
            total += own * each[there].sum()
            weight += own * np.count_nonzero(there)
    return total / weight


def clipped(gradient, max_norm):
    return gradient * min(1.0, max_norm / np.sqrt(np.sum(gradient**2)))


def optimise(
    solver,
    parameters,
    gradients,
    rates,
    *,
    max_norm=1.0,
    alpha=0.0,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-8,
    momentum=0.9,
    averaging=0.0,
    seen=None,
):
    """Parameters after one step for each gradient, clipped by its norm; and their average.

    ``seen`` says for each step which parameters it changes, by default all; the moments of the
    others stay as well, though steps are counted ("lazy" steps of an embedding).
    """
    parameters = parameters.copy()
    average = parameters.copy()
    first, second = np.zeros_like(parameters), np.zeros_like(parameters)
    for t, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        before = parameters.copy(), first, second
        gradient = clipped(gradient, max_norm)
        if solver == "adamw":
            parameters -= rate * alpha * parameters  # Loshchilov & Hutter (2019)
        else:
            gradient = gradient + alpha * parameters
        if solver == "sgd":
            first = momentum * first + gradient
            parameters -= rate * (gradient + momentum * first)  # Nesterov
        elif solver == "rmsprop":  # Tieleman & Hinton (2012)
            second = beta_2 * second + (1 - beta_2) * gradient**2
            first = momentum * first + gradient / (np.sqrt(second) + epsilon)
            parameters -= rate * first
        else:  # Kingma & Ba (2015)
            first = beta_1 * first + (1 - beta_1) * gradient
            second = beta_2 * second + (1 - beta_2) * gradient**2
            corrected = first / (1 - beta_1**t), second / (1 - beta_2**t)
            parameters -= rate * corrected[0] / (np.sqrt(corrected[1]) + epsilon)
        if seen is not None:
            after = parameters, first, second
            parameters, first, second = (
                np.where(seen[t - 1], new, old) for new, old in zip(after, before, strict=True)
            )
        average = averaging * average + (1 - averaging) * parameters
    return parameters, average


# Features of waves (Davis & Mermelstein 1980): one frame, frequency, band after another.


def mel(frequency):
    return 1127 * math.log(1 + frequency / 700)


def mel_weights(rate, n_mels, f_min, f_max, n_fft):
    """Triangles on the mel scale, at the frequencies of a transform: (n_mels, n_fft // 2 + 1)."""
    width = (mel(f_max) - mel(f_min)) / (n_mels + 1)
    weights = np.zeros((n_mels, n_fft // 2 + 1))
    for band in range(n_mels):
        middle = mel(f_min) + (band + 1) * width
        for k in range(n_fft // 2 + 1):
            weights[band, k] = max(0.0, 1 - abs(mel(k * rate / n_fft) - middle) / width)
    return weights


def log_mel(wave, rate, n_mels, window, hop, f_min, f_max, n_fft):
    """Log energies of the bands, of frames around (k + 0.5) * hop."""
    n, n_window = len(wave), round(window * rate)
    weights = mel_weights(rate, n_mels, f_min, f_max, n_fft)
    hann = [math.sin(math.pi * (i + 0.5) / n_window) ** 2 for i in range(n_window)]
    energies = []
    while len(energies) * hop * rate < n:
        first = math.floor((len(energies) + 0.5) * hop * rate - n_window / 2 + 0.5)
        frame = []
        for i in range(n_window):
            place = (first + i) % (2 * n)  # a wave and its reflection, again and again
            place = place if place < n else 2 * n - 1 - place
            frame.append((wave[place] - np.mean(wave)) * hann[i])
        power = []
        for k in range(n_fft // 2 + 1):
            terms = np.exp(-2j * np.pi * k / n_fft * np.arange(n_window)) * frame
            power.append(2 / n_fft * abs(terms.sum()) ** 2 / sum(value**2 for value in hann))
        energies.append([sum(weights[band] * power) for band in range(n_mels)])
    floor = max(1e-12, 1e-8 * np.max(energies))
    return np.log(np.maximum(energies, floor))


def cepstrum(log_energies, n_coefficients):
    """Orthonormal DCT-II of each frame."""
    n = log_energies.shape[1]
    coefficients = np.zeros((len(log_energies), n_coefficients))
    for q in range(n_coefficients):
        scale = math.sqrt((1 if q == 0 else 2) / n)
        for band in range(n):
            wave = math.cos(math.pi * q * (band + 0.5) / n)
            coefficients[:, q] += scale * wave * log_energies[:, band]
    return coefficients


def deltas(features):
    """Slopes of least squares through five frames, those at the ends repeated."""
    slopes = np.zeros_like(features)
    last = len(features) - 1
    for t in range(len(features)):
        for k in range(-2, 3):
            slopes[t] += k * features[min(max(t + k, 0), last)] / 10
    return slopes


def draw(scores, uniform, temperature=1.0, top_k=0, top_p=1.0):
    """The class that a number between 0 and 1 draws from the softmax of scores.

    Of the ``top_k`` most probable classes, and of these the fewest that have ``top_p`` of their
    probability (Holtzman et al. 2020). All classes share the numbers from 0 to 1 out in their own
    order, fewer in that of their probability.
    """
    if temperature == 0:
        return int(np.argmax(scores))
    scores = np.asarray(scores, float)
    shares = np.exp((scores - scores.max()) / temperature)
    classes = list(range(len(scores)))
    if top_k or top_p < 1:
        classes.sort(key=lambda c: (-shares[c], c))
    if top_k:
        classes = classes[:top_k]
    if top_p < 1:
        enough, mass, nucleus = top_p * sum(shares[c] for c in classes), 0.0, []
        for c in classes:
            if not nucleus or mass < enough:
                nucleus.append(c)
                mass += shares[c]
        classes = nucleus
    mark = uniform * sum(shares[c] for c in classes)
    for c in classes:
        mark -= shares[c]
        if mark < 0:
            return c
    return classes[-1]


# Simple forecasts of a series, at its end and at earlier steps, and what a network reads of them


def is_multiplicative(values):
    """Whether a season is multiplicative: no value is near zero or below."""
    return min(values) > 0.05 * np.mean(np.abs(values))


def seasonal_pattern(values, m, multiplicative):
    """Classical decomposition, shrunk as by James & Stein (1961; Miller & Williams 2003)."""
    n, half = len(values), m // 2
    if m == 1 or n < 2 * m + 1:
        return np.full(m, 1.0 if multiplicative else 0.0)
    ratios = [[] for _ in range(m)]
    weights = [[] for _ in range(m)]
    for t in range(half, n - half):
        around = values[t - half : t + half + 1]
        shares = np.full(len(around), 1 / m)
        if m % 2 == 0:
            shares[[0, -1]] /= 2
        mean = shares @ around
        ratios[t % m].append(values[t] / mean if multiplicative else values[t] - mean)
        weights[t % m].append(0.9 ** ((n - 1 - t) // m))
    means = [np.average(r, weights=w) for r, w in zip(ratios, weights, strict=True)]
    within = [
        np.average((np.array(r) - mean) ** 2, weights=w)
        for r, w, mean in zip(ratios, weights, means, strict=True)
    ]
    noise = np.mean(within) / max(np.mean([sum(w) for w in weights]) - 1, 0.5)
    between, share = np.var(means, ddof=1), (m - 3) / (m - 1) if m > 3 else 1.0
    kept = max(0.0, 1 - share * noise / between) if between > 0 else 0.0
    relative = np.array(means) / np.mean(means) - 1 if multiplicative else means - np.mean(means)
    return 1 + kept * relative if multiplicative else kept * relative


def seasonal_patterns(values, m, long, multiplicative):
    """That of a season, and of the longer one in what is left, as one of the longer."""
    steps = np.arange(long)
    pattern = seasonal_pattern(values, m, multiplicative)[steps % m]
    if long > m and len(values) > 2 * long:
        rest = seasonal_pattern(
            without_season(values, pattern, multiplicative), long, multiplicative
        )
        if long == 364:
            rest = smoothed_year(rest)
        pattern = pattern * rest if multiplicative else pattern + rest
    return pattern


def smoothed_year(pattern):
    """The mean and two harmonics."""
    waves = np.fft.rfft(pattern)
    waves[3:] = 0
    return np.fft.irfft(waves, len(pattern))


def without_season(values, pattern, multiplicative):
    season = pattern[np.arange(len(values)) % len(pattern)]
    return values / season if multiplicative else values - season


def smoothed(values, rate):
    """Simple exponential smoothing: levels after each value, and the sum of squared errors."""
    levels, error = [values[0]], 0.0
    for value in values[1:]:
        error += (value - levels[-1]) ** 2
        levels.append(rate * value + (1 - rate) * levels[-1])
    return np.array(levels), error


def damped(values, rates):
    """Gardner & McKenzie (1985): levels and trends after each value, and the squared errors."""
    level_rate, trend_rate, damping = rates
    n = min(len(values) - 1, 5)
    level, trend, error = values[0], (values[n] - values[0]) / n if n else 0.0, 0.0
    levels, trends = [level], [trend]
    for value in values[1:]:
        before, trend = level, damping * trend
        error += (value - before - trend) ** 2
        level = level_rate * value + (1 - level_rate) * (before + trend)
        trend = trend + level_rate * trend_rate * (value - levels[-1] - trend)
        levels.append(level)
        trends.append(trend)
    return np.array(levels), np.array(trends), error


def best_smoothing(values):
    """Levels and the rate that makes the least errors."""
    rates = [0.5, *(0.01 + 0.049 * k for k in range(1, 21))]
    errors = [smoothed(values, rate)[1] for rate in rates]
    rate = rates[int(np.argmin(errors))]
    return smoothed(values, rate)[0], rate


def best_damped(values):
    """Levels, trends and the damping of the rates that make the least errors."""
    grid = (0.1, 0.25, 0.45, 0.7, 0.9), (0.0, 0.05, 0.15, 0.35), (0.8, 0.9, 0.98)
    rates = [(0.45, 0.05, 0.9), *itertools.product(*grid)]
    errors = [damped(values, each)[2] for each in rates]
    best = rates[int(np.argmin(errors))]
    return *damped(values, best)[:2], best[2]


def holt_winters(values, pattern, multiplicative, rates):
    """Winters (1960), the season beginning with a pattern: states, and squared errors."""
    level_rate, trend_rate, season_rate, damping = rates
    m, season = len(pattern), list(pattern)
    least = 0.05 * np.mean(values)
    n = min(len(values) - 1, max(m, 5))
    adjusted = without_season(values, pattern, multiplicative)
    level, trend, error = adjusted[0], (adjusted[n] - adjusted[0]) / n if n else 0.0, 0.0
    states = [(level, trend, season[0])]
    for t, value in enumerate(values[1:], 1):
        forecast, before = level + damping * trend, season[t % m]
        if multiplicative:
            missed = value - forecast * before
            in_level, in_season = missed / max(before, 0.05), missed / max(forecast, least)
        else:
            missed = in_level = in_season = value - forecast - before
        error += missed**2
        level = forecast + level_rate * in_level
        trend = damping * trend + level_rate * trend_rate * in_level
        season[t % m] = before + season_rate * in_season
        states.append((level, trend, season[t % m]))
    return np.array(states).T, error


def best_holt_winters(values, pattern, multiplicative):
    """States and the damping of the rates that make the least errors."""
    shares = (0.1, 0.3) if len(pattern) > 1 else (0.0,)
    grid = (0.05, 0.15, 0.3, 0.5, 0.75), (0.0, 0.03, 0.15), shares, (0.9, 1.0)
    rates = [(a, b, c * (1 - a), d) for a, b, c, d in itertools.product(*grid)]
    errors = [holt_winters(values, pattern, multiplicative, each)[1] for each in rates]
    best = rates[int(np.argmin(errors))]
    return holt_winters(values, pattern, multiplicative, best)[0], best[3]


def burg(values, order):
    """Coefficients by the reflections that leave the least errors forwards and backwards."""
    forward, backward = np.array(values), np.array(values)
    coefficients, share = np.array([]), 1.0
    for _ in range(order):
        forward, backward = forward[1:], backward[:-1]
        squares = forward @ forward + backward @ backward
        if squares <= 0:
            return None, 0.0
        reflection = 2 * (forward @ backward) / squares
        forward, backward = forward - reflection * backward, backward - reflection * forward
        coefficients = np.append(coefficients - reflection * coefficients[::-1], reflection)
        share *= 1 - reflection**2
    return coefficients, share


def autoregression(values):
    """Coefficients by Burg's method; Akaike's criterion says how many."""
    found, least, n = np.array([]), 0.0, len(values)
    for order in range(1, min(24, n // 8) + 1):
        coefficients, share = burg(values, order)
        if share <= 0:
            break
        criterion = n * math.log(share) + 2 * order
        if criterion < least:
            found, least = coefficients, criterion
    return found


def continued(values, coefficients, n):
    """The next values of an autoregression; those before the first are 0."""
    values = [0.0] * len(coefficients) + list(values)
    for _ in range(n):
        values.append(sum(c * values[-1 - j] for j, c in enumerate(coefficients)))
    return np.array(values[len(values) - n :])


def slope(values):
    """Of a line of least squares."""
    return np.polyfit(np.arange(len(values)), values, 1)[0] if len(values) > 1 else 0.0


class SimpleForecasts:
    """Forecasts of a series by what is before a step; the season and rates are the whole's."""

    def __init__(self, values, season, long):
        self.values, self.season, self.long = values, season, long
        self.multiplicative = bool(season > 1 and is_multiplicative(values))
        self.pattern = seasonal_patterns(values, season, long, self.multiplicative)
        self.adjusted = without_season(values, self.pattern, self.multiplicative)
        self.levels, self.rate = best_smoothing(self.adjusted)
        self.damped, self.trends, self.damping = best_damped(self.adjusted)
        self.states, self.states_damping = best_holt_winters(
            values, self.pattern[:season], self.multiplicative
        )
        steps, self.line = np.arange(len(values)), slope(self.adjusted)
        self.on_line = np.mean(self.adjusted) + self.line * (steps - np.mean(steps))
        self.residuals, self.changes = self.adjusted - self.on_line, np.diff(self.adjusted)
        self.coefficients = autoregression(self.residuals)
        self.of_changes = autoregression(self.changes)

    def with_season(self, value, t):
        season = self.pattern[t % self.long]
        return value * season if self.multiplicative else value + season

    def at(self, end, horizon):
        """(n_candidates, horizon) forecasts of the steps from ``end`` on."""
        return np.array([self.of_step(end, h) for h in range(1, horizon + 1)]).T

    def of_step(self, end, h):
        """All for the h-th step ahead."""
        t, season, adjusted = end + h - 1, self.season, self.adjusted[:end]
        level, line, rate = self.levels[end - 1], slope(adjusted), self.rate
        # Hyndman & Billah (2003), the last equation of section 2
        theta = level + line / 2 * (h - 1 + 1 / rate - (1 - rate) ** end / rate)
        trend = sum(self.damping**k for k in range(1, h + 1)) * self.trends[end - 1]
        naive = self.naive(end, season, h, self.values[end - 1])
        of_damped = self.with_season(self.damped[end - 1] + trend, t)
        return [
            self.with_season(theta, t),
            of_damped,
            naive,
            self.with_season(level, t),
            self.naive(end, self.long, h, naive),
            self.with_season(adjusted[-1] + h * line, t),
            self.long_seasons(end, h, of_damped),
            self.mean_of_seasons(end, h),
            naive + self.seasonal_drift(end, h),
            *self.by_states(end, h),
            self.with_season(self.damped[end - 1] + h * self.recent_change(end), t),
            self.with_season(np.mean(adjusted) + line * (t - (end - 1) / 2), t),
        ]

    def by_states(self, end, h):
        """Holt-Winters smoothing, and autoregressions of values and of changes."""
        level, trend, _ = self.states[:, max(end - 1, 0)]
        level += sum(self.states_damping**k for k in range(1, h + 1)) * trend
        before = end - self.season + (h - 1) % self.season
        season = self.states[2, before] if before >= 0 else self.pattern[before + self.season]
        value = self.on_line[0] + self.line * (end + h - 1)
        value += continued(self.residuals[:end], self.coefficients, h)[-1]
        changes = continued(self.changes[: max(end - 1, 0)], self.of_changes, h)
        last = self.adjusted[max(end - 1, 0)]
        return [
            level * season if self.multiplicative else level + season,
            self.with_season(value, end + h - 1),
            self.with_season(last + changes.sum(), end + h - 1),
        ]

    def naive(self, end, season, h, otherwise):
        return self.values[end - season + (h - 1) % season] if end >= season else otherwise

    def mean_of_seasons(self, end, h):
        """Of the same phase in the last four seasons, or as many as there are."""
        phase = (h - 1) % self.season
        places = [end - k * self.season + phase for k in range(1, 5)]
        values = [self.values[t] for t in places if t - phase >= 0]
        return np.mean(values) if values else self.values[end - 1]

    def long_seasons(self, end, h, otherwise):
        """Mean of the last three long seasons, relative to the level that each began from."""
        n = min(3, (end - self.season) // self.long) if self.long > 1 else 0
        if n < 1:
            return otherwise
        begins = [end - k * self.long for k in range(1, n + 1)]
        parts = [
            self.values[begin + (h - 1) % self.long] - self.mean_before(self.values, begin)
            for begin in begins
        ]
        return np.mean(parts) + self.mean_before(self.values, end)

    def mean_before(self, values, end):
        """Of the last season's values, those that there are."""
        part = values[max(0, end - self.season) : end]
        return np.mean(part) if len(part) else 0.0

    def seasonal_drift(self, end, h):
        """The last season's change of the mean, damped from season to season."""
        now, before = (self.mean_before(self.values, max(k, 1)) for k in (end, end - self.season))
        return sum(0.8**k for k in range(1, (h - 1) // self.season + 2)) * (now - before)

    def recent_change(self, end):
        """Each step, from three seasons before the last one to that; without any of five steps."""
        seasons = min(3, end // self.season - 1)
        n = min(5, end - 1) if self.season == 1 else self.season * seasons
        if n <= 0:
            return 0.0
        now, before = (self.mean_before(self.adjusted, end - k) for k in (0, n))
        return (now - before) / n

    def errors(self, horizon):
        """Mean absolute errors, or None, at up to twelve earlier steps, and how many these are.

        Later ones count more.
        """
        n, weights, errors, n_origins = len(self.values), [], [], 0
        for k in range(1, 13):
            end = n - k * max(horizon // 2, 1)
            if end < max(4, n // 3) or (self.season > 1 and end < self.season + 2):
                break
            truth, n_origins = self.values[end : end + horizon], k
            for t, forecasts in enumerate(self.at(end, len(truth)).T):
                weights.append(0.85**k)
                errors.append(np.abs(truth[t] - forecasts))
        means = np.average(errors, axis=0, weights=weights) if weights else None
        return means, n_origins


def mean_change(values, lag):
    return np.mean(np.abs(values[lag:] - values[:-lag])) if len(values) > lag else 0.0


def weights_of_errors(errors, n_origins, n, least):
    """Of the first twelve forecasts, by powers of their errors."""
    if errors is None:
        return np.isin(range(12), (0, 1, 5)) / 3
    inverse = (1 / (np.array(errors[:12]) + least)) ** (3 + n_origins / 2)
    if n < 72:
        inverse[10:] = 0  # autoregressions
    return inverse / inverse.sum()


def network_inputs(values, season, long, n_read, horizon):
    """What the pretrained network reads, the weighted forecasts, and the scale of its outputs."""
    forecasts, n, size = SimpleForecasts(values, season, long), len(values), np.mean(np.abs(values))
    change = mean_change(forecasts.adjusted, 1)
    scale = max(mean_change(values, season if n > season else 1), 0.3 * change, 1e-10 * size, 1e-12)
    errors, n_origins = forecasts.errors(horizon)
    future = forecasts.at(n, horizon)
    weights = weights_of_errors(errors, n_origins, n, 0.02 * scale)
    base = weights @ future[:12]
    rows = []
    for t in range(n - n_read, n):
        one_before = max(t - 1, 0)
        level = forecasts.levels[one_before]
        trend = forecasts.damped[one_before] + forecasts.damping * forecasts.trends[one_before]
        lagged = [values[t - lag] if t >= lag else values[t] for lag in (season, long, 2 * season)]
        on_line = forecasts.on_line[t]
        rows.append(
            [
                *(values[t], forecasts.adjusted[t], lagged[0]),
                *(forecasts.with_season(level, t), forecasts.with_season(trend, t)),
                *(on_line, lagged[1], level, lagged[2], trend, lagged[0], on_line),
                *forecasts.by_states(t, 1),
            ]
        )
    for h in range(horizon):
        rows.append([base[h], *future[[3, 2, 0, 1, 5, 4, 6, 7, 12, 8, 13, 9, 10, 11], h]])
    paths = np.arcsinh((np.array(rows) - forecasts.levels[-1]) / scale)
    ahead = np.array([[0, 0]] * n_read + [[1, math.log(1 + h) / 3] for h in range(horizon)])
    about = [math.log(max(change / scale, 1e-3)), math.log(n) / 4, math.log(season) / 3]
    about += [0.0] * 14 if errors is None else list(np.log(errors / scale + 0.02) / 2)
    about.append(n_origins / 12)
    inputs = np.hstack([paths, ahead, np.tile(about, (len(rows), 1))])
    return inputs, base, 0.0 if np.all(values == values[0]) else scale

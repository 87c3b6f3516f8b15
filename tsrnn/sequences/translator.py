"""RNNTranslator: reads one sequence and writes another."""

from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from tsrnn.estimators.callbacks import with_callbacks
from tsrnn.network import PairSource
from tsrnn.parameters import Integer, Number, validated
from tsrnn.parameters.types import (
    Auto,
    Device,
    Dtype,
    RandomStateLike,
    RecurrentCell,
    Schedule,
    Solver,
    UnitName,
)
from tsrnn.sequences.beam_search import Beams
from tsrnn.sequences.tokenizer import Tokenizer
from tsrnn.sequences.translator_training import TrainedTranslator

_BEAMS = Integer(1, 1000)
_LENGTH = Integer(1, 10**6)
_PENALTY = Number(0, 10)


class RNNTranslator(TrainedTranslator):
    """Learn to write a sequence for each that is read, of another length and in other tokens.

    An encoder reads the whole source. A decoder begins with its final state and writes the target
    token by token, each given those before it, and for each attends to the steps of the source
    (Luong et al. 2015 [1]_). Sources and targets may be texts or sequences of any items; sources
    also sequences of numbers, such as a series that is put into words.

    Parameters
    ----------
    source_unit, target_unit : {"character", "word", "subword"}, Tokenizer or None, default="word"
        What a token of either side is: see :class:`Tokenizer`, which may be given instead; one that
        is fitted keeps its vocabulary, and must begin and end targets. None for sequences of any
        hashable items; as source also for sequences of numbers, (n_steps,), or of several at each
        step, arrays (n_steps, n_channels). Numbers that are all whole, in every sequence, are
        items: give them as floats, ``np.asarray(x, float)``, where they are quantities. To take
        floats as items, give ``Tokenizer(None)``.
    cell : {"lstm", "gru", "rnn", "rnn_relu"}, default="gru"
        As in :class:`RNNRegressor`, of encoder and decoder. By default a GRU, as in
        :class:`RNNLanguageModel`: it has a quarter fewer weights than an LSTM of its size.
    embedding_size, hidden_size, n_layers : int, default=256, 256, 1
        Width of the tokens' embedding; hidden units of each layer; layers of the encoder and of the
        decoder.
    bidirectional : bool, default=True
        Read the source in both directions, each with half of the hidden units.
    residual : bool, default=False
        As in :class:`RNNRegressor`.
    attention : {"dot", "general", "additive"} or None, default="general"
        How well a step of the source suits one of the decoder: by the product of both outputs, with
        a matrix of weights between them for "general", or by a hidden layer that reads both
        (Bahdanau et al. 2015 [2]_). None for a decoder that only knows the encoder's final state.
    tied : bool, default=False
        Use the output layer's weights as the target's embedding, which is then as wide as
        ``hidden_size``.
    dropout : float, default=0.0
        Probability that a value is dropped in training: of embeddings, between layers, and of what
        the output layer reads.
    recurrent_dropout : float, default=0.0
        As in :class:`RNNRegressor`.
    label_smoothing : float, default=0.0
        Share of a target's weight in the training loss that is spread over all tokens, such as
        0.1 (Szegedy et al. 2016). Validation scores are without it.
    standardize : bool, default=True
        Scale the channels of a source of numbers to mean 0 and deviation 1.
    solver : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
    learning_rate : {"one_cycle", "constant", "cosine", "adaptive"}, default="one_cycle"
    learning_rate_init, alpha, averaging : float, default=0.003, 0.0, 0.0
    max_iter : int or "auto", default="auto"
    max_seconds : float, optional
        Training, as in :class:`RNNRegressor`.
    batch_size : int, default=64
        Pairs of a minibatch.
    max_grad_norm, tol, validation_fraction : float, default=1.0, 0.0001, 0.1
    early_stopping, warm_start : bool, default=False
    n_iter_no_change : int, default=50
        Training, as in :class:`RNNRegressor`; the last pairs are held out.
    dtype : {"float32", "float64"}, default="float32"
    device : {"cpu", "cuda"}, default="cpu"
    n_jobs : int, optional
    random_state : int, RandomState instance or None, default=0
    verbose : bool or int, default=0
        As in :class:`RNNRegressor`; translators run on the CPU only.

    Attributes
    ----------
    network_ : EncoderDecoder
        The trained network.
    source_tokenizer_, target_tokenizer_ : Tokenizer
        The vocabularies; that of the source is None for numbers.
    X_mean_, X_scale_ : (n_channels,) float64 array
        Scales of a source of numbers, else None.
    missing_ : str or None
        "tell" if a source of numbers had missing values (NaN) in ``fit``, which the network reads
        as such.
    longest_ : int
        Tokens of the longest target of ``fit``, with that of its end.
    loss_curve_, validation_scores_, n_iter_, best_iter_
        As in :class:`RNNRegressor`: losses are per token of the target, in nats.

    See Also
    --------
    tsrnn.sequences.bleu_score : How much translations share with references.
    tsrnn.plotting.AttentionDisplay : What the decoder attended to.

    Notes
    -----
    Unknown tokens are read, but never written. Small sets need many epochs: while the results are
    alike for all sources, raise ``max_iter`` or lower ``batch_size``, as there are few updates.
    Ctrl-C during ``fit`` keeps the best weights so far,
    as in :class:`RNNRegressor`.

    References
    ----------
    .. [1] Luong, M.-T., Pham, H. and Manning, C. D. (2015). Effective approaches to attention-based
       neural machine translation. EMNLP.
    .. [2] Bahdanau, D., Cho, K. and Bengio, Y. (2015). Neural machine translation by jointly
       learning to align and translate. ICLR.

    Examples
    --------
    >>> from tsrnn import RNNTranslator
    >>> from tsrnn.datasets import make_dates
    >>> written, dates = make_dates(2000, random_state=0)
    >>> written[0], dates[0]
    ('Wed 24 Oct 1973', '1973-10-24')
    >>> sizes = {"embedding_size": 32, "hidden_size": 64}
    >>> translator = RNNTranslator("character", "character", **sizes, max_iter=20)
    >>> translator = translator.fit(written, dates)
    >>> translator.predict(["5 March 1987"])
    ['1987-03-05']
    """

    def __init__(
        self,
        source_unit: UnitName | Tokenizer | None = "word",
        target_unit: UnitName | Tokenizer | None = "word",
        *,
        cell: RecurrentCell = "gru",
        embedding_size: int = 256,
        hidden_size: int = 256,
        n_layers: int = 1,
        bidirectional: bool = True,
        residual: bool = False,
        attention: Literal["dot", "general", "additive"] | None = "general",
        tied: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        label_smoothing: float = 0.0,
        standardize: bool = True,
        solver: Solver = "adam",
        learning_rate: Schedule = "one_cycle",
        learning_rate_init: float = 3e-3,
        alpha: float = 0.0,
        averaging: float = 0.0,
        max_iter: int | Auto = "auto",
        max_seconds: float | None = None,
        batch_size: int = 64,
        max_grad_norm: float = 1.0,
        tol: float = 1e-4,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 50,
        warm_start: bool = False,
        dtype: Dtype = "float32",
        device: Device = "cpu",
        n_jobs: int | None = None,
        random_state: RandomStateLike = 0,
        verbose: bool | int = 0,
    ):
        self.source_unit = source_unit
        self.target_unit = target_unit
        self.cell = cell
        self.embedding_size = embedding_size
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.residual = residual
        self.attention = attention
        self.tied = tied
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.label_smoothing = label_smoothing
        self.standardize = standardize
        self.solver = solver
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.averaging = averaging
        self.max_iter = max_iter
        self.max_seconds = max_seconds
        self.batch_size = batch_size
        self.max_grad_norm = max_grad_norm
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.dtype = dtype
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        of_text = self.source_unit is not None
        tags.input_tags.string = tags.input_tags.one_d_array = of_text
        tags.input_tags.two_d_array = not of_text
        tags.input_tags.three_d_array = not of_text
        tags.input_tags.allow_nan = not of_text
        tags.target_tags.required = True
        return tags

    @with_callbacks
    def fit(self, X: Any, y: Any) -> Self:
        """Train on pairs of sequences.

        Parameters
        ----------
        X : list, tuple, Series or array
            Sources: texts; with ``source_unit=None`` sequences of items, or of numbers.
        y : list, tuple, Series or array
            The target of each: texts, or with ``target_unit=None`` sequences of items.

        Returns
        -------
        self : RNNTranslator

        Raises
        ------
        ValueError
            If a parameter is out of range, X and y are not as many, or a sequence is empty, not of
            its kind, or too long for this machine's memory.
        """
        self._validate_params()
        with self._restored_on_error():
            self._fit(X, y, partial=False)
        return self

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Train one epoch on some pairs, from the weights and optimiser state of the last call.

        The vocabularies, or scales, are those of the first call, or of fitted Tokenizers; the
        learning rate is constant. Parameters: see ``fit``. After Ctrl-C, a KeyboardInterrupt, the
        translator is as before.
        """
        self._validate_params()
        with self._restored_on_error():
            self._fit(X, y, partial=True)
        return self

    @validated(beam_size=[_BEAMS], length_penalty=[_PENALTY], max_length=[_LENGTH, None])
    def predict(
        self,
        X: Any,
        beam_size: int = 5,
        length_penalty: float = 1.0,
        max_length: int | None = None,
    ) -> list:
        """Write the target of each source, by a search for the most probable one.

        The result for a source depends neither on the others nor on the number of threads.

        Parameters
        ----------
        X : list, tuple, Series or array
            Sources as in ``fit``.
        beam_size : int, default=5
            Unfinished targets that the search keeps at each step; 1 to always write the most
            probable token; at most 1000.
        length_penalty : float, default=1.0
            Of those that are found, the one is returned whose log-probability over this power of
            its length is the highest; 0 prefers short targets, as every token costs probability.
        max_length : int, optional
            Most tokens of a target, with that of its end; by default twice ``longest_``. A
            longer one is cut off, unfinished.

        Returns
        -------
        list of str
            With ``target_unit=None`` a list of lists of items.
        """
        model = self.fitted_
        self._validate_params()
        ids = self._search(model.read(X), beam_size, length_penalty, max_length)
        return self.target_tokenizer_.inverse_transform(ids)

    def log_likelihood(self, X: Any, y: Any) -> np.ndarray:
        """Logarithm of the probability of each target given its source, (n_pairs,), in nats.

        A token of a target that is not in the vocabulary has the probability of the unknown token,
        which stands for all such, and was learned only if ``fit`` met one (``min_frequency``,
        ``max_tokens``); else it is hardly above 0.

        Parameters
        ----------
        X, y
            As in ``fit``.
        """
        model = self.fitted_
        losses = model.step_losses(model.read_pairs(X, y), self.n_jobs)
        return np.array([-each.sum() for each in losses])

    def score(self, X: Any, y: Any) -> float:
        """Share of the tokens of targets, with those of their ends, that are the most probable.

        Each given those before it (accuracy under teacher forcing). For how good whole
        translations are, see :func:`tsrnn.sequences.bleu_score`.

        Parameters
        ----------
        X, y
            As in ``fit``; tokens that are not in the vocabulary count as missed.
        """
        model = self.fitted_
        pairs = model.read_pairs(X, y)
        predicted, _ = model.follow(pairs, self.n_jobs)
        hits = np.concatenate(predicted) == pairs.decoder.targets[:, 0]
        return float(hits.mean())

    def align(self, X: Any, y: Any = None) -> list[pd.DataFrame]:
        """What the decoder attends to when it writes: weights of the steps of each source.

        Parameters
        ----------
        X : list, tuple, Series or array
            Sources as in ``fit``.
        y : list, tuple, Series or array, optional
            Targets to write; by default what ``predict`` returns.

        Returns
        -------
        list of DataFrame
            Of each pair a row for each token of the target, with that of its end, and a column for
            each token of the source, or step of numbers. Rows sum to one.
        """
        model = self.fitted_
        if self.network_.attention is None:
            raise ValueError("A translator with attention=None attends to nothing.")
        if y is None:
            source = model.read(X)
            tokenizer = self.target_tokenizer_
            begin, end = [tokenizer.begin_], [tokenizer.end_]
            ids = [np.concatenate([begin, each, end]) for each in self._search(source)]
            pairs = PairSource(source, model.target.of_ids(ids))
        else:
            pairs = model.read_pairs(X, y)
        tokens = self.target_tokenizer_.tokens_
        _, weights = model.follow(pairs, self.n_jobs)
        frames = []
        for number, of_pair in enumerate(weights):
            first, n = pairs.decoder.firsts[number], pairs.decoder.lengths[number]
            rows = [tokens[int(k)] for k in pairs.decoder.targets[first : first + n, 0]]
            columns = model.source.labels(pairs.encoder, number)
            frames.append(pd.DataFrame(of_pair, pd.Index(rows, dtype=object), columns))
        return frames

    def _search(self, source, beam_size=5, length_penalty=1.0, max_length=None):
        tokenizer = self.target_tokenizer_
        beams = Beams(
            tokenizer.begin_,
            tokenizer.end_,
            beam_size,
            float(length_penalty),
            max_length or 2 * self.longest_,
        )
        return self.fitted_.translate(source, beams, self.n_jobs)

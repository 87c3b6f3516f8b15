"""RNNLanguageModel: predicts the next token of a text or frame of music, and writes more."""

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state

from tsrnn.estimators.callbacks import with_callbacks
from tsrnn.kernels.sampling import Sampling
from tsrnn.parameters import (
    NON_NEGATIVE,
    POSITIVE_INTEGER,
    RANDOM_STATE,
    Integer,
    Number,
    validated,
)
from tsrnn.parameters.types import (
    Auto,
    Cell,
    Device,
    Dtype,
    RandomStateLike,
    Schedule,
    Solver,
    UnitName,
)
from tsrnn.sequences.frames import Frames
from tsrnn.sequences.generation import generate_frames, generate_tokens
from tsrnn.sequences.language_training import TrainedLanguageModel
from tsrnn.sequences.tokenizer import Tokenizer

_N_GENERATED = Integer(0, 10**8)


class RNNLanguageModel(TrainedLanguageModel):
    """Learn to predict what comes next in texts, sequences of items or music, and write more of it.

    The network reads a sequence token by token and gives the probability of each token to be the
    next one. Long texts are learned by truncated back-propagation through time with a carried
    state: the text is cut into ``batch_size`` streams, a minibatch is the next ``n_steps`` tokens
    of each, and the state that one ends with is the state that the next begins with. Short texts,
    of at most twice ``n_steps`` tokens on average, are learned one by one in any order.

    Parameters
    ----------
    unit : {"character", "word", "subword"}, Tokenizer or None, default="character"
        What a token is: see :class:`Tokenizer`, which may be given instead; one that is fitted
        keeps its vocabulary, but not in a search or cross-validation, which clone it. None for
        sequences of any hashable items, such as tuples of pitch and duration, and for polyphonic
        music.
    cell : {"lstm", "gru", "rnn", "rnn_relu", "attention"}, default="gru"
        As in :class:`RNNRegressor`. "attention" has no state to carry: it is trained on windows
        of ``n_steps`` tokens, and reads as many.
    embedding_size, hidden_size, n_layers : int, default=64, 256, 1
        Width of the tokens' embedding; hidden units of each layer; layers.
    residual : bool, default=False
    n_heads, head_size : int, default=4, 0
        As in :class:`RNNRegressor`.
    tied : bool, default=False
        Use the output layer's weights as the embedding (Press & Wolf 2017), which is to be as wide
        as what that layer reads: ``embedding_size`` equal to ``head_size``, or to ``hidden_size``
        without a head's hidden layer.
    memory : int, optional
    dropout, recurrent_dropout : float, default=0.0
        As in :class:`RNNRegressor`.
    n_steps : int, default=128
        Steps that the gradient is propagated back over: length of the windows.
    solver : {"adam", "adamw", "sgd", "rmsprop"}, default="adam"
    alpha, averaging : float, default=0.0
        Training, as in :class:`RNNRegressor`.
    learning_rate : {"cosine", "one_cycle", "constant", "adaptive"}, default="cosine"
        As in :class:`RNNRegressor`. "one_cycle" first rises, for networks that diverge otherwise.
    learning_rate_init : float, default=5e-3
        Maximum of the learning rate. Larger networks want a lower one, 1.5e-3 with 512 units, and
        attention one of about 2e-3.
    max_iter : int or "auto", default="auto"
        Epochs. "auto" is 10 for long texts, and of short ones and of pieces as many as make 300
        minibatches, from 10 to 100.
    batch_size : int or "auto", default="auto"
        Streams of a minibatch, fewer of a short text; of many short texts, texts, and of polyphonic
        music, pieces. "auto" is 16 streams, 32 texts or 4 pieces.
    max_seconds : float, optional
    max_grad_norm, tol : float, default=1.0, 0.0001
    n_iter_no_change : int, default=50
    warm_start : bool, default=False
        Training, as in :class:`RNNRegressor`.
    early_stopping : bool, default=False
    validation_fraction : float, default=0.1
        As in :class:`RNNRegressor`; the last tokens, or the last pieces, are held out.
    dtype : {"float32", "float64"}, default="float32"
    device : {"cpu", "cuda"}, default="cpu"
    n_jobs : int, optional
    random_state : int, RandomState instance or None, default=0
    verbose : bool or int, default=0
        As in :class:`RNNRegressor`; tokens are read on the CPU only.

    Attributes
    ----------
    network_ : Network
        The trained network.
    tokenizer_ : Tokenizer or None
        The vocabulary; None for polyphonic music.
    n_notes_ : int or None
        Notes of a frame of polyphonic music; None for tokens.
    learns_ends_ : bool
        Whether the end of a sequence is predicted too: not after a fit on one text.
    loss_curve_, validation_scores_, n_iter_, best_iter_
        As in :class:`RNNRegressor`: losses are per token in nats, or per note.

    See Also
    --------
    Tokenizer : Texts to integers and back.
    RNNClassifier : Classes of texts.
    tsrnn.plotting.SurpriseDisplay : Draw how little each token was expected.
    tsrnn.sequences.music.notes_to_roll : Music as arrays that it learns.

    Notes
    -----
    A boundary token stands before each sequence, and the sequences of a list end with it. In one
    long text it is also read in place of some line breaks, one in 300 tokens, so that what is
    written without a prompt begins as a line does. The unknown token is never written. Ctrl-C
    during ``fit`` keeps the best weights so far, as in :class:`RNNRegressor`.

    Polyphonic music is a list of (n_steps, n_notes) arrays of 0 and 1: the notes that are on at
    each step, predicted as independent given all frames before. The first frame of a piece is not
    predicted. Pieces longer than ``n_steps`` are trained on in parts, each from a state of zeros.
    The negative log-likelihood of a frame is summed over notes; ``score`` is minus its mean over
    all frames of all pieces but the first of each. A network soon overfits a few hundred pieces:
    train it for more epochs than by default only with dropout and ``early_stopping``, on the
    shipped chorales with ``cell="lstm", hidden_size=200, dropout=0.2, recurrent_dropout=0.4,
    n_steps=200, learning_rate_init=0.01, max_iter=30, early_stopping=True``.

    Examples
    --------
    >>> from tsrnn import RNNLanguageModel
    >>> text = "the quick brown fox jumps over the lazy dog. " * 60
    >>> model = RNNLanguageModel(hidden_size=32, max_iter=60, learning_rate_init=0.02).fit(text)
    >>> model.generate(20, prompt="the quick ", temperature=0)
    'brown fox jumps over'
    >>> bool(model.perplexity("the lazy dog. the quick brown fox") < 1.5)
    True
    """

    def __init__(
        self,
        unit: UnitName | Tokenizer | None = "character",
        *,
        cell: Cell = "gru",
        embedding_size: int = 64,
        hidden_size: int = 256,
        n_layers: int = 1,
        residual: bool = False,
        n_heads: int = 4,
        head_size: int = 0,
        tied: bool = False,
        memory: int | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        n_steps: int = 128,
        solver: Solver = "adam",
        learning_rate: Schedule = "cosine",
        learning_rate_init: float = 5e-3,
        alpha: float = 0.0,
        averaging: float = 0.0,
        max_iter: int | Auto = "auto",
        max_seconds: float | None = None,
        batch_size: int | Auto = "auto",
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
        self.unit = unit
        self.cell = cell
        self.embedding_size = embedding_size
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.residual = residual
        self.n_heads = n_heads
        self.head_size = head_size
        self.tied = tied
        self.memory = memory
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.n_steps = n_steps
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
        of_text = self.unit is not None
        tags.input_tags.string = tags.input_tags.one_d_array = of_text
        tags.input_tags.two_d_array = not of_text
        return tags

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on texts, sequences of items or pieces of music.

        Parameters
        ----------
        X : str, list, Series or array
            One text, or texts; with ``unit=None`` sequences of items, or pieces of polyphonic music
            as (n_steps, n_notes) arrays of 0 and 1.
        y : None
            Ignored.

        Returns
        -------
        self : RNNLanguageModel

        Raises
        ------
        ValueError
            If a parameter is out of range, or a sequence is empty or not of its kind.
        """
        self._validate_params()
        with self._restored_on_error():
            self._fit(X, partial=False)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Train one epoch on some sequences, from the weights and optimiser state of the last call.

        The vocabulary is that of the first call, or of a fitted Tokenizer; the learning rate is
        constant. Parameters: see ``fit``. After Ctrl-C, a KeyboardInterrupt, the model is as
        before.
        """
        self._validate_params()
        with self._restored_on_error():
            self._fit(X, partial=True)
        return self

    def log_likelihood(self, X: Any) -> Any:
        """Logarithm of the probability of each sequence, in nats.

        It is summed over tokens, and if the ends of sequences were learned, over that of a list's
        sequences too; of music over frames after the first, and notes. The state is carried through
        the whole sequence; attention reads the last ``n_steps``, or half as many at least.

        Parameters
        ----------
        X : str, list, Series or array
            As in ``fit``.

        Returns
        -------
        (n_sequences,) float64 array, or a float of one text
        """
        sums = np.array([-losses.sum() for losses in self._step_losses(X)])
        return float(sums[0]) if isinstance(X, str) else sums

    def step_log_likelihood(self, X: Any) -> Any:
        """Logarithm of the probability of each token, or frame, given those before it.

        Minus it is how surprised the model is. Parameters: see ``log_likelihood``, of which these
        are the summands.

        Returns
        -------
        list of float64 arrays, or one array of one text
        """
        values = [-losses for losses in self._step_losses(X)]
        return values[0] if isinstance(X, str) else values

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of all tokens, or notes, at the place of each token or frame of X.

        Parameters
        ----------
        X : str, list, Series or array
            As in ``fit``.

        Returns
        -------
        list of (n_steps, n_tokens) float64 arrays, or one array of one text
            Columns as ``tokenizer_.tokens_``; rows as ``step_log_likelihood``.
        """
        model = self.fitted_
        values = model.step_probabilities(model.read(X), self.n_jobs)
        return values[0] if isinstance(X, str) else values

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-likelihood of a token, or of a frame of music, over all of X, in nats.

        Parameters
        ----------
        X
            As in ``log_likelihood``.
        y : None
            Ignored.
        """
        return float(-np.concatenate(self._step_losses(X)).mean())

    def perplexity(self, X: Any) -> float:
        """Exponential of minus the score: among how many equally likely tokens it is to choose."""
        with np.errstate(over="ignore"):
            return float(np.exp(-self.score(X)))

    @validated(
        n=[_N_GENERATED],
        temperature=[NON_NEGATIVE],
        top_k=[POSITIVE_INTEGER, None],
        top_p=[Number(0, 1, closed="right"), None],
        random_state=RANDOM_STATE,
    )
    def generate(
        self,
        n: int,
        prompt: Any = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        random_state: Any = None,
        stop: Any = None,
    ) -> Any:
        """Write on after a prompt, token by token, each drawn from the probabilities of the next.

        Parameters
        ----------
        n : int
            Number of tokens or frames; of tokens fewer where the sequence ends or ``stop`` comes.
        prompt : optional
            The beginning: a text, a list of items, or frames of music, which must be given. By
            default a new text or sequence is begun.
        temperature : float, default=1.0
            Divides the logarithms of probabilities, of notes their log-odds: below 1 what is
            probable becomes more so, and with 0 the most probable token, or all notes that are more
            probable than not, are taken.
        top_k : int, optional
            Draw from so many of the most probable tokens.
        top_p : float, optional
            Draw from the fewest tokens that have this share of the probability (Holtzman et al.
            2020), of the ``top_k`` if that is given too.
        random_state : int, RandomState instance or None, optional
            Seed of the draws; None for a new one each time.
        stop : optional
            A text, or with ``unit=None`` an item, that ends what is written, without being part of
            it; or a list of them.

        Returns
        -------
        str, list of items, or (n, n_notes) int8 array
            What follows the prompt; of words, without the space between.
        """
        model = self.fitted_
        start = model.reader.read_prompt(prompt)
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31))
        if isinstance(model.reader, Frames):
            for name, value in {"top_k": top_k, "top_p": top_p, "stop": stop}.items():
                if value is not None:
                    raise ValueError(f"{name} is for tokens. Leave it out for frames of music.")
            return generate_frames(model, start, n, temperature, rng)
        n_most = 0 if top_k is None or top_k >= model.network.n_out else top_k
        sampling = Sampling(temperature, n_most, 1.0 if top_p is None else top_p)
        return generate_tokens(model, start, n, sampling, self._stops(stop), rng)

    def _stops(self, stop) -> list:
        """What ends a generated sequence, as a list."""
        if stop is None:
            return []
        stops = list(stop) if isinstance(stop, list) else [stop]
        if self.tokenizer_.unit is None:
            if not all(isinstance(each, Hashable) for each in stops):
                raise ValueError(
                    f"stop must be an item, hashable, or a list of them; got {stop!r}."
                )
        elif not all(isinstance(each, str) and each for each in stops):
            raise ValueError(
                f"stop must be a text that is not empty, or a list of texts; got {stop!r}."
            )
        return stops

    def _step_losses(self, X) -> list[np.ndarray]:
        model = self.fitted_
        return model.step_losses(model.read(X), self.n_jobs)

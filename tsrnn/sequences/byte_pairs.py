"""Byte-pair merges of Sennrich et al. (2016): the most frequent pairs of tokens become tokens.

Words begin as characters. The pair of neighbours that is most frequent in all words is merged
everywhere, from left to right, then the pair that is then most frequent, and so on; of equally
frequent pairs the one whose tokens were there first. Merges never cross the end of a word.
"""

import collections
import heapq
import itertools
from collections.abc import Mapping, Sequence

_LONGEST_WORD = 1000  # the package takes quadratic time in a word's length
_WORDS_AT_ONCE = 1000  # handed to the package in one text


class BytePairs:
    """Tokens that were learned from pairs, to split words by.

    Parameters
    ----------
    tokens : sequence of str
        Characters and merged tokens; each merged one after those it is merged from.
    """

    def __init__(self, tokens: Sequence[str]):
        self._ranks: dict[tuple[str, str], int] = {}
        for rank, token in enumerate(tokens):
            if len(token) > 1:
                # The merges before it leave just the two tokens that it is merged from.
                left, right = self.split(token)
                self._ranks[left, right] = rank

    def split(self, word: str) -> list[str]:
        """Tokens of a word; a character that is no token is left as it is."""
        parts = [*word]
        n, rank_of = len(parts), self._ranks.get
        before, after = [*range(-1, n - 1)], [*range(1, n + 1)]
        queue = []  # pairs by rank, and by place
        for k, pair in enumerate(itertools.pairwise(word)):
            if (rank := rank_of(pair)) is not None:
                queue.append((rank, k))
        heapq.heapify(queue)
        while queue:
            rank, k = heapq.heappop(queue)
            right = after[k]
            if right == n or rank_of((parts[k], parts[right])) != rank:
                continue  # one of them was merged with another
            parts[k], parts[right] = parts[k] + parts[right], ""
            after[k] = following = after[right]
            if following < n:
                before[following] = k
            for left in (before[k], k):
                if left >= 0 and after[left] < n:
                    rank = rank_of((parts[left], parts[after[left]]))
                    if rank is not None:
                        heapq.heappush(queue, (rank, left))
        return [part for part in parts if part]


def learn_byte_pairs(counts: Mapping[str, int], max_tokens: int, min_frequency: int) -> list[str]:
    """Characters by their code points, then merged tokens in the order of merging.

    Parameters
    ----------
    counts : mapping
        How often each word occurs.
    max_tokens : int
        At most so many tokens; of too many characters the most frequent.
    min_frequency : int
        How often a character or a pair must occur to become a token.
    """
    characters: collections.Counter = collections.Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    frequent = [each for each in characters if characters[each] >= min_frequency]
    frequent.sort(key=lambda each: (-characters[each], each))
    alphabet = sorted(frequent[:max_tokens])
    arguments = _cut_words(counts, set(alphabet)), alphabet, max_tokens, min_frequency
    merged = _merge_by_package(*arguments)
    return alphabet + (_merge(*arguments) if merged is None else merged)


def _cut_words(counts, alphabet):
    """Counts of words, cut at the characters that are not in the alphabet."""
    parts: collections.Counter = collections.Counter()
    for word, count in counts.items():
        for is_known, characters in itertools.groupby(word, alphabet.__contains__):
            if is_known:
                parts["".join(characters)] += count
    return parts


def _merge_by_package(words, alphabet, max_tokens, min_frequency):
    """Merged tokens by the tokenizers package, None without it or if it cannot take the words."""
    try:
        import tokenizers
    except ImportError:
        return None
    if any(len(word) > _LONGEST_WORD for word in words):
        return None
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=max_tokens, min_frequency=min_frequency, show_progress=False
    )
    delimiter = next(chr(k) for k in itertools.count() if chr(k) not in alphabet)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.CharDelimiterSplit(delimiter)
    repeated = (itertools.repeat(word, count) for word, count in words.items())
    words = itertools.chain.from_iterable(repeated)
    texts = iter(lambda: delimiter.join(itertools.islice(words, _WORDS_AT_ONCE)), "")
    try:
        tokenizer.train_from_iterator(texts, trainer)
    except UnicodeEncodeError:  # half of a surrogate pair
        return None
    ids = tokenizer.get_vocab()
    return [token for token in sorted(ids, key=ids.__getitem__) if len(token) > 1]


def _merge(words, alphabet, max_tokens, min_frequency):
    """Merged tokens, by a list of all characters that is linked as they are merged."""
    text = _LinkedText(words, alphabet)
    tokens = list(alphabet)
    queue = [(-count, pair) for pair, count in text.counts.items()]
    heapq.heapify(queue)
    while queue and len(tokens) < max_tokens:
        negative, pair = heapq.heappop(queue)
        count = text.counts[pair]
        if -negative > count:  # other merges took some of them
            heapq.heappush(queue, (-count, pair))
            continue
        if count < max(min_frequency, 1):
            break
        left, right = pair
        for new_pair in text.merge(pair, len(tokens)):
            heapq.heappush(queue, (-text.counts[new_pair], new_pair))
        tokens.append(tokens[left] + tokens[right])
    return tokens[len(alphabet) :]


class _LinkedText:
    """All words end to end, as numbers of tokens with -1 between words.

    ``counts`` has how often each pair of neighbours occurs, ``places`` where, in order; a place
    is out of date once one of the pair was merged with another.
    """

    def __init__(self, words, alphabet):
        numbers = {character: k for k, character in enumerate(alphabet)}
        self.tokens, self.weights = [-1], [0]
        for word, count in words.items():
            self.tokens += [numbers[character] for character in word]
            self.tokens.append(-1)
            self.weights += [count] * (len(word) + 1)
        n = len(self.tokens)
        self.before, self.after = [*range(-1, n - 1)], [*range(1, n + 1)]
        self.counts: collections.Counter = collections.Counter()
        self.places = collections.defaultdict(list)
        for k in range(n - 1):
            self._add(k, self.weights[k])

    def _add(self, k, count):
        pair = self.tokens[k], self.tokens[self.after[k]]
        if min(pair) >= 0:
            self.counts[pair] += count
            self.places[pair].append(k)
        return pair

    def merge(self, pair, number):
        """Replace a pair by the token of a number everywhere; return the new pairs."""
        tokens, before, after, counts = self.tokens, self.before, self.after, self.counts
        new_pairs = set()
        for k in self.places.pop(pair):
            right = after[k]
            if tokens[k] != pair[0] or tokens[right] != pair[1]:
                continue
            previous, following, count = before[k], after[right], self.weights[k]
            counts[tokens[previous], pair[0]] -= count
            counts[pair[1], tokens[following]] -= count
            tokens[k], tokens[right] = number, -1
            after[k], before[following] = following, k
            new_pairs.add(self._add(previous, count))
            new_pairs.add(self._add(k, count))
        del counts[pair]
        return [pair for pair in new_pairs if min(pair) >= 0]

"""Texts and other sequences of tokens."""

from tsrnn.sequences.language_model import RNNLanguageModel
from tsrnn.sequences.tagger import RNNTagger
from tsrnn.sequences.tokenizer import Tokenizer

__all__ = ["RNNLanguageModel", "RNNTagger", "Tokenizer"]

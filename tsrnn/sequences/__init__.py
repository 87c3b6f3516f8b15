"""Texts and other sequences of tokens."""

from tsrnn.sequences.tokenizer import Tokenizer

__all__ = ["Tokenizer"]

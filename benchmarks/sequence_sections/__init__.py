"""Sections of the benchmark of sequences: each prints a table."""

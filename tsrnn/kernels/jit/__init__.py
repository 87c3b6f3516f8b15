"""Compiling kernels: what is compiled how, kept on disk, and run by how many threads."""

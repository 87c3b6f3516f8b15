"""Loops and indices in LLVM."""

import contextlib

from llvmlite import ir

WORD = ir.IntType(64)


def word(value: int) -> ir.Constant:
    """A constant index."""
    return ir.Constant(WORD, value)


def branch_back(b: ir.IRBuilder, head: ir.Block):
    """End a loop's body. The loop is neither unrolled nor vectorised, which would gain nothing."""
    module = b.module
    disable_unrolling = ir.MetaDataString(module, "llvm.loop.unroll.disable")
    enable_vectors = ir.MetaDataString(module, "llvm.loop.vectorize.enable")
    options = [
        module.add_metadata([disable_unrolling]),
        module.add_metadata([enable_vectors, ir.Constant(ir.IntType(1), 0)]),
    ]
    # Options of this loop alone: a node that refers to itself is unique.
    node = ir.values.MDValue(module, options, name=str(len(module.metadata)))
    node.operands = (node, *options)
    b.branch(head).set_metadata("llvm.loop", node)


@contextlib.contextmanager
def loop(b: ir.IRBuilder, start, stop, step):
    """Emit a loop whose body is the block of the ``with``; yields the index."""
    before = b.block
    head, body, end = (b.append_basic_block(name) for name in ("head", "body", "end"))
    b.branch(head)
    b.position_at_end(head)
    index = b.phi(WORD)
    index.add_incoming(start, before)
    b.cbranch(b.icmp_signed("<", index, stop), body, end)
    b.position_at_end(body)
    yield index
    index.add_incoming(b.add(index, step), b.block)
    branch_back(b, head)
    b.position_at_end(end)


class _Sums(list):
    """New values of sums at the end of a loop's body; ``results`` are their values after it."""

    results: tuple = ()


@contextlib.contextmanager
def accumulating(b: ir.IRBuilder, n, sums):
    """Emit a loop from 0 to n that updates sums; yields (index, sums, list for the new sums)."""
    before = b.block
    head, body, end = (b.append_basic_block(name) for name in ("sum_head", "sum_body", "sum_end"))
    b.branch(head)
    b.position_at_end(head)
    index = b.phi(WORD)
    index.add_incoming(word(0), before)
    phis = [b.phi(value.type) for value in sums]
    for phi, value in zip(phis, sums, strict=True):
        phi.add_incoming(value, before)
    b.cbranch(b.icmp_signed("<", index, n), body, end)
    b.position_at_end(body)
    new = _Sums()
    new.results = tuple(phis)
    yield index, phis, new
    index.add_incoming(b.add(index, word(1)), b.block)
    for phi, value in zip(phis, new, strict=True):
        phi.add_incoming(value, b.block)
    branch_back(b, head)
    b.position_at_end(end)


def minimum(b: ir.IRBuilder, x, y):
    """The smaller of two indices."""
    return b.select(b.icmp_signed("<", x, y), x, y)

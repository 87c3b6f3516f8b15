"""What the processor that kernels are compiled for can do: asked of the compiler, not of names."""

from __future__ import annotations

import functools
from typing import NamedTuple

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils
from numba.core.cpu import CPUContext
from numba.core.registry import cpu_target


class Processor(NamedTuple):
    """Bytes of a vector register, how many there are, and whether it has a fused multiply-add."""

    vector_bytes: int
    n_registers: int
    has_fma: bool


def processor_of(context) -> Processor:
    """The processor that a CPU context compiles for, which NUMBA_CPU_NAME may name."""
    return probe(context.codegen()._tm)


def host_processor() -> Processor:
    """The processor that kernels are compiled for here."""
    return processor_of(cpu_target.target_context)


def is_fused(context) -> bool:
    """Whether what a context compiles for multiplies and adds in one instruction; GPUs do."""
    return not isinstance(context, CPUContext) or processor_of(context).has_fma


def fused_multiply_add(builder: ir.IRBuilder, x, y, z) -> ir.Value:
    """``x * y + z`` of scalars or vectors with one rounding, by LLVM's intrinsic."""
    kind = x.type
    if isinstance(kind, ir.VectorType):
        name = f"v{kind.count}{kind.element.intrinsic_name}"
    else:
        name = kind.intrinsic_name
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * 3), f"llvm.fma.{name}"
    )
    return builder.call(function, [x, y, z])


@functools.cache
def probe(machine: llvmlite.binding.TargetMachine) -> Processor:
    """What LLVM makes of a fused multiply-add of 16 floats on that machine.

    The names of features differ by architecture and may be implied by the processor's name, so
    the compiler is asked for what counts here: which registers it uses.
    """
    vector = ir.VectorType(ir.FloatType(), 16)
    module = ir.Module("probe")
    module.triple = machine.triple
    function = ir.Function(module, ir.FunctionType(vector, [vector] * 3), "probe")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(fused_multiply_add(builder, *function.args))
    assembly = machine.emit_assembly(llvmlite.binding.parse_assembly(str(module)))
    if "fmla" in assembly:  # arm64
        return Processor(16, 32, True)
    has_fma = "vfm" in assembly
    if "zmm" in assembly:
        return Processor(64, 32, has_fma)
    return Processor(32 if "ymm" in assembly else 16, 16, has_fma)

"""Vector registers and fused multiply-add of the processor that kernels are compiled for."""

from __future__ import annotations

import functools
from typing import NamedTuple

import llvmlite.binding
from llvmlite import ir

from tsrnn.kernels.jit.numba_internals import (
    cpu_context,
    declare_function,
    is_cpu_context,
    target_machine,
)


class Processor(NamedTuple):
    """Bytes of a vector register, the number of registers, and whether there is an FMA."""

    vector_bytes: int
    n_registers: int
    has_fma: bool


def processor_of(context) -> Processor:
    """The processor that a CPU context compiles for, which NUMBA_CPU_NAME may set."""
    return probe(target_machine(context))


def host_processor() -> Processor:
    """The processor that kernels are compiled for on this machine."""
    return processor_of(cpu_context())


def is_fused(context) -> bool:
    """Whether a context's target has a fused multiply-add; all GPUs do."""
    return not is_cpu_context(context) or processor_of(context).has_fma


def fused_multiply_add(builder: ir.IRBuilder, x, y, z) -> ir.Value:
    """``x * y + z`` of scalars or vectors with one rounding, by LLVM's intrinsic."""
    kind = x.type
    if isinstance(kind, ir.VectorType):
        name = f"v{kind.count}{kind.element.intrinsic_name}"
    else:
        name = kind.intrinsic_name
    function_type = ir.FunctionType(kind, [kind] * 3)
    function = declare_function(builder.module, function_type, f"llvm.fma.{name}")
    return builder.call(function, [x, y, z])


@functools.cache
def probe(machine: llvmlite.binding.TargetMachine) -> Processor:
    """Find a processor's features from the assembly of 16 fused multiply-adds.

    Names of features differ by architecture; the registers that LLVM uses tell what counts here.
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

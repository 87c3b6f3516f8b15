"""The matrix product: one routine, made by the JIT for the processor that it runs on."""

"""The matrix product as LLVM: loops around tiles held in registers, made for one processor.

One function per module and dtype, ``gemm``, is called for all products there::

    out[i, j] (+)= sum_t sum_p a[i, p, t] * b[p, j, t]

with p in order for each t in order; there is at least one of each. Strides of ``a`` are free. If
columns of ``b`` are adjacent in memory they are read in place; else, and for the last few columns,
they are first packed into a panel on the stack, as wide as a tile and padded with zeros.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir

from tsrnn.kernels.gemm.loops import WORD, accumulating, loop, minimum, word
from tsrnn.kernels.gemm.tiles import Tile
from tsrnn.kernels.jit.processor import fused_multiply_add

_LANE = ir.IntType(32)
_DEPTH = 128  # rows of a panel, along k and t
_CACHED = 2**18  # bytes of a that stay in a second-level cache


class Operand(NamedTuple):
    """A factor: its pointer and strides along the rows or columns of out, along k, along t."""

    pointer: ir.Value
    outer: ir.Value
    inner: ir.Value
    step: ir.Value


class Output(NamedTuple):
    """The result: its pointer, the stride of its rows, and whether products are added to it."""

    pointer: ir.Value
    row: ir.Value
    add: ir.Value


class Product(NamedTuple):
    """What is multiplied, and where to."""

    left: Operand
    right: Operand
    out: Output


class Panel(NamedTuple):
    """Packed columns of ``b``, (t, k, width); n_columns of the width are not padding."""

    pointer: ir.Value
    width: ir.Value
    n_columns: ir.Value


class GemmEmitter:
    """Emits ``gemm`` and the functions that it calls into a module.

    Unless ``fused`` (a processor with a fused multiply-add), product and sum are each rounded.
    """

    def __init__(self, module: ir.Module, real: ir.Type, tile: Tile, fused: bool):
        self.module, self.real, self.tile, self.fused = module, real, tile, fused
        self.vector = ir.VectorType(real, tile.lanes)
        self.itemsize = 4 if isinstance(real, ir.FloatType) else 8
        self.pointer = real.as_pointer()
        letter = "s" if self.itemsize == 4 else "d"
        self.prefix = f"tsrnn_{letter}gemm_{tile.lanes}x{tile.n_vectors}"

    def gemm(self, transposed: bool) -> ir.Function:
        """The function (a, 3 strides, b, 3 strides, out, stride, m, n, k, n_t, add).

        It reads columns of b in place, or if ``transposed``, with rows along k adjacent, in panels.
        """
        types = [self.pointer, WORD, WORD, WORD] * 2 + [self.pointer] + [WORD] * 6
        function, is_new = self._function("_transposed" if transposed else "", types)
        if not is_new:
            return function
        b = ir.IRBuilder(function.append_basic_block("entry"))
        *operands, out, out_row, m, n, k, n_t, add = function.args
        left, right = Operand(*operands[:4]), Operand(*operands[4:])
        product = Product(left, right, Output(out, out_row, add))
        panel = b.alloca(self.real, _DEPTH * self.tile.n_columns, "panel")
        panel.align = 64
        shape, done = (m, n, k, n_t), word(0)
        if transposed:
            self._multiply_by_panels(b, product, panel, done, shape, transposed)
            b.ret_void()
            return function
        self._return_one_column(b, function.args)
        for n_vectors in (self.tile.n_vectors, 1):
            size = word(n_vectors * self.tile.lanes)
            last = b.add(done, b.mul(b.sdiv(b.sub(n, done), size), size))
            multiply = self._columns(n_vectors)
            with loop(b, done, last, size) as j:
                columns = b.gep(right.pointer, [j]), *right[1:]
                b.call(multiply, [*left, *columns, b.gep(out, [j]), out_row, m, k, n_t, add])
            done = last
        with b.if_then(b.icmp_signed("<", done, n)):
            self._multiply_by_panels(b, product, panel, done, shape, transposed)
        b.ret_void()
        return function

    def _return_one_column(self, b, args):
        """Emit the case of one column that is contiguous, in b and the output, as a row.

        The product is the transposed one, with the same sums: a vector holds many of its values.
        """
        left, right = args[:4], args[4:8]
        out, out_row, m, n, k, n_t, add = args[8:]
        one = word(1)
        is_column = b.and_(b.icmp_signed("==", n, one), b.icmp_signed("==", out_row, one))
        is_column = b.and_(is_column, b.icmp_signed("==", left[2], one))
        with b.if_then(is_column):
            b.call(self.gemm(transposed=True), [*right, *left, out, m, n, m, k, n_t, add])
            b.ret_void()

    def _function(self, name, types):
        name = self.prefix + name
        if name in self.module.globals:
            return self.module.globals[name], False
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), types), name)
        function.linkage = "linkonce_odr"  # the linker keeps one of many callers' modules
        function.attributes.add("noinline")
        function.attributes.add("nounwind")
        return function, True

    def _multiply_by_panels(self, b, product, panel, first, shape, transposed):
        """Pack columns from ``first`` on into panels, blocks along t and k, and multiply them."""
        left, right, out = product
        depth = word(_DEPTH)
        width = word(self.tile.n_columns if transposed else self.tile.lanes)
        m, n, k, n_t = shape
        pack = self._pack_columns(transposed)
        # Steps of t that a panel holds if it holds all of k; else a part of k, and one t.
        fits = b.icmp_signed("<=", k, depth)
        n_steps = b.select(fits, b.sdiv(depth, k), word(1))
        part = b.select(fits, k, depth)
        with loop(b, word(0), n_t, n_steps) as t, loop(b, word(0), k, part) as p:
            n_here, k_here = minimum(b, n_steps, b.sub(n_t, t)), minimum(b, part, b.sub(k, p))
            is_first = b.icmp_signed("==", b.or_(t, p), word(0))
            adds = b.select(is_first, out.add, word(1))
            a_here = b.gep(left.pointer, [b.add(b.mul(t, left.step), b.mul(p, left.inner))])
            b_here = b.gep(right.pointer, [b.add(b.mul(t, right.step), b.mul(p, right.inner))])
            # As many rows of a as a cache holds are read again for each panel.
            height = word(_CACHED // self.itemsize // _DEPTH)
            with loop(b, word(0), m, height) as i, loop(b, first, n, width) as j:
                rows = left._replace(pointer=b.gep(a_here, [b.mul(i, left.outer)]))
                n_rows, n_columns = minimum(b, height, b.sub(m, i)), minimum(b, width, b.sub(n, j))
                source = b.gep(b_here, [b.mul(j, right.outer)])
                b.call(pack, [source, *right[1:], n_columns, width, k_here, n_here, panel])
                block = Output(b.gep(out.pointer, [b.add(b.mul(i, out.row), j)]), out.row, adds)
                packed, depths = Panel(panel, width, n_columns), (k_here, n_here)
                self._multiply_panel(b, rows, packed, block, n_rows, depths, transposed)

    def _multiply_panel(self, b, left, panel, out, m, depths, transposed):
        """Multiply a panel: by a whole tile if it is full enough, else a vector at a time."""
        (k, n_t), lanes = depths, self.tile.lanes
        right = Operand(panel.pointer, word(1), panel.width, b.mul(k, panel.width))
        is_narrow = b.icmp_signed("<=", panel.n_columns, word(lanes * (self.tile.n_vectors - 1)))
        if transposed:
            with b.if_then(b.not_(is_narrow)):
                part = self._part(self.tile.n_vectors)
                ends = out.pointer, out.row, m, k, n_t, panel.n_columns, out.add
                b.call(part, [*left, *right, *ends])
        with b.if_then(is_narrow), loop(b, word(0), panel.n_columns, word(lanes)) as j:
            columns = b.gep(panel.pointer, [j]), *right[1:]
            n_valid = minimum(b, word(lanes), b.sub(panel.n_columns, j))
            part, target = self._part(1), b.gep(out.pointer, [j])
            b.call(part, [*left, *columns, target, out.row, m, k, n_t, n_valid, out.add])

    def _part(self, n_vectors):
        """The function (a, 3 strides, b, 3 strides, out, stride, m, k, n_t, n_valid, add).

        A few rows at a time are computed outside the output, and their valid columns copied.
        """
        types = [self.pointer, WORD, WORD, WORD] * 2 + [self.pointer] + [WORD] * 6
        function, is_new = self._function(f"_part_{n_vectors}", types)
        if not is_new:
            return function
        b = ir.IRBuilder(function.append_basic_block("entry"))
        *operands, out, out_row, m, k, n_t, n_valid, add = function.args
        left, right = Operand(*operands[:4]), Operand(*operands[4:])
        multiply = self._columns(n_vectors)
        height, width = self.tile.heights[n_vectors][0], n_vectors * self.tile.lanes
        tile = b.alloca(self.real, height * width, "tile")
        tile.align = 64
        full = b.icmp_signed("==", n_valid, word(width))
        with b.if_else(full) as (directly, by_copies):
            with directly:
                b.call(multiply, [*left, *right, out, out_row, m, k, n_t, add])
            with by_copies, loop(b, word(0), m, word(height)) as i:
                n_rows = minimum(b, word(height), b.sub(m, i))
                rows = b.gep(out, [b.mul(i, out_row)])
                with b.if_then(b.icmp_signed("!=", add, word(0))):
                    self._copy_rows(b, (rows, out_row), (tile, word(width)), n_rows, n_valid)
                left_rows = left._replace(pointer=b.gep(left.pointer, [b.mul(i, left.outer)]))
                ends = tile, word(width), n_rows, k, n_t, add
                b.call(multiply, [*left_rows, *right, *ends])
                self._copy_rows(b, (tile, word(width)), (rows, out_row), n_rows, n_valid)
        b.ret_void()
        return function

    @staticmethod
    def _copy_rows(b, source, target, n_rows, n_columns):
        """Copy values between two matrices, each a pointer and the stride of its rows."""
        (source, source_row), (target, target_row) = source, target
        with loop(b, word(0), n_rows, word(1)) as i:
            from_row, to_row = b.mul(i, source_row), b.mul(i, target_row)
            with loop(b, word(0), n_columns, word(1)) as j:
                value = b.load(b.gep(source, [b.add(from_row, j)]))
                b.store(value, b.gep(target, [b.add(to_row, j)]))

    def _columns(self, n_vectors):
        """The function for all rows of one tile's width of columns.

        (a, 3 strides, b, 3 strides, out, stride, m, k, n_t, add)
        """
        types = [self.pointer, WORD, WORD, WORD] * 2 + [self.pointer] + [WORD] * 5
        function, is_new = self._function(f"_columns_{n_vectors}", types)
        if not is_new:
            return function
        b = ir.IRBuilder(function.append_basic_block("entry"))
        *operands, out, out_row, m, k, n_t, add = function.args
        left, right = Operand(*operands[:4]), Operand(*operands[4:])
        product, first = Product(left, right, Output(out, out_row, add)), word(0)
        for height in self.tile.heights[n_vectors]:
            n_tiles = self._n_tiles(b, b.sub(m, first), height)
            last = b.add(first, b.mul(n_tiles, word(height)))
            with loop(b, first, last, word(height)) as i:
                rows = left._replace(pointer=b.gep(left.pointer, [b.mul(i, left.outer)]))
                out_rows = product.out._replace(pointer=b.gep(out, [b.mul(i, out_row)]))
                self._tile(
                    b, (height, n_vectors), product._replace(left=rows, out=out_rows), k, n_t
                )
            first = last
        b.ret_void()
        return function

    @staticmethod
    def _n_tiles(b, n_rows, height):
        """Tiles of a height among so many rows; of height six one less if fours then fit better."""
        n = b.sdiv(n_rows, word(height))
        if height != 6:
            return n
        left = b.sub(n_rows, b.mul(n, word(6)))
        better = b.or_(b.icmp_signed("==", left, word(2)), b.icmp_signed("==", left, word(3)))
        better = b.and_(better, b.icmp_signed(">", n, word(0)))
        return b.select(better, b.sub(n, word(1)), n)

    def _tile(self, b, shape, product, k, n_t):
        """Multiply one tile, whose sums stay in registers through all of t and k."""
        (height, n_vectors), (left, right, out) = shape, product
        places = [(i, j) for i in range(height) for j in range(n_vectors)]
        rows = [b.mul(left.outer, word(i)) for i in range(height)]
        out_rows = [b.gep(out.pointer, [b.mul(out.row, word(i))]) for i in range(height)]
        adds = b.icmp_signed("!=", out.add, word(0))
        zero = ir.Constant(self.vector, [ir.Constant(self.real, 0.0)] * self.tile.lanes)
        before = b.block
        with b.if_then(adds):
            read = [self._load(b, self._vector_at(b, out_rows[i], j)) for i, j in places]
            read_block = b.block
        sums = []
        for value in read:
            start = b.phi(self.vector)
            start.add_incoming(zero, before)
            start.add_incoming(value, read_block)
            sums.append(start)
        with accumulating(b, n_t, sums) as (t, of_step, through_steps):
            a_t = b.gep(left.pointer, [b.mul(t, left.step)])
            b_t = b.gep(right.pointer, [b.mul(t, right.step)])
            a_rows = [b.gep(a_t, [row]) for row in rows]
            with accumulating(b, k, of_step) as (p, of_k, through_k):
                a_k, b_k = b.mul(p, left.inner), b.gep(b_t, [b.mul(p, right.inner)])
                columns = [self._load(b, self._vector_at(b, b_k, j)) for j in range(n_vectors)]
                new = []
                for i in range(height):
                    weight = self._broadcast(b, b.load(b.gep(a_rows[i], [a_k])))
                    for j in range(n_vectors):
                        new.append(self._fma(b, weight, columns[j], of_k[i * n_vectors + j]))
                through_k.extend(new)
            through_steps.extend(through_k.results)
        for (i, j), value in zip(places, through_steps.results, strict=True):
            self._store(b, value, self._vector_at(b, out_rows[i], j))

    def _vector_at(self, b, row, j):
        return b.gep(row, [word(j * self.tile.lanes)])

    def _pack_columns(self, transposed):
        """The function that packs columns into a panel: (b, 3 strides, n, width, k, n_t, panel).

        Column j begins at j times the outer stride; columns beyond n are zero.
        """
        types = [self.pointer] + [WORD] * 7 + [self.pointer]
        function, is_new = self._function("_pack_transposed" if transposed else "_pack", types)
        if not is_new:
            return function
        b = ir.IRBuilder(function.append_basic_block("entry"))
        source, outer, inner, step, n, width, k, n_t, panel = function.args
        zero = ir.Constant(self.real, 0.0)
        lanes = self.tile.lanes
        with loop(b, word(0), n_t, word(1)) as t:
            at_t = b.gep(source, [b.mul(t, step)])
            to_t = b.gep(panel, [b.mul(t, b.mul(k, width))])
            whole_columns = whole_rows = word(0)
            if transposed:  # rows along k are adjacent: transpose whole blocks in registers
                whole_columns = b.mul(b.sdiv(n, word(lanes)), word(lanes))
                whole_rows = b.mul(b.sdiv(k, word(lanes)), word(lanes))
                with (
                    loop(b, word(0), whole_columns, word(lanes)) as j,
                    loop(b, word(0), whole_rows, word(lanes)) as p,
                ):
                    self._transpose_block(b, at_t, outer, to_t, width, j, p)
            with loop(b, word(0), k, word(1)) as p:
                from_p, to_p = b.gep(at_t, [b.mul(p, inner)]), b.gep(to_t, [b.mul(p, width)])
                in_block = b.icmp_signed("<", p, whole_rows)
                with loop(b, b.select(in_block, whole_columns, word(0)), n, word(1)) as j:
                    b.store(b.load(b.gep(from_p, [b.mul(j, outer)])), b.gep(to_p, [j]))
                with loop(b, n, width, word(1)) as j:
                    b.store(zero, b.gep(to_p, [j]))
        b.ret_void()
        return function

    def _transpose_block(self, b, source, outer, target, width, j, p):
        """Copy a square block of columns that are rows in memory, transposed in registers."""
        lanes = self.tile.lanes
        rows = []
        for column in range(lanes):
            place = b.add(b.mul(b.add(j, word(column)), outer), p)
            rows.append(self._load(b, b.gep(source, [place])))
        low = [n // 2 + (n % 2) * lanes for n in range(lanes)]
        high = [lanes // 2 + n for n in low]
        n_rounds = lanes.bit_length() - 1
        for _ in range(n_rounds):  # each interleaves the first half of the rows with the second
            half, pairs = lanes // 2, []
            for n in range(half):
                pairs.append(self._shuffle(b, rows[n], rows[n + half], low))
                pairs.append(self._shuffle(b, rows[n], rows[n + half], high))
            rows = pairs
        for row in range(lanes):
            place = b.add(b.mul(b.add(p, word(row)), width), j)
            self._store(b, rows[row], b.gep(target, [place]))

    def _shuffle(self, b, first, second, order):
        lanes = [ir.Constant(_LANE, n) for n in order]
        return b.shuffle_vector(first, second, ir.Constant(ir.VectorType(_LANE, len(order)), lanes))

    def _broadcast(self, b, value):
        empty = ir.Constant(self.vector, ir.Undefined)
        single = b.insert_element(empty, value, ir.Constant(_LANE, 0))
        return self._shuffle(b, single, empty, [0] * self.tile.lanes)

    def _fma(self, b, x, y, z):
        return fused_multiply_add(b, x, y, z) if self.fused else b.fadd(b.fmul(x, y), z)

    def _load(self, b, pointer):
        return b.load(b.bitcast(pointer, self.vector.as_pointer()), align=self.itemsize)

    def _store(self, b, value, pointer):
        b.store(value, b.bitcast(pointer, self.vector.as_pointer()), align=self.itemsize)

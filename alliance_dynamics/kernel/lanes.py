"""The body of one function of a single run's kernel: operations on vectors of what is alike."""

from __future__ import annotations

from alliance_dynamics.kernel import mathematics as m
from alliance_dynamics.kernel.emit import Emit
from alliance_dynamics.kernel.fragments import read_ring, uniform
from alliance_dynamics.kernel.gathering import Gathering
from alliance_dynamics.kernel.interpolate import lookup, lookup_each
from alliance_dynamics.kernel.packing import Pack, exponent_class, limit_of, vector_width
from alliance_dynamics.kernel.pieces import CONDITIONS, LOGIC
from alliance_dynamics.kernel.places import Row
from alliance_dynamics.kernel.program import Op
from alliance_dynamics.model.expression import Table


class Body(Gathering):
    """One pack after the other."""

    def compute(self, pack: Pack) -> None:
        op = self.ops[pack[0]]
        if op.kind in LOGIC:
            self.masks[pack] = self._logic(pack, op)
        else:
            self.values[pack] = self._number(pack, op)
        if pack in self.places:
            self.keep(pack)

    def store(self, row: Row) -> None:
        e = self.part(vector_width(len(row.lanes)))
        self.put(e, self.lanes(row.lanes), row.memory, row.at)

    def _logic(self, pack: Pack, op: Op) -> str:
        e = self.own(pack)
        if op.kind == "not":
            return e.invert(self._mask(pack, 0))
        if op.kind in ("and", "or"):
            return (e.both if op.kind == "and" else e.either)(self._mask(pack, 0), self._mask(pack, 1))
        return e.compare(CONDITIONS[op.kind], self._arg(pack, 0), self._arg(pack, 1))

    def _number(self, pack: Pack, op: Op) -> str:
        e, module = self.own(pack), self.module
        match op.kind:
            case "select":
                return e.select(self._mask(pack, 0), self._arg(pack, 1), self._arg(pack, 2))
            case "ring":
                return read_ring(e, "%keep", "%R", self.memory.rings[op.integer])
            case "random":
                return uniform(e, e.load("%keep", self.memory.keys[pack[0]], e.long))
            case "lookup":
                return self._lookup(e, pack)
            case "min" | "max" if limit_of(self.ops, op) is not None:
                # the constant first: then not-a-number needs no extra instruction
                limit, x = self._arg(pack, 0), self._arg(pack, 1)
                return e.select(e.compare("olt" if op.kind == "min" else "ogt", limit, x), limit, x)
            case "min" | "max":
                return (m.minimum if op.kind == "min" else m.maximum)(e, self._arg(pack, 0), self._arg(pack, 1))
            case "pow":
                exponent = exponent_class(self.ops, op)
                if exponent is not None and not self.called:
                    return m.power(e, self._arg(pack, 0), self._arg(pack, 1), exponent)
            case "add" | "sub" | "mul" | "div":
                return getattr(e, op.kind)(self._arg(pack, 0), self._arg(pack, 1))
        return module.function(e, op.kind, *(self._arg(pack, i) for i in range(len(op.args))), called=self.called)

    def _lookup(self, e: Emit, pack: Pack) -> str:
        # no lane is left open: long tables are read at places that the lanes give
        whole = pack + pack[-1:] * (e.width - len(pack))
        x = self.lanes(tuple(self.shape.args[i][0] for i in whole))
        tables = [each for i in whole if isinstance(each := self.ops[i].value, Table)]
        if len(set(tables)) == 1:
            return lookup(e, tables[0], x, memory=self.module.table, permute=self.module.permute)
        return lookup_each(e, tables, x, memory=self.module.table)

    def _arg(self, pack: Pack, number: int) -> str:
        return self.lanes(tuple(self.shape.args[i][number] for i in pack))

    def _mask(self, pack: Pack, number: int) -> str:
        lanes = tuple(self.shape.args[i][number] for i in pack)
        if lanes in self.masks:
            return self.masks[lanes]
        e = self.own(pack)
        return e.compare("une", self.lanes(lanes), e.const(0.0))

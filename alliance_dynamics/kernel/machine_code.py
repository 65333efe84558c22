"""Machine code of a kernel's text for this machine, kept from process to process."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

from alliance_dynamics.kernel.objects import load_object, object_key, save_object

COUNT, POINTER, NUMBER = ctypes.c_int64, ctypes.c_void_p, ctypes.c_double
FUNCTIONS = {
    "prologue": (COUNT, *[POINTER] * 3, NUMBER),
    "times": (COUNT, *[POINTER] * 3),
    "advance": (COUNT, *[POINTER] * 7, *[COUNT] * 8, *[NUMBER] * 3, POINTER),
}
DIRECTION_FUNCTIONS = {
    "prologue": (*FUNCTIONS["prologue"], *[COUNT] * 2, *[POINTER] * 4),
    "times": FUNCTIONS["times"],
    "advance": (*FUNCTIONS["advance"], *[COUNT] * 2, *[POINTER] * 6),
}


class Code:
    """The three functions of a kernel, and what must stay alive for them.

    `width`: lanes of its vectors; `level`: how hard the compiler tries; `functions`: the kinds of their arguments.
    """

    def __init__(self, text: str, width: int, level: int, functions: Mapping[str, tuple[Any, ...]] = FUNCTIONS):
        import llvmlite
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features().flatten() + (",-prefer-256-bit" if width >= 8 else "")
        processor = llvm.get_host_cpu_name()
        machine = llvm.Target.from_default_triple().create_target_machine(cpu=processor, features=features, opt=level)
        versions = (llvmlite.__version__, str(llvm.llvm_version_info), machine.triple)
        key = object_key(text, processor, features, str(level), *versions)
        kept = load_object(key)
        if kept is None:
            module = llvm.parse_assembly(text)
            module.verify()
            kept = machine.emit_object(module)
            save_object(key, kept)
        module = llvm.parse_assembly("")
        engine = llvm.create_mcjit_compiler(module, machine)
        engine.add_object_file(llvm.ObjectFileRef.from_data(kept))
        engine.finalize_object()
        self._alive: tuple[Any, ...] = (engine, module, machine)
        prototypes = {name: ctypes.CFUNCTYPE(None, *arguments) for name, arguments in functions.items()}
        found = {name: make(engine.get_function_address(name)) for name, make in prototypes.items()}
        self.prologue, self.times, self.advance = (found[name] for name in FUNCTIONS)

"""Values of finished stages as bytes and back: dataclasses of this package made of numbers, texts and arrays.

Nothing of a file is executed: a name in it is looked up among the dataclasses of this package only.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGE = "alliance_dynamics."


def to_bytes(value: object) -> bytes:
    """TypeError: something in it is neither data nor a dataclass of this package."""
    arrays: list[NDArray[Any]] = []
    tree = json.dumps(_tree(value, arrays), ensure_ascii=True).encode()
    buffer = io.BytesIO()
    named = {f"a{i}": each for i, each in enumerate(arrays)}
    np.savez(buffer, tree=np.frombuffer(tree, dtype=np.uint8), **named)  # type: ignore[arg-type]
    return buffer.getvalue()


def from_bytes(content: bytes) -> Any:
    """The value of `to_bytes`.  ValueError: the bytes are not of that form."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return _value(json.loads(file["tree"].tobytes()), file)
    except Exception as error:  # a file cut short, of another version, of somebody else
        raise ValueError(str(error)) from error


def _tree(value: object, arrays: list[NDArray[Any]]) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case np.ndarray():
            if value.dtype.hasobject:
                raise TypeError("an array of objects is no data")
            arrays.append(value)
            return {"array": len(arrays) - 1}
        case np.generic():
            arrays.append(np.asarray(value))
            return {"number": len(arrays) - 1}
        case float():
            return {"float": value.hex()}
        case tuple():
            return {"tuple": [_tree(each, arrays) for each in value]}
        case list():
            return [_tree(each, arrays) for each in value]
        case Mapping():
            return {"map": [[_tree(key, arrays), _tree(each, arrays)] for key, each in value.items()]}
    kind = type(value)
    if is_dataclass(value) and kind.__module__.startswith(PACKAGE):
        content = {each.name: _tree(getattr(value, each.name), arrays) for each in fields(value)}
        return {"class": f"{kind.__module__}:{kind.__qualname__}", "fields": content}
    raise TypeError(f"{kind.__module__}.{kind.__qualname__} is no data")


def _value(tree: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(tree, list):
        return [_value(each, arrays) for each in tree]
    if not isinstance(tree, dict):
        return tree
    if "class" in tree:
        kind = _dataclass(tree["class"])
        made = object.__new__(kind)  # as it was, whatever its construction would do
        for name in (each.name for each in fields(kind)):
            object.__setattr__(made, name, _value(tree["fields"][name], arrays))
        return made
    ((form, content),) = tree.items()
    match form:
        case "array":
            return arrays[f"a{content}"]
        case "number":
            return arrays[f"a{content}"][()]
        case "float":
            return float.fromhex(content)
        case "tuple":
            return tuple(_value(each, arrays) for each in content)
        case "map":
            return {_value(key, arrays): _value(each, arrays) for key, each in content}
    raise ValueError(form)


def _dataclass(name: str) -> type:
    module, _, path = name.partition(":")
    if not module.startswith(PACKAGE) or not path.isidentifier():
        raise ValueError(name)
    kind = getattr(import_module(module), path)
    if not (isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module):
        raise ValueError(name)
    return kind

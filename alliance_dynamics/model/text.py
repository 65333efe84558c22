"""A model as JSON and back, for caches, manifests and hashes; never pickle."""

from __future__ import annotations

from typing import Any

from alliance_dynamics.errors import Place
from alliance_dynamics.model import expression as ex
from alliance_dynamics.model.model import Definition, Dimension, Model, TimeAxis, Variable

FORMAT = 1


def to_json(model: Model) -> dict[str, Any]:
    """A dict of JSON values only; `from_json(to_json(model)) == model`."""
    return {
        "format": FORMAT,
        "name": model.name,
        "source_hash": model.source_hash,
        "notices": list(model.notices),
        "time": {"method": model.time.method, "unit": model.time.unit},
        "dimensions": [
            {
                "name": d.name,
                "label": d.label,
                "elements": list(d.elements),
                "labels": list(d.labels),
                "mappings": [[name, list(elements)] for name, elements in d.mappings],
                "place": _place(d.place),
            }
            for d in model.dimensions.values()
        ],
        "variables": [
            {
                "name": v.name,
                "label": v.label,
                "kind": v.kind,
                "dimensions": list(v.dimensions),
                "unit": v.unit,
                "documentation": v.documentation,
                "place": _place(v.place),
                "definitions": [
                    {
                        "subscripts": list(d.subscripts),
                        "excluded": [list(each) for each in d.excluded],
                        "expression": expression_to_json(d.expression),
                        "initial": None if d.initial is None else expression_to_json(d.initial),
                        "non_negative": d.non_negative,
                        "place": _place(d.place),
                    }
                    for d in v.definitions
                ],
            }
            for v in model.variables.values()
        ],
    }


def from_json(content: dict[str, Any]) -> Model:
    """The model of `to_json`; a KeyError or ValueError says that the text is of another format."""
    if content["format"] != FORMAT:
        raise ValueError(f"model text of format {content['format']}, expected {FORMAT}")
    dimensions = {
        d["name"]: Dimension(
            d["name"],
            d["label"],
            tuple(d["elements"]),
            tuple(d["labels"]),
            tuple((name, tuple(elements)) for name, elements in d["mappings"]),
            Place(*d["place"]),
        )
        for d in content["dimensions"]
    }
    variables = {
        v["name"]: Variable(
            v["name"],
            v["label"],
            v["kind"],
            tuple(
                Definition(
                    expression_from_json(d["expression"]),
                    tuple(d["subscripts"]),
                    tuple(tuple(each) for each in d["excluded"]),
                    None if d["initial"] is None else expression_from_json(d["initial"]),
                    d["non_negative"],
                    Place(*d["place"]),
                )
                for d in v["definitions"]
            ),
            tuple(v["dimensions"]),
            v["unit"],
            v["documentation"],
            Place(*v["place"]),
        )
        for v in content["variables"]
    }
    time = TimeAxis(content["time"]["method"], content["time"]["unit"])
    return Model(content["name"], variables, dimensions, time, tuple(content["notices"]), content["source_hash"])


def expression_to_json(root: ex.Expression) -> list[Any]:
    """Nodes in post-order, each referring to earlier ones by index, so that depth costs no recursion."""
    order: list[ex.Expression] = list(ex.walk(root))
    index: dict[int, int] = {}
    nodes: list[Any] = []
    for node in reversed(order):
        parts = [index[id(each)] for each in ex.children(node)]
        match node:
            case ex.Number(value):
                entry: list[Any] = ["n", repr(float(value))]
            case ex.Reference(name, subscripts):
                entry = ["r", name, list(subscripts)]
            case ex.Unary(operator, _):
                entry = ["u", operator, *parts]
            case ex.Binary(operator, _, _):
                entry = ["b", operator, *parts]
            case ex.Call(function, _):
                entry = ["c", function, *parts]
            case ex.Table(x, y, interpolation):
                entry = ["t", interpolation, [repr(each) for each in x], [repr(each) for each in y]]
            case ex.LookupCall():
                entry = ["l", *parts]
            case ex.Array(shape, values):
                entry = ["a", list(shape), [repr(each) for each in values]]
        index[id(node)] = len(nodes)
        nodes.append(entry)
    return nodes


def expression_from_json(nodes: list[Any]) -> ex.Expression:
    built: list[Any] = []
    for entry in nodes:
        match entry:
            case ["n", value]:
                node: ex.Expression = ex.Number(float(value))
            case ["r", name, subscripts]:
                node = ex.Reference(name, tuple(subscripts))
            case ["u", operator, a]:
                node = ex.Unary(operator, built[a])
            case ["b", operator, a, b]:
                node = ex.Binary(operator, built[a], built[b])
            case ["c", function, *parts]:
                node = ex.Call(function, tuple(built[each] for each in parts))
            case ["t", interpolation, x, y]:
                node = ex.Table(tuple(map(float, x)), tuple(map(float, y)), interpolation)
            case ["l", a, b]:
                node = ex.LookupCall(built[a], built[b])
            case ["a", shape, values]:
                node = ex.Array(tuple(shape), tuple(map(float, values)))
            case _:
                raise ValueError(f"unknown expression node {entry!r}")
        built.append(node)
    return built[-1]


def _place(place: Place) -> list[Any]:
    return [place.file, place.line, place.column]

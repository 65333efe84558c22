"""Syntax trees of right-hand sides lowered to expressions: names resolved, calls told apart, macros inlined."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from alliance_dynamics.errors import MOST_SUGGESTED, nearest
from alliance_dynamics.model import expression as ex
from alliance_dynamics.model.functions import CONSTRUCTS, FUNCTIONS, REFUSED, function_of_vensim, vensim_names
from alliance_dynamics.model.model import Definition
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.parse import Points
from alliance_dynamics.model.scopes import (
    Defined,
    Macro,
    Refused,
    Scope,
    finite,
    local_subscripts,
    plain,
    refused,
    subscripts_of,
)

MOST_MACRO_CALLS = 10_000


def lower(tree: Any, scope: Scope) -> ex.Expression:
    """An expression for a tree of PySD's structures; Refused where it holds what is not supported."""
    match type(tree).__name__:
        case "float" | "int":
            return ex.Number(finite(float(tree), scope))
        case "str":
            raise refused(scope, "The text '{text}' stands where a number must stand", text=tree)
        case "ReferenceStructure":
            return reference_of(tree, scope)
        case "ArithmeticStructure":
            return _arithmetic(tree, scope)
        case "LogicStructure":
            return _logic(tree, scope)
        case "InlineLookupsStructure":
            return ex.LookupCall(table_of(tree.lookups, scope), lower(tree.argument, scope))
        case "CallStructure":
            return _call(tree, scope)
        case "Array":
            raise refused(
                scope,
                "A list of numbers stands inside an expression",
                expected="Expected it alone on the right-hand side.",
            )
    raise refused(scope, "{construct} is not supported", construct=type(tree).__name__.removesuffix("Structure"))


def table_of(points: Points, scope: Scope) -> ex.Table:
    for x, y in zip(points.x, points.y, strict=True):
        finite(x, scope)
        finite(y, scope)
    if len(points.x) > 1 and all(before > after for before, after in pairwise(points.x)):
        # Written back to front: the same table, as Vensim takes it.  Any other disorder is refused by check_model.
        scope.world.files.notices.append(f"The points of `{scope.statement.label}` fall from right to left; turned.")
        return ex.Table(points.x[::-1], points.y[::-1], "continuous")
    return ex.Table(points.x, points.y, "continuous")


def _arithmetic(tree: Any, scope: Scope) -> ex.Expression:
    operands = [lower(each, scope) for each in tree.arguments]
    if tree.operators == ["negative"]:
        operand = operands[0]
        return ex.Number(-operand.value) if isinstance(operand, ex.Number) else ex.Unary("-", operand)
    result = operands[0]
    for operator, operand in zip(tree.operators, operands[1:], strict=True):
        result = ex.Binary(operator, result, operand)
    return result


def _logic(tree: Any, scope: Scope) -> ex.Expression:
    operands = [lower(each, scope) for each in tree.arguments]
    if tree.operators == [":NOT:"]:
        return ex.Unary("not", operands[0])
    # :AND: binds before :OR:, which the grammar leaves to us.
    terms = [operands[0]]
    for operator, operand in zip(tree.operators, operands[1:], strict=True):
        if operator == ":OR:":
            terms.append(operand)
        elif operator == ":AND:":
            terms[-1] = ex.Binary("and", terms[-1], operand)
        else:
            terms[-1] = ex.Binary(operator, terms[-1], operand)
    result = terms[0]
    for term in terms[1:]:
        result = ex.Binary("or", result, term)
    return result


def reference_of(tree: Any, scope: Scope) -> ex.Expression:
    subscripts = subscripts_of(tree.subscripts.subscripts, scope.world) if tree.subscripts else ()
    name = canonical(tree.reference)
    if scope.macros and name.endswith("$"):
        return ex.Reference(name[:-1].rstrip("_"), subscripts)
    scope.world.labels.setdefault(name, plain(tree.reference))
    if name in scope.arguments:
        if subscripts:
            raise refused(scope, "The argument `{name}` of a macro has subscripts", name=tree.reference)
        return scope.arguments[name]
    if name in scope.local:
        return ex.Reference(scope.local[name], local_subscripts(scope))
    return ex.Reference(name, subscripts)


def _call(tree: Any, scope: Scope) -> ex.Expression:
    world = scope.world
    label = tree.function.reference
    name = canonical(label)
    if name in world.macros:
        return expand(world.macros[name], tree.arguments, scope)
    if name in scope.arguments or name in scope.local or name in world.lookups:
        table = reference_of(tree.function, scope)
        if not isinstance(table, ex.Reference | ex.Table) or len(tree.arguments) != 1:
            raise refused(
                scope,
                "The lookup `{name}` is called with {count} arguments",
                expected="Expected 1.",
                name=label,
                count=len(tree.arguments),
            )
        return ex.LookupCall(table, lower(tree.arguments[0], scope))
    if name in CONSTRUCTS:
        raise refused(
            scope,
            "{function} stands inside an expression",
            expected="Expected it as the whole right-hand side.",
            remedy="Give it a variable of its own.",
            function=CONSTRUCTS[name][2],
        )
    if name in REFUSED:
        raise refused(scope, "{function} is not supported: {why}", function=label.upper(), why=REFUSED[name])
    function = function_of_vensim(label)
    if function is None:
        if name in world.names:
            raise refused(
                scope,
                "`{name}` is called like a function but is not a lookup",
                remedy="Multiply with `*`, or give `{name}` points.",
                name=label,
            )
        raise _unknown(scope, label)
    arguments = tree.arguments
    if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
        raise refused(
            scope,
            "{function} is called with {count} argument(s) in `{name}`",
            expected="Expected {signature}: {meaning}.",
            function=function.vensim,
            count=len(arguments),
            signature=function.signature,
            meaning=function.meaning,
            name=scope.statement.label,
        )
    return ex.Call(function.name, tuple(lower(each, scope) for each in arguments))


def _unknown(scope: Scope, label: str) -> Refused:
    known = [*vensim_names(), *(plain(each.text.label) for each in scope.world.macros.values())]
    known += [scope.world.names[each] for each in scope.world.lookups if each in scope.world.names]
    near = nearest(label, known) if len(scope.world.faults) < MOST_SUGGESTED else ""
    return refused(
        scope,
        "The function `{function}` in `{name}` is not known",
        remedy="Did you mean `{near}`?" if near else "",
        function=label,
        name=scope.statement.label,
        near=near,
    )


def expand(macro: Macro, trees: Sequence[Any], scope: Scope) -> ex.Expression:
    """A use of a macro: its variables under names of their own, and a reference to its result."""
    from alliance_dynamics.model.define import define  # each needs the other: a macro is made of equations

    world, text = scope.world, macro.text
    own = canonical(text.label)
    if own in scope.macros:
        raise refused(
            scope,
            "The macro `{name}` calls itself: {path}",
            expected="Expected macros without recursion.",
            name=text.label,
            path=" -> ".join([*scope.macros, own]),
        )
    if len(trees) != len(text.parameters) + len(text.outputs):
        raise refused(
            scope,
            "The macro `{name}` is called with {count} arguments",
            expected="Expected {inputs} inputs and {outputs} outputs.",
            name=text.label,
            count=len(trees),
            inputs=len(text.parameters),
            outputs=len(text.outputs),
        )
    macro.uses += 1
    if sum(each.uses for each in world.macros.values()) > MOST_MACRO_CALLS:
        raise refused(
            scope,
            "Macros are called more than {limit} times in all",
            expected="Expected macros that do not call each other over and over.",
            limit=MOST_MACRO_CALLS,
        )
    prefix = f"{plain(text.label)} {macro.uses}: "
    subscripts = local_subscripts(scope)
    arguments: dict[str, ex.Expression] = {}
    inputs = [lower(each, scope) for each in trees[: len(text.parameters)]]
    for label, value in zip(text.parameters, inputs, strict=True):
        if isinstance(value, ex.Reference | ex.Number):
            arguments[canonical(label)] = value
            continue
        if any(
            each.endswith("!") for node in ex.walk(value) if isinstance(node, ex.Reference) for each in node.subscripts
        ) and not any(isinstance(node, ex.Call) for node in ex.walk(value)):
            raise refused(scope, "The macro `{name}` is called over marked subscripts (!)", name=text.label)
        named = canonical(prefix + label)
        definition = Definition(value, subscripts, place=scope.statement.place)
        world.defined.append(Defined(named, prefix + plain(label), "auxiliary", definition, scope.statement))
        arguments[canonical(label)] = ex.Reference(named, subscripts)
    local = {each: canonical(prefix + each) for each in (canonical(parsed.label) for _, parsed in macro.body)}
    world.names.update({name: prefix + each for each, name in local.items()})
    for statement, parsed in macro.body:
        if parsed.sign == "(":
            world.lookups.add(local[canonical(parsed.label)])
        inner = Scope(world, statement, scope.subscripts, arguments, local, (*scope.macros, own), prefix)
        define(parsed, inner)
    if own not in local:
        raise refused(scope, "The macro `{name}` has no equation for its own name", name=text.label)
    for label, tree in zip(text.outputs, trees[len(text.parameters) :], strict=True):
        target = reference_of(tree, scope) if type(tree).__name__ == "ReferenceStructure" else None
        if not isinstance(target, ex.Reference) or canonical(label) not in local:
            raise refused(
                scope,
                "The output `{output}` of the macro `{name}` has no variable to go to",
                output=label,
                name=text.label,
            )
        definition = Definition(
            ex.Reference(local[canonical(label)], subscripts), subscripts, place=scope.statement.place
        )
        world.names.setdefault(target.name, plain(tree.reference))
        world.defined.append(Defined(target.name, plain(tree.reference), "auxiliary", definition, scope.statement))
    return ex.Reference(local[own], subscripts)


assert not set(CONSTRUCTS) & set(FUNCTIONS)

"""The inverse of a square matrix, written out: Gauss-Jordan elimination with the largest pivot of each column."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from alliance_dynamics.errors import UnsupportedError, fault
from alliance_dynamics.kernel.nodes import ONE, ZERO, Node, select, tree
from alliance_dynamics.model.expression import Expression, Reference

if TYPE_CHECKING:
    from alliance_dynamics.kernel.equations import SiteOf

MOST_ROWS = 50  # n rows take some 6 n^3 operations in every step, and 50 half a minute to compile


def invert_matrix(site: SiteOf, matrix: Expression, size: Expression) -> Node:
    """This element's entry of the inverse of a variable's last two dimensions; nan or infinite where it has none."""
    *before, rows, columns = _ranges(site, matrix)
    n = len(rows)
    given = site.number(site.node(size), "the size of INVERT MATRIX")
    variable, elements = site.builder.owner(site.name)
    ranges = [site.subscripts.dimensions[each].elements for each in variable.dimensions[-2:]] if variable else []
    if given != n or len(columns) != n or [len(each) for each in ranges] != [n, n]:
        raise site.unsupported("INVERT MATRIX of a matrix whose rows, columns, size and result differ in number")
    if n > MOST_ROWS:
        raise UnsupportedError(
            fault(
                site.place,
                "INVERT MATRIX of {count} rows is too large",
                expected="At most {limit}",
                remedy="Invert constant matrices outside the model and read them with GET DIRECT CONSTANTS",
                count=n,
                limit=MOST_ROWS,
            )
        )
    assert isinstance(matrix, Reference)

    def inverse_of() -> list[Node]:
        return _inverse(site, [[site.node(Reference(matrix.name, (*before, i, j))) for j in columns] for i in rows])

    inverse = site.shared(("inverse", matrix.name, *before, rows, columns), 8 * n**3, inverse_of)
    i, j = (each.index(element) for each, element in zip(ranges, elements[-2:], strict=True))
    return inverse[i * n + j]


def _ranges(site: SiteOf, matrix: Expression) -> list[Any]:
    """The element of each leading subscript, then all elements of the rows and of the columns."""
    if not isinstance(matrix, Reference) or len(matrix.subscripts) < 2:
        raise site.unsupported("INVERT MATRIX of something that is no variable with two subscripts")
    *before, row, column = matrix.subscripts
    return [
        *(site.subscripts.resolve(each, site.chosen) or each for each in before),
        _all(site, row),
        _all(site, column),
    ]


def _all(site: SiteOf, subscript: str) -> tuple[str, ...]:
    """The elements of a range, or of the range that begins with the element."""
    dimensions = site.subscripts.dimensions
    if subscript in dimensions:
        return dimensions[subscript].elements
    elements = dimensions[site.subscripts.owners[subscript][0]].elements
    if elements[0] != subscript:
        raise site.unsupported("INVERT MATRIX from an element on that is not the first")
    return elements


def _inverse(site: SiteOf, rows: list[list[Node]]) -> list[Node]:
    """The entries of the inverse, row by row; every stage of the elimination is a hidden equation for each entry."""
    n = len(rows)
    work = [[*row, *(ONE if i == j else ZERO for j in range(n))] for i, row in enumerate(rows)]
    for k in range(n):
        sizes = [site.value(("abs", work[i][k])) for i in range(k, n)]
        largest = site.value(tree("max", sizes))
        chosen, found = [], ZERO
        for each in sizes:
            chosen.append(site.value(("and", ("eq", each, largest), ("not", found))))
            found = site.value(("or", found, chosen[-1]))

        def of_chosen(column: int, k: int = k, chosen: list[Node] = chosen) -> Node:
            value = work[n - 1][column]
            for i in range(n - 2, k - 1, -1):
                value = select(chosen[i - k], work[i][column], value)
            return value

        pivot = site.value(of_chosen(k))
        top = [site.value(("div", of_chosen(column), pivot)) for column in range(k + 1, 2 * n)]
        displaced = work[k]
        for i in range(n):
            if i != k:
                row = work[i]
                if i > k:  # the row that stood at the top takes the place of the one chosen
                    row = [select(chosen[i - k], a, b) for a, b in zip(displaced, row, strict=True)]
                factor = site.value(row[k])
                rest = [site.value(("sub", a, ("mul", factor, b))) for a, b in zip(row[k + 1 :], top, strict=True)]
                work[i] = [*row[: k + 1], *rest]
        work[k] = [*displaced[: k + 1], *top]
    return [each for row in work for each in row[n:]]


MATRICES: dict[str, Callable[..., Node]] = {"invert_matrix": invert_matrix}

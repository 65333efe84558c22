"""The equations of XMILE: text to tokens to a tree of names as they were written, not yet resolved."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from alliance_dynamics.model.names import canonical, whole
from alliance_dynamics.model.places import MOST_IN_EQUATION

DEEPEST = 150
_TOKEN = re.compile(
    r"""
    (?P<blank>[\s\u00a0\u202f]+)
  | (?P<comment>\{[^}]*\})
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<name>\.?(?:"(?:\\.|[^"\\])*"|[^\W\d][\w$]*)(?:\.(?:"(?:\\.|[^"\\])*"|[^\W\d][\w$]*|\d+))*)
  | (?P<operator>//|<>|<=|>=|[-+*/^=<>()\[\],:@'])
    """,
    re.VERBOSE,
)
_PART = re.compile(r'"(?:\\.|[^"\\])*"|[^."]+')
_MARKS = re.compile(r"[\[\],!#]")
KEYWORDS = frozenset({"and", "or", "not", "mod", "if", "then", "else"})
BINARY_POWER = {
    "or": 1,
    "and": 2,
    "=": 3,
    "<>": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "//": 6,
    "mod": 6,
    "^": 8,
}
UNARY_POWER = 7


@dataclass(frozen=True, slots=True)
class Constant:
    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A name as canonical text (`module.variable` where qualified) and as written; `indices` None without brackets."""

    name: str
    shown: str
    at: int
    indices: tuple[Raw, ...] | None = None


@dataclass(frozen=True, slots=True)
class Apply:
    """A call: of a function, a macro or a graphical function (then `subject` may have subscripts)."""

    subject: Name
    arguments: tuple[Raw, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    operator: str
    operand: Raw


@dataclass(frozen=True, slots=True)
class Infix:
    operator: str
    left: Raw
    right: Raw


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*` in brackets, or `*:range`."""

    range: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Span:
    """`first:last` in brackets."""

    first: Raw
    last: Raw
    at: int


@dataclass(frozen=True, slots=True)
class Position:
    """`@k` in brackets: the k-th dimension of the variable being defined; `same` where its range must fit."""

    number: int
    at: int
    same: bool = False


Raw = Constant | Name | Apply | Prefix | Infix | Wildcard | Span | Position


class EquationError(Exception):
    """A fault inside one equation: a template, its values, and the character at which it was seen."""

    def __init__(self, what: str, at: int = 0, *, expected: str = "", remedy: str = "", **values: object):
        super().__init__(what)
        self.what, self.at, self.expected, self.remedy, self.values = what, at, expected, remedy, values


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    at: int


def parse_equation(text: str) -> Raw:
    """The tree of one equation.

    Precedence after the XMILE standard 1.0, section 3.3.1: `^` (to the right) over unary signs and NOT, then `* / MOD`,
    `+ -`, `< <= > >=`, `= <>`, AND, OR.  EquationError for anything that is no equation.
    """
    if len(text) > MOST_IN_EQUATION:
        raise EquationError(
            "the equation has {count} characters",
            expected="At most {limit} are read",
            remedy="Split it into several variables",
            count=len(text),
            limit=MOST_IN_EQUATION,
        )
    if re.sub(r"\{[^}]*\}", "", text).strip().strip("?") == "" and "?" in text:
        raise EquationError(
            "the equation is unfinished: {text}", text=text.strip(), expected="Expected a number or an expression"
        )
    parser = _Parser(text)
    tree = parser.expression(0)
    parser.end()
    return tree


def parse_list(text: str) -> list[Raw]:
    """Equations separated by commas, as some tools write the elements of an array."""
    parser = _Parser(text)
    found = [parser.expression(0)]
    while parser.take(","):
        found.append(parser.expression(0))
    parser.end()
    return found


def is_blank(text: str) -> bool:
    """Whether an equation holds nothing, comments aside."""
    return not re.sub(r"\{[^}]*\}", "", text).strip()


def tokens_of(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].split()[0][:20]
            if rest.startswith("{"):
                raise EquationError("the comment {{ has no end", position, expected="Expected a closing brace")
            if rest.startswith('"'):
                raise EquationError(
                    "the quoted name {text} has no end", position, expected='Expected a closing "', text=rest
                )
            raise EquationError("`{text}` has no meaning in an equation", position, text=rest[0])
        kind = match.lastgroup or ""
        if kind not in ("blank", "comment"):
            word = match.group()
            if kind == "name" and word.casefold() in KEYWORDS:
                kind, word = "keyword", word.casefold()
            yield Token(kind, word, position)
        position = match.end()


def qualified(text: str) -> str:
    """The canonical name of a name as written, part by part: `Module."my rate"` is `module.my_rate`."""
    parts = [canonical(part) for part in _PART.findall(text)]
    return ("." if text.startswith(".") else "") + ".".join(parts)


def subscript_name(text: str) -> str:
    """The canonical name of a dimension or element, without the marks that flat names and reductions need."""
    return _MARKS.sub("_", canonical(text))


class _Parser:
    def __init__(self, text: str):
        self.text = text
        self.tokens = list(tokens_of(text))
        self.index = 0
        self.depth = 0
        if not self.tokens:
            raise EquationError("the equation is empty", expected="Expected a number or an expression")

    def peek(self) -> Token:
        if self.index < len(self.tokens):
            return self.tokens[self.index]
        return Token("end", "the end of the equation", len(self.text))

    def next(self) -> Token:
        token = self.peek()
        self.index += 1
        return token

    def take(self, text: str) -> bool:
        token = self.peek()
        if token.kind in ("operator", "keyword") and token.text == text:
            self.index += 1
            return True
        return False

    def need(self, text: str) -> None:
        token = self.peek()
        if not self.take(text):
            raise EquationError("expected `{wanted}`, found `{found}`", token.at, wanted=text, found=token.text)

    def end(self) -> None:
        token = self.peek()
        if token.kind == "end":
            return
        if token.text == "'":
            raise EquationError("the transposition ' is not supported", token.at, remedy="Name the dimensions instead")
        raise EquationError(
            "`{found}` is not expected here", token.at, expected="Expected an operator or the end", found=token.text
        )

    def expression(self, power: int) -> Raw:
        self.depth += 1
        if self.depth > DEEPEST:
            raise EquationError(
                "the equation is nested more than {limit} levels deep",
                self.peek().at,
                remedy="Split it into several variables",
                limit=DEEPEST,
            )
        left = self.operand()
        while True:
            token = self.peek()
            binds = BINARY_POWER.get(token.text, 0) if token.kind in ("operator", "keyword") else 0
            if binds <= power:
                break
            self.next()
            left = Infix(token.text, left, self.expression(binds - 1 if token.text == "^" else binds))
        self.depth -= 1
        return left

    def operand(self) -> Raw:
        token = self.next()
        if token.kind == "number":
            value = float(token.text)
            if not math.isfinite(value):
                raise EquationError(
                    "the number {text} is too large", token.at, expected="Expected at most 1.8e308", text=token.text
                )
            return Constant(value)
        if token.kind == "name":
            return self.name(token)
        if token.text == "(" and token.kind == "operator":
            inside = self.expression(0)
            self.need(")")
            return inside
        if token.kind == "operator" and token.text in "+-":
            operand = self.expression(UNARY_POWER)
            return operand if token.text == "+" else Prefix("-", operand)
        if token.kind == "keyword" and token.text == "not":
            return Prefix("not", self.expression(UNARY_POWER))
        if token.kind == "keyword" and token.text == "mod" and self.peek().text == "(":
            return self.call(Name("mod", "MOD", token.at))
        if token.kind == "keyword" and token.text == "mod":
            return self.name(Token("name", token.text, token.at))
        if token.kind == "keyword" and token.text == "if":
            return self.choice(token)
        raise EquationError("expected a value, found `{found}`", token.at, found=token.text)

    def choice(self, token: Token) -> Raw:
        following = [each.text for each in self.tokens[self.index : self.index + 3]]
        if following[:2] == ["then", "else"] and following[2:] == ["("]:
            self.index += 2
            return self.call(Name("if_then_else", "IF THEN ELSE", token.at))
        condition = self.expression(0)
        self.need("then")
        then = self.expression(0)
        self.need("else")
        return Apply(Name("if_then_else", "IF", token.at), (condition, then, self.expression(0)))

    def name(self, token: Token) -> Raw:
        words = [token.text]
        while self.peek().kind == "name":
            words.append(self.next().text)
        shown = " ".join(words)
        name = Name("_".join(qualified(word) for word in words), shown.strip('"'), token.at)
        if self.take("["):
            indices = [self.subscript()]
            while self.take(","):
                indices.append(self.subscript())
            self.need("]")
            name = Name(name.name, name.shown, name.at, tuple(indices))
        elif self.peek().text == "'" and self.peek().kind == "operator":
            at = self.next().at  # the transpose: the first subscript of the left-hand side is the second here
            return Name(name.name, name.shown, name.at, (Position(2, at, same=True), Position(1, at, same=True)))
        if self.peek().text == "(" and self.peek().kind == "operator":
            return self.call(name)
        return name

    def call(self, subject: Name) -> Raw:
        self.need("(")
        arguments: list[Raw] = []
        if not self.take(")"):
            arguments.append(self.expression(0))
            while self.take(","):
                arguments.append(self.expression(0))
            self.need(")")
        return Apply(subject, tuple(arguments))

    def subscript(self) -> Raw:
        token = self.peek()
        if token.kind == "operator" and token.text == "*":
            self.next()
            if self.take(":"):
                named = self.next()
                if named.kind != "name":
                    raise EquationError("expected a dimension after `*:`, found `{found}`", named.at, found=named.text)
                return Wildcard(qualified(named.text), token.at)
            return Wildcard(None, token.at)
        if token.kind == "operator" and token.text == "@":
            self.next()
            number = self.next()
            position = whole(number.text)
            if not position:
                raise EquationError("expected a position after `@`, found `{found}`", number.at, found=number.text)
            return Position(position, token.at)
        first = self.expression(0)
        if self.take(":"):
            return Span(first, self.expression(0), token.at)
        return first

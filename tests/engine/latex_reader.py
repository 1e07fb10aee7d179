r"""A reader of LaTeX: it evaluates what an eye sees, and knows nothing of how the formula was made.

It takes what stands between two dollar signs, refuses every command but those of `COMMANDS`, and asks that braces,
brackets and \left ... \right match.
"""

import re

import engine
from engine import TABLE
from engine.latex import LaTeX

TOKEN = re.compile(
    r"\s*(\\(?:text|mathrm|operatorname)\{(?:[^{}\\]|\\[^a-zA-Z])*\}|\\hat\{\\ \}|\\left.|\\right.|\\[a-zA-Z]+"
    r"|\d+\.?\d*|[a-zA-Z]|[-+=<>,(){}\[\]|^_])"
)
WORDS = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega
Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega backslash sim
"""
LETTERS = {f"\\{word}" for word in WORDS.split()}
FUNCTIONS = {
    r"\sin": engine.sin, r"\cos": engine.cos, r"\tan": engine.tan, r"\arcsin": engine.asin, r"\arccos": engine.acos,
    r"\arctan": engine.atan, r"\sinh": engine.sinh, r"\cosh": engine.cosh, r"\tanh": engine.tanh, r"\log": engine.log,
    r"\max": engine.max, r"\min": engine.min,
}  # fmt: skip
RELATIONS = {
    ">": engine.greater, r"\geq": engine.greater_equal, "<": engine.less, r"\leq": engine.less_equal,
    "=": engine.equal, r"\neq": engine.not_equal,
}  # fmt: skip
COMMANDS = {*LETTERS, *FUNCTIONS, *RELATIONS, r"\frac", r"\sqrt", r"\cdot", r"\times", r"\infty", r"\cdots"}


def tokens(text):
    """The words of a formula; an AssertionError for what no formula of ours has."""
    found, place = [], 0
    while place < len(text.rstrip()):
        match = TOKEN.match(text, place)
        assert match, f"{text[place:]!r} is no LaTeX of ours"
        found.append(match[1])
        place = match.end()
    for token in found:
        assert not re.fullmatch(r"\\[a-zA-Z]+", token) or token in COMMANDS, token
    return found


class Reader:
    """Recursive descent over the words; `names` holds a number for each name, by its words run together."""

    def __init__(self, text, names):
        self.left, self.names = tokens(text), names

    def line(self):
        """The value; a line of the form name = formula also gives the name its value."""
        mark = [*self.left]
        name = self.name() if self.at_name() else None
        if name is not None and self.left[:1] == ["="]:
            self.left.pop(0)
            value = self.names[name] = self.sum()
        else:
            self.left = mark
            value = self.sum()
        assert not self.left, f"{self.left} is left over"
        return value

    def take(self, *expected):
        assert self.left, f"{expected} is missing"
        token = self.left.pop(0)
        assert not expected or token in expected, f"{token!r} stands where {expected} should"
        return token

    def has(self, *wanted):
        return self.left[:1] != [] and self.left[0] in wanted

    def sum(self):
        sign = -1.0 if self.has("-") and self.take() else 1.0
        total = sign * self.product()
        while self.has("+", "-"):
            total = total + self.product() if self.take() == "+" else total - self.product()
        return total

    def product(self):
        result = self.power()
        while self.has(r"\cdot", r"\times"):
            self.take()
            result *= self.power()
        return result

    def power(self):
        base = self.base()
        if self.has("^"):
            self.take()
            exponent = self.group()
            base = engine.exp(exponent) if base is EULER else engine.pow(base, exponent)
            assert not self.has("^"), "a double superscript"
        assert base is not EULER
        return base

    def group(self):
        self.take("{")
        inside = self.sum()
        self.take("}")
        return inside

    def arguments(self):
        """(a, b, c), of either height."""
        end = {"(": ")", r"\left(": r"\right)"}[self.take("(", r"\left(")]
        items = [self.sum()]
        while self.has(","):
            self.take()
            items.append(self.sum())
        self.take(end)
        return items

    def index(self):
        self.take("_")
        return int(self.group())

    def base(self):
        if self.has("(", r"\left("):
            items = self.arguments()
            if self.has("_"):
                return engine.take(items, self.index())
            assert len(items) == 1
            return items[0]
        if self.has("["):
            self.take()
            left = self.sum()
            relation = RELATIONS[self.take(*RELATIONS)]
            right = self.sum()
            self.take("]")
            return relation(left, right)
        if self.has(r"\left|"):
            self.take()
            inside = self.sum()
            self.take(r"\right|")
            return abs(inside)
        if self.has(*FUNCTIONS) or (self.left and self.left[0].startswith(r"\operatorname")):
            return self.call()
        if self.at_name():
            return self.names[self.name()]
        token = self.take()
        if token == r"\frac":
            return engine.div(self.group(), self.group())
        if token == r"\sqrt":
            if self.has("["):
                assert [self.take(), self.take(), self.take()] == ["[", "3", "]"]
                return engine.cbrt(self.group())
            return engine.sqrt(self.group())
        constants = {r"\mathrm{e}": EULER, r"\mathrm{nan}": float("nan"), r"\infty": float("inf")}
        assert token in constants or token[0].isdigit(), f"{token!r} stands where a number should"
        return constants[token] if token in constants else float(token)

    def call(self):
        token = self.take()
        if token == r"\log" and self.has("_"):
            return {2: engine.log2, 10: engine.log10}[self.index()](*self.arguments())
        if token in FUNCTIONS:
            function, listed = FUNCTIONS[token], token in (r"\max", r"\min")
        else:
            name = re.fullmatch(r"\\operatorname\{(.*)\}", token)[1].replace(r"\_", "_")
            function, listed = getattr(engine, name), TABLE[name].any_number
        items = self.arguments()
        result = function(items) if listed else function(*items)
        return result[self.index()] if isinstance(result, list) else result

    # names

    def at_name(self):
        token = self.left[0] if self.left else ""
        return (
            re.fullmatch(r"[a-zA-Z]", token) is not None
            or token in LETTERS
            or token.startswith((r"\text{", r"\hat"))
            or (token.startswith(r"\mathrm") and token not in (r"\mathrm{e}", r"\mathrm{nan}"))
        )

    def name(self):
        """A letter or a word, a low index, a high one in parentheses."""
        words = [self.take()]
        while self.left and is_text(words[-1]) and is_text(self.left[0]):
            words.append(self.take())
        if self.has("_"):
            words += [self.take("_"), self.take("{"), self.take(), self.take("}")]
        high = re.match(r"\^ \{ \( [^ ]+( , [^ ]+)* \) \}", " ".join(self.left[:40]))
        if high:
            words += [self.take() for _ in high[0].split(" ")]
        return "".join(words)


EULER = object()


def is_text(token):
    """Whether it is a piece of a name that is text; some characters cannot stand in \\text."""
    return token.startswith(r"\text{") or token in (r"\backslash", r"\sim", r"\hat{\ }")


def as_read(name):
    """The words by which a reader knows a variable."""
    reader = Reader(LaTeX().name(name)[0], {})
    assert reader.at_name(), name
    words = reader.name()
    assert not reader.left, f"{name!r} is more than a name: {reader.left}"
    return words


def evaluated(text, names):
    """The number that a formula gives, with a number for each name of a leaf."""
    numbers = {as_read(name): number for name, number in names.items()}
    return [Reader(line, numbers).line() for line in text.splitlines()][-1]

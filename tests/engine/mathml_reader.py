"""A reader of MathML: it evaluates what an eye sees, and knows nothing of how the formula was made."""

import math
import xml.etree.ElementTree as ET

import engine
from engine import TABLE
from engine.mathml import MathML

HTML = {"math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msup", "msub", "msubsup", "msqrt", "mroot"}


class Name(str):
    """A variable or a function, as opposed to an operator."""


class Reader:
    """Evaluates MathML as the eye does: rows are invisible; only brackets, bars, fractions, roots and heights group."""

    def __init__(self, names):
        self.names = names

    def line(self, text):
        """The value of a line; a line of the form label = formula also gives the label its value."""
        items = self.items(parsed(text))
        if "with" in [str(item).strip() for item in items]:
            k = [str(item).strip() for item in items].index("with")
            for definition in split(items[k + 1 :]):
                self.names[definition[0]] = self.value(definition[2:])
            items = items[:k]
        if items[1:2] == ["="]:
            self.names[items[0]] = self.value(items[2:])
            return self.names[items[0]]
        return self.value(items)

    def items(self, part):
        """Operators as text, names as Name, and what stands for itself as a float."""
        children = list(part)
        if part.tag in ("math", "mrow"):
            ends = [children[0].text, children[-1].text] if children else []
            if ends == ["|", "|"]:
                return [abs(self.inside(children[1:-1]))]
            if ends == ["[", "]"]:
                return [self.relation(children[1:-1])]
            return [item for child in children for item in self.items(child)]
        if part.tag == "mo":
            return [part.text]
        if part.tag == "mn":
            return [float(part.text.replace("−", "-"))]
        if part.tag in ("mi", "mtext"):
            return [Name(part.text)]
        if part.tag == "mfrac":
            return [engine.div(*map(self.of, children))]
        if part.tag == "msqrt":
            return [engine.sqrt(self.inside(children))]
        if part.tag == "mroot":
            assert self.of(children[1]) == 3
            return [engine.cbrt(self.of(children[0]))]
        if part.tag == "msub" and children[0].tag == "mi":
            return [Name(f"{children[0].text}_{children[1].text}")]
        if part.tag == "msubsup" or (part.tag == "msup" and children[1][:1] and children[1][0].text == "("):
            return [Name(" ".join("".join(child.itertext()) for child in children))]  # w with a low 1 and a high (0)
        if part.tag == "msub":
            return [self.entry(self.items(children[0]), self.of(children[1]))]
        assert part.tag == "msup", part.tag
        return self.power(self.items(children[0]), children[1])

    def of(self, part):
        return self.value(self.items(part))

    def inside(self, parts):
        return self.value([item for part in parts for item in self.items(part)])

    def relation(self, parts):
        items = [item for part in parts for item in self.items(part)]
        (k,) = [i for i, item in enumerate(items) if not isinstance(item, float) and item in SIGNS]
        return SIGNS[items[k]](self.value(items[:k]), self.value(items[k + 1 :]))

    def power(self, base, exponent):
        """What is raised is what stands left of the exponent: a name, a number, a bracket, a call."""
        if base == ["e"]:
            return [engine.exp(self.of(exponent))]
        start = len(base) - 1
        if base[-1] == ")":
            start = opening(base)
            start -= start > 0 and isinstance(base[start - 1], Name)
        return [*base[:start], engine.pow(self.value(base[start:]), self.of(exponent))]

    def entry(self, items, index):
        """(a, b)₁, or softmax(a, b)₁."""
        start = opening(items)
        xs = [self.value(item) for item in split(items[start + 1 : -1])]
        assert start in (0, 1)
        return engine.take(xs, index) if start == 0 else getattr(engine, items[0])(xs)[int(index)]

    # sums of products of factors; a sign stands at the beginning only

    def value(self, items):
        left = [*items]
        result = self.sum(left)
        assert not left, f"{items}: {left} is left over"
        return result

    def sum(self, left):
        sign = -1.0 if left[0] == "−" else 1.0
        if left[0] == "−":
            left.pop(0)
        terms = [sign * self.product(left)]
        while left and left[0] in ("+", "−"):
            sign = -1.0 if left.pop(0) == "−" else 1.0
            terms.append(sign * self.product(left))
        return math.fsum(terms) if len(terms) > 2 else sum(terms)

    def product(self, left):
        result = self.factor(left)
        while left and left[0] in ("·", "×"):
            left.pop(0)
            result *= self.factor(left)
        return result

    def factor(self, left):
        item = left.pop(0)
        if isinstance(item, float):
            return item
        if item == "(":
            (bracket,) = self.arguments(left)
            return bracket
        assert isinstance(item, Name), f"{item!r} stands where a number should"
        if left and left[0] == "(":
            left.pop(0)
            xs = self.arguments(left)
            return getattr(engine, item)(xs) if TABLE[item].any_number else getattr(engine, item)(*xs)
        return self.names[item]

    def arguments(self, left):
        """All up to the closing bracket, separated by commas."""
        end = closing(left)
        inside = left[:end]
        del left[: end + 1]
        return [self.value(part) for part in split(inside)]


SIGNS = {TABLE[name].symbol: getattr(engine, name)
         for name in ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")}  # fmt: skip


def opening(items):
    """Where the bracket opens that the last item closes."""
    depth = 0
    for k in range(len(items) - 1, -1, -1):
        depth += (items[k] == ")") - (items[k] == "(")
        if depth == 0:
            return k
    raise AssertionError(f"brackets do not match: {items}")


def closing(items):
    """Where the bracket closes that stands open before the first item."""
    depth = 1
    for k, item in enumerate(items):
        depth += (item == "(") - (item == ")")
        if depth == 0:
            return k
    raise AssertionError(f"brackets do not match: {items}")


def split(items):
    """The parts between commas, but for those in brackets."""
    parts, depth = [[]], 0
    for item in items:
        depth += (item == "(") - (item == ")")
        if item == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(item)
    return parts


def parsed(text):
    """The tree of a piece of MathML: XML, with the elements of MathML Core alone, and no attribute."""
    tree = ET.fromstring(f"<math>{text}</math>")
    assert {part.tag for part in tree.iter()} <= HTML
    assert not [part for part in tree.iter() if part.attrib]
    return tree


def as_read(name):
    """The name by which a reader knows a variable: an index set low is an index, however it was written."""
    (item,) = Reader({}).items(parsed(MathML().name(name)[0]))
    return item


def evaluated(text, names):
    """The number that a formula gives, with a number for each name of a leaf."""
    reader = Reader({as_read(name): number for name, number in names.items()})
    return [reader.line(line) for line in text.splitlines()][-1]

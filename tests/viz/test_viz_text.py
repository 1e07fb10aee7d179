import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz import text

anything = st.text(st.characters(exclude_categories=()), max_size=40)  # lone surrogates as well


@given(anything)
def test_any_text_comes_back_from_xml_with_signs_for_what_xml_cannot_hold(content):
    escaped = text.xml(content)
    assert ET.fromstring(f'<a b="{escaped}">{escaped}</a>').text == (text.visible(content) or None)
    assert len(text.visible(content)) == len(content)


@given(anything)
def test_text_for_dot_has_nothing_that_means_something_there(content):
    written = text.dot(content)
    assert not set('"<>\\\n\r\0') & set(written)
    written.encode()


def test_control_characters_are_seen():
    assert text.visible("a\tb\nc\x7f\x85\ud800") == "a␉b␊c␡��"


@pytest.mark.parametrize(
    ("x", "written"),
    [
        (0.0, "0"), (-0.0, "0"), (1.0, "1"), (-3.0, "−3"), (0.5, "0.5"), (1 / 3, "0.3333"), (123456.0, "123456"),
        (1234567.0, "1.235e6"), (-1.5e-7, "−1.5e−7"), (1e300, "1e300"), (5e-324, "4.941e−324"),
        (math.inf, "∞"), (-math.inf, "−∞"), (math.nan, "nan"),
    ],
)  # fmt: skip
def test_numbers_are_short(x, written):
    assert text.number(x) == written


@given(st.floats())
def test_every_number_fits_into_a_card(x):
    assert len(text.number(x)) <= 12


@given(anything, st.integers(4, 40))
def test_a_shortened_text_is_no_longer_than_asked(content, longest):
    short = text.shortened(content, longest)
    assert len(short) <= longest
    assert short == content or "…" in short


def test_widths_are_upper_estimates():
    """Advance widths of DejaVu Sans Bold, the widest of the common fonts, in thousandths of the size."""
    bold = {"a": 675, "m": 1042, "w": 924, "W": 1103, "M": 995, "i": 343, "I": 372, "@": 1000, "0": 696, "_": 500,
            "[": 457, "]": 457, ".": 380, "=": 838, "Q": 850, "x": 645, " ": 348, "%": 1002, "+": 838}  # fmt: skip
    for character, advance in bold.items():
        assert text.width(character, 1000, bold=True) >= 0.99 * advance, character

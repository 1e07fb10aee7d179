"""A report is short when all is well, begins with the worst, and is safe to show."""

from math import inf, nan

from engine import Cause, Entry, GradReport


def entry(name="x", given=1.0, reference=1.0, verdict="right", **more):
    return Entry(name, given, reference, 1e-12, 1e-3, verdict, **more)


def test_all_well_is_one_line():
    report = GradReport("check", tuple(entry(f"x[{i}]") for i in range(500)))
    assert report
    assert str(report) == "check: right: 500 derivatives agree, the worst to 0"
    assert len(report._repr_html_()) < 600


def test_the_worst_come_first_and_the_table_is_cut():
    entries = [entry(f"x[{i}]", 1.0 + i / 100, 1.0, "wrong") for i in range(1, 41)]
    report = GradReport("compare", (entry("y"), *entries))
    assert not report
    assert report.entries[0].input == "x[40]"
    assert report.entries[-1].input == "y"
    assert len(report.wrong) == 40
    assert "... and 28 more" in str(report)
    assert "1 derivative right" in str(report)
    header = str(report).splitlines()[2].split()
    assert header == ["input", "given", "reference", "absolute", "relative", "step", "verdict"]


def test_truth():
    assert GradReport("t", ())
    assert GradReport("t", (entry(verdict="kink"),))
    assert not GradReport("t", (entry(verdict="cancellation"),))
    assert GradReport("t", (entry(verdict="cancellation"), entry("y")))
    assert not GradReport("t", (entry(verdict="not finite"),))
    assert not GradReport("t", (entry("a"), entry("b", 2.0, 1.0, "wrong")))


def test_errors_of_an_entry():
    assert entry(given=2.0, reference=1.0).absolute == 1.0
    assert entry(given=2.0, reference=1.0).relative == 0.5
    assert entry(given=0.0, reference=0.0).relative == 0.0
    assert entry(given=inf, reference=inf).absolute == 0.0
    assert entry(given=nan, reference=1.0).relative != entry(given=nan, reference=1.0).relative


def test_causes_of_the_same_inputs_are_alternatives():
    causes = (
        Cause("sign", "its sign", ("W",)),
        Cause("factor", "a factor", ("W",)),
        Cause("shape", "its shape", ("b",)),
    )
    report = GradReport("t", (entry(verdict="wrong", given=2.0),), causes)
    assert report.verdict == "wrong: W: its sign, or: a factor; b: its shape"
    assert str(causes[0]) == "W: its sign"


def test_names_are_text_in_html():
    report = GradReport("<b>f</b>", (entry("<script>alert(1)</script>", 2.0, 1.0, "wrong"),), (Cause("sign", "a < b"),))
    html = report._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "a &lt; b" in html
    assert "&lt;b&gt;f&lt;/b&gt;" in html

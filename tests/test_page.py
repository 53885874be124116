"""The sheet as a page: complete, valid, escaped, the same in every run."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from algebra2net import Net, compile
from algebra2net.faces.mathml import Formulas, parse
from algebra2net.faces.page import ROLES
from algebra2net.gallery import entries
from algebra2net.spell import shown

SEED = "l2 = relu(l0 W0) W1"
SHAPES = {"l0": 3, "l1": 4, "l2": 1}
GALLERY = {entry.name: entry for entry in entries()}
VOID = {"meta", "wbr", "br", "hr", "img", "link", "input"}


def gallery_net(name: str) -> Net:
    return compile(GALLERY[name].program, wrt=GALLERY[name].wrt)


class Checker(HTMLParser):
    """Balance of tags, identifiers, links, classes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.symbols: set[str] = set()
        self.glossary: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if tag == "a" else []
        self.attributes += [(name, value or "") for name, value in attrs]
        found = set(re.findall(r"(?:^| )(s\d+)(?= |$)", given.get("class") or ""))
        self.symbols |= found
        if tag == "tr":
            self.glossary |= found

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")


def checked(page: str) -> Checker:
    found = Checker()
    found.feed(page)
    found.close()
    return found


@pytest.mark.parametrize("name", GALLERY)
def test_every_page_of_the_gallery_is_whole(name):
    page = gallery_net(name).html(title=GALLERY[name].title)
    found = checked(page)
    assert not found.wrong
    assert not found.open
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert found.symbols <= found.glossary
    assert found.glossary
    for formula in re.findall(r"<math>.*?</math>", page):
        ElementTree.fromstring(formula)
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(picture)


def test_nothing_comes_from_outside():
    page = compile(SEED, shapes=SHAPES).html()
    assert not re.search(r"https?:|//[a-z]|@import|url\(|<link|<img|src=", page)


def test_a_page_has_all_its_parts():
    page = compile(SEED, shapes=SHAPES, loss="mse(l2, y)").html()
    for part in ("Forward", "Backpropagation", "Correlation", "Symbols", "Code"):
        assert f"<h2>{part}</h2>" in page
    text = re.sub(r"<[^>]*>", "", page)
    assert "Chain rule through the matrix product: the signal times the transpose of what it was multiplied by." in text
    assert "l1 = relu(l0 @ W0)" in text
    assert "dW0 = l0.T @ d1" in text
    assert "3\u2009×\u20094 = 3\u2009×\u2009n₀ · n₀\u2009×\u20094" in text
    assert "2 inputs · 2 parameters · 16 numbers to learn" in text
    assert 'lang="en"' in page
    assert "prefers-color-scheme:dark" in page
    assert "@page{size:A4" in page


def test_what_is_typed_is_escaped():
    page = compile("y = (x < 3) * x W").html(title="<script>alert(1)</script> & more")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert not checked(page).wrong


def test_the_same_bytes_twice():
    assert compile(SEED, shapes=SHAPES).html() == compile(SEED, shapes=SHAPES).html()


def test_numbers_stand_in_every_column():
    net = compile(SEED, shapes=SHAPES, loss="mse(l2, y)")
    x, W0, W1, y = np.array([[1.0, 2.0, -1.0]]), np.eye(3, 4), np.full((4, 1), 0.5), np.array([[1.0]])
    page = net.html(l0=x, W0=W0, W1=W1, y=y)
    row = page.split('<article class="row"')[1]
    assert row.count(">2</text>") == 2  # of l0 and of l1, in the picture
    assert "<tr><td>1</td><td>2</td><td>0</td><td>0</td></tr>" in row
    assert "# [[1, 2, 0, 0]]" in row
    assert "1\u2009×\u20094" in row  # the batch is known now


def test_large_numbers_are_summed_up():
    net = compile("y = X W")
    page = net.html(X=np.ones((32, 100)), W=np.ones((100, 10)))
    assert "32 × 10, from 100 to 100, mean 100" in page


def test_a_signal_may_be_given():
    net = compile(SEED, shapes=SHAPES)
    arrays = {"l0": np.ones((1, 3)), "W0": np.ones((3, 4)), "W1": np.ones((4, 1))}
    without, with_signal = net.html(**arrays), net.html(**arrays, delta=[[2.0]])
    assert "# [[6], [6], [6], [6]]" in with_signal
    assert "# [[6], [6], [6], [6]]" not in without


def test_arrays_that_do_not_fit_are_named():
    with pytest.raises(TypeError, match="missing W1"):
        compile(SEED, shapes=SHAPES).html(l0=np.ones((1, 3)), W0=np.ones((3, 4)))


def test_a_deep_chain_has_a_page():
    page = compile("; ".join(f"l{k + 1} = relu(l{k} W{k})" for k in range(60))).html()
    assert page.count('<article class="row"') > 120
    assert not checked(page).wrong


def test_a_very_long_formula_is_text():
    page = compile("y = " + " + ".join(f"x_{k} W_{k}" for k in range(300))).html()
    assert not checked(page).wrong


def test_every_role_has_a_place_in_the_glossary():
    for name in ("lstm", "attention", "mlp"):
        assert {entry.role for entry in gallery_net(name)._page({}).content.entries} <= set(ROLES)


CELL_A = "<mtd><mi>a</mi></mtd>"

# fmt: off
FORMULAS = [
    # LaTeX                                                   what MathML says, without attributes
    (r"\frac{a}{b}",                                          "<mfrac><mi>a</mi><mi>b</mi></mfrac>"),
    (r"{x}^{2}",                                              "<msup><mi>x</mi><mn>2</mn></msup>"),
    (r"W_{0}",                                                "<msub><mi>W</mi><mn>0</mn></msub>"),
    (r"\sqrt{x}",                                             "<msqrt><mi>x</mi></msqrt>"),
    (r"\sqrt[3]{x}",                                          "<mroot><mrow><mi>x</mi></mrow><mn>3</mn></mroot>"),
    (r"\hat{y}",                                              "<mover><mi>y</mi><mo>^</mo></mover>"),
    (r"a \odot b",                                            "<mi>a</mi><mo>∘</mo><mi>b</mi>"),
    (r"\left(a\right)",                                       "<mrow><mo>(</mo><mi>a</mi><mo>)</mo></mrow>"),
    (r"\operatorname{relu}'\left(x\right)",                   "<msup><mi>relu</mi><mo>′</mo></msup><mo>\u2061</mo><mrow><mo>(</mo><mi>x</mi><mo>)</mo></mrow>"),
    (r"\sigma\left(x\right)",                                 "<mi>σ</mi><mo>\u2061</mo><mrow><mo>(</mo><mi>x</mi><mo>)</mo></mrow>"),
    (r"\left\| x \right\|_1",                                 "<msub><mrow><mo>‖</mo><mi>x</mi><mo>‖</mo></mrow><mn>1</mn></msub>"),
    (r"\begin{bmatrix}a & b \\ c\end{bmatrix}",               f"<mrow><mo>[</mo><mtable><mtr>{CELL_A}<mtd><mi>b</mi></mtd></mtr><mtr><mtd><mi>c</mi></mtd></mtr></mtable><mo>]</mo></mrow>"),
    (r"1 \cdot 10^{-9}",                                      "<mn>1</mn><mo>⋅</mo><msup><mn>10</mn><mrow><mo>−</mo><mn>9</mn></mrow></msup>"),
    (r"a < b",                                                "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
    (r"\mathrm{scores}",                                      "<mi>scores</mi>"),
]  # fmt: skip
# fmt: on


@pytest.mark.parametrize(("latex", "meant"), FORMULAS)
def test_latex_becomes_mathml(latex, meant):
    xml = "".join(node.xml for node in parse(latex, lambda name: ""))
    assert re.sub(r" [a-z]+=\"[^\"]*\"", "", xml) == meant


@pytest.mark.parametrize("broken", ["{", "}", r"\frac{a}", r"\left(", "^", "_", "'", r"\begin{bmatrix}a", r"\right)", "&", r"\sqrt[3"])
def test_broken_latex_breaks_nothing(broken):
    xml = "".join(node.xml for node in parse(broken, lambda name: ""))
    ElementTree.fromstring(f"<math>{xml}</math>")


def test_names_are_marked_wherever_they_stand():
    net = compile("L = mse(softmax(X W / sqrt(d)), Y)")
    formulas = Formulas(net.program, lambda name: f' class="{name.name}"')
    left, right, _ = formulas.equation(shown(net.program)[-1])
    assert {"L", "Y"} <= set(re.findall(r'class="(\w+)"', left + "".join(right)))


def test_brackets_may_be_nested_deeply():
    inside = "x"
    for _ in range(120):
        inside = f"exp({inside} + 1)"
    assert not checked(compile(f"y = {inside}").html()).wrong

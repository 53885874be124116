"""Pictures: what stands in them follows from the algebra and the shapes alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest

from algebra2net import Net, compile
from algebra2net.faces.bricks import Bricks
from algebra2net.faces.content import content
from algebra2net.faces.curves import POINTS, REACH, curve
from algebra2net.faces.looks import HUES, MARKS, Looks, colours, runs
from algebra2net.faces.numbers import as_code, short, summary
from algebra2net.gallery import entries
from algebra2net.program import symbol

SEED = "l2 = relu(l0 W0) W1"
SHAPES = {"l0": 3, "l1": 4, "l2": 1}
GALLERY = {entry.name: entry for entry in entries()}


def bricks_of(net: Net, **arrays: Any) -> Bricks:
    return net._page(arrays).bricks


def pictures(bricks: Bricks) -> dict[str, str]:
    """The picture of each equation by the name it defines."""
    return {row.name.name: bricks.picture(row, ident=f"p{k}") for k, row in enumerate((*bricks.content.forward, *bricks.content.backprop))}


def words(svg: str, kind: str) -> list[str]:
    """The texts of a class in a picture."""
    root = ElementTree.fromstring(svg)
    return ["".join(text.itertext()) for text in root.iter() if text.tag.endswith("text") and kind in text.get("class", "").split()]


@pytest.mark.parametrize("name", GALLERY)
def test_every_picture_of_the_gallery_is_xml_with_a_title_and_a_description(name):
    entry = GALLERY[name]
    svg = compile(entry.program, wrt=entry.wrt).svg()
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    title, described = (root.find(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("title", "desc"))
    assert title is not None
    assert described is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {described.get('id')}"
    assert not re.search(r"nan|inf\b", re.sub(r"<(title|desc|text).*?</\1>", "", svg))
    assert len(re.findall(r'\bid="', svg)) == len(set(re.findall(r'\bid="([^"]*)"', svg)))


def test_the_same_bytes_in_every_run():
    made = f"net = compile({SEED!r}, shapes={SHAPES!r}, loss='mse(l2, y)')"
    script = f"from algebra2net import compile; import sys; {made}; sys.stdout.buffer.write((net.svg() + net.html() + net.tex()).encode())"
    seeds = ({**os.environ, "PYTHONHASHSEED": seed} for seed in ("1", "2"))
    runs_ = [subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env=env).stdout for env in seeds]
    assert runs_[0] == runs_[1]
    assert runs_[0]


def test_what_is_typed_is_escaped():
    net = compile("y = (x < 3) * x W")
    svg = net.svg()
    assert "x < 3" not in svg
    assert "x &lt; 3" in svg
    ElementTree.fromstring(svg)


# fmt: off
CELLS = [
    # the shape of W0    how many marks      what is written below      why
    ((3, 4),             12,                 "3 × 4"),                # all of them
    ((8, 8),             64,                 "8 × 8"),
    ((784, 100),         25,                 "784 × 100"),            # the ends, 3 and 2 on each side
    ((9, 2),             10,                 "9 × 2"),
    (("n", 2),            6,                 "n × 2"),                # nobody knows how many
]
# fmt: on


@pytest.mark.parametrize(("shape", "marks", "below"), CELLS)
def test_the_cells_of_a_weight_follow_its_shape(shape, marks, below):
    bricks = bricks_of(compile("y = x W0", shapes={"W0": shape}))
    svg = pictures(bricks)["y"]
    weight = svg.split(f'class="b {bricks.looks.by_name[symbol("W0")].classes}"')[1]
    path = re.search(r'class="u" d="([^"]*)"', weight)
    assert path is not None
    assert path[1].count("M") == marks
    assert below in words(svg, "d")


def test_what_is_left_out_is_dotted():
    svg = pictures(bricks_of(compile("y = x W0", shapes={"W0": (784, 100), "x": ("B", 784)})))["y"]
    assert svg.count('class="p t"') == 3


def test_rows_of_unknown_number_stand_behind_the_first():
    known, unknown = (pictures(bricks_of(compile("y = x W", shapes={"x": shape, "W": (3, 2)})))["y"] for shape in ((5, 3), ("n", 3)))
    assert "fill-opacity=" not in known
    assert unknown.count('fill-opacity="0.35"') == 2  # of x and of y


def test_a_number_is_a_single_cell_without_a_size():
    svg = pictures(bricks_of(compile("L = a b where a: 1x1, b: 1x1")))["L"]
    assert words(svg, "d") == []
    assert words(svg, "n") == ["L", "a", "b"]


def test_a_transposed_name_is_turned():
    svg = pictures(bricks_of(compile(SEED, shapes=SHAPES)))["dW0"]
    assert words(svg, "n") == ["∂L/∂W0", "l0⊤", "δ1"]
    assert words(svg, "d") == ["3 × 4", "3 × n₀", "n₀ × 4"]
    assert svg.count("matrix(0 1 1 0 0 0)") == 1


def test_a_product_shows_which_sizes_meet():
    svg = pictures(bricks_of(compile(SEED, shapes=SHAPES)))["dW0"]
    bold = re.findall(r'class="d"[^>]*>(.*?)</text>', svg)
    assert bold == ["<tspan>3</tspan> × <tspan>4</tspan>", "<tspan>3</tspan> × n₀", "n₀ × <tspan>4</tspan>"]


def test_a_gradient_looks_like_its_parameter_and_a_signal_like_its_layer():
    looks = bricks_of(compile(SEED, shapes=SHAPES)).looks.by_name
    hue = {name.name: (look.hue, look.mark) for name, look in looks.items()}
    assert hue["dW0"] == hue["W0"]
    assert hue["d1"] == hue["l1"]
    assert len({hue[name] for name in ("l0", "W0", "W1", "l1", "l2")}) == 5


def test_the_first_names_differ_in_more_than_colour():
    combinations = {(k % len(HUES), k % len(MARKS)) for k in range(60)}
    assert len(combinations) == 60


@pytest.mark.parametrize("hue", range(len(HUES)))
@pytest.mark.parametrize(("dark", "ground"), [(False, "#ffffff"), (True, "#1a1e25")])
def test_names_can_be_read_on_light_and_on_dark(hue, dark, ground):
    assert contrast(colours(hue, dark)["ink"], ground) >= 4.5
    assert contrast(colours(hue, dark)["edge"], ground) >= 3


def contrast(one: str, other: str) -> float:
    """WCAG 2.1's contrast of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_function_is_a_frame_with_its_curve():
    svg = pictures(bricks_of(compile(SEED, shapes=SHAPES)))["l1"]
    assert words(svg, "f") == ["relu"]
    assert svg.count('class="c"') == 1


# fmt: off
CURVES = [
    # name        at -3     at 0     at 3
    ("relu",       0,        0,       3),
    ("sigmoid",    0.0474,   0.5,     0.9526),
    ("tanh'",      0.0099,   1,       0.0099),
    ("abs",        3,        0,       3),
]
# fmt: on


@pytest.mark.parametrize(("name", "left", "middle", "right"), CURVES)
def test_a_curve_is_the_function(name, left, middle, right):
    found = curve(name)
    assert found is not None
    assert len(found) == POINTS
    assert found[0] == pytest.approx(left, abs=1e-3)
    assert found[POINTS // 2] == pytest.approx(middle, abs=1e-9)
    assert found[-1] == pytest.approx(right, abs=1e-3)


def test_a_function_of_ones_own_has_its_curve_too():
    net = compile("swish(x) = x * sigmoid(x); y = swish(X W)")
    found = curve("own swish", net.program.functions)
    assert found is not None
    assert found[-1] == pytest.approx(REACH / (1 + np.exp(-REACH)))
    assert 'class="c"' in pictures(bricks_of(net))["y"]


@pytest.mark.parametrize("name", ["softmax", "plus", "matmul", "where", "no such function"])
def test_what_is_no_function_of_one_entry_has_no_curve(name):
    assert curve(name) is None


def test_values_shade_the_cells_and_stand_in_them_where_there_is_room():
    bricks = bricks_of(compile("y = x W", shapes={"x": (1, 2), "W": (2, 1)}), x=[[1.0, -0.5]], W=[[2.0], [4.0]])
    svg = pictures(bricks)["y"]
    assert words(svg, "v") == ["0", "1", "−0.50", "2", "4"]


def test_large_values_are_shaded_alone():
    W = np.linspace(-1, 1, 784 * 10).reshape(784, 10)
    bricks = bricks_of(compile("y = x W", shapes={"W": (784, 10)}), x=np.ones((1, 784)), W=W)
    svg = pictures(bricks)["y"]
    assert words(svg, "v") == []
    assert "[783, 9] 1<" in svg


def test_a_long_equation_goes_on_below():
    bricks = bricks_of(compile("y = " + " + ".join(f"x_{k} W_{k}" for k in range(12))))
    svg = ElementTree.fromstring(pictures(bricks)["y"])
    assert float(svg.get("width", "")) < 420


def test_brackets_may_be_nested_deeply():
    inside = "x"
    for _ in range(200):
        inside = f"exp({inside} + 1)"
    net = compile(f"y = {inside}")
    ElementTree.fromstring(net.svg())


# fmt: off
NAMES = [
    # LaTeX of a name                            letters, _ before what stands lower, ^ before what stands higher
    ("W_{0}",                                    "W_0"),
    (r"\hat{y}_{i}",                             "ŷ_i"),
    (r"\frac{\partial L}{\partial W_{0}}",       "∂L/∂W_0"),
    (r"h_{t-1}",                                 "h_t_−_1"),
    (r"\delta_{f_{t}}",                          "δ_f_t"),
    (r"\mathrm{scores}",                         "scores"),
    (r"X^{\prime}",                              "X^′"),
]
# fmt: on


@pytest.mark.parametrize(("latex", "letters"), NAMES)
def test_a_name_is_set_as_in_a_formula(latex, letters):
    shown = "".join(("_" if run.level > 0 else "^" if run.level < 0 else "") + run.text for run in runs(latex))
    assert shown == letters


# fmt: off
SHORT = [
    (0.0, "0"), (1.0, "1"), (-2.0, "−2"), (0.123, "0.12"), (-12.34, "−12.3"), (123.4, "123"), (0.0001, "1e−4"), (1e6, "1e6"),
    (float("nan"), "nan"), (float("-inf"), "−∞"),
]
# fmt: on


@pytest.mark.parametrize(("value", "text"), SHORT)
def test_numbers_are_short(value, text):
    assert short(value) == text


def test_large_matrices_are_summed_up():
    assert summary(np.arange(20.0).reshape(4, 5)) == "4 × 5, from 0 to 19, mean 9.50"
    assert summary(np.full((9, 9), np.nan)) == "9 × 9, no finite entry"
    assert as_code(np.array([[0.5, -1.0]])) == "[[0.50, -1]]"


def test_the_seeds_picture(expected):
    expected("seed.svg", compile(SEED, shapes=SHAPES).svg().rstrip("\n"))


def test_looks_are_known_for_every_name():
    net = compile(SEED, shapes=SHAPES)
    here = content(net)
    assert set(Looks(here, net.backprop).by_name) == {entry.name for entry in here.entries}

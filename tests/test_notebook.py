"""In a notebook: what a net shows of itself, and `%%algebra`, through a real kernel where there is one."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from algebra2net import Net, compile, load_ipython_extension
from algebra2net.faces import notebook

SEED = "l2 = relu(l0 W0) W1"


class Shell(SimpleNamespace):
    """As much of IPython's shell as the magic needs."""

    def __init__(self) -> None:
        super().__init__(user_ns={}, magics={})

    def register_magic_function(self, function: Any, magic_kind: str, magic_name: str) -> None:
        self.magics[magic_kind, magic_name] = function


def shell() -> Shell:
    made = Shell()
    load_ipython_extension(made)
    return made


def test_a_net_offers_itself_in_four_types():
    net = compile(SEED)
    found = net._repr_mimebundle_()
    assert list(found) == ["text/plain", "text/latex", "image/svg+xml", "text/html"]
    assert found["text/plain"] == net.sheet(80)
    assert found["text/latex"] == net._repr_latex_()
    assert found["image/svg+xml"] == net._repr_svg_()
    assert found["text/html"] == net._repr_html_()
    json.dumps(found)


def test_a_notebook_may_ask_for_less():
    net = compile(SEED)
    assert list(net._repr_mimebundle_(include={"text/latex"})) == ["text/latex"]
    assert "text/html" not in net._repr_mimebundle_(exclude={"text/html"})


def test_a_cells_style_stays_within_its_box():
    html = compile(SEED)._repr_html_()
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert len(style) == 1
    assert style[0].strip().startswith("@scope (.algebra2net) {")
    assert style[0].count("{") == style[0].count("}")
    assert ":root" not in style[0]
    assert "<script" not in html


def test_two_cells_have_anchors_of_their_own():
    one, other = (set(re.findall(r'\bid="([^"]*)"', compile(program)._repr_html_())) for program in (SEED, "y = sigmoid(x W)"))
    assert one
    assert other
    assert not one & other


# fmt: off
MAGICS = [
    # line                                              cell                        what is bound     to
    ("",                                                SEED,                       "net",            "l2"),
    ("mine",                                            SEED,                       "mine",           "l2"),
    ("mine --loss 'mse(l2, y)' --shape l0=3",           SEED,                       "mine",           "L"),
    ("--notation latex",                                r"l_2 = l_0 W_0",           "net",            "l2"),
    ("-q a --wrt l0 --names book -s W0=3x4",            SEED,                       "a",              "l2"),
]
# fmt: on


@pytest.mark.parametrize(("line", "cell", "name", "output"), MAGICS)
def test_a_cell_of_algebra_becomes_a_net(line, cell, name, output):
    made = shell()
    shown = made.magics["line_cell", "algebra"](line, cell)
    assert made.user_ns[name].output == output
    assert shown is (None if "-q" in line else made.user_ns[name])


def test_a_line_of_algebra_does_too():
    made = shell()
    assert isinstance(made.magics["line_cell", "algebra"](SEED), Net)
    assert made.user_ns["net"].output == "l2"


# fmt: off
MISTAKES = [
    # line               cell                        what is said
    ("",                 "l2 = rleu(l0 W0)",         "did you mean relu"),
    ("",                 "l2 = relu(l0",             "line 1"),
    ("--shape l0",       SEED,                       "write NAME=SHAPE"),
    ("--shape l9=3",     SEED,                       "there is no l9"),
    ("--nonsense",       SEED,                       "unrecognized arguments: --nonsense"),
    ("--names modem",    SEED,                       "invalid choice"),
]
# fmt: on


@pytest.mark.parametrize(("line", "cell", "said"), MISTAKES)
def test_a_mistake_is_said_without_a_traceback(line, cell, said, capsys):
    made = shell()
    assert made.magics["line_cell", "algebra"](line, cell) is None
    assert said in capsys.readouterr().err
    assert made.user_ns == {}


def test_the_magic_says_how_it_is_used():
    assert "--shape" in (shell().magics["line_cell", "algebra"].__doc__ or "")
    assert notebook.run.__doc__


@pytest.mark.filterwarnings("ignore")
def test_a_real_kernel_runs_it():
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_code_cell("%load_ext algebra2net"),
        nbformat.v4.new_code_cell(f"%%algebra --shape l0=3 --shape l1=4\n{SEED}"),
        nbformat.v4.new_code_cell("net.output"),
        nbformat.v4.new_code_cell("%%algebra\nl2 = rleu(l0)"),
    ]
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    shown = book.cells[1].outputs[0]
    assert shown.output_type == "execute_result"
    assert {"text/html", "text/latex", "text/plain", "image/svg+xml"} <= set(shown.data)
    assert book.cells[2].outputs[0].data["text/plain"] == "'l2'"
    assert book.cells[3].outputs[0].name == "stderr"
    assert "did you mean relu" in book.cells[3].outputs[0].text

"""`algebra2net check`: verdicts on the command line, and the exit status that says them to scripts."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from algebra2net.cli import main

NET = "l2 = relu(l0 W0) W1"

# fmt: off
RUNS = [
    # arguments                                                                        status  what is printed
    ([NET, "--claim", "dW0 = l0' ((l2 - y) W1' * relu'(l0 W0))"],                      0,      "right, proved by rewriting"),
    ([NET, "--claim", r"\frac{\partial L}{\partial W_0} = \ell_0^\top \delta_1"],      0,      "right, proved by rewriting"),
    ([NET, "--loss", "mse(l2, y)", "--claim", "dW1 = l1' (l2 - y)"],                   1,      "wrong: constant factor"),
    ([NET, "--claim", "d2 = l2 - y", "--claim", "dW1 = l1 d2"],                        1,      "l₁ must be transposed"),
    ([NET, "--claim", "dW1 = l1' * delta", "--dialect", "matlab"],                     0,      "right"),
    ([NET, "--shape", "l2=1", "--claim", "dl1 = delta * W1'"],                         0,      "right"),
    ([NET],                                                                            0,      "∂L/∂W0       agrees"),
    ([NET, "--wrt", "W1"],                                                             0,      "∂L/∂W1       agrees"),
    ([NET, "--claim", "dW0 = l0' q"],                                                  2,      "nothing says what q is"),
    ([NET, "--claim", "l0' d1"],                                                       2,      "a claim is an equation"),
    (["l2 = rleu(l0 W0)", "--claim", "dW0 = l0' d1"],                                  2,      "did you mean relu?"),
    (["nothing.alg", "--claim", "dW0 = l0' d1"],                                       2,      "there is no file nothing.alg"),
]
# fmt: on


@pytest.mark.parametrize(("arguments", "status", "words"), RUNS)
def test_it_answers_by_its_status_too(arguments, status, words):
    result = CliRunner().invoke(main, ["check", *arguments])
    assert result.exit_code == status, result.output
    assert words in result.output
    assert "Traceback" not in result.output


def test_network_and_claims_may_be_files(tmp_path):
    (tmp_path / "net.alg").write_text(f"{NET}\nL = sum((l2 - y)^2) / 2\n", encoding="utf-8")
    (tmp_path / "homework.tex").write_text("\\begin{align}\\delta_2 &= l_2 - y \\\\ \\nabla_{W_1} L &= l_1^\\top \\delta_2\\end{align}", encoding="utf-8")
    result = CliRunner().invoke(main, ["check", str(tmp_path / "net.alg"), "--claim", str(tmp_path / "homework.tex")])
    assert result.exit_code == 0, result.output
    assert result.output.count("✓") == 2


def test_claims_come_from_standard_input_too():
    result = CliRunner().invoke(main, ["check", NET, "--claim", "-"], input="dW1 = l1' delta\n")
    assert result.exit_code == 0, result.output

"""The command: what it prints, what it refuses and how. Nothing ends in a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from algebra2net import __version__, compile
from algebra2net.cli import OTHERS, main

SEED = "l2 = relu(l0 W0) W1"
SHAPES = ("--shape", "l0=3", "--shape", "l1=4", "--shape", "l2=1")
NET = compile(SEED, shapes={"l0": 3, "l1": 4, "l2": 1})


def run(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="algebra2net", **options)


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **options.pop("env", {})}
    return subprocess.run([sys.executable, "-m", "algebra2net", *arguments], capture_output=True, env=environment, check=False, **options)


WITH_LOSS = """\
d2 = 2 (l2 - y) / size(l2)
dW1 = l1' d2
"""
IN_UNICODE = """\
δ₂ = δ
∂L/∂W₁ = l₁ᵀ δ₂
δ₁ = δ₂ W₁ᵀ ∘ relu'(l₀ W₀)
∂L/∂W₀ = l₀ᵀ δ₁
"""

# fmt: off
PRINTS = [
    # what is typed                                                     what it prints
    ((SEED, *SHAPES, "--width", "100"),                                 NET.sheet(100)),
    ((SEED, "--shape", "l0=3,l1=4,l2=1", "--width", "60"),              NET.sheet(60)),
    ((SEED, *SHAPES, "--to", "python"),                                 NET.source),
    ((SEED, "--to", "python", "--names", "book"),                       compile(SEED, names="book").source),
    ((SEED, "--to", "latex"),                                           NET.latex()),
    ((SEED, "--to", "latex", "--derived"),                              NET.latex_gradients()),
    ((SEED, "--to", "plain", "--loss", "mse(l2, y)"),                   f"{SEED}\nL = mse(l2, y)"),
    ((SEED, "--to", "plain", "--derived", "--loss", "mse(l2, y)", "--wrt", "W1"), WITH_LOSS),
    ((SEED, "--to", "unicode"),                                         "l₂ = relu(l₀ W₀) W₁"),
    ((SEED, "--to", "unicode", "--derived"),                            IN_UNICODE),
    (("y = x * W where x: 1x3", "--dialect", "matlab", "--to", "python"), compile("y = x W where x: 1x3").source),
    (("-x W", "--to", "unicode", "--wrt", "W", "--derived"),            "δ_out = δ\n∂L/∂W = -(xᵀ δ_out)"),
    (("check = x W", "--to", "plain"),                                  "check = x W"),
    (("--version",),                                                    f"algebra2net, version {__version__}"),
]

REFUSALS = [
    # what is typed                                   what is said
    (("l2 = rleu(l0 W0) W1",),                        "line 1, column 6: there is no function rleu\n    l2 = rleu(l0 W0) W1\n         ^^^^\n    did you mean relu?"),
    (("y = x W", "--shape", "x=3", "--shape", "W=4x2"), "x W does not fit"),
    (("",),                                           "nothing to read"),
    (("y = x W", "--loss", "mse(y, z"),               "this ( is never closed"),
    (("y = x W", "--wrt", "Q"),                       "there is no Q; the inputs are x, W"),
    (("y = x W", "--shape", "W"),                     "'W' is no shape; write NAME=SHAPE"),
    (("y = x W", "--shape", "V=3"),                   "there is no V in the program"),
    (("y = x W", "--shape", "W=3x4x5"),               "W cannot be"),
    (("y = x W", "--width", "0"),                     "0 is not in the range"),
    (("y = x W", "--to", "word"),                     "'word' is not one of"),
    (("y = x W", "--widht", "80"),                    "--width"),
    (("y", "=", "x", "W"),                            'put it in quotes: algebra2net "y = x W"'),
    (("net.alg",),                                    "there is no file net.alg"),
    ((".",),                                          ". is a directory"),
    (("y = x W", "-o", "no/such/folder/net.py"),      "no/such/folder/net.py cannot be written"),
    (("y = x W", "--derived"),                        "--derived says what to print of the gradients: add --to plain, --to unicode or --to latex"),
    (("y = x W", "--check", "--html", "-"),           "leave out --to, --check and -o"),
    (("y = x W", "--loss", "mse"),                    "mse is a function\n    mse\n    ^^^\n    say of what: mse(y, t)"),
    (("y = x W", "--shape", "W=-1x4"),                "W cannot be"),
    (("trian", "y = x W", "--data", "d.csv"),         "there is no command trian; did you mean train?"),
    (("y = x W", "-o", "."),                          ". cannot be written"),
    (("(" * 5000,),                                   "never closed"),
    (("y = " + "f(" * 3000 + "x",),                   "line 1"),
]
# fmt: on


@pytest.mark.parametrize(("typed", "printed"), PRINTS)
def test_prints(typed: tuple[str, ...], printed: str) -> None:
    result = run(*typed)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.rstrip() == printed.rstrip()


@pytest.mark.parametrize(("typed", "said"), REFUSALS)
def test_refuses_with_status_2(typed: tuple[str, ...], said: str) -> None:
    result = run(*typed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_what_may_be_meant_otherwise_is_said_like_an_error() -> None:
    result = command("y = softmax(XW + b)", "--to", "plain")
    assert result.stdout.decode().strip() == "y = softmax(XW + b)"
    said = "warning: line 1, column 13: XW was read as one name\n    y = softmax(XW + b)\n                ^^^^^^\n"
    assert result.stderr.decode() == f"{said}    a product has a space between its factors: X W\n"


def test_help_shows_examples_that_work() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: algebra2net [OPTIONS] PROGRAM")
    examples = [row.strip() for row in result.stdout.split("Examples:")[1].split("\n") if row.strip()]
    assert f'algebra2net "{SEED}"' in examples
    assert all(f"algebra2net {name} " in result.stdout for name in OTHERS)


def test_nothing_typed_shows_the_help() -> None:
    assert run().stdout == run("--help").stdout


def test_a_program_comes_from_a_file_or_from_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "net.alg"
    file.write_text(f"\ufeff# the seed\r\n{SEED}\r\n", encoding="utf-8")
    typed = run(SEED, "--to", "plain").stdout
    assert run(str(file), "--to", "plain").stdout == typed
    assert run("-", "--to", "plain", input=file.read_bytes()).stdout == typed


def test_a_mistake_in_a_file_is_shown_with_the_name_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "net.alg"
    file.write_text("h = x W\ny = rleu(h)", encoding="utf-8")
    result = run(str(file))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{file}:\nline 2, column 5: there is no function rleu")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"y = \xc3("])
def test_what_is_no_text_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "net.alg"
    file.write_bytes(data)
    for result in (run(str(file)), run("-", input=data)):
        assert result.exit_code == 2
        assert "is no UTF-8 text" in result.stderr


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="whoever may read everything reads it")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.alg"
    file.write_text(SEED)
    file.chmod(0)
    assert "cannot be read" in run(str(file)).stderr


def test_output_goes_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    assert run(SEED, *SHAPES, "--to", "python", "-o", str(file)).stdout == ""
    assert file.read_text(encoding="utf-8") == NET.source
    run(SEED, *SHAPES, "--width", "80", "-o", str(file))
    assert file.read_text(encoding="utf-8") == NET.sheet(80) + "\n"


def test_json_says_everything() -> None:
    found = json.loads(run(SEED, *SHAPES, "--to", "json").stdout)
    assert found["inputs"] == ["l0", "W0", "W1"]
    assert found["parameters"] == ["W0", "W1"]
    assert found["output"] == "l2"
    assert found["shapes"]["W0"] == [3, 4]
    assert found["gradients"] == {"W0": "dW0", "W1": "dW1"}
    assert found["equations"][0] == {
        "name": "l1", "shape": ["n0", 4], "plain": "l1 = relu(l0 W0)", "unicode": "l₁ = relu(l₀ W₀)",
        "latex": r"l_{1} = \operatorname{relu}\left(l_{0} \, W_{0}\right)", "python": ["l1 = relu(l0 @ W0)"],
    }  # fmt: skip
    last = found["backprop"][-1]
    assert (last["plain"], last["python"]) == ("dW0 = l0' d1", ["dW0 = l0.T @ d1"])
    assert last["rule"].startswith("chain rule through the matrix product")


def test_what_is_printed_in_plain_notation_is_a_program_again() -> None:
    printed = run(SEED, "--loss", "mse(l2, y)", "--to", "plain").stdout
    assert str(compile(printed).program) == str(compile(SEED, loss="mse(l2, y)").program)


def test_check_compares_with_numerical_gradients() -> None:
    result = run("y = tanh(x W) V", "--check")
    assert result.exit_code == 0
    assert "∂L/∂W" in result.stdout
    assert "agrees" in result.stdout


def test_check_ends_in_status_1_where_gradients_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    from algebra2net.check import Line, Report

    monkeypatch.setattr("algebra2net.net.Net.check", lambda _: Report((Line("W", 1.0, (0, 0), 1.0, 2.0),)))
    result = run("y = x W", "--check")
    assert result.exit_code == 1
    assert "DIFFERS" in result.stdout


def test_whatever_breaks_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr("algebra2net.compile", broken)
    result = run("y = x W")
    assert result.exit_code == 2
    assert result.stderr.startswith("algebra2net: this should not have happened")


def test_in_a_pipe_there_are_no_colours() -> None:
    result = command(SEED, *SHAPES)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode() == NET.sheet(80) + "\n"


def test_a_pipe_that_closes_early_is_no_mistake() -> None:
    chain = "; ".join(f"l{k + 1} = relu(l{k} W{k})" for k in range(400))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, "-m", "algebra2net", chain], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}, {"COLUMNS": "0"}, {"COLUMNS": "x"}])
def test_no_terminal_makes_it_fall_over(environment: dict[str, str]) -> None:
    result = command(SEED, env=environment)
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"relu(" in result.stdout


@pytest.mark.skipif(os.name == "nt", reason="there are other terminals")
def test_in_a_terminal_it_is_coloured() -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "TERM": "xterm-256color"}
    with subprocess.Popen([sys.executable, "-m", "algebra2net", SEED], stdin=theirs, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        output = b"".join(_read(ours))
    os.close(ours)
    assert b"\x1b[" in output
    assert b"relu" in output


def _read(terminal: int) -> Iterator[bytes]:
    """All that is written to a terminal, until nobody writes to it any more."""
    try:
        while data := os.read(terminal, 65536):
            yield data
    except OSError:
        return


# fmt: off
STARTS = [
    # what is run                                                                           what it does without
    ("import algebra2net",                                                                  ["sympy", "numpy", "lark", "click", "rich"]),
    ("from algebra2net.errors import AlgebraError",                                         ["sympy", "numpy", "lark", "click", "rich"]),
    ("from algebra2net import compile; compile('l2 = relu(l0 W0) W1').source",              ["numpy", "click", "rich", "scipy", "algebra2net.faces", "algebra2net.training",
                                                                                             "algebra2net.read_latex", "algebra2net.read_python"]),
    ("from algebra2net.cli import OTHERS, main; main(['--version'], standalone_mode=False)",        ["sympy", "numpy", "lark", "rich"]),
    ("from algebra2net.cli import OTHERS, main; main(['y = x W + b'], standalone_mode=False)",      ["numpy", "rich", "scipy", "algebra2net.training", "algebra2net.read_python"]),
]
# fmt: on


@pytest.mark.parametrize(("program", "left_out"), STARTS, ids=[program for program, _ in STARTS])
def test_nothing_is_loaded_that_is_not_needed(program: str, left_out: list[str]) -> None:
    shown = subprocess.run([sys.executable, "-c", f"{program}; import sys; print('loaded:', *sys.modules)"], capture_output=True, encoding="utf-8", check=True).stdout
    loaded = set(shown.rpartition("loaded:")[2].split())
    assert {"algebra2net"} <= loaded
    assert loaded.isdisjoint(left_out)


def test_the_command_knows_the_notations_that_there_are() -> None:
    from algebra2net.cli import READABLE
    from algebra2net.read import READERS

    assert set(READABLE) == set(READERS)


def test_all_that_is_promised_is_there() -> None:
    import algebra2net

    for name in algebra2net.__all__:
        assert name in dir(algebra2net)
        assert getattr(algebra2net, name).__name__ == name
    with pytest.raises(AttributeError, match="compiled"):
        algebra2net.compiled  # noqa: B018

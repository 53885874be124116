"""The sheet as a LaTeX document: balanced, in ASCII, and pdflatex compiles it where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from algebra2net import compile
from algebra2net.faces.document import ascii_text, escaped, letters
from algebra2net.gallery import entries

GALLERY = {entry.name: entry for entry in entries()}


def tex_of(name: str) -> str:
    return compile(GALLERY[name].program, wrt=GALLERY[name].wrt).tex()


@pytest.mark.parametrize("name", GALLERY)
def test_environments_and_braces_are_balanced(name):
    tex = tex_of(name)
    assert tex.isascii()
    begun, ended = (sorted(re.findall(rf"\\{word}\{{(\w+\*?)\}}", tex)) for word in ("begin", "end"))
    assert begun == ended
    body = re.sub(r"\\begin\{lstlisting\}.*?\\end\{lstlisting\}", "", tex, flags=re.DOTALL)
    bare = re.sub(r"\\[{}]", "", body)
    assert bare.count("{") == bare.count("}")


# fmt: off
ESCAPED = [
    ("a_b", r"a\_b"), ("50 % & more", r"50 \% \& more"), ("{x}", r"\{x\}"), ("a \\ b", r"a \textbackslash{} b"), ("x^2", r"x\textasciicircum{}2"),
    ("3 × 4", "3 x 4"), ("λ", "lambda"), ("語", "?"),
]
# fmt: on


@pytest.mark.parametrize(("text", "tex"), ESCAPED)
def test_text_is_escaped(text, tex):
    assert escaped(text) == tex


def test_letters_that_pdflatex_has_not_are_given_by_number():
    assert letters("x + ж") == r"x + \langle\mathtt{436}\rangle"
    assert ascii_text("∂L/∂W") == "dL/dW"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
@pytest.mark.parametrize("name", ["lstm", "attention", "transformer-block", "dropout", "gaussian"])
def test_pdflatex_compiles_it(name, tmp_path):
    (tmp_path / "sheet.tex").write_text(tex_of(name), encoding="utf-8")
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "sheet.tex"], cwd=tmp_path, capture_output=True, check=False)
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log[-2000:]
    assert not re.search(r"Overfull \\hbox \((\d{2,})", log), re.findall(r"Overfull[^\n]*\n[^\n]*", log)

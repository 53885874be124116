"""Which notation a text is in, by its look.

In    a program as text
Out   python, latex or plain
Idea  nothing of a reader is loaded to know that it is not the one: most texts are plain
"""

from __future__ import annotations

import re

from algebra2net.errors import NotationError

LONGEST = 1 << 20  # characters
ROOTS = {
    "np": "numpy", "numpy": "numpy", "math": "math", "jnp": "jax.numpy", "jax": "jax", "torch": "torch", "F": "torch.nn.functional", "nn": "torch.nn",
    "scipy": "scipy", "sp": "scipy", "special": "scipy.special", "anp": "autograd.numpy", "cp": "cupy", "cupy": "cupy", "tf": "tensorflow",
}  # fmt: skip


def recognised(source: str) -> str:
    """The notation that `source` is written in, by its look."""
    return "python" if looks_like_python(source) else "latex" if looks_like_latex(source) else "plain"


def looks_like_python(source: str) -> bool:
    """Whether `source` is Python rather than plain notation or LaTeX; what means the same in both may be either."""
    if len(source) > LONGEST or re.search(r"\\[A-Za-z]{2}|\$", code := _QUIET.sub(" ", source)):
        return False
    if _MAY_BE_SURE.search(code) and _SURE.search(code):
        return True
    lines = [line for line in code.split("\n") if _MAY_BE_LIKELY.search(line)]
    return any(_LIKELY.search(line) or (".T" in line and "@" in line) for line in lines) and _parses(source)


_QUIET = re.compile(r'#[^\n]*|"""[^"]*"""|"[^"\n]*"')
_SURE = re.compile(
    rf"""^[ \t]*(?:def[ ]+\w+[ ]*\( | import[ ]+\w | from[ ]+[\w.]+[ ]+import\b | return\b | assert\b | print[ ]*\( | @\w+ [ \t]*$)
      | ^[ \t]*(?:for|while|if|with|class)\b[^\n=]*:[ \t]*(?:$|\#)
      | \blambda[ \t]+\w+(?:[ \t]*,[ \t]*\w+)*[ \t]*:
      | \b(?:{"|".join(set(ROOTS) - {"F"})})\.[A-Za-z_]
      | \b[^\W\d]\w*(?:\([^()\n]*\)|\[[^\[\]\n]*\])?\.(?!(?:T|dot)\b)[A-Za-z_]\w*
      | [)\]]\.(?!(?:T|dot)\b)[A-Za-z_]\w*
      | [-+*/@]=(?!=)""",
    re.MULTILINE | re.VERBOSE,
)
_MAY_BE_SURE = re.compile(r"[.@]|[-+*/]=|\b(?:def|import|from|return|assert|print|for|while|if|with|class|lambda)\b")  # one of these is in all that it finds
# Signs that plain text and LaTeX may have by accident: of a line that has one, Python itself is asked.
_LIKELY = re.compile(
    r"""\*\* | // | ~ | \)\s*[&|]\s*\( | \bkeepdims\b | \belse\b | (?<!\w)\d+_\d | [A-Za-z]_(?![\w{]) | (?<!\w)_[A-Za-z] | (?<!\\)\\\s*$
      | \w\[[^\[\]]*: | \w\[\s*-?\d+\s*\] | \w\[["'] | ^\s*\w+\s*,\s*\w+[\w\s,]*=""",
    re.VERBOSE,
)
_MAY_BE_LIKELY = re.compile(r"[*/~&|_\\\[,@]|keepdims|else")


def _parses(source: str) -> bool:
    from algebra2net.python_text import Text, parsed  # Python's parser is loaded where there is a doubt

    try:
        parsed(Text(source))
    except NotationError:
        return False
    return True


_PLAIN_COMMANDS = r"odot|circ|cdot|top|intercal|mathsf|mathbb|times|in"  # these stand in plain text, too
_LOOK = re.compile(rf"\$|\\[(\[|]|\\\\|&\s*=|\\(?!(?:{_PLAIN_COMMANDS})(?![A-Za-z]))[A-Za-z]|[_^]\s+\{{|\w\s+_\s*\{{")
_NO_FORMULA = re.compile(r"#[^\n]*|\"\"\".*?\"\"\"|\'\'\'.*?\'\'\'", re.DOTALL)


def looks_like_latex(source: str) -> bool:
    """Whether a text is LaTeX by its look; `W_{0}`, `x^T` and `r^\\top` stand in plain text, too."""
    return _LOOK.search(_NO_FORMULA.sub("", source)) is not None

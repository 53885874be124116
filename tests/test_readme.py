"""What the README says of the table of operators and of the sheet is what they are: `pytest --rewrite` brings it up to date."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from algebra2net import compile, gallery
from algebra2net.operators import OPERATORS

README = Path(__file__).parent.parent / "README.md"
FAMILIES = ("elementwise", "rows", "reductions", "matrices", "losses", "noise", "arithmetic")


def public():
    return [record for record in OPERATORS.values() if not record.internal and record.name.isidentifier()]


def functions() -> str:
    """A row for each family."""
    rows = ["| family | functions |", "| --- | --- |"]
    for family in FAMILIES:
        names = [f"`{usage(record)}`" for record in public() if record.family == family]
        rows.append(f"| {'other' if family == 'arithmetic' else family} | {' '.join(names)} |")
    return "\n".join(rows)


def usage(record) -> str:
    operands = [f"[{name}]" if name in record.defaults else name for name in record.operands if name != "mask"]
    return f"{record.name}({', '.join([*operands, *(f'{option}=' for option in record.options)])})" if len(operands) > 1 or record.options else record.name


def kinks() -> str:
    """A row for each convention where there is no slope."""
    places = defaultdict(list)
    for record in public():
        if record.kink:
            places[record.kink].append(f"`{record.name}`")
    rows = ["| function | convention |", "| --- | --- |", *(f"| {', '.join(names)} | {kink} |" for kink, names in places.items())]
    return "\n".join([*rows, "| `<` `<=` `>` `>=` `==` `!=` | slope 0 everywhere |"])


def sheet() -> str:
    """What the README's first command prints, 100 columns wide."""
    return f"```\n{compile('l2 = relu(l0 W0) W1').sheet(100)}\n```"


@pytest.mark.parametrize("part", [sheet, functions, kinks], ids=lambda part: part.__name__)
def test_the_readme_is_up_to_date(part, request):
    text = README.read_text(encoding="utf8")
    marked = re.compile(rf"(<!-- {part.__name__} -->\n).*?(\n<!-- end -->)", re.DOTALL)
    if request.config.getoption("--rewrite"):
        README.write_text(marked.sub(lambda m: m[1] + part() + m[2], text), encoding="utf8")
        return
    found = marked.search(text)
    assert found is not None
    assert found[0] == f"<!-- {part.__name__} -->\n{part()}\n<!-- end -->"


@pytest.mark.parametrize("name", ["attention", "lstm"])
def test_the_pictures_in_the_readme_are_those_that_the_command_writes(name, expected):
    entry = gallery.find(name)
    assert f"tests/expected/{name}.svg" in README.read_text(encoding="utf8")
    expected(f"{name}.svg", compile(entry.program, wrt=entry.wrt).svg().rstrip("\n"))

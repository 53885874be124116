"""Expected texts: files in `tests/expected/`, read like prose in review; `pytest --rewrite` writes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

EXPECTED = Path(__file__).parent / "expected"
collect_ignore = ["fuzz.py"]  # a program of its own, and atheris is no part of the tests' requirements


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write the files in tests/expected/ anew, then look at what changed")


@pytest.fixture
def expected(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`expected("seed-80.txt", text)`: the file holds this text."""

    def check(name: str, text: str) -> None:
        file = EXPECTED / name
        if request.config.getoption("--rewrite"):
            file.parent.mkdir(exist_ok=True)
            file.write_text(text + "\n", encoding="utf-8")
        assert file.exists(), f"{file} is not there yet: pytest --rewrite"
        assert text + "\n" == file.read_text(encoding="utf-8")

    return check

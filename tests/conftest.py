"""What the tests share: how many random programs, and the files that hold what is expected.

`pytest --programs 10000`   so many random programs in place of 1,000; of them, the costly properties take every 25th
`pytest --rewrite`          writes the files in `tests/expected/` anew: texts, read like prose in review
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

EXPECTED = Path(__file__).parent / "expected"
PROGRAMS = 1_000
collect_ignore = ["fuzz.py"]  # a program of its own, and atheris is no part of the tests' requirements


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write the files in tests/expected/ anew, then look at what changed")
    parser.addoption("--programs", type=int, default=PROGRAMS, metavar="N", help=f"how many random programs are drawn ({PROGRAMS} unless told)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "share(n): of the random programs, this test takes every n-th")
    examples = max(10, config.getoption("--programs") // 25)
    is_repeatable = bool(os.environ.get("CI"))
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    settings.register_profile("quick", max_examples=examples, deadline=None, derandomize=is_repeatable, suppress_health_check=slow)
    settings.load_profile("quick")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a `seed` gets one for each random program, or for its share of them."""
    if "seed" in metafunc.fixturenames:
        share = next((mark.args[0] for mark in metafunc.definition.iter_markers("share")), 1)
        metafunc.parametrize("seed", range(0, metafunc.config.getoption("--programs"), share))


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

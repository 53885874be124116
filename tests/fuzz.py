"""Fuzzing without an end: `pip install atheris`, then `python tests/fuzz.py [-max_total_time=600]`.

Whatever the bytes say, `compile` gives a Net or an AlgebraError.
"""

from __future__ import annotations

import contextlib
import sys
import warnings

import atheris

with atheris.instrument_imports(include=["algebra2net"]):
    from algebra2net import AlgebraError, compile


def one_input(data: bytes) -> None:
    """A notation from the first byte, a program from the rest."""
    notation = ("auto", "plain", "latex", "python")[data[0] % 4] if data else "auto"
    text = data[1:].decode("utf8", "surrogatepass" if data[:1] > b"\x80" else "ignore")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(AlgebraError):
            compile(text, notation=notation)


def decodable(data: bytes) -> None:
    try:
        one_input(data)
    except UnicodeDecodeError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, decodable)
    atheris.Fuzz()

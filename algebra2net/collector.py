"""Python's cyclic garbage collector, resting while many small objects that all stay are made.

It visits everything that lives whenever that has grown by a quarter: a third of the time of a program of 4,000
equations, and nothing to collect. Only its start is put off; what is garbage by count goes at once as ever. What was
made meanwhile is filed with what has lived long, and only when a million objects have been is all of that looked at.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 2_000  # new objects, of a program of some ten layers; fewer are soon looked at
MOST = 1 << 20  # filed since the last look at all
_filed = 0


@contextmanager
def resting() -> Iterator[None]:
    """Put off collections until the end of the block; does nothing where they are off already."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        new = gc.get_count()[0]
        if new > MANY and not gc.get_freeze_count():
            _file(new)
        gc.enable()


def _file(new: int) -> None:
    """File all objects with what has lived long, without a look at each unless that is due."""
    global _filed
    _filed += new
    if _filed > MOST:
        _filed = 0
        gc.collect()
    gc.freeze()
    gc.unfreeze()

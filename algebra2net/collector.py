"""Python's cyclic garbage collector, resting while many small objects that all stay are made.

It visits everything that lives whenever that has grown by a quarter: a third of the time of a program of 4,000
equations, and nothing to collect. Only its start is put off; what is garbage by count goes at once as ever.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

MANY = 50_000  # new objects, of a program of a thousand layers


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
        if gc.get_count()[0] > MANY and not gc.get_freeze_count():
            gc.freeze()  # filed with what has lived long, without a look at each
            gc.unfreeze()
        gc.enable()

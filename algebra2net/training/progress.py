"""A progress bar, on a terminal, for a training that takes its time."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

LONG = 2.0  # seconds after which a training is a long one


class Progress:
    """The bar; nothing is shown, and rich not imported, before `LONG` seconds. `shown` says always or never in place of that."""

    def __init__(self, epochs: int, done: int, shown: bool | None) -> None:
        self.epochs = epochs
        self.first = done
        self.wanted = sys.stderr.isatty() if shown is None else shown
        self.forced = True if shown else None
        self.after = time.monotonic() + (LONG if shown is None else 0.0)
        self.bar: Bar | None = None
        self.task: TaskID

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.stop()

    def tell(self, done: float, words: str) -> None:
        """So many epochs are done."""
        if not self.wanted or (self.bar is None and time.monotonic() < self.after):
            return
        if self.bar is None:
            self._begin()
        assert self.bar is not None
        self.bar.update(self.task, completed=done, description=words)

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        self.bar = Bar(*columns, console=Console(stderr=True, force_terminal=self.forced), transient=True)
        self.task = self.bar.add_task("", total=self.epochs, completed=self.first)
        self.bar.start()

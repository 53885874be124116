"""What was worked out once, on disk for the next process: parsers, curves.

In    what is asked for, as a key, and how to work it out
Out   the same, read from a folder of the user's own where it was worked out before
Idea  nothing rests on it: where there is no such folder, or what lies there cannot be read, it is worked out again
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def folder() -> Path | None:
    """A folder of the user's own; None where there is no place to write one."""
    try:
        place = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "algebra2net"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return place if os.access(place, os.W_OK) else None


def remembered(kind: str, key: str, make: Callable[[], Any]) -> Any:
    """What `make` gives, of what JSON can hold; the `key` says all that it rests on."""
    place = folder()
    if place is None:
        return make()
    file = place / f"{kind}.json"
    try:
        known = json.loads(file.read_text(encoding="utf8"))
        return known[key]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = make()
    _keep(file, key, found)
    return found


def _keep(file: Path, key: str, found: Any) -> None:
    """Write it beside what is there, in one move: another process reads the old file or the new one."""
    try:
        known = json.loads(file.read_text(encoding="utf8"))
    except (OSError, ValueError):
        known = {}
    try:
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf8") as written:
            json.dump({**(known if isinstance(known, dict) else {}), key: found}, written)
        os.replace(written.name, file)
    except OSError:
        return

"""The page as a browser lays it out: nothing overflows or overlaps, every symbol is in the glossary and lights up."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from html import escape, unescape
from pathlib import Path

import numpy as np
import pytest

from algebra2net import compile
from algebra2net.gallery import entries

BROWSER = next((found for word in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(word))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")

PHONE, PRINT, LAPTOP = 390, 794, 1280
PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")
GALLERY = {entry.name: entry for entry in entries()}
SEED = "l2 = relu(l0 W0) W1"
CHAIN = "; ".join(f"l{k + 1} = relu(l{k} W{k} + b{k})" for k in range(20))
FROM_GALLERY = ("attention", "lstm", "layer-norm", "logistic-regression", "transformer-block", "two-heads")


@cache
def pages() -> dict[str, str]:
    """The pages that are looked at."""
    generator = np.random.default_rng(0)
    shapes = {"l0": (5, 3), "W0": (3, 4), "W1": (4, 1), "y": (5, 1)}
    seed = compile(SEED, shapes={"l0": 3, "l1": 4, "l2": 1}, loss="mse(l2, y)")
    found = {
        "seed": compile(SEED, shapes={"l0": 3, "l1": 4, "l2": 1}).html(),
        "numbers": seed.html(**{name: generator.normal(size=shape) for name, shape in shapes.items()}),
        "chain": compile(CHAIN, loss="mse(l20, y)").html(),
    }
    return found | {name: compile(GALLERY[name].program, wrt=GALLERY[name].wrt).html(title=GALLERY[name].title) for name in FROM_GALLERY}


def laid_out(tmp_path: Path, shown: dict[str, str], width: int, dark: bool = False) -> dict[str, tuple[int, str, list[str]]]:
    """What each page of this width says of itself: its width, its ground, and what is wrong with it."""
    frames = []
    for name, page in shown.items():
        script = f"<script>window.pageName={name!r};window.withScript={'true' if '<script>' in page else 'false'};{PROBE}</script>"
        frames.append(f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{escape(page.replace("</body>", script + "</body>"))}"></iframe>')
    file = tmp_path / "pages.html"
    file.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body>{"".join(frames)}</body>', encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,900", "--dump-dom"]
    options.append(f"--blink-settings=preferredColorScheme={0 if dark else 1}")
    done = subprocess.run([str(BROWSER), *options, file.as_uri()], capture_output=True, timeout=300, check=False)
    answers = (json.loads(unescape(text)) for text in re.findall(r'<pre class="probe">(.*?)</pre>', done.stdout.decode("utf-8"), re.DOTALL))
    return {name: (wide, ground, wrong) for name, wide, ground, wrong in answers}


@pytest.mark.parametrize("width", [PHONE, PRINT, LAPTOP])
def test_nothing_overflows_or_overlaps_and_every_symbol_lights_up(width, tmp_path):
    found = laid_out(tmp_path, pages(), width)
    assert set(found) == set(pages())
    assert {name: wrong for name, (_, _, wrong) in found.items() if wrong} == {}
    assert all(wide in (width, width - 15) for wide, _, _ in found.values())


def test_it_lights_up_without_a_script(tmp_path):
    page = re.sub(r"<script>.*?</script>", "", pages()["seed"], flags=re.DOTALL).replace("<noscript>", "").replace("</noscript>", "")
    found = laid_out(tmp_path, {"seed": page}, LAPTOP)
    assert found["seed"][2] == []


def test_it_is_dark_where_the_reader_has_it_so(tmp_path):
    light, dark = (laid_out(tmp_path, {"seed": pages()["seed"]}, LAPTOP, dark)["seed"] for dark in (False, True))
    assert light[1] == "rgb(251, 250, 247)"
    assert dark[1] == "rgb(20, 23, 28)"
    assert light[2] == dark[2] == []

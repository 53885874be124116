"""The map of a network: who takes what from whom."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from algebra2net import compile
from algebra2net.faces.wiring import Wiring
from algebra2net.gallery import entries

GALLERY = {entry.name: entry for entry in entries()}
CHAIN = "; ".join(f"l{k + 1} = relu(l{k} W{k})" for k in range(20))


def wiring_of(program: str) -> Wiring:
    page = compile(program)._page({})
    return Wiring(page.content, page.looks)


# fmt: off
MAPS = [
    # program                                            lines of the map                 what goes round         why
    ("l2 = relu(l0 W0) W1",                              ["l0", "l1", "l2"],              []),                     # a chain
    ("h = relu(x W); y = x + h V",                       ["x", "h", "y"],                 ["x to y"]),             # a residual link
    ("a = x W; b = x V; y = a * b",                      ["x", "a", "b", "y"],            ["x to b", "a to y"]),   # an input that is used twice
    ("h = x W + c V; y = h U + z",                       ["x", "c", "h", "y"],            ["x to h"]),             # z stands beside y
    (CHAIN,                                              ["l0", "l1", "l2", "…", "l20"],  []),                     # a long run
    (CHAIN + "; y = l20 + l3",                           ["l0", "l1", "l2", "l3", "l4", "l5", "l6", "…", "l20", "y"], ["l3 to y"]),
]
# fmt: on


@pytest.mark.parametrize(("program", "lines", "around"), MAPS)
def test_a_map_shows(program, lines, around):
    wiring = wiring_of(program)
    assert [stop.name.name if stop is not None else "…" for stop in wiring.shown] == lines
    assert [f"{name} to {to}" for name, targets in wiring.skips.items() for to in targets] == around


@pytest.mark.parametrize("name", GALLERY)
def test_ways_do_not_run_on_top_of_each_other(name):
    wiring = wiring_of(GALLERY[name].program)
    spans = [(lane, wiring.lines[source], max(wiring.lines[to] for to in wiring.skips[source])) for source, lane in wiring.lanes.items()]
    for k, (lane, start, end) in enumerate(spans):
        assert all(lane != other or end <= a or b <= start for other, a, b in spans[k + 1 :])
    svg = wiring.svg()
    if svg:
        ElementTree.fromstring(svg)


def test_a_single_value_needs_no_map():
    assert wiring_of("y = 1 + 2").svg() == ""


def test_it_is_told_in_words_too():
    svg = wiring_of("h = relu(x W); y = x + h V").svg()
    assert re.search(r"<desc[^>]*>h takes x, W; y takes x, h, V\.</desc>", svg)

"""`--html`, `--svg`, `--tex`, `--open`: the faces that are files."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import click
import pytest
from click.testing import CliRunner

from algebra2net import compile
from algebra2net.cli import main

SEED = "l2 = relu(l0 W0) W1"


# fmt: off
FILES = [
    ("--html", "<!DOCTYPE html>"),
    ("--svg",  '<?xml version="1.0"'),
    ("--tex",  r"\documentclass"),
]
# fmt: on


@pytest.mark.parametrize(("option", "start"), FILES)
def test_a_face_is_written_to_a_file(option, start, tmp_path):
    file = tmp_path / "sheet"
    done = CliRunner().invoke(main, [SEED, option, str(file)])
    assert done.exit_code == 0
    assert done.output == ""
    assert file.read_text(encoding="utf-8").startswith(start)


def test_several_at_once(tmp_path):
    page, picture = tmp_path / "a.html", tmp_path / "a.svg"
    done = CliRunner().invoke(main, [SEED, "--html", str(page), "--svg", str(picture), "--loss", "mse(l2, y)"])
    assert done.exit_code == 0
    assert page.read_text(encoding="utf-8") == compile(SEED, loss="mse(l2, y)").html()
    ElementTree.parse(picture)


def test_standard_output_is_a_file_too():
    done = CliRunner().invoke(main, [SEED, "--svg", "-"])
    assert done.output == compile(SEED).svg()


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    done = CliRunner().invoke(main, [SEED, "--html", str(tmp_path / "nowhere" / "a.html")])
    assert done.exit_code == 2
    assert "cannot be written" in done.output
    assert "Traceback" not in done.output


def test_open_shows_the_page(monkeypatch, tmp_path):
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    file = tmp_path / "sheet.html"
    assert CliRunner().invoke(main, [SEED, "--html", str(file), "--open"]).exit_code == 0
    assert opened == [str(file.resolve())]
    assert CliRunner().invoke(main, [SEED, "--open"]).exit_code == 0
    assert opened[1].endswith("sheet.html")

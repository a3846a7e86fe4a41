"""The documentation builds as a site without a warning, its pages that are generated are what the code generates, and it asks nothing of the network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jarvis_lib.cli.manual import page

ROOT = Path(__file__).parents[1]


def test_the_page_of_commands_is_what_the_command_line_says() -> None:
    """Else: python -m jarvis_lib.cli.manual > docs/COMMANDS.md"""
    assert (ROOT / "docs" / "COMMANDS.md").read_text(encoding="utf-8") == page()


def test_the_site_builds_without_a_warning_and_is_whole(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    site = tmp_path / "site"
    argv = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = sorted((ROOT / "docs").rglob("*.md"))
    assert {p.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for p in pages} <= {p.relative_to(site).as_posix() for p in site.rglob("*.html")}
    foreign = {
        url
        for html in site.rglob("*.html")
        for url in re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?(https?://[^\"' >]+)", html.read_text(encoding="utf-8"))
    }
    assert foreign == set(), "a page that asks somebody else for its parts"

"""`jarvis lab` opens the notebooks and looks at nothing outside."""

import json
import subprocess
from pathlib import Path

import pytest

from jarvis_lib.execution.lab import command, own_kernel, start
from jarvis_lib.model.fact import Refused


def test_jupyterlab_understands_every_switch(tmp_path: Path) -> None:
    """Its own reading of our command line: no news, no update check, no extension index, our folder."""
    ran = subprocess.run(command(tmp_path, ("--show-config-json",)), capture_output=True, text=True, check=True)
    told = json.loads(ran.stdout)
    assert told["LabApp"]["news_url"] in (None, "None")
    assert "NeverCheckForUpdate" in str(told["LabApp"]["check_for_updates_class"])
    assert told["LabApp"]["extension_manager"] == "readonly"
    assert str(tmp_path) in ran.stdout


def test_no_kernel_but_our_own_is_offered_from_the_workspace(tmp_path: Path) -> None:
    """What somebody laid there, also in place of the folder, is gone when JupyterLab starts: it would run whatever stands in it."""
    foreign = tmp_path / "data" / "jupyter" / "kernels" / "python3" / "kernel.json"
    foreign.parent.mkdir(parents=True)
    foreign.write_text('{"argv": ["/bin/false"]}')
    assert [p.name for p in (own_kernel(tmp_path) / "kernels").iterdir()] == ["jarvis"]
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "data" / "jupyter").rename(elsewhere)
    (tmp_path / "data" / "jupyter").symlink_to(elsewhere)
    top = own_kernel(tmp_path)
    assert not top.is_symlink() and json.loads((top / "kernels" / "jarvis" / "kernel.json").read_text())["display_name"] == "Jarvis"


def test_a_workspace_without_notebooks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="There is no folder"):
        start(tmp_path)

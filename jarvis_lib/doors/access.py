"""Who else on this machine may change what Jarvis runs as the person? Whoever can write the settings, a notebook or the journal decides about their nights."""

import grp
import os
import pwd
import stat
from pathlib import Path

from jarvis_lib.execution.sandbox.levels import OTHER_USER

WATCHED = (".", "jarvis.toml", "notebooks", "notebooks/reports", "notebooks/recipes", "data", "data/spool", "data/journal")
"""Below the workspace: where a name or a byte of somebody else's becomes a task, an approval, a setting or code."""


def open_to_others(home: Path) -> list[str]:
    """Who may write what of WATCHED, one short text for each ("everybody may write data"); empty where only the person (and root) may.

    A group is somebody else only if it has another member: many systems give each person a group of their own, and let it write.
    """
    found = []
    for name in WATCHED:
        try:
            state = (home / name).stat()
        except FileNotFoundError:
            continue
        shown = "the workspace" if name == "." else name
        if state.st_uid not in (0, os.geteuid(), OTHER_USER):
            found.append(f"{shown} belongs to {_person(state.st_uid)}")
        if state.st_mode & stat.S_IWOTH:
            found.append(f"everybody may write {shown}")
        elif state.st_mode & stat.S_IWGRP and _others_in(state.st_gid):
            found.append(f"the group {_group(state.st_gid)} may write {shown}")
    return found


def _others_in(group: int) -> bool:
    try:
        named = set(grp.getgrgid(group).gr_mem)
    except KeyError:
        named = set()
    return bool((named | {p.pw_name for p in pwd.getpwall() if p.pw_gid == group and p.pw_uid != 0}) - {_person(os.geteuid()), "root"})


def _person(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)

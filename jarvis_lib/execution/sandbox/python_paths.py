"""What must a jail show so that the Python that runs Jarvis runs in it too? Its folders, and the symbolic links on the way to them."""

import os
import sys
import sysconfig
from functools import cache
from pathlib import Path

import jarvis_lib

BASE = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix", "/gnu/store")
ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ssl", "ca-certificates", "ca-certificates.conf", "pki", "crypto-policies", "alternatives"),
    *(
        "localtime",
        "timezone",
        "mime.types",
        "fonts",
        "terminfo",
        "magic",
        "os-release",
        "debian_version",
        "ImageMagick-6",
        "R",
        "perl",
        "python3",
        "java-17-openjdk",
    ),
)
ETC_OF_A_NETWORK = ("resolv.conf", "hosts", "nsswitch.conf", "gai.conf", "services", "protocols", "host.conf")


@cache
def python_paths() -> tuple[Path, ...]:
    """Folders to be read, real paths, none inside of another or of the system's own: environment, base, libraries and this package."""
    wanted = [sys.prefix, sys.base_prefix, sys.base_exec_prefix, *(sysconfig.get_paths().get(n, "") for n in ("stdlib", "platstdlib", "purelib", "platlib"))]
    wanted += [str(Path(jarvis_lib.__file__).parent)]
    real = sorted({os.path.realpath(w) for w in wanted if w and os.path.isdir(w)})
    system = [os.path.realpath(b) for b in BASE]
    outer = [r for r in real if not any(Path(r).is_relative_to(o) for o in [*system, *(x for x in real if x != r)])]
    return tuple(Path(r) for r in outer)


@cache
def import_roots() -> tuple[Path, ...]:
    """The folder in which Python has to find this package by name, where it is none of `python_paths`: the clone of an editable installation."""
    root = Path(os.path.realpath(Path(jarvis_lib.__file__).parent.parent))
    shown = [*python_paths(), *(Path(os.path.realpath(b)) for b in BASE)]
    return () if any(root.is_relative_to(s) for s in shown) else (root,)


@cache
def import_folders() -> tuple[Path, ...]:
    """All other folders, outside of a virtual environment and the system, in which this Python looks for modules: clones and projects that are
    installed to be edited. A new file there, such as `sitecustomize.py`, is part of the next Python that starts."""
    shown = [*python_paths(), *(Path(os.path.realpath(b)) for b in BASE)]
    real = {Path(os.path.realpath(p)) for p in sys.path if p and os.path.isabs(p) and os.path.isdir(p)}
    return tuple(sorted(p for p in {*real, *import_roots()} if not any(p.is_relative_to(s) for s in shown)))


@cache
def python_links() -> tuple[tuple[str, str], ...]:
    """(link, target) of the symbolic links on the way to the program and its folders, but for those that lie inside of what is shown anyway."""
    found: dict[str, str] = {}
    for path in (sys.executable, sys.prefix, sys.base_prefix, sys.base_exec_prefix):
        for link, target in links_on(Path(os.path.abspath(path))):
            found[link] = target
    shown = [*python_paths(), *(Path(b) for b in BASE)]
    return tuple((link, target) for link, target in found.items() if not any(Path(link).is_relative_to(s) for s in shown))


def links_on(path: Path) -> list[tuple[str, str]]:
    """(link, target) of every symbolic link that is met on the way to `path`, in the order of the way."""
    met: list[tuple[str, str]] = []
    waiting, at = list(path.parts[1:]), Path(path.anchor)
    while waiting and len(met) < 40:
        at = at / waiting.pop(0)
        if at.is_symlink():
            target = os.readlink(at)
            met.append((str(at), target))
            onward = Path(os.path.normpath(at.parent / target)) if not os.path.isabs(target) else Path(os.path.normpath(target))
            waiting, at = [*onward.parts[1:], *waiting], Path(onward.anchor)
    return met

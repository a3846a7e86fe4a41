"""Which states can a disk be in after a power cut? A traced run is replayed up to a moment, and what was not synced may be lost or torn.

Two models. `ext4`: metadata goes through one ordered journal, and an fsync of a file commits all metadata before it. `posix`: a
name is durable only after an fsync of its folder. Data is durable after an fsync of its file. What is not durable is lost
(`lost`), survives by chance (`some`), survives by chance in 512-byte pieces (`torn`), or survives whole (`kept`: only the process died).
"""

import random
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

CALLS = "openat,open,creat,write,pwrite64,fsync,fdatasync,ftruncate,unlink,unlinkat,rename,renameat,renameat2,close,lseek"
MODELS = (("ext4", "kept"), ("ext4", "lost"), ("ext4", "some"), ("ext4", "torn"), ("posix", "lost"), ("posix", "some"), ("posix", "torn"))


@dataclass(frozen=True)
class Op:
    """One thing that a process did: create, write, truncate, rename, unlink, sync or ack."""

    kind: str
    node: str = ""
    name: str = ""
    to: str = ""
    at: int = 0
    data: bytes = b""


@dataclass
class Trace:
    """The operations of a run below `root`, and what was there before it."""

    root: Path
    ops: list[Op] = field(default_factory=list)
    before: dict[str, bytes] = field(default_factory=dict)

    @property
    def acked(self) -> list[str]:
        return [op.name for op in self.ops if op.kind == "ack"]


def record(root: Path, argv: Sequence[str], log: Path) -> Trace:
    """Run `argv` under strace. A line `ACK name` on stderr is an acknowledgement."""
    trace = Trace(root, before={p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()})
    command = ["strace", "-f", "-qq", "-xx", "-s", "4000000", "-e", f"trace={CALLS}", "-o", str(log), *argv]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    _Reader(trace).read(log)
    return trace


class _Reader:
    """strace's text as operations. Names are bound to nodes, so that a name that is used twice is two files."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.nodes = {name: f"old:{name}" for name in trace.before}
        self.sizes = {f"old:{name}": len(data) for name, data in trace.before.items()}
        self.open: dict[int, tuple[str, bool]] = {}
        self.position: dict[int, int] = {}

    def read(self, log: Path) -> None:
        unfinished: dict[str, str] = {}
        for line in log.read_text(errors="replace").splitlines():
            pid, _, text = line.partition(" ")
            text = text.strip()
            if text.endswith("<unfinished ...>"):
                unfinished[pid] = text.removesuffix("<unfinished ...>")
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
            if resumed:
                text = unfinished.pop(pid, "") + resumed.group(1)
            call = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)", text)
            if call and not call.group(3).startswith("-"):
                self.call(call.group(1), call.group(2), int(call.group(3)))

    def call(self, name: str, words: str, result: int) -> None:
        if name in ("open", "openat", "creat"):
            self.opened(words, result)
        elif name == "close":
            self.open.pop(int(words), None)
        elif name == "lseek":
            self.position[int(words.split(",")[0])] = result
        elif name in ("write", "pwrite64"):
            self.wrote(name, words, result)
        elif name in ("fsync", "fdatasync"):
            self.add("sync", self.open.get(int(words), ("", False))[0])
        elif name == "ftruncate":
            fd, size = words.split(",")
            self.add("truncate", self.open.get(int(fd), ("", False))[0], at=int(size))
        elif name.startswith(("rename", "unlink")):
            self.named(name, [self.below(p) for p in _texts(words)])

    def add(self, kind: str, node: str, **more: object) -> None:
        if node:
            self.trace.ops.append(Op(kind, node, **more))  # type: ignore[arg-type]  # the caller names fields of Op

    def below(self, path: bytes) -> str:
        text = path.decode(errors="replace")
        return text[len(str(self.trace.root)) + 1 :] if text.startswith(f"{self.trace.root}/") else ""

    def opened(self, words: str, fd: int) -> None:
        self.open.pop(fd, None)
        name = self.below(_texts(words)[0])
        if not name:
            return
        if "O_CREAT" in words and name not in self.nodes:
            self.nodes[name] = f"new{len(self.trace.ops)}:{name}"
            self.sizes[self.nodes[name]] = 0
            self.add("create", self.nodes[name], name=name)
        node = self.nodes.get(name, f"dir:{name}")
        if "O_TRUNC" in words:
            self.add("truncate", node, at=0)
            self.sizes[node] = 0
        self.open[fd], self.position[fd] = (node, "O_APPEND" in words), 0

    def wrote(self, name: str, words: str, count: int) -> None:
        fd, data = int(words.split(",")[0]), _texts(words)[0][:count]
        if fd == 2 and data.startswith(b"ACK "):
            self.trace.ops.append(Op("ack", name=data.split()[1].decode()))
        node, appends = self.open.get(fd, ("", False))
        if not node:
            return
        at = int(words.rsplit(",", 1)[1]) if name == "pwrite64" else self.sizes[node] if appends else self.position[fd]
        self.add("write", node, at=at, data=data)
        self.sizes[node] = max(self.sizes[node], at + count)
        if name == "write":
            self.position[fd] = at + count

    def named(self, call: str, names: list[str]) -> None:
        node = self.nodes.pop(names[0], "")
        if node and call.startswith("unlink"):
            self.add("unlink", node, name=names[0])
        elif node:
            self.nodes[names[1]] = node
            self.add("rename", node, name=names[0], to=names[1])


def _texts(words: str) -> list[bytes]:
    return [bytes.fromhex(t.replace("\\x", "")) for t in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', words)]


def state(trace: Trace, moment: int, model: str, fate: str, chance: random.Random) -> dict[str, bytes]:
    """The files after a power cut behind operation `moment`."""
    ops = trace.ops[:moment]
    nodes = {f"old:{name}": bytearray(data) for name, data in trace.before.items()}
    for i, op in enumerate(ops):
        if op.kind in ("write", "truncate"):
            durable = any(later.kind == "sync" and later.node == op.node for later in ops[i + 1 :])
            if fate == "kept" or durable or (fate != "lost" and chance.random() < 0.5):
                _put(nodes.setdefault(op.node, bytearray()), op, tear=chance if fate == "torn" and not durable else None)
    names = {name: f"old:{name}" for name in trace.before}
    for op in _names(ops, model, fate, chance):
        _rename(names, op)
    return {name: bytes(nodes.get(node, b"")) for name, node in names.items()}


def _put(content: bytearray, op: Op, *, tear: random.Random | None) -> None:
    if op.kind == "truncate":
        del content[op.at :]
        content.extend(b"\0" * (op.at - len(content)))
        return
    data = op.data if tear is None else op.data[: tear.randrange(0, len(op.data) + 1) // 512 * 512]
    if data:
        content.extend(b"\0" * (op.at - len(content)))
        content[op.at : op.at + len(data)] = data


def _names(ops: Sequence[Op], model: str, fate: str, chance: random.Random) -> list[Op]:
    """The changes of names that are on the disk."""
    changes = [(i, op) for i, op in enumerate(ops) if op.kind in ("create", "rename", "unlink")]
    if fate == "kept":
        return [op for _, op in changes]
    if model == "ext4":
        forced = max((i for i, op in enumerate(ops) if op.kind == "sync" and _commits(ops, i)), default=-1)
        after = [c for c in changes if c[0] > forced]
        survive = after[: 0 if fate == "lost" else chance.randint(0, len(after))]
        return [op for i, op in changes if i <= forced] + [op for _, op in survive]
    kept = []
    for i, op in changes:
        folder = (op.to or op.name).rpartition("/")[0]
        durable = any(o.kind == "sync" and o.node == f"dir:{folder}" for o in ops[i + 1 :])
        if durable or (fate != "lost" and chance.random() < 0.5):
            kept.append(op)
    return kept


def _commits(ops: Sequence[Op], i: int) -> bool:
    """An fsync commits the metadata journal when its folder is synced or its file is new or has changed its size."""
    node = ops[i].node
    return node.startswith("dir:") or any(o.node == node and o.kind in ("create", "rename", "truncate", "write") for o in ops[:i] if o.kind != "write" or o.at)


def _rename(names: dict[str, str], op: Op) -> None:
    if op.kind == "create":
        names[op.name] = op.node
        return
    if names.get(op.name) == op.node:
        names.pop(op.name)
    if op.kind == "rename":
        names[op.to] = op.node


def write(files: dict[str, bytes], root: Path) -> None:
    """Make the state real below `root`."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

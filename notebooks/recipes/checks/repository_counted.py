"""Do the figures of a repository's health hold? Counts them again by other commands of git.

Exit 0 with the counts, or 1 with what differs.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", required=True)
    parser.add_argument("--page", required=True)
    parser.add_argument("--figures", required=True)
    args = parser.parse_args()
    repository, figures = Path(args.repository), Path(args.figures)
    if not figures.is_file() or not Path(args.page).is_file():
        print(f"not there: {args.page} or its figures")
        return 1
    told = json.loads(figures.read_text(encoding="utf-8"))
    commit = told["commit"]
    blobs = [head[2] for line in git(repository, "ls-tree", "-r", commit).splitlines() if (head := line.split())[1] == "blob"]
    sizes = [int(n) for n in git(repository, "cat-file", "--batch-check=%(objectsize)", given="\n".join(blobs)).split()]
    counted = {
        "commit": git(repository, "rev-parse", "HEAD").strip(),
        "files": len(blobs),
        "bytes": sum(sizes),
        "commits": len(git(repository, "log", "--format=%H", commit).splitlines()),
    }
    wrong = [f"{name} is {now} and not {told[name]}" for name, now in counted.items() if told[name] != now]
    if told["largest"] and told["largest"][0][1] != max(sizes, default=0):
        wrong.append(f"the largest file has {max(sizes, default=0)} bytes and not {told['largest'][0][1]}")
    if wrong:
        print("; ".join(wrong))
        return 1
    print(f"{counted['files']:,} files, {counted['bytes']:,} bytes and {counted['commits']:,} commits counted again at {commit[:12]}: the same")
    return 0


def git(repository: Path, *words: str, given: str = "") -> str:
    safe = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", f"safe.directory={repository.resolve()}")
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(["git", *safe, "-C", str(repository), *words], input=given, capture_output=True, text=True, env=env, check=False)
    if done.returncode:
        raise SystemExit(f"git {words[0]} failed: {done.stderr.strip()[:200]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())

"""When did the person commit to a repository? Asks git for times and hashes, and never for content."""

from datetime import UTC, datetime
from pathlib import Path

from jarvis_lib.execution.repositories.git import last_words, ran
from jarvis_lib.model.fact import Refused


def commits(repository: Path, *, emails: tuple[str, ...], since: datetime | None) -> list[tuple[str, datetime]]:
    """(hash, time) of each commit on any branch whose author has one of `emails` (else git's own address there), oldest first.

    Raises Refused with one sentence when it is no repository, or nobody knows who the person is.
    """
    if not repository.is_dir():
        raise Refused(f"There is no folder {repository}; correct [patterns] repositories in jarvis.toml.", code="missing")
    _git(repository, "rev-parse", "--git-dir")
    own = emails or tuple(filter(None, [_git(repository, "config", "--default", "", "user.email").strip()]))
    if not own:
        raise Refused(f"Git knows no user.email for {repository}; name yours in [patterns] emails of jarvis.toml.", code="missing")
    wanted = {e.casefold() for e in own}
    limit = [f"--since={int(since.timestamp())}"] if since else []
    found = [line.split("\t", 2) for line in _git(repository, "log", "--all", "--no-merges", "--format=%H%x09%at%x09%ae", *limit).splitlines()]
    return sorted(((h, datetime.fromtimestamp(int(at), UTC)) for h, at, email in found if email.casefold() in wanted), key=lambda c: (c[1], c[0]))


def _git(repository: Path, *words: str) -> str:
    done = ran(repository, *words, own_settings=True, trusted=False)
    if done.returncode:
        raise Refused(f"{repository} is no git repository that can be read ({last_words(done)}); nothing of it was imported.", code="missing")
    return done.stdout.decode("utf-8", "replace")

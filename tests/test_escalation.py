"""What must stop at once is seen in a diff and in an agent's own words, and ordinary work raises no alarm."""

import pytest

from jarvis_lib.model.escalation import FileChange, in_cost, in_diff, in_text


def change(path: str, *added: str, removed: tuple[str, ...] = (), gone: bool = False) -> FileChange:
    return FileChange(path, gone, removed, added)


DIFFS = [
    ("data loss", change("data/users.db", gone=True)),
    ("data loss", change("db/backup.bak", gone=True)),
    ("data loss", change("warehouse/sales.parquet", gone=True)),
    ("data loss", change("app/migrations/0003_users.py", gone=True)),
    ("data loss", change("db/migrations/20260101.sql", gone=True)),
    ("data loss", change("app/clean.py", "    cur.execute('DROP TABLE users')")),
    ("data loss", change("schema.sql", "DROP DATABASE shop;")),
    ("data loss", change("schema.sql", "TRUNCATE TABLE orders;")),
    ("data loss", change("fix.sql", "DELETE FROM orders;")),
    ("data loss", change("app/m.py", "    db.drop_all()")),
    ("data loss", change("app/m.sql", "ALTER TABLE users DROP COLUMN mail;")),
    ("data loss", change("seed.js", "await mongoose.connection.dropDatabase()")),
    ("data loss", change("app/clean.py", "shutil.rmtree(DATA_DIR)")),
    ("security", change("app/http.py", "requests.get(url, verify=False)")),
    ("security", change("app/tls.py", "ctx.check_hostname = False")),
    ("security", change("app/tls.py", "ctx.verify_mode = ssl.CERT_NONE")),
    ("security", change("main.go", "InsecureSkipVerify: true,")),
    ("security", change("a.js", "rejectUnauthorized: false")),
    ("security", change("a.py", "@csrf_exempt")),
    ("security", change("api/views.py", "permission_classes = [AllowAny]")),
    ("security", change("deploy.sh", "chmod -R 777 /srv")),
    ("security", change("server.js", "res.setHeader('Access-Control-Allow-Origin', '*')")),
    ("security", change("app/auth.py", removed=("@login_required",))),
    ("security", change("app/auth/views.py", removed=("    if not check_password(user, given):",))),
    ("security", change("app/login.py", removed=("    authenticate(user)",))),
    ("breaking change", change("pyproject.toml", 'version = "2.0.0"', removed=('version = "1.9.3"',))),
    ("breaking change", change("package.json", '  "version": "4.0.0",', removed=('  "version": "3.2.1",',))),
]
TEXTS = [
    ("data loss", "I accidentally deleted the folder data/."),
    ("data loss", "I have mistakenly overwritten users.db."),
    ("data loss", "I inadvertently dropped the orders table."),
    ("data loss", "The database was lost during the change."),
    ("data loss", "Unfortunately the backups were destroyed."),
    ("data loss", "I was unable to recover the data."),
    ("data loss", "The data is corrupted now."),
    ("data loss", "I deleted the production database."),
    ("data loss", "I ran rm -rf on the data directory."),
    ("security", "I found credentials in the repository."),
    ("security", "config.py contains an API key."),
    ("security", "The log leaks passwords."),
    ("security", "The file exposes a private key."),
    ("security", "A critical security vulnerability was found."),
    ("security", "I disabled authentication to make the tests pass."),
    ("security", "I turned off certificate verification."),
    ("breaking change", "This is a breaking change for callers."),
    ("breaking change", "It is backwards incompatible."),
    ("breaking change", "BREAKING CHANGE: add() needs three arguments."),
]
QUIET_DIFFS = [
    change("src/sums.py", "return a + b", removed=("return a - b",)),
    change("README.md", "DROP TABLE removes a table."),
    change("docs/sql.md", "DELETE FROM orders;"),
    change("tests/test_db.py", "con.execute('DROP TABLE t')"),
    change("tests/fixtures/old.db", gone=True),
    change("src/old.py", gone=True),
    change("src/query.py", "cur.execute('DELETE FROM orders WHERE id = ?', [id])"),
    change("src/query.py", "select = 'SELECT * FROM orders'"),
    change("app/migrations/0004_add.py", "migrations.AddField('user', 'age')"),
    change("app/http.py", "requests.get(url, verify=True)"),
    change("app/http.py", "requests.get(url, timeout=5)"),
    change("app/auth.py", "@login_required", removed=("@login_required ",)),
    change("app/auth.py", "def greet(user):"),
    change("deploy.sh", "chmod 755 run"),
    change("pyproject.toml", 'version = "1.9.4"', removed=('version = "1.9.3"',)),
    change("package.json", '  "version": "3.3.0",', removed=('  "version": "3.2.1",',)),
    change("src/dropdown.py", "drop(table_cell)"),
    change("src/view.py", "items.truncate(10)"),
    change("frame.py", "df = df.drop(columns=['a'])"),
    change("frame.py", "df.drop_duplicates()"),
    change("src/list.rs", "list.drop_table_of_contents()"),
    change("a.js", "rejectUnauthorized: true"),
    change("server.js", "res.setHeader('Access-Control-Allow-Origin', 'https://example.org')"),
    change("src/clean.py", "shutil.rmtree(tmp_path)"),
    change("src/session_summary.py", "total += 1", removed=("total = total + 1",)),
    change("Cargo.toml", 'serde = "2.0"', removed=('serde = "1.0"',)),
]
QUIET_TEXTS = [
    "Done. I fixed the rounding and added a test.",
    "I removed the unused import.",
    "I deleted the unused helper function.",
    "I deleted two lines of dead code in sums.py.",
    "All 12 tests pass.",
    "The password field is now validated before the form is sent.",
    "I renamed the variable token to word.",
    "No data was changed.",
    "However, no data was lost.",
    "The data is not corrupted.",
    "The database schema is unchanged.",
    "I added a check of the API key's length.",
    "The change is backwards compatible.",
    "This is not a breaking change.",
    "There are no breaking changes.",
    "No credentials were found in the diff.",
    "I did not find any security vulnerabilities.",
    "No security vulnerabilities were found.",
    "The table of contents was sorted.",
    "I dropped the redundant column from the printed table.",
    "The cache was cleared in the test.",
    "Authentication is still required.",
    "I wrote the documentation of the login page.",
    "The old file was overwritten by the build, as it always is.",
    "Fixed a data race in the worker.",
    "Lost updates can no longer happen.",
    "The data is loaded once and kept.",
    "I restored the file from the base.",
    "The test data were moved to tests/data.",
    "The loss function is now computed in float64.",
    "The page says that backups are made every night.",
    "I documented how to recover a backup.",
    "The log no longer leaks anything.",
    "I removed the hard-coded path.",
    "Access to the counter is guarded by a lock.",
    "It found the token at position 3 of the line.",
]


@pytest.mark.parametrize(("rule", "one"), DIFFS, ids=[f"{i}-{c.path}" for i, (_, c) in enumerate(DIFFS)])
def test_a_diff_that_must_stop_is_told(rule: str, one: FileChange) -> None:
    assert [e.name for e in in_diff([one])] == [rule]


@pytest.mark.parametrize(("rule", "text"), TEXTS, ids=[t[:30] for _, t in TEXTS])
def test_words_that_must_stop_are_told(rule: str, text: str) -> None:
    (found,) = in_text(f"I looked at the code. {text} That is all.")
    assert (found.name, found.ok, found.detail["halt"]) == (rule, False, rule == "data loss")


@pytest.mark.parametrize("one", QUIET_DIFFS, ids=[f"{i}-{c.path}" for i, c in enumerate(QUIET_DIFFS)])
def test_an_ordinary_diff_raises_no_alarm(one: FileChange) -> None:
    assert in_diff([one]) == []


@pytest.mark.parametrize("text", QUIET_TEXTS, ids=[t[:30] for t in QUIET_TEXTS])
def test_ordinary_words_raise_no_alarm(text: str) -> None:
    assert in_text(text) == []


def test_there_are_enough_of_both() -> None:
    assert len(DIFFS) + len(TEXTS) >= 40 and len(QUIET_DIFFS) + len(QUIET_TEXTS) >= 60


def test_an_unknown_cost_is_no_alarm_and_no_zero() -> None:
    assert in_cost(None, 2.0) == [] and in_cost(2.0, 2.0) == [] and in_cost(9.0, 0) == []
    assert [e.name for e in in_cost(2.5, 2.0)] == ["cost"]

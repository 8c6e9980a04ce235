"""Through PgBouncer in transaction mode: each transaction may find itself on another connection of PostgreSQL."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from retrospec.storage.migrate import migrate
from tests.conftest import Client, make_key
from tests.servers.programs import START_S, end_with_parent, postgres, scratch, unprivileged
from tests.servers.test_faults import assert_each_once, sent_like_the_sdk
from tests.servers.test_many_processes import answering, large_settings, working

CONNECTIONS = 3
"""Of PostgreSQL, for three processes with several each: they change hands all the time."""


@contextmanager
def pooled(url: str) -> Iterator[str]:
    """The address of the database ``url`` through a PgBouncer of our own."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("no pgbouncer is installed (apt-get install pgbouncer)")
    folder = scratch("pooler")
    account = unprivileged()
    plain, _, host = url.partition("?host=")
    settings = [
        "[databases]", f"* = host={host} user=retrospec", "[pgbouncer]", "listen_port = 6432", f"unix_socket_dir = {folder}", "auth_type = any",
        "pool_mode = transaction", f"default_pool_size = {CONNECTIONS}", "max_client_conn = 200", "ignore_startup_parameters = options",
        f"logfile = {folder / 'log'}",
    ]  # fmt: skip
    (folder / "pgbouncer.ini").write_text("\n".join(settings) + "\n")
    given = {"user": account.pw_uid, "group": account.pw_gid} if account else {}
    if account:
        for each in (folder, folder / "pgbouncer.ini"):  # a server that ran in this process before keeps its files from others
            os.chown(each, account.pw_uid, account.pw_gid)
        folder.parent.chmod(folder.parent.stat().st_mode | 0o011)  # the run's own folder lets nobody else through
    said = (folder / "said").open("wb")
    with said, subprocess.Popen([program, folder / "pgbouncer.ini"], stdout=said, stderr=said, preexec_fn=end_with_parent, **given) as running:  # type: ignore[call-overload]
        try:
            address = f"{plain}?host={folder}&port=6432"
            _await_answer(address, running, folder)
            yield f"{address}&prepared_statements=off"
        finally:
            running.kill()


def _await_answer(address: str, running: "subprocess.Popen[bytes]", folder: Path) -> None:
    until = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError as error:
            told = "\n".join(each.read_text() for each in (folder / "said", folder / "log") if each.exists())
            assert running.poll() is None, f"PgBouncer ended with {running.returncode}: {told}"
            assert time.monotonic() < until, f"{error}\n{told}"
            time.sleep(0.05)


@pytest.mark.timeout(300)
def test_servers_and_workers_over_a_pooler_take_in_judge_and_count_each_session_once(tmp_path: Path) -> None:
    """From an empty database: migrations, locks, joined writes, the doorbell, leases, pages."""
    with ExitStack() as stack:
        address = stack.enter_context(pooled(postgres().new_database()))
        migrate(address)
        settings = [large_settings(tmp_path / name, tmp_path) for name in ("one", "other", "worker")]
        for each in settings:
            each.database.url = address
        key = make_key(settings[0])
        (_, one), (_, other) = (stack.enter_context(answering(each)) for each in settings[:2])
        stack.enter_context(working(settings[2]))
        clients = [Client(SimpleNamespace(url=url), key) for url in (one, other)]  # type: ignore[arg-type]
        names = [f"s{number}" for number in range(24)]
        with ThreadPoolExecutor(8) as threads:
            refusals = list(threads.map(lambda number: sent_like_the_sdk(clients[number % 2], names[number]), range(len(names))))
        assert refusals == [[]] * len(names)
        assert_each_once(clients[1], settings[0], names)
        for client in clients:
            client.http.close()

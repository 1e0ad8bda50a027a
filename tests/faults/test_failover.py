"""A ledger and a broker under several addresses: whoever takes changes now is found."""

import contextlib
import subprocess

import pytest
import redis
from peers import LOOPBACK, PostgresServer, Process, RedisServer, answers, free_port, wait_for
from programs import find_program
from sqlalchemy import text

from daemon import config, schema
from daemon.jobs import Doorbell
from daemon.records import failover
from daemon.records.ledger import Ledger, LedgerError


@pytest.mark.parametrize(
    ("url", "one", "places"),
    [
        ("postgresql://u@a/x", "postgresql://u@a/x", (("a", 5432),)),
        ("postgresql:///x?unix_sock=s", "postgresql:///x?unix_sock=s", None),
        (
            "postgresql://u:p@a:1,b/x?target_session_attrs=read-write",
            "postgresql://u:p@a:1/x",
            (("a", 1), ("b", 5432)),
        ),
        (
            "postgresql://a,b:2/x?application_name=o",
            "postgresql://a:5432/x?application_name=o",
            (("a", 5432), ("b", 2)),
        ),
    ],
)
def test_addresses_are_read_as_libpq_writes_them(url, one, places):
    assert failover.split(url) == (one, places and failover.Places(places))


def test_a_ledger_that_nobody_may_write_is_refused():
    with pytest.raises(ValueError, match="a ledger is written"):
        failover.split("postgresql://a,b/x?target_session_attrs=prefer-standby")


def sql(server, database, words):
    engine = Ledger(f"postgresql://osteoscreen@{LOOPBACK}:{server.port}/{database}").engine
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(words))
    engine.dispose()


def test_the_ledger_is_the_server_that_takes_changes_before_and_after_a_failover(
    postgres_server, tmp_path, monkeypatch
):
    """Two databases of one server stand for two servers: at first only the second is writable."""
    first, second = (postgres_server.new_database().rpartition("/")[2] for _ in range(2))
    with PostgresServer() as other:
        subprocess.run(
            [
                other._binary("createdb"),
                "-h",
                LOOPBACK,
                "-p",
                str(other.port),
                "-U",
                "osteoscreen",
                first,
            ],
            check=True,
        )
        both = f"{LOOPBACK}:{postgres_server.port},{LOOPBACK}:{other.port}"
        url = f"postgresql://osteoscreen@{both}/{first}?target_session_attrs=read-write"
        monkeypatch.setenv("OSTEOSCREEN_DATABASE_URL", url)
        read_only = f"ALTER DATABASE {first} SET default_transaction_read_only = "
        sql(postgres_server, second, read_only + "on")
        schema.migrate(config.load(tmp_path))
        ledger = Ledger(url)
        assert port_of(ledger) == other.port
        sql(postgres_server, second, read_only + "off")
        sql(other, "postgres", read_only + "on")
        ledger.engine.dispose()
        assert port_of(ledger) == postgres_server.port
    # the other is gone; a ledger of which nobody takes changes is away, and says where it looked
    sql(postgres_server, second, read_only + "on")
    ledger.engine.dispose()
    with pytest.raises(LedgerError, match=r"takes no changes; .*refused"):
        port_of(ledger)
    ledger.close()


def port_of(ledger):
    with ledger.read() as session:
        return int(session.scalar(text("SHOW port")))


class Sentinel(Process):
    """A real Redis Sentinel that alone decides who the master is."""

    def __init__(self, folder, master):
        super().__init__(folder)
        self.port, self.master = free_port(), master

    def command(self):
        path = self.folder / "sentinel.conf"
        path.write_text(
            f"port {self.port}\nbind {LOOPBACK}\ndir {self.folder}\n"
            f"sentinel monitor mymaster {LOOPBACK} {self.master.port} 1\n"
            "sentinel down-after-milliseconds mymaster 500\n"
            "sentinel failover-timeout mymaster 3000\n"
        )
        return [find_program("redis-server"), str(path), "--sentinel"]

    def is_ready(self):
        return answers(self.port)

    def knows(self, replica):
        """Say whether it has heard of a copy, and that this one follows its master."""
        with redis.Redis(LOOPBACK, self.port, decode_responses=True) as asked:
            copies = asked.sentinel_slaves("mymaster")
        return (replica.port, "ok") in {(one["port"], one["master-link-status"]) for one in copies}


class Replica(RedisServer):
    """A copy of another broker."""

    def __init__(self, folder, master):
        super().__init__(folder)
        self.master = master

    def command(self):
        return [*super().command(), "--replicaof", LOOPBACK, str(self.master.port)]


def test_rings_go_to_the_broker_that_the_sentinels_name_after_the_first_has_died(
    tmp_path, monkeypatch
):
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(RedisServer(tmp_path / "master"))
        replica = stack.enter_context(Replica(tmp_path / "replica", master))
        sentinel = stack.enter_context(Sentinel(tmp_path / "sentinel", master))
        url = f"sentinel://{LOOPBACK}:{free_port()};sentinel://{LOOPBACK}:{sentinel.port}"
        monkeypatch.setenv("OSTEOSCREEN_BROKER_URL", url)
        monkeypatch.setenv("OSTEOSCREEN_BROKER_MASTER", "mymaster")
        monkeypatch.setattr("daemon.jobs.AWAY_S", 0.0)
        doorbell = Doorbell(config.load(tmp_path))
        assert wait_for("the first", lambda: doorbell.screen("1.2.3", "cxr"))
        wait_for("it to have heard of the copy", lambda: sentinel.knows(replica))
        master.stop()
        assert wait_for("the other", lambda: doorbell.screen("1.2.4", "cxr"))
        doorbell.app.close()

"""Our listener inside a test, where what it stands on can be made to fail."""

import threading

from peers import free_port, wait_for

from daemon import config, schema, scu
from daemon.binding import open_sockets
from daemon.errors import DeliveryError
from daemon.records import peers as ledger_peers
from daemon.records import summary
from daemon.records.tables import Peer
from daemon.scp import Listener
from daemon.scu import Address
from daemon.spool import Spool


class ListenerHere:
    """A listener in a thread of this process, and CR1 its only peer."""

    def __init__(self, home, monkeypatch, **settings):
        self.port = free_port()
        monkeypatch.setenv("OSTEOSCREEN_PORT", str(self.port))
        for name, value in ({"host": "127.0.0.1"} | settings).items():
            monkeypatch.setenv(f"OSTEOSCREEN_{name.upper()}", str(value))
        self.settings = config.load(home)
        schema.migrate(self.settings)
        self.ledger = schema.open_ledger(self.settings)
        self.spool = Spool(self.settings.spool)
        self.spool.prepare()
        self.allow("CR1")
        listening = open_sockets(self.settings, self.port)
        self.listener = Listener(self.settings, self.ledger)
        self.thread = threading.Thread(target=self.listener.serve, args=(listening,), daemon=True)
        self.thread.start()
        wait_for("the listener", lambda: self.listener.serving)

    def stop(self):
        self.listener.stop()
        self.thread.join()
        self.ledger.close()

    def allow(self, aet, sends=True):
        peer = Peer(aet=aet, host="h", port=104, sends=sends, results="none", role="research")
        peer.sr_class = "1.2"
        ledger_peers.add(self.ledger, peer)

    def address(self, calling="CR1", called="OSTEOSCREEN"):
        return Address(called, "127.0.0.1", self.port, calling, timeout_s=5)

    def hears(self, address):
        """Say whether a call is let in; peers and titles that are new are known within a second."""
        try:
            scu.echo(address)
        except DeliveryError:
            return False
        return True

    def refusals(self):
        return [row["why"] for row in summary.status(self.ledger)["refused_associations"]]

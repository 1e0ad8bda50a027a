"""Hosts with homes of their own and one ledger, in one process: intake and files of each."""

import contextlib
import logging
import threading
from io import BytesIO

from peers import LOOPBACK, free_port, wait_for
from pydicom import Dataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from daemon import config, schema
from daemon.intake import Intake
from daemon.spool import Spool
from daemon.wado.__main__ import server_of

TOKEN = "0123456789abcdef0123456789abcdef"
CHEST = {"Modality": "DX", "BodyPartExamined": "CHEST", "ViewPosition": "PA"}


class Bell:
    """A doorbell that remembers."""

    def __init__(self):
        self.rung = []

    def screen(self, series_uid, exam, _alone=False):
        self.rung.append((series_uid, exam))
        return True


class Host:
    """One host: its home, its intake, and its files over WADO-RS while it is up."""

    def __init__(self, folder, name, url, port=None, **settings):
        self.name, self.port = name, port or free_port()
        ours = {"host_name": name, "files_port": self.port, "files_token": TOKEN}
        self.settings = config.load(folder / name).model_copy(
            update={"database_url": url, **ours, **settings}
        )
        self.settings.home.mkdir(exist_ok=True)
        self.ledger = schema.open_ledger(self.settings)
        self.spool, self.bell = Spool(self.settings.spool), Bell()
        self.spool.prepare()
        self.settings.outbox.mkdir(exist_ok=True)
        self.intake = Intake(self.settings, self.ledger, self.bell)
        self.intake._settle_s = dict.fromkeys(self.intake._settle_s, 0)

    @property
    def address(self):
        return f"http://{LOOPBACK}:{self.port}"

    def receive(self, *files):
        for content in files:
            self.spool.put(b"", content)

    @contextlib.contextmanager
    def up(self):
        """Serve this host's files."""
        settings = self.settings.model_copy(update={"files_host": LOOPBACK})
        server = server_of(settings, self.ledger)
        server.config.port, server.config.host = self.port, LOOPBACK
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        wait_for("its files", lambda: server.started)
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join()
            logging.getLogger("uvicorn").setLevel(logging.NOTSET)


def two_hosts(folder, url):
    """Return hosts a and b that know each other, on one ledger."""
    ports = {"a": free_port(), "b": free_port()}
    return [
        Host(
            folder,
            name,
            url,
            ports[name],
            holders={other: f"http://{LOOPBACK}:{ports[other]}"},
        )
        for name, other in (("a", "b"), ("b", "a"))
    ]


def part10(sop="1.2.3.1", series="1.2.3", syntax=ExplicitVRLittleEndian, **keywords):
    """Return a small file, a chest film unless it is told otherwise."""
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    ds.SOPInstanceUID, ds.SeriesInstanceUID, ds.StudyInstanceUID = sop, series, "1.2"
    for keyword, value in {**CHEST, **keywords}.items():
        setattr(ds, keyword, value)
    ds.ensure_file_meta()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.SourceApplicationEntityTitle = "CR1"
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()

"""A worker's bench, an intake that feeds it, and a ledger: the main path without its processes."""

from io import BytesIO

from pydicom import dcmwrite
from pydicom.uid import Comprehensive3DSRStorage

from daemon import config, schema
from daemon.intake import Intake
from daemon.records import deliveries, peers, summary
from daemon.records.tables import Peer, Stage
from daemon.spool import Spool
from workers import deliver, screen

MODEL, OTHER_MODEL = "cxr_osporscreen", "cxr_multimodal"


class Bell:
    """A doorbell that remembers what was rung for."""

    def __init__(self):
        self.screened, self.delivered = [], []

    def screen(self, series_uid, _exam, _alone=False):
        self.screened.append(series_uid)
        return True

    def deliver(self, delivery_id, alone=False):
        self.delivered.append(delivery_id)


class Site:
    """A worker's bench, and an intake to feed it."""

    def __init__(self, home, room):
        self.settings = config.load(home)
        schema.migrate(self.settings)
        self.ledger, self.bell = schema.open_ledger(self.settings), Bell()
        self.spool = Spool(self.settings.spool)
        self.spool.prepare()
        self.bench = screen.Bench(self.settings, self.ledger, self.bell, room)
        self.desk = deliver.Desk(self.settings, self.ledger, self.bell)
        self.intake = Intake(self.settings, self.ledger, self.bell)
        # one result a film; tests of several models switch it on
        peers.set_stage(self.ledger, OTHER_MODEL, Stage.OFF)
        self.intake._settle_s = dict.fromkeys(self.intake._settle_s, 0)

    def receive(self, ds):
        out = BytesIO()
        dcmwrite(out, ds, enforce_file_format=True)
        self.spool.put(b"", out.getvalue())
        self.intake.turn()

    def screen(self, ds):
        self.receive(ds)
        screen.screen(self.bench, ds.SeriesInstanceUID)
        return self.story(ds)

    def story(self, ds):
        [series] = summary.study(self.ledger, ds.StudyInstanceUID)["series"]
        return series

    def add(self, aet, port=104, results="all", role="research", sr=Comprehensive3DSRStorage):
        peer = Peer(aet=aet, host="127.0.0.1", port=port, sends=False, results=results, role=role)
        peer.sr_class = sr
        peers.add(self.ledger, peer)

    def stage(self, stage):
        peers.set_stage(self.ledger, MODEL, stage)

    def deliver(self):
        # as the sweep does
        deliveries.call_due(self.ledger)
        rung, self.bell.delivered = self.bell.delivered, []
        for delivery_id in rung:
            deliver.deliver(self.desk, delivery_id)

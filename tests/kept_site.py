"""A site in this process: an intake and a retention on one spool, and a worker made up of words."""

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any

from pydicom import Dataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from daemon import audit as audits
from daemon.intake import Intake
from daemon.records import claims, deliveries, results, summary
from daemon.records.ledger import now
from daemon.records.results import MadeObject, Outcome
from daemon.records.tables import SeriesState
from daemon.retention import Retention
from daemon.spool import Spool, write_durably


class Bell:
    """A doorbell that nobody hears."""

    def screen(self, *_):
        return True


@dataclass
class Site:
    """An intake and a retention on one spool, and a worker made of what it writes."""

    settings: Any
    ledger: Any

    def __post_init__(self):
        self.spool = Spool(self.settings.spool)
        self.spool.prepare()
        self.intake = Intake(self.settings, self.ledger, Bell())
        self.intake._settle_s = dict.fromkeys(self.intake._settle_s, 0)

    def purge(self, **policy):
        Retention(self.settings.model_copy(update=policy), self.ledger).turn()

    def receive(self, image="1.2.3.1", series="1.2.3", **keywords):
        self.spool.put(b"", part10(image, series, **keywords))
        self.intake.turn()

    def screen(self, series="1.2.3", receivers=("PACS",)):
        """Screen a queued series as a worker does, with one result for these receivers."""
        claimed = claims.claim(self.ledger, series)
        uid, content = f"2.25.{series}", b"a report"
        write_durably(self.settings.outbox / f"{uid}.dcm", content)
        digest = sha256(content).hexdigest()
        made = MadeObject(uid, "1.2.840.10008.5.1.4.1.1.88.34", "2.25", "SR", digest, receivers)
        assert results.keep(self.ledger, claimed, [outcome(made)])

    def deliver(self, series="1.2.3"):
        for delivery in self.sending(series):
            deliveries.sent(self.ledger, delivery, 0)

    def sending(self, series="1.2.3"):
        ring, *_ = deliveries.pending_of(self.ledger, series)
        return deliveries.claim(self.ledger, ring)

    def file(self, image="1.2.3.1", series="1.2.3"):
        return self.spool.place(series, image)

    def told(self, series="1.2.3"):
        return next(
            one
            for one in summary.study(self.ledger, "1.2")["series"]
            if one["SeriesInstanceUID"] == series
        )

    def problems(self):
        return audits.audit(self.settings, self.ledger)["problems"]


def outcome(*made):
    return Outcome(
        model="cxr_osporscreen",
        version="0.1",
        weights_sha256="d" * 64,
        key="k1",
        stage="research",
        state=SeriesState.SCREENED,
        reason=None,
        detail=None,
        flagged=True,
        result={},
        analysed_at=now(),
        objects=made,
    )


def part10(image, series, **keywords):
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    ds.SOPInstanceUID, ds.SeriesInstanceUID, ds.StudyInstanceUID = image, series, "1.2"
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "DX", "CHEST", "PA"
    ds.ensure_file_meta()
    for keyword, value in keywords.items():
        meta = keyword.endswith("ApplicationEntityTitle")
        setattr(ds.file_meta if meta else ds, keyword, value)
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()

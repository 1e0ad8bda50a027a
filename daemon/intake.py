"""From files in the spool to series in the queue: index, wait until quiet, classify, ring."""

import logging
import re
from datetime import UTC, datetime
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info

from daemon.config import Settings
from daemon.jobs import Doorbell
from daemon.logs import where
from daemon.records import arrivals, peers, retention
from daemon.records.arrivals import Arrival, Fate, Receipt
from daemon.records.ledger import Ledger, LedgerError
from daemon.records.tables import Series, SeriesState, Stage
from daemon.spool import PLAIN_UID, Spool, dataset_sha256
from engines import catalog, exams
from engines.errors import BadSeries, NotEligible, Reason, Verdict
from engines.exams import Exam
from engines.images import read_image

log = logging.getLogger(__name__)

BATCH = 200
NOT_IN_CS = re.compile(r"[^A-Z0-9_ ]")
"""What no code string may hold (PS3.5 6.2): whatever stands there is no modality."""
RADIOGRAPHS = ("CR", "DX", "RG")
INDEX_TAGS = [
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "SOPClassUID",
    "Modality",
]


class Intake:
    """The one writer of the index."""

    def __init__(self, settings: Settings, ledger: Ledger, doorbell: Doorbell) -> None:
        self._ledger = ledger
        self._doorbell = doorbell
        self._spool = Spool(settings.spool)
        self._settle_s = dict.fromkeys(RADIOGRAPHS, settings.radiograph_settle_s)
        self._volume_settle_s = settings.volume_settle_s

    def turn(self) -> bool:
        """Index what came and queue what is quiet; True when there may be more at once."""
        came = self.index_arrived()
        self.queue_settled()
        return came == BATCH

    def index_arrived(self) -> int:
        """Index one batch of received files; a crash at any point is healed by the next turn."""
        files = self._spool.arrived(BATCH)
        readable = []
        for file in files:
            arrival = _read(file)
            if arrival is None:
                detail = "no readable DICOM header, or a UID is missing"
                arrivals.set_aside(self._ledger, _receipt(file), detail)
                self._spool.set_aside(file)
            else:
                readable.append((file, arrival))
        fates = arrivals.index(self._ledger, [arrival for _, arrival in readable])
        for (file, arrival), fate in zip(readable, fates, strict=True):
            if fate is Fate.CONFLICT:
                self._spool.set_aside(file)
            else:
                self._spool.keep(file, arrival.SeriesInstanceUID, arrival.SOPInstanceUID)
        return len(files)

    def queue_settled(self) -> None:
        """Classify every quiet series from its headers; queue it and ring, or say why not."""
        for series in arrivals.quiet(self._ledger, self._settle_s, self._volume_settle_s):
            exam = self._judge(series)
            if isinstance(exam, Verdict):
                failed = isinstance(exam, BadSeries)
                state = SeriesState.FAILED if failed else SeriesState.SKIPPED
                arrivals.end(self._ledger, series, state, exam.reason, exam.detail)
            elif arrivals.queue(self._ledger, series, exam):
                self._doorbell.screen(series.SeriesInstanceUID, exam)

    def _judge(self, series: Series) -> Exam | Verdict:
        try:
            return self._classify(series)
        except Verdict as verdict:
            return verdict
        except (LedgerError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - the edge to bytes from outside: one series fails
            uid = series.SeriesInstanceUID
            log.error("event=classification-broke series=%s error=%s", uid, where(error))
            return BadSeries(Reason.INTERNAL_ERROR, where(error))

    def _classify(self, series: Series) -> Exam:
        purged, rule = retention.purged_images(self._ledger, series.SeriesInstanceUID)
        if purged:
            detail = f"{purged} of its images were purged ({rule}): send the whole series again"
            raise BadSeries(Reason.IMAGES_PURGED, detail)
        files = self._spool.series(series.SeriesInstanceUID)
        headers = [read_image(file, header_only=True) for file in files]
        uids = [str(header.SOPInstanceUID) for header in headers]
        if any(map(exams.own_result, headers)) or arrivals.made_by_us(self._ledger, uids):
            raise NotEligible(Reason.OWN_RESULT, "a result of osteoscreen that came back")
        exam = exams.classify(headers)
        if exam is None:
            detail = f"no examination that a model of ours reads: modality {series.modality}"
            raise NotEligible(Reason.EXAM_NOT_SCREENED, detail)
        if all(self._stage(model) is Stage.OFF for model in catalog.for_exam(exam)):
            raise NotEligible(Reason.NO_MODEL, f"no model for {exam} is switched on")
        return exam

    def _stage(self, model: catalog.Model) -> Stage:
        return peers.stage_of(self._ledger, model.CARD.model)


def _read(file: Path) -> Arrival | None:
    try:
        ds = dcmread(file, stop_before_pixels=True, specific_tags=list(INDEX_TAGS))
        return Arrival(
            receipt=_receipt(file),
            StudyInstanceUID=_uid(ds, "StudyInstanceUID"),
            SeriesInstanceUID=_uid(ds, "SeriesInstanceUID"),
            SOPInstanceUID=_uid(ds, "SOPInstanceUID"),
            SOPClassUID=_uid(ds, "SOPClassUID"),
            TransferSyntaxUID=str(ds.file_meta.TransferSyntaxUID),
            modality=NOT_IN_CS.sub("", str(ds.get("Modality") or ""))[:16],
        )
    except Exception as error:  # noqa: BLE001 - the edge to bytes from outside: kept aside
        log.warning("event=unreadable file=%s error=%s", file.name, where(error))
        return None


def _receipt(file: Path) -> Receipt:
    """Read what the listener wrote, which does not depend on the dataset being readable."""
    sha256, size_bytes = dataset_sha256(file.read_bytes())
    return Receipt(
        file=file.name,
        calling_aet=_sender(file),
        received_at=datetime.fromtimestamp(file.stat().st_mtime, UTC),
        sha256=sha256,
        size_bytes=size_bytes,
    )


def _sender(file: Path) -> str:
    try:
        meta = read_file_meta_info(file)
    except (InvalidDicomError, EOFError, ValueError):
        return ""
    return str(meta.get("SourceApplicationEntityTitle") or "")


def _uid(ds: Dataset, keyword: str) -> str:
    uid = str(ds.get(keyword) or "")
    if not PLAIN_UID.fullmatch(uid):
        raise InvalidDicomError(keyword)
    return uid

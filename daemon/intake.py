"""From files in the spool to series in the queue: index, wait until quiet, classify, ring."""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydicom import Dataset

from daemon import header, titles
from daemon.consigned import Consigned
from daemon.errors import HolderAway
from daemon.header import Received
from daemon.holdings import Holdings
from daemon.jobs import Doorbell
from daemon.logs import where
from daemon.pseudonyms import Pseudonyms
from daemon.records import arrivals, choice, claims, peers, retention, settling
from daemon.records.arrivals import Arrival, Fate, Receipt
from daemon.records.ledger import Ledger, LedgerError
from daemon.records.settling import Patience
from daemon.records.stillness import WallClock
from daemon.records.tables import Series, SeriesState, Stage
from daemon.rush import Rush
from daemon.settings import Settings
from daemon.spool import PLAIN_UID, Spool
from daemon.titles import TitleRules
from engines import card_index, exams, series_choice
from engines.cards import Card
from engines.errors import BadSeries, NotEligible, Reason, Verdict
from engines.exams import PER_STUDY, Exam
from engines.series_choice import Appraisal

log = logging.getLogger(__name__)

ASK_S = 1.0
"""How often the ledger is asked what is quiet though no file comes: others change it, too."""

UNREAD_AGAIN_S = 60.0
"""When a file is tried again that the disk did not give back."""

BATCH = 500
BATCH_BYTES = 64 << 20
"""Read between two commits: half a second at worst."""
NOT_IN_CS = re.compile(r"[^A-Z0-9_ ]")
"""What no code string may hold (PS3.5 6.2): whatever stands there is no modality."""
RADIOGRAPHS = ("CR", "DX", "RG")
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
READ = (*UIDS, "Modality", "PatientID", "AccessionNumber")
Purged = tuple[int, str] | None
"""How many images of a series are purged, and by which rule."""
Candidates = dict[tuple[str, Exam], list[tuple[Series, Appraisal]]]
"""The series of one study and exam that settle together."""
UNREADABLE = "no readable DICOM header, or a UID is missing"


@dataclass(frozen=True)
class Candidate:
    """A series that is screened if it is the best of its study."""

    exam: Exam
    appraisal: Appraisal


class Intake:
    """The one writer of the index."""

    def __init__(self, settings: Settings, ledger: Ledger, doorbell: Doorbell) -> None:
        self._ledger = ledger
        self._doorbell = doorbell
        self._spool = Spool(settings.spool)
        self._holdings, self._here = Holdings(settings, ledger), settings.here
        self._settle_s = dict.fromkeys(RADIOGRAPHS, settings.radiograph_settle_s)
        self._volume_settle_s = settings.volume_settle_s
        self._released_settle_s = settings.released_settle_s
        self._consigned = Consigned(self._spool)
        self._pseudonyms = Pseudonyms(settings.home)
        self._settings = settings
        self._clock = WallClock()
        self._longest_settle_s = settings.longest_settle_s
        # one look at the folder serves many batches: among thousands of files it is dear
        self._waiting: list[Path] = []
        self._rush = Rush()
        self._unread: dict[Path, float] = {}
        self._titles = titles.Titles(settings, ())
        self._watchful_until = self._ask_at = 0.0
        self._film_settle_s = settings.radiograph_settle_s

    def steps_back(self) -> bool:
        """Look what has come; tell whether to leave the machine to the door for now."""
        if not self._waiting:
            self._waiting = self._arrived()
            if self._rush.is_on(self._waiting[-1] if self._waiting else None):
                self._waiting.clear()
                return True
        return False

    def turn(self) -> bool:
        """Index what came and queue what is quiet; True when there is more at once."""
        came = self.index_arrived()
        moment = time.monotonic()
        if came:
            self._watchful_until = moment + self._film_settle_s + ASK_S
        # not while files wait: the next image of a series may be among those not indexed yet
        if not self._waiting and (moment < self._watchful_until or moment >= self._ask_at):
            self.queue_settled()
            self._ask_at = moment + ASK_S
        return bool(self._waiting)

    def index_arrived(self) -> bool:
        """Index one batch of received files; a crash at any point is healed by the next turn.

        Returns
        -------
        bool
            Whether there were any.
        """
        if not self._waiting:
            self._waiting = self._arrived()
        tried, files = self._look()
        arrived = [(file, self._arrival(file, received)) for file, received in files]
        self._keep([(file, arrival) for file, arrival in arrived if arrival])
        self._set_aside(
            [one for one, (_, arrival) in zip(files, arrived, strict=True) if not arrival]
        )
        del self._waiting[:tried]
        return bool(files)

    def _arrived(self) -> list[Path]:
        """Return the files to index: those that the disk gave back, or may give back by now."""
        files = self._spool.arrived()
        if self._unread:
            moment = time.monotonic()
            self._unread = {file: self._unread[file] for file in files if file in self._unread}
            files = [file for file in files if self._unread.get(file, 0.0) <= moment]
        return files

    def _look(self) -> tuple[int, list[tuple[Path, Received]]]:
        """Read the files of one batch; tell how many of those that wait were tried for it."""
        files: list[tuple[Path, Received]] = []
        tried = size_bytes = 0
        while tried < min(BATCH, len(self._waiting)) and size_bytes < BATCH_BYTES:
            file = self._waiting[tried]
            tried += 1
            try:
                received = header.look(file, READ)
            except FileNotFoundError:
                # moved by a turn that did not get to its end
                continue
            except OSError as error:
                log.error("event=unread file=%s errno=%s", file.name, error.errno)
                self._unread[file] = time.monotonic() + UNREAD_AGAIN_S
                continue
            files.append((file, received))
            size_bytes += received.size_bytes
        return tried, files

    def _arrival(self, file: Path, received: Received) -> Arrival | None:
        """Return what the index needs, None where the file does not say it."""
        values = received.values
        if values is None or not all(PLAIN_UID.fullmatch(values[uid]) for uid in UIDS):
            return None
        if not PLAIN_UID.fullmatch(received.TransferSyntaxUID):
            return None
        return Arrival(
            receipt=_receipt(file, received, self._here[0]),
            **{uid: values[uid] for uid in UIDS},
            TransferSyntaxUID=received.TransferSyntaxUID,
            modality=NOT_IN_CS.sub("", values["Modality"])[:16],
            patient_key=self._pseudonyms.of("PatientID", values["PatientID"]),
            accession_key=self._pseudonyms.of("AccessionNumber", values["AccessionNumber"]),
            called_aet=received.called_aet or None,
        )

    def _keep(self, readable: Sequence[tuple[Path, Arrival]]) -> None:
        fates = arrivals.index(self._ledger, [arrival for _, arrival in readable])
        kept, aside = [], []
        for (file, arrival), fate in zip(readable, fates, strict=True):
            if fate is Fate.SPARE:
                file.unlink()
            elif fate in arrivals.ASIDE:
                aside.append(file)
            else:
                place = self._spool.place(arrival.SeriesInstanceUID, arrival.SOPInstanceUID)
                kept.append((file, place))
                if fate is Fate.NEW and arrival.modality in PER_STUDY.values():
                    self._consigned.bring(arrival.SeriesInstanceUID, file)
        self._spool.keep(kept)
        self._spool.set_aside(aside)

    def _set_aside(self, unreadable: Sequence[tuple[Path, Received]]) -> None:
        receipts = [_receipt(file, received, self._here[0]) for file, received in unreadable]
        arrivals.set_aside(self._ledger, receipts, UNREADABLE)
        self._spool.set_aside([file for file, _ in unreadable])

    def queue_settled(self) -> None:
        """Judge every complete series by its headers; queue it and ring, or say why not."""
        if self._clock.stepped():
            settling.wait_anew(self._ledger)
        patience = Patience(
            self._settle_s,
            self._volume_settle_s,
            PER_STUDY.values(),
            self._released_settle_s,
            self._consigned.whole(),
            self._here,
        )
        self._settle(settling.quiet(self._ledger, patience))
        why = f"; images still came, or were missing, after {self._longest_settle_s:g} s"
        overdue = settling.overdue(self._ledger, self._longest_settle_s, self._here)
        self._settle(overdue, why)

    def _settle(self, complete: Sequence[Series], why: str = "") -> None:
        """Write down what becomes of some series, those of one fate together."""
        if not complete:
            return
        ours = arrivals.made_by_us(self._ledger, complete)
        purged = retention.purged_images(self._ledger, complete)
        self._titles = titles.today(self._settings, self._ledger)
        alike: dict[tuple[str, ...], tuple[Exam | Verdict, list[Series]]] = {}
        candidates: Candidates = {}
        for series in complete:
            uid = series.SeriesInstanceUID
            fate = self._judge(series, uid in ours, purged.get(uid))
            if fate is None:
                continue
            if isinstance(fate, Candidate):
                study = series.StudyInstanceUID, fate.exam
                candidates.setdefault(study, []).append((series, fate.appraisal))
                continue
            key = (fate.reason, fate.detail) if isinstance(fate, Verdict) else (fate,)
            alike.setdefault(key, (fate, []))[1].append(series)
        for fate, group in alike.values():
            if isinstance(fate, Verdict):
                failed = isinstance(fate, BadSeries)
                state = SeriesState.FAILED if failed else SeriesState.SKIPPED
                arrivals.end(self._ledger, group, state, fate.reason, fate.detail + why)
                continue
            self._ring(arrivals.queue(self._ledger, group, fate, why), fate)
        for (_, exam), judged in candidates.items():
            if self._may_lack_images(judged):
                continue
            best = choice.choose(self._ledger, exam, judged, why)
            self._ring([best] if best else [], exam)
            self._consigned.forget([series.SeriesInstanceUID for series, _ in judged])
        for _, group in alike.values():
            self._consigned.forget([series.SeriesInstanceUID for series in group])

    def _may_lack_images(self, judged: Sequence[tuple[Series, Appraisal]]) -> bool:
        """Tell whether series that seemed whole are not; from now on they wait like others."""
        whole = self._consigned.whole()
        doubtful = [
            series.SeriesInstanceUID
            for series, appraisal in judged
            if series.SeriesInstanceUID in whole
            and not (appraisal.gapless and whole[series.SeriesInstanceUID] == series.images)
        ]
        for series_uid in doubtful:
            self._consigned.doubt(series_uid)
        return bool(doubtful)

    def _ring(self, queued: Sequence[Series], exam: Exam) -> None:
        uids = [series.SeriesInstanceUID for series in queued]
        unheard = [uid for uid in uids if not self._doorbell.screen(uid, exam)]
        claims.not_rung(self._ledger, unheard)

    def _judge(
        self, series: Series, came_back: bool, purged: Purged
    ) -> Exam | Candidate | Verdict | None:
        """Return what becomes of a series; None while a host that holds some of it is away."""
        try:
            return self._classify(series, came_back, purged)
        except Verdict as verdict:
            return verdict
        except HolderAway:
            return None
        except LedgerError:
            raise
        except OSError as error:
            uid = series.SeriesInstanceUID
            log.error("event=unread series=%s errno=%s", uid, error.errno)
            detail = f"the disk does not give one of its files back: {error.strerror}"
            return BadSeries(Reason.HEADER_UNREADABLE, detail)
        except Exception as error:  # noqa: BLE001 - the edge to bytes from outside: one series fails
            uid = series.SeriesInstanceUID
            log.error("event=classification-broke series=%s error=%s", uid, where(error))
            return BadSeries(Reason.INTERNAL_ERROR, where(error))

    def _classify(self, series: Series, came_back: bool, purged: Purged) -> Exam | Candidate:
        if purged:
            images, rule = purged
            detail = f"{images} of its images were purged ({rule}): send the whole series again"
            raise BadSeries(Reason.IMAGES_PURGED, detail)
        with self._holdings.series(series.SeriesInstanceUID) as files:
            return self._classify_files(series, came_back, files)

    def _classify_files(
        self, series: Series, came_back: bool, files: Sequence[Path]
    ) -> Exam | Candidate:
        if len(files) < series.images:
            detail = f"{len(files)} of its {series.images} images are on the disk"
            raise BadSeries(Reason.INTERNAL_ERROR, detail)
        headers = [_header(file, exams.READ) for file in files]
        different = {id(header): header for header in headers}.values()
        if came_back or any(map(exams.own_result, different)):
            raise NotEligible(Reason.OWN_RESULT, "a result of osteoscreen that came back")
        exam = exams.classify(headers)
        if exam is None:
            detail = f"no examination that a model of ours reads: modality {series.modality}"
            raise NotEligible(Reason.EXAM_NOT_SCREENED, detail)
        title = self._titles.of(series.called_aet)
        if all(self._stage(card, title) is Stage.OFF for card in card_index.for_exam(exam)):
            raise NotEligible(Reason.NO_MODEL, f"no model for {exam} is switched on{title.told}")
        if exam not in PER_STUDY:
            return exam
        framed = any(map(series_choice.is_enhanced, different))
        read = header.excerpt_with_frames if framed else header.excerpt
        slices = [_header(file, series_choice.READ, read) for file in files]
        return Candidate(exam, series_choice.appraise(slices, title.rules))

    def _stage(self, card: Card, title: TitleRules) -> Stage:
        return title.stage_of(card.model, peers.stage_of(self._ledger, card.model))


def _header(
    file: Path,
    keywords: tuple[str, ...],
    read: Callable[[Path, tuple[str, ...]], Dataset] = header.excerpt,
) -> Dataset:
    try:
        return read(file, keywords)
    except OSError:
        raise
    except Exception as error:
        detail = f"the file cannot be read as DICOM ({type(error).__name__})"
        raise BadSeries(Reason.HEADER_UNREADABLE, detail) from error


def _receipt(file: Path, received: Received, holder: str) -> Receipt:
    """Return what is known of a file whether its data set can be read or not."""
    return Receipt(
        file=file.name,
        calling_aet=received.calling_aet,
        received_at=datetime.fromtimestamp(received.written_s, UTC),
        sha256=received.sha256,
        size_bytes=received.size_bytes,
        holder=holder,
    )

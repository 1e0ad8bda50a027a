"""Send files as a modality would: ``osteoscreen push``."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from rich.console import Console
from rich.progress import Progress

from daemon import scu
from daemon.errors import DeliveryError

BATCH = 50
"""Files held in memory at once."""


def push(address: scu.Address, paths: Sequence[Path]) -> None:
    """Send every DICOM file below the paths and say what was not stored.

    Raises
    ------
    DeliveryError
        If any object was not stored, or there was none to send.
    """
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    files = sorted(_files(paths))
    answers: list[scu.Answer] = []
    with Progress(console=notes) as progress:
        bar = progress.add_task(f"to {address.aet}", total=len(files))
        for start in range(0, len(files), BATCH):
            some = files[start : start + BATCH]
            datasets = [ds for file in some if (ds := _read(file)) is not None]
            answers += scu.store(address, datasets) if datasets else []
            progress.advance(bar, len(some))
    refused = [answer for answer in answers if not answer.stored]
    for answer in refused:
        notes.print(f"{answer.SOPInstanceUID}: {answer.detail}")
    stored, other = len(answers) - len(refused), len(files) - len(answers)
    left_out = f"; {other} files are no DICOM objects, left out" if other else ""
    Console(highlight=False).print(f"{stored} objects stored at {address.aet}{left_out}")
    if refused or not answers:
        raise DeliveryError(f"{len(refused)} of {len(answers)} objects were not stored")


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file())
        else:
            yield path


def _read(file: Path) -> Dataset | None:
    try:
        ds = dcmread(file)
    except (InvalidDicomError, OSError):
        return None
    # a DICOMDIR, for one, is DICOM but no object to store
    storable = "SOPClassUID" in ds and "SOPInstanceUID" in ds
    return ds if storable and "TransferSyntaxUID" in ds.file_meta else None

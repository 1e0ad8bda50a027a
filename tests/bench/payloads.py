"""Objects to send: the sizes a CT slice, a film and a small object have; no patient in them."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)
from pynetdicom.dsutils import encode, encode_file_meta


@dataclass(frozen=True)
class Payload:
    """A kind of object: 16 bits a pixel, uncompressed, and how many make one load."""

    name: str
    sop_class: str
    rows: int
    columns: int
    objects: int


CT_LIKE = Payload("ct", CTImageStorage, 512, 512, 100)
DX_LIKE = Payload("dx", DigitalXRayImageStorageForPresentation, 2560, 2000, 12)
TINY = Payload("tiny", MRImageStorage, 124, 124, 400)


@dataclass(frozen=True)
class Object:
    """One data set in Explicit VR Little Endian, as it goes over the wire."""

    sop_class: str
    uid: str
    data: bytes

    @property
    def digest(self) -> str:
        return sha256(self.data).hexdigest()


def make(payload: Payload, count: int | None = None) -> list[Object]:
    """Make objects of one new series, alike but for their UIDs."""
    ds = Dataset()
    ds.SOPClassUID = payload.sop_class
    ds.Modality = payload.name.upper()
    ds.PatientName, ds.PatientID = "Bench^Mark", "BENCH"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.Rows, ds.Columns = payload.rows, payload.columns
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    noise = np.random.default_rng(seed=1).bytes(payload.rows * payload.columns * 2)
    ds.add_new("PixelData", "OW", noise)
    return [_numbered(ds, number) for number in range(1, (count or payload.objects) + 1)]


def _numbered(ds: Dataset, number: int) -> Object:
    ds.SOPInstanceUID, ds.InstanceNumber = generate_uid(), number
    data = encode(ds, is_implicit_vr=False, is_little_endian=True)
    return Object(str(ds.SOPClassUID), str(ds.SOPInstanceUID), data)


def write_part10(folder: Path, one: Object) -> Path:
    """Write an object as DCMTK's senders read it, named by its UID."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = one.sop_class, one.uid
    meta.TransferSyntaxUID, meta.ImplementationClassUID = ExplicitVRLittleEndian, "1.2.276.0.1"
    path = folder / f"{one.uid}.dcm"
    path.write_bytes(bytes(128) + b"DICM" + encode_file_meta(meta) + one.data)
    return path

"""What real archives get wrong, each to be switched on by name."""

from enum import StrEnum


class Flaw(StrEnum):
    """A fault of a header, of a series or of a film's storage; none is ever drawn by chance."""

    #: BodyPartExamined and the anatomic region name another part of the body.
    WRONG_BODY_PART = "wrong-body-part"
    #: A hip's laterality names the other side; chest and pelvis, CT and MR slices lie in the
    #: archive mirrored, and the header says nothing of it.
    WRONG_SIDE = "wrong-side"
    #: The slice in the middle of a series is there twice, under two UIDs.
    DUPLICATE_SLICES = "duplicate-slices"
    #: One slice below the middle of a series is not there.
    MISSING_SLICE = "missing-slice"
    #: CT slices stand at 12 degrees to the table's axis. Films and MR have no gantry.
    GANTRY_TILT = "gantry-tilt"
    #: Instances are numbered against the maker's own direction.
    NEGATIVE_SLICE_ORDER = "negative-slice-order"
    #: Neither PatientAge nor a birth date.
    AGE_MISSING = "age-missing"
    #: PatientAge without leading zeros (real files say ``0Y``), no birth date.
    AGE_MALFORMED = "age-malformed"
    #: PatientAge ten years beside what the birth date says.
    AGE_CONTRADICTORY = "age-contradictory"
    #: Neither PatientSize nor PatientWeight.
    SIZE_MISSING = "size-missing"
    #: PatientSize in centimetres (seen in real files).
    SIZE_IN_CM = "size-in-cm"
    #: Pixels as JPEG 2000, without loss.
    LOSSLESS = "lossless"
    #: Pixels as JPEG 2000, with loss, and the header says so. The only images whose bytes may
    #: differ between machines: the encoder's arithmetic is its own.
    LOSSY = "lossy"
    #: Once compressed with loss by another system and expanded again; only the header still knows.
    ONCE_LOSSY = "once-lossy"
    #: ImageType says DERIVED and DerivationDescription why: an image made from images.
    DERIVED = "derived"
    #: Text in UTF-8 under a header that promises ISO 8859-1; shows where a name is not ASCII.
    WRONG_CHARSET = "wrong-charset"


NO_FLAWS: frozenset[Flaw] = frozenset()

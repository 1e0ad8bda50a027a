"""The verdicts of the science: every way a case can end without a result, with its reason."""

from enum import StrEnum


class Reason(StrEnum):
    """Code of a verdict, counted by ``osteoscreen status`` and written in every JSON output.

    The value is the code; codes are a contract and are never renamed.
    """

    # the series as a whole
    EXAM_NOT_SCREENED = "exam-not-screened"
    OWN_RESULT = "own-result"
    NO_MODEL = "no-model"
    HEADER_UNREADABLE = "header-unreadable"
    UID_CONFLICT = "uid-conflict"
    TRANSFER_SYNTAX_CHANGED = "transfer-syntax-changed"
    SERIES_IN_TWO_STUDIES = "series-in-two-studies"
    # who it is
    PATIENT_CONTRADICTORY = "patient-contradictory"
    AGE_MISSING = "age-missing"
    AGE_CONTRADICTORY = "age-contradictory"
    AGE_BELOW_MINIMUM = "age-below-minimum"
    SEX_MISSING = "sex-missing"
    SEX_CONTRADICTORY = "sex-contradictory"
    ANIMAL = "animal"
    # what it shows
    VIEW_NOT_FRONTAL = "view-not-frontal"
    VIEW_UNKNOWN = "view-unknown"
    BODY_PART_MISMATCH = "body-part-mismatch"
    UNLIKE_EXAM = "unlike-exam"
    UNLIKE_TRAINING = "unlike-training"
    # what kind of image it is
    NOT_FOR_PRESENTATION = "not-for-presentation"
    DERIVED_IMAGE = "derived-image"
    SCREENSHOT = "screenshot"
    # which series of a study it is
    ANOTHER_SERIES_CHOSEN = "another-series-chosen"
    LOCALIZER = "localizer"
    KERNEL_TOO_SHARP = "kernel-too-sharp"
    SEQUENCE_UNSUITABLE = "sequence-unsuitable"
    # how the slices of a scan lie
    GEOMETRY_MISSING = "geometry-missing"
    GEOMETRY_MIXED = "geometry-mixed"
    TOO_FEW_SLICES = "too-few-slices"
    SLICES_MISSING = "slices-missing"
    SLICES_CONTRADICTORY = "slices-contradictory"
    SCAN_OBLIQUE = "scan-oblique"
    SPINE_NOT_FOUND = "spine-not-found"
    LEVEL_UNCERTAIN = "level-uncertain"
    # which hips a film shows, and whether they can be read
    HIP_NOT_FOUND = "hip-not-found"
    HIP_CUT_OFF = "hip-cut-off"
    HIP_METAL = "hip-metal"
    LATERALITY_MISSING = "laterality-missing"
    LATERALITY_CONTRADICTORY = "laterality-contradictory"
    # faults
    PIXELS_MISSING = "pixels-missing"
    PIXELS_UNDECODABLE = "pixels-undecodable"
    PIXELS_CONSTANT = "pixels-constant"
    ENGINE_FAILED = "engine-failed"
    INTERNAL_ERROR = "internal-error"
    ATTEMPTS_EXHAUSTED = "attempts-exhausted"
    IMAGES_PURGED = "images-purged"


class Verdict(Exception):
    """A case ends without a result, for a stated reason.

    Parameters
    ----------
    reason : Reason
        The code that is counted.
    detail : str
        One plain sentence for the person who must act on it; no patient identity in it.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class NotEligible(Verdict):
    """The case is not one this model was made for: *skipped*, final, never a negative."""


class BadSeries(Verdict):
    """The case should have been screened but its data do not allow it: *failed*, final."""


class EngineMismatch(Exception):
    """Weights or engine are not what their manifest promises; a worker must not serve them."""

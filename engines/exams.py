"""What an image is, from its header alone."""

from enum import StrEnum


class Exam(StrEnum):
    """An examination we have models for; the value names its queue and its settings."""

    CHEST_XRAY = "cxr"
    HIP_XRAY = "hip"
    ABDOMEN_CT = "ct"
    HIP_MRI = "mri"

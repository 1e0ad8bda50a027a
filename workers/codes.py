"""Every coded concept that we write, in one place: no validator checks what a code means.

Codes of DCM, UCUM, LN and most of SCT are those of PS3.16 as pydicom lists them, and a test
compares them. ``NOT_IN_PS3_16`` names the few that PS3.16 does not have.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydicom.sr.coding import Code

from engines.exams import Exam


def _dcm(value: str, meaning: str) -> Code:
    return Code(value, "DCM", meaning)


def _sct(value: str, meaning: str) -> Code:
    return Code(value, "SCT", meaning)


#: Our own scheme, for what no standard that we know of has a code.
OWN_SCHEME: Final = "99OSTEOSCREEN"


def _own(value: str, meaning: str) -> Code:
    return Code(value, OWN_SCHEME, meaning)


# the document (TID 1500, 1204, 1002, 1004)
IMAGING_MEASUREMENT_REPORT: Final = _dcm("126000", "Imaging Measurement Report")
LANGUAGE: Final = _dcm("121049", "Language of Content Item and Descendants")
OBSERVER_TYPE: Final = _dcm("121005", "Observer Type")
DEVICE: Final = _dcm("121007", "Device")
DEVICE_OBSERVER_UID: Final = _dcm("121012", "Device Observer UID")
DEVICE_OBSERVER_NAME: Final = _dcm("121013", "Device Observer Name")
DEVICE_OBSERVER_MANUFACTURER: Final = _dcm("121014", "Device Observer Manufacturer")
DEVICE_OBSERVER_MODEL_NAME: Final = _dcm("121015", "Device Observer Model Name")
DEVICE_OBSERVER_SERIAL_NUMBER: Final = _dcm("121016", "Device Observer Serial Number")
PROCEDURE_REPORTED: Final = _dcm("121058", "Procedure reported")
IMAGE_LIBRARY: Final = _dcm("111028", "Image Library")
IMAGE_LIBRARY_GROUP: Final = _dcm("126200", "Image Library Group")
IMAGING_MEASUREMENTS: Final = _dcm("126010", "Imaging Measurements")
QUALITATIVE_EVALUATIONS: Final = Code("C0034375", "UMLS", "Qualitative Evaluations")
CAD_SUMMARY: Final = _dcm("111017", "CAD Processing and Findings Summary")
SUCCEEDED_WITH_FINDINGS: Final = _dcm("111242", "All algorithms succeeded; with findings")
SUCCEEDED_WITHOUT_FINDINGS: Final = _dcm("111241", "All algorithms succeeded; without findings")
NOTHING_SUCCEEDED: Final = _dcm("111245", "No algorithms succeeded; without findings")
COMMENT: Final = _dcm("121106", "Comment")

# a measurement group (TID 1410, 4019, 320)
MEASUREMENT_GROUP: Final = _dcm("125007", "Measurement Group")
TRACKING_IDENTIFIER: Final = _dcm("112039", "Tracking Identifier")
TRACKING_UNIQUE_IDENTIFIER: Final = _dcm("112040", "Tracking Unique Identifier")
FINDING: Final = _dcm("121071", "Finding")
FINDING_SITE: Final = _sct("363698007", "Finding Site")
LATERALITY: Final = _sct("272741003", "Laterality")
ALGORITHM_NAME: Final = _dcm("111001", "Algorithm Name")
ALGORITHM_VERSION: Final = _dcm("111003", "Algorithm Version")
ALGORITHM_MANUFACTURER: Final = _dcm("122405", "Algorithm Manufacturer")
ALGORITHM_PARAMETERS: Final = _dcm("111002", "Algorithm Parameters")
ALGORITHM_FAMILY: Final = _dcm("111000", "Algorithm Family")
ARTIFICIAL_INTELLIGENCE: Final = _dcm("123110", "Artificial Intelligence")
# of a method that was not learned: edges, thresholds and shapes
MORPHOLOGICAL_OPERATIONS: Final = _dcm("123104", "Morphological Operations")
PROBABILITY: Final = _dcm("122157", "Probability")
THRESHOLD_VALUE: Final = _dcm("122411", "Threshold Value")
THRESHOLD_ATTENUATION: Final = _dcm("112032", "Threshold Attenuation Coefficient")
IMAGE_REGION: Final = _dcm("111030", "Image Region")
VISUAL_EXPLANATION: Final = _dcm("130401", "Visual explanation")
NO_UNITS: Final = Code("1", "UCUM", "no units")
# PS3.16 asks for no name here, but OHIF fails on an item without one
SOURCE: Final = _sct("260753009", "Source")
BONE: Final = _sct("272673000", "Bone")

# purposes of reference outside the content tree
PROCESSING_EQUIPMENT: Final = _dcm("109102", "Processing Equipment")
SOURCE_IMAGE: Final = _dcm("121322", "Source image for image processing operation")

LANGUAGES: Final[Mapping[str, Code]] = MappingProxyType(
    {"en-US": Code("en-US", "RFC5646", "English (United States)")}
)

# the imaging procedure, not the algorithm (PS3.16 CID 100)
PROCEDURES: Final[Mapping[Exam, Code]] = MappingProxyType(
    {
        Exam.CHEST_XRAY: Code("43468-8", "LN", "XR unspecified body region"),
        Exam.HIP_XRAY: Code("43468-8", "LN", "XR unspecified body region"),
        Exam.ABDOMEN_CT: Code("25045-6", "LN", "CT unspecified body region"),
        Exam.HIP_MRI: Code("25056-3", "LN", "MRI unspecified body region"),
    }
)

# by ``Finding.name``
FINDINGS: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "osteoporosis": _sct("64859006", "Osteoporosis"),
        "osteopenia": _sct("312894000", "Osteopenia"),
        "vertebral fracture": _sct("42942008", "Compression fracture of vertebral column"),
        # what may come is no disease that there is
        "vertebral fracture within 5 years": _own(
            "VF-RISK", "Raised risk of vertebral fracture within 5 years"
        ),
        "femoral head osteonecrosis": _sct("444849002", "Avascular necrosis of bone of hip"),
        # what was measured and no more: a disease is for people to name
        "low trabecular attenuation": _own("LOW-HU", "Low trabecular attenuation"),
        "low skeletal muscle area": _own("LOW-SMA", "Low skeletal muscle area"),
        "low skeletal muscle index": _own("LOW-SMI", "Low skeletal muscle index"),
        "low skeletal muscle attenuation": _own("LOW-SMD", "Low skeletal muscle attenuation"),
    }
)

# by ``Finding.site`` and ``Measurement.site``
SITES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "chest": _sct("816094009", "Chest"),
        "abdomen": _sct("818981001", "Abdomen"),
        "spine": _sct("421060004", "Spine"),
        "lumbar spine": _sct("122496007", "Lumbar spine"),
        "T12 to L4": _own("T12-L4", "T12 to L4 vertebrae"),
        # of one vertebra, which two counts call differently
        "T12 or L1": _own("T12-OR-L1", "T12 or L1 vertebra"),
        "L1 or L2": _own("L1-OR-L2", "L1 or L2 vertebra"),
        "L2 or L3": _own("L2-OR-L3", "L2 or L3 vertebra"),
        "L3 or L4": _own("L3-OR-L4", "L3 or L4 vertebra"),
        "L4 or L5": _own("L4-OR-L5", "L4 or L5 vertebra"),
        "T9": _sct("82687006", "T9 vertebra"),
        "T10": _sct("7610001", "T10 vertebra"),
        "T11": _sct("12989004", "T11 vertebra"),
        "T12": _sct("23215003", "T12 vertebra"),
        "L1": _sct("66794005", "L1 vertebra"),
        "L2": _sct("14293000", "L2 vertebra"),
        "L3": _sct("36470004", "L3 vertebra"),
        "L4": _sct("11994002", "L4 vertebra"),
        "L5": _sct("49668003", "L5 vertebra"),
        "proximal femur": _sct("310651003", "Proximal Femur"),
        "femoral head": _sct("2812003", "Head of Femur"),
        "hip": _sct("24136001", "Hip joint"),
    }
)

SIDES: Final[Mapping[str, Code]] = MappingProxyType(
    {"L": _sct("7771000", "Left"), "R": _sct("24028007", "Right")}
)

# by ``Contour.what`` and ``Mask.what``: what was measured, where no finding is flagged
STRUCTURES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "trabecular bone": BONE,
        "vertebral body": BONE,
        "vertebra": BONE,
        "skeletal muscle": _sct("127954009", "Skeletal muscle"),
        "psoas muscle": _own("PSOAS", "Psoas muscle"),
        "paraspinal muscle": _own("PARASPINAL", "Paraspinal muscle"),
        "intermuscular fat": _own("IMAT", "Intermuscular fat"),
        "visceral fat": _own("VAT", "Visceral fat"),
        "subcutaneous fat": _own("SAT", "Subcutaneous fat"),
    }
)

_MEAN_ATTENUATION: Final = _dcm("112181", "Mean Attenuation Coefficient")
_AREA: Final = _sct("42798000", "Area")
# by ``Measurement.name``; flat concepts, for OHIF drops a derivation modifier
MEASUREMENTS: Final[Mapping[str, Code]] = MappingProxyType(
    {
        # of a model of several classes; of the worst class it is the finding's own probability
        "probability of normal": _own("P-NORMAL", "Probability of normal bone mass"),
        "probability of osteopenia": _own("P-OSTEOPENIA", "Probability of osteopenia"),
        "vertebral fracture risk at 2 years": _own(
            "VF-RISK-2Y", "Vertebral fracture risk, 2 years"
        ),
        "vertebral fracture risk at 3 years": _own(
            "VF-RISK-3Y", "Vertebral fracture risk, 3 years"
        ),
        "vertebral fracture risk at 5 years": _own(
            "VF-RISK-5Y", "Vertebral fracture risk, 5 years"
        ),
        "vertebral fracture score": _own("VF-SCORE", "Score of a fracture of this vertebra"),
        "probability of progression": _own("P-PROGRESSION", "Probability of progression"),
        "vessel length": _own("VESSEL-LENGTH", "Length of vessels"),
        "vessel branches": _own("VESSEL-BRANCHES", "Number of vessel branches"),
        "mean attenuation": _MEAN_ATTENUATION,
        "attenuation standard deviation": _dcm(
            "112183", "Standard Deviation of Attenuation Coefficient"
        ),
        "attenuation threshold": _dcm("112032", "Threshold Attenuation Coefficient"),
        "area": _AREA,
        "volume": _sct("118565006", "Volume"),
        "trabecular attenuation": _MEAN_ATTENUATION,
        "trabecular attenuation SD": _dcm(
            "112183", "Standard Deviation of Attenuation Coefficient"
        ),
        "trabecular area": _AREA,
        "trabecular volume": _sct("118565006", "Volume"),
        "vertebral height ratio": _own("VHR", "Lowest vertebral height ratio"),
        "anterior/posterior height ratio": _own("VHR-AP", "Anterior to posterior height ratio"),
        "middle/posterior height ratio": _own("VHR-MP", "Middle to posterior height ratio"),
        "posterior height ratio to neighbours": _own(
            "VHR-N", "Posterior to neighbours height ratio"
        ),
        "anterior height": _own("VH-A", "Anterior vertebral height"),
        "middle height": _own("VH-M", "Middle vertebral height"),
        "posterior height": _own("VH-P", "Posterior vertebral height"),
        "skeletal muscle area": _AREA,
        "skeletal muscle attenuation": _MEAN_ATTENUATION,
        "skeletal muscle index": _own("SMI", "Skeletal muscle index"),
        "film probability": _own("P-FILM", "Probability from the film alone"),
        "clinical probability": _own("P-CLIN", "Probability from clinical values alone"),
        "age attribution": _own("ATT-AGE", "Log odds added by age"),
        "sex attribution": _own("ATT-SEX", "Log odds added by sex"),
        "height attribution": _own("ATT-HEIGHT", "Log odds added by height"),
        "weight attribution": _own("ATT-WEIGHT", "Log odds added by weight"),
        "intermuscular fat area": _AREA,
        "visceral fat area": _AREA,
        "subcutaneous fat area": _AREA,
    }
)

# by ``Measurement.unit``
UNITS: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "1": NO_UNITS,
        "[hnsf'U]": Code("[hnsf'U]", "UCUM", "Hounsfield unit"),
        "mm": Code("mm", "UCUM", "mm"),
        "cm2": Code("cm2", "UCUM", "Centimeter**2"),
        "cm2/m2": Code("cm2/m2", "UCUM", "square centimeter per square meter"),
        "cm3": Code("cm3", "UCUM", "cubic centimeter"),
        "%": Code("%", "UCUM", "Percent"),
    }
)

# of a segment (PS3.16 CID 7150)
ANATOMICAL_STRUCTURE: Final = _sct("91723000", "Anatomical Structure")

# C0034375 is in the text of TID 1500 but in no context group. The SNOMED CT ones were read in
# several public FHIR sources, not in PS3.16. SNOMED CT codes outside PS3.16 need an
# affiliate licence in many countries: ask before shipping there.
NOT_IN_PS3_16: Final = frozenset(
    {"64859006", "312894000", "42942008", "444849002", "260753009", "C0034375", "en-US", "cm2/m2"}
)

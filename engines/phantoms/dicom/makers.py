"""Invented makers of devices, each with the manners of a real kind of scanner.

Modelled on headers of real files: which terms they use, how they write numbers and times, how CT
values are stored. The makers' and models' names are ours; the words for kernels and sequences are
those that real devices use, because other programs read them.
"""

from dataclasses import dataclass

import numpy as np

from engines.exams import Exam


@dataclass(frozen=True)
class FilmManner:
    """How a maker writes a radiograph.

    Attributes
    ----------
    modality : {'DX', 'CR'}
        Which IOD.
    bits : tuple of int
        BitsStored, one of these.
    inverted : bool
        MONOCHROME1: bone stored dark.
    shown_by : {'LINEAR', 'LINEAR_EXACT', 'SIGMOID', 'LUT'}
        VOI LUT Function of the window, or a VOI LUT instead of it.
    retired_codes : bool
        SRT codes of older devices instead of SNOMED CT.
    """

    modality: str
    bits: tuple[int, ...]
    inverted: bool
    shown_by: str
    retired_codes: bool


@dataclass(frozen=True)
class CtManner:
    """How a maker writes a CT slice.

    Attributes
    ----------
    signed, bits : bool, int
        PixelRepresentation, BitsStored.
    intercept_hu : int
        RescaleIntercept.
    padding : int or None
        Stored value outside the circle that was reconstructed, told in PixelPaddingValue.
    soft, standard, bone : str
        ConvolutionKernel, ever sharper.
    spiral : str
        ScanOptions.
    type_words : tuple of str
        What ImageType says after ORIGINAL, PRIMARY, AXIAL.
    from_head : bool
        Whether instance 1 is the slice nearest to the head.
    spacing_told : bool
        Whether SpacingBetweenSlices is written.
    """

    signed: bool
    bits: int
    intercept_hu: int
    padding: int | None
    soft: str
    standard: str
    bone: str
    spiral: str
    type_words: tuple[str, ...]
    from_head: bool
    spacing_told: bool


@dataclass(frozen=True)
class MrManner:
    """How a maker writes an MR slice.

    Attributes
    ----------
    field_t : float
        MagneticFieldStrength.
    body_part : {'HIP', 'PELVIS'}
        BodyPartExamined.
    type_words : tuple of str
        What ImageType says after ORIGINAL, PRIMARY.
    t1, stir : str
        SeriesDescription of the two contrasts.
    t1_sequence, stir_sequence : str
        SequenceName; empty where the maker writes none.
    """

    field_t: float
    body_part: str
    type_words: tuple[str, ...]
    t1: str
    stir: str
    t1_sequence: str
    stir_sequence: str


@dataclass(frozen=True)
class Maker:
    """A maker of devices and its manners.

    Attributes
    ----------
    name : str
        Manufacturer.
    models : dict
        ManufacturerModelName by exam.
    software : str
        SoftwareVersions.
    decimals : int
        Digits after the point that DS values have at least, 0 to 6.
    second_fraction : bool
        Whether times end in microseconds.
    private_creator : str
        Of a private block; empty for none.
    """

    name: str
    models: dict[Exam, str]
    software: str
    decimals: int
    second_fraction: bool
    private_creator: str
    film: FilmManner
    ct: CtManner
    mr: MrManner

    def ds(self, value: float) -> str:
        """Write a number as this maker does: exact to 1e-6, in at most 16 characters."""
        whole, _, rest = f"{value:.6f}".partition(".")
        kept = max(len(rest.rstrip("0")), self.decimals)
        return f"{whole}.{rest[:kept]}" if kept else whole


def _models(film: str, ct: str, mr: str) -> dict[Exam, str]:
    stands = {Exam.CHEST_XRAY: film, Exam.HIP_XRAY: film}
    return stands | {Exam.ABDOMEN_CT: ct, Exam.HIP_MRI: mr}


MAKERS = (
    Maker(
        "AURELIA MEDICAL",
        _models("Vesta XR 656", "LumaSpeed64", "Optara MR450"),
        "07MW11.10",
        decimals=6,
        second_fraction=False,
        private_creator="AUMS_IDEN_01",
        film=FilmManner("DX", (14,), False, "SIGMOID", retired_codes=True),
        ct=CtManner(
            signed=True,
            bits=16,
            intercept_hu=-1024,
            padding=-2000,
            soft="SOFT",
            standard="STANDARD",
            bone="BONEPLUS",
            spiral="HELICAL MODE",
            type_words=(),
            from_head=True,
            spacing_told=False,
        ),
        mr=MrManner(1.5, "PELVIS", ("OTHER",), "COR T1 HIPS", "COR STIR HIPS", "", ""),
    ),
    Maker(
        "Nordlicht Medizintechnik",
        _models("Fjell DR 2", "Polaris Definition 128", "Skagen 3T"),
        "NL 11 2020A",
        decimals=0,
        second_fraction=True,
        private_creator="NORDLICHT NL HEADER",
        film=FilmManner("DX", (12,), False, "LINEAR", retired_codes=False),
        ct=CtManner(
            signed=False,
            bits=12,
            intercept_hu=-1024,
            padding=None,
            soft="Br36d",
            standard="Br40d",
            bone="Br64d",
            spiral="",
            type_words=("CT_NL5 SPI",),
            from_head=True,
            spacing_told=False,
        ),
        mr=MrManner(
            3.0,
            "HIP",
            ("M", "NORM", "DIS2D"),
            "t1_tse_cor",
            "t2_tirm_cor",
            "*tse2d1_3",
            "*tir2d1_7",
        ),
    ),
    Maker(
        "Hanbit Imaging",
        _models("Digisaem DR-F", "Sori CT 256", "Gaya 3.0T"),
        "4.1.6",
        decimals=0,
        second_fraction=False,
        private_creator="",
        film=FilmManner("DX", (12, 15, 16), True, "LUT", retired_codes=False),
        ct=CtManner(
            signed=False,
            bits=12,
            intercept_hu=-1024,
            padding=None,
            soft="A",
            standard="B",
            bone="YB",
            spiral="HELIX",
            type_words=("HELIX",),
            from_head=False,
            spacing_told=True,
        ),
        mr=MrManner(3.0, "HIP", ("M_SE", "M", "SE"), "T1W_TSE_COR", "STIR_TSE_COR", "TSE", "TIR"),
    ),
    Maker(
        "KIRIHARA MEDICAL CO., LTD.",
        _models("KM-7000 IP Reader", "Asagiri ONE", "Vantara 1.5"),
        "V8.31ER004",
        decimals=0,
        second_fraction=True,
        private_creator="KMHD_1",
        film=FilmManner("CR", (10, 12), True, "LINEAR", retired_codes=False),
        ct=CtManner(
            signed=True,
            bits=16,
            intercept_hu=0,
            padding=-2048,
            soft="FC03",
            standard="FC08",
            bone="FC30",
            spiral="HELICAL_CT",
            type_words=(),
            from_head=True,
            spacing_told=False,
        ),
        mr=MrManner(1.5, "HIP", (), "T1 FSE COR", "STIR FSE COR", "FSE+12_T1", "FSE+10_IR"),
    ),
    Maker(
        "Ostara Systems",
        _models("Cassetta CR 30", "Orbis 32", "Halcyon 1.5T"),
        "2.0.118",
        decimals=2,
        second_fraction=False,
        private_creator="",
        film=FilmManner("CR", (8, 12), False, "LINEAR_EXACT", retired_codes=True),
        ct=CtManner(
            signed=False,
            bits=16,
            intercept_hu=-8192,
            padding=None,
            soft="Smooth",
            standard="Body",
            bone="Bone",
            spiral="HELICAL",
            type_words=(),
            from_head=False,
            spacing_told=True,
        ),
        mr=MrManner(1.5, "PELVIS", ("M",), "T1 cor", "STIR cor", "", ""),
    ),
)


def draw_maker(seed: int, stream: int) -> Maker:
    """Draw whose device takes an exam; never from the patient's bones."""
    return MAKERS[int(np.random.default_rng([seed, stream]).integers(len(MAKERS)))]

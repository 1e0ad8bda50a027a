"""What each part of the body measures in Hounsfield units, by tube voltage and contrast phase.

Values without contrast and enhancement at 120 kV are ours, in the usual range of abdominal CT; how
they change with the voltage follows from attenuation.
"""

from dataclasses import dataclass

import numpy as np

from engines.phantoms.body.solids import Solid, Tissue
from engines.phantoms.ct.protocol import CtProtocol, Phase
from engines.phantoms.matter import (
    ct_attenuation_per_mm,
    ct_weights,
    hu,
    iodine_attenuation_mm2_per_mg,
)

#: This module's random stream.
STREAM = 4402

#: At 120 kV without contrast; what is added in the arterial and in the portal venous phase.
_PARTS: dict[str, tuple[float, float, float]] = {
    "aorta": (44, 260, 115),
    "aortic arch": (44, 260, 115),
    "thoracic aorta": (44, 260, 115),
    "ascending aorta": (44, 260, 115),
    "iliac artery": (44, 240, 110),
    "mesenteric artery": (44, 220, 105),
    "renal artery": (44, 240, 110),
    "pulmonary": (44, 160, 105),
    "heart left": (44, 220, 105),
    "heart right": (44, 150, 100),
    "heart atria": (44, 180, 105),
    "heart muscle": (48, 60, 55),
    "upper caval vein": (44, 150, 100),
    "caval vein": (42, 30, 85),
    "iliac vein": (42, 6, 62),
    "renal vein": (42, 140, 120),
    "portal vein": (42, 80, 125),
    "splenic vein": (42, 100, 120),
    "mesenteric vein": (42, 60, 115),
    "hepatic vein": (42, 10, 110),
    "lung vessel": (42, 140, 100),
    "disc": (88, 0, 4),
    "dural sac": (26, 0, 5),
    "liver": (57, 14, 52),
    "spleen": (49, 65, 68),
    "kidney cortex": (34, 120, 150),
    "kidney medulla": (31, 28, 130),
    "kidney pelvis": (8, 0, 4),
    "pancreas": (40, 58, 52),
    "gall bladder": (9, 0, 0),
    "bladder": (4, 0, 2),
    "uterus": (44, 30, 55),
    "prostate": (40, 20, 35),
    "stomach wall": (40, 35, 45),
    "duodenum": (38, 35, 45),
    "small bowel content": (14, 0, 0),
    "small bowel": (38, 35, 48),
    "stomach content": (18, 0, 0),
    "colon stool": (38, 0, 0),
    "colon wall": (38, 18, 32),
    "skin": (10, 0, 4),
    "bladder wall": (38, 8, 25),
    "breast gland": (30, 5, 12),
}

#: Filled with oral contrast medium, at 120 kV.
_ORAL = {"small bowel content": 190.0, "stomach content": 130.0, "colon stool": 60.0}

#: Tissues that are no named part. Metal is clipped by the scanner's range in any case.
_TISSUES: dict[Tissue, tuple[float, float, float]] = {
    Tissue.FAT: (-104, 0, 1),
    Tissue.MUSCLE: (56, 4, 10),
    Tissue.ORGAN: (42, 25, 45),
    Tissue.BLOOD: (43, 120, 105),
    Tissue.FLUID: (8, 0, 1),
    Tissue.LUNG: (-830, 8, 12),
    Tissue.AIR: (-1000, 0, 0),
}

#: What contrast medium adds to spongy bone of L1 at 120 kV on average, HU: Grunewald, ESR abstract,
#: +14.4 late arterial and +25.7 portal venous in 288 patients; +11.2 where scans with contrast
#: medium were compared with scans without (157 patients).
BONE_ENHANCEMENT_HU = {
    Phase.NONE: 0.0,
    Phase.ARTERIAL: 14.4,
    Phase.PORTAL_VENOUS: 25.7,
    Phase.UNKNOWN: 11.2,
}

#: How much exams differ (ours): bone fills steeply from 17 to 42 s, so that an arterial phase finds
#: anything from nothing to twice the mean, and a scan of unknown phase nearly the portal venous.
_PORTAL_SPREAD = 0.25


@dataclass(frozen=True)
class Attenuation:
    """Hounsfield units of one exam.

    Attributes
    ----------
    protocol : CtProtocol
        Voltage and phase.
    iodine : float
        What the contrast medium adds against 120 kV and a usual dose.
    filled : float
        How far spongy bone has filled against the mean of such exams; organs of an exam of unknown
        phase follow it.
    """

    protocol: CtProtocol
    iodine: float
    filled: float = 1.0

    def of(self, solid: Solid) -> float:
        """Return the Hounsfield units of a solid."""
        kvp = self.protocol.kvp
        plain, added = self._plain(solid)
        if solid.tissue in (Tissue.TITANIUM, Tissue.STEEL, Tissue.CEMENT, Tissue.CARTILAGE):
            return hu(solid.tissue, kvp)
        return plain + hu(solid.tissue, kvp) - hu(solid.tissue, 120) + self.iodine * added

    def _plain(self, solid: Solid) -> tuple[float, float]:
        row = _TISSUES.get(solid.tissue, (0.0, 0.0, 0.0))
        if solid.tissue not in (Tissue.FAT, Tissue.AIR):
            named = [key for key in _PARTS if solid.name.startswith(key)]
            row = _PARTS[max(named, key=len)] if named else row
        portal = BONE_ENHANCEMENT_HU[Phase.UNKNOWN] / BONE_ENHANCEMENT_HU[Phase.PORTAL_VENOUS]
        added = {
            Phase.NONE: 0.0,
            Phase.ARTERIAL: row[1],
            Phase.PORTAL_VENOUS: row[2],
            Phase.UNKNOWN: row[2] * portal * self.filled,
        }
        plain = row[0]
        if self.protocol.oral_contrast and solid.tissue is Tissue.FLUID:
            plain = _ORAL.get(solid.name, plain)
        return plain, added[self.protocol.phase]

    @property
    def bone_hu(self) -> float:
        """What the contrast medium adds to spongy bone."""
        mean = BONE_ENHANCEMENT_HU[self.protocol.phase] * self.filled
        return mean * _iodine_against_120(self.protocol.kvp)

    @property
    def hu_per_mg_cm3(self) -> float:
        """Slope of hydroxyapatite."""
        return (hu(200.0, self.protocol.kvp) - hu(0.0, self.protocol.kvp)) / 200


def attenuation(protocol: CtProtocol, seed: int) -> Attenuation:
    """Draw how well this exam's contrast medium has arrived."""
    rng = np.random.default_rng([seed, STREAM])
    dose = float(np.clip(rng.normal(1.0, 0.14), 0.6, 1.4))
    early = float(rng.uniform(0, 2))
    late = 1 + _PORTAL_SPREAD * float(np.clip(rng.normal(), -3, 3))
    filled = late if protocol.phase is Phase.PORTAL_VENOUS else early
    return Attenuation(protocol, dose * _iodine_against_120(protocol.kvp), filled)


def _iodine_against_120(kvp: int) -> float:
    def contrast(kv: int) -> float:
        energies, weight = ct_weights(kv)
        iodine = float(weight @ iodine_attenuation_mm2_per_mg(energies))
        return iodine / ct_attenuation_per_mm("water", kv)

    return contrast(kvp) / contrast(120)

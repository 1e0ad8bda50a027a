"""What the hip MRI system of Yantai claims, what cannot be right of it, and where we depart."""

from engines.cards import Card, Claim
from engines.exams import Exam

_PAPER = "Kong G et al. JMIR Med Inform 2025;13:e66727"

CARD = Card(
    model="onfh_mri",
    title="Hip MRI osteonecrosis score",
    exam=Exam.HIP_MRI,
    paper=_PAPER,
    claims=(
        Claim(
            "MobileNetV3-Large, lesion or normal by slice: accuracy 96.5 % (95.1 to 97.8), recall "
            "94.8 %; DenseNet201 87.3 %; 30 patients, split by slice, not by patient",
            _PAPER,
        ),
        Claim(
            "Progression by an LSTM: AUC 0.92 (0.90 to 0.94); ResNet50 0.85; 30 patients",
            _PAPER,
        ),
        Claim(
            "Not reproducible as reported: 1,200 slices are said, 900 are counted; the same model "
            "is also given as 91.3 %; the interval is too narrow for 135 test slices",
            "read by us in the paper",
        ),
    ),
    deviations=(
        "Osteonecrosis is not osteoporosis: a research module, off by default.",
        "Split by patient, figures by hip; the paper splits by slice.",
        "Sequence: coronal T1; not stated by the paper.",
        "Femoral heads: found as balls by their edge; each hip is cut out, a right one mirrored.",
        "Network of the reference weights: MobileNetV3-Small at 64 px; MobileNetV3-Large and the "
        "other networks by configuration. A PointRend step that the paper mentions is left out.",
        "Slice to hip: mean of the highest slices; loss, optimiser, schedule: not stated.",
        "LSTM: over what the slice network made of each dated visit; progression is a joint "
        "surface that sinks by 0.5 mm or more until the next visit; not stated by the paper.",
        "Vessel length: refused unless a site names a vessel-capable sequence; not an "
        "established measurement on routine MRI.",
        "No stage (ARCO, Steinberg): that needs radiographs too.",
        "Heat map: Grad-CAM of the highest slice.",
    ),
    of_density=False,
    off_by_default=True,
    reads_visits=True,
)

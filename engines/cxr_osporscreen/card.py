"""What Jang 2022 claims, and where we depart from it."""

from engines.cards import Card, Claim
from engines.exams import Exam

_PAPER = "Jang M et al. J Bone Miner Res 2022;37(2):369-377"

CARD = Card(
    model="cxr_osporscreen",
    title="Chest film osteoporosis score",
    exam=Exam.CHEST_XRAY,
    paper=_PAPER,
    claims=(
        Claim("AUC 0.91 (0.90 to 0.92), internal test on health-screening films", _PAPER),
        Claim("AUC 0.88 (0.85 to 0.90) on 1,089 films of another cohort, external test", _PAPER),
    ),
    deviations=(
        "Backbone: a small residual network of our own; not stated by the paper.",
        "Input size and film region: parameters; the values that the paper preferred are not "
        "known to us.",
        "Loss, optimiser, schedule and augmentation: ours, not stated by the paper.",
        "Operating point: chosen on virtual patients; not stated by the paper.",
        "Heat map: class activation map of a linear head, which equals Grad-CAM.",
    ),
)

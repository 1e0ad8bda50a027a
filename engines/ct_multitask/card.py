"""What Kong 2025 claims for fractures on CT and their prediction, and where we depart from it."""

from engines.cards import Card, Claim
from engines.exams import Exam

_PAPER = (
    "Kong SH et al., multitask deep learning of vertebral fractures from bone and muscle on "
    "abdominal CT, Eur Radiol 2025; read as an abstract"
)

CARD = Card(
    model="ct_multitask",
    title="CT vertebral fracture and risk score",
    exam=Exam.ABDOMEN_CT,
    paper=_PAPER,
    claims=(
        Claim(
            "Vertebral fractures: AUROC 0.82 development, 0.80 external; 2,553 patients of 50 to "
            "80 years, external 1,506 of two hospitals",
            _PAPER,
        ),
        Claim(
            "Prediction, external: c-index 0.68 against 0.66 of FRAX; AUROC at 2, 3 and 5 years "
            "0.79, 0.71 and 0.71 with bone and muscle, 0.75, 0.68 and 0.68 with bone alone",
            _PAPER,
        ),
    ),
    deviations=(
        "Views: T12 to L4 from the side, psoas and the back's muscles in the slice through L3; "
        "found by the measured CT's methods. Segmentation, slices, windows and sizes are not "
        "stated by the paper.",
        "Network: one small encoder for all views, attention over vertebrae; not stated by the "
        "paper.",
        "Head of time: discrete hazards of five years, from density, muscle and fractures as the "
        "network tells them; Cox by configuration. Not stated by the paper.",
        "Fracture: any grade from 20 % of height lost, T12 to L4 only. How fractures were read is "
        "not stated by the paper.",
        "Loss, optimiser, schedule, augmentation and operating points: ours, not stated by the "
        "paper.",
        "Images alone: no clinical value is an input. FRAX is not computed; a column of it can be "
        "compared with.",
    ),
    of_density=False,
)

"""What the hip film's vision transformer of Hefei claims, and where we depart from it."""

from engines.cards import Card, Claim
from engines.exams import Exam

_PAPER = (
    "Vision transformer for three classes of bone mass on hip radiographs, hospital of Hefei "
    "affiliated to Anhui Medical University; read as an abstract"
)

CARD = Card(
    model="hip_vit",
    title="Hip film bone mass class",
    exam=Exam.HIP_XRAY,
    paper=_PAPER,
    claims=(
        Claim(
            "Accuracy of three classes 97.0 %; AUC osteoporosis 0.996, osteopenia 0.994, normal "
            "0.999, internal validation; 3,016 images in all, split 8 to 2",
            _PAPER,
        ),
        Claim(
            "Accuracy 89.4 %; AUC osteoporosis 0.965, osteopenia 0.916, normal 0.984, external",
            _PAPER,
        ),
    ),
    deviations=(
        "Classes: the lower T-score of femoral neck and total hip, -1 and -2.5 (WHO); the paper "
        "does not say which sites.",
        "Split by patient; the paper counts images and does not say.",
        "Proximal femur: found by a drawing of its edges; not stated by the paper.",
        "Network of the reference weights: a small convolutional stem before a small transformer; "
        "ViT-B/16, ResNet50 and InceptionV3 by configuration. Variant not stated by the paper.",
        "Loss, optimiser, schedule and augmentation: ours, not stated by the paper.",
        "Operating point: probability of osteoporosis, chosen on virtual patients.",
        "Two hips: the worse side is the study's; not stated by the paper.",
        "Heat map: attention rollout (Abnar 2020); of the convolutional baselines Grad-CAM.",
    ),
)

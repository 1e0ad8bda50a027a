"""What Tang 2025 claims, and where we depart from it."""

from engines.cards import Card, Claim
from engines.exams import Exam

_PAPER = "Tang et al. JMIR Med Inform 2025;13:e70738"
_WHERE = f"{_PAPER}: 1,780 patients of one hospital, five-fold cross-validation"

CARD = Card(
    model="cxr_multimodal",
    title="Chest film and clinical osteoporosis score",
    exam=Exam.CHEST_XRAY,
    paper=_PAPER,
    claims=(
        Claim("AUC 0.975, sensitivity 91.23 %, specificity 93.92 %, film and clinical", _WHERE),
        Claim("AUC 0.951, sensitivity 89.82 %, specificity 88.64 %, film alone", _WHERE),
    ),
    deviations=(
        "Backbone of the reference weights: a small residual network of our own; the paper's is a "
        "pretrained ResNet50, which the configuration `paper` has.",
        "Wavelet: Haar, two levels, of Sobel's gradient of the film; not stated by the paper.",
        "Attention: a channel and a spatial gate; not stated by the paper.",
        "Clinical values: age, sex, height, weight; the paper's list is not known to us and has "
        "laboratory values.",
        "Fusion: w p_film + (1 - w) p_clinical, w fitted on patients out of their fold; the film "
        "alone where neither height nor weight is known. The paper's formula is not known to us.",
        "Clinical branch: trained on 967 of 969 real Koreans (Kim and Kim 2022, CC BY 4.0), the "
        "film branch on virtual patients, so the whole counts as trained on simulated patients.",
        "Loss, optimiser, schedule, augmentation and operating point: ours, not stated.",
        "Attributions of the clinical values: exact Shapley values of the log odds.",
    ),
)

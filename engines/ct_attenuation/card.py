"""What the published thresholds claim, and where we depart from how they were found."""

from engines.cards import Card, Claim
from engines.exams import Exam

CARD = Card(
    model="ct_attenuation",
    title="CT bone and muscle measurement",
    exam=Exam.ABDOMEN_CT,
    paper="Pickhardt PJ et al. Ann Intern Med 2013;158(8):588-595",
    claims=(
        Claim(
            "L1 at 160 HU or less: 90 % sensitive for osteoporosis by DXA; at 110 HU or less: more "
            "than 90 % specific; 1,867 adults, manual regions",
            "Pickhardt 2013",
        ),
    ),
    deviations=(
        "Vertebrae, levels and regions are found by methods of ours, not placed by hand.",
        "Thresholds were published for regions placed by hand: a site should fit them to ours.",
        "Grades of vertebral fractures are suggested by height ratios alone; Genant's is a visual "
        "grade.",
    ),
)

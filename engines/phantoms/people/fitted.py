"""The fitted numbers of the real tables; ``fit.py`` says how, and a test fits them again.

From Kim KY, Kim KM 2022, PLOS ONE 17(1) e0260924 (CC BY 4.0), and from GLOW as in the R package
aplore3. No record of a person is kept here.
"""

from engines.phantoms.people.margins import Fitted, Margin, Reference

# as fit.py prints it
# fmt: off
#: Women and men of the Korean table, 50 years and older.
FITTED: dict[str, Fitted] = (
{"F": Fitted(age_counts=(63, 69, 80, 95, 105, 60, 31, 13), margins=(Margin(mean=1.54,
    per_year=-0.00285, sd=0.0531, knots=(-0.1336, -0.1057, -0.0743, -0.0528, -0.0314, 0.0014,
    0.0271, 0.0566, 0.0814, 0.1029, 0.1148)),
Margin(mean=59.5023, per_year=-0.27341, sd=8.8825, knots=(-19.5278, -15.5756, -12.5908, -8.4708,
    -4.4416, -0.9986, 3.8848, 9.3752, 14.6949, 19.1531, 23.1574)),
Margin(mean=0.8629, per_year=-0.00385, sd=0.136, knots=(-0.3412, -0.2613, -0.195, -0.1248,
    -0.0672, -0.0115, 0.0559, 0.1307, 0.2128, 0.2954, 0.4337)),
Margin(mean=0.8011, per_year=-0.00847, sd=0.1266, knots=(-0.3064, -0.2464, -0.1768, -0.1147,
    -0.0632, -0.0084, 0.0501, 0.1226, 0.195, 0.291, 0.3992)),
Margin(mean=0.7547, per_year=-0.00722, sd=0.1054, knots=(-0.2894, -0.202, -0.1546, -0.1032,
    -0.0453, 0.0025, 0.0502, 0.0954, 0.169, 0.2131, 0.2863)),
Margin(mean=0.0053, per_year=-0.00329, sd=0.3702, knots=(-0.9606, -0.6772, -0.5023, -0.3159,
    -0.1693, -0.0259, 0.1344, 0.3089, 0.5711, 0.9359, 1.1816))),
correlation=((1.0, 0.38, 0.149, 0.141, 0.115, 0.136), (0.38, 1.0, 0.339, 0.245, 0.34, 0.194),
    (0.149, 0.339, 1.0, 0.484, 0.592, 0.227), (0.141, 0.245, 0.484, 1.0, 0.815, -0.045), (0.115,
    0.34, 0.592, 0.815, 1.0, 0.26), (0.136, 0.194, 0.227, -0.045, 0.26, 1.0)),
spine=Reference(mean_g_cm2=0.9888, sd_g_cm2=0.1119), neck=Reference(mean_g_cm2=1.0244,
    sd_g_cm2=0.1249), hip=Reference(mean_g_cm2=0.8753, sd_g_cm2=0.1001),
cortex_cm_per_g_cm2=0.203, cortex_cm=-0.0092),
"M": Fitted(age_counts=(73, 84, 85, 69, 62, 42, 28, 8), margins=(Margin(mean=1.6672,
    per_year=-0.00201, sd=0.0633, knots=(-0.1783, -0.1237, -0.0919, -0.061, -0.0259, -0.0012,
    0.0315, 0.0626, 0.0888, 0.1216, 0.1629)),
Margin(mean=68.8012, per_year=-0.32691, sd=9.9776, knots=(-24.4955, -19.2852, -15.9544, -9.8002,
    -4.4367, -0.0511, 4.8786, 9.4352, 15.1552, 20.5561, 24.2502)),
Margin(mean=1.0328, per_year=0.0018, sd=0.1884, knots=(-0.4049, -0.3228, -0.2509, -0.1886,
    -0.1012, -0.017, 0.0845, 0.1694, 0.2946, 0.4139, 0.6372)),
Margin(mean=0.9311, per_year=-0.00553, sd=0.1611, knots=(-0.3738, -0.315, -0.2243, -0.1535,
    -0.0911, -0.0079, 0.0707, 0.1597, 0.2569, 0.319, 0.5115)),
Margin(mean=0.8998, per_year=-0.00403, sd=0.1282, knots=(-0.3512, -0.2476, -0.1841, -0.1261,
    -0.0635, -0.0008, 0.0638, 0.1348, 0.1852, 0.2565, 0.3548)),
Margin(mean=-0.0013, per_year=-0.00296, sd=0.4422, knots=(-1.2369, -0.5736, -0.3966, -0.2434,
    -0.1342, -0.0257, 0.1175, 0.2785, 0.428, 0.879, 1.4436))),
correlation=((1.0, 0.517, 0.167, 0.169, 0.139, 0.248), (0.517, 1.0, 0.335, 0.338, 0.378, 0.302),
    (0.167, 0.335, 1.0, 0.598, 0.683, 0.262), (0.169, 0.338, 0.598, 1.0, 0.843, 0.111), (0.139,
    0.378, 0.683, 0.843, 1.0, 0.338), (0.248, 0.302, 0.262, 0.111, 0.338, 1.0)),
spine=Reference(mean_g_cm2=0.9649, sd_g_cm2=0.1279), neck=Reference(mean_g_cm2=1.0361,
    sd_g_cm2=0.1272), hip=Reference(mean_g_cm2=0.9551, sd_g_cm2=0.1314),
cortex_cm_per_g_cm2=0.2031, cortex_cm=-0.0105)}
)
# fmt: on

#: Part of women in that table.
PART_WOMEN = 0.534

# fmt: off
#: Height and weight of a western population. Women: GLOW. Men: ours, in the women's shape about
#: 1.76 m and 87 kg at 65 years, the size of American men (general knowledge, no source read).
WESTERN: dict[str, tuple[Margin, Margin]] = {
    "F": (
        Margin(1.6215, -0.00128, 0.0603, (-0.1297, -0.1068, -0.0873, -0.0592, -0.0341, -0.0017,
               0.0295, 0.0567, 0.0904, 0.1165, 0.1467)),
        Margin(73.4885, -0.52369, 16.0213, (-29.2117, -25.1237, -20.9798, -15.6853, -9.5268,
               -2.8643, 6.6956, 15.9263, 28.136, 39.6949, 43.8646)),
    ),
    "M": (
        Margin(1.76, -0.0013, 0.07, (-0.155, -0.127, -0.1, -0.069, -0.039, 0.0, 0.034, 0.066,
               0.105, 0.135, 0.17)),
        Margin(87.0, -0.5, 16.0, (-29.0, -25.0, -21.0, -15.7, -9.0, -2.0, 6.7, 15.9, 27.0, 38.0,
               43.0)),
    ),
}
# fmt: on

#: Log odds of a fracture before, and of smoking ("former or current smoker"), in women of GLOW: at
#: 65 years, and per year of age.
GLOW_PRIOR_FRACTURE = (-1.757, 0.0868)
GLOW_SMOKING = (-2.469, -0.0481)

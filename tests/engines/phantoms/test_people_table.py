"""A person as one row of a cohort table."""

import csv
import io

from engines.phantoms.people.person import (
    FractureShape,
    Osteonecrosis,
    Person,
    VertebralFracture,
)
from engines.phantoms.people.table import COLUMNS, row

WOMAN = Person(
    seed=7,
    sex="F",
    age_years=74,
    height_m=1.52,
    weight_kg=51.3,
    bmd_spine_g_cm2=0.68,
    bmd_neck_g_cm2=0.59,
    bmd_hip_g_cm2=0.61,
    t_spine=-2.9,
    t_neck=-3.4,
    t_hip=-2.6,
    trabecular_mg_cm3=62.0,
    cortex=0.71,
    muscle_area_cm2=88.0,
    muscle_fat=0.21,
    prior_fracture=True,
    smoking=False,
    glucocorticoids=True,
    vertebral_fractures=(
        VertebralFracture("T8", FractureShape.WEDGE, 0.27),
        VertebralFracture("L1", FractureShape.CRUSH, 0.45),
    ),
    followed_years=2.4,
    fractured=True,
    osteonecroses=(Osteonecrosis("R", (0.2, 0.25), (0.0, 2.5)),),
    visits_years=(0.0, 0.5),
)


def test_a_row_holds_every_column_in_its_order():
    assert tuple(row(WOMAN)) == COLUMNS


def test_every_value_of_a_person_is_found_in_the_row():
    values = row(WOMAN)
    assert {name: values[name] for name in ("seed", "sex", "t_neck", "fractured")} == {
        "seed": 7,
        "sex": "F",
        "t_neck": -3.4,
        "fractured": True,
    }
    assert values["t_lowest"] == -3.4 and values["osteoporosis"] is True
    assert values["bmi_kg_m2"] == 22.2 and values["cortex_of_young_adult"] == 0.71


def test_lists_are_written_with_semicolons_and_come_back_from_a_csv_file():
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerow(row(WOMAN))
    back = next(csv.DictReader(io.StringIO(text.getvalue())))
    assert back["vertebral_fractures"] == "T8 wedge 0.27;L1 crush 0.45"
    assert (back["vertebral_fracture_count"], back["vertebral_fracture_worst_grade"]) == ("2", "3")
    assert (back["osteonecrosis_right_extent"], back["visits_years"]) == ("0.2;0.25", "0;0.5")
    assert (back["osteonecrosis_left"], back["osteonecrosis_left_extent"]) == ("False", "")

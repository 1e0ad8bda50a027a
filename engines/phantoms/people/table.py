"""A person as one flat row of a cohort table, all latent values in columns of stable names."""

from engines.phantoms.people.person import Osteonecrosis, Person, VertebralFracture

Value = str | int | float | bool

#: The columns of a cohort table in their order; new ones are added at the end.
COLUMNS = (
    "seed",
    "sex",
    "age_years",
    "height_m",
    "weight_kg",
    "bmi_kg_m2",
    "bmd_spine_g_cm2",
    "bmd_neck_g_cm2",
    "bmd_hip_g_cm2",
    "t_spine",
    "t_neck",
    "t_hip",
    "t_lowest",
    "osteoporosis",
    "trabecular_mg_cm3",
    "cortex_of_young_adult",
    "muscle_area_cm2",
    "muscle_fat_fraction",
    "prior_fracture",
    "smoking",
    "glucocorticoids",
    "vertebral_fracture_count",
    "vertebral_fracture_worst_grade",
    "vertebral_fractures",
    "followed_years",
    "fractured",
    "osteonecrosis_left",
    "osteonecrosis_right",
    "osteonecrosis_left_extent",
    "osteonecrosis_right_extent",
    "osteonecrosis_left_collapse_mm",
    "osteonecrosis_right_collapse_mm",
    "visits_years",
)

#: A person's fields that tell what the bones hold; the rest of a body stays when they change.
BONES = (
    "bmd_spine_g_cm2",
    "bmd_neck_g_cm2",
    "bmd_hip_g_cm2",
    "t_spine",
    "t_neck",
    "t_hip",
    "trabecular_mg_cm3",
    "cortex",
)

#: Between the parts of a value that is a list: neither CSV nor a spreadsheet splits at it.
_NEXT = ";"


def row(person: Person) -> dict[str, Value]:
    """Lay a person flat.

    Parameters
    ----------
    person : Person
        Anyone.

    Returns
    -------
    dict
        One value for each of `COLUMNS`, in that order. What is a list in the person is a text with
        semicolons, empty for none: ``vertebral_fractures`` as ``T8 wedge 0.27``, the fraction
        being the height lost; extents, collapses and visits as numbers in the order of the visits.
    """
    values = {
        "seed": person.seed,
        "sex": person.sex,
        "age_years": person.age_years,
        "height_m": person.height_m,
        "weight_kg": person.weight_kg,
        "bmi_kg_m2": round(person.bmi_kg_m2, 2),
        "bmd_spine_g_cm2": person.bmd_spine_g_cm2,
        "bmd_neck_g_cm2": person.bmd_neck_g_cm2,
        "bmd_hip_g_cm2": person.bmd_hip_g_cm2,
        "t_spine": person.t_spine,
        "t_neck": person.t_neck,
        "t_hip": person.t_hip,
        "t_lowest": person.t_lowest,
        "osteoporosis": person.osteoporosis,
        "trabecular_mg_cm3": person.trabecular_mg_cm3,
        "cortex_of_young_adult": person.cortex,
        "muscle_area_cm2": person.muscle_area_cm2,
        "muscle_fat_fraction": person.muscle_fat,
        "prior_fracture": person.prior_fracture,
        "smoking": person.smoking,
        "glucocorticoids": person.glucocorticoids,
        **_spine(person.vertebral_fractures),
        "followed_years": person.followed_years,
        "fractured": person.fractured,
        **_hips(person.osteonecroses),
        "visits_years": _listed(person.visits_years),
    }
    return {column: values[column] for column in COLUMNS}


def _spine(fractures: tuple[VertebralFracture, ...]) -> dict[str, Value]:
    written = (f"{each.level} {each.shape} {each.height_loss:g}" for each in fractures)
    return {
        "vertebral_fracture_count": len(fractures),
        "vertebral_fracture_worst_grade": max((each.grade for each in fractures), default=0),
        "vertebral_fractures": _NEXT.join(written),
    }


def _hips(osteonecroses: tuple[Osteonecrosis, ...]) -> dict[str, Value]:
    found = {each.side: each for each in osteonecroses}
    values: dict[str, Value] = {}
    for side, name in (("L", "left"), ("R", "right")):
        hip = found.get(side)
        values[f"osteonecrosis_{name}"] = hip is not None
        values[f"osteonecrosis_{name}_extent"] = _listed(hip.extent) if hip else ""
        values[f"osteonecrosis_{name}_collapse_mm"] = _listed(hip.collapse_mm) if hip else ""
    return values


def _listed(numbers: tuple[float, ...]) -> str:
    return _NEXT.join(f"{number:g}" for number in numbers)

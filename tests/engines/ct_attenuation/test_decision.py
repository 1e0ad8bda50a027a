"""One level is held against a named table; what a site corrects for is printed with both values."""

import pytest
from column import Column, spine

from engines.ct_attenuation import tables
from engines.ct_attenuation.corrections import correction
from engines.ct_attenuation.decision import deciding_first, findings
from engines.ct_attenuation.levels import Level, look_at
from engines.rules import Measuring

PLAIN = Measuring()


@pytest.fixture(scope="module")
def levels() -> list[Level]:
    volume = Column(noise_hu=5.0).volume()
    return list(look_at(volume, spine(volume.hu.shape[0])))


def facts(phase: str = "native", kvp: float = 120.0) -> dict[str, object]:
    return {"contrast_phase": phase, "kvp": kvp}


def test_l1_decides_where_it_is_measured_and_its_neighbour_where_it_is_not(levels):
    bands = tables.bands_in("native", PLAIN.bands)
    [found] = findings(deciding_first(levels), bands, correction(PLAIN, facts()))
    assert found.site == "L1"
    without = [level for level in levels if level.name != "L1"]
    [found] = findings(deciding_first(without), bands, correction(PLAIN, facts()))
    assert found.site == "L2"


@pytest.mark.parametrize(("name", "low_hu"), [("100-160", 100), ("110-160", 110), ("135-160", 135)])
def test_a_threshold_is_that_of_the_table_that_a_site_names_and_the_finding_names_it(
    levels, name, low_hu
):
    bands = tables.bands_in("portal venous", name)
    [found] = findings(deciding_first(levels), bands, correction(PLAIN, facts()))
    assert found.threshold == low_hu
    assert name in found.table


def test_in_an_arterial_phase_nothing_is_held_against_a_threshold(levels):
    bands = tables.bands_in("arterial", PLAIN.bands)
    assert findings(deciding_first(levels), bands, correction(PLAIN, facts("arterial"))) == ()


def test_nothing_is_corrected_unless_a_site_says_so_and_then_both_values_are_told(levels):
    measuring = Measuring(phase_correction_hu={"portal venous": -11.0}, kvp_correction={"100": 0.8})
    bands = tables.bands_in("portal venous", measuring.bands)
    ordered = deciding_first(levels)
    measured = ordered[0].region.mean_hu
    [plain] = findings(ordered, bands, correction(PLAIN, facts("portal venous", 100.0)))
    assert plain.value == pytest.approx(measured, abs=0.05)
    [found] = findings(ordered, bands, correction(measuring, facts("portal venous", 100.0)))
    assert found.value == pytest.approx(0.8 * measured - 11, abs=0.05)
    assert f"{measured:.1f} HU uncorrected" in found.words
    for words in ("x 0.8 for 100 kVp", "-11 HU for the portal venous phase"):
        assert words in found.words
    [native] = findings(ordered, bands, correction(measuring, facts()))
    assert native.value == plain.value

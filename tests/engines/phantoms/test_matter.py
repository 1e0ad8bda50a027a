"""Attenuation, spectra and Hounsfield units have the values that tables and scanners show."""

import numpy as np
import pytest

from engines.phantoms import matter_tables
from engines.phantoms.body.solids import Tissue
from engines.phantoms.matter import (
    DENSITY_G_CM3,
    air_kerma_ugy,
    attenuation_per_mm,
    ct_weights,
    half_value_layer_mm_al,
    hu,
    iodine_attenuation_mm2_per_mg,
    mineral_attenuation_mm2_per_mg,
    spectrum,
)

VOLTAGES = (80, 100, 120, 140)


def test_the_stored_attenuation_is_what_xraydb_says(tmp_path):
    pytest.importorskip("xraydb")
    fresh = tmp_path / "attenuation.csv"
    matter_tables.write(fresh, matter_tables.attenuation())
    stored = matter_tables.TABLES / "attenuation.csv"
    assert fresh.read_text(encoding="ascii") == stored.read_text(encoding="ascii")


def test_every_tissue_and_metal_has_a_density_and_attenuation():
    energies = np.array([10.0, 60.0, 150.0])
    for name in (*Tissue, *DENSITY_G_CM3):
        falling = attenuation_per_mm(name, energies)
        assert (np.diff(falling) < 0).all() and (falling > 0).all()


def test_the_parts_of_every_mixture_add_up():
    sums = {name: sum(parts.values()) for name, parts in matter_tables._PARTS.items()}
    assert sums == pytest.approx(dict.fromkeys(sums, 1.0), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "energy_kev", "cm2_g"),
    # Hubbell and Seltzer, NISTIR 5632, tables 3 and 4
    [
        ("water", 30.0, 0.3756),
        ("water", 60.0, 0.2059),
        ("water", 100.0, 0.1707),
        ("aluminium", 60.0, 0.2778),
        ("iodine", 60.0, 7.579),
        ("lead", 60.0, 5.021),
    ],
)
def test_attenuation_agrees_with_nist(name, energy_kev, cm2_g):
    per_mm = float(attenuation_per_mm(name, np.array(energy_kev)))
    assert 10 * per_mm / DENSITY_G_CM3[name] == pytest.approx(cm2_g, rel=0.02)


def test_energies_outside_the_table_are_refused():
    with pytest.raises(ValueError, match="10 to 150 keV"):
        attenuation_per_mm("water", np.array([5.0]))
    with pytest.raises(ValueError, match="40 to 150 kV"):
        spectrum(160, 3.0)


@pytest.mark.parametrize(
    ("kvp", "filter_mm_al", "least_mm", "most_mm"),
    # least: IEC 60601-1-3; most: no tube with this filter is harder
    [(60, 2.5, 1.8, 2.4), (80, 2.5, 2.4, 3.1), (80, 3.0, 2.9, 3.6), (120, 3.0, 4.3, 5.0)],
)
def test_half_value_layers_are_those_of_real_tubes(kvp, filter_mm_al, least_mm, most_mm):
    assert least_mm <= half_value_layer_mm_al(*spectrum(kvp, filter_mm_al)) <= most_mm


def test_half_value_layers_are_spekpys_own():
    # SpekPy 2.5.4: Spek(kvp, th=12).filter("Al", 3).get_hvl1()
    for kvp, wanted in ((60, 2.306), (80, 3.029), (100, 3.816), (120, 4.620)):
        assert half_value_layer_mm_al(*spectrum(kvp, 3.0)) == pytest.approx(wanted, rel=0.015)


def test_air_kerma_is_that_of_a_real_tube():
    # SpekPy 2.5.4, 80 kV, 3 mm Al, 1 m: 70.2 microgray per mAs
    assert air_kerma_ugy(*spectrum(80, 3.0)).sum() == pytest.approx(70.2, rel=0.02)


def test_a_voltage_between_two_stored_ones_lies_between_them():
    layers = [half_value_layer_mm_al(*spectrum(kvp, 3.0)) for kvp in (80, 82, 85)]
    assert layers == sorted(layers) and len(set(layers)) == 3
    energies, fluence = spectrum(82, 3.0)
    assert fluence[energies > 82].max() == 0


@pytest.mark.parametrize("kvp", VOLTAGES)
def test_water_is_0_and_air_is_minus_1000(kvp):
    assert hu("water", kvp) == pytest.approx(0.0, abs=1e-6)
    assert hu("air", kvp) == pytest.approx(-1000.0, abs=1e-6)


@pytest.mark.parametrize("kvp", VOLTAGES)
def test_soft_tissues_lie_where_scanners_show_them(kvp):
    assert -840 < hu(Tissue.LUNG, kvp) < -800
    assert -105 < hu(Tissue.FAT, kvp) < -65
    assert 40 < hu(Tissue.MUSCLE, kvp) < hu(Tissue.BLOOD, kvp) < 65


@pytest.mark.parametrize(
    ("kvp", "least", "most"),
    [(80, 1.7, 2.0), (100, 1.4, 1.7), (120, 1.25, 1.45), (140, 1.1, 1.3)],
)
def test_hydroxyapatite_rises_as_in_ct_phantoms(kvp, least, most):
    for mg_cm3 in (100.0, 200.0):
        assert least < hu(mg_cm3, kvp) / mg_cm3 < most


def test_iodine_rises_as_in_contrast_phantoms():
    for kvp, least, most in ((80, 38, 44), (120, 24, 28)):
        energies, weight = ct_weights(kvp)
        rise = weight @ iodine_attenuation_mm2_per_mg(energies)
        water = weight @ attenuation_per_mm("water", energies)
        # 1 mg/ml is 0.001 mg/mm3
        assert least < 1000 * 0.001 * rise / water < most


def test_mineral_attenuates_more_than_water_the_softer_the_beam():
    energies = np.array([40.0, 60.0, 100.0])
    against = mineral_attenuation_mm2_per_mg(energies) / attenuation_per_mm("water", energies)
    assert against[0] > against[1] > against[2] > 1

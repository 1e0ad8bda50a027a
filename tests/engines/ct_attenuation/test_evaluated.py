"""What evaluation makes of a measured CT is what service holds against the threshold."""

from typing import Any

import numpy as np
import pytest

pandas = pytest.importorskip("pandas", reason="evaluating needs the extra `lab`")
pytest.importorskip("torch", reason="evaluating needs the extra `lab`")

from engines.cards import read_weights  # noqa: E402
from engines.ct_attenuation import recipe, tables  # noqa: E402
from engines.ct_attenuation.sights import ATTENUATION, attenuation_of  # noqa: E402
from engines.lab.evaluation import Measured  # noqa: E402
from engines.lab.recipes import AS_SEEN  # noqa: E402
from engines.lab.report import write_report  # noqa: E402
from engines.lab.seeing import Seen  # noqa: E402
from engines.lab.site_settings import read_measuring  # noqa: E402
from engines.rules import Measuring  # noqa: E402
from engines.validation import configuration_of, read  # noqa: E402

CORRECTING = Measuring(phase_correction_hu={"portal venous": -11.0}, kvp_correction={"100": 0.8})
HU = np.array([60, 80, 95, 105, 120, 150, 170, 90], float)
REFERENCE = np.array([58, 75, 97, 99, 118, 152, 160, np.nan])


def seen_at(hu: float, kvp: float, phase: str) -> np.ndarray:
    return np.array([hu, kvp, tables.PHASES.index(phase)])


@pytest.mark.parametrize(
    ("phase", "kvp", "told"),
    [("native", 120, 130.0), ("native", 100, 104.0), ("portal venous", 100, 93.0)],
)
def test_a_site_that_corrects_is_evaluated_with_its_corrections(phase, kvp, told):
    assert attenuation_of(seen_at(130, kvp, phase), CORRECTING) == told


def test_where_service_applies_no_threshold_nothing_is_judged():
    assert np.isnan(attenuation_of(seen_at(130, 120, "arterial"), Measuring()))
    assert np.isnan(attenuation_of(seen_at(np.nan, 120, "native"), Measuring()))
    assert np.isnan(attenuation_of(None, Measuring()))


def test_the_reference_is_of_l1_alone_and_low_by_the_sites_own_table():
    row = {"l1_reference_hu": 105.0}
    labels = [recipe.of(Measuring()).labels(row, site) for site in ("L1", "L2")]
    assert labels[0][1] == 105.0 and np.isnan(labels[1][1]) and np.isnan(labels[0][0])
    for bands, low in (("100-160", 0.0), ("110-160", 1.0)):
        _, by_reference = recipe.of(Measuring(bands)).TARGETS
        assert by_reference.truth(np.array(labels[:1], np.float32)) == [low]


def test_agreement_with_a_reference_is_told_beside_what_dxa_says(tmp_path):
    weights, measuring = read_weights("ct_attenuation"), Measuring()
    ours: Any = recipe.of(measuring)
    ill = np.array([1, 1, 0, 1, 0, 0, 0, 0], float)
    rows = pandas.DataFrame({"PatientID": list("abcdefgh"), "site": "L1", "row": range(8)})
    labels = np.stack([ill, REFERENCE], axis=1).astype(np.float32)
    values = {ATTENUATION: np.where(np.arange(8) == 7, np.nan, HU)[:, None]}
    there = {ATTENUATION: np.ones(8, bool)}
    seen = Seen(rows, values, there, labels, pandas.DataFrame({"reason": ["spine-not-found"] * 2}))
    scores = ours.scores({AS_SEEN: values}, {})
    found = Measured(weights, ours, seen, {}, scores, configuration_of(weights, measuring))
    by_dxa, by_reference = found.evaluations()
    assert (by_dxa.examples, by_dxa.positive, by_dxa.threshold) == (7, 3, -100.0)
    assert by_dxa.sensitivity.value == pytest.approx(2 / 3)
    assert by_dxa.specificity.value == pytest.approx(3 / 4)
    # 105 HU by ours is 99 by the reference: the one that ours misses
    assert (by_reference.positive, by_reference.sensitivity.value) == (4, 3 / 4)
    write_report(tmp_path / "report.html", found, "ours", simulated=False)
    page = (tmp_path / "report.html").read_text()
    off = (HU - REFERENCE)[:7]
    assert f"<td>bias</td><td>{off.mean():+.1f}</td>" in page and "Bland and Altman" in page
    reach = 1.96 * off.std(ddof=1)
    assert f"{off.mean() - reach:+.1f} to {off.mean() + reach:+.1f}" in page
    assert "held against no threshold: 1" in page and "<td>spine-not-found</td><td>2</td>" in page
    assert read(page).difference(weights, configuration_of(weights, measuring)) == ""
    other = configuration_of(weights, CORRECTING)
    assert "ct_kvp_correction" in read(page).difference(weights, other)


def test_settings_that_no_site_can_have_are_refused_by_name(tmp_path):
    file = tmp_path / "osteoscreen.toml"
    file.write_text('port = 104\nct_bands = "110-160"\n[ct_phase_correction_hu]\ndelayed = -5.0\n')
    assert read_measuring(file) == Measuring("110-160", phase_correction_hu={"delayed": -5.0})
    for text in ('ct_bands = "90-160"', "[ct_phase_correction_hu]\nlate = 1.0"):
        file.write_text(text)
        with pytest.raises(ValueError, match="there are"):
            read_measuring(file)

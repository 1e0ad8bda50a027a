"""Names are counted from the sacrum and the last rib; where they disagree by one, both are said."""

import numpy as np
import pytest

from engines.anatomy.discs import Signs, above_sacrum
from engines.anatomy.flanks import Flanks
from engines.anatomy.levels import HIPS, SACRUM, SURE, name_levels

HEIGHT_MM, BELOW_MM = 34, 60
FRONT = np.arange(-70.0, 41.0, 2.5)
LEFT = np.arange(-112.0, 113.0, 2.0)
LOINS = ("L5", "L4", "L3", "L2", "L1", "T12")
FOUR = ("L4 or L5", "L3 or L4", "L2 or L3", "L1 or L2", "T12 or L1", "T11 or T12")
SIX = ("L5 or L6", *FOUR[:-1])


def discs_of(count):
    return [BELOW_MM + HEIGHT_MM * n for n in range(count + 1)]


def flanks(discs, reaches_mm, hips_to_mm, part=(0.55, 0.75)):
    """Draw what each piece has to its right and left, from below, and hip bones up to a place."""
    hu = np.zeros(((discs[-1] + HEIGHT_MM) // 2, len(FRONT), len(LEFT)), np.float32)
    behind = (FRONT > -20) & (FRONT < -8)
    for disc, both in zip(discs, reaches_mm, strict=False):
        at = slice(*(int(disc + one * HEIGHT_MM) // 2 for one in part))
        for side, reach_mm in zip((-1, 1), both, strict=True):
            out = (side * LEFT >= 14) & (side * LEFT <= reach_mm)
            hu[at, np.ix_(behind, out)[0], np.ix_(behind, out)[1]] = 600.0
    hips = np.ix_(np.abs(FRONT) < 20, (np.abs(LEFT) > 60) & (np.abs(LEFT) < 100))
    hu[: hips_to_mm // 2, hips[0], hips[1]] = 500.0
    return Flanks(hu)


PROCESS, RIB, NONE = (42, 42), (90, 90), (22, 22)


def test_five_vertebrae_between_sacrum_and_last_rib_are_those_of_the_loins():
    discs = discs_of(6)
    naming = name_levels(discs, flanks(discs, [PROCESS] * 5 + [RIB], BELOW_MM))
    assert naming.names == LOINS and naming.confidence == SURE


@pytest.mark.parametrize(("free", "names"), [(4, FOUR), (6, SIX)])
def test_a_segment_too_many_or_too_few_gives_each_vertebra_both_its_names(free, names):
    discs = discs_of(7)
    reaches = [PROCESS] * free + [RIB] * (7 - free)
    naming = name_levels(discs, flanks(discs, reaches, BELOW_MM))
    assert naming.names[:6] == names
    assert naming.confidence < 0.5 and str(free) in naming.why


@pytest.mark.parametrize(("free", "lowest"), [(5, "L5"), (4, "L4 or L5")])
def test_of_a_whole_spine_the_vertebrae_of_the_neck_have_no_name(free, lowest):
    discs = discs_of(24)
    reaches = [PROCESS] * free + [RIB] * (24 - free)
    names = name_levels(discs, flanks(discs, reaches, BELOW_MM)).names
    assert names[0] == lowest and len(names) == 24
    assert not any(names[17:]) and len({*names[:16]}) == 16 and all(names[:16])


@pytest.mark.parametrize("free", [3, 7])
def test_where_more_than_one_segment_is_odd_nothing_is_named(free):
    discs = discs_of(8)
    reaches = [PROCESS] * free + [RIB] * (8 - free)
    assert set(name_levels(discs, flanks(discs, reaches, BELOW_MM)).names) == {""}


def test_an_odd_count_above_one_hip_bone_alone_names_nothing():
    discs = discs_of(7)
    four = flanks(discs, [PROCESS] * 4 + [RIB] * 3, BELOW_MM)
    right = four.hu[:, :, LEFT < -76]
    right[right == 500.0] = 0
    four.hu[:, :, LEFT < -76] = right
    naming = name_levels(discs, four)
    assert set(naming.names) == {""} and SACRUM in naming.anchors


def test_a_rib_that_is_seen_at_one_side_counts_where_it_is():
    discs = discs_of(7)
    one_side = flanks(discs, [PROCESS] * 5 + [(42, 90), RIB], BELOW_MM)
    assert name_levels(discs, one_side).names[:6] == LOINS
    discs = discs_of(6)
    too_low = flanks(discs, [PROCESS] * 4 + [(42, 90), RIB], BELOW_MM)
    assert name_levels(discs, too_low).names == FOUR


def test_what_lies_two_vertebrae_below_the_other_sides_last_rib_is_none():
    discs = discs_of(6)
    stray = flanks(discs, [PROCESS] * 3 + [(42, 90), PROCESS, RIB], BELOW_MM)
    naming = name_levels(discs, stray)
    assert naming.names == LOINS and naming.confidence < SURE
    above = flanks(discs_of(8), [PROCESS] * 5 + [(90, 42), PROCESS, RIB], BELOW_MM)
    assert name_levels(discs_of(8), above).confidence < naming.confidence
    elsewhere = flanks(discs, [PROCESS] * 2 + [(42, 90), PROCESS, RIB, RIB], BELOW_MM)
    assert set(name_levels(discs, elsewhere).names) == {""}


def test_a_twelfth_vertebra_without_ribs_is_not_taken_for_the_first_of_the_loins():
    discs = discs_of(7)
    without = [PROCESS] * 5 + [NONE, RIB]
    assert name_levels(discs, flanks(discs, without, BELOW_MM)).names[:6] == LOINS
    # the same from a disc too high
    shorter = discs[1:]
    above = flanks(shorter, without[1:], shorter[0])
    assert name_levels(shorter, above).names == FOUR


def test_a_last_rib_alone_is_not_believed_where_hip_bones_stand_too_high():
    discs = discs_of(6)
    reaches = [PROCESS] * 4 + [RIB] * 2
    discs_near_the_end = [place - BELOW_MM + 2 for place in discs]
    hips_beside_the_lowest = flanks(discs_near_the_end, reaches, discs_near_the_end[1])
    assert name_levels(discs_near_the_end, hips_beside_the_lowest).names == FOUR
    no_hips = flanks(discs_near_the_end, reaches, 0)
    assert name_levels(discs_near_the_end, no_hips).names[:4] == ("L4", "L3", "L2", "L1")


def test_where_the_view_ends_at_the_last_disc_hip_bones_beside_the_lowest_vertebra_agree():
    discs = [place - BELOW_MM + 4 for place in discs_of(6)]
    five = flanks(discs, [PROCESS] * 5 + [RIB], discs[1])
    naming = name_levels(discs, five)
    assert naming.names == LOINS and naming.anchors == (HIPS, "last rib")
    no_hips = name_levels(discs, flanks(discs, [PROCESS] * 5 + [RIB], 0))
    assert no_hips.names == LOINS and no_hips.confidence < naming.confidence < SURE
    # the first above five has no processes, so it may be a T12 whose ribs are short
    ribless = flanks(discs, [PROCESS] * 4 + [NONE, RIB], discs[1])
    assert name_levels(discs, ribless).names == FOUR


def test_where_the_view_ends_a_twelfth_vertebra_without_ribs_is_told_beside_hip_bones_too():
    discs = [place - BELOW_MM + 4 for place in discs_of(7)]
    without = name_levels(discs, flanks(discs, [PROCESS] * 5 + [NONE, RIB], discs[1]))
    assert without.names[:6] == LOINS and without.anchors == (HIPS, "first transverse process")
    six_of_the_loins = flanks(discs, [PROCESS] * 6 + [RIB], discs[1])
    assert name_levels(discs, six_of_the_loins).names[:7] == (*SIX, "T11 or T12")


def test_ribs_that_leave_their_vertebra_below_its_middle_are_its_own():
    discs = discs_of(6)
    low = flanks(discs, [PROCESS] * 5 + [RIB], BELOW_MM, part=(0.2, 0.47))
    assert name_levels(discs, low).names == LOINS


def test_what_is_longer_than_the_process_below_is_a_short_rib():
    discs = discs_of(7)
    short = flanks(discs, [PROCESS] * 5 + [(42, 54), RIB], BELOW_MM)
    naming = name_levels(discs, short)
    assert naming.names[:6] == LOINS and naming.confidence < SURE
    as_long_as_the_next = flanks(discs, [PROCESS] * 4 + [(42, 54), (42, 54), RIB], BELOW_MM)
    assert name_levels(discs, as_long_as_the_next).names[:6] == SIX


def test_a_rib_that_falls_past_a_vertebra_is_none_of_its_own():
    discs = discs_of(7)
    six = flanks(discs, [PROCESS] * 6 + [RIB], BELOW_MM, part=(0.62, 0.75))
    piece = slice(*(int(discs[5] + part * HEIGHT_MM) // 2 for part in (0.42, 0.52)))
    behind, out = (FRONT > -20) & (FRONT < -8), (np.abs(LEFT) > 36) & (np.abs(LEFT) < 90)
    six.hu[piece, np.ix_(behind, out)[0], np.ix_(behind, out)[1]] = 600.0
    assert six.process_mm(discs[5], discs[6], 1) > 80
    assert name_levels(discs, six).names[:6] == SIX


@pytest.mark.parametrize("twelfth", [(31, 31), (42, 54)])
def test_below_the_last_rib_what_may_have_lost_its_own_or_has_a_short_one_may_be_the_twelfth(
    twelfth,
):
    discs = discs_of(7)
    reaches = [PROCESS] * 4 + [twelfth, RIB, RIB]
    assert name_levels(discs, flanks(discs, reaches, BELOW_MM)).names[:6] == FOUR
    rib_alone = [place - BELOW_MM + 2 for place in discs]
    assert name_levels(rib_alone, flanks(rib_alone, reaches, 0)).names[:6] == FOUR


def one_hip(flanks_of_both):
    """Take the hip bone of one side out of the view."""
    right = flanks_of_both.hu[:, :, LEFT < 0]
    right[right == 500.0] = 0
    flanks_of_both.hu[:, :, LEFT < 0] = right
    return flanks_of_both


def test_one_hip_bone_and_the_rib_of_one_side_agree_where_the_others_are_out_of_view():
    discs = [place - BELOW_MM + 10 for place in discs_of(7)]
    sides = [PROCESS] * 5 + [(42, 90), (42, 90), RIB]
    naming = name_levels(discs, one_hip(flanks(discs, sides, discs[0])))
    assert naming.names[:6] == LOINS and naming.anchors == (HIPS, "last rib")
    assert set(name_levels(discs, flanks(discs, sides, 0)).names) == {""}


def test_one_hip_bone_beside_what_would_be_the_fourth_of_the_loins_makes_levels_uncertain():
    discs = [place - BELOW_MM + 10 for place in discs_of(6)]
    four = [PROCESS] * 4 + [RIB] * 2
    assert name_levels(discs, flanks(discs, four, 0)).names[0] == "L4"
    assert name_levels(discs, one_hip(flanks(discs, four, discs[0]))).names == FOUR


def test_of_a_turned_spine_a_twelfth_vertebra_without_ribs_is_told_by_both_sides_together():
    discs = discs_of(7)
    turned = flanks(discs, [(36, 48)] * 5 + [(16, 34), RIB], BELOW_MM)
    assert name_levels(discs, turned).names[:6] == LOINS


def signs(pieces, below_mm=BELOW_MM):
    """Draw pedicles above the middle of each piece, as strong as told: 0 in the sacrum."""
    pedicle = np.zeros(below_mm + HEIGHT_MM * len(pieces) + 1)
    for number, strength in enumerate(pieces):
        low = below_mm + HEIGHT_MM * number
        pedicle[low + int(0.48 * HEIGHT_MM) : low + int(0.8 * HEIGHT_MM)] = strength
    return Signs(np.full(len(pedicle), 0.1), pedicle)


def test_pieces_of_the_sacrum_are_left_out_and_one_that_hides_more_may_be():
    discs = discs_of(7)
    assert above_sacrum(signs([False, False] + [True] * 5), discs)[0] == discs[2:]
    # the lowest looks like a vertebra by chance, the two above it are the sacrum's
    hidden = above_sacrum(signs([True, False, False] + [True] * 4), discs)
    assert hidden[0] == discs and discs[3:] in hidden
    # a sixth vertebra that looks like one is not left out to make the count right
    assert discs[1:] not in above_sacrum(signs([True] * 7), discs)


def test_what_is_a_vertebra_for_certain_is_not_left_out_to_make_the_count_right():
    discs = discs_of(8)
    seen = signs([True, False, False] + [True] * 5)
    assert discs[4:] in above_sacrum(seen, discs)
    seen.disc[discs[3]] = 1.2
    assert discs[4:] not in above_sacrum(seen, discs)
    assert discs[3:] in above_sacrum(seen, discs)


def test_a_lowest_vertebra_whose_disc_the_view_cuts_is_one_by_its_pedicles_alone():
    pieces = [0.55] + [1.0] * 5
    at_the_end = [place - BELOW_MM + 9 for place in discs_of(6)]
    assert above_sacrum(signs(pieces, 9), at_the_end)[0] == at_the_end
    in_view = discs_of(6)
    assert above_sacrum(signs(pieces), in_view)[0] == in_view[1:]
    faint = [0.2] + [1.0] * 5
    assert above_sacrum(signs(faint, 9), at_the_end)[0] == at_the_end[1:]

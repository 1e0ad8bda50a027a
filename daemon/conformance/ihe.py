"""The IHE integration statement: which actors of which profiles, and what each claim rests on.

A claim names the tests that it would not outlive. What we do of a profile without filling an actor
stands apart, and so does what a reader may look for in vain.
"""

from dataclasses import dataclass

from daemon.conformance.statement import written
from daemon.settings import Settings
from engines.product import PRODUCT, VERSION


@dataclass(frozen=True)
class Claim:
    """One actor, or one transaction where no whole actor is claimed.

    Attributes
    ----------
    profile, part : str
        The profile by name and letters; the actor, or the transaction.
    words : str
        What is done.
    proofs : tuple of str
        Tests: file under ``tests``, two colons, function.
    """

    profile: str
    part: str
    words: str
    proofs: tuple[str, ...]


AIR, IOCM = "AI Results (AIR), Trial Implementation", "Imaging Object Change Management (IOCM)"
ATNA = "Audit Trail and Node Authentication (ATNA)"
WORKFLOW = "Scheduled Workflow (SWF.b)"
CONTENT = "workers/test_report_content.py::"

ACTORS = (
    Claim(
        AIR,
        "Evidence Creator",
        "Findings and measurements as SR by TID 1500 in the patient's own study (Comprehensive 3D "
        "SR, or a smaller class where a display asks for it), each group with its tracking "
        "identifiers, the algorithm identified (TID 4019) and described as contributing equipment, "
        "regions on the source images; stored by C-STORE, Storage Commitment [RAD-10] asked for. A "
        "Secondary Capture stands beside it as a fallback, never instead",
        (
            CONTENT + "test_root_and_group_name_their_templates",
            CONTENT + "test_each_group_has_one_tracking_uid_of_its_own_and_a_region_on_the_image",
            CONTENT + "test_the_group_says_where_its_number_comes_from",
            CONTENT + "test_product_and_model_are_named_as_equipment",
            CONTENT + "test_the_study_of_the_source_is_the_study_of_the_objects",
            "workers/test_validators.py::test_pixelmed_finds_every_report_true_to_its_template",
            "faults/test_commitment.py::test_orthanc_commits_to_our_results",
        ),
    ),
    Claim(
        IOCM,
        "Change Requester",
        "A Key Object Selection *Rejected for Quality Reasons* (113001) or *for Patient Safety "
        "Reasons* (113037) of our own results, to whoever was sent them [RAD-66]; of nobody else's",
        (
            "daemon/web/test_amends.py::test_a_note_of_what_was_taken_back_goes_to_whoever_had_it",
            "daemon/web/test_amends.py::"
            "test_what_was_taken_back_is_flagged_nowhere_and_never_sent_again",
        ),
    ),
)

SEGMENTS = Claim(
    AIR,
    "Evidence Creator, segmentations",
    "The regions measured as DICOM Segmentation, each segment named as its group in the SR",
    (
        "workers/test_seg.py::test_a_segment_and_the_group_of_the_same_thing_have_one_name",
        "workers/test_seg.py::test_dciodvfy_and_dcentvfy_find_nothing_wrong",
    ),
)

ALONE = (
    Claim(
        WORKFLOW,
        "Storage Commitment [RAD-10], towards modalities",
        "What lies on the disk byte for byte, as long as the site's retention says: no archive",
        (
            "faults/test_commitment.py::"
            "test_a_modality_that_hangs_up_hears_the_report_on_a_new_association",
            "faults/test_commitment.py::"
            "test_each_object_we_cannot_vouch_for_is_refused_with_its_reason",
        ),
    ),
    Claim(
        WORKFLOW,
        "Modality Procedure Step In Progress, Completed [RAD-6, RAD-7], received",
        "The state, and how many images each series has",
        (
            "daemon/test_procedures.py::"
            "test_a_series_is_waited_for_until_all_that_its_modality_made_has_come",
            "daemon/test_procedures.py::"
            "test_steps_that_make_no_sense_are_answered_as_the_standard_says",
        ),
    ),
    Claim(
        ATNA,
        "the messages of Record Audit Event [ITI-20], exported and not sent by syslog",
        "DICOM audit messages (PS3.15 A.5) of what people do on the site",
        ("daemon/web/test_audit_messages.py::test_every_message_is_legal",),
    ),
)

TLS = Claim(
    ATNA,
    "Authenticate Node [ITI-19]",
    "TLS 1.2 and 1.3 by BCP 195, with certificates from both sides where it is set so",
    (
        "faults/test_tls.py::test_tls_1_2_and_1_3_are_spoken",
        "faults/test_tls.py::test_older_tls_is_refused",
        "faults/test_tls.py::test_a_peer_without_a_certificate_is_refused",
    ),
)

CLAIMS = (*ACTORS, SEGMENTS, *ALONE, TLS)
"""All that any installation may claim."""


def statement(settings: Settings) -> str:
    """Write the integration statement of this installation, in Markdown.

    Parameters
    ----------
    settings : Settings
        Its own: what is switched off is not claimed.
    """
    facts = {
        "product": PRODUCT,
        "version": VERSION,
        "actors": [*ACTORS, *([SEGMENTS] if settings.segmentation else [])],
        "alone": [*ALONE, *([TLS] if settings.tls_port else [])],
    }
    return written("ihe.md", facts)

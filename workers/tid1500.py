"""What our structured report says: the content tree of TID 1500, row by row (PS3.16 Annex A)."""

from collections.abc import Iterator

from pydicom import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from engines.errors import Verdict
from engines.findings import Finding, Measurement, Result
from engines.images import Radiograph
from engines.product import PRODUCT
from workers import codes, wording
from workers.content import (
    CONTAINS,
    HAS_CONCEPT_MOD,
    HAS_OBS_CONTEXT,
    SELECTED_FROM,
    code,
    container,
    image,
    num,
    polyline,
    text,
    uidref,
)
from workers.report import Report
from workers.uids import device_observer_uid, secondary_capture_uid, tracking_uid


def measurement_report(report: Report, language: str = wording.DEFAULT_LANGUAGE) -> Dataset:
    """Return the root container of a report.

    Parameters
    ----------
    report : Report
        A verdict gives a document without measurements: were there none at all, its absence would
        look like a negative.
    language : str
        Of the sentences.

    Returns
    -------
    Dataset
        The root content item, with no SCOORD3D, so legal in Enhanced, Comprehensive and
        Comprehensive 3D SR.
    """
    outcome = report.outcome
    children = [
        code(HAS_CONCEPT_MOD, codes.LANGUAGE, codes.LANGUAGES[language]),
        *_observer(report),
        code(HAS_CONCEPT_MOD, codes.PROCEDURE_REPORTED, codes.PROCEDURES[report.card.exam]),
        _image_library(report),
    ]
    if isinstance(outcome, Result) and outcome.findings:
        children.append(_measurements(report, outcome))
    children.append(_evaluations(report, language))
    return container(codes.IMAGING_MEASUREMENT_REPORT, children, template="1500", root=True)


def _observer(report: Report) -> Iterator[Dataset]:
    """TID 1002 and 1004: a device looked, never a person."""
    uid = device_observer_uid(report.provenance.namespace, report.weights)
    yield code(HAS_OBS_CONTEXT, codes.OBSERVER_TYPE, codes.DEVICE)
    yield uidref(HAS_OBS_CONTEXT, codes.DEVICE_OBSERVER_UID, uid)
    yield text(HAS_OBS_CONTEXT, codes.DEVICE_OBSERVER_NAME, PRODUCT)
    yield text(HAS_OBS_CONTEXT, codes.DEVICE_OBSERVER_MANUFACTURER, PRODUCT)
    yield text(HAS_OBS_CONTEXT, codes.DEVICE_OBSERVER_MODEL_NAME, report.weights.model)
    yield text(HAS_OBS_CONTEXT, codes.DEVICE_OBSERVER_SERIAL_NUMBER, report.provenance.node)


def _image_library(report: Report) -> Dataset:
    """TID 1600: only the image that the report is about."""
    seen = image(CONTAINS, codes.SOURCE, report.source.SOPClassUID, report.source.SOPInstanceUID)
    return container(
        codes.IMAGE_LIBRARY, [container(codes.IMAGE_LIBRARY_GROUP, [seen])], template="1600"
    )


def _measurements(report: Report, result: Result) -> Dataset:
    groups = [_group(report, result, finding) for finding in result.findings]
    return container(codes.IMAGING_MEASUREMENTS, groups)


def _group(report: Report, result: Result, finding: Finding) -> Dataset:
    """TID 1410, the one kind of group that every viewer we know of reads."""
    # Below the threshold the group is about the bone. A receiver that collects the Finding codes
    # of many reports must not gather the disease from those that did not flag it.
    about = codes.FINDINGS[finding.name] if finding.flagged else codes.BONE
    children = [
        text(HAS_OBS_CONTEXT, codes.TRACKING_IDENTIFIER, _tracking_identifier(finding)),
        uidref(HAS_OBS_CONTEXT, codes.TRACKING_UNIQUE_IDENTIFIER, tracking_uid(report, finding)),
        code(CONTAINS, codes.FINDING, about),
        _site(finding),
        *_algorithm(report, result, finding),
        _region(report, result.film),
        num(codes.PROBABILITY, finding.value, codes.NO_UNITS),
        num(codes.THRESHOLD_VALUE, finding.threshold, codes.NO_UNITS),
        *(_number(each) for each in result.measurements if each.site == finding.site),
    ]
    if result.film is not None:
        picture = secondary_capture_uid(report)
        children.append(
            image(CONTAINS, codes.VISUAL_EXPLANATION, SecondaryCaptureImageStorage, picture)
        )
    return container(codes.MEASUREMENT_GROUP, children, template="1410")


def _tracking_identifier(finding: Finding) -> str:
    return f"{finding.name}: {wording.place(finding)}"


def _site(finding: Finding) -> Dataset:
    if finding.laterality is None:
        return code(HAS_CONCEPT_MOD, codes.FINDING_SITE, codes.SITES[finding.site])
    side = code(HAS_CONCEPT_MOD, codes.LATERALITY, codes.SIDES[finding.laterality])
    return code(HAS_CONCEPT_MOD, codes.FINDING_SITE, codes.SITES[finding.site], side)


def _algorithm(report: Report, result: Result, finding: Finding) -> Iterator[Dataset]:
    """TID 4019: the model, not the product, with all that made its number what it is."""
    yield text(HAS_CONCEPT_MOD, codes.ALGORITHM_NAME, report.weights.model)
    yield text(HAS_CONCEPT_MOD, codes.ALGORITHM_VERSION, report.weights.version)
    yield text(HAS_CONCEPT_MOD, codes.ALGORITHM_MANUFACTURER, PRODUCT)
    for parameter in _parameters(report, result, finding):
        yield text(HAS_CONCEPT_MOD, codes.ALGORITHM_PARAMETERS, parameter)
    yield code(HAS_CONCEPT_MOD, codes.ALGORITHM_FAMILY, codes.ARTIFICIAL_INTELLIGENCE)


def _parameters(report: Report, result: Result, finding: Finding) -> Iterator[str]:
    weights, provenance = report.weights, report.provenance
    yield f"weights sha256: {weights.sha256}"
    yield f"trained on: {weights.trained_on.value}"
    yield f"training: {weights.training}"
    if point := weights.operating_points.get(finding.name):
        yield f"threshold: {finding.threshold:.8g}, {point.source}"
    yield f"runtime: {provenance.runtime}"
    yield f"analysed at: {provenance.analysed_at.isoformat()}"
    yield f"stage: {provenance.stage}"
    if result.film is not None:
        yield f"film pixels sha256: {result.film.sha256}"
    if result.saliency is not None:
        yield f"heat map: {result.saliency.method}"
    for name, value in sorted(result.quality.items()):
        yield f"film {name}: {value}"
    for name, value in sorted(report.configuration.items()):
        yield f"configuration {name}: {value}"


def _number(measurement: Measurement) -> Dataset:
    concept = codes.MEASUREMENTS[measurement.name]
    return num(concept, measurement.value, codes.UNITS[measurement.unit])


def _region(report: Report, film: Radiograph | None) -> Dataset:
    """The whole image: without a region on an image OHIF cannot load the report at all."""
    source = report.source
    rows, columns = film.source_shape if film else (int(source.Rows), int(source.Columns))
    corners = [(0.0, 0.0), (columns, 0.0), (columns, rows), (0.0, rows), (0.0, 0.0)]
    seen = image(SELECTED_FROM, codes.SOURCE, source.SOPClassUID, source.SOPInstanceUID)
    return polyline(codes.IMAGE_REGION, corners, seen)


def _evaluations(report: Report, language: str) -> Dataset:
    """TID 1500 row 12: the outcome in one code, and in words for those who read no codes."""
    outcome = report.outcome
    sentence = wording.sentence(report, language)
    if isinstance(outcome, Verdict):
        children = [
            code(CONTAINS, codes.CAD_SUMMARY, codes.NOTHING_SUCCEEDED),
            text(CONTAINS, codes.COMMENT, sentence),
        ]
        return container(codes.QUALITATIVE_EVALUATIONS, children)
    summary = codes.SUCCEEDED_WITH_FINDINGS if outcome.flagged else codes.SUCCEEDED_WITHOUT_FINDINGS
    children = [
        code(CONTAINS, codes.CAD_SUMMARY, summary),
        text(CONTAINS, codes.FINDING, sentence),
        text(CONTAINS, codes.COMMENT, wording.advice(report, outcome, language)),
    ]
    return container(codes.QUALITATIVE_EVALUATIONS, children)

"""What our structured report says: the content tree of TID 1500, row by row (PS3.16 Annex A)."""

from collections.abc import Iterator

from pydicom import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import SecondaryCaptureImageStorage

from engines.errors import Verdict
from engines.findings import HOUNSFIELD, Finding, Result
from engines.product import PRODUCT
from engines.sights import Mask
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
from workers.phrases import DEFAULT_LANGUAGE
from workers.report import Report
from workers.topics import Topic, topics
from workers.uids import device_observer_uid, secondary_capture_uid, tracking_uid


def measurement_report(report: Report, language: str = DEFAULT_LANGUAGE) -> Dataset:
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
    if isinstance(outcome, Result) and (outcome.findings or outcome.measurements):
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
    """TID 1600: only the images that the report is about."""
    seen = [
        image(CONTAINS, codes.SOURCE, report.source.SOPClassUID, uid)
        for uid in report.images_referenced
    ]
    group = container(codes.IMAGE_LIBRARY_GROUP, seen)
    return container(codes.IMAGE_LIBRARY, [group], template="1600")


def _measurements(report: Report, result: Result) -> Dataset:
    groups = [_group(report, result, topic) for topic in topics(result)]
    return container(codes.IMAGING_MEASUREMENTS, groups)


def _group(report: Report, result: Result, topic: Topic) -> Dataset:
    """TID 1410, the one kind of group that every viewer we know of reads."""
    tracking = tracking_uid(report, topic.what, topic.site, topic.laterality)
    children = [
        text(HAS_OBS_CONTEXT, codes.TRACKING_IDENTIFIER, tracking_identifier(topic)),
        uidref(HAS_OBS_CONTEXT, codes.TRACKING_UNIQUE_IDENTIFIER, tracking),
        code(CONTAINS, codes.FINDING, _about(topic)),
        _site(topic),
        *_algorithm(report, result, topic),
        _region(report, result, topic),
        *_numbers(topic),
    ]
    if result.shown:
        picture = secondary_capture_uid(report)
        children.append(
            image(CONTAINS, codes.VISUAL_EXPLANATION, SecondaryCaptureImageStorage, picture)
        )
    return container(codes.MEASUREMENT_GROUP, children, template="1410")


def tracking_identifier(topic: Topic | Mask) -> str:
    """Name a group, and the segment of the same thing, for people."""
    return f"{topic.what}: {wording.place(topic.site, topic.laterality)}"


def _about(topic: Topic) -> Code:
    """Return what a group is about.

    Where no finding is flagged that is the thing itself. A receiver that collects the Finding
    codes of many reports must not gather the disease from those that did not flag it.
    """
    if topic.flagged is not None:
        return codes.FINDINGS[topic.flagged.name]
    return codes.STRUCTURES.get(topic.what, codes.BONE)


def _site(topic: Topic) -> Dataset:
    if topic.laterality is None:
        return code(HAS_CONCEPT_MOD, codes.FINDING_SITE, codes.SITES[topic.site])
    side = code(HAS_CONCEPT_MOD, codes.LATERALITY, codes.SIDES[topic.laterality])
    return code(HAS_CONCEPT_MOD, codes.FINDING_SITE, codes.SITES[topic.site], side)


def _algorithm(report: Report, result: Result, topic: Topic) -> Iterator[Dataset]:
    """TID 4019: the model, not the product, with all that made its number what it is."""
    yield text(HAS_CONCEPT_MOD, codes.ALGORITHM_NAME, report.weights.model)
    yield text(HAS_CONCEPT_MOD, codes.ALGORITHM_VERSION, report.weights.version)
    yield text(HAS_CONCEPT_MOD, codes.ALGORITHM_MANUFACTURER, PRODUCT)
    for parameter in _parameters(report, result, topic):
        yield text(HAS_CONCEPT_MOD, codes.ALGORITHM_PARAMETERS, parameter)
    yield code(HAS_CONCEPT_MOD, codes.ALGORITHM_FAMILY, algorithm_family(report))


def algorithm_family(report: Report) -> Code:
    """Say whether a method was learned; what was only measured is never called AI."""
    return codes.MORPHOLOGICAL_OPERATIONS if report.measured else codes.ARTIFICIAL_INTELLIGENCE


def _parameters(report: Report, result: Result, topic: Topic) -> Iterator[str]:
    weights, provenance = report.weights, report.provenance
    yield f"{'settings' if report.measured else 'weights'} sha256: {weights.sha256}"
    yield f"trained on: {weights.trained_on.value}"
    yield f"training: {weights.training}"
    for finding in topic.findings:
        if threshold := _threshold_in_words(report, finding):
            yield threshold
    yield f"runtime: {provenance.runtime}"
    yield f"analysed at: {provenance.analysed_at.isoformat()}"
    yield f"stage: {provenance.stage}"
    if result.film is not None:
        yield f"film pixels sha256: {result.film.sha256}"
    if result.scan is not None:
        yield f"images measured: {len(result.scan.SOPInstanceUIDs)}, sha256 {result.scan.sha256}"
    if result.saliency is not None:
        yield f"heat map: {result.saliency.method}"
    of = "film" if result.film is not None else "scan"
    for name, value in sorted(result.quality.items()):
        if value != "" or result.film is not None:
            yield f"{of} {name}: {value}"
    for site, why in result.set_aside:
        yield f"set aside: {site}, {why}"
    for name, value in sorted(report.configuration.items()):
        yield f"configuration {name}: {value}"


def _threshold_in_words(report: Report, finding: Finding) -> str:
    if finding.probability is None:
        return (
            f"threshold: {finding.quantity} {finding.flagged_when} {finding.threshold:.8g} "
            f"{finding.unit}, {finding.table}; "
            f"held against it: {finding.value:.8g}, {finding.words}"
        )
    point = report.weights.operating_points.get(finding.point)
    return f"threshold: {finding.threshold:.8g}, {point.source}" if point else ""


def _numbers(topic: Topic) -> Iterator[Dataset]:
    """The number that counts first: the probability, or what was measured."""
    scored = [one for one in topic.findings if one.probability is not None]
    for finding in scored:
        yield num(codes.PROBABILITY, finding.value, codes.NO_UNITS)
        yield num(codes.THRESHOLD_VALUE, finding.threshold, codes.NO_UNITS)
    for each in topic.measurements:
        yield num(codes.MEASUREMENTS[each.name], each.value, codes.UNITS[each.unit])
    for finding in topic.findings:
        if finding.probability is None:
            attenuation = finding.unit == HOUNSFIELD
            concept = codes.THRESHOLD_ATTENUATION if attenuation else codes.THRESHOLD_VALUE
            yield num(concept, finding.threshold, codes.UNITS[finding.unit])


def _region(report: Report, result: Result, topic: Topic) -> Dataset:
    """The contour of what was measured; else the whole image, for OHIF needs a region."""
    source = report.source
    here = [
        one
        for one in result.contours
        if one.site == topic.site and one.laterality in (None, topic.laterality)
    ]
    drawn = next((one for one in here if one.what == topic.what), next(iter(here), None))
    if drawn is not None:
        seen = _selected(source.SOPClassUID, drawn.SOPInstanceUID, drawn.frame)
        # GraphicData is FL, and a thousandth of a pixel is enough
        points = [(round(float(x), 3), round(float(y), 3)) for x, y in drawn.points]
        return polyline(codes.IMAGE_REGION, [*points, points[0]], seen)
    rows, columns = int(source.Rows), int(source.Columns)
    if result.film is not None:
        rows, columns = result.film.source_shape
    corners = [(0.0, 0.0), (columns, 0.0), (columns, rows), (0.0, rows), (0.0, 0.0)]
    frame = 1 if int(source.get("NumberOfFrames") or 1) > 1 else 0
    seen = _selected(source.SOPClassUID, source.SOPInstanceUID, frame)
    return polyline(codes.IMAGE_REGION, corners, seen)


def _selected(SOPClassUID: str, SOPInstanceUID: str, frame: int) -> Dataset:
    return image(SELECTED_FROM, codes.SOURCE, SOPClassUID, SOPInstanceUID, frame)


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

"""Screen many series: of a study and an exam that wants one, the best that can be measured."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engines.errors import NotEligible, Reason, Verdict
from engines.exams import PER_STUDY, Exam, classify, own_result
from engines.screening import Screener, SeriesFiles
from engines.series_choice import OF_THE_PATIENT, Appraisal, appraise, not_chosen, ranked

#: The series of one study and exam by SeriesInstanceUID, each with its appraisal.
Candidates = Mapping[str, tuple[SeriesFiles, Appraisal]]
Key = tuple[str | None, str | None]


def screen_all(screener: Screener, found: Sequence[SeriesFiles]) -> Iterator[dict[str, Any]]:
    """Return each series as :meth:`Screener.screen` does, in the order found.

    Of a study's series of which one is chosen, those that are not say which was, and both scores;
    where the best cannot be measured the next one is tried, as in the daemon.

    Raises
    ------
    EngineMismatch
        If a model's weights are not what their manifest promises.
    """
    studies = _studies(screener, found)
    answers: dict[Key, dict[str, Any]] = {}
    for one in found:
        key = one.StudyInstanceUID, one.SeriesInstanceUID
        if key in studies and key not in answers:
            answers |= _screen_study(screener, studies[key])
        yield answers[key] if key in studies else screener.screen(one)


def _studies(screener: Screener, found: Sequence[SeriesFiles]) -> dict[Key, Candidates]:
    """Return for each series of which one is chosen all that it is chosen from, itself included."""
    groups: dict[tuple[str | None, Exam], dict[str, tuple[SeriesFiles, Appraisal]]] = {}
    for one in found:
        exam = classify(one.headers)
        if exam not in PER_STUDY or one.SeriesInstanceUID is None or not screener.reads(exam):
            continue
        if not any(map(own_result, one.headers)):
            mine = groups.setdefault((one.StudyInstanceUID, exam), {})
            mine[one.SeriesInstanceUID] = one, appraise(one.headers, screener.rules)
    return {(study, uid): group for (study, _), group in groups.items() for uid in group}


def _screen_study(screener: Screener, group: Candidates) -> dict[Key, dict[str, Any]]:
    scores = {
        uid: appraisal.score for uid, (_, appraisal) in group.items() if not appraisal.refused
    }
    answers: dict[str, dict[str, Any]] = {}
    last = ""
    for uid in ranked(scores):
        series, appraisal = group[uid]
        answers[uid], last = screener.screen(series, appraisal), uid
        if _is_final(answers[uid]):
            break
    for uid, (series, appraisal) in group.items():
        if uid not in answers:
            best = not_chosen(last, scores[last], appraisal.score) if last else ""
            answers[uid] = screener.passed_over(series, appraisal, _why(appraisal, best))
    return {(group[uid][0].StudyInstanceUID, uid): answer for uid, answer in answers.items()}


def _is_final(answer: Mapping[str, Any]) -> bool:
    """Tell whether no other series of the study is to be tried."""
    results = answer["results"]
    has_result = any(result["state"] == "screened" for result in results)
    return has_result or any(result["reason"] in OF_THE_PATIENT for result in results)


def _why(appraisal: Appraisal, best: str) -> Verdict:
    return appraisal.verdict or NotEligible(Reason.ANOTHER_SERIES_CHOSEN, best)

"""Screen the series found in files and folders, on this machine alone."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydicom import Dataset

from engines import catalog
from engines.cards import Weights, read_weights
from engines.cases import Clinical, read_case
from engines.catalog import Model
from engines.contract import entry
from engines.errors import BadSeries, NotEligible, Reason, Verdict
from engines.exams import Exam, classify, own_result
from engines.findings import Result
from engines.header import text
from engines.images import read_image
from engines.rules import Rules
from engines.runtime import Arrays, Engine, Run
from engines.runtime.loading import load
from engines.series_choice import Appraisal

#: One model's look at a series: its name, its weights' version, and what came of it.
Look = tuple[str | None, str | None, Result | Verdict]


@dataclass(frozen=True)
class SeriesFiles:
    """The files of one series; or one file that belongs to none, and why.

    Attributes
    ----------
    StudyInstanceUID, SeriesInstanceUID : str or None
        None for a file that cannot be read.
    files : tuple of Path
        In the order found.
    headers : tuple of Dataset
        Of the same files, without pixel data.
    verdict : Verdict or None
        Why a file belongs to no series.
    """

    StudyInstanceUID: str | None
    SeriesInstanceUID: str | None
    files: tuple[Path, ...]
    headers: tuple[Dataset, ...] = ()
    verdict: Verdict | None = None


def files_in(paths: Iterable[Path]) -> list[Path]:
    """Return the files among some paths and in the folders among them, each once, sorted.

    Hidden files and DICOMDIR, the index of a medium, are left out of folders.
    """
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in inside:
            passed_over = path.is_dir() and (file.name[:1] == "." or file.name == "DICOMDIR")
            if file.is_file() and not passed_over:
                found[file] = None
    return list(found)


def group(files: Iterable[Path]) -> list[SeriesFiles]:
    """Read the headers of some files and put together what belongs to one series."""
    members: dict[tuple[str, str], list[tuple[Path, Dataset]]] = {}
    strays: list[SeriesFiles] = []
    for file in files:
        try:
            ds = read_image(file, header_only=True)
        except BadSeries as verdict:
            strays.append(_stray(file, verdict.detail))
            continue
        key = (text(ds, "StudyInstanceUID"), text(ds, "SeriesInstanceUID"))
        if all(key):
            members.setdefault(key, []).append((file, ds))
        else:
            strays.append(_stray(file, "the header names no study or no series"))
    series = [
        SeriesFiles(study, uid, tuple(f for f, _ in found), tuple(ds for _, ds in found))
        for (study, uid), found in members.items()
    ]
    return series + strays


def _stray(file: Path, detail: str) -> SeriesFiles:
    """Name the file: nothing else tells its owner which one it was."""
    verdict = BadSeries(Reason.HEADER_UNREADABLE, f"{file.name}: {detail}")
    return SeriesFiles(None, None, (file,), verdict=verdict)


def _nothing_supplied(ds: Dataset) -> Clinical | None:
    return None


def _answer(
    series: SeriesFiles, appraisal: Appraisal | None, looks: Iterable[Look]
) -> dict[str, Any]:
    exam = classify(series.headers)
    return {
        "StudyInstanceUID": series.StudyInstanceUID,
        "SeriesInstanceUID": series.SeriesInstanceUID,
        "exam": None if exam is None else str(exam),
        "appraisal": appraisal.told() if appraisal else None,
        "results": [entry(*look) for look in looks],
    }


@dataclass(frozen=True)
class Screener:
    """Which models look, at whom, and their engines as far as they are loaded.

    Attributes
    ----------
    models : tuple of Model
        Which of the catalogue may look.
    rules : Rules
        Eligibility.
    supplied : callable
        Header -> a site's own clinical values of that patient, or None.
    own : Path or None
        A site's own weights, one folder a model; the reference weights where it has none.
    """

    models: tuple[Model, ...] = catalog.MODELS
    rules: Rules = field(default_factory=Rules)
    supplied: Callable[[Dataset], Clinical | None] = _nothing_supplied
    own: Path | None = None
    _weights: dict[str, Weights] = field(default_factory=dict)
    _engines: dict[tuple[str, str], Engine] = field(default_factory=dict)

    def screen(self, series: SeriesFiles, appraisal: Appraisal | None = None) -> dict[str, Any]:
        """Return one series as the JSON contract has it.

        Raises
        ------
        EngineMismatch
            If a model's weights are not what their manifest promises.
        """
        exam = classify(series.headers)
        try:
            looks = list(self._looks(series, exam))
        except (NotEligible, BadSeries) as verdict:
            looks = [(None, None, verdict)]
        return _answer(series, appraisal, looks)

    def passed_over(
        self, series: SeriesFiles, appraisal: Appraisal, why: Verdict
    ) -> dict[str, Any]:
        """Return a series that no model looks at, because another of its study is better."""
        skipped = NotEligible(why.reason, why.detail)
        return _answer(series, appraisal, [(None, None, skipped)])

    def reads(self, exam: Exam) -> bool:
        """Tell whether a model was asked for that reads an exam."""
        return any(model.CARD.exam is exam for model in self.models)

    def _looks(self, series: SeriesFiles, exam: Exam | None) -> Iterator[Look]:
        if series.verdict is not None:
            raise series.verdict
        if any(own_result(ds) for ds in series.headers):
            raise NotEligible(Reason.OWN_RESULT, "this object was made by us")
        if exam is None:
            detail = "not an examination that a model reads, as far as the header says"
            raise NotEligible(Reason.EXAM_NOT_SCREENED, detail)
        models = self._models_for(exam)
        images = [read_image(file) for file in series.files]
        case = read_case(exam, images, self.supplied(images[0]), self.rules)
        for model in models:
            weights = self._weights_of(model)
            try:
                model.eligible(case)
                outcome: Result | Verdict = model.screen(case, self._run(weights), weights)
            except (NotEligible, BadSeries) as verdict:
                outcome = verdict
            yield model.CARD.model, weights.version, outcome

    def _models_for(self, exam: Exam) -> Sequence[Model]:
        names = {model.CARD.model for model in self.models}
        models = [model for model in catalog.for_exam(exam) if model.CARD.model in names]
        if not models:
            raise NotEligible(Reason.NO_MODEL, f"no model was asked to read {exam}")
        return models

    def _weights_of(self, model: Model) -> Weights:
        name = model.CARD.model
        if name not in self._weights:
            self._weights[name] = read_weights(name, self.own)
        return self._weights[name]

    def _run(self, weights: Weights) -> Run:
        def run(name: str, arrays: Arrays) -> Arrays:
            key = (weights.model, name)
            if key not in self._engines:
                file, _ = weights.engines[name]
                self._engines[key] = load(weights.folder / file)
            return self._engines[key](arrays)

        return run

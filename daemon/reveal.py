"""Let a model's results reach clinical readers: on a validation report, by a person with a name."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256

from daemon.errors import ConfigError
from daemon.records import reveals
from daemon.records.ledger import Ledger
from daemon.said import Said
from daemon.settings import Settings
from engines import validation
from engines.cards import TrainedOn, Weights, read_weights
from engines.errors import EngineMismatch
from engines.validation import Validation, configuration_of

NAME_LEAST, NAME_MOST = 3, 128
REPORT_MOST = 8 << 20
"""Characters: a report holds pictures."""


@dataclass(frozen=True)
class Request:
    """Who asks for what.

    Attributes
    ----------
    model : str
        Which model.
    report : str
        The file that ``osteoscreen-lab evaluate --report`` wrote, as it is.
    person : str
        Who has read it and answers for it.
    given_by : str
        Who is signed in, or ran the command.
    why : str
        In a few words.
    """

    model: str
    report: str
    person: str
    given_by: str
    why: str


def reveal(settings: Settings, ledger: Ledger, asked: Request) -> None:
    """Set a model live, and keep the report with who answers for it.

    Raises
    ------
    ConfigError
        If its weights were trained on simulated patients or cannot be used, the report is of other
        weights or of virtual patients, or nobody is named.
    """
    weights = clinical_weights(settings, asked.model)
    person, why = asked.person.strip(), asked.why.strip()
    if not NAME_LEAST <= len(person) <= NAME_MOST or not why:
        raise ConfigError("name the person who has read the report and answers for it, and say why")
    told = _sound(asked.report, weights, configuration_of(weights, settings.rules.measuring))
    facts = asdict(told)
    kept = ("cohort", "patients", "examples", "findings", "configuration")
    reveals.write_down(
        ledger,
        {
            "model": weights.model,
            "version": weights.version,
            "weights_sha256": weights.sha256,
            "report": asked.report,
            "report_sha256": sha256(asked.report.encode()).hexdigest(),
            "told": {key: facts[key] for key in kept},
            "person": person,
            "given_by": asked.given_by,
            "why": why,
        },
    )


def clinical_weights(settings: Settings, model: str) -> Weights:
    """Return the weights in service, unless they were trained on simulated patients.

    Raises
    ------
    ConfigError
        If they were, or cannot be used.
    """
    try:
        weights = read_weights(model, settings.weights)
    except EngineMismatch as error:
        raise ConfigError(str(error)) from None
    if weights.trained_on is TrainedOn.SIMULATED:
        raise ConfigError(
            Said(
                "{model} {version} was trained on simulated patients: research only, never live. "
                "Weights trained on patients go into the folder of the setting 'weights'.",
                model=model,
                version=weights.version,
            )
        )
    return weights


def require_revealed(settings: Settings, ledger: Ledger, model: str) -> None:
    """Refuse stage live for weights that nobody has revealed.

    Raises
    ------
    ConfigError
        With what to do.
    """
    weights = clinical_weights(settings, model)
    if not holds(settings, ledger, weights):
        raise ConfigError(
            Said(
                "{model} {version} is live only when it is revealed: with a validation report on "
                "your own patients and who answers for it (osteoscreen models reveal {model} FILE)",
                model=model,
                version=weights.version,
            )
        )


def holds(settings: Settings, ledger: Ledger, weights: Weights) -> bool:
    """Tell whether the last reveal of a model was of these weights, with today's settings."""
    return reveals.holds(ledger, weights, configuration_of(weights, settings.rules.measuring))


def _sound(report: str, weights: Weights, configuration: Mapping[str, str]) -> Validation:
    """Return what a report tells, if it may carry a reveal of these weights."""
    if len(report) > REPORT_MOST:
        raise ConfigError(Said("the report is longer than {most} MiB", most=REPORT_MOST >> 20))
    try:
        told = validation.read(report)
    except ValueError as error:
        raise ConfigError(Said("the report: {why}", why=error)) from None
    if why := told.difference(weights, configuration):
        raise ConfigError(why)
    if told.simulated:
        raise ConfigError("the report is on virtual patients; it has to be on your own")
    if not told.findings:
        raise ConfigError("the report judges nothing: it needs patients with and without a finding")
    return told

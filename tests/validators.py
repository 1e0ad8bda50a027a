"""Other people's judges of what we write; each returns its complaints, and none is a clean bill.

No judge sees everything, so an object goes through all that apply. What they may say of a correct
object is listed here, and nothing else is allowed.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from programs import find_program, missing
from pydicom import dcmread

# IHE AIR asks for a DeviceUID in Contributing Equipment; the standard has not taken it up
DCIODVFY_MAY_SAY = (
    re.compile(r"DeviceUID.*not present in standard DICOM IOD"),
    re.compile(r"Unrecognized defined term = <99[A-Z]+>"),
)
# dciodvfy counts the bytes of a whole value; the standard counts characters, and in a name those of
# each component group (PS3.5 6.2), so it takes UTF-8 text of a legal length for too long
DCIODVFY_LENGTH = re.compile(
    r"^Error .* - Value invalid for this VR \[(?P<VR>\w\w)\] = <(?P<value>.*)>"
    r" - Length invalid for this VR = <\d+> - expected <= (?P<most>\d+)$"
)
# dcentvfy takes AccessionNumber of a Request Attributes item for the study's
DCENTVFY_MAY_SAY = (re.compile(r"^Warning - Different information entities.*<AccessionNumber> IE"),)
DCMTK_MAY_SAY = (
    re.compile(r"^W: The VR checker does not support this Specific Character Set: ISO_IR 192"),
)
# PixelMed knows the standard as it was in 2022
PIXELMED_MAY_SAY = (
    re.compile(r'122405,DCM,"Algorithm Manufacturer"\): Content Item not in template'),
    re.compile(r'43468-8,LN,"XR unspecified body region"\) not found in context group 100'),
    re.compile(r'276214006,SCT,"Finding category"\): Content Item not in template'),
)
PIXELMED_SAYS = (
    re.compile(r"^Found \w+ IOD$"),
    re.compile(r"^Found Root Template TID_1500 \(MeasurementReport\)$"),
    re.compile(r"^Root Template Validation Complete$"),
    re.compile(r"^IOD validation complete$"),
)
PIXELMED_JAR = Path("/usr/share/java/pixelmed.jar")
# without these a current JDK stops at the size of PixelMed's own style sheets
JVM_LIMITS = tuple(
    f"-Djdk.xml.xpath{name}=0" for name in ("ExprGrpLimit", "ExprOpLimit", "TotalOpLimit")
)
# it lives for some seconds: one thread that collects, and a compiler that does not dwell
JVM_SHORT = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def complaints(made: Sequence[Path], source: Path) -> list[str]:
    """Return what any judge says of what we made of one image, structured reports among it."""
    said = [line for path in made for line in dciodvfy(path)] + dcentvfy([source, *made])
    for path in made:
        if dcmread(path, stop_before_pixels=True).Modality == "SR":
            said += [*dsrdump(path), *pixelmed(path)]
    return said


def dciodvfy(path: Path) -> list[str]:
    """Return what dciodvfy says of an object against its IOD (PS3.3)."""
    status, said = _run("dciodvfy", "-new", path)
    # one line names the IOD; one of its errors carries no "Error", so all the others count
    named = [line for line in said if re.fullmatch(r"\w+", line)]
    counted = [line for line in said if _counted_in_bytes(line)]
    rest = [line for line in said if line not in named and line not in counted]
    complaints = _left(rest, DCIODVFY_MAY_SAY)
    if len(named) != 1:
        complaints.append(f"no single IOD recognised: {named}")
    # its wrong count makes the status 1 too
    excused = status == 1 and counted and not complaints
    return [*complaints, f"exit status {status}"] if status and not excused else complaints


def _counted_in_bytes(line: str) -> bool:
    """Whether dciodvfy finds a text too long that has no more characters than it may have."""
    said = DCIODVFY_LENGTH.match(line)
    if not said:
        return False
    groups = said["value"].split("=") if said["VR"] == "PN" else [said["value"]]
    return max(map(len, groups)) <= int(said["most"])


def dcentvfy(paths: Iterable[Path]) -> list[str]:
    """Return what dcentvfy says of the objects of one study, the sources among them."""
    status, said = _run("dcentvfy", *paths)
    complaints = _left(said, DCENTVFY_MAY_SAY)
    return [*complaints, f"exit status {status}"] if status else complaints


def dsrdump(path: Path) -> list[str]:
    """Return what dcmtk says when it reads a structured report."""
    return _dcmtk("dsrdump", path)


def dsr2html(path: Path, page: Path) -> list[str]:
    """Write a structured report as HTML and return what dcmtk says meanwhile."""
    return _dcmtk("dsr2html", path, page)


def pixelmed(path: Path) -> list[str]:
    """Return what PixelMed says of a structured report against its templates (PS3.16)."""
    java = find_program("java")
    if not PIXELMED_JAR.exists():
        missing("pixelmed.jar")
    options = ("-checktemplateid", "-checkcontentitemorder")
    validator = ("-cp", PIXELMED_JAR, "com.pixelmed.validate.DicomSRValidator")
    _, said = _run(java, *JVM_SHORT, *JVM_LIMITS, *validator, *options, path)
    complaints = _left(said, (*PIXELMED_SAYS, *PIXELMED_MAY_SAY))
    # it always exits 0, so the sentences that it ends with have to be there
    unsaid = [line.pattern for line in PIXELMED_SAYS if not any(map(line.search, said))]
    return [*complaints, *(f"unsaid: {pattern}" for pattern in unsaid)]


def pixelmed_all(paths: Sequence[Path]) -> dict[str, list[str]]:
    """Return what PixelMed says of several reports by file name; each costs 5 s of its own JVM."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {
            path.name: said for path, said in zip(paths, pool.map(pixelmed, paths), strict=True)
        }


def _dcmtk(program: str, *arguments: Path) -> list[str]:
    status, said = _run(program, *arguments)
    # a missing type 1 attribute is only a warning to it, with status 0
    complaints = [line for line in said if re.match(r"[WEF]: ", line)]
    complaints = _left(complaints, DCMTK_MAY_SAY)
    return [*complaints, f"exit status {status}"] if status else complaints


def _left(lines: Iterable[str], allowed: Sequence[re.Pattern[str]]) -> list[str]:
    return [line for line in lines if not any(pattern.search(line) for pattern in allowed)]


def _run(program: str, *arguments: str | Path) -> tuple[int, list[str]]:
    ran = subprocess.run(
        [find_program(program), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=240,
    )
    lines = ran.stdout.decode(errors="replace").splitlines()
    return ran.returncode, [line for line in lines if line.strip()]

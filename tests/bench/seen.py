"""What a classifier may know of an image without looking at any bone: its header, and all of it.

Header values become numbers; words become one column for each word that is common enough. Global
statistics are those of whole images, wherever the bones lie.
"""

import datetime
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from pydicom import Dataset
from pydicom.multival import MultiValue

Known = dict[str, float | str]

_NUMBERS = ("DS", "IS", "US", "SS", "UL", "SL", "FL", "FD")
_WORDS = ("CS", "LO", "SH", "PN", "ST", "LT")
#: A word's column needs it in so many rows.
_COMMON = 0.04
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_BINS = 16


def header_values(ds: Dataset, name: str = "") -> Known:
    """Return all that a header says, pixels and UIDs apart: numbers and words by keyword."""
    known: Known = {}
    for element in ds:
        key = f"{name}{element.keyword or element.tag}"
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                known |= header_values(item, f"{key}[{number}].")
            continue
        values = element.value if isinstance(element.value, MultiValue) else [element.value]
        for number, value in enumerate(values):
            known |= _known(f"{key}.{number}" if number else key, element.VR, value)
    return known


def _known(key: str, vr: str, value: object) -> Known:
    text = "" if value is None else str(value)
    if not text or vr not in (*_NUMBERS, *_WORDS, "DA", "TM", "AS"):
        return {f"{key} there": float(bool(text))}
    if vr in _NUMBERS:
        return {key: float(text), f"{key} digits": float(len(text))}
    if vr == "DA":
        day = datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
        return {f"{key} day": float(day.toordinal()), f"{key} weekday": float(day.weekday())}
    if vr == "TM":
        return {key: int(text[:2]) * 3600.0 + int(text[2:4]) * 60 + float(text[4:])}
    if vr == "AS":
        return {key: float(text[:-1])}
    digits = "".join(filter(str.isdigit, text))
    number = {f"{key} number": float(digits)} if 0 < len(digits) < 12 else {}
    return {key: text, f"{key} length": float(len(text)), **number}


def global_values(pixels: np.ndarray, span: tuple[float, float]) -> Known:
    """Return statistics of whole images.

    Parameters
    ----------
    pixels : ndarray
        Any shape; its last two axes are rows and columns.
    span : tuple of float
        Where the histogram begins and ends.
    """
    values = np.asarray(pixels, np.float64)
    mean, sd = float(values.mean()), float(values.std())
    known: Known = {
        "size": float(values.size),
        "rows": float(values.shape[-2]),
        "columns": float(values.shape[-1]),
        "mean": mean,
        "SD": sd,
        "skew": float(np.mean(((values - mean) / (sd or 1)) ** 3)),
        "least": float(values.min()),
        "most": float(values.max()),
    }
    for part, value in zip(_QUANTILES, np.quantile(values, _QUANTILES), strict=True):
        known[f"quantile {part}"] = float(value)
    counts, _ = np.histogram(np.clip(values, *span), bins=_BINS, range=span)
    for number, count in enumerate(counts):
        known[f"histogram {number}"] = float(count / values.size)
    # what a file of it would weigh: noise and detail, wherever they are
    known["packed"] = len(zlib.compress(np.ascontiguousarray(pixels).tobytes(), 1)) / values.size
    return known


def table(rows: Sequence[Mapping[str, float | str]]) -> tuple[np.ndarray, list[str]]:
    """Lay rows out as columns of numbers.

    Returns
    -------
    values : ndarray
        float64, shape (row, column); what a row does not have is the column's median.
    names : list of str
        Of the columns; those that are the same in all rows are left out.
    """
    columns: dict[str, np.ndarray] = {}
    for key in sorted({key for row in rows for key in row}):
        values = [row.get(key) for row in rows]
        if any(isinstance(value, str) for value in values):
            columns |= _one_for_each_word(key, values)
        else:
            columns[key] = np.array([np.nan if v is None else v for v in values], np.float64)
            columns[f"{key} missing"] = np.isnan(columns[key]).astype(np.float64)
    kept = {name: _filled(values) for name, values in columns.items()}
    kept = {name: values for name, values in kept.items() if np.ptp(values) > 0}
    return np.stack(list(kept.values()), axis=1), list(kept)


def _one_for_each_word(key: str, values: Iterable[object]) -> dict[str, np.ndarray]:
    words = [str(value) for value in values]
    common = [word for word, n in Counter(words).items() if n >= _COMMON * len(words)]
    return {f"{key} = {word}": np.array([w == word for w in words], np.float64) for word in common}


def _filled(values: np.ndarray) -> np.ndarray:
    known = values[np.isfinite(values)]
    return np.where(np.isfinite(values), values, np.median(known) if len(known) else 0.0)

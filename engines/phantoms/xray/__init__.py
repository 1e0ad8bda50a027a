"""Radiographs of a body: projection, light, detector, and the vendor's processing.

From the tube to the screen: :mod:`~engines.phantoms.xray.geometry` (who stands where),
:mod:`~engines.phantoms.xray.projection` (what lies on each ray),
:mod:`~engines.phantoms.xray.beam` (what gets through), :mod:`~engines.phantoms.xray.detector`
(scatter, grid, exposure control, blur, noise), :mod:`~engines.phantoms.xray.processing` (what the
console makes of it) and :mod:`~engines.phantoms.xray.marks` (letters and shutters).
"""

"""One simulated body for all exams, in millimetres and in the patient's own directions.

Frame: DICOM's LPS (x to the patient's left, y to the back, z to the head), origin in the middle of
the vertebral body L1. Bones are clouds of points (:mod:`~engines.phantoms.body.cloud`), everything
soft is a list of solids (:mod:`~engines.phantoms.body.solids`); a radiograph projects both, a CT or
MR image cuts through both.
"""

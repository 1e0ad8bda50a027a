"""Virtual patients' images as DICOM, with the headers that scanners write.

One module writes each kind of image (:mod:`~engines.phantoms.dicom.radiograph`,
:mod:`~engines.phantoms.dicom.ct`, :mod:`~engines.phantoms.dicom.mr`) from arrays that an imager
made; what they share (patient, study, device) is in :mod:`~engines.phantoms.dicom.identity`. How
devices differ is in :mod:`~engines.phantoms.dicom.makers`, what archives get wrong in
:mod:`~engines.phantoms.dicom.flaws`. Nothing here knows of bone: no header can give it away.
"""

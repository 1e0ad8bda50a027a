"""The science: DICOM files in, findings out; knows no network, queue or database."""

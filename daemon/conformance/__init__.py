"""What we say of ourselves to who must connect us: the DICOM conformance statement."""

"""A CT of the abdomen: what is scanned how, and the Hounsfield units that come of one body."""

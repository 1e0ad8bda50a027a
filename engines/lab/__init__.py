"""The researcher's bench: cohorts, training, evaluation, calibration; needs the extra `lab`."""

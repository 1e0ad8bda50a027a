"""The virtual body as MRI of the hips shows it: coronal T1 and STIR, at every visit."""

"""Virtual patients: one seeded person, a body of known bone density, and images of it.

Nothing here is a patient's image. The latent density (``Person``) is the truth; what the detector
and the vendor's processing add (``Exposure``) is drawn independently of it, so that no model can
win by brightness, contrast or image size.
"""

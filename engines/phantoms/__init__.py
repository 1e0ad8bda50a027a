"""Virtual patients: one seeded person, a body of known bone density, and films of it.

Nothing here is a patient's image. The latent density (``ChestPatient``) is the truth; what the
detector, the vendor's processing and the body's size add (``Exposure``) is drawn independently of
it, so that no model can win by brightness, contrast or image size.
"""

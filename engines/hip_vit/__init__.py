"""Three classes of bone mass from an AP film of hip or pelvis, by a transformer; see README.md."""

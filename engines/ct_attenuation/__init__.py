"""Spongy bone, vertebral heights and muscle, measured on CT."""

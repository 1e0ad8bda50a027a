"""Osteonecrosis of the femoral head on coronal MRI of the hips, after Kong G 2025."""

"""Tang 2025: a chest film and clinical values, scored apart and fused; see README.md."""

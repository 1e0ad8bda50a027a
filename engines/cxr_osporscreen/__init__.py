"""Jang 2022, "OsPor-screen": an osteoporosis score from a chest film alone; see README.md."""

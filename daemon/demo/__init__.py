"""``osteoscreen demo``: a whole system of its own, films sent to it, and what came back."""

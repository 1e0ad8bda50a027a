"""``osteoscreen demo``: a whole system of its own, films and CTs sent to it, and what came back."""

"""Who is imaged: a person drawn from real statistics, with everything that is true about them."""

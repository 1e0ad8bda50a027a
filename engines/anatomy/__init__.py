"""What several papers share of the body's landmarks."""

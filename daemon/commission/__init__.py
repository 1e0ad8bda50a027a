"""Prove a new site with virtual patients: ``osteoscreen commission``."""

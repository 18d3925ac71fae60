"""Seeded clouds for the tests."""

"""The make-believe account of Fernhill Clinics: realistic, and imperfect on purpose."""

from annexa.demo.estate.build import Estate, seed, seed_large
from annexa.demo.estate.cloud import ACCOUNT, HOME, REGIONS, SECOND, Size

__all__ = ["ACCOUNT", "HOME", "REGIONS", "SECOND", "Estate", "Size", "seed", "seed_large"]

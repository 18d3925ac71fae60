"""Packs: evidence of a period in a zip that can be checked without Annexa."""

"""Annexa: configuration evidence for ISO/IEC 27001, collected, judged and kept."""

__version__ = "0.1.0"

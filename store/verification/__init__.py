"""The steps of verification, each over one part of the record."""

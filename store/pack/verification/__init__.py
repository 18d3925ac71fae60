"""The steps of verifying a pack, each over one part of it."""

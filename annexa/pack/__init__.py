"""What an auditor sees of a pack: pages that open in a browser without network, and how to verify it."""

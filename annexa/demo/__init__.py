"""A whole run on a make-believe account, for trying Annexa without a cloud."""

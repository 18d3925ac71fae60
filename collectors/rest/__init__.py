"""The ground for providers that speak REST: one transport, and a seam for what differs between them."""

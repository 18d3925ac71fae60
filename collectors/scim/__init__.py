"""The SCIM collector: accounts and groups of any service that speaks SCIM 2.0."""

from collectors.scim.collector import ScimCollector

__all__ = ["ScimCollector"]

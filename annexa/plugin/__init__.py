"""All that the author of a collector needs: import from here and from nowhere else.

A collector is a class that follows :class:`Collector`, offered by its package under the entry-point
group ``annexa.collectors``. It may read definitions with :class:`Engine` over a :class:`Transport`
of its own, or produce a :class:`Collection` any other way. ``annexa.plugin.testing`` proves that it
behaves when its provider does not.
"""

from collectors.collection import Collection
from collectors.contract import Collector, Diagnosis, Discovery, Permissions, Progress, Target, Tools
from collectors.definition import ResourceType, load_resource_types
from collectors.engine import Engine, Identity
from collectors.ratelimit import Limit, RateLimiter
from collectors.redact import redact
from collectors.retry import RetryPolicy
from collectors.transport import Answer, CallError, Request, Transport
from store.errors import AnnexaError, CollectorError, ConfigError
from store.model import Document, Gap, Report, Scope, Strict

__all__ = [
    "AnnexaError",
    "Answer",
    "CallError",
    "Collection",
    "Collector",
    "CollectorError",
    "ConfigError",
    "Diagnosis",
    "Discovery",
    "Document",
    "Engine",
    "Gap",
    "Identity",
    "Limit",
    "Permissions",
    "Progress",
    "RateLimiter",
    "Report",
    "Request",
    "ResourceType",
    "RetryPolicy",
    "Scope",
    "Strict",
    "Target",
    "Tools",
    "Transport",
    "load_resource_types",
    "redact",
]

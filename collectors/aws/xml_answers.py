"""Whether an XML answer is the answer of the operation that was asked.

botocore looks at the root element of no successful answer: in an answer of another kind it finds none
of the fields, and reads "there is none".
"""

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError, XMLPullParser

_S3_ROOTS = {
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotification": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListObjectVersions": "ListVersionsResult",
}
"""The elements that hold S3's answers, as its API reference gives them: botocore's model does not."""

_REQUEST = "requestId"  # beside the fields of EC2's answers
_PIECE = 4096


def contradiction(operation: Any, expected: Any, body: bytes) -> str:
    """Return why a body is not the answer of an operation, or "" if it is.

    It need hold nothing but the right element. If that holds fields, one of them must be known.

    Args:
        operation: botocore's model of it.
        expected: the structure that the body must hold.
        body: the whole body; it is read no further than needed.
    """
    depth, names = _element_of_fields(operation, expected)
    known = {_name(field, shape) for field, shape in expected.members.items()}
    there, unknown = False, []
    try:
        for path in _paths(body):
            if len(path) == depth:
                there = there or path[-1] in names
            elif len(path) == depth + 1 and path[-2] in names:
                if path[-1] in known:
                    return ""
                unknown.append(path[-1])
    except ParseError as error:
        return f"the body is not XML: {error}"
    if not there:
        return f"the body has no <{names[0]}>"
    unknown = [name for name in unknown if name != _REQUEST]
    return f"the body has none of the fields of this answer, but {', '.join(unknown[:5])}" if unknown else ""


def _element_of_fields(operation: Any, expected: Any) -> tuple[int, list[str]]:
    """Return how deep the element is that holds the fields, 1 being the root, and the names it may have."""
    output = operation.output_shape
    if wrapper := output.serialization.get("resultWrapper"):
        return 2, [wrapper]
    names = [f"{operation.name}Response", operation.name]
    if operation.service_model.resolved_protocol == "rest-xml":
        payload = output.serialization.get("payload")
        reference = output.members[payload] if payload else output
        names = [reference.serialization.get("name", payload or expected.name), expected.name, *names]
        names.append(f"{operation.name}Result")
    if operation.service_model.service_name == "s3":
        # Two operations of S3 have older names, by which emulators still answer.
        names = [_S3_ROOTS.get(operation.name, names[0]), *names]
        names.append(f"{operation.name.removesuffix('Configuration')}Response")
    return 1, names


def _name(field: str, shape: Any) -> str:
    """Return the name of the elements of a field, as botocore looks for them."""
    if shape.type_name == "list" and shape.serialization.get("flattened"):
        field = shape.serialization.get("name", field)
        return str(shape.member.serialization.get("name", field))
    return str(shape.serialization.get("name", field))


def _paths(body: bytes) -> Iterator[list[str]]:
    """Yield for each element the names from the root down to it, without namespaces."""
    parser: Any = XMLPullParser(("start", "end"))
    path: list[str] = []
    for start in range(0, len(body), _PIECE):
        parser.feed(body[start : start + _PIECE])
        for event, element in parser.read_events():
            if event == "start":
                path.append(element.tag.rpartition("}")[2])
                yield path
            else:
                path.pop()
                element.clear()

"""Where resources may be, which every project is told alike."""

import re

from annexa.demo.google.content import Element, Listed

REGION = "europe-west1"

_LOCATIONS = re.compile(r"/v\w+/(projects/[^/]+)/locations")
_COMPUTE = re.compile(r"/compute/v1/(projects/[^/]+)/(zones|regions)")
_NAMES = {"zones": (f"{REGION}-b", f"{REGION}-c"), "regions": (REGION,)}
_COMPUTE_URL = "https://www.googleapis.com/compute/v1"


def at(service: str, path: str) -> Listed | None:
    """Return the locations of a service, or the zones or regions of Compute Engine, if the path is theirs."""
    found = _LOCATIONS.fullmatch(path)
    if found is not None:
        return Listed("locations", [_location(found[1], name) for name in ("global", REGION)])
    found = _COMPUTE.fullmatch(path) if service == "compute" else None
    if found is None:
        return None
    return Listed("items", [_place(found[1], found[2], name) for name in _NAMES[found[2]]])


def _location(project: str, name: str) -> Element:
    return {"name": f"{project}/locations/{name}", "locationId": name}


def _place(project: str, kind: str, name: str) -> Element:
    place: Element = {
        "kind": f"compute#{kind.removesuffix('s')}",
        "id": "1000",
        "name": name,
        "status": "UP",
        "selfLink": f"{_COMPUTE_URL}/{project}/{kind}/{name}",
    }
    if kind == "zones":
        place["region"] = f"{_COMPUTE_URL}/{project}/regions/{REGION}"
    return place

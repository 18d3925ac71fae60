"""What Cloud Asset Inventory and the APIs have in common, as Google documents and shows their answers."""

from typing import Any

import pytest

from collectors.gcp.asset_form import common
from tests.collectors.gcp.inventory_run import BUCKETS

FIREWALLS = BUCKETS.model_copy(update={"inventory": "compute.googleapis.com/Firewall"})


@pytest.mark.parametrize(
    ("kept", "listed"),
    [
        ({"name": "a", "encryption": {}, "cors": [], "owner": None}, {"name": "a"}),
        ({"lifecycle": {"rule": []}}, {}),
        ({"versioning": {"enabled": False}, "text": "", "count": 0}, None),
        ({"rules": [{}, {"a": {}}]}, {"rules": [{}, {}]}),
    ],
)
def test_what_is_empty_is_left_out_and_what_is_false_is_not(kept: Any, listed: Any) -> None:
    assert common(BUCKETS, "", kept) == (kept if listed is None else listed)


@pytest.mark.parametrize(
    ("legacy", "current"),
    [
        ("sourceRange", "sourceRanges"),
        ("resourcePolicy", "resourcePolicies"),
        ("ipProtocol", "IPProtocol"),
        ("tag", "items"),
    ],
)
def test_a_field_of_compute_under_two_names_is_kept_under_its_current_one(legacy: str, current: str) -> None:
    rule = {"allowed": [{legacy: ["x"], current: ["x"]}]}
    assert common(FIREWALLS, "", rule) == {"allowed": [{current: ["x"]}]}
    assert common(BUCKETS, "", rule) == rule, "other services have no such names"


def test_names_that_are_only_alike_are_both_kept() -> None:
    network = {"subnetwork": "x", "subnetworks": ["x", "y"], "user": ["only"]}
    assert common(FIREWALLS, "", network) == network


def test_a_policy_is_who_may_do_what_and_what_is_logged() -> None:
    asked = {"kind": "storage#policy", "etag": "CAE=", "version": 1, "bindings": [{"role": "r"}]}
    assert common(BUCKETS, "IAM_POLICY", asked) == {"bindings": [{"role": "r"}]}
    assert common(BUCKETS, "IAM_POLICY", {"etag": "ACAB"}) == common(BUCKETS, "IAM_POLICY", {}) == {}

"""Reading 50,000 people who are 80 ms away, with the limits that are published, and matching their accounts.

The baseline of time is what the calls must take where nothing else takes any: the latency of one page after
the other, or what a published limit lets through, whichever of all is longest. The baseline of memory is the
same for 5,000. Everything is read and let go.
"""

import sys
from pathlib import Path

from benchmarks import matching, measure
from benchmarks.distant import running
from benchmarks.distant_people import REPORT_PAGE, groups
from collectors.ratelimit import RateLimiter, load_limits

LATENCY_S = 0.08
USERS = 50_000
FEW = 5_000
ROLE_GROUPS = 500
"""Groups that may hold directory roles, of which a tenant has no more."""
SAMPLE = 500
"""People whose factors are asked for, one by one."""

_COLLECTORS = Path(__file__).parents[1] / "collectors"
_FACTORS = "okta:GET /api/v1/users/{userId}/factors"


def main() -> None:
    """Print the figures."""
    measure.note(f"every answer takes {LATENCY_S * 1000:.0f} ms; a group for every 100 people")
    for label, mode in (
        ("Entra: users, registrations, groups", "entra"),
        ("Okta: users, groups", "okta"),
        ("Google Workspace: users", "google_workspace-users"),
        ("Google Workspace: users, groups", "google_workspace"),
    ):
        few, many = (_cost(mode, users) for users in (FEW, USERS))
        measure.line(f"{label}: {USERS:,}", many.wall_s, _floor(mode, USERS))
        measure.line(f"{label}: {FEW:,}", few.wall_s, _floor(mode, FEW))
        measure.note(f"{label}: {many.cpu_s:.1f} s of CPU for {USERS:,}, {few.cpu_s:.1f} s for {FEW:,}")
        measure.line(f"{label}: peak memory, against {FEW:,}", many.peak_mb, few.peak_mb, "MB")
    _role_groups()
    _factors()
    matching.main()


def _role_groups() -> None:
    for limits, label in (("", "as published"), ("-free", "without limits")):
        together, single = (
            _cost(f"entra-groups{way}{limits}", ROLE_GROUPS, str(ROLE_GROUPS)) for way in ("", "-single")
        )
        name = f"Entra: {ROLE_GROUPS} groups with members and owners, {label}"
        measure.line(f"{name}: in batches, against one by one", together.wall_s, single.wall_s)


def _factors() -> None:
    sample = _cost("okta-factors", SAMPLE)
    floor = _waiting("okta", _FACTORS, SAMPLE)
    measure.line(f"Okta: factors of {SAMPLE:,}", sample.wall_s, floor)
    ours = sample.wall_s / floor * _waiting("okta", _FACTORS, USERS)
    measure.note(f"Okta: factors of {USERS:,}, worked out from that: {ours / 60:.0f} minutes")


def _floor(mode: str, users: int) -> float:
    """Return the seconds that the slowest of what a provider is asked takes."""
    provider = mode.partition("-")[0]
    lists: dict[str, tuple[tuple[str, int, int], ...]] = {
        "entra": (
            ("graph:GET /v1.0/users", users, 999),
            ("graph:GET /v1.0/reports/authenticationMethods/userRegistrationDetails", users, REPORT_PAGE),
            ("graph:GET /v1.0/groups", groups(users), 999),
        ),
        "okta": (
            ("okta:GET /api/v1/users", users, 200),
            ("okta:GET /api/v1/groups", groups(users), 200),
        ),
        "google_workspace": (
            ("admin:GET /admin/directory/v1/users", users, 500),
            ("admin:GET /admin/directory/v1/groups", groups(users), 200),
        ),
    }
    pages = [(call, -(-elements // size)) for call, elements, size in lists[provider]]
    slowest = max(max(number * LATENCY_S, _waiting(provider, call, number)) for call, number in pages)
    if mode != "google_workspace":
        return slowest
    return max(slowest, _waiting(provider, "groupssettings:GET /groups/v1/groups/{x}", groups(users)))


def _waiting(provider: str, call: str, number: int) -> float:
    """Return the seconds until a published limit lets the last of so many calls through."""
    limiter = RateLimiter(load_limits(_COLLECTORS / provider / "limits.toml"), now=lambda: 0.0)
    for _ in range(number - 1):
        limiter.reserve("", call)
    return limiter.reserve("", call)


def _cost(mode: str, users: int, *more: str) -> measure.Cost:
    with running("benchmarks.distant_people", str(users), str(LATENCY_S), *more) as url:
        return measure.process([sys.executable, "-m", "benchmarks.people_run", mode, str(users), url])

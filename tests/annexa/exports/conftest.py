"""A record of two days with statements by people: what exports are made of."""

import datetime as dt
import io

import pytest

from store import files
from store.record import Record
from store.statement import AttachedFile, Attestation, Exclusion, Waiver
from tests.annexa.sample_store import CHECK, fill
from tests.annexa.support_cli import Sandbox

FIRST = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
STATED = dt.datetime(2026, 3, 3, 9, tzinfo=dt.UTC)
LAST = dt.datetime(2026, 3, 4, 9, tzinfo=dt.UTC)
PERIOD = "2026-03-01..2026-03-05"
HOSTILE = '=cmd|"/c calc"!A1 <b>x</b> [y](javascript:z) \x1b[31m'
"""What a person may have written into a statement."""
POLICY = b"policy, approved"


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """``letters`` fails the check on 2 March and passes it on the 4th; what is stated is of the 3rd."""
    made = Sandbox.make(tmp_path_factory.mktemp("exports"))
    fill(made.config, FIRST)
    with Record.writer(made.store, lambda: STATED) as record:
        sha256, size = files.keep(made.store, io.BytesIO(POLICY), "policy.pdf")
        attached = AttachedFile(sha256, size, HOSTILE, "application/pdf")
        record.file(
            Attestation("5.1", "ciso@example.com", HOSTILE, "2026-03-01", "2099-12-31", (attached,)), "ann"
        )
        record.file(
            Waiver(CHECK, "aws", "", "", "accepted until the migration", "cfo", "2026-03-01", "2099-06-30"),
            "ann",
        )
        record.file(Exclusion("7.4", "no premises of our own", "cfo", "2026-03-01"), "ann")
    fill(made.config, LAST, letters="aws:kms")
    return made

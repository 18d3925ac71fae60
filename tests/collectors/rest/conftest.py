"""Every client of these tests trusts one authority, which is read in no time."""

import pytest

from tests.collectors.conftest import Certified


@pytest.fixture(autouse=True)
def one_authority(certified: Certified, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certified.authority))

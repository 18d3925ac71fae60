"""The make-believe Google Cloud organisation of Fernhill Clinics, on a server of this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annexa.demo.cloud import REFUSED, DemoCloud, estate
from annexa.demo.google import TOKEN_PATH, Estate, Google
from annexa.demo.google.reply import permission_denied
from annexa.demo.loopback import Answer, Asked, Loopback

READER = "annexa@fernhill-platform.iam.gserviceaccount.com"
_HIERARCHY = ("organizations/", "folders/", "projects/")


class Organisation(Google):
    """The organisation, which lets its reader see nearly everything.

    Attributes:
        refused: what the reader may not ask, as (service, path) → the permission that it lacks.
    """

    def __init__(self) -> None:
        super().__init__(Estate())
        self.refused: dict[tuple[str, str], str] = {}
        contents = dict(estate("gcp"))
        for name in [each for each in contents if each.startswith(_HIERARCHY)]:
            self._place(name, contents.pop(name))
        for address, content in contents.items():
            if REFUSED in content:
                service, path, _ = self.estate.parts(address)
                self.refused[service, path] = content[REFUSED][0]
            else:
                self.estate.put_answer(address, content)

    def answer(self, asked: Asked) -> Answer | None:
        """Answer what an API is asked."""
        service, path, _ = self.estate.parts(asked.target)
        lacking = self.refused.get((service, path))
        if lacking is not None:
            return permission_denied(service, lacking, path.removeprefix("/"))
        return super().answer(asked)

    def _place(self, name: str, content: dict[str, Any]) -> None:
        here = self.estate.hierarchy
        kind, _, name = name.partition("/")
        if kind == "organizations":
            here.add_organization(name, content["domain"])
        elif kind == "folders":
            here.add_folder(name, content["title"], content["parent"])
        else:
            here.add_project(name, **{"parent": "", **content})


@contextmanager
def gcp(folder: Path) -> Iterator[DemoCloud]:
    """Serve the organisation for as long as the ``with`` block lasts.

    Args:
        folder: where the reader's key is written.
    """
    organisation = Organisation()
    with Loopback(organisation) as server:
        projects = len(organisation.estate.hierarchy.projects)
        title = f"{projects} Google Cloud projects of one organisation"
        yield DemoCloud(title, "gcp", section(organisation, server.url, folder))


def section(organisation: Organisation, url: str, folder: Path) -> dict[str, Any]:
    """Return the keys of a section that reads an organisation.

    Args:
        url: where it is served.
        folder: where the reader's key is written.
    """
    project = READER.partition("@")[2].partition(".")[0]
    file = folder / "gcp-key.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(organisation.tokens.key_file(READER, project, url + TOKEN_PATH)))
    return {
        "organizations": [*organisation.estate.hierarchy.organizations],
        "credential": "service_account",
        "credentials_file": str(file),
        "endpoint_url": url,
        "retries": 2,
    }

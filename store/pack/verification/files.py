"""The files of a pack: they are exactly those of the manifest, and each has the hash that it states."""

import hashlib

from store.pack import layout
from store.pack.archive import DamageError
from store.pack.verification.examination import PackExamination


def check_files(x: PackExamination) -> None:
    """Read every file once."""
    stated = x.manifest.files
    for name in sorted(stated.keys() - set(x.archive.names)):
        x.problem(name, "is in the manifest, but not in the pack")
    for name in x.archive.names:
        if name == layout.MANIFEST:
            continue
        folder = name.partition("/")[0]
        if folder not in layout.EVIDENCE and name.rpartition(".")[2] not in layout.PAGES:
            x.problem(name, "is neither evidence nor a page")
        digest, size = hashlib.sha256(), 0
        try:
            for chunk in x.archive.chunks(name):
                digest.update(chunk)
                size += len(chunk)
        except DamageError as error:
            x.problem(name, str(error))
            continue
        x.digests[name] = digest.hexdigest()
        if name not in stated:
            x.problem(name, "is not in the manifest")
        elif (stated[name].bytes, stated[name].sha256) != (size, x.digests[name]):
            x.problem(name, "is not as the manifest says")

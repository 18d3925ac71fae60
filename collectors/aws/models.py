"""botocore's service models, read quickly and without their prose, which is most of them."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from botocore.loaders import JSONFileLoader, Loader


class LeanFileLoader(JSONFileLoader):  # type: ignore[misc, unused-ignore]
    """Reads model files as botocore's own loader does, in less time and memory."""

    def _load_file(self, full_path: str, open_method: Callable[..., Any]) -> Any:
        if not Path(full_path).is_file():
            return None
        with open_method(full_path, "rb") as file:
            model = orjson.loads(file.read())
        for part in _documented(model):
            # Not removed: botocore expects some of them.
            if isinstance(part.get("documentation"), str):
                part["documentation"] = ""
        return model


@cache
def model_loader() -> Any:
    """Return the process's loader: it keeps every model that it has read."""
    paths = os.environ.get("AWS_DATA_PATH", "").split(os.pathsep)
    extra = [str(Path(os.path.expandvars(path)).expanduser()) for path in paths if path]
    return Loader(extra_search_paths=extra, file_loader=LeanFileLoader())


def _documented(model: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(model, dict):
        return
    for operation in _objects(model.get("operations")):
        yield operation
        yield from (error for error in operation.get("errors", ()) if isinstance(error, dict))
        yield from _objects({key: operation.get(key) for key in ("input", "output")})
    for shape in _objects(model.get("shapes")):
        yield shape
        yield from _objects(shape.get("members"))
        yield from _objects({key: shape.get(key) for key in ("member", "key", "value")})


def _objects(container: Any) -> Iterator[dict[str, Any]]:
    if isinstance(container, dict):
        yield from (value for value in container.values() if isinstance(value, dict))

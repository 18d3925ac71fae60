"""The errors that Annexa raises on purpose: messages for people, each with what to do."""


class AnnexaError(Exception):
    """Something a person can mend.

    Attributes:
        hint: one sentence that says what to do, or an empty string.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class StoreError(AnnexaError):
    """The store cannot be opened, read or written."""


class PackError(AnnexaError):
    """A pack cannot be written, or a file is no pack that can be read safely."""


class DefinitionError(AnnexaError):
    """A definition file (resource type, check, control, crosswalk) is wrong."""


class CollectorError(AnnexaError):
    """A provider cannot be used at all: no credentials, no such plugin, no such profile."""


class ConfigError(AnnexaError):
    """The configuration or the command line is wrong."""


class BusyError(StoreError):
    """Another process is writing the store."""

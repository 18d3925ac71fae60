"""The clouds of Azure: where each is asked, and who gives tokens for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cloud:
    """One cloud.

    Attributes:
        resource_manager: the base URL of Azure Resource Manager, which is also the audience of its tokens.
        authority: the base URL of Microsoft Entra ID.
    """

    resource_manager: str
    authority: str


CLOUDS = {
    "public": Cloud("https://management.azure.com", "https://login.microsoftonline.com"),
    "usgovernment": Cloud("https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
    "china": Cloud("https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}
"""Name in the configuration → cloud; the endpoints are those of ``az cloud list``."""

"""Microsoft's clouds: where each is asked, and who gives tokens for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cloud:
    """One cloud.

    Attributes:
        resource_manager: the base URL of Azure Resource Manager, which is also the audience of its tokens.
        authority: the base URL of Microsoft Entra ID.
        graph: the base URL of Microsoft Graph, which is also the audience of its tokens.
    """

    resource_manager: str
    authority: str
    graph: str


CLOUDS = {
    "public": Cloud(
        "https://management.azure.com",
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
    ),
    "usgovernment": Cloud(
        "https://management.usgovcloudapi.net",
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
    ),
    "china": Cloud(
        "https://management.chinacloudapi.cn",
        "https://login.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
}
"""Name in the configuration → cloud; the endpoints are those of ``az cloud list``, and of Microsoft Graph's
national cloud deployments."""

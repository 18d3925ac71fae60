"""Google's REST APIs, as far as their contract is published, over an estate of make-believe.

Put projects into :attr:`Estate.hierarchy` and resources where their definitions look for them, and serve it:

    estate = Estate()
    estate.hierarchy.add_project("payroll", "1001", "Payroll", "", {"storage"})
    estate.put_list("gcp.storage.bucket", "payroll", {"name": "wages", "location": "EU"})
    with Loopback(Google(estate)) as server:
        ...  # endpoint_url = server.url
"""

from annexa.demo.google.api import TOKEN_PATH, Google
from annexa.demo.google.content import Aggregated, Content, Listed, One
from annexa.demo.google.estate import Estate

__all__ = ["TOKEN_PATH", "Aggregated", "Content", "Estate", "Google", "Listed", "One"]

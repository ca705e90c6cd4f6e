"""Can this address receive mail? A plain `def`: the DNS library blocks, so it runs in a process of its own."""

from __future__ import annotations

from typing import Any

import dns.exception
import dns.resolver
from msp_sdk import param, workflow

#: Seconds to wait for the DNS servers altogether.
_PATIENCE_SECONDS = 5.0


@workflow(
    name="validate_email",
    description="Checks that the domain of an address accepts mail",
    category="tools",
    requires_org=False,
    timeout_seconds=60,
)
@param("email", type="email", label="E-mail address")
def validate_email(email: str) -> dict[str, Any]:
    """Look for mail servers of the domain. That a server exists does not prove that the mailbox does."""
    domain = email.rpartition("@")[2]
    try:
        answer = dns.resolver.resolve(domain, "MX", lifetime=_PATIENCE_SECONDS)
    except dns.resolver.NXDOMAIN:
        return {"valid": False, "reason": f"The domain {domain} does not exist."}
    except dns.resolver.NoAnswer:
        return {"valid": False, "reason": f"The domain {domain} has no mail servers."}
    except dns.exception.DNSException as error:
        # Nothing was learned about the address, so nothing is said about it.
        return {"valid": None, "reason": f"The DNS servers gave no answer: {type(error).__name__}"}
    servers = sorted(str(record.exchange).rstrip(".") for record in answer)
    # RFC 7505: a single, empty exchange says "this domain accepts no mail".
    if servers == [""]:
        return {"valid": False, "reason": f"The domain {domain} accepts no mail."}
    return {"valid": True, "mail_servers": servers}

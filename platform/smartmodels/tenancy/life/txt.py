"""TXT records from the DNS, by dnspython: the extra ``domains``."""

from __future__ import annotations

from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoAnswer, Resolver

from smartmodels.tenancy.errors import ResolverFailed

__all__ = ["txt_records"]

_SECONDS = 5.0


def txt_records(name: str, *, resolver: Resolver | None = None) -> list[str]:
    """Return the TXT records of a name, none if it has none or there is no such name.

    Asks the name servers of the machine, for 5 s at most. Raises ResolverFailed when none answers.
    """
    try:
        answer = (resolver or Resolver()).resolve(f"{name}.", "TXT", lifetime=_SECONDS, search=False)
    except (NXDOMAIN, NoAnswer):
        return []
    except DNSException as error:
        raise ResolverFailed(
            f"The TXT records of {name} could not be looked up: {type(error).__name__}. Try again shortly.",
            retry_after=30,
        ) from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

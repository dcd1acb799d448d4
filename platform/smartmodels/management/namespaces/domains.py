"""``manage.py namespace domain list|add|verify|primary|remove``: the hosts of a namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from smartmodels.management.namespaces.actions import Action, Options, say
from smartmodels.management.namespaces.changing import told
from smartmodels.management.output import table
from smartmodels.tenancy import life
from smartmodels.tenancy.models import HostState
from smartmodels.tenancy.provisioning import find_namespace

__all__ = ["ACTIONS", "describe_claim", "describe_domain"]

_SERVICES: dict[str, Callable[[Any, str], Any]] = {
    "add": life.add_domain,
    "verify": life.verify_domain,
    "primary": life.make_primary,
    "remove": life.remove_domain,
}


def describe_domain(domain: Any) -> dict[str, Any]:
    """Return what is known of a host; of a pending one, the TXT record that is waited for."""
    known = {"host": domain.domain, "state": str(domain.state), "primary": domain.is_primary}
    if domain.state == HostState.PENDING:
        known["txt_name"], known["txt_text"] = life.proof_record(domain)
    return known


def describe_claim(domain: Any, *, dry: bool) -> dict[str, Any]:
    """Return what is known of a host that was claimed, or for show would be: of that, no proof.

    A proof is made up at each claim: nobody is to publish one that was only for show.
    """
    known = describe_domain(domain)
    if dry and "txt_text" in known:
        known["txt_text"] = None
    return known


def _arguments(parser: CommandParser) -> None:
    parser.add_argument("verb", choices=["list", *_SERVICES], help="What to do.")
    parser.add_argument("slug", help="The namespace's name in its host.")
    parser.add_argument("host", nargs="?", help="Which host; for all but list.")


def _domain(command: BaseCommand, options: Options) -> None:
    verb, host, namespace = options["verb"], options["host"], find_namespace(options["slug"])
    if verb == "list":
        _list(command, options, [describe_domain(domain) for domain in life.domains_of(namespace)])
        return
    if not host:
        raise CommandError(f"Say which host: namespace domain {verb} {namespace.slug} HOST.", returncode=2)
    with life.rehearsed(options["dry_run"]):
        domain = _SERVICES[verb](namespace, host)
    if domain is None:
        known = {"host": host, "removed": True}
    else:
        known = describe_claim(domain, dry=options["dry_run"] and verb == "add")
    say(command, options, {**known, "dry_run": options["dry_run"]}, told(options, _text(known)))


def _text(known: dict[str, Any]) -> str:
    if known.get("removed"):
        return f"{known['host']} is removed, and held for a time."
    if known.get("txt_text", "") is None:
        return f"{known['host']} waits for its proof, a TXT record that is told when it is added."
    if "txt_name" in known:
        return (
            f"{known['host']} waits for its proof. Add the TXT record\n  {known['txt_name']}  "
            f'"{known["txt_text"]}"\nthen run `namespace domain verify`.'
        )
    return f"{known['host']} is {known['state']}{' as the primary host' if known['primary'] else ''}."


def _list(command: BaseCommand, options: Options, rows: list[dict[str, Any]]) -> None:
    cells = [
        [row["host"], row["state"], "yes" if row["primary"] else "", row.get("txt_text", "")] for row in rows
    ]
    say(command, options, rows, table(("HOST", "STATE", "PRIMARY", "PROOF"), cells, {}))


ACTIONS = (Action("domain", "the hosts of a namespace", _domain, _arguments, slug=False, dry_run=True),)

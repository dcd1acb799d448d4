"""What deploy/ and docker-compose.yml name exists. No container engine is needed to see that."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from tests.docs.reference import command_of

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; (.*?))? \\$", re.MULTILINE)


def test_compose__services__are_proxy_app_worker_database() -> None:
    """And the migration, which runs once before them."""
    assert set(COMPOSE["services"]) == {"proxy", "app", "worker", "db", "migrate"}


def test_compose__files_it_mounts_or_builds_from__exist() -> None:
    """Every path in the file leads somewhere."""
    named = [service["build"]["dockerfile"] for service in COMPOSE["services"].values() if "build" in service]
    mounts = [mount for service in COMPOSE["services"].values() for mount in service.get("volumes", [])]
    named += [mount.partition(":")[0] for mount in mounts if mount.startswith(".")]
    assert len(named) > 1
    assert not [path for path in named if not (ROOT / path).exists()]


def test_compose__volumes_it_uses__are_declared() -> None:
    """A named volume that is not declared is an error of compose."""
    mounts = [mount for service in COMPOSE["services"].values() for mount in service.get("volumes", [])]
    named = {mount.partition(":")[0] for mount in mounts if not mount.startswith((".", "/"))}
    assert named == set(COMPOSE["volumes"])


def test_compose__services_waited_for__exist() -> None:
    """Nobody waits for a service that is not there."""
    waited = {name for service in COMPOSE["services"].values() for name in service.get("depends_on", {})}
    assert waited <= set(COMPOSE["services"])


def commands() -> list[list[str]]:
    """Every call of manage.py in compose file and image, as words."""
    found = [service["command"] for service in COMPOSE["services"].values() if "command" in service]
    found += [shlex.split(line.removeprefix("CMD ").translate(str.maketrans("[],", "   ")))
              for line in DOCKERFILE.splitlines() if line.startswith("CMD ")]  # fmt: skip
    return [words[1:] for words in found if words[1] == "manage.py"]


def test_compose_and_image__commands_of_manage_py__exist() -> None:
    """Nothing is started that manage.py does not know."""
    named = {words[1] for words in commands()}
    assert {"serve", "worker", "migrate"} <= named <= set(get_commands())


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_compose_and_image__options__are_known(words: list[str]) -> None:
    """The command reads them, and takes them for what they are."""
    name, *options = words[1:]
    command_of(name).create_parser("manage.py", name).parse_args(options)


def test_image__paths_it_copies__exist() -> None:
    """And are let through by the file that says what reaches the builder."""
    copied = [line.split()[1] for line in DOCKERFILE.splitlines() if re.match(r"COPY (?!--from)", line)]
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    assert copied
    assert not [path for path in copied if not (ROOT / path).exists() or f"!{path}" not in ignored]


def test_image__user__is_not_root() -> None:
    """The last user that is named runs the application."""
    users = [line.split()[1] for line in DOCKERFILE.splitlines() if line.startswith("USER ")]
    assert users[-1] == "app"


def test_image_lock__pins__are_those_of_the_lock() -> None:
    """The image runs what was tested."""
    lock = set(PIN.findall((ROOT / "deploy" / "requirements.lock").read_text()))
    image = set(PIN.findall((ROOT / "deploy" / "image.lock").read_text()))
    assert image
    assert image <= lock


@pytest.mark.parametrize("lock", ["requirements.lock", "image.lock"])
def test_lock__addresses__are_not_in_it(lock: str) -> None:
    """Hashes decide what is installed, not where it comes from."""
    assert "://" not in (ROOT / "deploy" / lock).read_text()


@pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is not installed: apt-get install nginx-light"
)
def test_proxy__configuration__is_valid() -> None:
    """The proxy itself says so."""
    config = ROOT / "deploy" / "proxy" / "nginx.conf"
    done = subprocess.run(["nginx", "-t", "-c", config], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

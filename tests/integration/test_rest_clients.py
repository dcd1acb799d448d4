"""`manage.py smartmodels client`: what it prints can be used, and no text breaks out of it."""

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import call_command

from smartmodels.rest.clients import LANGUAGES, client_source
from smartmodels.rest.documents import openapi_document

HOSTS = ["config.urls_namespace", "config.urls_public", "tests.support.rest_mixins"]


def module_of(source: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client as a module."""
    module = ModuleType("made_client")
    monkeypatch.setitem(sys.modules, "made_client", module)
    exec(compile(source, "made_client.py", "exec"), module.__dict__)  # noqa: S102
    return module


def names_in(document: dict[str, Any]) -> set[str]:
    """The names of the operations."""
    return {each["operationId"] for methods in document["paths"].values() for each in methods.values()}


@pytest.mark.parametrize("urlconf", HOSTS)
def test_python__client_of_a_host__has_every_operation(urlconf: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One method each."""
    document = openapi_document(urlconf, "", "")
    module = module_of(client_source(document, "python"), monkeypatch)
    assert names_in(document) - set(vars(module.Api)) == set()


@pytest.mark.parametrize("urlconf", HOSTS)
def test_javascript__client_of_a_host__has_every_operation_and_parses(urlconf: str, tmp_path: Path) -> None:
    """One method each; Node, where there is one, says that it is a module."""
    document = openapi_document(urlconf, "", "")
    source = client_source(document, "javascript")
    methods = set(re.findall(r"^  (\w+)\(.*\) \{$", source, re.MULTILINE))
    camel = {re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in names_in(document)}
    assert camel - methods == set()
    if (node := shutil.which("node")) is not None:
        (tmp_path / "client.mjs").write_text(source)
        subprocess.run([node, "--check", tmp_path / "client.mjs"], check=True)


@pytest.mark.slow
def test_python__client_of_a_namespace__is_typed(tmp_path: Path) -> None:
    """Mypy in strict mode has nothing to say of it."""
    (tmp_path / "client.py").write_text(client_source(openapi_document(HOSTS[0], "", ""), "python"))
    mypy = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", tmp_path, "client.py"]
    done = subprocess.run(mypy, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("text", ['"""\nboom()\n"""', "*/ boom() /*", "\\", '"', "`${boom()}`"])
def test_client__text_of_the_document__stays_text(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptions come from models; none of them becomes code."""
    operation = {"operationId": "a_list", "summary": text, "responses": {}}
    document = {
        "info": {"title": text},
        "paths": {"/a/": {"get": operation}},
        "components": {"schemas": {"A": {"type": "object", "description": text, "properties": {}}}},
    }
    assert hasattr(module_of(client_source(document, "python"), monkeypatch).Api, "a_list")
    comments = re.sub(r"/\*.*?\*/|//[^\n]*", "", client_source(document, "javascript"), flags=re.DOTALL)
    assert "boom" not in comments


def test_client__deprecated_operation__says_so() -> None:
    """Whoever calls it is warned by the editor."""
    document = openapi_document(HOSTS[2], "", "")
    marks = [client_source(document, name).count(mark) for name, mark in
             (("python", '"""Deprecated.'), ("javascript", "@deprecated"))]  # fmt: skip
    assert marks[0] == marks[1] > 1


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_command__prints__the_client_of_the_namespaces(language: str) -> None:
    """And that of the public host, if asked."""
    printed = []
    for public in ([], ["--public"]):
        out = io.StringIO()
        call_command("smartmodels", "client", f"--language={language}", *public, stdout=out)
        printed.append(out.getvalue())
    assert ["/api/v1/studies/" in text for text in printed] == [True, False]
    assert "/api/v1/namespaces/" in printed[1]

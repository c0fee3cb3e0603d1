"""The laws of the house that no linter knows: sizes, names, paths, documents. Nothing may grow past a limit."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
BANNED_MODULES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "types", "manager"}
README_LINES_MAX = 150


def tracked(*suffixes: str) -> list[Path]:
    """Return the files that git tracks and that we wrote, with one of these suffixes."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    ours = [name for name in names if not name.startswith("libs/common/src/forbear/") and "/vendor/" not in name]
    return [ROOT / name for name in ours if name.endswith(suffixes) and (ROOT / name).is_file()]


SOURCES = tracked(".py")
SHIPPED = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in {"libs", "services", "clients", "sandbox"}]


def relative(path: Path) -> str:
    """Name a file for a test's id."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SHIPPED, ids=relative)
def test_a_shipped_file_is_short_enough_to_be_read(path: Path) -> None:
    """A file holds one concept: at most 400 lines, and no function of more than 60."""
    text = path.read_text(encoding="utf-8")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    assert len(text.splitlines()) <= FILE_LINES_MAX
    assert [] == [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX]


@pytest.mark.parametrize("path", SHIPPED, ids=relative)
def test_a_shipped_module_is_named_for_what_it_is_and_says_so(path: Path) -> None:
    """No drawers, and every module with code in it opens with what it is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert path.stem not in BANNED_MODULES
    assert not tree.body or ast.get_docstring(tree)


def test_no_file_names_a_machine_path_or_a_registry() -> None:
    """The repository speaks of Forbear alone."""
    banned = re.compile(r"/work/|/tmp/bash_jobs|/farm/|files\.pythonhosted|pypi\.org/simple|registry\.npmjs")
    found = [
        f"{relative(path)}:{number}"
        for path in tracked(
            ".py", ".md", ".toml", ".txt", ".in", ".yaml", ".yml", ".json", ".proto", ".sql", ".lua", "Makefile"
        )
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if banned.search(line)
    ]

    assert [] == found


def test_phone_numbers_and_mail_addresses_are_reserved_ones() -> None:
    """No real person can be reached by anything in this repository: +1 NXX 555-01xx and example domains only."""
    phone = re.compile(r"\+1[2-9]\d{9}\b")
    mail = re.compile(r"\b[\w.+-]+@([\w-]+\.)+(com|org|net|edu|gov|cn|tw|hk|es|io)\b")
    found = []
    for path in tracked(".py", ".md", ".toml", ".yaml", ".json", ".jsonl", ".html", ".proto"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            bad_phone = any(not re.fullmatch(r"\+1\d{3}55501\d\d", item) for item in phone.findall(line))
            bad_mail = any(not re.search(r"example\.(com|org|net)$", item.group(0)) for item in mail.finditer(line))
            if bad_phone or bad_mail:
                found.append(f"{relative(path)}:{number}")

    assert [] == found


def test_every_link_between_documents_leads_somewhere() -> None:
    """A document that links to a file links to one that exists, and to a heading that stands in it."""
    broken = []
    for path in tracked(".md"):
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", path.read_text(encoding="utf-8")):
            if "://" in target or target.startswith("mailto:"):
                continue
            file = path.parent / target if target else path
            if not file.exists() or (anchor and anchor not in headings(file)):
                broken.append(f"{relative(path)} -> {target}#{anchor}")

    assert [] == broken


def headings(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    found = re.findall(r"^#+ +(.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def test_every_source_file_that_a_document_names_exists() -> None:
    """A module that was renamed takes the documents with it."""
    names = {path.name for path in tracked(".py", ".toml", ".lua", ".html", ".yaml")}
    missing = [
        f"{relative(path)}: {name}"
        for path in tracked(".md")
        for name in re.findall(r"`([a-z_]+\.(?:py|lua|html))`", path.read_text(encoding="utf-8"))
        if name not in names
    ]

    assert [] == missing


def test_the_readme_is_short() -> None:
    """A newcomer reads it in three minutes."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX


def test_every_documented_make_target_exists_and_the_other_way_round() -> None:
    """`make help` shows every target, and there are fewer than twenty."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.search(r"^\.PHONY: (.+)$", text, re.M)[1].split())  # type: ignore[index]
    documented = set(re.findall(r"^([a-z-]+):.*?## ", text, re.M))

    assert phony == documented
    assert len(documented) < 20


def test_todo_comments_are_not_left_behind() -> None:
    """Work that is not done is said in the documents, not in comments."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    found = [
        relative(path) for path in SOURCES if path != Path(__file__) and marks.search(path.read_text(encoding="utf-8"))
    ]

    assert [] == found

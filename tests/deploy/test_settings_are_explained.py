"""env.example, the code, the compose file and the units name the same variables with the same defaults."""

import ast
import re
from pathlib import Path

import pytest

from access.policy import Reason
from tests.deploy.layout import DEPLOY, ROOT, VARIABLE, command, compose

LINE = re.compile(r"^#?([A-Z_]+)=(.*)$", re.MULTILINE)
OURS = re.compile(r"LINTEL_[A-Z_]+|DATABASE_URL|REDIS_URL")
READERS = {"text", "number", "flag", "networks", "secret"}
# A mark by which `manage.py up` knows its processes again; nobody sets it.
INTERNAL = {"LINTEL_PROGRAM"}
# The edge agent is a computer of its own beside a camera: no container starts it, and its key is its own.
EDGE = ROOT / "recognition" / "edge"
UNITS = sorted(set((DEPLOY / "systemd").glob("*.service")) - set((DEPLOY / "systemd").glob("lintel-edge*")))


def explained() -> dict[str, str]:
    return dict(LINE.findall((DEPLOY / "env.example").read_text(encoding="utf-8")))


def sources() -> list[Path]:
    code = [
        path for package in ("access", "recognition", "workers") for path in (ROOT / package).rglob("*.py")
    ]
    code = [path for path in code if EDGE not in path.parents]
    return [*code, ROOT / "manage.py", *DEPLOY.glob("*.py")]


def named_in_code() -> set[str]:
    """Every string in the code that is a variable's name and nothing else."""
    return {
        node.value.removesuffix("_FILE")
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and OURS.fullmatch(node.value)
    }


def named_in_compose() -> set[str]:
    return {
        name for name, _default in VARIABLE.findall((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    }


def defaults_in_code() -> dict[str, str]:
    """What settings.py takes where nothing is set, as far as it is written there as a constant."""
    tree = ast.parse((ROOT / "access" / "settings.py").read_text(encoding="utf-8"))
    found = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in READERS):
            continue
        if not (node.args and isinstance(node.args[0], ast.Constant)):
            continue
        values = [*node.args[1:], *(word.value for word in node.keywords if word.arg == "default")]
        value = values[0].value if values and isinstance(values[0], ast.Constant) else ""
        found[node.args[0].value] = {True: "yes", False: "no"}.get(value, str(value)) if value != "" else ""
    return found


def test_every_variable_is_explained_and_every_explained_one_is_read() -> None:
    assert set(explained()) == (named_in_code() | named_in_compose()) - INTERNAL


def test_the_defaults_are_those_of_the_settings() -> None:
    written, told = defaults_in_code(), explained()
    assert len(written) > 10
    assert {name: told[name] for name in written} == written


def test_each_variable_has_a_sentence_above_it() -> None:
    lines = (DEPLOY / "env.example").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if LINE.match(line):
            above = lines[number - 1]
            assert above.startswith("# ") or LINE.match(above), line


def test_the_compose_file_falls_back_to_the_defaults_that_are_explained() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    own = {"LINTEL_WORKERS": "2"}  # explained in words
    for name, default in VARIABLE.findall(text):
        assert default == own.get(name, explained()[name])


def test_every_file_and_volume_that_a_service_uses_exists() -> None:
    plan = compose()
    used = set()
    for name, service in plan["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if not source.startswith("."):
                used.add(source)
            elif source not in {"./models", "./backups"}:
                assert (DEPLOY / source).exists(), (name, source)
        for needed in service.get("depends_on", ()):
            assert needed in plan["services"]
        assert set(service.get("networks", ())) <= plan["networks"].keys()
    assert used == plan["volumes"].keys()


def test_our_containers_are_closed() -> None:
    for name, service in compose()["services"].items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "ports" not in service or name == "proxy"
        if name != "postgres":
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name


def test_the_web_container_is_the_image_without_eyes() -> None:
    services = compose()["services"]
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    targets = re.findall(r"^FROM \S+ AS (\S+)", text, re.MULTILINE)
    assert {service["build"]["target"] for service in services.values() if "build" in service} <= set(targets)
    image = {name: service["image"] for name, service in services.items()}
    assert image["web"] == image["migrate"] == image["keys"] == "lintel-web"
    assert image["worker"] == image["beat"] == "lintel-worker"
    web = text.split("AS web\n")[1].split("\nFROM")[0]
    assert "--no-deps" in web
    assert "USER lintel" in web
    for source in re.findall(r"^COPY ([^-\n].*) \S+$", text, re.MULTILINE):
        assert all((ROOT / word).exists() for word in source.split()), source


def test_what_the_build_needs_is_let_in_and_secrets_are_not() -> None:
    rules = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    assert "*" in rules
    assert allowed >= {
        "pyproject.toml",
        "manage.py",
        "README.md",
        "LICENSE",
        "access",
        "recognition",
        "workers",
    }
    assert all((ROOT / name).exists() for name in allowed)
    assert not any("env" in name or "keys/" in name for name in allowed)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_starts_what_the_containers_start(unit: Path) -> None:
    service = unit.stem.removeprefix("lintel-").rstrip("@")
    [line] = re.findall(r"^ExecStart=/opt/lintel/.venv/bin/(.*)$", unit.read_text(), re.MULTILINE)
    words = line.replace(" -n worker-%i@%%h", "").replace("/var/lib/lintel/", "/tmp/").split()
    assert words == command(service)


def test_alerts_ask_for_figures_and_reasons_that_exist() -> None:
    rules = (DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8")
    known = (ROOT / "access" / "health.py").read_text(encoding="utf-8")
    for figure in set(re.findall(r"lintel_\w+", rules)):
        assert f'"{figure}"' in known
    for reasons in re.findall(r'reason=~?"([^"]+)"', rules):
        assert set(reasons.split("|")) <= {reason.value for reason in Reason}

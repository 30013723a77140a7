"""`manage.py up`, step by step: the whole system on one machine, on embedded or given servers.

Promise: it says what it does and how long that took; it starts only what it can also stop; and it
returns 0 when asked to leave, 1 for a fault, 2 for a taken port, 3 for a folder already in use.
"""

import http.client
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from access.folder import AlreadyRunningError, DataFolder, FolderError, in_environment
from access.up.port import PortTakenError, ensure_free, web_address
from access.up.postgres import EmbeddedPostgres
from access.up.program import Program, ProgramError, stop_marked
from access.up.progress import step
from access.up.supervisor import StopRequested, Supervisor
from access.up.valkey import EmbeddedValkey

CODE = Path(__file__).resolve().parents[2]
WEB, WORKERS, BEAT = 0, 1, 2  # stages of the stop; Valkey and Postgres follow
READY_SECONDS = 120
JOURNEY = """
import sys, django
django.setup()
from access.up import journey
sys.exit(journey.run(sys.argv[1]))
"""


@dataclass(frozen=True)
class Options:
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    check: bool = False
    demo: bool = True
    leave_when_ready: bool = False


def up(options: Options) -> int:
    """Start everything, keep it running, stop it. The exit code."""
    folder = DataFolder.default()
    address = web_address(options.host, options.port)
    try:
        with step("data folder") as notes:
            folder.ensure_keys()
            notes.append(str(folder.path))
            if not folder.postgres.is_relative_to(folder.path):
                notes.append(f"Postgres' files in {folder.postgres}")
        with folder.lock(address):
            if left := stop_marked(folder.path):
                print(f"      ended {left} processes that an earlier run had left", flush=True)
            ensure_free(options.host, options.port)
            with Supervisor(report=lambda line: print(f"  !!  {line}", flush=True)) as supervisor:
                return _run(supervisor, folder, options, address)
    except StopRequested:
        print("\nStopped.", flush=True)
        return 0
    except AlreadyRunningError as error:
        return _refuse(error, 3)
    except PortTakenError as error:
        return _refuse(error, 2)
    except (FolderError, ProgramError) as error:
        return _refuse(error, 1)


def _run(supervisor: Supervisor, folder: DataFolder, options: Options, address: str) -> int:
    start = time.monotonic()
    start_servers(supervisor, folder)
    python = _python(folder)
    prepare = ("-m", "access.up.prepare", *([] if options.demo else ["--no-demo"]))
    if code := supervisor.once(python("prepare", *prepare, log=False)):
        return code
    with step("web, workers, beat") as notes:
        for program in _processes(folder, options):
            supervisor.start(program)
        notes.append(f"{options.workers} worker{'s' if options.workers > 1 else ''}")
    with step("ready to decide"):
        _wait_until_ready(supervisor, address)
    print(f"\nLintel is up after {time.monotonic() - start:.0f} s. Ctrl-C stops it.\n")
    print(f"  Admin        {address}/admin/")
    print(f"  API          {address}/api/v1/docs/")
    print(f"  Kiosks post  {address}/api/v1/snapshots/")
    print(f"  Logs         {folder.logs}\n", flush=True)
    if options.check:
        return supervisor.once(python("journey", "-c", JOURNEY, address, log=False))
    if not options.leave_when_ready:
        supervisor.watch()
    return 0


def start_servers(supervisor: Supervisor, folder: DataFolder) -> None:
    """The embedded servers, each only if the environment names none in its place."""
    if in_environment("DATABASE_URL"):
        print("      Postgres is the one of DATABASE_URL", flush=True)
    else:
        with step("Postgres"):
            postgres = EmbeddedPostgres(folder)
            supervisor.start(postgres.program())
            supervisor.wait("postgres", postgres.answers, seconds=READY_SECONDS)
            postgres.provision()
    if in_environment("REDIS_URL"):
        print("      Redis is the one of REDIS_URL", flush=True)
    else:
        with step("Valkey"):
            valkey = EmbeddedValkey(folder)
            supervisor.start(valkey.program())
            supervisor.wait("valkey", valkey.answers, seconds=READY_SECONDS)


def _processes(folder: DataFolder, options: Options) -> list[Program]:
    """Our own processes, in the order of their start."""
    python = _python(folder)
    bind = f"[{options.host}]:{options.port}" if ":" in options.host else f"{options.host}:{options.port}"
    gunicorn = ("-m", "gunicorn", "access.wsgi:application", "--bind", bind, "--no-control-socket")
    # A kiosk's request waits for its decision, so threads are many; they share few database connections.
    threads = (
        "-k",
        "gthread",
        "--workers",
        "2",
        "--threads",
        "24",
        "--keep-alive",
        "30",
        "--graceful-timeout",
        "8",
    )
    celery = ("-m", "celery", "-A", "workers.app")
    worker = (*celery, "worker", "-P", "solo", "-Q", "decide,enrol", "--without-gossip", "--without-mingle")
    return [
        replace(python("web", *gunicorn, *threads), stage=WEB),
        *(
            replace(python(f"worker-{n}", *worker, "-n", f"worker-{n}@%h"), stage=WORKERS)
            for n in range(1, options.workers + 1)
        ),
        replace(python("beat", *celery, "beat", "--schedule", str(folder.run / "beat")), stage=BEAT),
    ]


def _python(folder: DataFolder) -> Callable[..., Program]:
    """A maker of programs that run this very Python on this very code and folder."""
    environment = os.environ | {
        "LINTEL_DATA": str(folder.path),
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "access.settings"),
        "PYTHONUNBUFFERED": "1",
        # One process per core already; more threads would only wait for each other.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }

    def program(name: str, *arguments: str, log: bool = True) -> Program:
        return Program(
            name=name,
            command=(sys.executable, *arguments),
            log=folder.logs / f"{name}.log" if log else None,
            environment=environment,
            folder=folder.path,
            work_folder=CODE,
        )

    return program


def _wait_until_ready(supervisor: Supervisor, address: str) -> None:
    """Return when `/readyz` answers 200: a snapshot posted now would be decided."""
    answers = [""]

    def ready() -> bool:
        status, text = ask(f"{address}/readyz")
        answers.append(text)
        return status == http.HTTPStatus.OK

    try:
        supervisor.wait("web", ready, seconds=READY_SECONDS, pause=0.25)
    except ProgramError as error:
        raise ProgramError(f"{error}\n/readyz last said: {answers[-1]}") from None


def ask(url: str) -> tuple[int, str]:
    """Status and text of a page of our own; status 0 and the reason when nothing answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", parts.path, headers=_allowed_host())
        response = connection.getresponse()
        return response.status, response.read(1000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


def _allowed_host() -> dict[str, str]:
    """The website answers to the names in LINTEL_HOSTS only, whatever address we ask it at."""
    name = os.environ.get("LINTEL_HOSTS", "").split(",")[0].strip().lstrip(".")
    return {"Host": name} if name not in {"", "*"} else {}


def _refuse(error: Exception, code: int) -> int:
    print(f"\nLintel cannot start: {error}", file=sys.stderr, flush=True)
    return code

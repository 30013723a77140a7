"""Every setting, read once from the environment, closed by default.

With nothing set, the system runs on embedded servers in one data folder (`manage.py up`).
`DATABASE_URL` and `REDIS_URL` put ordinary servers in their place and nothing else changes.
Each variable is explained in deploy/env.example; a test keeps the two in step.
"""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.folder import DataFolder


def text(name: str, default: str = "") -> str:
    """The variable, or the content of the file that NAME_FILE points to, or the default."""
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE={path!r} cannot be read: {error.strerror}.") from error
    return os.environ.get(name, default).strip()


def number(name: str, default: float, *, least: float, most: float) -> float:
    raw = text(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name}={raw!r} must be a number from {least} to {most}.")
    return value


def flag(name: str, *, default: bool) -> bool:
    raw = text(name, "yes" if default else "no").lower()
    if raw not in {"yes", "no", "1", "0", "true", "false"}:
        raise ImproperlyConfigured(f"{name}={raw!r} must be yes or no.")
    return raw in {"yes", "1", "true"}


def names(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def networks(name: str, default: str = "") -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(part) for part in names(name, default)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must list networks such as 192.168.1.0/24: {error}.") from error


def secret(name: str, key_file: Path) -> str:
    """A secret from the environment, else from the data folder. None is ever made up silently."""
    value = text(name)
    if not value and key_file.exists():
        value = key_file.read_text(encoding="ascii").strip()
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set and the data folder has none yet: run `manage.py up` once, "
            f"or set {name} (or {name}_FILE). See deploy/env.example."
        )
    return value


def database(url: str) -> dict[str, object]:
    """Django's description of a `postgresql://` address; the socket folder may stand in `?host=`."""
    parts = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    try:
        port = str(parts.port or query.pop("port", ""))
    except ValueError:
        port = "wrong"
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/") or port == "wrong":
        raise ImproperlyConfigured("DATABASE_URL must look like postgresql://user:password@host:5432/name.")
    # `hostname` is in small letters, which a socket folder in its place (%2Frun%2F…) may not be.
    place = parts.netloc.rpartition("@")[2]
    host = unquote(place) if "%2F" in place.upper() else parts.hostname
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or "") or query.pop("user", ""),
        "PASSWORD": unquote(parts.password or "") or query.pop("password", ""),
        "HOST": host or query.pop("host", ""),
        "PORT": port,
        "OPTIONS": {
            key: value for key, value in query.items() if key not in {"user", "password", "host", "port"}
        },
    }


def celery_address(url: str) -> str:
    """The same Redis in the form that Celery knows: it has a scheme of its own for sockets."""
    if not url.startswith("unix://"):
        return url
    parts = urlsplit(url)
    return f"redis+socket://{unquote(parts.path)}?virtual_host={parse_qs(parts.query).get('db', ['0'])[-1]}"


BASE_DIR = Path(__file__).resolve().parent.parent
DATA = DataFolder.default()

# --- Secrets -------------------------------------------------------------------------------------
SECRET_KEY = secret("LINTEL_SECRET_KEY", DATA.secret_key_file)
# Newest first; the others still open what they sealed until `manage.py rotate_master_key` has run.
MASTER_KEYS = secret("LINTEL_MASTER_KEYS", DATA.master_keys_file).replace(",", "\n").split()

# --- Where the servers are -----------------------------------------------------------------------
DATABASE_URL = text("DATABASE_URL") or DATA.database_url()
REDIS_URL = text("REDIS_URL") or DATA.redis_url()
DATABASES = {"default": database(DATABASE_URL)}
DATABASE_POOL = int(number("LINTEL_DATABASE_POOL", 12, least=0, most=200))
if DATABASE_POOL:
    # A request gives its connection back while it waits for a decision, so few serve many kiosks.
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 5}  # type: ignore[index]
# The worker must see a snapshot before its decision is awaited; access.E001 guards this.
ATOMIC_REQUESTS = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- The queue -----------------------------------------------------------------------------------
CELERY_BROKER_URL = celery_address(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True  # the database answers; no biometrics in Redis
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # Kombu would try a dead broker for six seconds, longer than any door waits; who needs the broker back
    # (the workers' consumers) asks again by itself, see BROKER_CONNECTION_MAX_RETRIES.
    "max_retries": 0,
    "socket_timeout": 30,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 25,
    # Doors first: a photograph being enrolled never stands in front of a person at a door.
    "queue_order_strategy": "priority",
}
CELERY_TIMEZONE = "UTC"

# --- Django --------------------------------------------------------------------------------------
DEBUG = False
ALLOWED_HOSTS = names("LINTEL_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = names("LINTEL_ORIGINS")
INSTALLED_APPS = [
    # First, because its Alpine stands in for the theme's: see static/unfold/README.md.
    "access",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    # No tables: listed so that the operator's commands that need numpy stand beside the workers.
    "workers",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "access.signin.Sessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "access" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "access.urls"
WSGI_APPLICATION = "access.wsgi.application"
AUTH_USER_MODEL = "access.Staff"
# Who somebody is and their single rights; then what their roles let them do.
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "access.roles.ByRole"]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
# One language until another is translated whole: the admin in two at once would be worse than in English.
# What people meet at kiosks and in the privacy notice has words of its own in several.
LANGUAGE_CODE = "en-gb"
LANGUAGES = [(LANGUAGE_CODE, "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = Path(text("LINTEL_STATIC") or DATA.path / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # pictures live sealed in Postgres
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Snapshots are at most 2 MB; an enrolment carries several photographs from a phone. A request larger than
# FILE_UPLOAD_MAX_MEMORY_SIZE loses its files silently, which the form of a person says out loud.
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024  # uploads stay in memory: no face in a temporary file
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

HTTPS = flag("LINTEL_HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REDIRECT_EXEMPT = [
    r"^healthz$",
    r"^readyz$",
    r"^metrics$",
    r"^iclock/",
]  # probes and most terminals speak without TLS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
# Everything comes from here, nothing runs that stands inside a page. A view that needs more says so itself.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    }
}
SESSION_COOKIE_AGE = 12 * 3600
# "required": every login needs a second factor; "offered": those who set one up do.
SECOND_FACTOR = text("LINTEL_SECOND_FACTOR", "required" if HTTPS else "offered")
if SECOND_FACTOR not in {"required", "offered"}:
    raise ImproperlyConfigured(f"LINTEL_SECOND_FACTOR={SECOND_FACTOR!r} must be required or offered.")

# --- API -----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "access.api.errors.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Lintel API",
    "DESCRIPTION": (
        "A kiosk posts a picture and gets the door's decision by the door's deadline. A refusal is an answer "
        "(200) with its reason; errors are problem documents (`application/problem+json`, RFC 9457) with a "
        "stable `code`.\n\n"
        "Kiosks send `Authorization: Kiosk <key>`. Repeat a post with the same nonce until it is answered: "
        "the answer is the same and nothing happens twice.\n\n"
        '```\ncurl -H "Authorization: Kiosk $KEY" -F image=@face.jpg -F kind=snapshot \\\n'
        "     -F taken=$(date -Iseconds) -F nonce=$(uuidgen) $URL/api/v1/snapshots/\n```"
    ),
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # A deep link would be a link inside a button, which no keyboard and no screen reader gets through.
    "SWAGGER_UI_SETTINGS": {"deepLinking": False, "docExpansion": "list", "defaultModelsExpandDepth": 0},
    # Two lists of choices in fields of one name need names of their own.
    "ENUM_NAME_OVERRIDES": {
        "DirectionEnum": ["in", "out"],
        "DoorModeEnum": ["normal", "locked", "free", "first_person", "two_person"],
        "DoorStateEnum": ["open", "closed", "held", "forced", "exit"],
    },
    "SCHEMA_PATH_PREFIX": r"/api/v1",
}

# --- Recognition ---------------------------------------------------------------------------------
# Weights beyond the shipped ones; `python -m recognition fetch` puts them here. Read by the workers.
MODELS_DIR = Path(text("LINTEL_MODELS") or DATA.path / "models")
EMBEDDER = text("LINTEL_EMBEDDER")  # a model id of the manifest; empty: the best one that is present
# The share of unknown people at a door that may be taken for somebody enrolled (FPIR).
FALSE_IDENTIFICATION_RATE = number("LINTEL_FALSE_IDENTIFICATION_RATE", 0.003, least=1e-6, most=0.1)
SEARCH = text("LINTEL_SEARCH", "exact")
if SEARCH not in {"exact", "hnsw"}:
    raise ImproperlyConfigured(f"LINTEL_SEARCH={SEARCH!r} must be exact or hnsw.")

# --- Terminals that push (ADMS) --------------------------------------------------------------------
# Whether strangers may knock at /iclock; as soon as a terminal is approved, the address is open anyway.
TERMINALS = flag("LINTEL_TERMINALS", default=False)

# --- Doors ---------------------------------------------------------------------------------------
# Where relays and brokers of doors may be: by default the private networks, and not this machine itself.
DOOR_NETWORKS = networks("LINTEL_DOOR_NETWORKS", "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7")
# A kiosk asks for its door's state at least once a minute; one that is silent for longer than this is away.
KIOSK_SILENCE_SECONDS = number("LINTEL_KIOSK_SILENCE_SECONDS", 180, least=30, most=86_400)
# How long a kiosk may decide by itself by what it was told last. Revocations reach it with the next contact.
OFFLINE_HOURS = number("LINTEL_OFFLINE_HOURS", 24, least=1, most=24)

# --- Webhooks and connectors ----------------------------------------------------------------------
# Whether events may be posted to addresses inside (loop, private, link-local) and by plain http.
HOOKS_PRIVATE = flag("LINTEL_HOOKS_PRIVATE", default=False)

# --- E-mail: scheduled reports. Without a host none is sent ------------------------------------------
EMAIL_HOST = text("LINTEL_SMTP_HOST")
EMAIL_PORT = int(number("LINTEL_SMTP_PORT", 587, least=1, most=65_535))
EMAIL_HOST_USER = text("LINTEL_SMTP_USER")
EMAIL_HOST_PASSWORD = text("LINTEL_SMTP_PASSWORD")
SMTP_SECURITY = text("LINTEL_SMTP_SECURITY", "starttls")
if SMTP_SECURITY not in {"starttls", "tls", "none"}:
    raise ImproperlyConfigured(f"LINTEL_SMTP_SECURITY={SMTP_SECURITY!r} must be starttls, tls or none.")
EMAIL_USE_TLS, EMAIL_USE_SSL = SMTP_SECURITY == "starttls", SMTP_SECURITY == "tls"
EMAIL_TIMEOUT = 10
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
DEFAULT_FROM_EMAIL = text("LINTEL_MAIL_FROM")
# Where links in e-mails lead: the website as its staff reach it.
MAIL_SITE = text("LINTEL_MAIL_SITE").rstrip("/")
MAIL_DOMAIN = DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
# Whether a report may leave as an attachment, which nobody signs in for.
MAIL_ATTACH = flag("LINTEL_MAIL_ATTACH", default=False)
if EMAIL_HOST and not ("@" in DEFAULT_FROM_EMAIL and MAIL_SITE.startswith(("https://", "http://"))):
    raise ImproperlyConfigured(
        "LINTEL_SMTP_HOST needs LINTEL_MAIL_FROM (an address) and LINTEL_MAIL_SITE (https://lintel.example.org)."
    )
if EMAIL_HOST_PASSWORD and SMTP_SECURITY == "none":
    raise ImproperlyConfigured("LINTEL_SMTP_PASSWORD would be sent in clear: LINTEL_SMTP_SECURITY is none.")

# --- Who may read the metrics --------------------------------------------------------------------
METRICS_TOKEN = text("LINTEL_METRICS_TOKEN")

# --- Logs: one JSON object a line on standard error; keys, never names or pictures ----------------
LOG_FORMAT = text("LINTEL_LOG", "json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
        },
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": text("LINTEL_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.security.DisallowedHost": {"level": "ERROR"},
        # Two lines a snapshot would drown what matters; the decisions table is the log of decisions.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}

UNFOLD = {
    "SITE_TITLE": "Lintel",
    "SITE_HEADER": "Lintel",
    "SITE_SUBHEADER": _("Attendance and access"),
    "SITE_SYMBOL": "door_front",
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    # The colours stand in static/access/theme.css: the theme would write them into each page.
    "COLORS": lambda request: {},
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("access/icon.svg"),
        }
    ],
    "STYLES": [lambda request: static("access/theme.css"), lambda request: static("access/admin.css")],
    "SCRIPTS": [lambda request: static("access/policy.js"), lambda request: static("access/admin.js")],
    "ENVIRONMENT": "access.admin.index.demo_mark",
    "DASHBOARD_CALLBACK": "access.admin.index.dashboard",
    "ACCOUNT": {
        "navigation": [{"title": _("Second factor"), "link": lambda request: reverse("second_factor")}]
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "access.admin.index.menu",
    },
}

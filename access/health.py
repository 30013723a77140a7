"""Is it well? Probes for machines, figures for Prometheus, the workers' sign of life, what a site risks.

All figures are read from Postgres, where the truth is, so every web process answers the same.
"""

import hmac
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection, models
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from access import chain, queue
from access.places import Door, Site

# A worker signs in every 5 s; three missed signs and it does not count.
WORKER_SILENCE = timedelta(seconds=15)
WINDOW = timedelta(minutes=5)
# Galleries grow slowly; counting them for every sign of life would be waste.
RISK_LASTS = timedelta(minutes=1)
SHARES = (0.5, 0.95, 0.99)


class Worker(models.Model):
    """A recognition process that has its models warm. No personal data; silent ones are removed nightly."""

    name = models.CharField(_("name"), max_length=120, primary_key=True)
    embedder = models.CharField(_("embedding model"), max_length=80)
    detector = models.CharField(_("detector"), max_length=80)
    liveness = models.CharField(_("liveness model"), max_length=80, blank=True, default="", db_default="")
    started = models.DateTimeField(_("started"), default=timezone.now)
    seen = models.DateTimeField(_("seen"), default=timezone.now)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.name


class SiteRisk(models.Model):
    """What the rate wanted at a site comes to, now and with this model. No personal data.

    Written by the workers: the arithmetic is recognition's, which the website may not import, so it is not
    done twice and the page can only show numbers the doors really use.
    """

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.CASCADE, related_name="risks")
    model = models.CharField(_("embedding model"), max_length=80)
    faceprints = models.PositiveIntegerField(_("faceprints compared"))
    rate = models.FloatField(_("wanted false-identification rate"))
    # None: no faceprints, or a model without calibration; nobody is named then.
    threshold = models.FloatField(_("score needed"), null=True)
    extrapolated = models.BooleanField(_("beyond what was measured"), default=False)
    updated = models.DateTimeField(_("updated"), default=timezone.now)

    class Meta:
        verbose_name = _("risk of a site")
        verbose_name_plural = _("risks of sites")
        constraints = [models.UniqueConstraint("site", "model", name="one_risk_per_site_and_model")]

    def __str__(self) -> str:
        return f"risk of site:{self.site_id}"


def note_risk(
    site: Site, *, model: str, faceprints: int, threshold: float | None, extrapolated: bool
) -> None:
    SiteRisk.objects.update_or_create(
        site=site,
        model=model,
        defaults={
            "faceprints": faceprints,
            "rate": site.wanted_rate,
            "threshold": threshold,
            "extrapolated": extrapolated,
            "updated": timezone.now(),
        },
    )


def without_risk(model: str) -> list[Site]:
    """The sites whose risk with this model was not computed lately, or for another rate."""
    fresh = timezone.now() - RISK_LASTS
    known = dict(SiteRisk.objects.filter(model=model, updated__gt=fresh).values_list("site", "rate"))
    return [site for site in Site.objects.all() if known.get(site.pk) != site.wanted_rate]


def risk_at(site: Site) -> SiteRisk | None:
    """The latest, so that it is that of the model at work."""
    return site.risks.order_by("-updated").first()


def sign_in(name: str, *, embedder: str, detector: str, liveness: str = "") -> None:
    """A worker says that it is here, warm and with these models; without `liveness` it judges no picture."""
    Worker.objects.update_or_create(
        name=name,
        defaults={"embedder": embedder, "detector": detector, "liveness": liveness, "seen": timezone.now()},
    )


def present() -> models.QuerySet[Worker]:
    return Worker.objects.filter(seen__gt=timezone.now() - WORKER_SILENCE)


def unjudged_doors() -> models.QuerySet[Door]:
    """The doors that want each picture judged live while a worker is at work that cannot: what it gets from
    there is refused, whoever it is of. None while no worker is present: then every door refuses.
    """
    if not present().filter(liveness="").exists():
        return Door.objects.none()
    return Door.objects.filter(liveness=Door.Liveness.PASSIVE)


def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """200 if a snapshot posted now would be decided: the database answers and a worker is warm.

    The broker and the sealing of the audit trail are reported but not required: doors keep working.
    """
    try:
        workers = present().count()
        behind = chain.unsealed()[1] > chain.LONGEST_WAIT.total_seconds()
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "database": "down"}, status=503)
    body = {
        "database": "ok",
        "broker": "ok" if queue.reachable() else "down",
        "workers": workers,
        "liveness": "missing" if unjudged_doors().exists() else "ok",
        "audit": "behind" if behind else "ok",
    }
    if not workers:
        return JsonResponse({"status": "unavailable"} | body, status=503)
    return JsonResponse({"status": "ok"} | body)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text for whoever holds LINTEL_METRICS_TOKEN; closed while none is set."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not settings.METRICS_TOKEN or not hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
        return HttpResponseForbidden(
            "Send LINTEL_METRICS_TOKEN as a bearer token; without one set, this page is closed.\n"
        )
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_FromPostgres())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _FromPostgres:
    """Collects by asking the tables: gauges over the last minutes, an index range however old the site is."""

    def collect(self) -> Iterator[Metric]:
        since = timezone.now() - WINDOW
        decisions = GaugeMetricFamily(
            "lintel_decisions", "Decisions of the last 5 minutes", labels=["reason"]
        )
        for reason, count in _rows(
            "SELECT reason, count(*) FROM access_decision WHERE at > %s GROUP BY reason", since
        ):
            decisions.add_metric([str(reason)], count)
        yield decisions
        yield self.decision_seconds(since)
        yield from self.queues()
        workers = GaugeMetricFamily("lintel_workers", "Warm workers", labels=["embedder", "detector"])
        for embedder, detector, count in (
            present().values_list("embedder", "detector").annotate(models.Count("name"))
        ):
            workers.add_metric([embedder, detector], count)
        yield workers
        yield from self.trail()
        yield from self.alarms()
        unjudged = GaugeMetricFamily(
            "lintel_doors_without_liveness", "Doors that demand liveness while a worker has no model for it"
        )
        unjudged.add_metric([], unjudged_doors().count())
        yield unjudged
        faceprints = GaugeMetricFamily("lintel_faceprints", "Faceprints in use", labels=["model"])
        for model, count in _rows("SELECT model, count(*) FROM access_faceprint WHERE active GROUP BY model"):
            faceprints.add_metric([str(model)], count)
        yield faceprints

    def trail(self) -> Iterator[Metric]:
        waiting, seconds = chain.unsealed()
        yield GaugeMetricFamily(
            "lintel_audit_unsealed", "Audit entries that wait for their seal", value=waiting
        )
        yield GaugeMetricFamily(
            "lintel_audit_unsealed_seconds", "How long the oldest of them has waited", value=seconds
        )
        yield GaugeMetricFamily("lintel_audit_seals", "Seals in the chain", value=chain.head().number)

    def alarms(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("lintel_alarms", "Alarms not acknowledged", labels=["kind"])
        for kind, count in _rows(
            "SELECT kind, count(*) FROM access_alarm WHERE acknowledged IS NULL GROUP BY kind"
        ):
            family.add_metric([str(kind)], count)
        yield family

    def decision_seconds(self, since: object) -> Metric:
        shares = ", ".join(
            f"percentile_cont({share}) WITHIN GROUP (ORDER BY extract(epoch FROM d.at - s.received))"
            for share in SHARES
        )
        [figures] = _rows(
            f"SELECT {shares} FROM access_decision d JOIN access_snapshot s ON s.id = d.snapshot_id "  # noqa: S608
            "WHERE d.at > %s AND s.kind <> 'offline'",
            since,
        )
        family = GaugeMetricFamily(
            "lintel_decision_seconds", "From receipt to decision, last 5 minutes", labels=["quantile"]
        )
        for share, seconds in zip(SHARES, figures, strict=True):
            if seconds is not None:
                family.add_metric([str(share)], float(seconds))
        return family

    def queues(self) -> Iterator[Metric]:
        age = GaugeMetricFamily("lintel_queue_age_seconds", "Age of the oldest open work", labels=["queue"])
        length = GaugeMetricFamily("lintel_queue_length", "Open work", labels=["queue"])
        for name, table in (
            ("decide", "access_snapshotpicture w JOIN access_snapshot s ON s.id = w.snapshot_id"),
            ("enrol", "(SELECT submitted AS received FROM access_enrolment WHERE state = 'waiting') s"),
        ):
            [[count, oldest]] = _rows(
                "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(s.received)), 0) "  # noqa: S608
                f"FROM {table}"
            )
            length.add_metric([name], count)
            age.add_metric([name], max(float(oldest), 0.0))  # two machines, two clocks
        yield age
        yield length


def _rows(sql: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall()

"""What axe finds wrong on a page: names, contrast, order, keyboard.

Its script comes through the browser's protocol, so the page keeps its content policy while it is looked at.
"""

import json
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT

GRAVE = ("serious", "critical")
# Sent once a context instead of once a page.
SCRIPT = f"{AXE_SCRIPT};"
# Rules whose findings are never grave; the first of them is a tenth of the work.
MILD = [
    "region",
    "landmark-unique",
    "landmark-one-main",
    "heading-order",
    "page-has-heading-one",
    "empty-heading",
    "empty-table-header",
    "aria-allowed-role",
    "presentation-role-conflict",
    "image-redundant-alt",
]
OPTIONS = {
    "reporter": "no-passes",
    "preload": False,
    "rules": {rule: {"enabled": False} for rule in MILD},
}
LOOK = """
([spare, options]) => {
    for (const one of spare) document.querySelectorAll(one).forEach((part) => part.remove());
    return axe.run(options).then((found) => found.violations.map(({ id, impact, nodes }) => ({
        id, impact, nodes: nodes.map((node) => ({
            where: node.target.flat().join(" "), html: node.html.slice(0, 160),
            why: [...node.any, ...node.all, ...node.none].map((one) => one.message).slice(0, 1).join(),
        })),
    })));
}
"""


def arm(context: Any) -> None:
    """Every page of this context brings axe with it."""
    context.add_init_script(SCRIPT)


def findings(page: Any, *, spare: tuple[str, ...] = ()) -> list[str]:
    """Each serious or critical finding in words. `spare` was looked at on another page, and is taken out."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(SCRIPT)
    return [
        f"{found['impact']}: {found['id']} at {node['where']}: {node['why']} {json.dumps(node['html'])}"
        for found in page.evaluate(LOOK, [spare, OPTIONS])
        if found["impact"] in GRAVE
        for node in found["nodes"]
    ]

/* Makes the theme's pages run under a policy that forbids evaluating text as code.
   Alpine's build for that knows no globals, so what the theme calls by name is given to it here, and the few
   expressions that its reader does not know are said in other words. */
"use strict";

const STORED = "sidebarDesktopOpen";

/* What the theme writes into the body's x-data and x-init. */
function page(primary) {
  const stored = localStorage.getItem(STORED);
  return {
    activeTab: "",
    sidebarMobileOpen: false,
    sidebarDesktopOpen: stored === null ? true : stored === "1",
    addressOf(tab) {
      return location.pathname + location.search + (tab && tab !== "general" ? `#${tab}` : "");
    },
    init() {
      this.activeTab = primary === null ? "" : getCurrentTab() || primary;
      this.$watch(STORED, (open) => localStorage.setItem(STORED, open ? "1" : "0"));
    },
  };
}

/* htmx would write a style into the page, and evaluate what stands in attributes. */
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;

/* The theme opens some of its parts by a click on a bare element: let keys and screen readers reach them too. */
const ICONS = { dock_to_right: "Menu", close: "Close", arrow_back: "Back", more_vert: "More", unfold_more: "Your login" };

function reachable() {
  for (const bare of document.querySelectorAll("span[x-on\\:click], div[x-on\\:click], h2[x-on\\:click], a[x-on\\:click]:not([href])")) {
    if (bare.querySelector("a, button, input") || /^\$dispatch|stop/.test(bare.getAttribute("x-on:click"))) continue;
    bare.setAttribute("role", "button");
    bare.tabIndex = 0;
    bare.addEventListener("keydown", (event) => {
      if (event.target !== bare || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      bare.click();
    });
  }
  /* An icon is a word in a font: said aloud it would be "dock underscore to underscore right". */
  for (const icon of document.querySelectorAll(".material-symbols-outlined:not([aria-hidden])")) {
    const text = icon.textContent.trim();
    const owner = icon.closest("a, button, [role=button]");
    if (owner && owner.textContent.trim() === text && !owner.getAttribute("aria-label")) {
      owner.setAttribute("aria-label", owner.title || ICONS[text] || text.replaceAll("_", " "));
    }
    if (icon !== owner) icon.setAttribute("aria-hidden", "true");
  }
}

document.addEventListener("alpine:init", () => {
  reachable();
  const body = document.body;
  const primary = /activeTab: '([^']*)'/.exec(body.getAttribute("x-data") || "");
  Alpine.data("lintelPage", () => page(primary && primary[1]));
  body.setAttribute("x-data", "lintelPage");
  body.removeAttribute("x-init");

  Alpine.data("theme", theme);
  Alpine.data("searchForm", searchForm);
  Alpine.data("searchDropdown", searchDropdown);
  Alpine.data("searchCommand", searchCommand);

  for (const button of document.querySelectorAll("[x-on\\:click*='localStorage']")) {
    button.setAttribute("x-on:click", button.getAttribute("x-on:click").split(";")[0]);
  }
  /* A style given as text would become an attribute, which the policy refuses; property by property it is none. */
  for (const bar of document.querySelectorAll("[x-bind\\:style*='changeListWidth']")) {
    bar.setAttribute("x-bind:style", "{ width: changeListWidth + 'px' }");
  }
  /* Forms that come back to the tab they were sent from. */
  for (const form of document.querySelectorAll("form[x-bind\\:action*='window.location']")) {
    form.setAttribute("x-bind:action", "addressOf(activeTab)");
  }
});

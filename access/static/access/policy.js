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

document.addEventListener("alpine:init", () => {
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

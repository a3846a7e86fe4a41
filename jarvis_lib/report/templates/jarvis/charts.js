"use strict";
for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const spec = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
  const live = document.createElement("div");
  live.tabIndex = 0; // it may be wider than a phone, and is then moved by the keys
  live.setAttribute("role", "group");
  live.setAttribute("aria-label", figure.getAttribute("aria-label"));
  figure.append(live);
  // No eval: expressions are interpreted, so the page's policy can forbid it. Where drawing fails, the image stays.
  vegaEmbed(live, spec, { mode: "vega-lite", actions: false, ast: true, renderer: "svg", tooltip: { disableDefaultStyle: true } }).then(
    () => { figure.querySelector("img").remove(); figure.setAttribute("role", "figure"); },
    () => live.remove(),
  );
}

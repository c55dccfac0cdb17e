"use strict";
(() => {
  const {specs, themes} = JSON.parse(document.getElementById("figures").textContent);
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const narrow = () => root.clientWidth < 600;
  const views = new Map();  // a figure's id -> its views
  let theme = system.matches ? "dark" : "light";

  // What a reader chooses in a figure: the series shown, and the hours that it is zoomed to.
  const isChosen = {signals: name => /^(show_\d+|zoom_t)$/.test(name), data: () => false};
  const share = (view, all) => {
    for (const name of Object.keys(view.getState(isChosen).signals))
      view.addSignalListener(name, (_, value) => {
        for (const other of all)
          if (other.signal(name) !== value) other.signal(name, value).runAsync();
      });
  };

  // Font sizes and heights for a phone; the legend is a row of buttons, so the charts need none.
  const fitted = (spec, hasLegend) => {
    const own = structuredClone(spec);
    if (narrow() && own.height > 240) own.height = Math.round(own.height * 0.8);
    own.width = "container";
    own.autosize = {type: "fit", contains: "padding"};
    own.config = structuredClone(themes[theme]);
    if (hasLegend) own.config.legend.disable = true;
    if (narrow()) for (const key of ["labelFontSize", "titleFontSize"]) own.config.axis[key] = 11;
    return own;
  };

  async function draw(figure) {
    const id = figure.id, {panels, canvas, series} = specs[id], before = views.get(id) || [];
    const chosen = before[0]?.getState(isChosen);
    before.forEach(view => view.finalize());
    views.set(id, []);
    const targets = figure.querySelectorAll(".panel"), legend = figure.querySelector(".legend");
    legend?.replaceChildren();
    for (const [at, spec] of panels.entries()) {
      const {view} = await vegaEmbed(targets[at], fitted(spec, series), {
        actions: false, renderer: canvas ? "canvas" : "svg", tooltip: {theme}, ast: false, bind: at ? undefined : legend,
      });
      if (chosen) await view.setState(chosen).runAsync();
      views.get(id).push(view);
    }
    if (panels.length > 1) views.get(id).forEach((view, _, all) => share(view, all));
    figure.dataset.drawn = theme;
  }

  // Figures below the viewport are drawn lazily, one after the other, as they come near.
  let queue = Promise.resolve();
  const wanted = figure => { queue = queue.then(() => figure.dataset.drawn === theme ? null : draw(figure)); };
  const near = new IntersectionObserver(
    entries => entries.filter(entry => entry.isIntersecting).forEach(entry => wanted(entry.target)),
    {rootMargin: "800px"});
  const figures = [...document.querySelectorAll("figure")];

  function paint() {
    root.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-pressed", String(theme === "dark"));
    button.setAttribute("aria-label", `Switch to ${theme === "dark" ? "light" : "dark"} colours`);
    figures.forEach(figure => { near.unobserve(figure); near.observe(figure); });
  }
  button.addEventListener("click", () => { theme = theme === "dark" ? "light" : "dark"; paint(); });
  system.addEventListener("change", event => { theme = event.matches ? "dark" : "light"; paint(); });
  addEventListener("beforeprint", () => figures.filter(figure => !figure.hidden).forEach(wanted));

  // A tap shows the tooltip of that point: the charts react to pointer moves only. A swipe does not count as a tap.
  let from = null;
  addEventListener("touchstart", event => { from = event.touches[0]; }, {passive: true});
  addEventListener("touchend", event => {
    const {clientX, clientY} = event.changedTouches[0], {target} = event;
    if (!from || Math.hypot(clientX - from.clientX, clientY - from.clientY) > 10 || !target.closest(".panel")) return;
    setTimeout(() => {
      for (const type of ["pointerover", "pointermove"])
        target.dispatchEvent(new PointerEvent(type, {bubbles: true, clientX, clientY}));
    });
  });

  document.querySelectorAll("[role=tablist]").forEach(list => {
    const tabs = [...list.children];
    const choose = tab => tabs.forEach(each => {
      each.setAttribute("aria-selected", String(each === tab));
      each.tabIndex = each === tab ? 0 : -1;
      document.getElementById(each.getAttribute("aria-controls")).hidden = each !== tab;
    });
    tabs.forEach((tab, at) => {
      tab.addEventListener("click", () => choose(tab));
      tab.addEventListener("keydown", event => {
        const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
        if (!step) return;
        const next = tabs[(at + step + tabs.length) % tabs.length];
        choose(next);
        next.focus();
      });
    });
    choose(tabs.find(tab => tab.ariaSelected === "true"));
  });
  paint();
})();

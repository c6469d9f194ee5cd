/* Draws the page to try the API into #api-docs, light or dark as the rest of Cadence. */
(function () {
  "use strict";
  var root = document.documentElement;
  function followTheme() {
    root.classList.toggle("dark-mode", root.getAttribute("data-bs-theme") === "dark");
  }
  followTheme();
  new MutationObserver(followTheme).observe(root, { attributes: true, attributeFilter: ["data-bs-theme"] });
  var place = document.getElementById("api-docs");

  /* The layout of Swagger UI is a page of its own, with a <main>; ours is a part of a page. */
  function partOfAPage(system) {
    var draw = system.React.createElement;
    function Layout(props) {
      function part(name) {
        return draw(props.getComponent(name, true));
      }
      var loading = props.specSelectors.loadingStatus();
      if (loading === "failed") return draw("p", { role: "alert" }, "The document could not be read. Reload the page.");
      if (loading !== "success") return draw("p", { role: "status" }, "Loading the document …");
      return draw(
        "div",
        { className: "swagger-ui" },
        draw(props.getComponent("SvgAssets")),
        part("InfoContainer"),
        draw("div", { className: "scheme-container schemes" }, part("AuthorizeBtnContainer")),
        draw("div", { role: "group", "aria-label": "Calls" }, part("operations")),
        part("Models")
      );
    }
    return { components: { PartOfAPage: Layout } };
  }

  /* Its headings begin below our <h1>, its tables stay tables, and each control is named as it reads. React leaves
     alone what it did not set itself, so this is done after each drawing. */
  function level(heading) {
    if (!heading.closest(".opblock, .dialog-ux") || heading.closest(".modal-ux-header")) return 2;
    return heading.matches("h4, .dialog-ux *") ? 3 : 4;
  }
  function set(each, name, value) {
    if (each.getAttribute(name) !== value) each.setAttribute(name, value);
  }
  function all(selector, mend) {
    place.querySelectorAll(selector).forEach(mend);
  }
  function mend() {
    all("h1, h2, h3, h4, h5, h6", function (heading) {
      set(heading, "aria-level", String(level(heading)));
    });
    all("table[role]", function (table) {
      table.removeAttribute("role");
    });
    /* What scrolls sideways must do so by keyboard too. */
    all("pre.microlight", function (code) {
      set(code, "tabindex", "0");
    });
    all(".close-modal", function (button) {
      set(button, "aria-label", "Close");
    });
    all(".auth-btn-wrapper [aria-label]", function (button) {
      button.removeAttribute("aria-label");
    });
    all("tr[data-param-name] :is(select, input, textarea):not([aria-label])", function (control) {
      if (!control.labels.length) set(control, "aria-label", control.closest("tr").getAttribute("data-param-name"));
    });
  }
  new MutationObserver(mend).observe(place, { childList: true, subtree: true });

  window.SwaggerUIBundle({
    domNode: place,
    url: place.getAttribute("data-document"),
    plugins: [partOfAPage],
    layout: "PartOfAPage",
    /* Its links would lie inside the buttons that open each call. */
    deepLinking: false,
    defaultModelsExpandDepth: 0,
    persistAuthorization: false,
    validatorUrl: null,
  });
})();

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
  window.SwaggerUIBundle({
    domNode: place,
    url: place.getAttribute("data-document"),
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    persistAuthorization: false,
    validatorUrl: null,
  });
})();

/* [data-arrows="id"]: the arrow keys go from a search field through the links that it lists in #id, and back. What was
   typed before htmx was ready is looked for once it is. */
(function () {
  "use strict";
  var doc = document;
  doc.addEventListener("keydown", function (event) {
    var step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    var field = doc.querySelector("[data-arrows]");
    var list = field && doc.getElementById(field.getAttribute("data-arrows"));
    if (!list || (event.target !== field && !list.contains(event.target))) return;
    var stops = [field].concat(Array.from(list.querySelectorAll("a")));
    var next = stops[stops.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  doc.addEventListener("DOMContentLoaded", function () {
    var field = doc.querySelector("[data-arrows]");
    if (field && field.value !== field.defaultValue) field.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();

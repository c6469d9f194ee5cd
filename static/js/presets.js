/* A usual range in a list [data-with="#form"] takes along what is chosen in that form and not shown yet. */
(function () {
  "use strict";
  var RANGE = ["range", "start_date", "end_date", "csrf_token"];
  document.addEventListener("click", function (event) {
    var link = event.target.closest("[data-with] a[href]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    var form = document.querySelector(link.closest("[data-with]").getAttribute("data-with"));
    var there = new URL(link.href);
    var asked = new URLSearchParams();
    new FormData(form).forEach(function (value, name) {
      if (value !== "" && !RANGE.includes(name)) asked.append(name, value);
    });
    there.searchParams.forEach(function (value, name) {
      if (RANGE.includes(name)) asked.append(name, value);
    });
    there.search = asked.toString();
    event.preventDefault();
    window.location.assign(there.href);
  });
})();

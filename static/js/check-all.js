/* [data-check-all="name"]: ticks every box of that name in its form, and says how far they all are. */
(function () {
  "use strict";
  function boxes(all) {
    return Array.from(all.form.querySelectorAll("input[type=checkbox]")).filter(function (box) {
      return box.name === all.getAttribute("data-check-all");
    });
  }
  function follow(all) {
    var ticked = boxes(all).filter(function (box) {
      return box.checked;
    }).length;
    all.checked = ticked > 0 && ticked === boxes(all).length;
    all.indeterminate = ticked > 0 && !all.checked;
    var told = all.form.querySelector("[data-check-count]");
    if (told) told.textContent = ticked ? ticked + " selected" : "";
  }
  document.addEventListener("change", function (event) {
    var form = event.target.form;
    if (!form) return;
    form.querySelectorAll("[data-check-all]").forEach(function (all) {
      if (event.target === all) {
        boxes(all).forEach(function (box) {
          box.checked = all.checked;
        });
      }
      follow(all);
    });
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("[data-check-all]").forEach(follow);
  });
})();

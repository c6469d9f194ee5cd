/* Rows of the list that are ticked: how many, all that are shown, and kept while the list is swapped. */
(function () {
  "use strict";
  var doc = document;
  var ticked = new Set();

  function boxes() {
    return Array.from(doc.querySelectorAll("#convo-items .convo-pick input"));
  }
  function tell() {
    var box = doc.getElementById("selected-count");
    var all = doc.getElementById("select-list");
    if (!box) return;
    var count = boxes().filter(function (each) {
      return each.checked;
    }).length;
    box.textContent = all && all.checked ? "" : count ? count + " selected" : "";
  }
  function remember() {
    ticked = new Set(boxes().filter(function (each) {
      return each.checked;
    }).map(function (each) {
      return each.dataset.convo;
    }));
    tell();
  }
  doc.addEventListener("change", function (event) {
    if (event.target.matches(".convo-pick input, #select-list")) remember();
    if (event.target.id === "selecting" && !event.target.checked) {
      boxes().forEach(function (each) {
        each.checked = false;
      });
      var all = doc.getElementById("select-list");
      if (all) all.checked = false;
      remember();
    }
  });
  doc.addEventListener("click", function (event) {
    if (!event.target.closest("#select-shown")) return;
    boxes().forEach(function (each) {
      each.checked = true;
    });
    remember();
  });
  doc.addEventListener("htmx:oobAfterSwap", function () {
    if (!ticked.size) return;
    boxes().forEach(function (each) {
      if (ticked.has(each.dataset.convo)) each.checked = true;
    });
    tell();
  });
})();

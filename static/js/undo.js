/* Undo after Send: counts a held text down, takes its buttons away in time, and the keys for it. The server alone decides;
   what is shown here is how long it said that the text waits. */
(function () {
  "use strict";
  var doc = document;
  /* After its time the worker needs a moment: then the page asks what became of it. */
  var ASK_AFTER = [700, 1700, 3500];
  var TOLD_FOR = 10000;
  var until = new WeakMap();

  function left(held) {
    if (!until.has(held)) until.set(held, window.performance.now() + 1000 * Number(held.getAttribute("data-held")));
    return until.get(held) - window.performance.now();
  }
  function box() {
    return doc.getElementById("composer-body");
  }
  function ask() {
    var poller = doc.getElementById("poller");
    if (poller && window.htmx && !doc.hidden) window.htmx.trigger(poller, "live");
  }
  function over(held) {
    held.removeAttribute("data-held");
    held.textContent = "Sending";
    var buttons = held.closest(".bubble").querySelector("[data-held-buttons]");
    if (buttons) {
      if (buttons.contains(doc.activeElement) && box()) box().focus();
      buttons.remove();
    }
    ASK_AFTER.forEach(function (pause) {
      window.setTimeout(ask, pause);
    });
  }
  function count() {
    doc.querySelectorAll("[data-held]").forEach(function (held) {
      var seconds = Math.ceil(left(held) / 1000);
      if (seconds <= 0) over(held);
      else if (held.textContent !== "Sending in " + seconds + " s") held.textContent = "Sending in " + seconds + " s";
    });
    doc.querySelectorAll("[data-gone-after]").forEach(function (offer) {
      if (!until.has(offer)) {
        until.set(offer, window.performance.now() + 1000 * Number(offer.getAttribute("data-gone-after")));
      }
      if (until.get(offer) < window.performance.now() && !offer.contains(doc.activeElement)) offer.remove();
    });
  }
  /* What was said above the box has been read by then. */
  function hush() {
    var told = doc.getElementById("undo-told");
    if (told && told.textContent && !until.has(told)) until.set(told, window.performance.now() + TOLD_FOR);
    if (told && until.get(told) < window.performance.now()) {
      told.textContent = "";
      until.delete(told);
    }
  }
  doc.addEventListener("htmx:oobAfterSwap", function (event) {
    if (event.detail.target && event.detail.target.id === "undo-told") until.delete(event.detail.target);
  });
  count();
  window.setInterval(function () {
    count();
    hush();
  }, 250);
  doc.addEventListener("htmx:afterSettle", count);

  /* In an empty box Ctrl+Enter once more sends the last text now, and Ctrl+Z takes it back: unless something was typed
     there, for then the browser's own undo is meant. */
  var typed = new WeakSet();
  doc.addEventListener("input", function (event) {
    if (event.target.id === "composer-body" && !event.fromDrafts) typed.add(event.target);
  });
  function last(mark) {
    var all = doc.querySelectorAll("[" + mark + "]");
    return all.length ? all[all.length - 1] : null;
  }
  doc.addEventListener("keydown", function (event) {
    if (event.target !== box() || event.target.value.trim() !== "" || event.repeat || event.isComposing) return;
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    var undo = event.key.toLowerCase() === "z" && !typed.has(event.target);
    var button = event.key === "Enter" ? last("data-send-now") : undo ? last("data-undo") : null;
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    button.click();
  }, true);
})();

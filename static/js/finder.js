/* Ctrl K, or Command K: a dialog that finds a person or a page. The field keeps the keyboard; the list beside it says by
   aria-activedescendant which one Enter opens (the combobox of the ARIA Authoring Practices). */
(function () {
  "use strict";
  var doc = document;
  var dialog = doc.getElementById("finder");
  var field = doc.getElementById("finder-field");
  var list = doc.getElementById("finder-list");
  var told = doc.getElementById("finder-told");
  if (!dialog || !dialog.showModal) return;
  var PAUSE = 150;
  var timer = 0;
  var asked = null;
  /* What the list answers to: Enter waits for the answer to what is typed by then. */
  var shown = null;
  var enter = false;

  function options() {
    return Array.from(list.querySelectorAll("[role=option]"));
  }
  function active() {
    return list.querySelector("[aria-selected=true]");
  }
  function choose(option) {
    options().forEach(function (each) {
      each.setAttribute("aria-selected", String(each === option));
    });
    if (option) {
      field.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      field.removeAttribute("aria-activedescendant");
    }
  }
  function show(html, typed) {
    list.innerHTML = html;
    shown = typed;
    var all = options();
    field.setAttribute("aria-expanded", String(all.length > 0));
    choose(all[0]);
    if (list.firstElementChild) told.textContent = list.firstElementChild.getAttribute("data-told") || "";
    if (enter) go();
  }
  function ask() {
    window.clearTimeout(timer);
    if (asked) asked.abort();
    var ours = (asked = new AbortController());
    var typed = field.value.trim();
    window
      .fetch(field.dataset.url + "?q=" + encodeURIComponent(typed), {
        headers: { "HX-Request": "true" },
        signal: ours.signal,
      })
      .then(function (answer) {
        return answer.text().then(function (html) {
          if (ours !== asked) return;
          /* A whole page: the session is over. */
          if (answer.redirected || /^\s*<!doctype/i.test(html)) window.location.reload();
          else if (answer.ok) show(html, typed);
          else fail();
        });
      })
      .catch(function (error) {
        if (error.name !== "AbortError" && ours === asked) fail();
      });
  }
  function fail() {
    enter = false;
    list.textContent = "";
    field.setAttribute("aria-expanded", "false");
    choose(null);
    var words = "Cadence can’t be reached just now. Type again to try once more.";
    var line = doc.createElement("p");
    line.className = "finder-none";
    line.textContent = words;
    list.append(line);
    told.textContent = words;
  }
  function go() {
    enter = false;
    var option = active();
    if (option) window.location.assign(option.href);
  }
  function open() {
    if (dialog.open || doc.querySelector("dialog[open]")) return;
    enter = false;
    field.value = "";
    dialog.showModal();
    field.focus();
    ask();
  }
  function step(by) {
    var all = options();
    if (!all.length) return;
    var at = all.indexOf(active());
    choose(all[(at + by + all.length) % all.length]);
  }

  doc.addEventListener("keydown", function (event) {
    var plain = !event.altKey && !event.shiftKey && !event.isComposing;
    if ((event.ctrlKey || event.metaKey) && plain && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (dialog.open) dialog.close();
      else open();
    }
  });
  field.addEventListener("input", function () {
    enter = false;
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, PAUSE);
  });
  field.addEventListener("keydown", function (event) {
    if (event.isComposing || event.altKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (shown === field.value.trim()) {
        go();
      } else {
        enter = true;
        ask();
      }
    }
  });
  list.addEventListener("click", function (event) {
    var option = event.target.closest("[role=option]");
    /* Another window keeps the dialog as it is. */
    if (option && !event.ctrlKey && !event.metaKey && !event.shiftKey) dialog.close();
  });
  dialog.addEventListener("click", function (event) {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", function () {
    window.clearTimeout(timer);
    if (asked) asked.abort();
    asked = null;
    shown = null;
    list.textContent = "";
    told.textContent = "";
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  });
  doc.addEventListener("click", function (event) {
    if (event.target.closest("[data-finder]")) open();
  });
})();

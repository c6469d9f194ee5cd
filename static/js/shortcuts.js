/* Keys of the desk: one letter each, never while somebody types. A user who turns them off does not get this file. */
(function () {
  "use strict";
  var doc = document;

  function visible(element) {
    return element && element.getClientRects().length > 0 ? element : null;
  }
  function find(selector) {
    return visible(doc.querySelector(selector));
  }
  function typing(target) {
    return target.closest("input, textarea, select, [contenteditable], dialog") !== null;
  }
  function go(step) {
    var all = Array.from(doc.querySelectorAll("#convo-items .convo"));
    var open = all.findIndex(function (each) {
      return each.hasAttribute("aria-current");
    });
    var wanted = open < 0 ? all[0] : all[open + step];
    if (wanted) window.location.assign(wanted.href);
  }
  function write(tab, box) {
    var choice = doc.getElementById(tab);
    if (!choice) return;
    choice.checked = true;
    var area = find("#" + box);
    if (area) area.focus();
  }
  function show() {
    var dialog = doc.getElementById("shortcuts");
    if (dialog && !dialog.open) dialog.showModal();
  }
  var KEYS = {
    j: function () {
      go(1);
    },
    k: function () {
      go(-1);
    },
    c: function () {
      var link = doc.getElementById("new-text-link");
      if (link) window.location.assign(link.href);
    },
    r: function () {
      write("write-text", "composer-body");
    },
    n: function () {
      write("write-note", "note-body");
    },
    e: function () {
      var button = doc.getElementById("done-button");
      if (!button) return;
      /* Who presses the key for the first time is told what it does. */
      var by = doc.createElement("input");
      by.type = "hidden";
      by.name = "by";
      by.value = "key";
      button.form.append(by);
      button.form.requestSubmit(button);
    },
    u: function () {
      var form = doc.getElementById("mark-unread");
      if (form) form.requestSubmit();
    },
    z: function () {
      var all = doc.querySelectorAll("[data-undo]");
      var last = all.length ? visible(all[all.length - 1]) : null;
      if (last) last.click();
    },
    "/": function () {
      var search = find("#convo-search");
      if (search) search.focus();
    },
    "?": show,
  };
  doc.addEventListener("keydown", function (event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.repeat || typing(event.target) || !Object.hasOwn(KEYS, event.key)) return;
    if (doc.querySelector("dialog[open]")) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  doc.addEventListener("click", function (event) {
    if (event.target.closest("[data-shortcuts]")) show();
  });
  /* The open conversation may be far down the list. */
  var open = find("#convo-items .convo[aria-current]");
  if (open) open.scrollIntoView({ block: "nearest" });
})();

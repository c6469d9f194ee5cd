/* Keeps an open page fresh: sends each [data-live="seconds"] the event "live", on which htmx asks for what is new.
   More seldom while nobody is at the page or the server is out of reach, and not at all while it is hidden. */
(function () {
  "use strict";
  var doc = document;
  var MINUTE = 60000;
  var FAILURES_TO_TELL = 2;
  /* How far up, in pixels, somebody must have scrolled to be reading earlier texts. */
  var READING = 60;
  var lastActive = Date.now();
  var failures = 0;
  var asked = {};

  ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "focusin"].forEach(function (name) {
    doc.addEventListener(name, function () {
      lastActive = Date.now();
    }, { passive: true });
  });

  function wait(seconds) {
    var idle = Date.now() - lastActive;
    var factor = idle < MINUTE ? 1 : idle < 10 * MINUTE ? 4 : 15;
    return Math.min(1000 * seconds * factor * Math.pow(2, Math.min(failures, 3)), MINUTE);
  }
  function ask(element) {
    asked[element.id] = Date.now();
    window.htmx.trigger(element, "live");
  }
  function look(now) {
    doc.querySelectorAll("[data-live]").forEach(function (element) {
      var pause = now ? 0 : wait(Number(element.getAttribute("data-live")));
      if (!(element.id in asked)) asked[element.id] = Date.now();
      if (element.classList.contains("htmx-request") || Date.now() - asked[element.id] < pause) return;
      ask(element);
    });
  }
  window.setInterval(function () {
    if (!doc.hidden && window.htmx) look(false);
  }, 1000);
  doc.addEventListener("visibilitychange", function () {
    if (doc.hidden) return;
    lastActive = Date.now();
    look(true);
  });

  window.addEventListener("online", function () {
    if (!doc.hidden) look(true);
  });

  function isLive(event) {
    return event.detail.elt && event.detail.elt.hasAttribute("data-live");
  }
  function tell(text) {
    var box = doc.getElementById("out-of-touch");
    if (box && box.textContent !== text) box.textContent = text;
  }
  ["htmx:sendError", "htmx:timeout", "htmx:responseError"].forEach(function (name) {
    doc.addEventListener(name, function (event) {
      if (!isLive(event)) return;
      failures += 1;
      if (failures >= FAILURES_TO_TELL) tell("No answer from Cadence. What you see may be out of date; still trying.");
    });
  });
  doc.addEventListener("htmx:afterRequest", function (event) {
    if (!isLive(event) || !event.detail.successful) return;
    failures = 0;
    tell("");
  });
  doc.addEventListener("htmx:beforeSwap", function (event) {
    /* It is not there any more, or not theirs: asking again would bring nothing. */
    var status = event.detail.xhr.status;
    if (isLive(event) && status >= 400 && status < 500) event.detail.elt.removeAttribute("data-live");
  });

  /* Whoever reads earlier texts keeps their place, and a button tells of new ones and leads to them. */
  function thread() {
    return doc.getElementById("thread");
  }
  function button() {
    return doc.getElementById("new-texts");
  }
  var unseen = 0;
  doc.addEventListener("htmx:oobBeforeSwap", function (event) {
    var box = thread();
    if (!box || event.target.id !== "thread-items") return;
    /* The thread fills from its end: 0 is the end, and earlier texts are below nought. */
    var top = box.scrollTop;
    var height = box.scrollHeight;
    if (top > -READING) return;
    window.queueMicrotask(function () {
      box.scrollTop = top - (box.scrollHeight - height);
    });
  });
  doc.addEventListener("htmx:afterSettle", function () {
    var said = doc.querySelector("#consent-said [data-new-texts]");
    var box = thread();
    if (!said || said.hasAttribute("data-told") || !box || !button()) return;
    said.setAttribute("data-told", "");
    if (box.scrollTop > -READING) return;
    unseen += Number(said.getAttribute("data-new-texts"));
    button().querySelector("span").textContent = unseen + (unseen === 1 ? " new text" : " new texts");
    button().hidden = false;
  });
  doc.addEventListener("scroll", function (event) {
    if (event.target !== thread() || event.target.scrollTop <= -READING || !button()) return;
    unseen = 0;
    button().hidden = true;
  }, true);
  doc.addEventListener("click", function (event) {
    if (!event.target.closest("#new-texts button")) return;
    thread().scrollTop = 0;
    thread().focus({ preventScroll: true });
  });
})();

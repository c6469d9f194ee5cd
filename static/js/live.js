/* The one clock of an open page. The desk asks by #poller (htmx) for all that is new in it while it is in sight; any other page,
   and a desk that nobody sees, asks more seldom how many texts wait (#waiting). More seldom too while the page is left alone or the
   server is out of reach. */
(function () {
  "use strict";
  var doc = document;
  var MINUTE = 60000;
  /* The seconds between two questions where no desk is in sight. */
  var ELSEWHERE = 15;
  var FAILURES_TO_TELL = 2;
  var ANSWER_WITHIN = 15000;
  /* How far up, in pixels, somebody must have scrolled to be reading earlier texts. */
  var READING = 60;
  var lastActive = Date.now();
  var lastAsked = Date.now();
  var failures = 0;
  var timer = 0;

  /* The server need not take a page for read that this browser has only loaded (sight.py). */
  doc.cookie = "tells_sight=1; path=/; SameSite=Lax" + (window.location.protocol === "https:" ? "; Secure" : "");

  function desk() {
    var element = doc.hidden ? null : doc.getElementById("poller");
    return element && element.hasAttribute("data-live") ? element : null;
  }
  function pause() {
    var element = desk();
    var alone = Date.now() - lastActive;
    var slower = alone < 10 * MINUTE ? 1 : alone < 60 * MINUTE ? 5 : 25;
    var seconds = element ? Number(element.getAttribute("data-live")) : ELSEWHERE;
    return Math.min(1000 * seconds * slower * Math.pow(2, Math.min(failures, 5)), MINUTE);
  }
  function plan() {
    window.clearTimeout(timer);
    timer = window.setTimeout(look, Math.max(0, lastAsked + pause() - Date.now()));
  }
  function look() {
    if (Date.now() >= lastAsked + pause()) ask();
    else plan();
  }
  function ask() {
    var element = desk();
    lastAsked = Date.now();
    if (!element) count();
    else if (!element.classList.contains("htmx-request")) window.htmx.trigger(element, "live");
    plan();
  }

  ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "focusin"].forEach(function (name) {
    doc.addEventListener(name, function () {
      var back = Date.now() - lastActive > MINUTE;
      lastActive = Date.now();
      if (back) plan();
    }, { passive: true });
  });
  doc.addEventListener("visibilitychange", function () {
    if (!doc.hidden) {
      lastActive = Date.now();
      ask();
    } else plan();
  });
  window.addEventListener("online", ask);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) ask();
  });

  function tell(text) {
    var box = doc.getElementById("out-of-touch");
    if (box && box.textContent !== text) box.textContent = text;
  }
  function heard() {
    failures = 0;
    tell("");
    plan();
  }
  function heardNothing() {
    failures += 1;
    if (failures >= FAILURES_TO_TELL) tell("No answer from Cadence. What you see may be out of date; still trying.");
    plan();
  }
  /* The element whose question it was, whichever one the event is told of at. */
  function askedBy(event) {
    return event.detail.requestConfig ? event.detail.requestConfig.elt : event.detail.elt;
  }
  function isLive(event) {
    return askedBy(event).hasAttribute("data-live");
  }
  ["htmx:sendError", "htmx:timeout", "htmx:responseError"].forEach(function (name) {
    doc.addEventListener(name, function (event) {
      if (isLive(event)) heardNothing();
    });
  });
  doc.addEventListener("htmx:afterRequest", function (event) {
    if (!isLive(event) || !event.detail.successful) return;
    heard();
    share(false);
  });
  /* What somebody does or did while the question was on its way is in no answer to it, and what they did swaps what the answer
     would have swapped away: it is asked once more. Each question remembers what had been done by then, for an earlier one may
     be answered after it. */
  var doing = new Set();
  var done = 0;
  var doneThen = new WeakMap();
  doc.addEventListener("htmx:beforeRequest", function (event) {
    if (isLive(event)) doneThen.set(event.detail.xhr, done);
    else doing.add(event.detail.xhr);
  });
  doc.addEventListener("htmx:afterRequest", function (event) {
    if (isLive(event)) return;
    doing.delete(event.detail.xhr);
    done += 1;
  });
  function isOld(event) {
    return doing.size > 0 || doneThen.get(event.detail.xhr) !== done || !askedBy(event).isConnected;
  }
  var answering = false;
  doc.addEventListener("htmx:beforeSwap", function (event) {
    answering = isLive(event);
    if (answering && event.detail.xhr.status === 200 && isOld(event)) {
      event.detail.shouldSwap = false;
      lastAsked = 0;
      plan();
      return;
    }
    /* It is not there any more, or not theirs: asking again would bring nothing. */
    var status = event.detail.xhr.status;
    if (answering && status >= 400 && status < 500) askedBy(event).removeAttribute("data-live");
  });

  /* How many texts wait: in the title, the tab's icon and beside Messages. */
  var shown = prefix(waiting());
  function waiting() {
    return doc.getElementById("waiting");
  }
  function prefix(box) {
    var texts = box && box.getAttribute("data-texts");
    return texts ? "(" + texts + ") " : "";
  }
  function show() {
    var box = waiting();
    var now = prefix(box);
    if (now === shown) return;
    var title = doc.title.indexOf(shown) === 0 ? doc.title.slice(shown.length) : doc.title;
    doc.title = now + title;
    shown = now;
    var icon = doc.getElementById("favicon");
    if (icon) icon.href = icon.getAttribute(now ? "data-some" : "data-none");
    doc.querySelectorAll("[data-waiting]").forEach(function (each) {
      each.firstElementChild.textContent = now && box.getAttribute("data-texts");
      each.hidden = !now;
    });
  }
  var counting = false;
  function count() {
    var box = waiting();
    if (!box || counting || !box.hasAttribute("data-ask")) return;
    counting = true;
    var late = new AbortController();
    var limit = window.setTimeout(function () {
      late.abort();
    }, ANSWER_WITHIN);
    window.fetch(box.getAttribute("data-ask"), { redirect: "manual", signal: late.signal })
      .then(function (answer) {
        if (answer.status >= 500) throw new Error("no answer");
        return answer.status === 204 ? null : answer.status === 200 ? answer.text() : "";
      })
      .then(function (text) {
        if (text !== null) put(new DOMParser().parseFromString(text, "text/html").getElementById("waiting"));
        share(text !== null);
        heard();
      })
      .catch(heardNothing)
      .finally(function () {
        window.clearTimeout(limit);
        counting = false;
      });
  }
  /* Without an answer they are signed out, or it is not theirs to know: nothing is known then, nor asked again. */
  function put(answer) {
    var box = waiting();
    box.setAttribute("data-texts", answer ? answer.getAttribute("data-texts") : "");
    if (answer) box.setAttribute("data-ask", answer.getAttribute("data-ask"));
    else box.removeAttribute("data-ask");
    show();
  }

  /* One page of a browser asks for all of them. */
  var channel = window.BroadcastChannel && waiting() ? new BroadcastChannel("waiting-" + waiting().getAttribute("data-user")) : null;
  var lastShared = 0;
  function share(news) {
    var box = waiting();
    if (!channel || !box || !box.hasAttribute("data-ask")) return;
    if (!news && Date.now() - lastShared < (1000 * ELSEWHERE) / 2) return;
    lastShared = Date.now();
    channel.postMessage({ texts: box.getAttribute("data-texts"), ask: box.getAttribute("data-ask") });
  }
  if (channel) channel.onmessage = function (event) {
    var box = waiting();
    if (!box || !box.hasAttribute("data-ask")) return;
    box.setAttribute("data-texts", event.data.texts);
    box.setAttribute("data-ask", event.data.ask);
    show();
    if (desk()) return;
    lastAsked = Date.now();
    plan();
  };

  doc.addEventListener("DOMContentLoaded", function () {
    var element = desk();
    if (element && element.hasAttribute("data-now")) ask();
    else plan();
  });

  /* What is ticked stays so in a part that comes anew, and a part that has the keyboard keeps it. */
  doc.addEventListener("htmx:oobBeforeSwap", function (event) {
    var id = event.target.id;
    if (answering && event.target === doc.activeElement) window.queueMicrotask(function () {
      var part = doc.getElementById(id);
      if (!part) return;
      part.setAttribute("tabindex", "-1");
      part.focus({ preventScroll: true });
    });
    var ticked = answering ? Array.from(event.target.querySelectorAll("input[type=checkbox]:checked")) : [];
    if (!ticked.length) return;
    window.queueMicrotask(function () {
      var box = doc.getElementById(id);
      ticked.forEach(function (old) {
        if (!box) return;
        box.querySelectorAll("input[type=checkbox]").forEach(function (each) {
          if (each.name === old.name && each.value === old.value) each.checked = true;
        });
      });
    });
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
    var before = shown;
    show();
    if (before !== shown) share(true);
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

/* Behaviour on top of pages that work without it. */
(function () {
  "use strict";
  var doc = document;

  /* Menus are <details data-menu>: close them on Escape, on a click elsewhere and when focus leaves. */
  function openMenus() {
    return doc.querySelectorAll("details[data-menu][open]");
  }
  doc.addEventListener("click", function (event) {
    openMenus().forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
    var dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) {
      var gone = dismiss.closest(dismiss.getAttribute("data-dismiss"));
      if (gone) gone.remove();
    }
    if (event.target.closest("[data-print]")) window.print();
  });
  doc.addEventListener("focusin", function (event) {
    openMenus().forEach(function (menu) {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  doc.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      openMenus().forEach(function (menu) {
        var inside = menu.contains(doc.activeElement);
        menu.open = false;
        if (inside) menu.querySelector("summary").focus();
      });
    }
    /* Ctrl or Command with Enter sends from a text box marked [data-submit-keys]. */
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("[data-submit-keys]")) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });

  /* Show the newest message first: [data-scroll-end] starts at its end. */
  function scrollToEnd(root) {
    var boxes = Array.from(root.querySelectorAll("[data-scroll-end]"));
    if (root.matches && root.matches("[data-scroll-end]")) boxes.push(root);
    boxes.forEach(function (box) {
      box.scrollTop = box.scrollHeight;
    });
  }

  /* The answer to what was pressed on the page before: the keyboard goes on there, and nothing jumps. */
  var answer = doc.querySelector("[data-answer]");
  if (answer) {
    answer.focus({ preventScroll: true });
    answer.scrollIntoView({ block: "nearest" });
  }

  function prepare(root) {
    scrollToEnd(root);
  }
  prepare(doc);
  window.addEventListener("load", function () {
    scrollToEnd(doc);
  });

  /* A posted form is sent once: its buttons rest until the next page, or until this one is shown again. */
  var HTMX = "[hx-post],[hx-put],[hx-patch],[hx-delete],[hx-get],[data-hx-post],[hx-boost]";
  doc.addEventListener("submit", function (event) {
    var form = event.target;
    var method = (event.submitter && event.submitter.getAttribute("formmethod")) || form.method;
    if (event.defaultPrevented || method !== "post" || form.matches(HTMX) || form.closest("[hx-boost]")) return;
    if (form.hasAttribute("data-no-lock") || (event.submitter && event.submitter.matches(HTMX))) return;
    window.setTimeout(function () {
      form.setAttribute("aria-busy", "true");
      form.querySelectorAll("button:not([type=button]), input[type=submit]").forEach(function (button) {
        if (button.disabled) return;
        button.disabled = true;
        button.setAttribute("data-locked", "");
      });
    }, 0);
  });
  window.addEventListener("pageshow", function () {
    doc.querySelectorAll("form[aria-busy]").forEach(function (form) {
      form.removeAttribute("aria-busy");
    });
    doc.querySelectorAll("[data-locked]").forEach(function (button) {
      button.disabled = false;
      button.removeAttribute("data-locked");
    });
  });

  /* htmx */
  function complain(text) {
    var box = doc.getElementById("flashes");
    if (!box) return;
    box.querySelectorAll("[data-client-notice]").forEach(function (old) {
      old.remove();
    });
    var notice = doc.createElement("div");
    notice.className = "notice notice-danger";
    notice.setAttribute("role", "alert");
    notice.setAttribute("data-client-notice", "");
    var body = doc.createElement("div");
    body.className = "notice-body";
    var line = doc.createElement("p");
    line.textContent = text;
    body.append(line);
    notice.append(body);
    box.append(notice);
  }
  doc.addEventListener("htmx:configRequest", function (event) {
    var token = doc.querySelector("meta[name=csrf-token]");
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token.content;
  });
  doc.addEventListener("htmx:beforeRequest", function (event) {
    if (event.detail.target) event.detail.target.setAttribute("aria-busy", "true");
  });
  doc.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.target) event.detail.target.removeAttribute("aria-busy");
  });
  doc.addEventListener("htmx:beforeSwap", function (event) {
    /* A whole page where a part was asked for: a redirect (session over) or an error page. Never nest it. */
    var detail = event.detail;
    var xhr = detail.xhr;
    var whole = /^\s*<!doctype/i.test(xhr.responseText || "");
    if (!whole || detail.boosted || detail.target === doc.body || detail.elt.closest("[hx-select]")) return;
    detail.shouldSwap = false;
    if (xhr.status >= 400) {
      var heading = new DOMParser().parseFromString(xhr.responseText, "text/html").querySelector("h1");
      complain((heading ? heading.textContent : "That did not work") + ". Reload the page and try again.");
    } else {
      window.location.assign(xhr.responseURL || window.location.href);
    }
  });
  doc.addEventListener("htmx:afterSettle", function (event) {
    prepare(event.detail.elt);
    /* To what is to be put right, although htmx puts the keyboard back on the button that was pressed. */
    var faulty = event.detail.elt.querySelector(".is-invalid[data-focus]");
    if (faulty) {
      faulty.focus();
      return;
    }
    /* Keep the keyboard in place: if the focused control was replaced, go to what the answer marks. */
    var active = doc.activeElement;
    if (active && active !== doc.body && active.isConnected) return;
    var target = event.detail.elt.querySelector("[data-focus]") || event.detail.elt.closest("[data-focus]");
    if (!target) return;
    if (!target.matches("a, button, input, select, textarea, [tabindex]")) target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
  });
  /* What a page asks by itself tells of trouble in its own way (live.js). */
  function asksByItself(event) {
    return event.detail.requestConfig.elt.hasAttribute("data-live");
  }
  doc.addEventListener("htmx:sendError", function (event) {
    if (asksByItself(event)) return;
    complain("Cadence could not be reached. Check your connection and try again.");
  });
  doc.addEventListener("htmx:timeout", function (event) {
    if (asksByItself(event)) return;
    complain("Cadence took too long to answer. Please try again.");
  });
  doc.addEventListener("htmx:responseError", function (event) {
    if (asksByItself(event)) return;
    complain("Something went wrong on our side. Please try again in a moment.");
  });
})();

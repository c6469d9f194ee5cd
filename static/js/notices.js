/* Notices of this browser: turning them on and off (Your account > Notifications), and, on every page, giving back
   those of somebody who was signed in here before. Nothing is asked for but by a click. */
(function () {
  "use strict";
  var doc = document;
  /* Whose this browser was found to be since the tab was opened: asked once, and anew for who signs in next. */
  var KNOWN = "cadence-notices-known";
  var user = doc.currentScript.getAttribute("data-user");
  var box = doc.getElementById("browser-notices");
  /* Where Cadence stands, which may be below a path. */
  var base = new URL(".", doc.querySelector("link[rel=manifest]").href).pathname;
  var able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

  function post(url, what) {
    return fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: {
        "Content-Type": "application/json",
        "X-CSRFToken": doc.querySelector("meta[name=csrf-token]").content,
      },
      body: JSON.stringify(what),
    }).then(function (answer) {
      return answer.json().then(function (said) {
        if (!answer.ok) throw new Error(said.problem || "");
        return said;
      });
    });
  }
  function subscribed() {
    return navigator.serviceWorker.getRegistration(base).then(function (worker) {
      return worker ? worker.pushManager.getSubscription() : null;
    });
  }
  /* Whether the user is told here. A subscription that is not theirs is given back. */
  function isMine(subscription) {
    return post(base + "account/notifications/browsers/here", { endpoint: subscription.endpoint }).then(function (said) {
      if (said.on) return true;
      return subscription.unsubscribe().then(function () {
        return false;
      });
    });
  }

  if (!box) {
    if (!able || Notification.permission !== "granted" || window.sessionStorage.getItem(KNOWN) === user) return;
    subscribed().then(function (subscription) {
      if (!subscription) return undefined;
      return isMine(subscription).then(function () {
        window.sessionStorage.setItem(KNOWN, user);
      });
    }).catch(function () {
      /* Asked again on the next page. */
    });
    return;
  }

  var state = box.querySelector("[data-state]");
  var buttons = { on: box.querySelector("[data-on]"), off: box.querySelector("[data-off]"), test: box.querySelector("[data-try]") };

  function say(text) {
    state.textContent = text;
  }
  function offer(names) {
    Object.keys(buttons).forEach(function (name) {
      buttons[name].hidden = names.indexOf(name) < 0;
      buttons[name].disabled = false;
    });
  }
  function failed(error) {
    look(error && error.message ? error.message : "That did not work. Check your connection and try again.");
  }
  function bytesOf(text) {
    var raw = window.atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(raw, function (each) {
      return each.charCodeAt(0);
    });
  }
  function keysOf(subscription) {
    var given = subscription.toJSON();
    return { endpoint: subscription.endpoint, p256dh: given.keys.p256dh, auth: given.keys.auth };
  }
  function isApple() {
    return /iPhone|iPad|iPod/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
  }
  function whyNot() {
    if (!window.isSecureContext) return "Notices need a site that is reached by https. This one is not: ask whoever runs Cadence.";
    if (isApple() && !window.matchMedia("(display-mode: standalone)").matches && !navigator.standalone) {
      return "On an iPhone or iPad, first add Cadence to the home screen: press Share, then “Add to Home Screen”. Open it from there and come back to this page.";
    }
    return "This browser can’t show notices. Mails work everywhere.";
  }
  function look(told) {
    if (!able) {
      say(whyNot());
      offer([]);
      return;
    }
    if (Notification.permission === "denied") {
      say("This browser was told not to show notices of Cadence. Allow them in its settings for this site, then load this page anew.");
      offer([]);
      return;
    }
    subscribed().then(function (subscription) {
      return subscription && Notification.permission === "granted" ? isMine(subscription) : false;
    }).then(function (on) {
      say(told || (on ? "Notices are on here." : "Notices are off here."));
      offer(on ? ["test", "off"] : ["on"]);
    }).catch(function () {
      say("Cadence could not be reached. Load this page anew.");
      offer([]);
    });
  }

  buttons.on.addEventListener("click", function () {
    buttons.on.disabled = true;
    /* Before anything else, for browsers take a request for what it is only close to the click. */
    Notification.requestPermission().then(function (answer) {
      if (answer !== "granted") throw new Error(answer === "denied" ? "" : "Nothing is changed: the browser was not allowed to show notices.");
      return navigator.serviceWorker.register(base + "sw.js");
    }).then(function () {
      return navigator.serviceWorker.ready;
    }).then(function (worker) {
      return worker.pushManager.getSubscription().then(function (old) {
        return old ? old.unsubscribe() : true;
      }).then(function () {
        return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(box.getAttribute("data-key")) });
      }).catch(function () {
        throw new Error("This browser’s own service for notices could not be reached, or is turned off in its settings. Try again later, or use another browser.");
      });
    }).then(function (subscription) {
      return post(box.getAttribute("data-add"), keysOf(subscription)).catch(function (error) {
        return subscription.unsubscribe().then(function () {
          throw error;
        });
      });
    }).then(function () {
      window.location.reload();
    }).catch(failed);
  });
  buttons.off.addEventListener("click", function () {
    buttons.off.disabled = true;
    subscribed().then(function (subscription) {
      var row = doc.querySelector("[data-here] form");
      return (subscription ? subscription.unsubscribe() : Promise.resolve()).then(function () {
        if (row) row.submit();
        else window.location.reload();
      });
    }).catch(failed);
  });
  buttons.test.addEventListener("click", function () {
    buttons.test.disabled = true;
    subscribed().then(function (subscription) {
      return post(box.getAttribute("data-test"), { endpoint: subscription ? subscription.endpoint : "" });
    }).then(function () {
      look("It is on its way. If nothing shows within half a minute, look at this device’s own settings for notices, and at “Do not disturb”.");
    }).catch(failed);
  });
  look("");
})();

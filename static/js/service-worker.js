/* Wakes for a notice, shows it, and leads a click to its page. It keeps no page and answers no request: what is
   anybody's stays on the server. */
"use strict";

var DESK = new URL("messages/", self.registration.scope).pathname;

self.addEventListener("install", function () {
  self.skipWaiting();
});
self.addEventListener("activate", function (event) {
  event.waitUntil(self.clients.claim());
});

function windows() {
  return self.clients.matchAll({ type: "window", includeUncontrolled: true });
}
function inSight(pages) {
  return pages.some(function (page) {
    return page.visibilityState === "visible" && new URL(page.url).pathname.indexOf(DESK) === 0;
  });
}
function read(event) {
  try {
    return event.data.json();
  } catch (error) {
    return { title: "Something new in Cadence", body: "", tag: "cadence", path: "/messages/" };
  }
}
/* Safari takes the permission away where a push shows nothing; others let it be while a page is in sight. */
function mustShow() {
  return self.registration.pushManager.getSubscription().then(function (subscription) {
    return Boolean(subscription) && /\.push\.apple\.com$/.test(new URL(subscription.endpoint).hostname);
  });
}
function show(said) {
  return self.registration.showNotification(said.title, {
    body: said.body,
    tag: said.tag,
    icon: new URL("static/img/app-192.png", self.registration.scope).href,
    badge: new URL("static/img/app-badge-96.png", self.registration.scope).href,
    data: { path: said.path },
  });
}
function showAndClose(said) {
  return show(said).then(function () {
    return self.registration.getNotifications({ tag: said.tag });
  }).then(function (shown) {
    shown.forEach(function (notice) {
      notice.close();
    });
  });
}

self.addEventListener("push", function (event) {
  var said = read(event);
  event.waitUntil(
    windows().then(function (pages) {
      if (said.tag === "test" || !inSight(pages)) return show(said);
      return mustShow().then(function (must) {
        return must ? showAndClose(said) : undefined;
      });
    })
  );
});

self.addEventListener("notificationclick", function (event) {
  var data = event.notification.data || {};
  var url = new URL("." + String(data.path || "/messages/"), self.registration.scope);
  event.notification.close();
  if (url.origin !== self.location.origin) return;
  event.waitUntil(
    windows().then(function (pages) {
      var page = pages.filter(function (each) {
        return "navigate" in each;
      })[0];
      if (!page) return self.clients.openWindow(url.href);
      return page.focus().then(function (focused) {
        return (focused || page).navigate(url.href);
      }).catch(function () {
        return self.clients.openWindow(url.href);
      });
    })
  );
});

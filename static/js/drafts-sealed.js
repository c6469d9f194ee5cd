/* What the server has not got yet, kept in this tab: sealed by a key that only its author's pages have, so that whoever
   sits here next can't read it, and gone with the tab. Without HTTPS a browser seals nothing, and nothing is kept.

   window.draftsSealed has put(name, value, isWanted), drop(name), all(), a promise of [name, value] pairs, and whether it
   `works`. What another user left here is thrown away. */
(function () {
  "use strict";
  var found = document.querySelector("meta[name=draft-stash]");
  if (!found) return;
  var parts = found.content.split(" ");
  var EVERYBODYS = "cadence-draft:";
  var OURS = EVERYBODYS + parts[0] + ":";
  var subtle = window.crypto && window.crypto.subtle;
  var sealing = subtle
    ? subtle.importKey("raw", bytes(parts[1]), "AES-GCM", false, ["encrypt", "decrypt"])
    : Promise.resolve(null);

  function bytes(text) {
    return Uint8Array.from(window.atob(text), function (each) {
      return each.charCodeAt(0);
    });
  }
  function asText(buffer) {
    var letters = Array.from(new Uint8Array(buffer), function (each) {
      return String.fromCharCode(each);
    });
    return window.btoa(letters.join(""));
  }
  /* A browser may refuse its storage: then the page is the only place. */
  function storage(work) {
    try {
      return work(window.sessionStorage);
    } catch (error) {
      return null;
    }
  }
  function drop(name) {
    storage(function (kept) {
      kept.removeItem(OURS + name);
    });
  }
  /* Whether it is kept by then; `isWanted` is asked once it is sealed. */
  function put(name, value, isWanted) {
    return sealing.then(function (key) {
      if (!key) return false;
      var iv = window.crypto.getRandomValues(new Uint8Array(12));
      var plain = new TextEncoder().encode(JSON.stringify(value));
      return subtle.encrypt({ name: "AES-GCM", iv: iv }, key, plain).then(function (sealed) {
        if (!isWanted()) return false;
        return storage(function (kept) {
          kept.setItem(OURS + name, asText(iv) + "." + asText(sealed));
          return true;
        });
      });
    });
  }
  function open(name, text) {
    var halves = text.split(".");
    return sealing
      .then(function (key) {
        return subtle.decrypt({ name: "AES-GCM", iv: bytes(halves[0]) }, key, bytes(halves[1]));
      })
      .then(function (plain) {
        return [name, JSON.parse(new TextDecoder().decode(plain))];
      })
      .catch(function () {
        drop(name);
        return null;
      });
  }
  function all() {
    var names = storage(Object.keys) || [];
    var opened = [];
    names.forEach(function (full) {
      if (!full.startsWith(EVERYBODYS)) return;
      if (full.startsWith(OURS)) opened.push(open(full.slice(OURS.length), window.sessionStorage.getItem(full)));
      else window.sessionStorage.removeItem(full);
    });
    return Promise.all(opened).then(function (pairs) {
      return pairs.filter(Boolean);
    });
  }

  window.draftsSealed = { put: put, drop: drop, all: all, works: Boolean(subtle) };
})();

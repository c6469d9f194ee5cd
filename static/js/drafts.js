/* Keeps what is typed into a box with [data-draft] on the server: a moment after typing stops, and at once when the box or
   the page is left. Until the server has it, it is kept in this tab as well (drafts-sealed.js), so a session that is over,
   a server that is away and a page that is left too quickly lose nothing. What becomes of a save that comes late, or of
   words from two windows, the server says (cadence_app/messaging/drafts.py). */
(function () {
  "use strict";
  var doc = document;
  var sealed = window.draftsSealed;
  var server = window.draftsServer;
  if (!sealed || !server) return;
  var PAUSE = 700;
  /* Who types without a pause is saved as often. */
  var LONGEST_PAUSE = 4000;
  var RETRY = [2000, 5000, 15000, 30000];
  /* Buttons of a form that send nothing. */
  var ASKS = ["choose", "open", "number", "to"];
  /* How this page names itself; each change that somebody types is its next turn. */
  var writer = Math.random().toString(36).slice(2, 12) + Date.now().toString(36);
  var turns = 0;
  /* By the address of the place. `dirty`: the server has not said yet that it has these `words`. */
  var states = {};
  var urlOfBox = new WeakMap();
  var leaving = false;
  var going = false;

  var all = (work) => Object.values(states).forEach(work);
  function stateOf(target) {
    return target && target.matches && target.matches("textarea[data-draft]") ? states[urlOfBox.get(target)] : null;
  }
  function boxOf(state) {
    return state.box && state.box.isConnected && state.box.form ? state.box : null;
  }
  /* The form says what the box in it is for: htmx may keep a box while its form comes anew. */
  function urlOf(box) {
    return (box.form && box.form.dataset.draftUrl) || "";
  }
  function aboutOf(box) {
    return Number(box.form.dataset.draftAbout || 0);
  }
  function put(box, words) {
    if (box.value === words) return;
    box.value = words;
    /* For the counter: nobody typed. */
    var event = new Event("input", { bubbles: true });
    event.fromDrafts = true;
    box.dispatchEvent(event);
  }
  function tell(state, words, buttons) {
    if (boxOf(state)) window.draftsTold(state.box, "trouble", words, buttons);
  }
  function tellOther(state, words, at) {
    var box = boxOf(state);
    if (!box) return;
    box.form.dataset.draftOther = words;
    box.form.dataset.draftOtherAt = at;
    var shown = words.length > 160 ? words.slice(0, 160) + "…" : words;
    function choose(wanted) {
      var before = box.value.trim();
      if (wanted) put(box, words);
      typed(state, box.value);
      state.aside = wanted ? before : "";
      save(state);
      box.focus();
    }
    window.draftsTold(box, "other", words && "You also wrote here" + (at && ", " + at) + ": “" + shown + "”", [
      ["Use these words", choose.bind(null, true)],
      ["Discard", choose.bind(null, false)],
    ]);
  }
  /* A reason from before the last change of status is no reason for this one. */
  function showOther(state, now) {
    var box = boxOf(state);
    if (!box) return;
    tellOther(state, now.words && now.about !== aboutOf(box) ? now.words : now.other, now.other_at);
  }

  /* Saving. */
  function typed(state, words) {
    var turn = (turns += 1);
    if (!state.dirty) state.since = Date.now();
    Object.assign(state, { words: words, typedAt: Date.now(), writer: writer, turn: turn, dirty: true });
    if (boxOf(state)) state.about = aboutOf(state.box);
    var kept = {
      words: words, writer: writer, turn: turn, seen: state.version, at: state.typedAt, about: state.about,
    };
    sealed
      .put(state.url, kept, function () {
        return state.turn === turn && state.dirty;
      })
      .then(function (done) {
        if (state.turn === turn) state.sealed = done;
      });
  }
  function saved(state) {
    if (state.dirty) note();
    state.dirty = false;
    state.sealed = false;
    sealed.drop(state.url);
  }
  /* When this tab last had words saved: a page that was asked for just before shows them as they were. */
  var SAVED_AT = "cadence-saved-at";
  var JUST_NOW = 10000;
  function note() {
    try {
      window.sessionStorage.setItem(SAVED_AT, Date.now());
    } catch (error) {
      /* Storage is blocked: nothing waits in this tab either. */
    }
  }
  function wasSavedJustNow() {
    try {
      return Date.now() - Number(window.sessionStorage.getItem(SAVED_AT)) < JUST_NOW;
    } catch (error) {
      return false;
    }
  }
  function soon(state) {
    window.clearTimeout(state.timer);
    var pause = Date.now() - state.since > LONGEST_PAUSE ? 0 : PAUSE;
    state.timer = window.setTimeout(save, pause, state);
  }
  /* What was there when Send was pressed is the form's to bring. */
  function isOnItsWay(state) {
    return Boolean(state.pressed) && state.turn <= state.pressed.turn;
  }
  function save(state) {
    window.clearTimeout(state.timer);
    if (!state.dirty || isOnItsWay(state)) return Promise.resolve();
    if (state.busy && !leaving) {
      state.again = true;
      return state.busy;
    }
    var turn = state.turn;
    state.since = Date.now();
    state.busy = server
      .send(state, leaving)
      .then(function (heard) {
        if (heard.now) done(state, turn, heard.now);
        else refused(state, heard.why);
      })
      .catch(function () {
        failed(state, "Not saved yet: Cadence can’t be reached. Still trying.");
      })
      .then(function () {
        state.busy = null;
        if (!state.again) return null;
        state.again = false;
        return save(state);
      });
    return state.busy;
  }
  function refused(state, why) {
    if (why === "again") {
      state.again = true;
    } else if (why === "signed out") {
      failed(state, "You are signed out. What you wrote stays in this tab until you sign in again.");
    } else if (why === "gone") {
      saved(state);
      tell(state, "Not saved: this is not open to you any more. Copy what you wrote if you need it.");
    } else {
      tell(state, "Not saved: it is too long.");
    }
  }
  function done(state, turn, now) {
    var box = boxOf(state);
    var ours = now.outcome === "saved";
    /* Words of another window are known only once they are shown: until then they are kept beside what is typed here. */
    if (ours || (box && state.turn === turn)) state.version = now.version;
    state.failures = 0;
    tell(state, "");
    if (state.turn !== turn) return;
    saved(state);
    delete state.aside;
    if (!box) return;
    var follows = state.restoring || now.outcome === "older" || now.outcome === "late";
    if (follows && now.about === aboutOf(box)) {
      state.words = now.words;
      put(box, now.words);
    } else if (now.outcome === "ended" && box.value.trim()) {
      tell(state, "What was here was sent or cleared in another window.", [
        ["Keep these words", function () {
          typed(state, box.value);
          save(state);
        }],
      ]);
    }
    state.restoring = false;
    showOther(state, now);
  }
  function failed(state, words) {
    state.failures = (state.failures || 0) + 1;
    tell(state, words);
    window.clearTimeout(state.timer);
    state.timer = window.setTimeout(save, RETRY[Math.min(state.failures, RETRY.length) - 1], state);
  }
  /* Another window may have gone on: a box in which nothing new stands follows it. */
  function look() {
    all(function (state) {
      if (!boxOf(state) || state.dirty || state.busy || state.pressed || state.asking) return;
      state.asking = true;
      server.ask(state.url).then(function (now) {
        var box = boxOf(state);
        state.asking = false;
        if (!now || !box || state.dirty || state.pressed || now.version === state.version) return;
        state.version = now.version;
        if (now.about === aboutOf(box)) {
          state.words = now.words;
          put(box, now.words);
        }
        showOther(state, now);
      }, function () {
        state.asking = false;
      });
    });
  }

  /* Boxes come and go with htmx; what is typed goes along. */
  function adopt() {
    doc.querySelectorAll("textarea[data-draft]").forEach(function (box) {
      var url = urlOf(box);
      if (!url) return;
      var state = states[url] || (states[url] = { url: url, version: 0, turn: 0, about: aboutOf(box) });
      var before = urlOfBox.get(box);
      var isNew = before !== url || state.box !== box;
      urlOfBox.set(box, url);
      state.box = box;
      if (isNew && before && before !== url) move(states[before], state);
      else if (isNew) fill(state);
      tellOther(state, box.form.dataset.draftOther || "", box.form.dataset.draftOtherAt || "");
    });
  }
  function fill(state) {
    var box = state.box;
    /* One goes on writing at the end. */
    if (doc.activeElement !== box) box.setSelectionRange(box.value.length, box.value.length);
    var since = state.dirty && state.turn > state.brought ? state.words : "";
    if (!state.dirty || state.brought !== undefined) {
      state.version = Math.max(state.version, Number(box.form.dataset.draftVersion || 0));
      if (since) put(box, [box.value, since].join("\n\n"));
      state.words = box.value;
      if (state.dirty) typed(state, box.value);
      delete state.brought;
    } else if (state.about === aboutOf(box)) {
      put(box, state.words);
    }
  }
  /* The inbox that a new text is to go from was changed, and the words stay. */
  function move(old, state) {
    state.version = -1;
    old.box = null;
    if (!state.box.value.trim()) {
      look();
      return;
    }
    typed(state, state.box.value);
    save(state);
    typed(old, "");
    save(old);
  }

  doc.addEventListener("input", function (event) {
    var state = stateOf(event.target);
    if (!state || event.fromDrafts) return;
    typed(state, event.target.value);
    soon(state);
  });
  doc.addEventListener("focusout", function (event) {
    var state = stateOf(event.target);
    if (state) save(state);
  });

  /* Send, Save and Opt in. */
  doc.addEventListener("submit", function (event) {
    var form = event.target;
    var box = form.querySelector("textarea[data-draft]");
    var state = stateOf(box);
    if (!state || (event.submitter && ASKS.indexOf(event.submitter.name) >= 0)) return;
    window.clearTimeout(state.timer);
    state.pressed = { words: box.value, turn: (turns += 1), form: form };
    server.mark(form, { draft_writer: writer, draft_turn: state.pressed.turn, draft_seen: state.version });
  }, true);
  /* Undo takes the box along and brings it back, with what it says then: what was typed meanwhile goes below. */
  doc.addEventListener("htmx:beforeRequest", function (event) {
    if (!event.detail.elt.matches("[data-undo]")) return;
    all(function (state) {
      if (boxOf(state)) state.brought = state.turn;
    });
  });
  function pressedBy(event, work) {
    all(function (state) {
      if (state.pressed && state.pressed.form === event.detail.elt) work(state);
    });
  }
  doc.addEventListener("htmx:beforeOnLoad", function (event) {
    var xhr = event.detail.xhr;
    if (xhr.getResponseHeader("HX-Redirect")) going = true;
    pressedBy(event, function (state) {
      var pressed = state.pressed;
      state.pressed = null;
      if (xhr.status >= 300 || !boxOf(state)) return;
      /* What was typed while they were on their way stays. */
      var sent = pressed.words.trim();
      var rest = state.turn > pressed.turn ? state.box.value : "";
      if (rest.startsWith(sent)) rest = rest.slice(sent.length).trim();
      saved(state);
      state.words = rest;
      if (rest) typed(state, rest);
    });
  });
  doc.addEventListener("htmx:afterRequest", function (event) {
    var status = event.detail.xhr ? event.detail.xhr.status : 0;
    if (status === 0 || status >= 500) all((state) => delete state.brought);
    pressedBy(event, function (state) {
      state.pressed = null;
      save(state);
    });
  });
  doc.addEventListener("htmx:afterSettle", function () {
    adopt();
    all(function (state) {
      if (state.dirty && !state.busy) soon(state);
    });
  });

  /* Leaving the page, and coming back to it. */
  function leave() {
    leaving = true;
    all(save);
    leaving = false;
  }
  window.addEventListener("pagehide", leave);
  doc.addEventListener("visibilitychange", function () {
    if (doc.hidden) leave();
    else look();
  });
  window.addEventListener("focus", look);
  window.addEventListener("online", all.bind(null, save));
  window.addEventListener("pageshow", function (event) {
    Object.values(states).forEach((state) => (state.pressed = null));
    if (event.persisted) look();
  });
  window.addEventListener("beforeunload", function (event) {
    var nowhere = Object.values(states).some(function (state) {
      return state.dirty && state.failures && !state.sealed && state.words.trim();
    });
    /* To somebody new, who has no place yet. */
    var placeless = doc.querySelector("form:not([data-draft-url]):not([aria-busy]) textarea[data-draft]");
    if (nowhere || (!going && placeless && placeless.value.trim())) event.preventDefault();
  });
  /* For drafts-sign-out.js: what is on its way to the server, null for nothing. */
  window.draftsOnTheirWay = function () {
    var waiting = Object.values(states).filter(function (state) {
      return state.dirty || state.busy;
    });
    return waiting.length ? Promise.all(waiting.map(save)) : null;
  };

  /* What an earlier page of this tab could not save goes by that page's name and turn, so that words which were sent since
     do not come back. */
  function restore(kept) {
    var url = kept[0];
    var said = kept[1];
    var state = states[url] || (states[url] = { url: url });
    if (state.dirty) return;
    Object.assign(state, {
      words: said.words, writer: said.writer, turn: said.turn, version: said.seen, typedAt: said.at, about: said.about,
      dirty: true, sealed: true, restoring: true,
    });
    save(state).then(function () {
      if (state.dirty && state.restoring && boxOf(state)) put(state.box, state.words);
    });
  }

  adopt();
  if (sealed.works) {
    sealed.all().then(function (found) {
      found.forEach(restore);
    });
  }
  /* The page before this one may still be saving. */
  if (!sealed.works || wasSavedJustNow()) window.setTimeout(look, 1000);
})();

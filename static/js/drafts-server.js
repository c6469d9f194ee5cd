/* What drafts.js says to the server and hears of it. window.draftsServer has
   ask(url): a promise of what is there now, null where it can't be had;
   send(state, leaving): a promise of {now} once it is saved, or of {why}: "signed out", "gone", "too long", "again" (its
   token was too old, and there is a new one). It fails where the server can't be reached;
   mark(form, said): the form that sends the words says of them what a save does. */
(function () {
  "use strict";
  var csrf = document.querySelector("meta[name=csrf-token]");
  if (!csrf) return;
  var token = csrf.content;

  function ask(url) {
    return window.fetch(url, { redirect: "manual" }).then(function (answer) {
      if (!answer.ok) return null;
      return answer.json().then(function (now) {
        token = now.token;
        return now;
      });
    });
  }
  function bodyOf(state) {
    var body = new URLSearchParams();
    body.set("words", state.words);
    body.set("draft_writer", state.writer);
    body.set("draft_turn", state.turn);
    body.set("draft_seen", state.version);
    body.set("ago", Math.max(0, Date.now() - state.typedAt));
    body.set("about", state.about);
    if (state.aside !== undefined) body.set("aside", state.aside);
    return body;
  }
  /* `leaving`: the page may be gone before the answer, and the words must not be. */
  function send(state, leaving) {
    var old = token;
    var asked = {
      method: "POST", body: bodyOf(state), keepalive: leaving, redirect: "manual", headers: { "X-CSRFToken": token },
    };
    return window.fetch(state.url, asked).then(function (answer) {
      if (answer.type === "opaqueredirect" || answer.status === 401) return { why: "signed out" };
      if (answer.status === 403 || answer.status === 404) return { why: "gone" };
      if (answer.status === 422) return { why: "too long" };
      if (answer.status === 400) {
        return ask(state.url).then(function (now) {
          if (!now) return { why: "signed out" };
          if (token === old) throw new Error("not saved");
          return { why: "again" };
        });
      }
      if (!answer.ok) throw new Error("not saved");
      return answer.json().then(function (now) {
        return { now: now };
      });
    });
  }

  function mark(form, said) {
    Object.keys(said).forEach(function (name) {
      var input = form.querySelector("input[name=" + name + "]") || document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = said[name];
      if (!input.isConnected) form.append(input);
    });
  }

  window.draftsServer = { ask: ask, send: send, mark: mark };
})();

/* Keys inside a box. "/" at its start or after a space offers the saved texts of the menu beside it ([data-slash] on the
   box): typing on searches them, the arrows and Enter choose, Escape closes and leaves the "/". Escape again, or with
   nothing open, leaves the box for the texts above it. Nothing of it is needed: the menu has the same. */
(function () {
  "use strict";
  var doc = document;
  var MOST = 8;
  /* What is typed behind the slash; a word and a space are no search for long. */
  var TYPED = /(^|\s)\/([^\s/][^/\n]{0,40})?$/;
  var open = null;
  /* Where Escape closed it: it does not open there again. */
  var shut = null;

  function typedIn(box) {
    var caret = box.selectionStart;
    if (caret !== box.selectionEnd) return null;
    var found = TYPED.exec(box.value.slice(0, caret));
    if (!found) return null;
    var search = found[2] || "";
    return { start: caret - search.length - 1, end: caret, words: search.toLowerCase().split(/\s+/).filter(Boolean) };
  }
  function saved(box) {
    return Array.from(box.form.querySelectorAll('.template-item[data-into="' + box.id + '"]')).map(function (item) {
      return { name: item.querySelector(".template-item-name").textContent, text: item.getAttribute("data-insert") };
    });
  }
  function like(box, words) {
    function has(text) {
      return words.every(function (word) {
        return text.toLowerCase().includes(word);
      });
    }
    var named = [];
    var others = [];
    saved(box).forEach(function (each) {
      if (has(each.name)) named.push(each);
      else if (has(each.name + " " + each.text)) others.push(each);
    });
    return named.concat(others).slice(0, MOST);
  }
  function tell(box, words) {
    var told = doc.getElementById(box.getAttribute("data-slash"));
    if (told) told.textContent = words;
  }
  function close() {
    if (!open) return;
    var box = open.box;
    open.list.remove();
    open = null;
    ["aria-controls", "aria-activedescendant", "aria-autocomplete"].forEach(function (name) {
      box.removeAttribute(name);
    });
    tell(box, "");
  }
  function mark(at) {
    open.at = at;
    Array.from(open.list.children).forEach(function (option, index) {
      option.setAttribute("aria-selected", String(index === at));
      if (index === at) option.scrollIntoView({ block: "nearest" });
    });
    open.box.setAttribute("aria-activedescendant", open.list.children[at].id);
  }
  function option(each, index) {
    var made = doc.createElement("div");
    made.className = "slash-option";
    made.id = "slash-" + index;
    made.setAttribute("role", "option");
    var name = doc.createElement("span");
    name.className = "slash-name";
    name.textContent = each.name;
    var text = doc.createElement("span");
    text.className = "slash-text";
    text.textContent = each.text;
    made.append(name, text);
    return made;
  }
  function look(box) {
    var typed = typedIn(box);
    if (!typed || box.disabled) {
      shut = null;
      close();
      return;
    }
    if (shut !== null && shut === typed.start) return;
    shut = null;
    var found = like(box, typed.words);
    if (!found.length) {
      close();
      return;
    }
    if (!open || open.box !== box) {
      close();
      var list = doc.createElement("div");
      list.className = "slash";
      list.id = "slash-list";
      list.setAttribute("role", "listbox");
      list.setAttribute("aria-label", "Templates");
      box.parentElement.append(list);
      open = { box: box, list: list };
      box.setAttribute("aria-controls", list.id);
      box.setAttribute("aria-autocomplete", "list");
    }
    open.typed = typed;
    open.found = found;
    open.list.replaceChildren.apply(open.list, found.map(option));
    mark(0);
    tell(
      box,
      (found.length === 1 ? "1 template. " : found.length + " templates. ") +
        "Arrow keys choose, Enter puts it in, Escape closes."
    );
  }
  function insert(at) {
    var box = open.box;
    var typed = open.typed;
    var text = open.found[at].text;
    close();
    box.setRangeText(text, typed.start, typed.end, "end");
    box.focus();
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function leave(box) {
    var texts = doc.getElementById("thread");
    if (texts && texts.getClientRects().length) texts.focus({ preventScroll: true });
    else box.blur();
  }

  doc.addEventListener("input", function (event) {
    if (event.target.matches("textarea[data-slash]") && !event.fromDrafts && !event.isComposing) look(event.target);
  });
  /* Before the keys of the page. */
  doc.addEventListener(
    "keydown",
    function (event) {
      if (event.isComposing || event.altKey) return;
      var held = event.ctrlKey || event.metaKey || event.shiftKey;
      if (open && event.target === open.box && !held) {
        var size = open.found.length;
        if (event.key === "ArrowDown") mark((open.at + 1) % size);
        else if (event.key === "ArrowUp") mark((open.at - 1 + size) % size);
        else if (event.key === "Enter") insert(open.at);
        else if (event.key === "Escape") {
          shut = open.typed.start;
          close();
        } else return;
        event.preventDefault();
        event.stopPropagation();
        return;
      }
      if (event.key !== "Escape" || held || doc.querySelector("dialog[open], details[data-menu][open]")) return;
      var box = event.target.closest("textarea[data-draft], #convo-search");
      /* A search that has words is emptied by the browser first. */
      if (!box || (box.type === "search" && box.value)) return;
      event.preventDefault();
      event.stopPropagation();
      leave(box);
    },
    true
  );
  doc.addEventListener("keyup", function (event) {
    if (open && event.target === open.box && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
      look(open.box);
    }
  });
  /* The keyboard stays in the box. */
  doc.addEventListener("pointerdown", function (event) {
    if (!open) return;
    if (open.list.contains(event.target)) event.preventDefault();
    else if (event.target !== open.box) close();
  });
  doc.addEventListener("click", function (event) {
    if (!open) return;
    var chosen = event.target.closest(".slash-option");
    if (chosen) insert(Array.from(open.list.children).indexOf(chosen));
    else if (event.target === open.box) look(open.box);
  });
  doc.addEventListener("focusout", function (event) {
    if (open && event.target === open.box) close();
  });
  doc.addEventListener("htmx:afterSettle", function () {
    if (open && !(open.list.isConnected && open.box.isConnected)) close();
  });
})();

/* Each password box gets a button that shows what was typed. One with [data-strength="N"], where a new password of
   N characters or more is chosen, also says how hard it is to guess. Nothing leaves the page: what the server
   refuses besides (passwords that were stolen elsewhere, names) it says when the form is sent. */
(function () {
  "use strict";
  var WORDS = ["Too short", "Easy to guess", "Fair", "Good", "Strong"];

  /* Length counts most. What repeats or follows on in the alphabet or on the keyboard counts little. */
  function weight(text) {
    var rows = "abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop asdfghjkl zxcvbnm";
    var seen = {}, total = 0, folded = text.toLowerCase(), before = "";
    for (var char of folded) {
      var follows = before && (char === before || rows.indexOf(before + char) >= 0);
      total += follows ? 0.3 : seen[char] ? 0.7 : 1;
      seen[char] = true;
      before = char;
    }
    return total;
  }

  function strength(text, least) {
    var length = Array.from(text).length, points = weight(text);
    if (length < least) return 0;
    if (points < 9) return 1;
    if (points < 12) return 2;
    return points < 16 ? 3 : 4;
  }

  function addMeter(box) {
    var least = Number(box.getAttribute("data-strength"));
    var line = document.createElement("div");
    var meter = document.createElement("meter");
    var words = document.createElement("span");
    line.className = "password-strength";
    meter.min = 0;
    meter.max = 4;
    meter.low = 2;
    meter.high = 3;
    meter.optimum = 4;
    meter.setAttribute("aria-hidden", "true");
    words.setAttribute("role", "status");
    line.append(meter, words);
    line.hidden = true;
    box.parentNode.after(line);
    box.addEventListener("input", function () {
      var level = strength(box.value, least);
      var missing = least - Array.from(box.value).length;
      line.hidden = box.value === "";
      meter.value = Math.max(level, 0.2);
      words.textContent = level ? WORDS[level] : WORDS[0] + ": " + missing + " more";
    });
  }

  function addShow(box) {
    var group = document.createElement("div");
    var button = document.createElement("button");
    group.className = "password-box";
    button.type = "button";
    button.className = "password-show";
    button.setAttribute("aria-controls", box.id);
    box.before(group);
    group.append(box, button);
    function show(shown) {
      box.type = shown ? "text" : "password";
      button.textContent = shown ? "Hide" : "Show";
      button.setAttribute("aria-label", button.textContent + " what was typed");
    }
    show(false);
    button.addEventListener("click", function () {
      show(box.type === "password");
      box.focus();
    });
    /* No browser keeps it as text that was typed before. */
    if (box.form) box.form.addEventListener("submit", function () { show(false); });
  }

  document.querySelectorAll('input[type="password"]').forEach(function (box) {
    addShow(box);
    if (box.hasAttribute("data-strength")) addMeter(box);
  });
})();

/* What is told beside a box of drafts.js: window.draftsTold(box, kind, words, buttons), of each kind one line at a time;
   without words it goes. `buttons` are pairs of a name and what it does. */
(function () {
  "use strict";
  var doc = document;

  function makeButton(name, press) {
    var button = doc.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm";
    button.textContent = name;
    button.addEventListener("click", press);
    return button;
  }
  window.draftsTold = function (box, kind, words, buttons) {
    var id = "draft-" + kind + "-" + box.id;
    var told = doc.getElementById(id);
    if (told && words && told.firstChild.textContent === words) return;
    if (told) told.remove();
    if (!words) return;
    told = doc.createElement("div");
    told.id = id;
    told.className = "draft-told";
    told.setAttribute("role", "status");
    var line = doc.createElement("p");
    line.textContent = words;
    told.append(line);
    (buttons || []).forEach(function (each) {
      told.append(makeButton(each[0], each[1]));
    });
    box.insertAdjacentElement("afterend", told);
  };
})();

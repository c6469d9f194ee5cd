/* How many texts a carrier makes of one, as cadence_app/messaging/encoding.py counts; and what writing one needs:
   counters, and pieces to put into the text at the cursor. */
(function (root) {
  "use strict";
  var GSM =
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
  var GSM_EXTENSION = "^{}\\[~]|€\f";

  function parts(widths, alone, part) {
    var units = widths.reduce(function (sum, width) {
      return sum + width;
    }, 0);
    if (units <= alone) return { units: units, segments: units ? 1 : 0 };
    var segments = 1;
    var room = part;
    widths.forEach(function (width) {
      if (width > room) {
        segments += 1;
        room = part;
      }
      room -= width;
    });
    return { units: units, segments: segments };
  }

  function measure(text) {
    var characters = Array.from(text);
    var plain = characters.every(function (character) {
      return GSM.includes(character) || GSM_EXTENSION.includes(character);
    });
    var widths = characters.map(function (character) {
      return plain ? (GSM_EXTENSION.includes(character) ? 2 : 1) : character.length;
    });
    var counted = plain ? parts(widths, 160, 153) : parts(widths, 70, 67);
    return { encoding: plain ? "GSM-7" : "UCS-2", units: counted.units, segments: counted.segments };
  }

  if (typeof module === "object") {
    module.exports = measure;
    return;
  }
  var doc = root.document;

  /* [data-counter="id"]: characters and texts, written to #id; of the text with [data-adds] behind it. */
  function count(box) {
    var output = doc.getElementById(box.getAttribute("data-counter"));
    if (!output) return;
    var length = box.value.length;
    var limit = box.maxLength > 0 ? " of " + box.maxLength : "";
    var measured = measure(box.value + (box.getAttribute("data-adds") || ""));
    output.textContent =
      length === 0
        ? ""
        : length + limit + (length === 1 && !limit ? " character, " : " characters, ") +
          measured.segments + (measured.segments === 1 ? " text" : " texts");
    output.title =
      measured.encoding === "UCS-2"
        ? "An emoji or a special character is in it, so 70 characters fit in one text instead of 160."
        : "160 characters fit in one text.";
  }
  function prepare(part) {
    part.querySelectorAll("[data-counter]").forEach(count);
  }
  doc.addEventListener("input", function (event) {
    if (event.target.matches("[data-counter]")) count(event.target);
  });
  doc.addEventListener("htmx:afterSettle", function (event) {
    prepare(event.detail.elt);
  });

  /* [data-files="id"]: the names of the files that were chosen, written to #id. */
  doc.addEventListener("change", function (event) {
    var output = event.target.matches("[data-files]") && doc.getElementById(event.target.getAttribute("data-files"));
    if (!output) return;
    output.textContent = Array.from(event.target.files)
      .map(function (file) {
        return file.name;
      })
      .join(", ");
  });

  /* [data-insert="text" data-into="id"]: puts the text into #id where the cursor is. */
  doc.addEventListener("click", function (event) {
    var piece = event.target.closest("[data-insert]");
    var box = piece && doc.getElementById(piece.getAttribute("data-into"));
    if (!box || box.disabled) return;
    event.preventDefault();
    var menu = piece.closest("details");
    if (menu) menu.open = false;
    box.setRangeText(piece.getAttribute("data-insert"), box.selectionStart, box.selectionEnd, "end");
    box.focus();
    box.dispatchEvent(new Event("input", { bubbles: true }));
  });
  prepare(doc);
})(typeof window === "object" ? window : this);

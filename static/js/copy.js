/* [data-copy="id"] copies the value of #id and says so in its own [data-copy-label]. */
(function () {
  "use strict";
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (!button) return;
    var box = document.getElementById(button.getAttribute("data-copy"));
    var label = button.querySelector("[data-copy-label]");
    function say(text) {
      label.textContent = text;
    }
    function byHand() {
      box.focus();
      box.select();
      say("Press Ctrl+C");
    }
    /* Browsers give the clipboard only to pages on HTTPS or this machine. */
    if (!navigator.clipboard) byHand();
    else
      navigator.clipboard.writeText(box.value).then(function () {
        say("Copied");
      }, byHand);
  });
})();

/* Signing out waits for words that are on their way to the server, which takes nothing from here afterwards; for two seconds
   at most. */
(function () {
  "use strict";
  var MOST = 2000;
  document.addEventListener("submit", function (event) {
    var form = event.target;
    var waiting = (form.getAttribute("action") || "").endsWith("/logout") && window.draftsOnTheirWay && window.draftsOnTheirWay();
    if (!waiting) return;
    event.preventDefault();
    var enough = new Promise(function (go) {
      window.setTimeout(go, MOST);
    });
    Promise.race([waiting, enough]).then(function () {
      form.submit();
    });
  }, true);
})();

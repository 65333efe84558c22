(function () {
  "use strict";
  var box = document.getElementById("search"), count = document.getElementById("count");
  var cards = Array.prototype.slice.call(document.querySelectorAll(".card"));
  var modules = Array.prototype.slice.call(document.querySelectorAll(".module"));
  function filter() {
    var words = box.value.toLowerCase().split(/\s+/).filter(Boolean), seen = 0;
    cards.forEach(function (card) {
      var text = card.getAttribute("data-words");
      card.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
      if (!card.hidden) { seen += 1; }
    });
    modules.forEach(function (module) { module.hidden = !module.querySelector(".card:not([hidden])"); });
    count.textContent = words.length ? count.getAttribute("data-word") + " " + seen : "";
  }
  function show() {
    var card = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (card && card.hidden) { box.value = ""; filter(); card.scrollIntoView(); }
  }
  box.addEventListener("input", filter);
  window.addEventListener("hashchange", show);
}());

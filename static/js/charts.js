/* Draws each <figure data-chart="line|bar"> from the table inside it, which holds the same numbers for everybody. */
(function () {
  "use strict";
  var DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4]];
  var drawn = [];

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function read(figure) {
    var table = figure.querySelector("table");
    var heads = Array.from(table.querySelectorAll("thead th")).slice(1);
    var rows = Array.from(table.querySelectorAll("tbody tr"));
    return {
      labels: rows.map(function (row) {
        return row.cells[0].textContent.trim();
      }),
      series: heads.map(function (head, index) {
        return {
          name: head.textContent.trim(),
          tone: head.getAttribute("data-tone") || "accent",
          values: rows.map(function (row) {
            var value = row.cells[index + 1].getAttribute("data-value");
            return value === "" || value === null ? null : Number(value);
          }),
        };
      }),
    };
  }

  function draw(figure) {
    var kind = figure.getAttribute("data-chart");
    var data = read(figure);
    var unit = figure.getAttribute("data-unit") || "";
    var text = colour("--c-muted");
    var line = colour("--c-line");
    return new window.Chart(figure.querySelector("canvas"), {
      type: kind,
      data: {
        labels: data.labels,
        datasets: data.series.map(function (series, index) {
          var tone = colour("--c-" + series.tone);
          return {
            label: series.name,
            data: series.values,
            borderColor: tone,
            backgroundColor: tone,
            borderWidth: kind === "line" ? 2 : 0,
            borderDash: kind === "line" ? DASHES[index % DASHES.length] : [],
            borderRadius: 3,
            maxBarThickness: 28,
            pointRadius: data.labels.length > 45 ? 0 : 2,
            pointHoverRadius: 4,
            tension: 0.2,
          };
        }),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        indexAxis: figure.getAttribute("data-axis") || "x",
        plugins: {
          legend: { display: data.series.length > 1, labels: { color: text, usePointStyle: kind === "line", pointStyle: "line" } },
          tooltip: {
            callbacks: {
              label: function (item) {
                return item.dataset.label + ": " + item.formattedValue + unit;
              },
            },
          },
        },
        scales: {
          x: { beginAtZero: true, ticks: { color: text, maxRotation: 0, autoSkipPadding: 16, precision: 0 }, grid: { color: line } },
          y: { beginAtZero: true, ticks: { color: text, precision: 0 }, grid: { color: line } },
        },
      },
    });
  }

  function drawAll() {
    drawn.forEach(function (chart) {
      chart.destroy();
    });
    drawn = Array.from(document.querySelectorAll("figure[data-chart]")).map(draw);
  }

  drawAll();
  new MutationObserver(drawAll).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
})();

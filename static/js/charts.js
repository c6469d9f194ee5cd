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

  /* How high a chart is drawn where a peak would flatten the rest: a good deal above all but the highest tenth. */
  function height(series) {
    var values = series
      .flatMap(function (each) {
        return each.values;
      })
      .filter(function (value) {
        return value !== null;
      })
      .sort(function (a, b) {
        return a - b;
      });
    var usual = values[Math.floor(values.length * 0.9)];
    return usual > 0 && values[values.length - 1] > 5 * usual ? round(usual * 2) : undefined;
  }

  /* Up to a number that ends a scale well: 150 for 142. */
  function round(value) {
    var step = Math.pow(10, Math.floor(Math.log10(value))) / 2;
    return Math.ceil(value / step) * step;
  }

  /* Writes beside each peak that goes beyond the chart how high it is. */
  function beyond(top, colour) {
    return {
      id: "beyond",
      afterDatasetsDraw: function (chart) {
        var area = chart.chartArea;
        chart.ctx.save();
        chart.ctx.fillStyle = colour;
        chart.ctx.font = "600 12px system-ui, sans-serif";
        var written = {};
        chart.data.datasets.forEach(function (series) {
          series.data.forEach(function (value, index) {
            if (value <= top) return;
            written[index] = (written[index] || 0) + 1;
            var at = chart.scales.x.getPixelForValue(index);
            var left = at > (area.left + area.right) / 2;
            chart.ctx.textAlign = left ? "right" : "left";
            var words = series.label + " " + value.toLocaleString() + " \u2191";
            chart.ctx.fillText(words, at + (left ? -16 : 16), area.top + 14 * written[index]);
          });
        });
        chart.ctx.restore();
      },
    };
  }

  /* The names of the lines, each dashed as it is drawn. */
  function named(chart) {
    return window.Chart.defaults.plugins.legend.labels.generateLabels(chart).map(function (label) {
      label.lineDash = chart.data.datasets[label.datasetIndex].borderDash;
      return label;
    });
  }

  function draw(figure) {
    var kind = figure.getAttribute("data-chart");
    var data = read(figure);
    var unit = figure.getAttribute("data-unit") || "";
    var text = colour("--c-muted");
    var line = colour("--c-line");
    var top = kind === "line" ? height(data.series) : undefined;
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
          };
        }),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        indexAxis: figure.getAttribute("data-axis") || "x",
        plugins: {
          legend: { display: data.series.length > 1, labels: { color: text, usePointStyle: kind === "line", pointStyle: "line", pointStyleWidth: 36, generateLabels: named } },
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
          y: { beginAtZero: true, max: top, ticks: { color: text, precision: 0 }, grid: { color: line } },
        },
      },
      plugins: top ? [beyond(top, text)] : [],
    });
  }

  function drawAll() {
    drawn.forEach(function (chart) {
      chart.destroy();
    });
    drawn = Array.from(document.querySelectorAll("figure[data-chart]")).map(draw);
  }

  /* The numbers are open for who sees no chart. */
  document.querySelectorAll("figure[data-chart] .chart-table").forEach(function (table) {
    table.open = false;
    table.setAttribute("data-ready", "");
  });
  drawAll();
  new MutationObserver(drawAll).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
})();

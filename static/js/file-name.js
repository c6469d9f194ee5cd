/* The example of a file's name, as the pattern is typed. */
(() => {
  const field = document.querySelector("[data-file-name]");
  if (!field) return;
  const example = document.getElementById(field.dataset.fileName);
  field.addEventListener("input", () => {
    const name = field.value.trim().replace(/\{([a-z]+)\}/g, (whole, key) => example.dataset[key] ?? whole);
    example.textContent = name ? `${name}.csv` : "nothing yet";
  });
})();

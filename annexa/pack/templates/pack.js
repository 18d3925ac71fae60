"use strict";
(function () {
  function rowsOf(table) {
    return Array.from(table.tBodies[0].rows);
  }

  function filter(form) {
    var table = document.getElementById(form.dataset.filter);
    var output = form.querySelector("output");
    function apply() {
      var text = form.elements.text.value.trim().toLowerCase();
      var shown = 0;
      rowsOf(table).forEach(function (row) {
        var wanted =
          (!text || row.textContent.toLowerCase().includes(text)) &&
          (!form.elements.theme.value || row.dataset.theme === form.elements.theme.value) &&
          (!form.elements.status.value || row.dataset.status === form.elements.status.value);
        row.hidden = !wanted;
        shown += wanted ? 1 : 0;
      });
      output.textContent = shown + " of " + rowsOf(table).length;
    }
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    apply();
  }

  function value(row, column) {
    return row.cells[column].textContent.trim();
  }

  function compare(left, right) {
    var numbers = [left, right].map(function (text) { return Number(text.replace(/,/g, "")); });
    return numbers.every(function (number) { return !Number.isNaN(number); }) && left && right
      ? numbers[0] - numbers[1]
      : left.localeCompare(right, "en", { numeric: true });
  }

  function sortable(table) {
    var width = table.tBodies[0].rows.length ? table.tBodies[0].rows[0].cells.length : 0;
    var heads = Array.from(table.querySelectorAll("thead th:not([scope=colgroup])"));
    if (heads.length !== width) { return; }
    heads.forEach(function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", function () {
        var down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        rowsOf(table)
          .sort(function (one, other) {
            return (down ? -1 : 1) * compare(value(one, column), value(other, column));
          })
          .forEach(function (row) { table.tBodies[0].appendChild(row); });
      });
    });
  }

  document.querySelectorAll("form[data-filter]").forEach(filter);
  document.querySelectorAll("table.sortable").forEach(sortable);
})();

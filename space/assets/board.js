/* The static board: facets, search, sort, columns, permalinks and downloads from window.BOARD. */
(function () {
  "use strict";
  const data = window.BOARD;
  const PAGE = data.page_rows, ROWS = data.rows.concat(data.ceilings);
  const byKey = new Map(data.columns.map((column) => [column.key, column]));
  const $ = (id) => document.getElementById(id);
  const blank = () => ({ facets: {}, parts: [], q: "", sort: data.default_sort, columns: data.default_columns.slice(), page: 1 });
  let state = blank(), started = false, lastStep = 0, lastTyped = false, lastSearch = "";

  const esc = (text) => String(text ?? "").replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }[c]));
  const missing = (x) => x === null || x === undefined;
  const fixed = (x, digits) => {
    if (missing(x)) return "–";
    const text = x.toFixed(digits);
    return Number(text) ? text.replace("-", "−") : text.replace("-", "");
  };

  function column(key) {
    if (byKey.has(key)) return byKey.get(key);
    const at = key.indexOf(":");
    const kind = key.slice(0, at), name = key.slice(at + 1);
    const title = (data.parts[kind] || {})[name] || name;
    return { key, title, kind: "part", decimals: 3, higher_is_better: true, tip: "Alignment with " + title + " alone." };
  }
  const shownColumns = () => {
    const lead = ["rank", "name"].filter((key) => state.columns.includes(key));
    const rest = state.columns.filter((key) => !lead.includes(key));
    return [...lead, ...state.parts, ...rest].slice(0, data.max_columns).map(column);
  };
  const cell = (row, key) => (byKey.has(key) ? row.scores[key] : row.parts[key]) || {};

  function readHash() {
    state = blank();
    for (const [key, text] of new URLSearchParams(location.hash.slice(1))) {
      if (key in data.facets) (state.facets[key] = state.facets[key] || []).push(text);
      else if (key in data.parts) { if (text in data.parts[key]) state.parts.push(key + ":" + text); }
      else if (key === "q") state.q = text;
      else if (key === "sort") state.sort = text;
      else if (key === "columns") state.columns = text.split(",").filter((k) => byKey.has(k));
      else if (key === "page") state.page = Math.max(1, parseInt(text, 10) || 1);
    }
    if (!state.columns.length) state.columns = data.default_columns.slice();
    const sortKey = state.sort.replace(/^-/, "");
    if (!byKey.has(sortKey) && !state.parts.includes(sortKey)) state.sort = data.default_sort;
  }
  function writeHash() {
    const params = new URLSearchParams();
    for (const facet of Object.keys(data.facets)) for (const name of state.facets[facet] || []) params.append(facet, name);
    for (const part of state.parts) params.append(part.slice(0, part.indexOf(":")), part.slice(part.indexOf(":") + 1));
    if (state.q) params.set("q", state.q);
    if (state.sort !== data.default_sort) params.set("sort", state.sort);
    if (state.columns.join() !== data.default_columns.join()) params.set("columns", state.columns.join());
    if (state.page > 1) params.set("page", state.page);
    const text = params.toString();
    const at = text ? "#" + text : location.pathname + location.search;
    if (location.hash.slice(1) === text) return;
    // What is typed in one go is one step back; everything else a step of its own.
    const now = Date.now(), typed = state.q !== lastSearch;
    const further = typed && lastTyped && now - lastStep < 1500;
    history[started && !further ? "pushState" : "replaceState"](null, "", at);
    lastStep = now;
    lastTyped = typed;
    lastSearch = state.q;
  }

  function passes(row) {
    if (row.synthetic) return false;
    for (const [facet, names] of Object.entries(state.facets)) {
      if (!names.length) continue;
      const found = facet === "protocol" ? row.protocols.split(" ") : [String(row[facet])];
      if (!names.some((name) => found.includes(name))) return false;
    }
    const text = [row.name, row.model, row.family, row.method, row.steering].join(" ").toLowerCase();
    return state.q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }
  function sortValue(row, col) {
    if (col.kind === "score" || col.kind === "part") return cell(row, col.key).estimate;
    const found = row[col.key];
    return typeof found === "string" ? found.toLowerCase() : found;
  }
  function foundRows() {
    const falling = state.sort.startsWith("-");
    const col = column(state.sort.replace(/^-/, ""));
    const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    return ROWS.filter(passes).sort((a, b) => {
      const g = (a.group_number || Infinity), h = (b.group_number || Infinity);
      if (g !== h) return g < h ? -1 : 1;
      const x = sortValue(a, col), y = sortValue(b, col);
      if (missing(x) || missing(y)) { if (missing(x) !== missing(y)) return missing(x) ? 1 : -1; }
      else if (x !== y) return falling ? order(y, x) : order(x, y);
      return order(a.name, b.name) || order(a.row_id, b.row_id);
    });
  }
  const pageOf = (rows) => {
    const pages = Math.max(1, Math.ceil(rows.length / PAGE));
    state.page = Math.min(state.page, pages);
    return { pages, rows: rows.slice((state.page - 1) * PAGE, state.page * PAGE) };
  };

  const cellClass = (col) => ({ name: "oa-name", text: "oa-text", rank: "oa-rank" }[col.kind] || "oa-number");
  function heading(col) {
    const shown = state.sort.replace(/^-/, "") === col.key, falling = state.sort.startsWith("-");
    const aria = shown ? (falling ? "descending" : "ascending") : "none";
    return `<th scope="col" aria-sort="${aria}" class="${cellClass(col)}"><button type="button" data-sort="${esc(col.key)}" data-first="${col.higher_is_better ? "-" : ""}" title="${esc(col.tip)}">${esc(col.title)}<span aria-hidden="true" class="oa-arrow">${shown ? (falling ? "▼" : "▲") : ""}</span></button></th>`;
  }
  function scoreCell(found, digits, partial) {
    if (missing(found.estimate)) return '<span class="oa-none" title="not scored">–</span>';
    const span = missing(found.low) || missing(found.high) ? "" : fixed(found.low, digits) + " to " + fixed(found.high, digits);
    const tips = [span ? "95 % interval " + span : "no interval"];
    if (!missing(found.coverage)) tips.push("coverage " + Math.round(found.coverage * 100) + "%");
    if (found.questions) tips.push(found.questions + " questions");
    if (partial) tips.push("of the part that was answered");
    return `<span class="oa-score" title="${esc(tips.join("; "))}">${partial ? '<sup class="oa-partial">partial</sup>' : ""}<b>${fixed(found.estimate, digits)}</b>${span ? `<span class="oa-interval">${span}</span>` : ""}</span>`;
  }
  function tieLetter(number) {
    let letters = "";
    for (let left = number || 0; left > 0; left = Math.floor((left - 1) / 26)) letters = String.fromCharCode(97 + ((left - 1) % 26)) + letters;
    return letters;
  }
  function partialCell(row, col) {
    const coverage = col.kind === "part" ? cell(row, col.key).coverage : row.coverage;
    return !missing(coverage) && coverage < data.full_coverage;
  }
  function show(row, col) {
    if (col.key === "country_specific" && row.steering === "none" && row.language !== "own") return '<span class="oa-none" title="one answer for all countries: there is nothing specific to a country">–</span>';
    if (col.kind === "score" || col.kind === "part") return scoreCell(cell(row, col.key), col.decimals, partialCell(row, col));
    if (col.kind === "rank") {
      if (missing(row.rank) || row.ranked < 2) return '<span class="oa-none" title="Not ranked: a reference point, or no other row is its equal.">–</span>';
      const tie = tieLetter(row.tie);
      return `<span class="oa-score" title="rank ${row.rank} (${row.rank_low} to ${row.rank_high}) of ${row.ranked} among equals; tie group ${tie}"><b>${row.rank}<sup class="oa-tie">${tie}</sup></b><span class="oa-interval">${row.rank_low}–${row.rank_high} of ${row.ranked}</span></span>`;
    }
    if (col.kind === "name") {
      let labels = row.kind === "model" ? "" : ` <span class="oa-badge oa-badge-${esc(row.kind)}" title="not ranked">${esc(row.kind)}</span>`;
      if (row.trained_on_wvs === "yes") labels += ' <span class="oa-badge oa-badge-trained">trained on WVS</span>';
      if (row.synthetic) labels += ' <span class="oa-badge oa-badge-synthetic" title="scored on a made-up release: the numbers mean nothing">synthetic people</span>';
      if (row.same_as) labels += ` <span class="oa-badge oa-badge-same">same answers as ${esc(row.same_as)}</span>`;
      const sub = row.model !== row.name && row.model !== "unknown" ? `<span class="oa-sub">${esc(row.model)}</span>` : "";
      if (row.derived) return esc(row.name) + labels + sub;
      return `<a href="rows/${encodeURIComponent(row.row_id)}.html">${esc(row.name)}</a>${labels}${sub}`;
    }
    if (col.kind === "number") return fixed(row[col.key], col.decimals);
    return esc(row[col.key] === "unknown" ? data.not_stated : row[col.key] || "").replace(/_/g, "_<wbr>");
  }
  function render() {
    const columns = shownColumns(), rows = foundRows(), page = pageOf(rows);
    let last = null;
    const group = (row) => {
      const number = row.group_number || 0;
      if (number === last) return "";
      last = number;
      return `<tr class="oa-group" data-group="${number}"><th scope="rowgroup" colspan="${columns.length}">${esc(row.group_title || data.reference_lines)}</th></tr>`;
    };
    const body = page.rows.map((row) => group(row) + `<tr class="oa-kind-${esc(row.kind)}" data-row="${esc(row.row_id)}">${columns.map((col) => `<td class="${cellClass(col)}">${show(row, col)}</td>`).join("")}</tr>`).join("");
    $("board").innerHTML = `<div class="oa-scroll" role="region" tabindex="0" aria-label="Board"><table class="oa-table oa-board"><thead><tr>${columns.map(heading).join("")}</tr></thead><tbody>${body || `<tr><td class="oa-empty" colspan="${columns.length}">No row passes these facets. Clear one of them.</td></tr>`}</tbody></table></div>`;
    $("count").textContent = `${rows.length} of ${ROWS.filter((row) => !row.synthetic).length} rows` + (page.pages > 1 ? `, page ${state.page} of ${page.pages}` : "");
    $("previous").disabled = state.page <= 1;
    $("next").disabled = state.page >= page.pages;
    $("pager").hidden = page.pages <= 1;
    writeHash();
  }
  function fillControls() {
    for (const box of document.querySelectorAll("input[data-facet]")) box.checked = (state.facets[box.dataset.facet] || []).includes(box.value);
    for (const summary of document.querySelectorAll("summary[data-title]")) {
      const chosen = (state.facets[summary.dataset.of] || []).length;
      summary.textContent = summary.dataset.title + (chosen ? ` (${chosen})` : "");
    }
    for (const select of document.querySelectorAll("select[data-part]")) {
      const found = state.parts.find((part) => part.startsWith(select.dataset.part + ":"));
      select.value = found ? found.slice(select.dataset.part.length + 1) : "";
    }
    for (const box of document.querySelectorAll("input[data-column]")) box.checked = state.columns.includes(box.dataset.column);
    $("search").value = state.q;
  }

  function flat(row, columns) {
    const out = { row_id: row.row_id, kind: row.kind };
    for (const col of columns) {
      if (col.kind === "score" || col.kind === "part") {
        const found = cell(row, col.key);
        out[col.key] = found.estimate ?? null;
        for (const end of ["low", "high", "coverage"]) out[col.key + "_" + end] = found[end] ?? null;
      } else if (col.kind === "rank") for (const name of ["rank", "rank_low", "rank_high", "tie", "ranked"]) out[name] = row[name];
      else out[col.key] = row[col.key];
    }
    for (const key of data.always) if (!(key in out)) out[key] = row[key];
    return out;
  }
  function save(name, type, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  function download(kind) {
    const columns = shownColumns(), rows = pageOf(foundRows()).rows.map((row) => flat(row, columns));
    if (kind === "json") return save("board.json", "application/json", JSON.stringify({ about: data.about, query: location.hash.slice(1), rows }, null, 1) + "\n");
    const keys = rows.length ? Object.keys(rows[0]) : [];
    const quote = (x) => { const t = missing(x) ? "" : String(x); const safe = typeof x === "string" && /^[=+\-@\t\r]/.test(t) ? "'" + t : t; return /[",\n\r]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe; };
    return save("board.csv", "text/csv", [keys.join(","), ...rows.map((row) => keys.map((key) => quote(row[key])).join(","))].join("\r\n") + "\r\n");
  }

  function applyTheme(theme) {
    document.documentElement.classList.toggle("dark", theme === "dark");
    $("theme").textContent = theme === "dark" ? "Light" : "Dark";
  }
  /* What is pointed at, focused or tapped stands below its map; a first tap only says it. */
  document.addEventListener("click", (event) => {
    const sort = event.target.closest("button[data-sort]");
    if (sort) {
      const key = sort.dataset.sort, first = sort.dataset.first + key;
      state.sort = state.sort === first ? (first.startsWith("-") ? key : "-" + key) : first;
      state.page = 1;
      render();
      document.querySelector(`button[data-sort="${CSS.escape(key)}"]`)?.focus();
    }
    const save = event.target.closest("button[data-download]");
    if (save) download(save.dataset.download);
  });
  document.addEventListener("change", (event) => {
    const target = event.target;
    if (target.dataset.facet) {
      const chosen = state.facets[target.dataset.facet] || [];
      state.facets[target.dataset.facet] = target.checked ? [...chosen, target.value] : chosen.filter((name) => name !== target.value);
      fillControls();
    } else if (target.dataset.part) {
      const kind = target.dataset.part;
      state.parts = state.parts.filter((part) => !part.startsWith(kind + ":"));
      if (target.value) { state.parts.push(kind + ":" + target.value); state.sort = "-" + kind + ":" + target.value; }
      else if (state.sort.includes(kind + ":")) state.sort = data.default_sort;
    } else if (target.dataset.column) {
      const key = target.dataset.column;
      state.columns = target.checked ? [...state.columns, key] : state.columns.filter((k) => k !== key);
      if (!state.columns.length) { state.columns = ["name"]; fillControls(); }
    } else return;
    state.page = 1;
    render();
  });
  $("search").addEventListener("input", (event) => { state.q = event.target.value.trim(); state.page = 1; render(); });
  $("reset").addEventListener("click", () => { state = blank(); fillControls(); render(); });
  $("previous").addEventListener("click", () => { state.page -= 1; render(); });
  $("next").addEventListener("click", () => { state.page += 1; render(); });
  $("theme").addEventListener("click", () => applyTheme(document.documentElement.classList.contains("dark") ? "light" : "dark"));
  for (const kind of ["popstate", "hashchange"]) window.addEventListener(kind, () => { readHash(); lastSearch = state.q; fillControls(); render(); });
  applyTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  readHash();
  lastSearch = state.q;
  fillControls();
  render();
  started = true;
})();

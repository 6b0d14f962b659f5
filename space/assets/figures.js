/* Figures: what is pointed at, focused or tapped stands below its map (a first tap only says it);
   a box sorts the rows of a picture. `element` holds the figures. */
const plain = new WeakMap();
const markOf = (event) => event.target.closest && event.target.closest('.oa-plane [data-tip]');
const say = (mark) => {
  const line = mark.closest('figure').querySelector('.oa-tip');
  if (!line) return;
  if (!plain.has(line)) plain.set(line, line.textContent);
  line.textContent = mark.dataset.tip;
};
for (const kind of ['pointerover', 'focusin']) element.addEventListener(kind, (event) => {
  const mark = markOf(event);
  if (mark) say(mark);
});
let tapped = null;
element.addEventListener('click', (event) => {
  const mark = markOf(event);
  if (!mark || !matchMedia('(hover: none)').matches || tapped === mark) return;
  tapped = mark;
  say(mark);
  event.preventDefault();
});
element.addEventListener('change', (event) => {
  const box = event.target;
  if (!box.matches || !box.matches('select[data-sorts]')) return;
  const picture = box.closest('.oa-sorter').nextElementSibling;
  const rows = [...picture.children];
  rows.forEach((row, place) => { if (!row.dataset.place) row.dataset.place = place; });
  const key = (row) => {
    if (box.value === '') return Number(row.dataset.place);
    if (box.value === 'name') return row.dataset.name;
    if (box.value === 'mean') return Number(row.dataset.mean);
    return -Number(row.dataset.shares.split(' ')[Number(box.value)]);
  };
  rows.sort((a, b) => {
    const x = key(a), y = key(b);
    return typeof x === 'string' ? x.localeCompare(y) : x - y;
  });
  picture.append(...rows);
});

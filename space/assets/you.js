/* Twenty questions to the visitor: answers are compared here and go nowhere. `element` holds the
   page's section. */
const DOTS = 5, ENDS = 3, NORMAL = 1.96;
const section = () => element.querySelector('.oa-you');
const text = (tag, content, look) => {
  const made = document.createElement(tag);
  if (look) made.className = look;
  made.textContent = content;
  return made;
};
const closeness = (answer, shares, ordinal) => {
  if (!ordinal || shares.length < 2) return shares[answer];
  const gap = shares.reduce((sum, share, at) => sum + share * Math.abs(at - answer), 0);
  return 1 - gap / (shares.length - 1);
};
const mean = (all) => all.reduce((sum, one) => sum + one, 0) / all.length;
/* Half of the 95 % interval of a mean over questions. */
const margin = (all) => {
  if (all.length < 2) return Infinity;
  const middle = mean(all);
  const square = all.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (all.length - 1);
  return NORMAL * Math.sqrt(square / all.length);
};
/* Sides by closeness; `near` where the paired difference from the first may be chance. */
const ranked = (sides, answers, ordinal) => {
  const found = sides.map(([key, name, shares]) => {
    const each = answers.map((answer, at) =>
      answer === null || !shares[at] ? null : closeness(answer, shares[at], ordinal[at]));
    const known = each.filter((one) => one !== null);
    return { key, name, each, count: known.length, score: known.length ? mean(known) : -1,
      margin: margin(known) };
  }).filter((one) => one.count);
  const most = Math.max(0, ...found.map((one) => one.count));
  const whole = found.filter((one) => one.count >= 0.9 * most);
  whole.sort((a, b) => b.score - a.score || a.name.localeCompare(b.name));
  const first = whole[0];
  for (const one of whole) {
    const both = one.each.map((score, at) =>
      score === null || first.each[at] === null ? null : first.each[at] - score)
      .filter((gap) => gap !== null);
    one.near = one === first || mean(both) <= margin(both);
  }
  return whole;
};
const row = (one, page, ends) => {
  const at = (score) => `${100 * (Math.min(Math.max(score, ends[0]), ends[1]) - ends[0]) /
    (ends[1] - ends[0])}%`;
  const made = text('div', '', 'oa-chart-row');
  made.setAttribute('role', 'listitem');
  made.dataset.key = one.key;
  const name = text('span', '', 'oa-chart-name');
  const target = page(one.key);
  const link = text(target ? 'a' : 'b', one.name);
  if (target) link.href = target;
  name.append(link);
  const NS = 'http://www.w3.org/2000/svg';
  const track = document.createElementNS(NS, 'svg');
  track.setAttribute('class', 'oa-track');
  track.setAttribute('aria-hidden', 'true');
  const look = one.near ? 'oa-dot-over' : 'oa-dot-plain';
  const draw = (tag, attributes) => {
    const part = document.createElementNS(NS, tag);
    for (const [key, content] of Object.entries(attributes)) part.setAttribute(key, content);
    track.append(part);
  };
  draw('line', { class: `oa-whisker ${look}`, x1: at(one.score - one.margin), y1: '50%',
    x2: at(one.score + one.margin), y2: '50%' });
  draw('circle', { class: look, cx: at(one.score), cy: '50%', r: 5 });
  const score = text('span', '', 'oa-chart-score');
  score.append(text('b', one.score.toFixed(2)), text('span',
    ` ${(one.score - one.margin).toFixed(2)} to ${(one.score + one.margin).toFixed(2)}`, 'oa-span'));
  made.append(name, track, score);
  return made;
};
const chart = (shown, page, label, ends) => {
  const list = text('div', '', 'oa-chart');
  list.setAttribute('role', 'list');
  list.setAttribute('aria-label', label);
  list.append(...shown.map((one) => row(one, page, ends)));
  return list;
};
const told = (sides, noun) => {
  const near = sides.filter((one) => one.near).length - 1;
  if (!near) return '';
  return ` ${near} further ${near === 1 ? noun[0] : noun[1]} cannot be told apart from it.`;
};
const show = () => {
  const place = section();
  if (!place) return;
  const data = JSON.parse(place.dataset.you);
  const answers = data.sizes.map((_, at) => {
    const box = place.querySelector(`input[name="oa-you-${at}"]:checked`);
    return box ? Number(box.value) : null;
  });
  const given = answers.filter((one) => one !== null).length;
  const result = place.querySelector('.oa-you-result');
  const parts = [text('h2', 'Your result')];
  if (given < Number(place.dataset.fewest)) {
    const waiting = text('p', `Answer at least ${place.dataset.fewest} questions; ${given} so far.`);
    waiting.dataset.youWaiting = '';
    result.replaceChildren(parts[0], waiting);
    return;
  }
  const countries = ranked(data.countries, answers, data.ordinal);
  const models = ranked(data.models, answers, data.ordinal);
  const flat = place.dataset.pages === 'files';
  const countryPage = (key) => flat ? `countries/${key}.html` : `country?country=${key}`;
  const modelPage = (key) => flat ? `rows/${key}.html` : `model?row=${encodeURIComponent(key)}`;
  const lead = text('p', '', 'oa-lead');
  lead.append('On ', text('b', `${given} questions`), ' you answer most like people in ',
    text('b', countries[0].name), '.', told(countries, ['country', 'countries']));
  if (models.length) lead.append(' Among models, ', text('b', models[0].name),
    ' answers most like you.', told(models, ['model', 'models']));
  const near = countries.slice(0, DOTS), far = countries.slice(-ENDS).reverse();
  const drawn = [...near, ...far, ...models];
  const ends = [Math.min(...drawn.map((one) => one.score - one.margin)),
    Math.max(...drawn.map((one) => one.score + one.margin))];
  parts.push(lead, text('p', 'Bars are 95 % intervals over the questions; blue: not told apart '
    + 'from the first.', 'oa-sub'), text('h3', 'Closest countries'),
  chart(near, countryPage, 'Closest countries', ends),
  text('h3', 'Farthest countries'),
  chart(far, countryPage, 'Farthest countries', ends));
  if (models.length) parts.push(text('h3', 'Models'), chart(models, modelPage, 'Models', ends));
  const clear = text('button', 'Clear my answers', 'oa-you-clear');
  clear.type = 'button';
  parts.push(clear);
  result.replaceChildren(...parts);
};
element.addEventListener('change', (event) => {
  if (event.target.matches && event.target.matches('.oa-you input[type=radio]')) show();
});
element.addEventListener('click', (event) => {
  if (!event.target.matches || !event.target.matches('.oa-you-clear')) return;
  for (const box of section().querySelectorAll('input[type=radio]')) box.checked = false;
  show();
  section().scrollIntoView();
});

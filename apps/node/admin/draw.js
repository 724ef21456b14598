// What the page is drawn with. Everything is set as text: names come from other machines.

/** @returns an element with a class and text, or with others in it */
export function element(name, options = {}) {
  const made = document.createElement(name)
  if (options.class) made.className = options.class
  if (options.text !== undefined) made.textContent = options.text
  for (const child of options.children ?? []) made.append(child)
  return made
}

/**
 * Fills a table. A column is `{ title, of, number?, code?, bad? }`; `of(row)` gives the text.
 * `empty` is said where there are no rows.
 */
export function table(target, { columns, rows, empty }) {
  if (rows.length === 0) {
    target.replaceChildren(line([element('td', { class: 'quiet', text: empty })]))
    return
  }
  const head = columns.map(({ title, number }) =>
    element('th', { text: title, class: number ? 'number' : '' }),
  )
  const body = rows.map((row) => line(columns.map((column) => cell(column, row))))
  target.replaceChildren(
    element('thead', { children: [line(head)] }),
    element('tbody', { children: body }),
  )
}

function line(cells) {
  return element('tr', { children: cells })
}

function cell({ of, number, code, bad }, row) {
  const text = of(row)
  const names = [number ? 'number' : '', bad?.(row) ? 'bad-text' : '']
  const made = element('td', { class: names.join(' ').trim() })
  if (code) made.append(element('code', { text }))
  else made.textContent = text
  return made
}

const SVG = 'http://www.w3.org/2000/svg'
const WIDTH = 600
const HEIGHT = 150
const LEFT = 52
const FOOT = 8

function svg(name, attributes, text) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  if (text !== undefined) made.textContent = text
  return made
}

/** Draws lines over time: `series` are lists of numbers, the newest last, `room` points wide. */
export function chart(target, { series, room, format }) {
  const top = niceTop(Math.max(0, ...series.flat().filter(Number.isFinite)))
  const x = (index, length) => LEFT + ((room - length + index) / (room - 1)) * (WIDTH - LEFT)
  const y = (value) => HEIGHT - FOOT - (value / top) * (HEIGHT - FOOT - 14)
  target.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`)
  target.setAttribute('preserveAspectRatio', 'none')
  const marks = [0, top / 2, top].flatMap((value) => [
    svg('line', { class: 'grid', x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }),
    svg('text', { x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end' }, format(value)),
  ])
  const lines = series.map((values, number) => {
    const points = values
      .map((value, index) => `${x(index, values.length).toFixed(1)},${y(value || 0).toFixed(1)}`)
      .join(' ')
    return svg('polyline', { class: number === 0 ? 'first' : 'second', points })
  })
  target.replaceChildren(...marks, ...lines)
}

/** 1, 2 or 5 times a power of ten, not below `value`. */
function niceTop(value) {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= value) ?? value
}

/** Names of the lines of a chart. */
export function legend(target, names) {
  const items = names.map((text, index) => element('span', { text, class: index ? 'second' : '' }))
  target.replaceChildren(...items)
}

export function count(value) {
  return Math.round(value).toLocaleString('en')
}

export function rate(value) {
  if (value === 0) return '0'
  return value < 10 ? value.toFixed(1) : count(value)
}

export function milliseconds(value) {
  if (value === undefined) return '–'
  if (value === 0) return '0'
  if (value >= 1_000) return `${(value / 1_000).toFixed(value >= 10_000 ? 0 : 1)} s`
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
}

export function bytes(value) {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} GB`
  return value >= 1e6 ? `${Math.round(value / 1e6)} MB` : `${Math.round(value / 1e3)} kB`
}

export function age(from, to) {
  const seconds = Math.max(0, Math.round((to - from) / 1_000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800
    ? `${Math.round(seconds / 3_600)} h`
    : `${Math.round(seconds / 86_400)} d`
}

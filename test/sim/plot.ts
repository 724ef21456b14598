import type { Plot } from './scenario.ts'

const WIDTH = 640
const HEIGHT = 240
const MARGIN = { left: 44, right: 12, top: 34, bottom: 40 }
/** Bars of a histogram, at most. */
const BARS = 32

/** A histogram as SVG, which reads on light and dark ground. */
export function drawPlot(title: string, { label, values, of = 'lookups' }: Plot): string {
  const low = Math.min(...values)
  const step = Math.max(1, Math.ceil((Math.max(...values) - low + 1) / BARS))
  const bars = count(values, { low, step })
  const most = Math.max(...bars)
  const width = (WIDTH - MARGIN.left - MARGIN.right) / bars.length
  const floor = HEIGHT - MARGIN.bottom
  const scale = (floor - MARGIN.top) / most
  const shapes = bars.map((many, i) => {
    const x = MARGIN.left + i * width
    const middle = (x + width / 2).toFixed(1)
    const bar = `<rect x="${(x + 1).toFixed(1)}" y="${(floor - many * scale).toFixed(1)}" width="${(width - 2).toFixed(1)}" height="${(many * scale).toFixed(1)}"/>`
    const every = Math.ceil(bars.length / 16)
    return i % every === 0 ? `${bar}${text(middle, floor + 14, String(low + i * step))}` : bar
  })
  const axis = `<path d="M${MARGIN.left} ${floor}H${WIDTH - MARGIN.right}" stroke="#888"/>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11" fill="#4a7ebb" role="img">`,
    `<title>${title}</title>`,
    text(String(WIDTH / 2), 18, title),
    ...shapes,
    axis,
    text(String(WIDTH / 2), HEIGHT - 8, `${label} (${values.length} ${of})`),
    text('22', MARGIN.top + 4, String(most)),
    text('22', floor, '0'),
    '</svg>\n',
  ].join('\n')
}

function count(
  values: readonly number[],
  { low, step }: { readonly low: number; readonly step: number },
): number[] {
  const bars: number[] = []
  for (const value of values) {
    const at = Math.floor((value - low) / step)
    while (bars.length <= at) bars.push(0)
    bars[at] = (bars[at] as number) + 1
  }
  return bars
}

function text(x: string, y: number, words: string): string {
  return `<text x="${x}" y="${y}" text-anchor="middle" fill="#888">${words}</text>`
}

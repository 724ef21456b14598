import { type Figure, reached } from './figures.ts'
import type { Report } from './scenario.ts'

/** The figures of a report beside their targets, as Markdown. */
export function tableOf({ figures }: Report): string {
  const rows = figures.map((figure) => [
    figure.name,
    written(figure.value, figure),
    figure.target === undefined ? '' : bound(figure),
    verdict(figure),
  ])
  const all = [['', 'measured', 'target', ''], ...rows]
  const widths = [0, 1, 2, 3].map((i) => Math.max(3, ...all.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = all
  return `${[line(head), line(widths.map((n) => '-'.repeat(n))), ...body.map(line)].join('\n')}\n`
}

/** Puts a block between its marks, or behind everything. */
export function withBlock(page: string, name: string, text: string): string {
  const [from, to] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
  const block = `${from}\n\n${text.trimEnd()}\n\n${to}`
  const start = page.indexOf(from)
  const end = page.indexOf(to)
  if (start < 0 || end < start) return `${page.trimEnd()}\n\n${block}\n`
  return page.slice(0, start) + block + page.slice(end + to.length)
}

function written(value: number, { unit }: Figure): string {
  return unit ? `${value} ${unit}` : value.toLocaleString('en')
}

function bound(figure: Figure): string {
  return `${figure.better === 'high' ? '≥' : '≤'} ${written(figure.target ?? 0, figure)}`
}

function verdict(figure: Figure): string {
  if (figure.target === undefined) return ''
  return reached(figure) ? 'reached' : '**missed**'
}

import { idle } from './idle-scenario.ts'
import type { Report } from './scenario.ts'

/** Sizes of mesh that operators are told of. */
const SIZES = [10, 100, 1_000, 10_000, 100_000]
const LOOKUPS = 300

/** What nodes of meshes of several sizes cost, a row a figure and a column a size, as Markdown. */
export async function costs(seed: number, tell: (line: string) => void): Promise<string> {
  const reports: Report[] = []
  for (const nodes of SIZES) {
    const report = await idle({ nodes, seed, lookups: LOOKUPS })
    tell(`${report.title}: hash ${report.hash}`)
    reports.push(report)
  }
  return costTable(SIZES, reports)
}

function costTable(sizes: readonly number[], reports: readonly Report[]): string {
  const names = reports[0]?.figures.map(({ name }) => name) ?? []
  const rows = names.map((name, i) => [name].concat(reports.map((report) => valueOf(report, i))))
  rows.push(['hash', ...reports.map(({ hash }) => `\`${hash}\``)])
  const all = [['nodes of the mesh', ...sizes.map((size) => size.toLocaleString('en'))], ...rows]
  const widths = (all[0] ?? []).map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  const [head = [], ...body] = all
  return `${[line(head), line(widths.map((n) => '-'.repeat(n))), ...body.map(line)].join('\n')}\n`
}

function valueOf({ figures }: Report, at: number): string {
  return (figures[at]?.value ?? 0).toLocaleString('en')
}

import { printable } from './printable.ts'

/** Lines of columns that stand under each other, whatever names others gave what is in them. */
export function table(cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(oneLine))
  const widths: number[] = []
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function oneLine(cell: string): string {
  return printable(cell).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

/** Milliseconds as people read them; `-` where there are none. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return '-'
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`
}

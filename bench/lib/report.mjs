// Cases as text: absolute figures, ratios to ours, goals.
import { judge, OURS, ratio, spread } from './stats.mjs'

/** @import { Case, Column, Goal, Row } from './types.d.ts' */

/**
 * @param {Case} one
 * @returns {string}
 */
export function renderCase(one) {
  const ours = one.rows.find(({ system }) => system === OURS)?.medians
  const head = [
    'system',
    ...one.columns.flatMap(({ title, alone }) => (alone ? [title] : [title, '× ours'])),
    'spread',
  ]
  const body = one.rows.map((row) => {
    if (Object.keys(row.medians).length === 0)
      return [row.system, `– ${row.skipped ?? 'nothing measured'}`]
    const cells = one.columns.flatMap(({ key, digits, alone }) => {
      const value = figure(row.medians[key], digits)
      return alone ? [value] : [value, times(ratio(row.medians, ours, key))]
    })
    return [row.system, ...cells, spreadOf(row, one.columns[0])]
  })
  const notes = one.rows.flatMap((row) => [
    ...(row.note ? [`  ${row.system}: ${row.note}`] : []),
    ...(row.skipped && row.samples.length > 0 ? [`  ${row.system}: stopped: ${row.skipped}`] : []),
  ])
  const goals = one.goals.map((goal) => `  ${renderGoal(goal, one)}`)
  return [`${one.suite}: ${one.title}`, ...align([head, ...body]), ...notes, ...goals, ''].join(
    '\n',
  )
}

/**
 * @param {Goal} goal
 * @param {Case} one
 */
function renderGoal(goal, one) {
  const column = one.columns.find(({ key }) => key === goal.key)
  const { met, limit, value } = judge(goal, one.rows)
  const shown = (/** @type {number | undefined} */ number) => figure(number, column?.digits ?? 0)
  const sign = goal.atMost === undefined ? '>=' : '<='
  const what = `${goal.system ?? OURS} ${column?.title ?? goal.key}`
  const bound = `${goal.atMost ?? goal.atLeast}${wanted(goal, shown(limit))}`
  const verdict = { true: 'met', false: 'MISSED', undefined: 'not measured' }[`${met}`]
  return [`goal: ${what} ${sign} ${bound}: ${verdict}`, shown(value)].filter(Boolean).join(', ')
}

/**
 * @param {Goal} goal
 * @param {string} limit - in figures, where known
 */
function wanted({ times: system }, limit) {
  if (system === undefined) return ''
  return ` × ${system}${limit === '' ? '' : ` (${limit})`}`
}

/**
 * How far the rounds lie apart in the first column, the one that is compared.
 * @param {Row} row
 * @param {Column | undefined} column
 */
function spreadOf({ samples }, column) {
  if (column === undefined || samples.length < 2) return ''
  return `${Math.round(spread(samples.flatMap((sample) => sample[column.key] ?? [])) * 100)} %`
}

/**
 * @param {number | undefined} value
 * @param {number} digits
 */
function figure(value, digits) {
  if (value === undefined) return ''
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}

/** @param {number | undefined} value */
function times(value) {
  if (value === undefined) return ''
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2).replace(/e\+?(-?\d+)/, 'e$1')
}

/**
 * First column to the left, figures to the right; a row of two cells is a name and a remark.
 * @param {readonly string[][]} rows
 */
function align(rows) {
  const wide = rows.filter((row) => row.length > 2)
  const width = (/** @type {number} */ i) => Math.max(...wide.map((row) => row[i]?.length ?? 0))
  const first = Math.max(...rows.map(([name = '']) => name.length))
  return rows.map(([name = '', ...cells]) => {
    const rest = cells.length === 1 ? cells : cells.map((cell, i) => cell.padStart(width(i + 1)))
    return `  ${name.padEnd(first)}  ${rest.join('  ')}`.trimEnd()
  })
}

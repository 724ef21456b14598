import { expect, test } from 'vitest'
import { createLogger } from '../src/cli/log.ts'
import { peerTable } from '../src/cli/peers.ts'

/** Clears a terminal, in the two forms there are, and turns what follows around. */
const ORDERS = '\u001b[2J\u009b2J\u202e'
const SPELLED = '\\x1b[2J\\x9b2J\\u202e'

test('a service of another node orders no terminal about, and makes no line of its own', () => {
  const shown = peerTable([
    { key: 'ab', address: null, version: 2, rttMs: null, services: [`a${ORDERS}`, 'b\nFAKE\tROW'] },
  ])
  expect(shown.split('\n')).toEqual([
    expect.stringContaining('SERVICES'),
    expect.stringMatching(/^ab .* a\\x1b\[2J\\x9b2J\\u202e b\\nFAKE\\tROW$/),
    '',
  ])
})

test('a log for people orders no terminal about', () => {
  const lines: string[] = []
  const log = createLogger('info', { write: (line) => lines.push(line) })
  log.info({ host: `h${ORDERS}` }, `m${ORDERS}`)
  const error = new Error(`e${ORDERS}`)
  error.stack = `Error: ${error.message}\n    at place`
  log.warn({ err: error }, 'failed')
  const [info = '', warning = ''] = lines
  expect(info).toMatch(/ m\\x1b\[2J\\x9b2J\\u202e host=.*h\\u001b\[2J\\x9b2J\\u202e"\n$/)
  expect(warning.split('\n').slice(1)).toEqual([`  Error: e${SPELLED}`, '    at place', ''])
})

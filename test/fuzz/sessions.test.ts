import { expect, test } from 'vitest'
import { fuzz } from './support/family.ts'
import { connections } from './support/machine.ts'

/** The rest of what the machines get has streams and discovery above. */
const EFFORT = { share: 0.55, budgetMs: 60_000 }

test('a session that hears anything, whole or byte by byte', { timeout: 900_000 }, () => {
  const { ends } = fuzz(connections('sessions', false), EFFORT)
  // They get to every stage: the key, both hellos, messages, the session's own among them, the end.
  const reached = [
    'orderly',
    'FLATEND_MONTE_AUTHENTICATION',
    'FLATEND_MONTE_HANDSHAKE_REFUSED',
    'FLATEND_MONTE_HELLO_LIMIT',
    'FLATEND_MONTE_LEGACY_HELLO',
    'FLATEND_MONTE_MESSAGE_LENGTH',
    'FLATEND_MONTE_ENDED',
    'FLATEND_MONTE_TRUNCATED',
    'FLATEND_WIRE_FRAME_TOO_LARGE',
  ]
  expect(reached.filter((end) => !ends.has(end))).toEqual([])
})

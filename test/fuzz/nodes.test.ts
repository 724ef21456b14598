import { expect, test } from 'vitest'
import { fuzz } from './support/family.ts'
import { connections, discoveryHeard } from './support/machine.ts'

/** The rest of what the machines get has nothing above the session. */
const EFFORT = { share: 0.45, budgetMs: 60_000 }

test('streams and discovery over a session that hears anything', { timeout: 900_000 }, () => {
  const { ends } = fuzz(connections('connections of a node', true), EFFORT)
  const reached = [
    'orderly',
    'FLATEND_MONTE_TRUNCATED',
    'FLATEND_RPC_STREAM_ID',
    'FLATEND_RPC_UNKNOWN_STREAM',
    'FLATEND_RPC_HEADER_LIMIT',
    'FLATEND_RPC_FLOW_CONTROL_VIOLATED',
    'FLATEND_KADEMLIA_LIMIT',
    'FLATEND_KADEMLIA_FAMILY',
  ]
  expect(reached.filter((end) => !ends.has(end))).toEqual([])
  // FIND_NODE of v1, then FIND_NODE2, the messages of records, SERVICES, PEERS and LEAVE.
  const opcodes = [4, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]
  expect([...discoveryHeard].toSorted((a, b) => a - b)).toEqual(opcodes)
})

import { describe, expect, test } from 'vitest'
import { askEverything, discoveryMessages, recordsSeen } from './support/discovery-family.ts'
import { fuzz } from './support/family.ts'
import { streamMessages } from './support/rpc-family.ts'
import { frames, reads } from './support/wire-family.ts'

describe('decoders that are given anything', { timeout: 900_000 }, () => {
  test('wire: packets out of a byte stream, whole or byte by byte', () => {
    const { ends } = fuzz(frames, { share: 0.5, budgetMs: 9_000 })
    expect([...ends.keys()].toSorted()).toEqual(['FLATEND_WIRE_FRAME_TOO_LARGE', 'ok'])
  })

  test('wire: fields out of a message, text as the platform reads it', () => {
    const { ends } = fuzz(reads, { share: 0.5, budgetMs: 5_000 })
    const codes = ['FLATEND_WIRE_TRAILING', 'FLATEND_WIRE_TRUNCATED', 'FLATEND_WIRE_UTF8', 'ok']
    expect([...ends.keys()].toSorted()).toEqual(codes)
  })

  test('kademlia: messages of discovery, records among them, and answers to its own', async () => {
    // FIND_NODE2, PUT, GET, WATCH and PEERS.
    expect(await askEverything()).toEqual([0x10, 0x11, 0x12, 0x13, 0x17])
    const { ends } = fuzz(discoveryMessages, { budgetMs: 8_000 })
    const reached = ['ok', 'FLATEND_KADEMLIA_LIMIT', 'FLATEND_KADEMLIA_FAMILY']
    expect(reached.filter((end) => !ends.has(end))).toEqual([])
    const seen = recordsSeen()
    const fates = ['stored', 'seqTooLow', 'seqReused', 'expired', 'malformed', 'unexpectedEvents']
    expect(fates.filter((fate) => !seen[fate])).toEqual([])
  })

  test('rpc: messages of streams, several in a row', () => {
    const { ends } = fuzz(streamMessages, { budgetMs: 15_000 })
    const reached = [
      'ok',
      'FLATEND_RPC_STREAM_ID',
      'FLATEND_RPC_UNKNOWN_STREAM',
      'FLATEND_RPC_HEADER_LIMIT',
      'FLATEND_RPC_FIELD',
      'FLATEND_RPC_DATA_AFTER_END',
      'FLATEND_RPC_FLOW_CONTROL_VIOLATED',
      'FLATEND_WIRE_TRAILING',
    ]
    expect(reached.filter((end) => !ends.has(end))).toEqual([])
  })
})

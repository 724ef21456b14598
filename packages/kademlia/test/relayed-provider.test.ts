import { expect, test } from 'vitest'
import { GET } from '../src/codec.ts'
import { serviceKey, signRecord } from '../src/record.ts'
import { writeGetAnswer } from '../src/record-codec.ts'
import { randomId, seededRandom } from './support/ids.ts'
import { WALL } from './support/record-mesh.ts'
import { hash, recordOf, signerOf, verify } from './support/records.ts'
import { bodyOf, fixture, verified } from './support/scripted-peer.ts'

test('a provider is dialed where it is, then through its relays', async () => {
  const self = randomId(seededRandom(5))
  const one = fixture({}, undefined, {
    self: { key: self },
    records: { signer: signerOf(self), verify, hash, wallNow: () => WALL },
  })
  const peer = verified(one)
  const relay = new Uint8Array(32).fill(7)
  const record = recordOf(one.random, {
    key: serviceKey('hello', hash),
    issued: WALL,
    relayed: true,
    addresses: [
      { address: { host: '10.0.0.9', port: 9_000 }, relay },
      { address: { host: '10.0.0.7', port: 7 } },
    ],
  })
  const { bytes } = signRecord(record, signerOf(record.publicKey))
  const found = one.discovery.resolve('hello', new AbortController())
  await one.clock.advance(0)
  const asked = peer.questions.find(({ opcode }) => opcode === GET)
  asked?.onReply(
    0,
    bodyOf((writer) => writeGetAnswer(writer, { total: 1, records: [bytes], contacts: [] })),
  )
  await one.clock.advance(20_000)
  const key = record.publicKey
  expect(one.targets.slice(0, 2)).toEqual([
    { address: '10.0.0.7:7', key },
    { address: '10.0.0.9:9000', key, relay },
  ])
  for (const { onReply } of peer.questions) onReply(7)
  await one.clock.advance(20_000)
  expect(await found).toEqual([])
})
